/** What the model sees of a value: as Node shows it. A row is an expression, evaluated on both sides. */
import { inspect, types } from 'node:util'
import fc from 'fast-check'
import { decode, encode } from '../../../src/base/codec.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { session } from '../session.ts'
import type { Session } from '../session.ts'

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
  'Array.from({ length: 150 }, (_, i) => i)',
  'Object.assign(Array.from({ length: 10 }, (_, i) => i), { extra: "x" })',
  '[..."漢字かな", "wide", "narrow", "é", "🎉 party"]',
  '({ get: { [Symbol("a\\n")]: "x\\x1b[0m\\x7f" } })',
  'Object.create(Object.create(null))',
  '(class P { a = 1 }).prototype',
  '(function () { return arguments })(1, 2)',
  '(function* () {})()',
  '[1][Symbol.iterator]()',
  'Math',
  'JSON',
  'Object.assign(() => {}, { a: 1 })',
  'Object.assign(function f() {}, { a: 1, b: { c: 2 } })',
  'class Q { static s = 1 }',
  'class extends Array {}',
  'Object.assign(new Date(0), { note: 1 })',
  'Object.assign(/x/, { note: 1 })',
  'Object.assign(Object("ab"), { note: 1 })',
  'new (class N extends Number {})(3)',
  'new (class D extends Date {})(0)',
  'new (class R extends RegExp {})("a", "g")',
  'new (class S extends Set { extra = 1 })([1])',
  'new DataView(new ArrayBuffer(2))',
  'new SharedArrayBuffer(2)',
  'new Uint8Array(200)',
  'new ArrayBuffer(200)',
  'new Map([[{ a: 1 }, { b: [1, 2, { c: 3 }] }], [[1], "x".repeat(70)]])',
  'new Map(Array.from({ length: 120 }, (_, i) => [i, i]))',
  'new Set(Array.from({ length: 120 }, (_, i) => i))',
  'new WeakSet()',
  'Promise.resolve([1, { a: new Map([[1, 2]]) }])',
  '[undefined, , null, NaN, -0, 0n]',
  '[, , 1, , , 2, , ]',
  '({ a: { b: { c: {} } }, d: [[[[[]]]]] })',
  '({ f: { g: { h: { i: { j: { k: 1 } }, l: [1], m: new Map([[1, 1]]), n: new (class Z {})(), o: new Date(0) } } } })',
  '({ "": 1, "a b": 2, 1: 3, "a\'b": 4, $a: 5, ä: 6 })',
  '(() => { const m = new Map(); m.set("m", m); return { m, list: [m] } })()',
  '(() => { class Node { constructor() { this.me = this } } return new Node() })()',
  '(() => { const a = {}, b = { a }; a.b = b; return { a, b } })()',
  'new Proxy(() => {}, {})',
  'new Proxy(class K {}, {})',
  '(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()',
  'Object.freeze({ a: Object.freeze([1]) })',
  'new (class { [Symbol.toStringTag] = "Tagged" })()',
  '"x".repeat(12000)',
  '["a\\nb".repeat(30)]',
  '"several\\nlines\\nof text that are longer in all than the eighty columns of a terminal\\n"',
  'Symbol("with space")',
  'Array.from({ length: 20 }, (_, i) => [i, "x".repeat(i)])',
  'Array.from({ length: 27 }, (_, i) => 1000 * i + 0.5)',
  'Array.from({ length: 27 }, (_, i) => BigInt(i) ** 5n)',
  'Array.from({ length: 101 }, (_, i) => "k" + i)',
  'globalThis.Array',
  'Number.prototype',
]

