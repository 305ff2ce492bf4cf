/** What reaches the driver's mailbox: each is one thing that happened outside the fold. */
import type { CallId, Encoded, GuestCall, GuestError, Halt } from '../base/halt.ts'
import type {
  CallbackKind,
  CallOutcome,
  Digest,
  Effect,
  OutputReason,
  QuestionId,
  Stored,
  Touch,
  Usage,
} from '../journal/entry.ts'
import type { HeapLink, SignalRow } from '../journal/store.ts'

/** A guest's call after the door: its input validated, or refused with an error for the code. */
export type PreparedCall =
  | {
      readonly call: GuestCall
      readonly sent: Digest
      readonly is: 'tool'
      readonly input: Encoded
      readonly effect: Effect
      readonly approval: 'never' | 'always' | 'judge'
      readonly child?: true
    }
  | { readonly call: GuestCall; readonly sent: Digest; readonly is: 'ask'; readonly question: QuestionGiven }
  | { readonly call: GuestCall; readonly sent: Digest; readonly is: 'sleep'; readonly ms: number }
  /** Nothing is to be done for it: it was refused, or it was a read of what is there. */
  | { readonly call: GuestCall; readonly sent: Digest; readonly is: 'settled'; readonly outcome: CallOutcome }

export interface QuestionGiven {
  readonly message: string
  /** JSON Schema as JSON text. */
  readonly schema?: string
  /** Ms since the epoch. */
  readonly expiresAt?: number
}

/** AgentPausedException as data. */
export interface PauseGiven {
  readonly message: string
  readonly question?: QuestionGiven
  readonly onAnswer: 'value' | 'call'
  readonly state?: Stored
  readonly traceparent?: string
  readonly tracestate?: string
  readonly baggage?: string
}

export interface ReplyGiven {
  readonly parts: Encoded
  readonly text: string
  readonly code?: string
  readonly answer?: { readonly value: Encoded; readonly reason: OutputReason }
  readonly mistake?: string
  readonly usage: Usage
  readonly finishReason: string
  /** Of a summary: characters of the prompt that is left, about. */
  readonly left?: number
  /** The code, compiled, or why it does not compile. */
  readonly compiled?:
    | { readonly ok: true; readonly program: string }
    | { readonly ok: false; readonly error: GuestError }
  /** Whether a person must approve the program; absent: no. */
  readonly approval?: 'always' | 'judge'
}

/** What user code (a callback, a check, a model) did instead of returning. */
export type Interruption =
  | { readonly is: 'pause'; readonly pause: PauseGiven }
  | { readonly is: 'stop'; readonly message: string }

/** Where a heap stands: the seq of the last entry delivered, and the step that is open there, if one is. */
export interface HeapPlace {
  readonly position: number
  readonly step?: number
  /** The last call that its code has made: what the journal asks for after it must come again on replay. */
  readonly lastCall?: CallId
}

export type Happening =
  | {
      readonly kind: 'model-answered'
      readonly key: string
      readonly step: number
      readonly attempt: number
      readonly reply: ReplyGiven
    }
  | {
      readonly kind: 'model-broke'
      readonly key: string
      readonly step: number
      readonly attempt: number
      readonly error: { readonly code: string; readonly message: string }
      /** Ms to wait before another attempt; absent: there is no use. */
      readonly retryIn?: number
    }
  | {
      readonly kind: 'guest-halted'
      /** The seq of the entry whose delivery led here. */
      readonly position: number
      readonly step: number
      readonly calls: readonly PreparedCall[]
      readonly halt: Halt
    }
  | {
      readonly kind: 'call-settled'
      readonly key: string
      readonly call: CallId
      readonly attempt: number
      readonly outcome: CallOutcome
      /** What the run of a managed agent has used, and what had come into it. */
      readonly usage?: Usage
      readonly touched?: readonly Touch[]
      /** Ms to wait before another attempt; absent: this outcome stands. */
      readonly retryIn?: number
      /** Why its tool cannot say whether the call, which must not be repeated, has happened. */
      readonly doubt?: string
    }
  | {
      readonly kind: 'judged'
      readonly key: string
      readonly call: CallId
      readonly required: boolean
      readonly message?: string
      /** Ms that a person has. */
      readonly expiresIn?: number
      /** The remembered decision that said it, by its question. */
      readonly rule?: QuestionId
      readonly error?: GuestError
    }
  | {
      readonly kind: 'code-judged'
      readonly key: string
      readonly step: number
      readonly required: boolean
      readonly message?: string
      readonly expiresIn?: number
      /** The program may not run, and nobody is asked. */
      readonly error?: GuestError
    }
  | {
      readonly kind: 'probed'
      readonly key: string
      readonly call: CallId
      readonly said: 'happened' | 'not' | 'unknown'
      /** The result, where it had happened. */
      readonly outcome?: CallOutcome
    }
  | {
      readonly kind: 'callback-returned'
      readonly key: string
      readonly of: CallbackKind
      readonly step: number
      readonly index: number
      readonly name: string
    }
  | {
      readonly kind: 'checked'
      readonly key: string
      /** Which review it belongs to: an answer may have been given up meanwhile. */
      readonly review: string
      readonly index: number
      readonly name: string
      readonly refused?: string
      /** The answer as the check made it. */
      readonly value?: Encoded
    }
  /** User code paused or stopped the run. `call` or `callback` or `check` says from where. */
  | {
      readonly kind: 'interrupted'
      readonly key: string
      readonly by:
        | { readonly call: CallId; readonly attempt: number }
        | {
            readonly callback: number
            readonly of: CallbackKind
            readonly step: number
            readonly name: string
          }
        | { readonly check: number; readonly review: string; readonly name: string }
        | { readonly model: string; readonly step: number; readonly attempt: number }
      readonly interruption: Interruption
    }
  | { readonly kind: 'signalled'; readonly rows: readonly SignalRow[] }
  | { readonly kind: 'pause-asked'; readonly cause: 'requested' | 'parent'; readonly message: string }
  | { readonly kind: 'stop-asked'; readonly message: string }
  /** The run of a managed agent was paused, by itself or by somebody. */
  | { readonly kind: 'child-paused'; readonly key: string; readonly message: string }
  | { readonly kind: 'woke'; readonly key: string }
  | { readonly kind: 'grace-over'; readonly key: string }
  | { readonly kind: 'diverged'; readonly message: string }
  | {
      readonly kind: 'checkpointed'
      readonly links: readonly HeapLink[]
      /** Where the heap stands; and where an open step began, of which so many links are the heap. */
      readonly place: HeapPlace & { readonly start?: HeapPlace & { readonly links: number } }
    }
  /** An effect was cut and has nothing to say. */
  | { readonly kind: 'gone'; readonly key: string }
  /** The store says that something may have changed. */
  | { readonly kind: 'hinted' }
  /** The guest's player has dealt with one thing it was given. */
  | { readonly kind: 'passed' }
  | { readonly kind: 'broke'; readonly error: unknown }
