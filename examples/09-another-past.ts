/**
 * Forks: what would have come of another decision, and of another result? The run that they come from stays as it is.
 *
 *   node examples/09-another-past.ts [--model anthropic/claude-sonnet-5]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
// In a project of your own: 'persistent-code-agent' and 'persistent-code-agent/testing'. This checkout runs from source.
import { PersistentCodeAgent, tool, type ForkEdit } from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const { values } = parseArgs({ options: { model: { type: 'string' } } })

const price = tool({
  name: 'price',
  description: 'What a hotel costs for a night',
  inputSchema: z.object({ hotel: z.string() }),
  outputSchema: z.number(),
  effect: 'read',
  execute: async () => 120,
})
const book = tool({
  name: 'book',
  description: 'Books a hotel for a night',
  inputSchema: z.object({ hotel: z.string() }),
  needsApproval: true,
  execute: async ({ hotel }) => `booked ${hotel}`,
})

const folder = mkdtempSync(join(tmpdir(), 'pca-'))
await using agent = new PersistentCodeAgent({
  tools: [price, book],
  model:
    values.model ??
    scriptedModel([
      `const night = await price({ hotel: 'Krone' })
if (night > 200) finalAnswer('too dear: ' + night)
else finalAnswer(await book({ hotel: 'Krone' }).catch((error) => error.message))`,
    ]),
  storagePath: join(folder, 'agent_state.db'),
})

const task =
  'Book the Krone if a night costs at most 200; otherwise answer why not. Where that is refused, answer with the reason.'
const paused = await agent.run(task)
const [question] = agent.questions
if (question === undefined) throw new Error(`Nobody was asked: ${paused.status}`)
await agent.answer(question.id, { type: 'approve' })
const result = await agent.run(agent.task, { reset: false })
console.log('as it was:', result.status === 'completed' ? result.output : result)

await whatIf('a person had said no', {
  answer: { question: question.id, decision: { type: 'reject', reason: 'ask the boss first' } },
})
await whatIf('a night had cost 300', { result: { call: '1.1', value: 300 } })

const again = await PersistentCodeAgent.inspect(join(folder, 'agent_state.db'), { runId: result.runId })
console.log('the run itself:', again.status, again.questions.length)
await agent.close()
rmSync(folder, { recursive: true })

async function whatIf(words: string, edit: ForkEdit): Promise<void> {
  const fork = await agent.fork({ edit })
  const other = await fork.run(fork.task, { reset: false })
  console.log(`if ${words}:`, other.status === 'completed' ? other.output : other)
}
