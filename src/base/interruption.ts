/**
 * What a tool, a callback, a check or a model throws to pause or stop its run. No errors: nothing went wrong.
 *
 * Recognised by a registered symbol, so that another copy of this package, and code that wraps what it catches
 * (`cause`), pauses too.
 */

const BRAND = Symbol.for('persistent-code-agent.interruption')

/** A question for a person: what to ask, the JSON Schema of the answer, and until when it may be answered. */
export interface QuestionOptions {
  readonly message: string
  /** JSON Schema, or a Standard Schema that can give one. */
  readonly schema?: unknown
  /** A Date, ms since the epoch, or an ISO date. */
  readonly expiresAt?: Date | number | string
}

export interface PauseOptions {
  /** With a question the call waits for its answer; without one the run pauses until somebody resumes it. */
  readonly question?: string | QuestionOptions
  /** An OpenTelemetry Context, or a W3C carrier `{ traceparent, tracestate? }`, that the run goes on under. Default: the active one. */
  readonly otelContext?: unknown
  /** `'value'` (default): the answer is the call's result. `'call'`: `execute` runs again with `{ answer, state }`. */
  readonly onAnswer?: 'value' | 'call'
  /** Data that `execute` gets back with the answer (`onAnswer: 'call'`). */
  readonly state?: unknown
}

/** Pauses the run, whatever the model's code catches. */
export class AgentPausedException extends Error {
  override readonly name = 'AgentPausedException'
  readonly options: PauseOptions

  constructor(message = 'Agent paused', options: PauseOptions = {}) {
    super(message)
    this.options = options
    Object.defineProperty(this, BRAND, { value: 'pause' })
  }
}

/** Stops the run for good; other calls in flight see their `abortSignal`. */
export class AgentStoppedException extends Error {
  override readonly name = 'AgentStoppedException'

  constructor(message = 'Agent stopped') {
    super(message)
    Object.defineProperty(this, BRAND, { value: 'stop' })
  }
}

export type Thrown =
  | { readonly is: 'pause'; readonly message: string; readonly options: PauseOptions }
  | { readonly is: 'stop'; readonly message: string }

/** The pause or stop in what user code threw, also where it was wrapped as a `cause`; undefined for an ordinary error. */
export function interruptionIn(thrown: unknown): Thrown | undefined {
  try {
    return found(thrown)
  } catch {
    // What cannot even be looked at is no exception of ours.
    return undefined
  }
}

function found(thrown: unknown): Thrown | undefined {
  for (let error = thrown, depth = 0; typeof error === 'object' && error !== null && depth < 8; depth++) {
    const brand: unknown = Reflect.get(error, BRAND)
    const message = brand === undefined ? '' : String(Reflect.get(error, 'message'))
    if (brand === 'stop') return { is: 'stop', message }
    // Only the constructor sets the brand, so these are the options that it was given.
    if (brand === 'pause')
      return { is: 'pause', message, options: Reflect.get(error, 'options') as PauseOptions }
    error = Reflect.get(error, 'cause')
  }
  return undefined
}
