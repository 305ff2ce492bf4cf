/**
 * The agents that a run calls like tools: each such call is a run of its own, driven below its parent's driver.
 *
 * H1  A child's id follows from its call: whoever comes back to the call comes back to the same run.
 * H2  One lease for a family: a child is written under its root's epoch.
 * H3  A child that waits makes its call wait: the parent rests when nothing else is left, and goes on when one of its
 *     children can. A child that is paused otherwise pauses its parent.
 * H4  What pauses or stops the parent, or withdraws the call, does so to the child.
 */
import { decode, encode } from '../base/codec.ts'
import { UsageError } from '../base/errors.ts'
import type { CallId, Encoded } from '../base/halt.ts'
import { derivedText } from '../base/id.ts'
import { spentBy } from '../agent/budget.ts'
import type { Definition } from '../agent/definition.ts'
import type { Happening } from '../agent/happening.ts'
import { granted } from '../agent/grants.ts'
import { childId } from '../agent/lineage.ts'
import { errandOf } from '../agent/managed.ts'
import { runSummary } from '../agent/report.ts'
import { opened } from '../agent/sources.ts'
import { isDiverged } from '../agent/asking.ts'
import type { ChildAtRest } from '../agent/at-hand.ts'
import { onlyWaits } from '../agent/rest.ts'
import type { CallOutcome, Touch, Usage } from '../journal/entry.ts'
import type { OpenCall, State } from '../journal/shape.ts'
import { callsAgents } from '../journal/view.ts'
import { readBlob } from './blob.ts'
import { createRun } from './begin.ts'
import { changesOf } from './changes.ts'
import { Cut, type Drive, type Rest } from './driving.ts'
import { newsIn, openChildren } from './family.ts'
import type { KeptLease } from './lease.ts'
import type { FamilyPurse } from './purse.ts'
import { readStory, recover } from './recover.ts'
import { stopBelow, stopFamily } from './signal.ts'
import type { TraceCarrier } from '../telemetry/trace.ts'

/** Agents below agents below agents. */
const MOST_DEEP = 4
/** Agents of one run that are at work at the same time. */
const MOST_AT_ONCE = 32
const WITHDRAWN = 'Its call was withdrawn'

interface Around {
  /** The parent's own drive: what a child takes over from it. */
  readonly drive: Drive
  readonly kept: KeptLease
  readonly purse: FamilyPurse
  state(): State
  /** The family was resumed, by whoever began this segment or by a signal since. */
  isResumed(): boolean
  /** Something may have changed: the driver is to look. */
  hint(): void
  driveBelow(child: Drive): Promise<Rest>
}

interface AtRest extends ChildAtRest {
  goOn(): void
}

interface Handles {
  readonly pause: AbortController
  readonly stop: AbortController
  readonly cut: AbortController
}

export class Children implements AsyncDisposable {
  readonly #around: Around
  readonly #atRest = new Map<CallId, AtRest>()
  readonly #handles = new Map<CallId, Handles>()
  readonly #under = new Set<Promise<unknown>>()
  /** The calls whose agents were resumed with the family: what pauses them from then on stands. */
  readonly #resumed = new Set<CallId>()

  constructor(around: Around) {
    this.#around = around
  }

  /** The calls whose agents have nothing to do but wait. */
  get atRest(): ReadonlyMap<CallId, ChildAtRest> {
    return this.#atRest
  }

