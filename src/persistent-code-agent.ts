/**
 * PersistentCodeAgent: a CodeAgent whose runs survive. Every fact is in a file before anything happens because of it;
 * any process that has the file, the tools and the model goes on where the run stood.
 */
import type { Definition } from './agent/definition.ts'
import type { AgentOptions } from './agent/options.ts'
import { StateNotFoundError, UsageError } from './base/errors.ts'
import type { SavedParts } from './agent/saved.ts'
import { CodeAgent, loaded } from './code-agent.ts'
import type { StateKey } from './journal/keys.ts'
import { sqliteStore } from './journal/sqlite.ts'
import type { RunFilter, RunRow, Store } from './journal/store.ts'
import { isOpen } from './journal/view.ts'
import type { RunEvent } from './run/event.ts'
import { storedEvents, type StoredEventOptions } from './run/events.ts'
import { auditRun, type AuditedCall } from './run/audit.ts'
import { forkRun, type ForkOptions } from './run/fork.ts'
import { inspectRun, listRuns, type Inspection, type InspectOptions, type RunSummary } from './run/inspect.ts'
import { recover } from './run/recover.ts'
import { warmWorker } from './sandbox/sandbox-thread.ts'
import { outsideTrace } from './telemetry/trace.ts'

export interface PersistentAgentOptions<Output = unknown> extends AgentOptions<Output> {
  /** The SQLite file that keeps the runs. Default `'./agent_state.db'`. */
  readonly storagePath?: string
  /** Another store in place of the file. */
  readonly store?: Store
  /**
   * Seals what the file keeps of new runs: 32 bytes (or text that decodes to them), a passphrase, or a function from a
   * key's id to one of these (with `undefined`: the key of new runs). Default: `PCA_STATE_KEY`, if set.
   */
  readonly stateKey?: StateKey
}

/** Options of `resume` and `resumeExecution`. */
export interface ResumeOptions {
  /** Default: the only unfinished run, else the only run. */
  readonly runId?: string
  /**
   * Names of tools that the run was granted and is to have no more. What is given is what is granted: a tool that is
   * named here must not be among `tools`.
   */
  readonly revoke?: readonly string[]
  /** Gets the run's stored W3C carrier before anything runs; may return an OpenTelemetry Context to go on under. */
  readonly otelContextHandler?: (carrier: {
    readonly traceparent: string
    readonly tracestate?: string
  }) => unknown
}

/** Options of `PersistentCodeAgent.events`. */
export interface StoredEventsOfFile extends StoredEventOptions {
  /** Default: the only unfinished run, else the only run. */
  readonly runId?: string
  readonly stateKey?: StateKey
}

const DEFAULT_PATH = './agent_state.db'

export class PersistentCodeAgent<Output = unknown> extends CodeAgent<Output> {
  readonly #options: PersistentAgentOptions<Output>
  #mustExist = false

  /** @throws {UsageError} naming the option that is wrong. */
  constructor(options: PersistentAgentOptions<Output>) {
    super(options)
    this.#options = options
    if (options.store !== undefined && options.storagePath !== undefined)
      throw new UsageError('Give a store or a storagePath, not both.')
    if (options.store !== undefined && options.stateKey !== undefined)
      throw new UsageError('Give the stateKey to the store: sqliteStore(path, { stateKey }).')
  }

  /** The file that keeps the runs; undefined with a store of your own. */
  get storagePath(): string | undefined {
    return this.#options.store === undefined ? (this.#options.storagePath ?? DEFAULT_PATH) : undefined
  }

  /**
   * An agent bound to a stored run. Runs nothing yet. Without tools or model it can be read, not driven.
   * @throws {StateNotFoundError} no file, no run. @throws {StateCorruptError} @throws {UsageError} several runs could be meant.
   */
  static async resumeExecution<Output = unknown>(
    path: string,
    options: Partial<PersistentAgentOptions<Output>> & ResumeOptions = {},
  ): Promise<PersistentCodeAgent<Output>> {
    const { runId, otelContextHandler, revoke, ...rest } = options
    const agent = new PersistentCodeAgent<Output>({
      ...rest,
      storagePath: path,
    } as PersistentAgentOptions<Output>)
    try {
      return await agent.resume({
        ...(runId === undefined ? {} : { runId }),
        ...(revoke === undefined ? {} : { revoke }),
        ...(otelContextHandler === undefined ? {} : { otelContextHandler }),
      })
    } catch (error) {
      // Nobody has the agent: what it opened is given back, and the file is as it was.
      await agent.close()
      throw error
    }
  }

  /** An agent of a saved definition: see `CodeAgent.fromJSON`. Where its runs are kept is given with `parts`. */
  static override fromJSON<Output = unknown>(
    data: unknown,
    parts: SavedParts & Partial<PersistentAgentOptions<Output>> = {},
  ): PersistentCodeAgent<Output> {
    return new PersistentCodeAgent<Output>(loaded(data, parts) as PersistentAgentOptions<Output>)
  }

  /** The runs of a file, newest first. @throws {StateNotFoundError} @throws {StateCorruptError} */
  static async runs(
    path: string,
    { stateKey, ...filter }: RunFilter & { readonly stateKey?: StateKey } = {},
  ): Promise<readonly RunSummary[]> {
    await using store = sqliteStore(path, { readOnly: true, ...keyOf(stateKey) })
    return await listRuns(store, filter)
  }

