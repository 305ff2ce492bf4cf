/** H43: many who spend at the same time, and providers that cannot count. */
import { expect, test } from 'vitest'
import { memoryStore, PersistentCodeAgent } from '../../src/index.ts'
import { violations } from '../../src/journal/check.ts'
import { agentOf, byLength, costing, journalOf, listeningModel } from '../e2e/fixtures/bench.ts'

test('50 agents ask at once, each just under the limit: what they may cost together is kept before each request', async () => {
  const store = memoryStore()
  const { model, calls } = listeningModel([costing('finalAnswer(1)', 1)])
  const helper = new PersistentCodeAgent({
    store,
    name: 'helper',
    description: 'Helps',
    model,
    price: byLength,
  })
  const lead = agentOf({
    store,
    name: 'lead',
    managedAgents: [helper],
    script: [
      costing(
        'const all = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => helper("n" + n)))\nfinalAnswer(all.filter((one) => one.status === "fulfilled").length)',
        1,
      ),
      { text: 'out of money', usage: { inputTokens: 1, outputTokens: 1, cost: 1 } },
    ],
    price: byLength,
    maxCost: 10.5,
  })
  const result = await lead.run('x')
  const { cost = Infinity } = result.usage
  expect(cost).toBeLessThanOrEqual(10.5)
  // As many as fit were let through: the limit holds nobody up for nothing.
  expect(calls.length).toBeGreaterThanOrEqual(7)
  expect(calls.length + 1).toBe(Math.round(cost))
  for (const { runId } of await store.runs({}, 100))
    expect(violations(await journalOf(store, runId))).toEqual([])
})

test.each([
  ['below zero', { inputTokens: -1e9, outputTokens: -1e9, cost: -1e9 }],
  ['no number', { inputTokens: NaN, outputTokens: Infinity, cost: NaN }],
  ['no whole number', { inputTokens: 0.5, outputTokens: 0.25, cost: undefined }],
])('usage that is %s gives nothing back', async (_what, usage) => {
  const store = memoryStore()
  const agent = agentOf({
    store,
    script: [
      costing('1', 1),
      { code: '2', usage: usage as never },
      costing('3', 1),
      costing('4', 1),
      { text: 'no more', usage: { inputTokens: 1, outputTokens: 1, cost: 0.5 } },
    ],
    price: byLength,
    maxCost: 4.5,
  })
  const { usage: used, runId } = await agent.run('x')
  expect(used.inputTokens).toBeGreaterThanOrEqual(20)
  expect(used.cost).toBeGreaterThanOrEqual(1)
  expect(used.cost).toBeLessThanOrEqual(4.5)
  expect(violations(await journalOf(store, runId))).toEqual([])
})
