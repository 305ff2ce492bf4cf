/**
 * An agent for the command line: its module's default export.
 *
 *   pca run examples/agent.ts "Refund the damaged orders"
 *   pca inbox
 *   pca approve <question>
 *   pca resume
 *
 * In this checkout `pca` is `npm run pca --`.
 */
import { z } from 'zod'
// In a project of your own: 'persistent-code-agent' and 'persistent-code-agent/testing'. This checkout runs from source.
import { PersistentCodeAgent, tool } from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const damagedOrders = tool({
  name: 'damagedOrders',
  description: 'The orders that customers reported as damaged last week',
  effect: 'read',
  execute: async () => [
    { order: 'A-17', amount: 40 },
    { order: 'A-31', amount: 250 },
  ],
})

const refund = tool({
  name: 'refund',
  description: 'Pay money back to a customer',
  inputSchema: z.object({ order: z.string(), amount: z.number() }),
  needsApproval: ({ amount }) => amount > 100,
  execute: async ({ order, amount }) => `refunded ${amount} for ${order}`,
})

// Stands in for a model of a provider, for example anthropic('claude-sonnet-5') of @ai-sdk/anthropic.
const model = scriptedModel([
  'const orders = await damagedOrders()\nprint(orders)',
  'const done = []\nfor (const order of orders) done.push(await refund(order))\nfinalAnswer(done)',
])

const agent: PersistentCodeAgent = new PersistentCodeAgent({
  name: 'refunds',
  model,
  tools: [damagedOrders, refund],
})
export default agent
