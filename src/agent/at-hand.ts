/** What only the process that drives a run knows of it. */
import type { CallId } from '../base/halt.ts'

export interface AtHand {
  readonly now: number
  /** False while a delivery to the guest is under way or queued. */
  readonly guestIdle: boolean
  /** The grace for calls in flight is over. */
  readonly graceOver: boolean
  /** A timer that is due sooner than this many ms is worth waiting for in the process. */
  readonly stay: number
  /** Agents are at work, for calls that are open or were withdrawn. */
  readonly hasAgents: boolean
  /** Calls of managed agents whose runs only wait. */
  readonly atRest: ReadonlyMap<CallId, ChildAtRest>
  /** USD that may still be spent, by this run and by all that are above it. Infinity: no limit. */
  readonly left: number
}

/** The run of a managed agent that has nothing to do but wait. */
export interface ChildAtRest {
  /** What for. */
  readonly message: string
  /** When it can go on by the clock, ms since the epoch. */
  readonly due?: number
}
