/**
 * `npm run bench:model -- --model provider/model [--only ids or kinds] [--by 'code agent,tool loop'] [--rounds 1]
 *    [--lanes 2] [--max-steps 20] [--timeout 300] [--json]`
 *
 * The set of tasks against a model of yours, by a code agent and by a plain loop of tool calls on the same tools. In
 * place of `--model`, `--module ./model.ts` names a module whose default export is a model of the AI SDK. It costs what
 * the model costs.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { resolveModel } from '../src/model/resolve.ts'
import { render } from './table.ts'
import { tasks } from './tasks/all.ts'
import { RUNNERS, type Attempt, type By } from './tasks/attempt.ts'
import { kindTable, sumTable } from './tasks/tables.ts'

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    module: { type: 'string' },
    only: { type: 'string' },
    by: { type: 'string', default: Object.keys(RUNNERS).join(',') },
    rounds: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '2' },
    'max-steps': { type: 'string', default: '20' },
    timeout: { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
  },
})

const model = resolveModel(await given())
const chosen = chosenTasks(values.only?.split(','))
const by = values.by.split(',').map((name) => {
  if (Object.hasOwn(RUNNERS, name)) return name as By
  throw new RangeError(`--by ${name}: there are ${Object.keys(RUNNERS).join(', ')}.`)
})
const limits = { maxSteps: number('max-steps'), timeout: number('timeout') * 1_000 }

const attempts: Attempt[] = []
const queue = Array.from({ length: number('rounds') }, () =>
  chosen.flatMap((task) => by.map((name) => ({ task, name }))),
).flat()
await Promise.all(
  Array.from({ length: number('lanes') }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const made = await RUNNERS[next.name](next.task, model, limits)
      attempts.push(made)
      if (!values.json)
        console.error(
          `${made.right ? 'right' : 'WRONG'}  ${made.task}, ${made.by}${made.why === undefined ? '' : `: ${made.why}`}`,
        )
    }
  }),
)

const about = {
  model: `${model.provider}/${model.modelId}`,
  at: new Date().toISOString(),
  tasks: chosen.length,
  limits,
}
if (values.json) console.log(JSON.stringify({ ...about, attempts }, undefined, 2))
else {
  console.log(`\n${about.at}, ${about.model}, ${about.tasks} tasks`)
  for (const table of [sumTable(attempts), kindTable(attempts)]) console.log(`\n${render(table)}`)
}

async function given(): Promise<unknown> {
  if (values.module === undefined) {
    if (values.model !== undefined) return values.model
    throw new RangeError('Name a model: --model provider/model, or --module ./model.ts.')
  }
  const made = (await import(pathToFileURL(resolve(values.module)).href)) as { readonly default?: unknown }
  return made.default
}

/** By their ids or kinds. */
function chosenTasks(only: readonly string[] | undefined): typeof tasks {
  const unknown = only?.find((word) => !tasks.some(({ id, kind }) => id === word || kind === word))
  if (unknown !== undefined)
    throw new RangeError(`--only ${unknown}: there is no such task and no such kind.`)
  return tasks.filter(({ id, kind }) => only === undefined || only.includes(id) || only.includes(kind))
}

function number(name: 'rounds' | 'lanes' | 'max-steps' | 'timeout'): number {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new RangeError(`--${name} takes a whole number above 0.`)
}
