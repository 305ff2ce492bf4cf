/** A run in the hand of this process: driven in the background from the moment it is made. */
import type { Definition } from '../agent/definition.ts'
import { granted } from '../agent/grants.ts'
import { childId } from '../agent/lineage.ts'
import { isDiverged } from '../agent/asking.ts'
import { onlyWaits } from '../agent/rest.ts'
import { opened } from '../agent/sources.ts'
import { systemClock, type Clock } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { Decision, Fact, RunId, RunOptions } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { callsAgents, isOpen, nextDue } from '../journal/view.ts'
import type { Store } from '../journal/store.ts'
import type { Secrets } from '../tool/secret.ts'
import type { Guests } from '../sandbox/guests.ts'
import { mayFollow, taskFact, type TaskGiven } from './begin.ts'
import { changesOf } from './changes.ts'
import { drive } from './drive.ts'
import { newsIn } from './family.ts'
import type { RunEvent } from './event.ts'
import { segmentEvents, type EventOptions } from './events.ts'
import { Feed, liveInto, type Segment } from './feed.ts'
import { releaseLease, takeLease } from './lease.ts'
import { recover, type Recovered } from './recover.ts'
import { callerContext } from '../telemetry/trace.ts'
import { resultOf, type RunResult } from './result.ts'
import { answerQuestion, endAlone, sayTo, sendSignal, type SayOptions } from './signal.ts'

export interface RunStart {
  readonly store: Store
  readonly definition: Definition
  readonly runId: RunId
  /** `resume` lets a paused run go on and tries a failed one again; the others do neither. */
  readonly why: 'start' | 'resume' | 'wake' | 'take-over'
  /** The data options that the author gave explicitly: those that differ from the stored ones are journaled. */
  readonly given?: Partial<RunOptions>
  /** Tools of the run's grants that it is to have no more. */
  readonly revoked?: readonly string[]
  /** What was read of the run before, if anything: used where nothing has been written since. */
  readonly known?: Recovered
  /** A follow-up task. */
  readonly task?: TaskGiven
  readonly abortSignal?: AbortSignal
  /** Stay through timers instead of resting. */
  readonly wait?: boolean
  /** An OpenTelemetry Context or carrier that this segment goes on under, in place of the stored one. */
  readonly otelContext?: unknown
  readonly clock?: Clock
  /** How long the lease holds without renewal, ms. Default: LEASE_TTL. */
  readonly leaseTtl?: number
  /** Where the guest comes from. Default: a thread of its own. */
  readonly guests?: Guests
  /** Where it says what happens. Default: one of its own. */
  readonly feed?: Feed
}

/** A run that is being driven. `result()` settles when it rests. */
export class Run<Output = unknown> {
  readonly id: RunId
  readonly #store: Store
  readonly #feed: Feed
  readonly #segment: Segment
  readonly #drives = Promise.withResolvers<boolean>()
  readonly #secrets: Secrets
  #result: Promise<RunResult<Output>>
  /** Nobody here drives it any more: a signal has to be seen to by whoever sends it. */
  #rested = false

  constructor(start: RunStart) {
    this.id = start.runId
    this.#store = start.store
    this.#feed = start.feed ?? new Feed()
    this.#segment = this.#feed.claim()
    this.#secrets = start.definition.secrets
    this.#result = this.#drive(start, callerContext())
    // Who asks for the result hears of its failure; nobody has to ask.
    this.#result.catch(() => undefined)
  }

  /** @throws {RunBusyError} @throws {LeaseLostError} @throws {UsageError} @throws {StateCorruptError} */
  async result(): Promise<RunResult<Output>> {
    return this.#result
  }

  /** True once it has the lease; false where somebody else has it, or there was nothing to do. */
  async drives(): Promise<boolean> {
    return this.#drives.promise
  }

