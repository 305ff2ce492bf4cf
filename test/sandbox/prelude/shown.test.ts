/** How the value of a step is shown. */
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { session } from '../session.ts'
import type { Session } from '../session.ts'

let guest: Session
beforeAll(async () => {
  guest = await session()
})
afterAll(() => guest[Symbol.asyncDispose]())

test('rows are shown as a table', async () => {
  expect(await guest.show('["a", "b", "c", "d"].map((name, n) => ({ name, n, ok: n > 1 }))')).toBe(
    `┌─────────┬──────┬───┬───────┐
│ (index) │ name │ n │ ok    │
├─────────┼──────┼───┼───────┤
│ 0       │ 'a'  │ 0 │ false │
│ 1       │ 'b'  │ 1 │ false │
│ 2       │ 'c'  │ 2 │ true  │
│ 3       │ 'd'  │ 3 │ true  │
└─────────┴──────┴───┴───────┘`,
  )
})

test('of many rows the first and the last, and how many there are between; the variable has them all', async () => {
  const shown = await guest.show('const many = Array.from({ length: 1000 }, (_, id) => ({ id })); many')
  expect(shown).toContain('│ 29      │ 29  │\n│ ...     │     │\n│ 990     │ 990 │\n')
  expect(shown).toMatch(/┘\n\.\.\. 960 more rows$/)
  expect(await guest.show('many.length')).toBe('1000')
})

const VALUES: readonly string[] = [
  '[{ a: 1 }, { a: 2 }, { a: 3 }]',
  'Array.from({ length: 5 }, () => ({ nested: { a: 1 } }))',
  'Array.from({ length: 5 }, () => ({ list: [1] }))',
  'Array.from({ length: 5 }, () => ({ text: "x".repeat(61) }))',
  'Array.from({ length: 5 }, () => ({ a: "x".repeat(50), b: "x".repeat(50), c: "x".repeat(50) }))',
  'Array.from({ length: 5 }, (_, i) => ({ ["k" + i]: 1 }))',
  'Array.from({ length: 5 }, () => ({ get a() { return 1 } }))',
  'Array.from({ length: 5 }, () => new (class P { a = 1 })())',
  'Array.from({ length: 5 }, () => ({}))',
  'Array.from({ length: 5 }, () => ({ [Symbol("s")]: 1, a: 1 }))',
  'Object.assign(Array.from({ length: 5 }, () => ({ a: 1 })), { extra: 1 })',
  '[{ a: 1 }, , { a: 1 }, { a: 1 }, { a: 1 }]',
  '[1, 2, 3, 4, 5]',
  'new Map([[1, { a: 1 }]])',
  '"text"',
]

for (const source of VALUES) {
  test(`shown as a value: ${source}`, async () => {
    // oxlint-disable-next-line no-eval -- the corpus is ours; both sides must evaluate the same text
    const value: unknown = (0, eval)(`(${source})`)
    expect(await guest.show(`(${source})`)).toBe(inspect(value, { depth: 4 }))
  })
}

test('of a long list the last items are shown too', async () => {
  const shown = await guest.show('Array.from({ length: 500 }, (_, i) => i)')
  expect(shown).toMatch(/ 99,\n {2}\.\.\. 397 more items,\n {2}497,\n {2}498,\n {2}499\n\]$/)
  expect(await guest.show('Array.from({ length: 101 }, (_, i) => i)')).toMatch(/ 98, 99, 100\n\]$/)
})

test('of a long text head and tail, with the count of what was cut', async () => {
  const shown = await guest.show('"a".repeat(7000) + "b".repeat(20000) + "c".repeat(2000)')
  expect(shown).toBe(`'${'a'.repeat(7000)}'\n... 20000 more characters ...\n'${'c'.repeat(2000)}'`)
})

test('no value is shown at more length than a step may print', async () => {
  const shown = await guest.show('Array.from({ length: 90 }, () => "x".repeat(900))')
  expect(shown.length).toBeLessThan(20_100)
  expect(shown).toMatch(/^\[\n {2}'x+[^]*\n\[… \d+ characters cut …\]\n[^]*x'\n\]$/)
})
