/**
 * CodeAgent: an agent whose actions are programs. Its runs live in memory; `PersistentCodeAgent` keeps them.
 *
 * An agent is a definition: many runs at once are fine. `runId`, `task`, `memory`, `questions` and `result` speak of
 * the last run that was started or bound, as this process last read it.
 */
import type { Definition } from './agent/definition.ts'
import type { ImageGiven } from './agent/images.ts'
import { Memory } from './agent/memory.ts'
import { onlyOfNewRun, withLimits, type TaskLimits } from './agent/task-limits.ts'
import { define } from './agent/define.ts'
import { checkOptionNames, dataOptions, type AgentOptions } from './agent/options.ts'
import { closeSources, opened } from './agent/sources.ts'
import { optionsOf, savedOf, type SavedAgent, type SavedParts } from './agent/saved.ts'
import { UsageError } from './base/errors.ts'
import { memoryStore } from './journal/memory.ts'
import type { Decision, MemoryEdit } from './journal/entry.ts'
import type { State } from './journal/shape.ts'
import type { Store } from './journal/store.ts'
import { createRun, mayFollow } from './run/begin.ts'
import { editAlone, sendEdit } from './run/edit.ts'
import type { RunEvent } from './run/event.ts'
import { storedEvents, type StoredEventOptions } from './run/events.ts'
import { Feeds } from './run/feed.ts'
import { readMemory } from './run/inspect.ts'
import { recover, type Recovered } from './run/recover.ts'
import { openQuestions, resultOf, type Question, type RunResult } from './run/result.ts'
import { Run, type RunStart } from './run/run.ts'
import { rememberedDecisions, withdrawDecision, type RememberedDecision } from './run/rules.ts'
import { answerQuestion, haltRun, sayTo, type SayOptions } from './run/signal.ts'
import { warmWorker } from './sandbox/sandbox-thread.ts'
import { outsideTrace } from './telemetry/trace.ts'

/** Options of one task. */
export interface TaskOptions extends TaskLimits {
  /** Names the run; starting the same task under the same id again is harmless. Default: a new id. */
  readonly runId?: string
  /** `false`: go on with the bound run instead of starting a new one. Default `true`. */
  readonly reset?: boolean
  readonly maxSteps?: number
  /** Variables for the model's code. */
  readonly additionalArgs?: Readonly<Record<string, unknown>>
  /** For a model that sees: bytes, data URLs, or `{ data, mediaType }`. They stand with the task, once. */
  readonly images?: readonly ImageGiven[]
  /** Fires: the run pauses at the next safe point. */
  readonly abortSignal?: AbortSignal
  /** Secrets, tenant, loggers for this run's tools, in place of the agent's own. Never journaled. */
  readonly context?: unknown
  /** Stay in the process through durable timers, however long. Default: rest, and be woken. */
  readonly wait?: boolean
  /**
   * The tools and managed agents that a new run may call at most, by name; it holds for all runs below it, and for as
   * long as the run lives. Default: all.
   */
  readonly grants?: readonly string[]
}

/** Options of `agent.continue`. */
export interface ContinueOptions extends Omit<
  TaskOptions,
  'runId' | 'reset' | 'grants' | 'maxCost' | 'timeout'
> {
  /** A follow-up task for a completed or failed run, even where it reads like the one before. */
  readonly task?: string
}

export interface StreamOptions extends TaskOptions {
  /** What leaving the stream early does: `'pause'` the run (default), or let it `'continue'`. */
  readonly onAbandon?: 'pause' | 'continue'
}

export class CodeAgent<Output = unknown> implements AsyncDisposable {
  readonly #given: AgentOptions<Output>
  #definition: Definition | undefined
  #store: Promise<Store> | undefined
  #bound: { readonly runId: string; readonly task: string; readonly known?: Recovered } | undefined
  /** Runs that this agent drives now. */
  readonly #driven = new Set<Run<Output>>()
  readonly #feeds = new Feeds()
  #memory = new Memory([])
  #questions: readonly Question[] = []
  #result: RunResult<Output> | undefined
  /** Tools that the bound run is to have no more. */
  protected revoked: readonly string[] = []
  /** What an `otelContextHandler` returned: the next segment goes on under it. */
  protected otelContext: unknown

  /** @throws {UsageError} naming the option that is wrong. */
  constructor(options: AgentOptions<Output>) {
    checkOptionNames(options)
    this.#given = options
    this.#definition = this.isComplete(options) ? define(options, this) : undefined
  }

  /** The id of the last run that was started or bound. */
  get runId(): string | undefined {
    return this.#bound?.runId
  }

  /** That run's task: `agent.run(agent.task, { reset: false })` goes on with it. */
  get task(): string {
    return this.#bound?.task ?? ''
  }

