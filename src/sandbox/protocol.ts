/** What crosses between the host's thread and the guest's: strings, numbers and bytes. And what the guest is made of. */
import type { HeapSize } from '../base/halt.ts'
import type { Base } from './base.ts'
import type { SandboxLimits } from './sandbox.ts'

/** What a guest is made of. Made once per thread. */
export interface EngineParts {
  /** A compiled `WebAssembly.Module`; opaque here. */
  readonly module: object
  readonly base: Base
}

export type GuestLimits = SandboxLimits

/** A step's program as the engine takes it. */
export interface ProgramText {
  readonly file: string
  readonly declarations: string
  readonly body: string
  readonly hasValue: boolean
  /** JSON for the guest, so that it can tell positions as the model wrote them: see `positionsOf`. */
  readonly positions: string
  /** Encoded record of values to define first. */
  readonly variables?: string
  /** JSON: those that are too large to be given whole. */
  readonly large?: string
  /** Calls that nobody will settle any more. */
  readonly forget?: readonly string[]
}

/** What a settled call's payload is: an encoded value, a `LargeValue`, or the name and message of an error. */
export type Settled = 'value' | 'large' | 'error'

export type Request =
  | {
      readonly op: 'create'
      readonly limits: GuestLimits
      readonly seed: string
      readonly clock: number
      readonly tools: readonly string[]
    }
  | {
      readonly op: 'restore'
      readonly limits: GuestLimits
      /** What differs from the base. */
      readonly delta: Uint8Array
      /** Absent: those that the heap has. */
      readonly tools?: readonly string[]
    }
  | {
      readonly op: 'run'
      readonly step: number
      readonly program: ProgramText
      readonly clock: number
      readonly seed?: string
    }
  | {
      readonly op: 'settle'
      readonly call: string
      readonly as: Settled
      readonly payload: string
      readonly clock: number
      readonly step?: number
      readonly seed?: string
    }
  | { readonly op: 'grant'; readonly tools: readonly string[] }
  | { readonly op: 'interrupt'; readonly clock: number; readonly seed?: string }
  | { readonly op: 'image' }
  /** The last request to this guest. */
  | { readonly op: 'held' }
  /** Has no answer. */
  | { readonly op: 'drop' }

export type Reply =
  | { readonly kind: 'done' }
  /** The JSON of a `Halt`; of a step that ended, with the size of its heap. */
  | { readonly kind: 'halt'; readonly halt: string; readonly heap?: HeapSize }
  /** What has changed since the last one, or since the base. */
  | { readonly kind: 'image'; readonly delta: Uint8Array<ArrayBuffer> }
  /** The JSON of what the variables hold. */
  | { readonly kind: 'held'; readonly variables: string }
  /** The request could not be carried out at all; the guest is as it was, or absent. */
  | { readonly kind: 'failed'; readonly message: string }
