/** Results that are larger than the guest: the code gets a handle, and goes on. */
import { describe, expect, test } from 'vitest'
import { memoryStore, PersistentCodeAgent, tool } from '../../src/index.ts'
import {
  PATIENT,
  again,
  agentOf,
  goOn,
  lastWord,
  listeningModel,
  onlyQuestion,
  output,
} from './fixtures/bench.ts'

const ROWS = Array.from({ length: 20_000 }, (_, id) => ({ id, name: `customer ${id}`, price: id % 7 }))
const TEXT = ROWS.map(({ id, name }) => `${id};${name};${'é'.repeat(10)}`).join('\n')
const DEEP = { meta: { of: 'the sales' }, rows: ROWS, 7: 'seven' }

const fetchRows = tool({ name: 'fetchRows', description: 'All.', effect: 'read', execute: async () => ROWS })
const readText = tool({ name: 'readText', description: 'All.', effect: 'read', execute: async () => TEXT })
const readJson = tool({
  name: 'readJson',
  description: 'All, as text.',
  effect: 'read',
  execute: async () => JSON.stringify(DEEP),
})
const fetchAll = tool({ name: 'fetchAll', description: 'Deep.', effect: 'read', execute: async () => DEEP })
const take = tool({ name: 'take', description: 'Takes.', effect: 'once', execute: async () => 'taken' })
const tools = [fetchRows, readText, readJson, fetchAll, take]

/** A guest of 4 MB is given no more than half a million characters at once. */
const SMALL = { tools, limits: { memory: '4MB' } } as const

async function answerOf(code: string): Promise<unknown> {
  return output(await agentOf({ ...SMALL, script: [code] }).run('x'))
}

/** What the model hears of its first step. */
async function heardOf(code: string): Promise<string> {
  const { model, calls } = listeningModel([code, 'finalAnswer((await rows.slice(0, 2)).length)'])
  const agent = new PersistentCodeAgent({ ...SMALL, store: memoryStore(), model })
  expect(output(await agent.run('x'))).toBe(2)
  return lastWord(calls[1])
}

describe('a list', () => {
  test(
    'is counted, sliced, searched item by item, and read whole bit by bit',
    async () => {
      const code = `const rows = await fetchRows()
      const sum = { n: 0, price: 0 }
      for await (const row of rows) { sum.n++; sum.price += row.price }
      finalAnswer({
        length: rows.length, first: (await rows.head(1))[0], some: (await rows.slice(-2)).map((it) => it.id),
        one: (await rows.get(7)).name, sum,
      })`
      expect(await answerOf(code)).toEqual({
        length: 20_000,
        first: ROWS[0],
        some: [19_998, 19_999],
        one: 'customer 7',
        sum: { n: 20_000, price: ROWS.reduce((sum, { price }) => sum + price, 0) },
      })
    },
    PATIENT.timeout,
  )

  test('is no array: whoever takes it for one hears what it is, and goes on with what there is', async () => {
    const heard = await heardOf('const rows = await fetchRows()\nrows.filter((it) => it.price > 3)')
    expect(heard).toContain(
      'There is no .filter here: this is a list of 20000 items, too large to be here whole',
    )
    expect(heard).toContain('for await (const item of it)')
  })

  test('is shown as what it is', async () => {
    expect(await heardOf('const rows = await fetchRows()\nrows')).toMatch(
      /LargeValue \{\s+about: 'a list of 20000 items/,
    )
  })

  test('does not cross to a tool, nor as an answer', async () => {
    const code = `const rows = await fetchRows()
      const said = []
      try { await take({ rows }) } catch (error) { said.push(error.message) }
      try { finalAnswer(rows) } catch (error) { said.push(error.message) }
      finalAnswer(said)`
    const said = await answerOf(code)
    expect(said).toEqual([
      expect.stringMatching(/input of take.*rows.*list of 20000 items/s),
      expect.stringMatching(/final answer.*list of 20000 items/s),
    ])
  })

  test('a part that is too large is refused, and costs nothing', async () => {
    const code = `const rows = await fetchRows()
      let said
      try { await rows.slice() } catch (error) { said = error.name + ': ' + error.message }
      finalAnswer(said)`
    expect(await answerOf(code)).toMatch(
      /^RangeError: This part has \d+ characters, and 524288 fit in at once/,
    )
  })
})

describe('a text', () => {
  test(
    'is read by characters and by lines',
    async () => {
      const code = `const text = await readText()
      let lines = 0, last
      for await (const line of text) { lines++; last = line }
      finalAnswer({ length: text.length, start: await text.slice(0, 20), two: await text.lines(1, 3), lines, last })`
      const lines = TEXT.split('\n')
      expect(await answerOf(code)).toEqual({
        length: TEXT.length,
        start: TEXT.slice(0, 20),
        two: lines.slice(1, 3),
        lines: lines.length,
        last: lines.at(-1),
      })
    },
    PATIENT.timeout,
  )

  test('that is JSON is read as what it says', async () => {
    const code = `const text = await readJson()
      const all = await text.json()
      const rows = await all.get('rows')
      finalAnswer({ keys: await all.keys(), meta: await all.get('meta'), row: await rows.get(19_999), none: await all.get('nothing') })`
    expect(await answerOf(code)).toEqual({
      keys: ['7', 'meta', 'rows'],
      meta: { of: 'the sales' },
      row: ROWS[19_999],
    })
  })
})

test('a record is read by its keys; what is large in it is a handle in turn', async () => {
  const code = `const all = await fetchAll()
    const keys = []
    for await (const key of all) keys.push(key)
    const rows = await all.get('rows')
    finalAnswer({ keys, seven: await all.get('7'), inherited: await all.get('constructor'), last: (await rows.slice(-1))[0].id })`
  expect(await answerOf(code)).toEqual({ keys: ['7', 'meta', 'rows'], seven: 'seven', last: 19_999 })
})

test('what the code makes up reads nothing', async () => {
  const code = `const rows = await fetchRows()
    const said = []
    for (const it of [Object.create(Object.getPrototypeOf(rows)), { ...rows }])
      try { said.push(typeof (await Object.getPrototypeOf(rows).slice.call(it, 0, 1))) } catch (error) { said.push(error.name) }
    finalAnswer(said)`
  expect(await answerOf(code)).toEqual(['TypeError', 'TypeError'])
})

test('after a pause in another process it reads on', async () => {
  const store = memoryStore()
  const script = [
    'const rows = await fetchRows()\nconst before = (await rows.get(1)).id\nawait ask("Go on?")\nfinalAnswer([before, (await rows.get(2)).id])',
  ]
  const { id } = onlyQuestion(await agentOf({ ...SMALL, store, script }).run('x'))
  const agent = await again({ ...SMALL, store, script: [] })
  await agent.answer(id, { type: 'respond', value: 'yes' })
  expect(output(await goOn(agent))).toEqual([1, 2])
})
