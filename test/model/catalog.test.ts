/** What the price list says of models: against figures that its makers publish for themselves. */
import { calcPrice } from '@pydantic/genai-prices'
import { expect, test } from 'vitest'
import { knownModel } from '../../src/model/catalog.ts'

test('a model by the provider name that AI SDK gives it', () => {
  const known = knownModel('anthropic.messages', 'claude-sonnet-4-5')
  const listed = calcPrice({ input_tokens: 1_000, output_tokens: 500 }, 'claude-sonnet-4-5', {
    providerId: 'anthropic',
  })
  expect(known?.price({ inputTokens: 1_000, outputTokens: 500 })).toBe(listed?.total_price)
  expect(known?.contextWindow).toBe(listed?.model.context_window)
  expect(listed?.total_price).toBeGreaterThan(0)
})

test('what was read from the cache costs less', () => {
  const price = knownModel('openai.responses', 'gpt-5')?.price
  const usage = { inputTokens: 10_000, outputTokens: 10 }
  expect(price?.({ ...usage, cacheReadTokens: 9_000 })).toBeLessThan(price?.(usage) ?? 0)
})

test('tokens that make no sense have no price, and unknown models are unknown', () => {
  const usage = { inputTokens: 10, outputTokens: 1, cacheReadTokens: 50 }
  expect(knownModel('openai.responses', 'gpt-5')?.price(usage)).toBeUndefined()
  expect(knownModel('openai.responses', 'no such model')).toBeUndefined()
  expect(knownModel('acme.chat', 'gpt-5')).toBeUndefined()
})
