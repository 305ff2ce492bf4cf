/**
 * What happens to a call when its process dies in the middle of it: the tool's `effect` says so, or its `probe`.
 *
 *   node examples/03-crash-in-the-middle.ts [--model anthropic/claude-sonnet-5]
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
// In a project of your own: 'persistent-code-agent' and 'persistent-code-agent/testing'. This checkout runs from source.
import { PersistentCodeAgent, tool, type Effect, type ToolDefinition } from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const { values, positionals } = parseArgs({ options: { model: { type: 'string' } }, allowPositionals: true })
const [caseOf, folder = mkdtempSync(join(tmpdir(), 'pca-'))] = positionals

/** What the world has seen: a line for each time that the tool ran. */
const world = (name: string): string => join(folder, `${name}.log`)

/** A tool that leaves its mark in the world; the first process dies before it can answer. */
function fatal(name: string, effect: Effect, canLook = false): ToolDefinition {
  return tool({
    name: 'pay',
    description: 'Pays the rent',
    effect,
    ...(canLook ? { probe: async () => ({ happened: true, result: 'paid, as the bank says' }) } : {}),
    execute: async (_input, { idempotencyKey }) => {
      appendFileSync(world(name), `${idempotencyKey}\n`)
      if (caseOf !== undefined) process.kill(process.pid, 'SIGKILL')
      return 'paid'
    },
  })
}

const cases: Readonly<Record<string, ToolDefinition>> = {
  idempotent: fatal('idempotent', 'idempotent'),
  keyed: fatal('keyed', 'keyed'),
  once: fatal('once', 'once'),
  probed: fatal('probed', 'once', true),
}

function agentOf(name: string): PersistentCodeAgent {
  const model = values.model ?? scriptedModel([`finalAnswer(await pay())`])
  const tools = [cases[name]].filter((it) => it !== undefined)
  return new PersistentCodeAgent({ tools, model, storagePath: join(folder, `${name}.db`) })
}

if (caseOf === undefined) {
  for (const name of Object.keys(cases)) await crashAndGoOn(name)
  rmSync(folder, { recursive: true })
} else {
  await agentOf(caseOf).run('Pay the rent')
}

async function crashAndGoOn(name: string): Promise<void> {
  const { signal } = spawnSync(process.execPath, [
    import.meta.filename,
    name,
    folder,
    ...process.argv.slice(2),
  ])
  console.log(`${name}: the process died by ${signal}`)

  await using agent = await agentOf(name).resume()
  let result = await agent.run(agent.task, { reset: false })
  if (result.status === 'paused') {
    const [question] = result.questions
    console.log(`${name}: ${question?.kind}: ${question?.message}`)
    // It happened, and this was the result. To approve means: it did not happen, send it again.
    await agent.answer(question?.id ?? '', { type: 'respond', value: 'paid, as a person found out' })
    result = await agent.run(agent.task, { reset: false })
  }
  const keys = readFileSync(world(name), 'utf8').trim().split('\n')
  const output = result.status === 'completed' ? result.output : result.status
  console.log(
    `${name}: ran ${keys.length === 1 ? 'once' : `${keys.length} times, with ${new Set(keys).size} key`}: ${String(output)}`,
  )
}
