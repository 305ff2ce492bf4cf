/** What turning a happening into facts needs of its surroundings. */
import type { Encoded, GuestError } from '../base/halt.ts'
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

export interface CheckedAnswer {
  /** Of an edit: the new arguments, as the tool's schema makes them. */
  readonly input?: Encoded
  /** Of a response. */
  readonly outcome?: CallOutcome
  /** Of an edited program: what it compiles to, or why it does not. */
  readonly compiled?:
    | { readonly ok: true; readonly program: string }
    | { readonly ok: false; readonly error: GuestError }
  /** The author's policy is to be asked once more before what was approved happens. */
  readonly judge?: true
}

/** `undefined` in the wire format of values. */
export const UNDEFINED: Encoded = '-1'