  /** What happened, as this process last read it: at bind, after `answer`, at every rest. */
  get memory(): Memory {
    return this.#memory
  }

  /** The open questions, as this process last read them. */
  get questions(): readonly Question[] {
    return this.#questions
  }

  /** The result of the last run that came to rest or was bound; undefined while the first one runs. */
  get result(): RunResult<Output> | undefined {
    return this.#result
  }

  /**
   * Runs a task until it rests. With `reset: false`: goes on with the bound run (its own task), or gives a finished one
   * a follow-up task.
   * @throws {UsageError} @throws {RunBusyError} another process drives the run. @throws {LeaseLostError}
   */
  async run(task: string, options: TaskOptions = {}): Promise<RunResult<Output>> {
    const stored = options.reset === false ? await this.#stored(task) : undefined
    if (stored !== undefined) return stored
    const run = await this.start(task, options)
    return run.result()
  }

  /** Starts a task; resolves when the run is durable, with a handle on it. */
  async start(asked: string, options: TaskOptions = {}): Promise<Run<Output>> {
    const { store, definition: whole, ...more } = await this.#ready(options)
    if (options.reset === false) onlyOfNewRun(options)
    const given = withLimits(whole, this.#given, options)
    await given.secrets.known(given.context)
    const task = this.#clean(asked)
    // A run that goes on is looked at first: there may be nothing to do.
    const definition = options.reset === false ? given : await opened(given)
    if (options.reset !== false) {
      const runId = await createRun(store, definition, { task, ...options })
      return this.#drive({ ...more, store, definition, runId, why: 'start' }, task)
    }
    if (options.grants !== undefined)
      throw new UsageError('grants are of a new run: one that exists keeps those that it began with.')
    const { known, ...bound } = this.#mustBeBound()
    if (task !== bound.task) return this.continue(bound.runId, { ...options, task })
    const read = known === undefined ? {} : { known }
    return this.#drive({ ...more, ...read, store, definition, runId: bound.runId, why: 'resume' }, task)
  }

  /**
   * Goes on with a stored run, or gives a finished one a follow-up `task`: for servers, where one agent has many runs. The
   * run becomes the bound one. Resolves with a handle on it.
   * @throws {StateNotFoundError} no such run. @throws {UsageError} a follow-up for a run that is not finished, or stopped.
   */
  async continue(runId: string, options: ContinueOptions = {}): Promise<Run<Output>> {
    const { revoked = [], otelContext, ...all } = await this.#ready(options)
    const isBound = this.#bound?.runId === runId
    const ready = isBound ? { ...all, revoked, otelContext } : all
    const known = await recover(ready.store, runId)
    const { task = known.state.task.text, ...rest } = options
    if (options.task === undefined) return this.#drive({ ...ready, known, runId, why: 'resume' }, task)
    mayFollow(known.state)
    return this.#drive({ ...ready, known, runId, why: 'resume', task: { task, ...rest } }, task)
  }

  /**
   * What happened to a stored run, from its first fact or after one, and with `follow` what happens, whoever drives it;
   * live events are those of runs that this agent drives. Needs neither tools nor model. The last event is the result,
   * unless the run is being driven. Default: the bound run.
   * @throws {StateNotFoundError} no such run. @throws {StateCorruptError} @throws {UsageError} no run is bound.
   */
  async *events(
    runId?: string,
    options: StoredEventOptions = {},
  ): AsyncGenerator<RunEvent<Output>, void, undefined> {
    const run = runId ?? this.#mustBeBound().runId
    const source = { store: await this.store(), run, feed: this.#feeds.of(run) }
    // The output's type is the author's word for what their checks and schema let through.
    yield* storedEvents(source, options) as AsyncGenerator<RunEvent<Output>, void, undefined>
  }

  /** Events of a run as they come; the last is the result. The run starts at the first `next()`. */
  async *stream(
    task: string,
    options: StreamOptions = {},
  ): AsyncGenerator<RunEvent<Output>, void, undefined> {
    const stored = options.reset === false ? await this.#stored(task) : undefined
    if (stored !== undefined) {
      yield { type: 'result', result: stored }
      return
    }
    const run = await this.start(task, options)
    let done = false
    try {
      for await (const event of run.events()) {
        done = event.type === 'result'
        yield event
      }
    } finally {
      if (!done && options.onAbandon !== 'continue') {
        await run.pause('The reader of its stream left')
        await run.result()
      }
    }
  }

  /** Rest at the next safe point. Resolves when that is durable. */
  async pause(reason = 'Paused on request'): Promise<void> {
    const { runId } = this.#mustBeBound()
    const driven = this.#drivenHere(runId)
    if (driven !== undefined) return driven.pause(reason)
    await haltRun(await this.store(), runId, { kind: 'pause', reason })
  }

  /** Stop for good. Resolves when that is durable; tools in flight see their `abortSignal`. */
  async stop(reason = 'Stopped on request', { by }: { readonly by?: string } = {}): Promise<void> {
    const { runId } = this.#mustBeBound()
    const driven = this.#drivenHere(runId)
    const who = by === undefined ? {} : { by }
    if (driven !== undefined) return driven.stop(reason, who)
    await haltRun(await this.store(), runId, { kind: 'stop', reason, ...who })
  }

  /**
   * Tells the model of the bound run something: it stands in its next prompt, from any process, and an answer that was
   * given without knowing it does not stand. Durable when this resolves; a run that rests hears it when it goes on.
   * `interrupt`: what the run is in the middle of comes to its end, and the model is asked next.
   * @throws {UsageError} no message, no run, or one that is stopped.
   */
  async say(message: string, options: SayOptions = {}): Promise<void> {
    const { runId } = this.#mustBeBound()
    await sayTo(await this.store(), runId, this.#clean(message), options)
  }

  /**
   * Records a decision on an open question, or the same on several; `run` or a worker goes on. The first decision wins, repeating it is harmless.
   * @throws {AlreadyAnsweredError} another decision stands. @throws {UsageError} it does not fit. @throws {StateNotFoundError}
   */
  async answer(
    questionId: string | readonly string[],
    decision: Decision,
    options: { readonly by?: string } = {},
  ): Promise<void> {
    const { runId } = this.#mustBeBound()
    const store = await this.store()
    for (const id of typeof questionId === 'string' ? [questionId] : questionId)
      await answerQuestion(store, runId, id, this.#clean(decision), options.by)
    this.#questions = await openQuestions(store, runId)
  }

  /** Decisions that count for later calls of the bound run (`remember`), oldest first: its own, and those of its agent. */
  async decisions(): Promise<readonly RememberedDecision[]> {
    const { runId } = this.#mustBeBound()
    const store = await this.store()
    const row = await store.run(runId)
    return rememberedDecisions(store, row === undefined ? {} : { agent: row.agent, rootRunId: row.rootRunId })
  }

  /** A remembered decision counts no more. @throws {StateNotFoundError} none that stands is of this question. */
  async withdraw(questionId: string): Promise<void> {
    await withdrawDecision(await this.store(), questionId)
  }

  /**
   * Gives the store back and ends the servers that its tools come from, so that the process can end. A run that is being
   * driven is paused first.
   */
  async close(): Promise<void> {
    const store = this.#store
    this.#store = undefined
    for (const run of this.#driven) await run.pause('Its agent was closed').catch(() => undefined)
    for (const run of this.#driven) await run.result().catch(() => undefined)
    if (this.#definition !== undefined) await closeSources(this.#definition)
    await (await store)?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * This agent's definition as plain JSON: options as data; model, tools and functions by name. Keep it anywhere, and
   * make an agent of it again with `fromJSON`. Runs, `context`, `secrets`, `telemetry`, the store and its key
   * are no part of it.
   * @throws {UsageError} a callback, a check, an approval or a price is a function without a name.
   */
  toJSON(): SavedAgent {
    this.#complete({})
    return savedOf(this.#given)
  }

  /**
   * An agent of a saved definition. Nothing that it names is loaded or run: tools, models and functions are those of
   * `parts`, by name. Other options in `parts` take the place of saved ones.
   * @throws {UsageError} it is no saved agent, newer than this version, or names what is not in `parts`.
   */
  static fromJSON<Output = unknown>(
    data: unknown,
    parts: SavedParts & Partial<AgentOptions<Output>> = {},
  ): CodeAgent<Output> {
    return new CodeAgent<Output>(loaded(data, parts))
  }

  /** What this agent is made of, for whoever drives its runs (`drainDue`). @throws {UsageError} it was bound without a model. */
  definition(): Definition {
    return this.#complete({})
  }

  /** Opens the place where runs are kept. */
  protected async openStore(): Promise<Store> {
    return memoryStore()
  }

  /** True if there is all that driving needs. */
  protected isComplete(_options: AgentOptions<Output>): boolean {
    return true
  }

  /** The definition, if there is all that driving needs. */
  protected defined(): Definition | undefined {
    return this.#definition
  }

  /** @throws {UsageError} no run was started or bound. */
  protected boundRun(): string {
    return this.#mustBeBound().runId
  }

  /** The place where its runs are kept, opened at first use; `close` closes it. */
  store(): Promise<Store> {
    this.#store ??= outsideTrace(async () => this.openStore()).catch((error: unknown) => {
      this.#store = undefined
      throw error
    })
    return this.#store
  }

  /** An agent that was given no name goes by that of the run that it is bound to. */
  protected goBy(name: string): void {
    if (this.#given.name === undefined && this.#definition !== undefined)
      this.#definition = { ...this.#definition, name }
  }

  /** Binds this agent to a stored run and reads it, unless it was `read` just now. All that is read is verified; nothing is written. */
  protected async bind(runId: string, read?: Recovered): Promise<void> {
    const store = await this.store()
    const known = read ?? (await recover(store, runId))
    const { state } = known
    this.#bound = { runId, task: state.task.text, known }
    this.#result = (await resultOf(store, state, { durationMs: 0, inFlight: [] })) as RunResult<Output>
    await this.#look(store, runId, state)
  }

  /** The stored result, where going on with the bound run means to do nothing. */
  async #stored(task: string): Promise<RunResult<Output> | undefined> {
    const bound = this.#mustBeBound()
    const store = await this.store()
    if (task !== bound.task && this.#clean(task) !== bound.task) return undefined
    const row = await store.run(bound.runId)
    if (row?.status !== 'completed' && row?.status !== 'stopped') return undefined
    await this.bind(bound.runId)
    return this.#result
  }

  #complete(options: TaskOptions): Definition {
    const definition = this.#definition
    if (definition === undefined) {
      throw new UsageError('This agent has no model, so it can be read but not driven.', {
        hint: `Give it one: model: 'provider/model', and the tools of the run; resumeExecution takes them too.`,
      })
    }
    return options.context === undefined ? definition : { ...definition, context: options.context }
  }

  /** What driving takes, whichever run. */
  async #ready(options: TaskOptions): Promise<Omit<RunStart, 'runId' | 'why'>> {
    const definition = this.#complete(options)
    outsideTrace(warmWorker)
    const store = await this.store()
    return {
      store,
      definition,
      given: dataOptions(this.#given),
      ...(this.revoked.length === 0 ? {} : { revoked: this.revoked }),
      ...(options.abortSignal === undefined ? {} : { abortSignal: options.abortSignal }),
      ...(options.wait === undefined ? {} : { wait: options.wait }),
      ...(this.otelContext === undefined ? {} : { otelContext: this.otelContext }),
    }
  }

  #drivenHere(runId: string): Run<Output> | undefined {
    return [...this.#driven].find((run) => run.id === runId)
  }

  #mustBeBound(): { readonly runId: string; readonly task: string; readonly known?: Recovered } {
    if (this.#bound !== undefined) return this.#bound
    throw new UsageError('This agent has no run yet.', {
      hint: 'Start one with run(task), or bind a stored one with resume({ runId }).',
    })
  }

  #drive(start: RunStart, task: string): Run<Output> {
    const run = new Run<Output>({ ...start, feed: this.#feeds.of(start.runId) })
    this.#driven.add(run)
    const done = (): boolean => this.#driven.delete(run)
    run.result().then(done, done)
    this.#bound = { runId: run.id, task }
    return run.watched(async (result) => {
      if (this.#bound?.runId !== run.id || this.#store === undefined) return
      this.#result = result
      await this.#look(await this.store(), run.id)
    })
  }

  /** What a person says, without the values of secrets. */
  #clean<Said>(said: Said): Said {
    return this.#definition?.secrets.clean(said) ?? said
  }

  async #edit(runId: string, given: MemoryEdit): Promise<void> {
    const edit = this.#clean(given)
    const store = await this.store()
    const driven = this.#drivenHere(runId)
    if (driven === undefined) await editAlone(store, runId, edit)
    else await sendEdit(store, runId, edit)
    if (driven === undefined && this.#bound?.runId === runId) await this.#look(store, runId)
  }

  /** `state`: as it was read just now; what is missing of its story is noticed. */
  async #look(store: Store, runId: string, state?: State): Promise<void> {
    this.#questions = await openQuestions(store, runId)
    this.#memory = await readMemory(store, runId, state, async (edit) => this.#edit(runId, edit))
  }
}

/** The options of a saved definition, with those that are given in place of saved ones. */
export function loaded<Options extends Partial<AgentOptions>>(
  data: unknown,
  { models, functions, tools, ...given }: SavedParts & Options,
): AgentOptions & Omit<Options, 'tools'> {
  const parts = { ...(models && { models }), ...(functions && { functions }), ...(tools && { tools }) }
  const more = given.model === undefined ? parts : { ...parts, model: given.model }
  const saved = optionsOf(data, more, (options) => new CodeAgent(options))
  return { ...saved, ...given, model: saved.model } as unknown as AgentOptions & Omit<Options, 'tools'>
}
