/** Type errors before effects: what is certainly wrong goes back to the model, and nothing runs. */
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { memoryStore, tool, type PersistentAgentOptions } from '../../src/index.ts'
import { sharedChecker } from '../../src/sandbox/check/checker.ts'
import {
  agentOf,
  entriesOf,
  goOn,
  HandTool,
  lastWord,
  listeningModel,
  must,
  output,
  rested,
} from './fixtures/bench.ts'
import { PersistentCodeAgent } from '../../src/index.ts'

/** The ledger: every effect that the tools had. */
function shop() {
  const ledger: string[] = []
  const order = z.object({ id: z.string(), total: z.number() })
  const tools = [
    tool({
      name: 'orders',
      description: 'The orders of a customer',
      inputSchema: z.object({ customer: z.string() }),
      outputSchema: z.array(order),
      effect: 'read',
      execute: () => [{ id: 'o1', total: 12 }],
    }),
    tool({
      name: 'refund',
      description: 'Pays money back',
      inputSchema: z.object({ order: z.string(), amount: z.number() }),
      execute: ({ order: id, amount }) => {
        ledger.push(`${id} ${amount}`)
        return 'done'
      },
    }),
  ]
  return { ledger, tools }
}

const FIVE = `const paid = await refund({ order: 'o1', amount: 5 })
const found = await orders({ customer: 7 })
for (const order of found) print(order.totl.toFixed(2))
await refund({ order: found[0].id })
const first = found.first()
await refnd({ order: first.id, amount: 1 })
finalAnswer(paid)`

function checked(options: Partial<PersistentAgentOptions>, script: readonly string[]) {
  const { model, calls } = listeningModel(script)
  return {
    calls,
    agent: new PersistentCodeAgent({ store: memoryStore(), typeCheck: true, ...options, model }),
  }
}

beforeAll(async () => {
  // The first start may be slow on a busy machine, and a program that nobody answers for runs.
  const files = new Map([
    ['/pca/tsconfig.json', '{ "files": ["a.ts"] }'],
    ['/pca/a.ts', ''],
  ])
  await sharedChecker().diagnose(files, '/pca/a.ts')
  return () => sharedChecker().end()
})

describe('a program with type errors', () => {
  test('five errors and a tool call in front: five diagnostics, and the ledger is empty', async () => {
    const { ledger, tools } = shop()
    const store = memoryStore()
    const { agent, calls } = checked({ tools, store }, [FIVE, "finalAnswer('gave up')"])
    const result = await agent.run('x')
    expect(output(result)).toBe('gave up')
    expect(ledger).toEqual([])
    expect(await entriesOf(store, result.runId, 'call-requested')).toEqual([])
    const [started] = await entriesOf(store, result.runId, 'step-started')
    expect(started).not.toHaveProperty('program')
    const [ended] = await entriesOf(store, result.runId, 'step-ended')
    expect(ended?.error?.message).toMatchInlineSnapshot(`
      "The program has 5 type errors, so nothing of it was run.
      Type 'number' is not assignable to type 'string'. (step1.ts:2:30)
        2 | const found = await orders({ customer: 7 })
          |                              ^
      Property 'totl' does not exist on type '{ id: string; total: number; }'. Did you mean 'total'? (step1.ts:3:40)
        3 | for (const order of found) print(order.totl.toFixed(2))
          |                                        ^
      Property 'amount' is missing in type '{ order: string; }' but required in type '{ order: string; amount: number; }'. (step1.ts:4:14)
        4 | await refund({ order: found[0].id })
          |              ^
      Property 'first' does not exist on type '{ id: string; total: number; }[]'. (step1.ts:5:21)
        5 | const first = found.first()
          |                     ^
      Cannot find name 'refnd'. Did you mean 'refund'? (step1.ts:6:7)
        6 | await refnd({ order: first.id, amount: 1 })
          |       ^"
    `)
    const heard = lastWord(calls[1])
    for (const place of ['2:', '3:', '4:', '5:', '6:']) expect(heard).toContain(`(step1.ts:${place}`)
    expect(heard).not.toContain('Variables set before')
  })

  test('the same without the check: the tool in front has run', async () => {
    const { ledger, tools } = shop()
    const { agent } = checked({ tools, typeCheck: false }, [FIVE, "finalAnswer('gave up')"])
    await agent.run('x')
    expect(ledger).toEqual(['o1 5'])
  })

  test('the corrected program runs, and finds the variables of the steps that ran', async () => {
    const { ledger, tools } = shop()
    const { agent } = checked({ tools }, [
      "const found = await orders({ customer: 'c' })",
      'const all = found.orders\nawait refund({ order: all[0].id, amount: 1 })',
      'const [first] = found\nawait refund({ order: first.id, amount: first.total })\nfinalAnswer(first)',
    ])
    expect(output(await agent.run('x'))).toEqual({ id: 'o1', total: 12 })
    expect(ledger).toEqual(['o1 12'])
    const [, second] = agent.memory.steps.filter((step) => step.kind === 'action')
    expect(second?.error?.message).toContain("Property 'orders' does not exist on type")
  })
})

test('a run that is resumed knows the types of its earlier variables', async () => {
  const { tools } = shop()
  const slow = new HandTool()
  const store = memoryStore()
  const script = [
    "const found = await orders({ customer: 'c' })",
    'await slow({ n: 1 })',
    'print(found[0].price)',
    'finalAnswer(found[0].total)',
  ]
  const given = { tools: [...tools, slow.tool], store, script, typeCheck: true }
  const first = agentOf(given)
  const run = first.run('x')
  await slow.begun(1)
  const paused = first.pause('enough')
  slow.settle(1)
  rested(await run, 'paused')
  await paused
  const agent = await agentOf(given).resume()
  expect(output(await goOn(agent))).toBe(12)
  const third = agent.memory.steps.filter((step) => step.kind === 'action')[2]
  expect(must(third).error?.message).toContain("Property 'price' does not exist on type")
})

test('variables that came with the task are known, whatever they are', async () => {
  const { agent } = checked({}, ['finalAnswer(rows.map((row) => row.deep.value.toFixed()))'])
  const result = await agent.run('x', { additionalArgs: { rows: [{ deep: { value: 1 } }] } })
  expect(output(result)).toEqual(['1'])
})

test('a step that failed half way leaves names whose types nobody claims to know', async () => {
  const { agent } = checked({}, [
    "let n = 'text'",
    "let m = 1\nthrow new Error('half way')\nlet n = 5",
    'finalAnswer([n.toUpperCase(), m.toFixed()])',
  ])
  expect(output(await agent.run('x'))).toEqual(['TEXT', '1'])
})

test('a checker that is killed is missed by nobody, and is there again', async () => {
  const { agent, calls } = checked({}, ['print(1)', 'print(nothing)', "finalAnswer('done')"])
  process.kill(must(sharedChecker().pid), 'SIGKILL')
  expect(output(await agent.run('x'))).toBe('done')
  expect(lastWord(calls[2])).toMatch(/TypeCheckError|ReferenceError/)
  await expect.poll(() => sharedChecker().pid).toBeDefined()
})
