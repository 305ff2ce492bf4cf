/**
 * The words that the sandbox and the agent share: what goes into the guest, and what comes out when it has
 * nothing left to run.
 */

/** A value in devalue's wire format (see `codec.ts`). Text, so that it crosses threads and is hashed as it is. */
export type Encoded = string

/** `<step>.<ordinal>`: the n-th host call that the code of that step made, from 1. */
export type CallId = string

/** One host call that the guest wants. `input` was encoded once, in the guest; these bytes are what counts. */
export interface GuestCall {
  readonly id: CallId
  /** A granted tool's name, or one of the guest's own waits: `$ask` (input `[message, schema?]`), `$sleep` (input: a duration); `$read` (see `agent/large.ts`) `$history` (input `[step, 'output' | 'code']`), or `$tools` (see `agent/discovery.ts`). */
  readonly name: string
  readonly input: Encoded
}

/** An error as the model sees it: `stack` names line and column of the model's own TypeScript, nothing of the host. */
export interface GuestError {
  readonly name: string
  readonly message: string
  readonly stack?: string
}

/** What stands in the guest for a value that is too large for it. Plain JSON. */
export interface LargeValue {
  readonly ref: { readonly blob: string; readonly size: number }
  /** From that value to this one: keys, and `null` where a text is read as JSON. */
  readonly path: readonly (string | null)[]
  readonly is: 'text' | 'list' | 'record'
  /** Characters, items, or keys. */
  readonly length: number
  /** Of all of it, encoded, in characters. */
  readonly size: number
}

/** What settles a call in the guest. */
export type Outcome =
  | { readonly ok: true; readonly value: Encoded }
  | { readonly ok: true; readonly large: LargeValue }
  | { readonly ok: false; readonly error: GuestError }

/** How a step's program came to its end. */
export type Ending =
  /** The program ran through; `shown` is its last expression's value (or top-level `return`), inspected, if it has one. */
  | { readonly kind: 'value'; readonly shown?: string }
  /** It threw, or waits for something that nothing can settle. */
  | { readonly kind: 'error'; readonly error: GuestError }
  /** It called `finalAnswer(value)`; the first answer counts. */
  | { readonly kind: 'answer'; readonly value: Encoded }

export type KillReason = 'timeout' | 'memory' | 'stack' | 'trap' | 'calls' | 'output'

/** A variable of the session that is new since the last step, or has changed. */
export interface ToldVariable {
  readonly name: string
  /** Type and size in a few words, or a short value itself. */
  readonly type: string
  readonly isNew?: true
}

/** The guest's memory at a step's end, in bytes. */
export interface HeapSize {
  /** Of all of it. It never shrinks, so this is its high-water mark. */
  readonly bytes: number
  /** What is given out in it. */
  readonly used: number
}

/** The guest has nothing left to run. */
export type Halt =
  /** It waits for calls. `calls` are those made since the last halt, `printed` what was printed since then. */
  | { readonly kind: 'waiting'; readonly calls: readonly GuestCall[]; readonly printed: string }
  /** The program ended. `output` is all that the step printed (capped); `open` the calls that nobody settled yet. */
  | {
      readonly kind: 'ended'
      readonly calls: readonly GuestCall[]
      readonly printed: string
      readonly output: string
      readonly ending: Ending
      readonly open: readonly CallId[]
      /** Those that are new or have changed; the first of very many. Absent: none. */
      readonly variables?: readonly ToldVariable[]
      readonly moreVariables?: number
      /** Notes that the step has pinned. Absent: none. */
      readonly pins?: readonly string[]
      /** Absent from a sandbox that does not know. */
      readonly heap?: HeapSize
    }
  /** A limit cut it. The guest is gone; only `open` and `back` help. */
  | { readonly kind: 'killed'; readonly reason: KillReason; readonly message: string }
