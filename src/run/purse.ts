/**
 * What a family of runs may still spend: a run's own limit, and those of the runs above it. What an agent has spent
 * counts for whoever called it from the moment that it is spent; once its call has returned, it is in the caller's usage.
 * Who calls keeps back what its own last word may cost.
 */
import { requestCost, spentBy, type Price } from '../agent/budget.ts'
import type { CallId } from '../base/halt.ts'
import type { State } from '../journal/shape.ts'

export class FamilyPurse {
  readonly #state: () => State
  readonly #price: Price
  readonly #above: FamilyPurse | undefined
  readonly #below = new Map<CallId, () => number>()

  constructor(state: () => State, price: Price, above?: FamilyPurse) {
    this.#state = state
    this.#price = price
    this.#above = above
  }

  /** USD; Infinity where nothing limits it. */
  get left(): number {
    const { maxCost } = this.#state().run.options
    const own = maxCost === undefined ? Infinity : maxCost - this.spent
    return Math.min(own, this.#above?.leftBelow ?? Infinity)
  }

  /** For all agents below together. */
  get leftBelow(): number {
    const { left } = this
    const state = this.#state()
    if (left === Infinity || state.run.options.onLimit !== 'finish') return left
    return left - requestCost(state, this.#price)
  }

  /** By this run and by the agents that it calls now. */
  get spent(): number {
    const state = this.#state()
    let spent = spentBy(state)
    // Of a call that nobody waits for any more, until its agent has come to its end.
    const isOpen = (call: CallId): boolean =>
      call in state.calls || state.strays.some((stray) => stray.call === call)
    for (const [call, below] of this.#below) if (isOpen(call)) spent += below()
    return spent
  }

  /** The agent of a call, as it was read, or as it goes on: the newest word counts. */
  count(call: CallId, spent: () => number): void {
    this.#below.set(call, spent)
  }
}
