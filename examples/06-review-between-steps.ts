/**
 * Post-processing between steps: a callback looks at each finished step, pauses the run where a person must look, and
 * changes what the model is told.
 *
 *   node examples/06-review-between-steps.ts [--model anthropic/claude-sonnet-5]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
// In a project of your own: 'persistent-code-agent' and 'persistent-code-agent/testing'. This checkout runs from source.
import { AgentPausedException, PersistentCodeAgent, tool, type StepCallback } from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const { values } = parseArgs({ options: { model: { type: 'string' } } })

const readMails = tool({
  name: 'readMails',
  description: 'The mails of today',
  effect: 'read',
  execute: async () => [
    { from: 'tim@example.com', text: 'The parcel is damaged.' },
    { from: 'una@example.com', text: 'When do you open?' },
  ],
})

/** No address reaches the model: what a step printed and showed is changed before it is told. */
const hideAddresses: StepCallback = async (step, { memory }) => {
  const hidden = (text: string): string => text.replaceAll(/\w+@example\.com/g, '<an address>')
  const { output, value } = step
  if (hidden(output) !== output || hidden(value ?? '') !== (value ?? ''))
    await memory.edit(
      step,
      { output: hidden(output), ...(value === undefined ? {} : { value: hidden(value) }) },
      { by: 'hideAddresses' },
    )
}

const isReviewed = new Set<number>()
/** A person reads each step in which a tool was called. Once: what callbacks do, they do at least once. */
const review: StepCallback = (step) => {
  if (step.calls.length === 0 || isReviewed.has(step.number)) return
  isReviewed.add(step.number)
  throw new AgentPausedException(`Please look at step ${step.number}`)
}

const folder = mkdtempSync(join(tmpdir(), 'pca-'))
await using agent = new PersistentCodeAgent({
  tools: [readMails],
  model:
    values.model ??
    scriptedModel([
      'const mails = await readMails()\nprint(mails)',
      `finalAnswer(mails.map((mail) => mail.text.endsWith('?') ? 'question' : 'complaint'))`,
    ]),
  storagePath: join(folder, 'agent_state.db'),
  stepCallbacks: [hideAddresses, review],
})

let result = await agent.run('Read the mails of today, print them, and say of each: question or complaint')
while (result.status === 'paused') {
  console.log(`paused: ${result.message}`)
  const step = agent.memory.steps.findLast((it) => it.kind === 'action')
  console.log(`what the model will be told of step ${step?.number}:\n${step?.output}`)
  result = await agent.run(agent.task, { reset: false })
}
console.log(result.status, result.status === 'completed' ? result.output : result)
await agent.close()
rmSync(folder, { recursive: true })
