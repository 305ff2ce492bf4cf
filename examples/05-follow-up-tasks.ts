/**
 * A run is a sequence of tasks: another process gives a finished run a second task, and the variables and functions
 * of the first one are still there.
 *
 *   node examples/05-follow-up-tasks.ts [--model anthropic/claude-sonnet-5]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
// In a project of your own: 'persistent-code-agent' and 'persistent-code-agent/testing'. This checkout runs from source.
import { PersistentCodeAgent } from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const { values, positionals } = parseArgs({ options: { model: { type: 'string' } }, allowPositionals: true })
/** What the model says, by the number of the task. */
const model =
  values.model ??
  scriptedModel({
    1: [
      `const sales = new Map([['Mon', 12], ['Tue', 30], ['Wed', 24]])
function best() {
  return [...sales].toSorted((one, other) => other[1] - one[1])[0]
}
print('the best day so far:', best())`,
      'finalAnswer(best()[0])',
    ],
    2: [`sales.set('Thu', 41)\nfinalAnswer({ best: best()[0], days: sales.size })`],
  })

const [part, path = join(mkdtempSync(join(tmpdir(), 'pca-')), 'agent_state.db')] = positionals
if (part === undefined) {
  await using agent = new PersistentCodeAgent({ model, storagePath: path })
  const result = await agent.run(
    'Sales were 12 on Mon, 30 on Tue and 24 on Wed. Keep them in a variable. Which was the best day?',
  )
  console.log('process 1: task 1:', result.status === 'completed' ? result.output : result)
  await agent.close()
  const { status } = spawnSync(
    process.execPath,
    [import.meta.filename, 'second', path, ...process.argv.slice(2)],
    { stdio: 'inherit' },
  )
  rmSync(join(path, '..'), { recursive: true })
  process.exitCode = status ?? 1
} else {
  await using agent = await PersistentCodeAgent.resumeExecution(path, { model })
  const result = await agent.run('On Thursday there were 41. And now?', { reset: false })
  console.log('process 2: task 2:', result.status === 'completed' ? result.output : result)
  console.log(`process 2: ${result.stepCount} steps in the whole run, resumed from ${result.resumedFrom}`)
}
