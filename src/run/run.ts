/** A run in the hand of this process: driven in the background from the moment it is made. */
import type { Definition } from '../agent/definition.ts'
import { systemClock, type Clock } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import type { Decision, Fact, RunId, RunOptions } from '../journal/entry.ts'
import { nextDue, type State } from '../journal/state.ts'
import type { Store } from '../journal/store.ts'
import { changesOf, taskFact, type TaskGiven } from './begin.ts'
import { drive } from './drive.ts'
import { Feed, type RunEvent } from './feed.ts'
import { takeLease } from './lease.ts'
import { recover, type Recovered } from './recover.ts'
import { resultOf, type RunResult } from './result.ts'
import { answerQuestion, endAlone, sendSignal } from './signal.ts'

export interface RunStart {
  readonly store: Store
  readonly definition: Definition
  readonly runId: RunId
  readonly why: 'start' | 'resume' | 'take-over'
  /** The data options that the author gave explicitly: those that differ from the stored ones are journaled. */
  readonly given?: Partial<RunOptions>
  /** A follow-up task. */
  readonly task?: TaskGiven
  readonly abortSignal?: AbortSignal
  /** Stay through timers instead of resting. */
  readonly wait?: boolean
  /** An OpenTelemetry Context or carrier that this segment goes on under, in place of the stored one. */
  readonly otelContext?: unknown
  readonly clock?: Clock
}

/** A run that is being driven. `result()` settles when it rests. */
export class Run<Output = unknown> {
  readonly id: RunId
  readonly #store: Store
  readonly #feed = new Feed()
  #result: Promise<RunResult<Output>>

  constructor(start: RunStart) {
    this.id = start.runId
    this.#store = start.store
    this.#result = this.#drive(start)
    // Who asks for the result hears of its failure; nobody has to ask.
    this.#result.catch(() => undefined)
  }

  /** @throws {RunBusyError} @throws {LeaseLostError} @throws {UsageError} @throws {StateCorruptError} */
  async result(): Promise<RunResult<Output>> {
    return this.#result
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

  /** Events from now on; the last is the result. */
  async *events(): AsyncGenerator<RunEvent, void, undefined> {
    yield* this.#feed.read()
    yield { type: 'result', result: await this.#result }
  }

  /** Rest at the next safe point. Resolves when that is durable. */
  async pause(reason = 'Paused on request'): Promise<void> {
    await sendSignal(this.#store, this.id, { kind: 'pause', reason })
    await endAlone(this.#store, this.id)
  }

  /** Stop for good. Resolves when that is durable; calls in flight see their abort signal. */
  async stop(reason = 'Stopped on request'): Promise<void> {
    await sendSignal(this.#store, this.id, { kind: 'stop', reason })
    await endAlone(this.#store, this.id)
  }

  async answer(questionId: string, decision: Decision, { by }: { readonly by?: string } = {}): Promise<void> {
    await answerQuestion(this.#store, this.id, questionId, decision, by)
  }

  /** Tells the model something before its next step. */
  async say(message: string): Promise<void> {
    await sendSignal(this.#store, this.id, { kind: 'say', text: message })
  }

  async #drive(start: RunStart): Promise<RunResult<Output>> {
    const { store, runId, clock = systemClock } = start
    const began = clock.now()
    try {
      const waiting = start.why === 'resume' ? await stillWaiting(start) : undefined
      if (waiting !== undefined)
        return (await resultOf(store, waiting, {
          durationMs: clock.now() - began,
          inFlight: [],
        })) as RunResult<Output>
      const finished = start.task === undefined ? await finishedState(start) : undefined
      if (finished !== undefined)
        return (await resultOf(store, finished, {
          durationMs: clock.now() - began,
          inFlight: [],
        })) as RunResult<Output>
      const lease = await takeLease(store, runId)
      let recovered: Recovered
      let first: readonly Fact[]
      try {
        recovered = await recover(store, runId)
        first = firstFacts(recovered.state, start)
      } catch (error) {
        await store.release(lease)
        throw error
      }
      const rest = await drive({
        store,
        lease,
        recovered,
        first,
        clock,
        definition: start.definition,
        why: start.why,
        live: {
          committed: (entries) => entries.forEach((entry) => this.#feed.push({ type: 'entry', entry })),
          delta: ({ kind, text }) => this.#feed.push({ type: kind, delta: text }),
          printed: (text) => this.#feed.push({ type: 'printed', text }),
          logged: (call, text) => this.#feed.push({ type: 'log', call, text }),
        },
        ...(start.abortSignal === undefined ? {} : { abortSignal: start.abortSignal }),
        ...(start.wait === undefined ? {} : { wait: start.wait }),
        ...(start.otelContext === undefined ? {} : { otelContext: start.otelContext }),
      })
      const { state, ...how } = rest
      // The output's type is the author's word for what their checks and schema let through.
      return (await resultOf(store, state, { durationMs: clock.now() - began, ...how })) as RunResult<Output>
    } finally {
      this.#feed.close()
    }
  }
}

/** What comes before all else in this segment. @throws {UsageError} if the definition does not fit the run. */
function firstFacts(state: State, start: RunStart): readonly Fact[] {
  const inline = (text: string): string => text
  const changes = changesOf(state, start.definition, start.given ?? {}, inline)
  if (start.task !== undefined) {
    if (state.ended === undefined || state.ended.status === 'stopped') {
      throw new UsageError(
        `Run ${state.runId} is ${state.ended === undefined ? 'not finished' : 'stopped'}: it takes no other task.`,
        {
          hint: state.ended === undefined ? 'Resume it with its own task first.' : 'Start a new run.',
        },
      )
    }
    return [...changes, taskFact(start.task, state.task.number + 1, state.run.options, inline)]
  }
  if (state.ended?.status === 'failed') return [...changes, { kind: 'run-retried', why: 'it was resumed' }]
  return changes
}

/** A run that has ended, and that nobody asks to go on: its state, without touching it. */
async function finishedState(start: RunStart): Promise<State | undefined> {
  const status = (await start.store.run(start.runId))?.status
  const over =
    status === 'completed' || status === 'stopped' || (status === 'failed' && start.why === 'start')
  return over ? (await recover(start.store, start.runId)).state : undefined
}

/** A run that waits, with nothing new for it, rests again at once: its state, without touching it. */
async function stillWaiting(start: RunStart): Promise<State | undefined> {
  const { store, runId, definition } = start
  if (start.task !== undefined || start.wait === true) return undefined
  const row = await store.run(runId)
  if (row?.status !== 'paused' || row.cause !== 'waiting') return undefined
  if ((row.wakeAt ?? Infinity) <= store.now() || (await store.signals(runId)).length > 0) return undefined
  const { state } = await recover(store, runId)
  if (changesOf(state, definition, start.given ?? {}, (text) => text).length > 0) return undefined
  return (nextDue(state) ?? Infinity) <= store.now() ? undefined : state
}