  /**
   * A run as it stands, or as it stood after a past step. No tools, no model, no guest code runs. With `values`, what the
   * variables hold now is read from the stored heap.
   * @throws {StateNotFoundError} @throws {StateCorruptError} @throws {UsageError} no such step, or values of a past one.
   */
  static async inspect(
    path: string,
    {
      runId,
      stateKey,
      ...options
    }: InspectOptions & { readonly runId: string; readonly stateKey?: StateKey },
  ): Promise<Inspection> {
    await using store = sqliteStore(path, { readOnly: true, ...keyOf(stateKey) })
    return await inspectRun(store, runId, options)
  }

  /**
   * What happened to a run of a file, and with `follow` what happens, whoever drives it; facts only. Needs neither tools
   * nor model, and writes nothing. Without `runId`: as `resumeExecution` has it.
   * @throws {StateNotFoundError} no file, no run. @throws {StateCorruptError} @throws {UsageError} several runs could be meant.
   */
  static async *events(
    path: string,
    { runId, stateKey, ...options }: StoredEventsOfFile = {},
  ): AsyncGenerator<RunEvent, void, undefined> {
    await using store = sqliteStore(path, { readOnly: true, ...keyOf(stateKey) })
    yield* storedEvents({ store, run: runId ?? (await onlyRun(store, path)) }, options)
  }

  /** What was proposed, decided, sent and returned in a run and those below it, call by call, in order. */
  static async audit(
    path: string,
    { runId, stateKey }: { readonly runId: string; readonly stateKey?: StateKey },
  ): Promise<readonly AuditedCall[]> {
    await using store = sqliteStore(path, { readOnly: true, ...keyOf(stateKey) })
    return await auditRun(store, runId)
  }

  /** Binds this agent to a stored run. See `resumeExecution`. */
  async resume(options: ResumeOptions = {}): Promise<this> {
    this.#mustExist = true
    if (this.#options.model !== undefined) outsideTrace(warmWorker)
    const store = await this.store()
    const runId = options.runId ?? (await onlyRun(store, this.storagePath ?? 'the store'))
    const known = await recover(store, runId)
    const { state } = known
    const { name } = this.#options
    if (name !== undefined && name !== state.run.agent) {
      throw new UsageError(`Run ${runId} belongs to the agent '${state.run.agent}', not to '${name}'.`)
    }
    this.goBy(state.run.agent)
    this.revoked = mustBeAway(options.revoke ?? [], this.defined())
    await this.bind(runId, known)
    if (options.otelContextHandler !== undefined) {
      const { traceparent, tracestate } = state.run
      this.otelContext = options.otelContextHandler({
        traceparent,
        ...(tracestate === undefined ? {} : { tracestate }),
      })
    }
    return this
  }

  /**
   * A new run that shares the bound run's past, up to a step, an entry, or where an edit says; bound to an agent like
   * this one. It rests until it is run: `await twin.run(twin.task, { reset: false })`. The bound run is only read.
   * @throws {UsageError} there is no such place, call or question, or the edit does not fit.
   */
  async fork(options: ForkOptions = {}): Promise<PersistentCodeAgent<Output>> {
    const store = await this.store()
    const definition = this.defined()
    const given = definition?.secrets.clean(options) ?? options
    const runId = await forkRun(store, this.boundRun(), given, definition)
    return new PersistentCodeAgent<Output>(this.#options).resume({ runId })
  }

  protected override async openStore(): Promise<Store> {
    const { store, stateKey } = this.#options
    const create = !this.#mustExist
    return store ?? sqliteStore(this.storagePath ?? DEFAULT_PATH, { create, ...keyOf(stateKey) })
  }

  protected override isComplete(options: AgentOptions<Output>): boolean {
    return (options as Partial<AgentOptions<Output>>).model !== undefined
  }
}

/** @throws {UsageError} a tool is to be taken away, and is given. */
function mustBeAway(revoke: readonly string[], definition: Definition | undefined): readonly string[] {
  const given = revoke.find((name) => definition?.tools.has(name) === true)
  if (given === undefined) return revoke
  throw new UsageError(`The tool '${given}' is to be taken away, and is given: leave it out of the tools.`)
}

function keyOf(stateKey: StateKey | undefined): { readonly stateKey?: StateKey } {
  return stateKey === undefined ? {} : { stateKey }
}

/** The run that is meant when nobody says which. @throws {StateNotFoundError} none. @throws {UsageError} several. */
async function onlyRun(store: Store, where: string): Promise<string> {
  // An agent's run below another is meant by that one.
  const rows = await store.runs({ roots: true }, 50)
  const open = rows.filter(isOpen)
  const [only, second] = open.length > 0 ? open : rows
  if (only === undefined) throw new StateNotFoundError(`There is no run in ${where}.`)
  if (second === undefined) return only.runId
  const listed = (open.length > 0 ? open : rows)
    .slice(0, 10)
    .map((row: RunRow) => `${row.runId} (${row.status}): ${row.task.slice(0, 60)}`)
  throw new UsageError(`There are several runs in ${where}; name one with runId:\n  ${listed.join('\n  ')}`)
}
