/**
 * Whether a failed request to a model is sent again, and when.
 *
 * B1  The wait is a function of the run's seed, the step and the attempt: jitter that keeps many runs apart, and is the
 *     same whoever asks.
 * B2  A provider that says how long to wait is believed, up to the author's bound; beyond it the task fails, and says so.
 */
import { showDuration } from '../base/duration.ts'
import { digestOf } from '../base/id.ts'
import type { RunOptions } from '../journal/entry.ts'
import { retryOf } from '../model/ask.ts'

const FIRST = 1_000
const LONGEST = 60_000
/** Attempts after the first. */
const RETRIES = 3
const LONGEST_ASKED = 3_600_000

export interface FailedAttempt {
  readonly error: unknown
  readonly seed: string
  readonly step: number
  /** From 1. */
  readonly attempt: number
  readonly options: Pick<RunOptions, 'maxRetries' | 'maxRetryWait'>
}

/** Ms to wait before the next attempt; `why` there is none, where the error does not say it. */
export function retryAfter(failed: FailedAttempt): { readonly ms: number } | { readonly why?: string } {
  const { maxRetries = RETRIES, maxRetryWait = LONGEST_ASKED } = failed.options
  const { retryable, retryAfter: asked } = retryOf(failed.error)
  if (!retryable) return {}
  if (failed.attempt > maxRetries)
    return failed.attempt === 1 ? {} : { why: `Tried ${failed.attempt} times.` }
  if (asked !== undefined && asked > maxRetryWait) {
    const much = showDuration(maxRetryWait)
    return { why: `It asks to wait for ${showDuration(asked)}, longer than ${much} (maxRetryWait).` }
  }
  const backoff = Math.min(FIRST * 2 ** (failed.attempt - 1), LONGEST, maxRetryWait)
  const jitter = fractionOf(failed)
  return { ms: Math.round(asked === undefined ? backoff * (0.5 + jitter / 2) : asked * (1 + jitter / 10)) }
}

/** B1: from 0 up to, but not including, 1. */
function fractionOf({ seed, step, attempt }: FailedAttempt): number {
  return Number.parseInt(digestOf(`${seed} ${step} ${attempt}`).slice(0, 8), 16) / 2 ** 32
}
