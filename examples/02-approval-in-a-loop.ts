/**
 * Approvals in the middle of a loop: one is given, one is given with other arguments, one is refused. The loop, its
 * variables and its `catch` go on each time where they stood.
 *
 *   node examples/02-approval-in-a-loop.ts [--model anthropic/claude-sonnet-5]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
// In a project of your own: 'persistent-code-agent' and 'persistent-code-agent/testing'. This checkout runs from source.
import { PersistentCodeAgent, tool, type Decision } from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const refund = tool({
  name: 'refund',
  description: 'Pay money back to a customer',
  inputSchema: z.object({ order: z.string(), amount: z.number() }),
  needsApproval: ({ amount }) => amount > 100,
  execute: async ({ order, amount }) => {
    console.log(`  the tool runs: refund ${amount} for ${order}`)
    return amount
  },
})

const { values } = parseArgs({ options: { model: { type: 'string' } } })
const model =
  values.model ??
  scriptedModel([
    `let total = 0
const refused = []
for (const [order, amount] of [['A', 40], ['B', 250], ['C', 900], ['D', 5000], ['E', 10]]) {
  try {
    total += await refund({ order, amount })
  } catch (error) {
    refused.push(order + ': ' + error.message)
  }
}
finalAnswer({ total, refused })`,
  ])

const decisions: Readonly<Record<string, Decision>> = {
  B: { type: 'approve' },
  C: { type: 'edit', args: { order: 'C', amount: 400 } },
  D: { type: 'reject', reason: 'call the customer first' },
}

const folder = mkdtempSync(join(tmpdir(), 'pca-'))
await using agent = new PersistentCodeAgent({
  tools: [refund],
  model,
  storagePath: join(folder, 'agent_state.db'),
})
let result = await agent.run(
  'Refund these orders, one after the other: A 40, B 250, C 900, D 5000, E 10. If one is refused, go on with the next. Answer { total, refused }',
)
while (result.status === 'paused') {
  for (const { id, call } of result.questions) {
    const { order } = z.object({ order: z.string() }).parse(call?.args)
    const decision = decisions[order] ?? { type: 'reject' }
    console.log(`question: ${call?.tool}(${JSON.stringify(call?.args)}): ${decision.type}`)
    await agent.answer(id, decision, { by: 'an example' })
  }
  result = await agent.run(agent.task, { reset: false })
}
console.log(result.status, result.status === 'completed' ? result.output : result)
await agent.close()
rmSync(folder, { recursive: true })
