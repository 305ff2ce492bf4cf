/**
 * Calls that do not depend on each other run at the same time, and a crash in the middle loses none that had returned.
 *
 *   node examples/04-parallel-tools.ts [--model anthropic/claude-sonnet-5]
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
// In a project of your own: 'persistent-code-agent' and 'persistent-code-agent/testing'. This checkout runs from source.
import { PersistentCodeAgent, tool } from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const { values, positionals } = parseArgs({ options: { model: { type: 'string' } }, allowPositionals: true })
const [part, folder = mkdtempSync(join(tmpdir(), 'pca-'))] = positionals
const log = join(folder, 'started.log')
const isFirst = part === 'first'

const measure = tool({
  name: 'measure',
  description: 'Measures a place',
  inputSchema: z.object({ place: z.string() }),
  effect: 'read',
  execute: async ({ place }, { abortSignal }) => {
    appendFileSync(log, `${place}\n`)
    // In the first process, two of the five do not answer.
    const never = isFirst && (place === 'Oslo' || place === 'Quito')
    await delay(never ? 60_000 : 200, undefined, { signal: abortSignal })
    return `${place}: ${place.length} degrees`
  },
})

const model =
  values.model ??
  scriptedModel([
    `const places = ['Accra', 'Lima', 'Oslo', 'Quito', 'Rome']
finalAnswer(await Promise.all(places.map((place) => measure({ place }))))`,
  ])
const agentOptions = { tools: [measure], model, storagePath: join(folder, 'agent_state.db') }

if (isFirst) await dieHalfway()
else await watchAndGoOn()

/** Dies when three of the five results are in the journal. */
async function dieHalfway(): Promise<void> {
  const agent = new PersistentCodeAgent(agentOptions)
  let returned = 0
  const began = performance.now()
  for await (const event of agent.stream('Measure Accra, Lima, Oslo, Quito and Rome, all at once')) {
    if (event.type !== 'entry' || event.entry.kind !== 'call-returned') continue
    returned++
    console.log(`process 1: result ${returned} after ${Math.round(performance.now() - began)} ms`)
    if (returned === 3) process.kill(process.pid, 'SIGKILL')
  }
}

async function watchAndGoOn(): Promise<void> {
  const { signal } = spawnSync(
    process.execPath,
    [import.meta.filename, 'first', folder, ...process.argv.slice(2)],
    {
      stdio: 'inherit',
    },
  )
  const before = started()
  console.log(`process 1: started ${before.length} calls, died by ${signal}`)

  await using agent = await new PersistentCodeAgent(agentOptions).resume()
  const result = await agent.run(agent.task, { reset: false })
  console.log(`process 2: sent again: ${started().slice(before.length).toSorted().join(', ')}`)
  if (result.status === 'completed') console.log('process 2: output', result.output)
  await agent.close()
  rmSync(folder, { recursive: true })
}

function started(): readonly string[] {
  return readFileSync(log, 'utf8').trim().split('\n')
}
