/**
 * What a run costs, and what its next request may cost: all that `maxCost` asks. USD throughout.
 *
 * B1  A request is sent only if its reply and, under `onLimit: 'finish'`, the last word after it still fit.
 * B2  What it may cost is reserved with `model-called` and settled with `model-replied`. A reply that a crash lost may
 *     have been billed: its reservation counts.
 * B3  An estimate is the tokens of the last request and its reply, as the provider counted them, and a third of a
 *     token for each character since; the reply is taken to be REPLY_TOKENS long. A longer one may pass the limit by
 *     what it is longer.
 */
import { reservedNow } from '../journal/account.ts'
import type { State } from '../journal/shape.ts'
import type { PricedUsage } from '../model/catalog.ts'
import { promptTokens } from './context.ts'

/** Tokens that a reply is taken to have before it is there. */
const REPLY_TOKENS = 4_096

export type Price = (usage: PricedUsage) => number | undefined

/** What a run may still spend. */
export interface Purse {
  /** Of all limits that it is under, its own and those of the agents above; Infinity: none. */
  readonly left: number
  readonly price: Price
}

/** What the run has cost since somebody last granted it as much again, what is under way included. */
export function spentBy(state: State): number {
  const { usage, money } = state
  return (usage.cost ?? 0) + money.lost + reservedNow(state) - money.granted
}

/** What one more request may cost (B3); `later`: how many replies it comes after. */
export function requestCost(state: State, price: Price, later = 0): number {
  const inputTokens = promptTokens(state) + later * REPLY_TOKENS
  return costOf({ inputTokens, outputTokens: REPLY_TOKENS }, price) ?? state.money.dearest
}

/** Whether a request for a step, or for the last word, fits (B1). */
export function fits(state: State, purpose: 'step' | 'answer', { left, price }: Purse): boolean {
  if (left === Infinity) return true
  const isFinished = state.run.options.onLimit === 'finish' && purpose === 'step'
  return requestCost(state, price) + (isFinished ? requestCost(state, price, 1) : 0) <= left
}

/** The cost of a reply; undefined where neither the provider nor a price list tells. */
export function costOf(usage: PricedUsage & { readonly cost?: number }, price: Price): number | undefined {
  const cost = usage.cost ?? priced(usage, price)
  return cost !== undefined && Number.isFinite(cost) && cost >= 0 ? cost : undefined
}

/** A price list of the author's that throws tells nothing. */
function priced(usage: PricedUsage, price: Price): number | undefined {
  try {
    return price(usage)
  } catch {
    return undefined
  }
}
