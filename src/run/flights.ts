/**
 * What a driver has under way: effects by their keys, each with the means to end it. And what a resting run still waits
 * for.
 *
 * U1  What the state has given up is ended: everything of a run that was stopped or has failed, a request whose time is
 *     over, what a person interrupted, an agent whose call nobody waits for.
 * U2  A run that comes to rest waits for what is under way, but no longer than its grace. Agents have a grace of their
 *     own: they are told to come to their end, and are waited for.
 */
import type { ChildAtRest } from '../agent/at-hand.ts'
import type { Effect } from '../agent/next.ts'
import type { CallId } from '../base/halt.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { State } from '../journal/shape.ts'

interface Flight {
  readonly effect: Effect
  readonly stop: AbortController
}

const GRACE = 'grace'

export class Flights {
  readonly #under = new Map<string, Flight>()
  readonly #atRest: () => ReadonlyMap<CallId, ChildAtRest>
  #graceOver = false

  /** `atRest`: the agents that only wait. */
  constructor(atRest: () => ReadonlyMap<CallId, ChildAtRest>) {
    this.#atRest = atRest
  }

  /** The grace for calls in flight is over. */
  get graceOver(): boolean {
    return this.#graceOver
  }

  has(key: string): boolean {
    return this.#under.has(key)
  }

  /** The signal that ends it. */
  begin(effect: Effect): AbortSignal {
    const stop = new AbortController()
    this.#under.set(effect.key, { effect, stop })
    return stop.signal
  }

  ended(key: string): void {
    this.#under.delete(key)
  }

  /** U2. At a task's end an agent is stopped when its call is withdrawn, not let go of. */
  endGrace(state: State): void {
    this.#under.delete(GRACE)
    this.#graceOver = true
    const isClosing = state.phase.at === 'closing'
    for (const { effect, stop } of this.#under.values())
      if (effect.do === 'think' || isTool(effect) || (isAgent(effect) && !isClosing))
        stop.abort(new Error('The grace for calls in flight is over.'))
  }

  /** The run goes on before its grace was over: nobody is hurried any more. */
  dropGrace(): void {
    this.#under.get(GRACE)?.stop.abort()
    this.#under.delete(GRACE)
    this.#graceOver = false
  }

  /** U1. */
  tend(state: State): void {
    const { calls, ended, phase, strays } = state
    const isCut = ended?.status === 'stopped' || ended?.status === 'failed'
    if (isCut) faultPoint('flights-unaborted')
    for (const { effect, stop } of this.#under.values()) {
      if (isCut && (isTool(effect) || effect.do === 'think')) stop.abort(new Error('The run has ended.'))
      if (effect.do === 'think' && phase.at === 'thinking' && phase.attempt > effect.phase.attempt)
        stop.abort(new Error('The time for this request is over.'))
      if (isTool(effect) && strays.some(({ call, cut }) => call === effect.call.id && cut === true))
        stop.abort(new Error('A person interrupted the step.'))
      if (isAgent(effect) && !(effect.call.id in calls)) stop.abort()
    }
  }

  /** True if nothing is under way that a resting run waits for. */
  isQuiet(state: State): boolean {
    const under = [...this.#under.values()]
    return !under.some(
      ({ effect }) => (!this.#graceOver || isAgent(effect)) && this.#isAwaited(effect, state),
    )
  }

  /** True while an agent is at work, also for a call that nobody waits for any more. */
  hasAgents(): boolean {
    return [...this.#under.values()].some(({ effect }) => isAgent(effect))
  }

  /** The calls that may still land. */
  calls(): readonly { readonly call: CallId; readonly tool: string }[] {
    return [...this.#under.values()].flatMap(({ effect }) =>
      effect.do === 'call' && !this.#atRest().has(effect.call.id)
        ? [{ call: effect.call.id, tool: effect.call.tool }]
        : [],
    )
  }

  abort(): void {
    for (const { stop } of this.#under.values()) stop.abort()
  }

  /** A call that was withdrawn is waited for only where the run was cut short. */
  #isAwaited(effect: Effect, { calls, ended }: State): boolean {
    if (effect.do === 'wake' || effect.do === 'grace') return false
    if (effect.do !== 'call') return true
    const { id, child } = effect.call
    if (child === true) return !this.#atRest().has(id)
    return id in calls || ended?.status === 'stopped' || ended?.status === 'failed'
  }
}

type Call = Extract<Effect, { do: 'call' }>

function isTool(effect: Effect): effect is Call {
  return effect.do === 'call' && effect.call.child !== true
}

function isAgent(effect: Effect): effect is Call {
  return effect.do === 'call' && effect.call.child === true
}
