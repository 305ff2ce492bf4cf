/** A process that goes on with a run whose question has been answered, and says when its tool was called. */
import { PersistentCodeAgent, tool } from '../src/index.ts'
import { instant } from './measure.ts'
import { instantModel } from './model.ts'

/** An agent whose one call needs approval. */
export function approvalAgent(storagePath: string, onCall: () => void): PersistentCodeAgent {
  return new PersistentCodeAgent({
    storagePath,
    model: instantModel(() => 'finalAnswer(await pay({ amount: 40 }))'),
    tools: [
      tool({
        name: 'pay',
        description: 'Pays',
        needsApproval: true,
        execute: async () => {
          onCall()
          return 'paid'
        },
      }),
    ],
  })
}

if (import.meta.main) {
  const [path = '', runId = ''] = process.argv.slice(2)
  let called = 0
  await using agent = await approvalAgent(path, () => void (called = instant())).resume({ runId })
  await agent.run(agent.task, { reset: false })
  console.log(JSON.stringify({ called, done: instant() }))
}
