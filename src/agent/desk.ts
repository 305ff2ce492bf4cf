/** What turning a happening into facts needs of its surroundings. */
import type { Encoded } from '../base/halt.ts'
import type { CallOutcome, Stored } from '../journal/entry.ts'

export interface Desk {
  /** The store's time, ms since the epoch. */
  readonly now: number
  /** Keeps large text as a blob beside the entries of this commit. */
  stow(text: Encoded): Stored
  encode(value: unknown): Encoded
  digest(text: string): string
  /** What an answer comes to, checked against its tool by whoever read the signal: new arguments, or a result. */
  checked?(question: string): CheckedAnswer | undefined
}

export type CheckedAnswer = { readonly input: Encoded } | { readonly outcome: CallOutcome }

/** `undefined` in the wire format of values. */
export const UNDEFINED: Encoded = '-1'
