/**
 * The port to the room in which the model's code runs.
 *
 * S1  The guest never reaches the host. A tool call is a halt.
 * S2  One result at a time: `settle` drains the guest to a halt before the next may come.
 * S3  The heap is a function of what it was opened with and of the deliveries since: the clock moves only
 *     with a delivery, randomness comes from the seed.
 * S4  A guest that does not halt in time is killed from outside; after a kill only `open` is allowed.
 * S5  A heap is looked at only between deliveries, when the guest has halted.
 */
import type { CallId, Encoded, Halt, LargeValue, Outcome } from '../base/halt.ts'

/** A step's program, compiled once, journaled, and never compiled again. Plain JSON. */
export interface Program {
  /** The file name in stack frames: `step3.ts`. */
  readonly file: string
  /** Evaluated first: hoisted function declarations, then what the other top-level names are. */
  readonly declarations: string
  /** Evaluated with top-level await; every line where the model wrote it, but where `map` says otherwise. */
  readonly body: string
  /** What the model wrote. For telling about errors only; in the journal it stands beside the program. */
  readonly source?: string
  /** A record of values (encoded) that become top-level variables before anything runs. */
  readonly variables?: Encoded
  /** Those that are too large to be given whole. */
  readonly large?: Readonly<Record<string, LargeValue>>
  /** Calls of earlier steps that nobody will settle any more: what awaits them waits for nothing. */
  readonly forget?: readonly CallId[]
  /** True if the last statement has a value to show, or a top-level `return` occurs. */
  readonly hasValue: boolean
  /** Where the lines of `body` came from, and those of `declarations`, as far as they are not where they were written. */
  readonly map?: PositionMap
  readonly declarationsMap?: PositionMap
}

/** By line: `[column, source line, source column]`, all from 0. A line without any is where it was written. */
export type PositionMap = readonly (readonly (readonly [
  column: number,
  sourceLine: number,
  sourceColumn: number,
])[])[]

/** Bounds on one guest. Fixed per run: they are part of what makes replay exact. */
export interface SandboxLimits {
  /** Guest computing between two halts, in ms. */
  readonly stepTimeout: number
  /** The engine's heap, in bytes. */
  readonly memory: number
  readonly callsPerStep: number
  /** Characters of printed output that a step keeps (head and tail). */
  readonly outputChars: number
}

/** A part of a stored heap: what changed since the link before it. */
export interface Link {
  /** The seq of the last entry delivered to this heap. */
  readonly position: number
  readonly payload: Uint8Array
}

/** A heap as it is stored. Links that it shares with an earlier snapshot are the same objects. */
export interface Snapshot {
  readonly links: readonly Link[]
  /** So many links are the heap at the mark. */
  readonly start?: number
}

/** A stored heap, checked and opened: what a guest can go on with. Opaque outside `sandbox/`. */
export interface Heap {
  readonly links: readonly Link[]
  /** All of them in one. */
  readonly delta: Uint8Array
}

/** A variable of the code, as a person sees it. */
export interface HeldVariable {
  readonly name: string
  /** Type and size in a few words. */
  readonly type: string
  /** As `print` shows it; the first 4 000 characters. */
  readonly value: string
}

export type Opening =
  /** A fresh heap for a new run, or the start of a replay. */
  | { readonly from: 'seed'; readonly seed: string; readonly clock: number }
  /** `start`: so many of its links are the heap at the mark. */
  | { readonly from: 'heap'; readonly heap: Heap; readonly start?: number }

/** Where a delivery stands: the guest's clock (ms since the epoch) while it runs. */
export interface Moment {
  readonly clock: number
  /** For a result between two steps: the step that is about to begin, to which the calls it leads to belong. */
  readonly step?: number
  /** From here on randomness is another stream: the run is a fork, and this is its first delivery. */
  readonly seed?: string
}

export interface Sandbox extends AsyncDisposable {
  /** Ms that its guest has computed up to now: what it waited for a thread does not count. Absent: it waits for none. */
  readonly computed?: number
  /**
   * Gives the guest its heap and the names of the tools that this run was granted; without names, a stored heap has
   * those that it had. Replaces a guest that is there.
   */
  open(opening: Opening, tools?: readonly string[]): Promise<void>
  /** From now on these tools, and no others. */
  grant(tools: readonly string[]): Promise<void>
  /** Runs a step's program until the guest halts. The step number becomes part of the ids of its calls. */
  run(step: number, program: Program, moment: Moment): Promise<Halt>
  /** Settles one open call and drains the guest. A call that the guest does not know is ignored (a plain halt follows). */
  settle(call: CallId, outcome: Outcome, moment: Moment): Promise<Halt>
  /** The step's program goes on no more: it has failed where it waits, and every open call is forgotten. */
  interrupt(moment: Moment): Promise<Halt>
  /** Remembers the heap as it stands, at this place of the journal, in place of what was remembered before. */
  mark(position: number): Promise<void>
  /** The heap is again what it was at the mark, also after a kill. */
  back(): Promise<void>
  /**
   * The heap as it stands, at this place of the journal. It is taken when this resolves; packing goes on beside the
   * guest. `marked`: the heap at the mark has links of its own; else the mark is forgotten.
   */
  snapshot(position: number, marked: boolean): Promise<{ readonly packed: Promise<Snapshot> }>
}
