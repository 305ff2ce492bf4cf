/** What went wrong when a model was asked, and whether asking again may help. */
import { ModelError } from '../base/errors.ts'
import { interruptionIn } from '../base/interruption.ts'

/** Whether the same request may be sent again, and how many ms the provider wants us to wait first. */
export interface Retry {
  readonly retryable: boolean
  readonly retryAfter?: number
}

/** A `ModelError` that knows whether to try again. Its `name` and `code` are those of `ModelError`. */
export class ModelCallError extends ModelError implements Retry {
  readonly retryable: boolean
  readonly retryAfter?: number

  constructor(message: string, retry: Retry, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.retryable = retry.retryable
    if (retry.retryAfter !== undefined) this.retryAfter = retry.retryAfter
  }
}

/** Reads it off any error; one that says nothing is not retryable. */
export function retryOf(error: unknown): Retry {
  const retryable = field(error, 'retryable')
  const retryAfter = field(error, 'retryAfter')
  return {
    retryable: retryable === true,
    ...(typeof retryAfter === 'number' && retryAfter >= 0 ? { retryAfter } : {}),
  }
}

/** The error of a request to `model` that failed with `cause`. `broken`: the stream had begun, so silence means retry. */
export function modelFailure(model: string, cause: unknown, broken = false): ModelCallError {
  const status = field(cause, 'statusCode')
  const shown = typeof status === 'number' ? ` (status ${status})` : ''
  return new ModelCallError(
    `The model ${model} failed: ${messageOf(cause)}${shown}`,
    retryFor(cause, broken),
    cause,
  )
}

/** True for what an author throws to pause or stop a run, wrapped or not: it passes untouched. */
export function isInterruption(error: unknown): boolean {
  const name = field(error, 'name')
  if (name === 'AgentPausedException' || name === 'AgentStoppedException') return true
  try {
    return interruptionIn(error) !== undefined
  } catch {
    return false
  }
}

/** True where a model says that it cannot do what it was called for. */
export function isUnsupported(error: unknown): boolean {
  if (field(error, 'name') === 'AI_UnsupportedFunctionalityError') return true
  if (field(error, 'statusCode') !== undefined) return false
  const message = field(error, 'message')
  return typeof message === 'string' && /\bnot (?:supported|implemented)\b/i.test(message)
}

/** Failures of the network that say nothing themselves. */
const NETWORK = /^(?:ECONN|ETIMEDOUT$|EPIPE$|ENOTFOUND$|EAI_AGAIN$|ENETUNREACH$|EHOSTUNREACH$|UND_ERR_)/

function retryFor(cause: unknown, broken: boolean): Retry {
  const retryAfter = waitOf(field(cause, 'responseHeaders'))
  return { retryable: mayHelp(cause) ?? broken, ...(retryAfter === undefined ? {} : { retryAfter }) }
}

/** AI SDK's `APICallError` by its shape; else what the network says; else nobody knows. */
function mayHelp(cause: unknown): boolean | undefined {
  const said = field(cause, 'isRetryable')
  if (typeof said === 'boolean') return said
  const status = field(cause, 'statusCode')
  if (typeof status === 'number') return status === 408 || status === 409 || status === 429 || status >= 500
  const codes = [field(cause, 'code'), field(field(cause, 'cause'), 'code')]
  if (codes.some((code) => typeof code === 'string' && NETWORK.test(code))) return true
  if (field(cause, 'name') === 'TimeoutError') return true
  return field(cause, 'message') === 'fetch failed' || undefined
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date (against the reply's own `date`: no clock is needed). */
function waitOf(headers: unknown): number | undefined {
  const ms = amount(header(headers, 'retry-after-ms'))
  if (ms !== undefined) return ms
  const text = header(headers, 'retry-after')
  const seconds = amount(text)
  if (seconds !== undefined) return seconds * 1_000
  const wait = Date.parse(text ?? '') - Date.parse(header(headers, 'date') ?? '')
  return Number.isFinite(wait) ? Math.max(wait, 0) : undefined
}

function amount(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined
}

function header(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  const found: unknown = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  return typeof found === 'number' ? String(found) : typeof found === 'string' ? found : undefined
}

function messageOf(cause: unknown): string {
  const message = typeof cause === 'string' ? cause : field(cause, 'message')
  if (typeof message === 'string' && message !== '') return message
  const nested = field(field(cause, 'error'), 'message')
  if (typeof nested === 'string' && nested !== '') return nested
  const name = field(cause, 'name')
  return typeof name === 'string' && name !== '' ? name : 'it gave no reason'
}

function field(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  try {
    return Reflect.get(value, name)
  } catch {
    return undefined
  }
}