  /** Begins the agent's run, or comes back to it, and drives it until it has an outcome. */
  async send(
    call: OpenCall,
    input: Encoded,
    key: string,
    { abortSignal, carrier }: { readonly abortSignal: AbortSignal; readonly carrier: TraceCarrier },
  ): Promise<Happening> {
    const settled = { kind: 'call-settled' as const, key, call: call.id, attempt: call.attempt }
    const refused = this.#refusal(call)
    if (refused !== undefined) return { ...settled, outcome: refused }
    const handles = { pause: new AbortController(), stop: new AbortController(), cut: new AbortController() }
    const onAbort = (): void => (this.#isOver(call.id) ? handles.stop : handles.cut).abort()
    abortSignal.addEventListener('abort', onAbort, { once: true })
    this.#handles.set(call.id, handles)
    const outcome = this.#outcomeOf(call, input, handles, carrier)
    this.#under.add(outcome)
    try {
      const ended = await outcome
      if (ended === undefined) return { kind: 'gone', key }
      if ('paused' in ended) return { kind: 'child-paused', key, message: ended.paused }
      return { ...settled, ...ended }
    } catch (error) {
      if (error instanceof Cut) return { kind: 'gone', key }
      throw error
    } finally {
      abortSignal.removeEventListener('abort', onAbort)
      this.#under.delete(outcome)
      this.#handles.delete(call.id)
    }
  }

  /** Lets those go on that can. */
  async look(): Promise<void> {
    if (this.#atRest.size === 0) return
    const { store, lease } = this.#around.drive
    const news = await newsIn(store, lease.rootRunId)
    for (const [call, resting] of this.#atRest) if (news.of(this.#idOf(call)).isReady) resting.goOn()
  }

  /** H4. Those that only wait have nothing to pause. */
  pause(): void {
    for (const [call, { pause }] of this.#handles)
      if (!this.#atRest.has(call)) pause.abort('Its parent was paused')
  }

  /** H4: those whose call nobody waits for any more, of a process before too. */
  async stopStrays(): Promise<void> {
    const { store, lease } = this.#around.drive
    const { runId, calls } = this.#around.state()
    for (const [call, row] of await openChildren(store, lease.rootRunId, runId)) {
      if (call in calls) continue
      await stopFamily(store, lease, row.runId, WITHDRAWN)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { cut } of this.#handles.values()) cut.abort()
    await Promise.allSettled(this.#under)
  }

  #idOf(call: CallId): string {
    return childId(this.#around.state().runId, call)
  }

  /** Nobody waits for the call, whatever comes. */
  #isOver(call: CallId): boolean {
    const { calls, ended } = this.#around.state()
    return !(call in calls) || ended?.status === 'stopped'
  }

  #refusal(call: OpenCall): CallOutcome | undefined {
    const message =
      (this.#around.drive.parent?.depth ?? 0) + 1 >= MOST_DEEP
        ? `Agents call agents ${MOST_DEEP} deep, not deeper.`
        : this.#handles.size >= MOST_AT_ONCE
          ? `No more than ${MOST_AT_ONCE} agents are at work at the same time.`
          : undefined
    return message === undefined ? undefined : failure('LimitError', `${call.tool}: ${message}`)
  }

  async #outcomeOf(
    call: OpenCall,
    input: Encoded,
    handles: Handles,
    carrier: TraceCarrier,
  ): Promise<Ended | undefined> {
    const { store, lease, definition: above } = this.#around.drive
    const managed = above.managed.get(call.tool)
    if (managed === undefined) return { outcome: failure('ToolError', `There is no agent ${call.tool}.`) }
    const { grants } = this.#around.state().run
    let definition = {
      ...managed,
      context: managed.context ?? above.context,
      secrets: managed.secrets.below(above.secrets),
    }
    await definition.secrets.known(definition.context)
    const runId = this.#idOf(call.id)
    try {
      definition = granted(await opened(definition), grants)
      await this.#begin(definition, runId, { call, input, carrier })
    } catch (error) {
      // A task that cannot be, an id that is another run's, tools that cannot be had: an error of the code that called.
      if (error instanceof UsageError)
        return { outcome: failure('ToolError', `${call.tool}: ${error.message}`) }
      throw error
    }
    for (;;) {
      const recovered = await recover(store, runId)
      this.#around.purse.count(call.id, () => spentBy(recovered.state))
      const ended = await this.#ended(call, recovered.state, definition)
      if (ended !== undefined) return ended
      const { isReady, due } = (await newsIn(store, lease.rootRunId)).of(runId)
      if (handles.stop.signal.aborted) {
        await stopFamily(store, lease, runId, WITHDRAWN)
        continue
      }
      if (isIdle(recovered.state, isReady)) {
        await this.#wait(call, recovered.state, due, handles)
        continue
      }
      const why = this.#whyOf(call, recovered.state)
      if (why === undefined) return pausedBy(call, recovered.state)
      const { state } = await this.#drive(call, definition, recovered, why, handles)
      if (state.ended !== undefined || restsByItself(state)) continue
      if (handles.pause.signal.aborted) return undefined
      return pausedBy(call, state)
    }
  }

  /**
   * How the run goes on; undefined: somebody has paused it, and nobody has resumed the family since. A pause that came
   * from above is over when the parent goes on.
   */
  #whyOf(call: OpenCall, { pause, segments }: State): Drive['why'] | undefined {
    const isResumed = this.#around.isResumed() && !this.#resumed.has(call.id)
    this.#resumed.add(call.id)
    if (segments === 0) return 'start'
    if (pause === undefined) return 'take-over'
    if (isResumed || pause.cause === 'parent') return 'resume'
    return pause.cause === 'waiting' || pause.cause === 'diverged' || pause.cause === 'poisoned'
      ? 'wake'
      : undefined
  }

  /** H1. */
  async #begin(
    definition: Definition,
    runId: string,
    {
      call,
      input,
      carrier,
    }: { readonly call: OpenCall; readonly input: Encoded; readonly carrier: TraceCarrier },
  ): Promise<void> {
    const { store, lease } = this.#around.drive
    const known = await store.run(runId)
    if (known?.rootRunId === lease.rootRunId) return
    const { runId: above, run, touched } = this.#around.state()
    const { grants } = run
    const family = {
      rootRunId: lease.rootRunId,
      parent: { run: above, call: call.id },
      carrier,
      ...(grants === undefined ? {} : { grants }),
      ...(touched === undefined ? {} : { touched }),
    }
    // Its own, and the same whoever begins it.
    const seed = derivedText(26, run.seed, call.id)
    await createRun(store, definition, { ...errandOf(input), runId, seed }, family)
  }

  async #drive(
    call: OpenCall,
    definition: Definition,
    recovered: Awaited<ReturnType<typeof recover>>,
    why: Drive['why'],
    { pause, stop, cut }: Handles,
  ): Promise<Rest> {
    const { store, lease, clock, guests, wait, parent, askedAt, live, caller } = this.#around.drive
    const { state } = recovered
    const isResumed = why === 'resume' || (why !== 'wake' && this.#around.isResumed())
    if (cut.signal.aborted) throw new Cut()
    return this.#around.driveBelow({
      store,
      clock,
      definition,
      recovered,
      // A run that kills its process again and again is put aside at its root.
      lease: { ...lease, runId: state.runId, deaths: 0 },
      why,
      // What was said before the family was resumed is older than that wish.
      askedAt: why === 'resume' ? askedAt : 0,
      first: changesOf(state, definition, {}, (text) => text),
      abortSignal: pause.signal,
      parent: {
        kept: this.#around.kept,
        purse: this.#around.purse,
        call: call.id,
        depth: (parent?.depth ?? 0) + 1,
        isResumed,
        stop: stop.signal,
        cut: cut.signal,
      },
      live: live.below(state.runId, definition.name, state.seq),
      caller,
      ...(guests === undefined ? {} : { guests }),
      ...(wait === undefined ? {} : { wait }),
    })
  }

  /** H3: until `look` sees news, or somebody cuts or stops it. A pause of the parent changes nothing for who only waits. */
  async #wait(call: OpenCall, state: State, due: number | undefined, handles: Handles): Promise<void> {
    const message = `${call.tool}: ${state.pause?.message ?? 'it waits'}`
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const { stop, cut } = handles
    const onStop = (): void => resolve(undefined)
    const onCut = (): void => reject(new Cut())
    stop.signal.addEventListener('abort', onStop, { once: true })
    cut.signal.addEventListener('abort', onCut, { once: true })
    if (cut.signal.aborted) onCut()
    if (stop.signal.aborted) onStop()
    this.#atRest.set(call.id, {
      message,
      ...(due === undefined ? {} : { due }),
      goOn: () => {
        this.#atRest.delete(call.id)
        resolve(undefined)
      },
    })
    this.#around.hint()
    const over = new AbortController()
    const { clock, store } = this.#around.drive
    if (due !== undefined) clock.after(due - store.now(), () => this.#around.hint(), over.signal, false)
    try {
      await promise
    } finally {
      over.abort()
      this.#atRest.delete(call.id)
      stop.signal.removeEventListener('abort', onStop)
      cut.signal.removeEventListener('abort', onCut)
    }
  }

  async #ended(
    call: OpenCall,
    { ended, runId, usage, touched }: State,
    { provideRunSummary }: Definition,
  ): Promise<Ended | undefined> {
    if (ended === undefined) return undefined
    const left = { usage, ...(touched === undefined ? {} : { touched }) }
    const { store, lease } = this.#around.drive
    // Nobody can try it again: what it had begun ends with it.
    await stopBelow(store, lease, runId, 'The agent that had called it has ended')
    switch (ended.status) {
      case 'completed': {
        const { output } = ended
        const value =
          typeof output === 'string' ? output : await readBlob(this.#around.drive.store, runId, output.blob)
        // What the child kept for itself must be readable for its parent.
        const given: unknown = decode(value)
        if (!provideRunSummary) return { outcome: { ok: true, value }, ...left }
        const summary = runSummary((await readStory(store, runId)).chapters)
        return { outcome: { ok: true, value: encode({ output: given, summary }) }, ...left }
      }
      case 'failed':
        return { outcome: failure('ToolError', `${call.tool} failed: ${ended.message}`), ...left }
      case 'stopped':
        return { outcome: failure('ToolError', `${call.tool} was stopped: ${ended.message}`), ...left }
      default:
        return ended satisfies never
    }
  }
}

type Ended =
  | { readonly outcome: CallOutcome; readonly usage?: Usage; readonly touched?: readonly Touch[] }
  | { readonly paused: string }

/** It waits for a person or the clock, or was put aside with a question: an answer or the time is enough. */
function restsByItself(state: State): boolean {
  return state.pause?.cause === 'waiting' || isDiverged(state)
}

function pausedBy(call: OpenCall, { pause }: State): Ended {
  return { paused: `${call.tool}: ${pause?.message ?? 'it was cut'}` }
}

/** It waits, and nothing new has come. */
function isIdle(state: State, isReady: boolean): boolean {
  if (isReady || !restsByItself(state)) return false
  return isDiverged(state) || onlyWaits(state) || callsAgents(state)
}

function failure(name: string, message: string): CallOutcome {
  return { ok: false, error: { name, message } }
}
