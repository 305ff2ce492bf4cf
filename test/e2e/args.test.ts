/** `additionalArgs`: variables of the guest, whatever their size; in the prompt stand name, type and size. */
import { describe, expect, test } from 'vitest'
import { memoryStore, PersistentCodeAgent, UsageError } from '../../src/index.ts'
import {
  agentOf,
  again,
  entriesOf,
  goOn,
  journalOf,
  lastWord,
  listeningModel,
  must,
  output,
  promptText,
  rested,
} from './fixtures/bench.ts'

const ROWS = Array.from({ length: 5_000 }, (_, id) => ({ id, name: `customer ${id}`, price: id % 7 }))

test('5 000 rows are a variable; the prompt has a line for them, and so has the journal once', async () => {
  const store = memoryStore()
  const { model, calls } = listeningModel([
    'const sum = rows.reduce((all, { price }) => all + price, 0)',
    'finalAnswer([rows.length, sum, rows[7].name, when.getTime(), note])',
  ])
  const agent = new PersistentCodeAgent({ store, model })
  const additionalArgs = { rows: ROWS, when: new Date(5), note: 'all of them' }
  const result = await agent.run('Sum them', { additionalArgs })
  expect(output(result)).toEqual([5_000, 14_995, 'customer 7', 5, 'all of them'])
  const asked = promptText(must(calls[1]).prompt)
  expect(asked).toContain('rows: array of 5000 { id, name, price }')
  expect(asked).not.toContain('customer 7')
  const journal = await journalOf(store, result.runId)
  expect(journal.map((entry) => JSON.stringify(entry).length).reduce((a, b) => a + b)).toBeLessThan(20_000)
})

describe('more than the guest can hold', () => {
  /** A guest of 4 MB is given no more than half a million characters at once. */
  const SMALL = { limits: { memory: '4MB' } } as const
  const many = Array.from({ length: 40_000 }, (_, id) => ({ id, price: id % 7 }))

  test('is read in parts, beside what fits; the model is told', async () => {
    const { model, calls } = listeningModel([
      'let sum = 0\nfor await (const { price } of many) sum += price\nconst [first] = await many.slice(0, 1)',
      'finalAnswer([many.length, sum, first, few])',
    ])
    const agent = new PersistentCodeAgent({ ...SMALL, store: memoryStore(), model })
    const result = await agent.run('Sum', { additionalArgs: { many, few: [1, 2] } })
    const sum = many.reduce((all, { price }) => all + price, 0)
    expect(output(result)).toEqual([40_000, sum, { id: 0, price: 0 }, [1, 2]])
    expect(lastWord(calls[0])).toMatch(/many: array of 40000 \{ id, price \}, too large to be here whole/)
    expect(lastWord(calls[0])).toMatch(/few: array of 2\n?/)
  })

  test('goes on in another process where the first one ended, by snapshot and by replay', async () => {
    const store = memoryStore()
    const script = ['const n = many.length\nawait ask("well?")\nfinalAnswer([n, (await many.get(3)).id])']
    const given = { ...SMALL, store, script }
    rested(await agentOf(given).run('Count', { additionalArgs: { many } }), 'paused')
    const second = await again(given)
    const twin = await second.fork()
    await second.answer(must(second.questions[0]).id, { type: 'respond', value: 1 })
    expect(output(await goOn(second))).toEqual([40_000, 3])
    await twin.answer(must(twin.questions[0]).id, { type: 'respond', value: 1 })
    const forked = rested(await goOn(twin), 'completed')
    expect(forked).toMatchObject({ output: [40_000, 3], resumedFrom: 'replay' })
  })

  test('is refused at the door where it has no parts: nothing runs', async () => {
    const store = memoryStore()
    const agent = agentOf({ ...SMALL, store, script: ['finalAnswer([small.length, of.length])'] })
    const bytes = new Uint8Array(2_000_000)
    const table = new Map(Array.from({ length: 30_000 }, (_, id) => [`key ${id}`, { id }]))
    for (const given of [{ bytes }, { table }]) {
      const run = agent.run('t', { additionalArgs: given })
      await expect(run).rejects.toThrow(UsageError)
      await expect(run).rejects.toThrow(`'${Object.keys(given)[0]}' is too large for a guest of 4 MB`)
    }
    expect(await store.runs({}, 1)).toEqual([])
    // An object of a class is a record for the guest: it has parts.
    class Of {
      readonly length = 7
      readonly rows = many
    }
    const result = await agent.run('t', { additionalArgs: { small: new Uint8Array(500_000), of: new Of() } })
    expect(output(result)).toEqual([500_000, 2])
  })

  test('with a follow-up task is kept beside the entries too', async () => {
    const store = memoryStore()
    const agent = agentOf({
      ...SMALL,
      store,
      script: { 1: ['finalAnswer(1)'], 2: ['finalAnswer(many.length + lastOutput)'] },
    })
    const { runId } = await agent.run('First')
    expect(output(await agent.run('Second', { reset: false, additionalArgs: { many } }))).toBe(40_001)
    const [, second] = await entriesOf(store, runId, 'task-added')
    expect(second).toMatchObject({ additionalArgs: { blob: expect.any(String) }, large: ['many'] })
  })
})

test('arguments stay for follow-up tasks, and a later one of the same name takes the place', async () => {
  const agent = agentOf({ script: ['finalAnswer([kept, name])'] })
  expect(output(await agent.run('t', { additionalArgs: { kept: 1, name: 'a' } }))).toEqual([1, 'a'])
  expect(output(await agent.run('u', { reset: false, additionalArgs: { name: 'b' } }))).toEqual([1, 'b'])
})

test.each([
  ['await', { await: 1 }],
  ['a name with a dash', { 'a-b': 1 }],
  ['the name of what ends a task', { finalAnswer: 1 }],
  ['a function', { f: () => 1 }],
])('%s cannot be an argument', async (_what, additionalArgs) => {
  const store = memoryStore()
  await expect(agentOf({ store }).run('t', { additionalArgs })).rejects.toThrow(UsageError)
  expect(await store.runs({}, 1)).toEqual([])
})
