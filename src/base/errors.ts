/**
 * Every error that a caller can catch. One class for each thing that the caller can do about it.
 *
 * `name` is the class name, `code` its name in capitals without `Error`. The brand is a registered symbol, so
 * `isPersistentAgentError` recognises an error that another copy of this package threw.
 */

const BRAND = Symbol.for('persistent-code-agent.error')

/** What an error may carry beside its message: `cause`, and `hint`, the sentence that says what to do next. */
export interface ErrorDetails {
  readonly cause?: unknown
  readonly hint?: string
}

export abstract class PersistentAgentError extends Error {
  abstract readonly code: string
  /** What to do next, in one sentence; absent where the message says it. */
  readonly hint: string | undefined

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.hint = details.hint
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** The call itself is wrong: an option, a name, a task that does not fit the run's status. Change the call. */
export class UsageError extends PersistentAgentError {
  override readonly name = 'UsageError'
  readonly code = 'USAGE'
}

/** No such file, run or question. */
export class StateNotFoundError extends PersistentAgentError {
  override readonly name = 'StateNotFoundError'
  readonly code = 'STATE_NOT_FOUND'
}

/** The stored state is damaged, foreign, tampered with or newer than this version. Nothing was overwritten. */
export class StateCorruptError extends PersistentAgentError {
  override readonly name = 'StateCorruptError'
  readonly code = 'STATE_CORRUPT'
}

/** Another process drives this run. Leave it, or stop that process. */
export class RunBusyError extends PersistentAgentError {
  override readonly name = 'RunBusyError'
  readonly code = 'RUN_BUSY'
}

/** Another worker took this run over. Stop; it is in good hands. */
export class LeaseLostError extends PersistentAgentError {
  override readonly name = 'LeaseLostError'
  readonly code = 'LEASE_LOST'
}

/**
 * The store could not read or write its file, or does not know whether a write is durable: nothing more is written
 * through it. What was acknowledged stands. See to the disk, open the store again, and resume.
 */
export class StoreFailedError extends PersistentAgentError {
  override readonly name = 'StoreFailedError'
  readonly code = 'STORE_FAILED'
}

/** Somebody answered first. `winner` is the decision that stands. */
export class AlreadyAnsweredError extends PersistentAgentError {
  override readonly name = 'AlreadyAnsweredError'
  readonly code = 'ALREADY_ANSWERED'
  readonly winner: unknown

  constructor(message: string, winner: unknown, details: ErrorDetails = {}) {
    super(message, details)
    this.winner = winner
  }
}

/** Thrown by a tool: its message reaches the model word for word. */
export class ToolError extends PersistentAgentError {
  override readonly name = 'ToolError'
  readonly code = 'TOOL'
}

/**
 * A `once` call was cut and nobody knows whether it happened (`onUnknownOutcome: 'tell'`). A tool that cannot say whether
 * its call happened throws it: a person is asked, as after a crash.
 */
export class UnknownOutcomeError extends PersistentAgentError {
  override readonly name = 'UnknownOutcomeError'
  readonly code = 'UNKNOWN_OUTCOME'
}

/** A call that the forked run's parent had started: the fork never sends it. */
export class ForkedCallError extends PersistentAgentError {
  override readonly name = 'ForkedCallError'
  readonly code = 'FORKED_CALL'
}

/** The model could not be asked, or its reply could not be read. */
export class ModelError extends PersistentAgentError {
  override readonly name = 'ModelError'
  readonly code = 'MODEL'
}

/** A limit was reached: steps, cost, time, size. */
export class LimitError extends PersistentAgentError {
  override readonly name = 'LimitError'
  readonly code = 'LIMIT'
}

/** True for an error of this package, also of another copy of it. */
export function isPersistentAgentError(value: unknown): value is PersistentAgentError {
  return typeof value === 'object' && value !== null && BRAND in value
}
