/**
 * What every store keeps, as rules that a test of any runner can check. A store for another database runs them all:
 *
 *     for (const rule of storeContract) test(rule.says, () => rule.holds(open, clock))
 *
 * `open` gives a new, empty store that tells the time of `clock`, which `handClock()` makes. A rule that fails throws an AssertionError.
 * Each rule is there twice: beside the store, and at the end of a line that is slow and loses replies.
 * The numbers T1–T5 are those of `store.ts`; that what is acknowledged is durable (T1) takes a test that kills processes.
 */
import { asking, signalling } from './contract/asking.ts'
import { due, listing } from './contract/finding.ts'
import { hostile } from './contract/hostile.ts'
import type { Rule } from './contract/kit.ts'
import { leasing } from './contract/leasing.ts'
import { onBadLine } from './contract/line.ts'
import { appending, creating, keeping } from './contract/writing.ts'

export { handClock, type HandClock, type Rule } from './contract/kit.ts'

const rules: readonly Rule[] = [
  ...creating,
  ...appending,
  ...keeping,
  ...leasing,
  ...signalling,
  ...asking,
  ...due,
  ...listing,
  ...hostile,
]

export const storeContract: readonly Rule[] = [...rules, ...rules.map(onBadLine)]
