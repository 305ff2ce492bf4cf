/** What the model sees of a value: as Node shows it. A row is an expression, evaluated on both sides. */
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { session } from './session.ts'
import type { Session } from './session.ts'

const ALIKE: readonly string[] = [
  '1',
  '-0',
  '"it\'s"',
  '"a\\n\\u0007b"',
  '"\\ud800x"',
  '10n',
  'true',
  'null',
  'undefined',
  'Symbol("s")',
  '[]',
  '[1, 2, 3]',
  '[[], {}]',
  '[undefined, null]',
  '[1, , 3]',
  'new Array(3)',
  'Array(101).fill(1)',
  '[..."abcdefghijklmnopqrstuvwxyz"]',
  'Array.from({ length: 30 }, (_, i) => i * i)',
  'Array.from({ length: 12 }, (_, i) => "item " + i)',
  'Object.assign([1, 2], { extra: true })',
  '({})',
  '({ a: 1, "b-c": "x", 3: [] })',
  '({ [Symbol("k")]: 1 })',
  '({ a: { b: { c: { d: 1 } } } })',
  '({ f() {}, g: () => 1, h: class K {}, i: async () => {} })',
  '({ get a() { return 1 }, set a(v) {}, get b() { return 2 }, set c(v) {} })',
  'Object.create(null)',
  'Object.assign(Object.create(null), { x: 1 })',
  '({ name: "a rather long name", value: "and a rather long value", more: [1, 2, 3], other: { nested: true } })',
  '[{ id: 1, name: "first", tags: ["a", "b"] }, { id: 2, name: "second", tags: [] }]',
  '({ text: "x".repeat(100), n: 1 })',
  '({ lines: "first line of it\\nsecond line of it, which makes it longer than the width of eighty\\n" })',
  'new Map([[1, { a: 2 }], ["k", new Map()]])',
  'new Set([1, "a", [2]])',
  'new Map()',
  'new Set()',
  'new WeakMap()',
  'new (class M extends Map {})([[1, 2]])',
  'new Date(0)',
  'new Date(NaN)',
  '/a\\/b/gi',
  'new Uint8Array([1, 2, 3])',
  'new Float64Array(2)',
  'new Uint8Array(3).buffer',
  'new (class Point { x = 1; #y = 2 })()',
  'new (class extends Array {})(2)',
  'class A {}',
  'class B extends Map {}',
  'function named() {}',
  'function* gen() {}',
  '(() => {})',
  'Math.max',
  'Object(1)',
  'Object("str")',
  'Object(true)',
  'Promise.resolve({ a: 1 })',
  'new Promise(() => {})',
  'new Proxy({ a: 1 }, {})',
  'new Proxy([1], { get() { throw 1 } })',
  '(() => { const o = { a: 1 }; o.self = o; return o })()',
  '(() => { const a = [1]; a.push({ a }); return a })()',
  '[new Date(0), /x/, null, () => {}]',
  '({ ["__proto__"]: 1 })',
  '({ a: 1.5, b: -0, c: NaN, d: 1e21 })',
  '[1.5, 22.25, 333, 4, 5, 6, 7, 8]',
  '["a", "bb", "ccc", "dddd", "eeeee", "ffffff", "ggggggg"]',
  'Array.from({ length: 7 }, (_, i) => ({ i }))',
  '({ a: [[[[[1]]]]] })',
  '({ [Symbol.toStringTag]: "T" })',
]

let guest: Session
beforeAll(async () => {
  guest = await session()
})
afterAll(() => guest[Symbol.asyncDispose]())

for (const source of ALIKE) {
  test(`shown as Node shows it: ${source}`, async () => {
    // oxlint-disable-next-line no-eval -- the corpus is ours; both sides must evaluate the same text
    const value: unknown = (0, eval)(`(${source})`)
    await guest.step('0')
    expect(await guest.show(`console.dir(${source})`)).toBe(`${inspect(value, { depth: 4 })}\n`)
  })
}

const LINES: { readonly [source: string]: string } = {
  'print("a", 1, { b: 2 }, [3])': 'a 1 { b: 2 } [ 3 ]\n',
  'print("%s is %d of %i, %j %%", "x", 1.5, "7.9", { a: 1 }, "rest")': 'x is 1.5 of 7, { a: 1 } % rest\n',
  'print("100%", 5)': '100% 5\n',
  'print("%s")': '%s\n',
  'print()': '\n',
  'console.error("e"); console.warn("w"); console.info("i"); console.debug("d")': 'e\nw\ni\nd\n',
  'console.assert(1 === 1); console.assert(false, "no", 1)': 'Assertion failed: no 1\n',
  'console.count(); console.count("x"); console.count()': 'default: 1\nx: 1\ndefault: 2\n',
  'console.table([{ a: 1, b: "x" }, { a: 2 }])':
    "┌─────────┬───┬─────┐\n│ (index) │ a │ b   │\n├─────────┼───┼─────┤\n│ 0       │ 1 │ 'x' │\n│ 1       │ 2 │     │\n└─────────┴───┴─────┘\n",
  'console.table(["p", "q"])':
    "┌─────────┬────────┐\n│ (index) │ Values │\n├─────────┼────────┤\n│ 0       │ 'p'    │\n│ 1       │ 'q'    │\n└─────────┴────────┘\n",
}

for (const [source, shown] of Object.entries(LINES)) {
  test(`printed: ${source}`, async () => expect(await guest.show(source)).toBe(shown))
}

test('V2: what is deep, long or wide is cut', async () => {
  expect(await guest.show('print({ a: { b: { c: { d: { e: { f: {} } } } } } })')).toMatch(/\[Object\]/)
  expect(await guest.show('print(["x".repeat(20000)])')).toMatch(/\.\.\. 10000 more characters/)
  const wide = await guest.show(
    'console.dir(Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => ({ a: 1 }))))',
  )
  expect(wide.length).toBeLessThan(60_000)
})

test('an error is shown with its frames in the model’s code', async () => {
  const shown = await guest.show(
    'const boom = () => new TypeError("t")\nprint(boom(), { e: new Error("in") })',
  )
  expect(shown).toMatch(
    /^TypeError: t\n {4}at boom \(step\d+\.ts:1:\d+\)\n {4}at step\d+\.ts:2:\d+ \{\n? *e: Error: in\n/,
  )
})
