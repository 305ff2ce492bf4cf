/**
 * What the runs of a family say while they are driven here: for any number of readers, none of which holds them up.
 *
 * F1  Facts are told by number: a reader that has not kept up reads them from the store.
 * F2  A live event stands after the last durable fact of its run, and before the next.
 * F3  Memory is bounded: newest facts are kept while somebody reads, up to a size, and live events as `Backlog` has it.
 */
import type { Entry, RunId } from '../journal/entry.ts'
import { Backlog, charsOf, type Backlogs } from './backlog.ts'
import type { Live } from './driving.ts'
import type { LiveGiven } from './event.ts'

/** Characters of facts, about, that are kept for readers that keep up. */
const KEPT_CHARS = 2_000_000

/** One time of driving, from the moment that somebody means to until the run rests. */
export interface Segment {
  /** The last fact before it, and its last one; absent while unknown. */
  readonly start?: number
  readonly end?: number
  readonly isOver: boolean
}

type Open = { -readonly [K in keyof Segment]: Segment[K] }

export interface Listener {
  readonly backlogs: Backlogs
  wake(): void
}

/** A run of the family, as this process drives it. */
class Line {
  durable: number
  recent: Entry[] = []
  chars = 0
  /** What was said since the last fact. */
  readonly said = new Backlog()

  constructor(durable: number) {
    this.durable = durable
  }
}

export class Feed {
  readonly #lines = new Map<RunId, Line>()
  readonly #listeners = new Set<Listener>()
  readonly #open = new Set<Segment>()
  /** The one that has the lease. */
  #driving: Segment | undefined

  /** Somebody is about to drive the family's root. */
  claim(): Segment {
    const segment: Segment = { isOver: false }
    this.#open.add(segment)
    return segment
  }

  /** The root is driven from here on: `seq` is its last fact so far. */
  begin(segment: Segment, root: RunId, seq: number): void {
    ;(segment as Open).start = seq
    this.#driving = segment
    this.join(root, seq)
  }

  /** So is a run below it. */
  join(run: RunId, seq: number): void {
    this.#lines.set(run, new Line(seq))
    this.#wake()
  }

  committed(run: RunId, entry: Entry): void {
    const line = this.#lines.get(run) ?? new Line(entry.seq - 1)
    this.#lines.set(run, line)
    line.durable = entry.seq
    line.said.clear()
    if (this.#listeners.size > 0) keep(line, entry)
    else [line.recent, line.chars] = [[], 0]
    this.#wake()
  }

  /** F2. */
  live(run: RunId, path: readonly string[] | undefined, given: LiveGiven): void {
    const line = this.#lines.get(run)
    if (line === undefined) return
    const event = { ...given, run, after: line.durable, ...(path === undefined ? {} : { path }) }
    const chars = charsOf(given)
    line.said.put(event, chars)
    for (const { backlogs } of this.#listeners) backlogs.of(run).put(event, chars)
    this.#wake()
  }

  /** The root rests, or was not driven at all. `end`: its last fact; absent where the driving broke off. */
  rest(segment: Segment, root: RunId, end?: number): void {
    const last = end ?? (this.#driving === segment ? this.#lines.get(root)?.durable : undefined)
    Object.assign(segment as Open, { isOver: true }, last === undefined ? {} : { end: last })
    this.#open.delete(segment)
    if (this.#driving === segment) this.#driving = undefined
    this.#wake()
  }

  /** Hears of all that comes, and of what was said since the last facts. */
  listen(listener: Listener): void {
    this.#listeners.add(listener)
    for (const [run, { said }] of this.#lines) said.copyTo(listener.backlogs.of(run))
  }

  leave(listener: Listener): void {
    this.#listeners.delete(listener)
  }

  get isDriven(): boolean {
    return this.#driving !== undefined
  }

  /** Nobody speaks and nobody listens. */
  get isIdle(): boolean {
    return this.#open.size === 0 && this.#listeners.size === 0
  }

  /** The last durable fact of a run that is driven here now; undefined for another one. */
  durable(run: RunId): number | undefined {
    return this.isDriven ? this.#lines.get(run)?.durable : undefined
  }

  /** The facts after `seq` that are kept here; empty where the next one is not among them. */
  recent(run: RunId, seq: number): readonly Entry[] {
    const recent = this.#lines.get(run)?.recent ?? []
    const first = recent[0]?.seq ?? Infinity
    return seq + 1 < first ? [] : recent.slice(seq + 1 - first)
  }

  #wake(): void {
    for (const listener of this.#listeners) listener.wake()
  }
}

/** The feeds of the runs that are driven, or watched, in one place. */
export class Feeds {
  readonly #feeds = new Map<RunId, Feed>()

  of(run: RunId): Feed {
    for (const [other, feed] of this.#feeds) if (feed.isIdle) this.#feeds.delete(other)
    const feed = this.#feeds.get(run) ?? new Feed()
    this.#feeds.set(run, feed)
    return feed
  }
}

/** Where a driver, and those below it, say what happens. `names`: of the agents from the root's down to this run's. */
export function liveInto(feed: Feed, run: RunId, names: readonly string[]): Live {
  const path = names.length > 1 ? names : undefined
  return {
    committed: (entry) => feed.committed(run, entry),
    delta: ({ kind, text }) => feed.live(run, path, { type: kind, delta: text }),
    printed: (text) => feed.live(run, path, { type: 'printed', text }),
    logged: (call, text) => feed.live(run, path, { type: 'log', call, text }),
    progressed: (call, value) => feed.live(run, path, { type: 'progress', call, value }),
    below(child, name, seq) {
      feed.join(child, seq)
      return liveInto(feed, child, [...names, name])
    },
  }
}

/** F3. */
function keep(line: Line, entry: Entry): void {
  line.recent.push(entry)
  line.chars += sizeOf(entry)
  if (line.chars <= KEPT_CHARS) return
  // The older half goes at once: one by one, each would move all others.
  const half = line.recent.splice(0, Math.ceil(line.recent.length / 2))
  for (const gone of half) line.chars -= sizeOf(gone)
}

/** Characters, about. */
function sizeOf(entry: Entry): number {
  let size = 200
  for (const value of Object.values(entry))
    if (typeof value === 'string') size += value.length
    else if (typeof value === 'object') size += 500
  return size
}