/** Errors: the frames are each engine's own. */
const ERRORS: readonly string[] = [
  'new Error("plain")',
  'new Error("")',
  'new Error("several\\nlines")',
  'new TypeError("typed")',
  'new Error("outer", { cause: new TypeError("inner") })',
  'new Error("outer", { cause: "text" })',
  'new Error("outer", { cause: { a: 1 } })',
  'new AggregateError([new Error("1"), new RangeError("2")], "many")',
  'Object.assign(new Error("m"), { code: "E1", status: 404 })',
  'Object.assign(new Error("m"), { name: "Custom" })',
  'new (class HttpError extends Error { status = 404 })("not found")',
  'new (class ValidationError extends Error { constructor(m, f) { super(m); this.name = "ValidationError"; this.field = f } })("bad", "age")',
  'new (class Foo extends Error {})("nf")',
  'new (class Foo extends Error {})()',
  '({ e: new Error("in"), list: [new Error("there")] })',
  'new Map([["k", new Error("v")]])',
  'Promise.reject(Object.assign(new Error("r"), { a: 1 }))',
  'new Error("circular", { cause: (() => { const o = {}; o.o = o; return o })() })',
]

let guest: Session
beforeAll(async () => {
  guest = await session({ outputChars: 2_000_000 })
})
afterAll(() => guest[Symbol.asyncDispose]())

function valueOf(source: string): unknown {
  // oxlint-disable-next-line no-eval -- the corpus is ours; both sides must evaluate the same text
  const value: unknown = (0, eval)(`(${source})`)
  if (types.isPromise(value)) value.catch(() => {})
  return value
}

/** V3 */
const DEEPER = { depth: 4 }

for (const source of ALIKE) {
  test(`shown as Node shows it: ${source}`, async () => {
    expect(await guest.show(`console.dir(${source})`)).toBe(`${inspect(valueOf(source), DEEPER)}\n`)
  })
}

/** Frames in Node's test runner are others, and it writes a title without a message in its own way. */
function unframed(text: string): string {
  return text
    .replaceAll(/(?:\n +(?:at .*|\.{3} \d+ lines matching cause stack trace \.{3}))+/g, '\n  at')
    .replaceAll(': \n', '\n')
}

for (const source of ERRORS) {
  test(`an error is shown as Node shows it: ${source}`, async () => {
    // A rejection that nobody handles is told too.
    const shown = await guest.show(
      `{ const v = ${source}; console.dir(v); if (v.catch) void v.catch(() => {}) }`,
    )
    expect(unframed(shown)).toBe(unframed(`${inspect(valueOf(source), DEEPER)}\n`))
  })
}

const UNITS = ['9', ' ', '\n', '\t', "'", '"', '`', '${', '\\', '\x1b', '\x7f', 'é', 'ß', '漢', '字', '🎉']
const text = fc.string({
  unit: fc.oneof(fc.constantFrom(...UNITS), fc.string({ maxLength: 1 })),
})
const anything = fc.anything({
  key: text,
  values: [fc.boolean(), fc.integer(), fc.double(), text, fc.constant(null), fc.constant(undefined)],
  maxDepth: 6,
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withSparseArray: true,
  withTypedArray: true,
})
const lists = fc.oneof(
  fc.array(fc.integer(), { maxLength: 150 }),
  fc.array(fc.oneof(fc.double(), fc.bigInt()), { maxLength: 40 }),
  fc.array(text, { maxLength: 120 }),
  fc.array(fc.record({ id: fc.nat(), name: text, tags: fc.array(text), more: anything }), { maxLength: 20 }),
)

test('any value is shown as Node shows it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(anything, lists), async (made) => {
      const variables = encode({ made })
      const { made: value } = decode(variables) as { readonly made: unknown }
      expect(await guest.show('console.dir(made)', variables)).toBe(`${inspect(value, DEEPER)}\n`)
    }),
    { numRuns: 150 },
  )
})

test('V1: nothing of the code runs when a value is shown', async () => {
  const source = `let ran = 0
const trap = () => { ran++; throw 1 }
const handler = new Proxy({}, { get: () => trap })
class Own { get [Symbol.toStringTag]() { return trap() } get [Symbol.iterator]() { return trap() } get name() { return trap() } }
console.dir([new Own(), new Proxy({ a: 1 }, handler), { get a() { return trap() } }, { toString: trap, toJSON: trap }])
ran`
  expect(await guest.show(source)).toBe(
    '[\n  Own {},\n  { a: 1 },\n  { a: [Getter] },\n  { toString: [Function: trap], toJSON: [Function: trap] }\n]\n0',
  )
})

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
