/**
 * Agents that call agents: two researchers work at the same time, one asks a person, and its question is the editor's
 * question. Each is a run of its own, in one family and one file.
 *
 *   node examples/07-a-team.ts [--model anthropic/claude-sonnet-5]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
// In a project of your own: 'persistent-code-agent' and 'persistent-code-agent/testing'. This checkout runs from source.
import { CodeAgent, PersistentCodeAgent, tool } from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const { values } = parseArgs({ options: { model: { type: 'string' } } })

const lookUp = tool({
  name: 'lookUp',
  description: 'Looks a bridge up in the archive: a year, or nothing',
  inputSchema: z.object({ bridge: z.string() }),
  outputSchema: z.number().nullable(),
  effect: 'read',
  execute: async ({ bridge }) => (bridge.startsWith('Forth') ? 1890 : null),
})

const researcher = new CodeAgent({
  name: 'researcher',
  description: 'Finds out in which year a bridge was opened. Asks a person where the archive does not know.',
  model:
    values.model ??
    scriptedModel([
      `const year = await lookUp({ bridge })
finalAnswer(year ?? await ask('In which year was the ' + bridge + ' opened?', { type: 'integer' }))`,
    ]),
  tools: [lookUp],
})

const folder = mkdtempSync(join(tmpdir(), 'pca-'))
const storagePath = join(folder, 'agent_state.db')
await using editor = new PersistentCodeAgent({
  name: 'editor',
  model:
    values.model ??
    scriptedModel([
      `const years = await Promise.all(['Forth Bridge', 'Tay Bridge'].map((bridge) =>
  researcher({ task: 'When was the ' + bridge + ' opened?', additionalArgs: { bridge } })))
finalAnswer({ forth: years[0], tay: years[1], later: years[0] > years[1] ? 'Forth Bridge' : 'Tay Bridge' })`,
    ]),
  managedAgents: [researcher],
  storagePath,
})

let result = await editor.run(
  'Which is younger, the Forth Bridge or the Tay Bridge? Have both researched at once, each by a call of its own.',
)
while (result.status === 'paused') {
  for (const { id, path, message } of result.questions) {
    console.log(`${path?.join(' > ')} asks: ${message}`)
    await editor.answer(id, { type: 'respond', value: 1887 }, { by: 'a person' })
  }
  result = await editor.run(editor.task, { reset: false })
}
console.log(result.status, result.status === 'completed' ? result.output : result)
await editor.close()
const runs = await PersistentCodeAgent.runs(storagePath)
for (const { agent, status, task } of runs) console.log(`${agent}: ${status}: ${task}`)
rmSync(folder, { recursive: true })
