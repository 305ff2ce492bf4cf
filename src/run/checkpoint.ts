/** What a checkpoint holds, for those who write it and those who only read. */
import type { Happening } from '../agent/happening.ts'
import type { State } from '../journal/shape.ts'

/** What a checkpoint keeps beside the state: where its heap stands. */
export interface CheckpointState {
  /** The version of the state's shape: a checkpoint of another one is not used. */
  readonly v: number
  readonly state: State
  readonly place: Extract<Happening, { kind: 'checkpointed' }>['place']
  /** How many links lead to the heap. */
  readonly links: number
}

/** A checkpoint's state stands after the entry with this chain. */
export function stateContext(chain: Uint8Array): string {
  return `state after ${Buffer.from(chain).toString('hex')}`
}