  /** Lets the maker look at the result before anybody else has it. */
  watched(look: (result: RunResult<Output>) => Promise<void>): this {
    this.#result = this.#result.then(async (result) => {
      await look(result)
      return result
    })
    this.#result.catch(() => undefined)
    return this
  }

  /**
   * What happens until it rests, from now on or after a fact; the last is the result. A slow reader never holds the run
   * up and misses no fact. @throws what `result` throws, at the end.
   */
  events(options: EventOptions = {}): AsyncGenerator<RunEvent<Output>, void, undefined> {
    const source = { store: this.#store, run: this.id, feed: this.#feed }
    return this.#withResult(segmentEvents(source, this.#segment, options), options.abortSignal)
  }

  /** Rest at the next safe point. Resolves when that is durable. */
  async pause(reason = 'Paused on request'): Promise<void> {
    await sendSignal(this.#store, this.id, { kind: 'pause', reason })
    if (this.#rested) await endAlone(this.#store, this.id)
  }

  /** Stop for good. Resolves when that is durable; calls in flight see their abort signal. */
  async stop(reason = 'Stopped on request', { by }: { readonly by?: string } = {}): Promise<void> {
    await sendSignal(this.#store, this.id, { kind: 'stop', reason, ...(by === undefined ? {} : { by }) })
    if (this.#rested) await endAlone(this.#store, this.id)
  }

  async answer(questionId: string, decision: Decision, { by }: { readonly by?: string } = {}): Promise<void> {
    await answerQuestion(this.#store, this.id, questionId, this.#secrets.clean(decision), by)
  }

  /** Tells the model something: it stands in the next prompt. See `CodeAgent.say`. */
  async say(message: string, options: SayOptions = {}): Promise<void> {
    await sayTo(this.#store, this.id, this.#secrets.clean(message), options)
  }

  async *#withResult(
    events: ReturnType<typeof segmentEvents>,
    abortSignal: AbortSignal | undefined,
  ): AsyncGenerator<RunEvent<Output>, void, undefined> {
    yield* events
    if (abortSignal?.aborted !== true) yield { type: 'result', result: await this.#result }
  }

  async #drive(asked: RunStart, caller: unknown): Promise<RunResult<Output>> {
    const { store, runId, clock = systemClock } = asked
    const began = clock.now()
    const askedAt = store.now()
    let end: number | undefined
    try {
      await this.#secrets.known(asked.definition.context)
      const known = await newest(store, runId, asked.known)
      let start = {
        ...asked,
        definition: granted(asked.definition, known.state.run.grants),
        why: whyNow(asked.why, asked.known?.state, known.state),
      }
      if (start.task !== undefined || !isOver(known.state)) mustBeRoot(known.state)
      const untouched = async (state: State): Promise<RunResult<Output>> =>
        (await resultOf(store, state, {
          durationMs: clock.now() - began,
          inFlight: [],
        })) as RunResult<Output>
      const settled = await restingState(start, known.state)
      if (settled !== undefined) return await untouched(settled)
      start = { ...start, definition: await opened(start.definition) }
      // What does not fit is refused before anything is written, the lease included.
      firstFacts(known.state, start)
      await mustFit(store, known.state, start.definition)
      const lease = await takeLease(store, runId, clock, start.leaseTtl)
      let recovered: Recovered
      let first: readonly Fact[]
      try {
        recovered = await newest(store, runId, known)
        faultPoint('run-recovered')
        start = { ...start, why: whyNow(start.why, known.state, recovered.state) }
        // Whoever held the lease before may have brought the run to rest.
        const rested = await restingState(start, recovered.state)
        if (rested !== undefined) {
          await releaseLease(store, lease)
          return await untouched(rested)
        }
        first = firstFacts(recovered.state, start)
      } catch (error) {
        await releaseLease(store, lease)
        throw error
      }
      this.#feed.begin(this.#segment, runId, recovered.state.seq)
      this.#drives.resolve(true)
      const rest = await drive({
        store,
        lease,
        recovered,
        first,
        askedAt,
        clock,
        definition: start.definition,
        why: start.why,
        caller,
        live: liveInto(this.#feed, runId, [recovered.state.run.agent]),
        ...(start.abortSignal === undefined ? {} : { abortSignal: start.abortSignal }),
        ...(start.guests === undefined ? {} : { guests: start.guests }),
        ...(start.wait === undefined ? {} : { wait: start.wait }),
        ...(start.otelContext === undefined ? {} : { otelContext: start.otelContext }),
      })
      const { state, ...how } = { ...rest, state: await late(store, rest.state) }
      end = state.seq
      // The output's type is the author's word for what their checks and schema let through.
      return (await resultOf(store, state, { durationMs: clock.now() - began, ...how })) as RunResult<Output>
    } catch (error) {
      throw this.#secrets.error(error)
    } finally {
      this.#rested = true
      this.#feed.rest(this.#segment, runId, end)
      this.#drives.resolve(false)
    }
  }
}

/** Nothing more can become of its task. */
function isOver({ ended }: State): boolean {
  return ended?.status === 'completed' || ended?.status === 'stopped'
}

/** @throws {UsageError} an agent's run below another is driven with that one: they share a lease. */
function mustBeRoot({ runId, run }: State): void {
  if (run.parent === undefined) return
  throw new UsageError(`Run ${runId} is a part of run ${run.parent.run}.`, {
    hint: `Go on with that one. Its questions can be answered by themselves.`,
  })
}

const LATE: ReadonlySet<string> = new Set(['stop', 'pause', 'edit'])

/** What was acknowledged while the run came to rest is done now. */
async function late(store: Store, state: State): Promise<State> {
  const rows = await store.signals(state.runId)
  if (!rows.some(({ signal }) => LATE.has(signal.kind))) return state
  await endAlone(store, state.runId)
  return (await recover(store, state.runId)).state
}

/**
 * Whoever asks to go on asks it of the run as it was seen: where others have ended or paused it since, it is left as
 * they left it.
 */
function whyNow(why: RunStart['why'], seen: State | undefined, now: State): RunStart['why'] {
  // Somebody has taken it over already, and brought it to rest.
  if (why === 'take-over' && now.pause !== undefined) return 'wake'
  if (why !== 'resume' || seen === undefined) return why
  const isEnded = seen.ended === undefined && now.ended !== undefined
  const isPaused = seen.pause !== undefined && now.pause !== undefined && seen.pause.cause !== now.pause.cause
  return isEnded || isPaused ? 'wake' : why
}

/** What was read before, if nothing has been written since; else what stands now. */
async function newest(store: Store, runId: RunId, known: Recovered | undefined): Promise<Recovered> {
  const row = known === undefined ? undefined : await store.run(runId)
  return known !== undefined && row?.lastWrite === known.lastWrite ? known : recover(store, runId)
}

/** @throws {UsageError} a run of an agent that is called now does not fit the agent that is given, however deep below. */
async function mustFit(store: Store, { runId, calls }: State, definition: Definition): Promise<void> {
  for (const call of Object.values(calls)) {
    const managed = call.child === true ? definition.managed.get(call.tool) : undefined
    const row = managed === undefined ? undefined : await store.run(childId(runId, call.id))
    if (managed === undefined || row === undefined || !isOpen(row)) continue
    const { state } = await recover(store, row.runId)
    const below = granted(await opened(managed), state.run.grants)
    changesOf(state, below, {}, (text) => text)
    await mustFit(store, state, below)
  }
}

/** What comes before all else in this segment. @throws {UsageError} if the definition does not fit the run. */
function firstFacts(state: State, start: RunStart): readonly Fact[] {
  const inline = (text: string): string => text
  const changes = changesOf(state, start.definition, start.given ?? {}, inline, start.revoked)
  if (start.task !== undefined) {
    mayFollow(state)
    return [...changes, taskFact(start.task, state.task.number + 1, state.run.options, inline)]
  }
  if (state.ended?.status === 'failed') return [...changes, { kind: 'run-retried', why: 'it was resumed' }]
  return changes
}

/**
 * The state, where there is nothing to drive: the run has ended and nobody asks it to go on, or it waits and nothing
 * new has come. Such a run is not touched.
 */
async function restingState(start: RunStart, state: State): Promise<State | undefined> {
  const { store, definition, why } = start
  if (start.task !== undefined) return undefined
  const { ended } = state
  if (ended !== undefined) return ended.status !== 'failed' || why !== 'resume' ? state : undefined
  const isWoken = why === 'wake' && state.pause !== undefined
  if (!isWoken && (why !== 'resume' || !onlyWaits(state))) return undefined
  const signals = await store.signals(state.runId)
  const isWaiting = state.pause?.cause === 'waiting' || isDiverged(state)
  if (isWoken && !isWaiting)
    return signals.some(({ signal }) => signal.kind === 'resume' || signal.kind === 'stop')
      ? undefined
      : state
  const due = state.pause?.cause === 'waiting' && (nextDue(state) ?? Infinity) <= store.now()
  if (start.wait === true || due || signals.length > 0) return undefined
  if (callsAgents(state) && (await newsIn(store, state.runId)).of(state.runId).isReady) return undefined
  return changesOf(state, definition, start.given ?? {}, (text) => text, start.revoked).length > 0
    ? undefined
    : state
}
