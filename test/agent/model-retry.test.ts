import fc from 'fast-check'
import { expect, test } from 'vitest'
import { retryAfter, type FailedAttempt } from '../../src/agent/model-retry.ts'
import { ModelCallError } from '../../src/model/failure.ts'

function failed(more: Partial<FailedAttempt> & { readonly asked?: number } = {}): FailedAttempt {
  const { asked, ...rest } = more
  const error = new ModelCallError('busy', {
    retryable: true,
    ...(asked === undefined ? {} : { retryAfter: asked }),
  })
  return { error, seed: 'seed', step: 1, attempt: 1, options: {}, ...rest }
}

test('three more attempts, unless the author says otherwise; what cannot help is not tried', () => {
  expect(retryAfter(failed({ attempt: 3 }))).toHaveProperty('ms')
  expect(retryAfter(failed({ attempt: 4 }))).toEqual({ why: 'Tried 4 times.' })
  expect(retryAfter(failed({ attempt: 4, options: { maxRetries: 9 } }))).toHaveProperty('ms')
  expect(retryAfter(failed({ options: { maxRetries: 0 } }))).toEqual({})
  expect(retryAfter({ ...failed(), error: new ModelCallError('no key', { retryable: false }) })).toEqual({})
})

test('the wait is the same whoever asks, and another one for another run, step or attempt', () => {
  expect(retryAfter(failed())).toEqual(retryAfter(failed()))
  const waits = [failed(), failed({ seed: 'other' }), failed({ step: 2 })].map((one) => retryAfter(one))
  expect(new Set(waits.map((wait) => JSON.stringify(wait))).size).toBe(3)
})

test('it doubles up to a minute, half of it jitter; a provider that asks for more gets more', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 30 }), (seed, attempt) => {
      const options = { maxRetries: 99 }
      const full = Math.min(1_000 * 2 ** (attempt - 1), 60_000)
      const backoff = retryAfter(failed({ seed, attempt, options }))
      expect('ms' in backoff && backoff.ms >= full / 2 && backoff.ms <= full).toBe(true)
      const asked = retryAfter(failed({ seed, attempt, options, asked: 90_000 }))
      expect('ms' in asked && asked.ms >= 90_000 && asked.ms <= 99_000).toBe(true)
    }),
  )
})

test('no wait is longer than maxRetryWait: what is asked beyond it fails the task and says so', () => {
  const options = { maxRetryWait: 600 }
  const wait = retryAfter(failed({ options, attempt: 3 }))
  expect('ms' in wait && wait.ms <= 600).toBe(true)
  expect(retryAfter(failed({ options, asked: 601 }))).toEqual({
    why: 'It asks to wait for 601 ms, longer than 600 ms (maxRetryWait).',
  })
})
