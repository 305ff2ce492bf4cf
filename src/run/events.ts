/**
 * The events of a run as an async iterable: of one time of driving, or of the run whoever drives it.
 *
 * Whoever reads from `after: seq` on gets every fact after it once. What was not journaled and was said before this
 * reader came, or while it was too slow, is gone.
 */
import { systemClock, type Clock } from '../base/clock.ts'
import type { RunId } from '../journal/entry.ts'
import type { RunRow, Store } from '../journal/store.ts'
import { isOpen } from '../journal/view.ts'
import type { Happened, RunEvent } from './event.ts'
import type { Feed, Segment } from './feed.ts'
import { Reader, type After } from './reader.ts'
import { recover } from './recover.ts'
import { resultOf, type RunResult } from './result.ts'

/** A hint may never come: so often, in ms, a reader looks without one. */
const HEAL = 1_000
/** A constant reason: an abort without one builds an exception with its stack. */
const WOKEN = 'woken'

export interface EventOptions {
  /**
   * Begin with the fact after this one (`0`: with the first); for a family also by run, `{ [runId]: seq }`, others from
   * their first fact on. Default: of a run that was started here, from now on; of a stored one, `0`.
   */
  readonly after?: After
  /** Tell the runs of the agents that it calls, too. Default `false`. */
  readonly family?: boolean
  /** Fires: the events end, without a result. The run goes on. */
  readonly abortSignal?: AbortSignal
}

export interface StoredEventOptions extends EventOptions {
  /**
   * `false` (default): what is there now. `'rest'`: until the run rests or ends. `true`: until it ends, through all its
   * pauses, whoever drives it.
   */
  readonly follow?: boolean | 'rest'
}

interface Source {
  readonly store: Store
  readonly run: RunId
  /** What is said here of the run. */
  readonly feed: Feed
}

/** Of one time of driving, until its end; without `after`, from its beginning or from now on. */
export function segmentEvents(
  source: Source,
  segment: Segment,
  { after, family = false, abortSignal }: EventOptions,
): AsyncGenerator<Happened, void, undefined> {
  // From the moment of the call, whenever the first event is asked for.
  const now = segment.isOver ? segment.end : source.feed.durable(source.run)
  return ofSegment(source, segment, { from: after ?? now, isAsked: after !== undefined, family, abortSignal })
}

async function* ofSegment(
  source: Source,
  segment: Segment,
  given: {
    readonly from: After | undefined
    readonly isAsked: boolean
    readonly family: boolean
    readonly abortSignal: AbortSignal | undefined
  },
): AsyncGenerator<Happened, void, undefined> {
  const { family, abortSignal } = given
  using reader = new Reader({ ...source, family })
  using _waker = wakeOn(abortSignal, reader)
  const isClear = (): boolean =>
    given.from !== undefined || segment.start !== undefined || segment.isOver || isAborted(abortSignal)
  while (!isClear()) await reader.woken()
  const from = given.from ?? segment.start
  if (from === undefined) return
  reader.begin(from)
  if (given.isAsked || family) await reader.look()
  while (!isAborted(abortSignal)) {
    const event = await reader.next(segment.end)
    if (event !== undefined) yield event
    else if (!segment.isOver) await reader.woken()
    else if (!(await hasMore(reader, segment, given.isAsked))) return
  }
}

/** What came while it was brought to rest; or, where nothing was driven, what others did after the fact that was asked for. */
async function hasMore(reader: Reader, { end }: Segment, isAsked: boolean): Promise<boolean> {
  if (end !== undefined && reader.position >= end) return false
  if (end === undefined && !isAsked) return false
  const { lastSeq } = await reader.look()
  return reader.position < (end ?? lastSeq)
}

/** Of a stored run, whoever drives it. The last event is its result, unless it is still being driven. */
export async function* storedEvents(
  {
    store,
    run,
    feed,
    clock = systemClock,
  }: Omit<Source, 'feed'> & { readonly feed?: Feed; readonly clock?: Clock },
  { after = 0, follow = false, family = false, abortSignal }: StoredEventOptions = {},
): AsyncGenerator<RunEvent, void, undefined> {
  using reader = new Reader({ store, run, family, ...(feed === undefined ? {} : { feed }) })
  using _waker = wakeOn(abortSignal, reader)
  using _hints = follow === false ? undefined : hintsOf(store, reader)
  reader.begin(after)
  for (let row = await reader.look(); !isAborted(abortSignal);) {
    const event = await reader.next()
    if (event !== undefined) {
      yield event
      continue
    }
    const before = row.lastSeq
    row = await reader.look()
    if (row.lastSeq > before) continue
    if (follow === false || (feed?.isDriven !== true && isOver(row, follow))) {
      if (row.status !== 'running') yield { type: 'result', result: await resultNow(store, run) }
      return
    }
    await wokenOr(reader, clock, HEAL)
  }
}

function isAborted(abortSignal: AbortSignal | undefined): boolean {
  return abortSignal?.aborted === true
}

function isOver(row: RunRow, follow: true | 'rest'): boolean {
  return follow === 'rest' ? row.status !== 'running' : !isOpen(row)
}

async function resultNow(store: Store, run: RunId): Promise<RunResult> {
  return resultOf(store, (await recover(store, run)).state, { durationMs: 0, inFlight: [] })
}

function wakeOn(abortSignal: AbortSignal | undefined, reader: Reader): Disposable {
  const wake = (): void => reader.wake()
  abortSignal?.addEventListener('abort', wake)
  return { [Symbol.dispose]: () => abortSignal?.removeEventListener('abort', wake) }
}

function hintsOf(store: Store, reader: Reader): Disposable {
  const over = new AbortController()
  store.watch(() => reader.wake(), over.signal)
  return { [Symbol.dispose]: () => over.abort() }
}

/** Until something may have come. Only who waits holds the process alive. */
async function wokenOr(reader: Reader, clock: Clock, ms: number): Promise<void> {
  const over = new AbortController()
  clock.after(ms, () => reader.wake(), over.signal)
  try {
    await reader.woken()
  } finally {
    over.abort(WOKEN)
  }
}
