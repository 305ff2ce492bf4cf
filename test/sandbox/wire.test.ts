/** The two sides of the wire format: the guest's encoder and decoder against `base/codec.ts`. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encode } from '../../src/base/codec.ts'
import type { Halt } from '../../src/base/halt.ts'
import { session } from './session.ts'
import type { Session } from './session.ts'

let guest: Session
let next: string
/** For the corpus: a step for each expression. */
let other: Session

beforeAll(async () => {
  guest = await session({ callsPerStep: 100_000 }, { next: () => 0, echo: () => 0 })
  other = await session({}, { echo: () => 0 })
  next = callOf(await guest.start('for (;;) { const value = await next(0); await echo(value) }')).id
})
afterAll(async () => {
  await guest[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

function callOf(halt: Halt): { readonly id: string; readonly input: string } {
  if (halt.kind !== 'waiting' || halt.calls[0] === undefined) throw new Error(JSON.stringify(halt))
  return halt.calls[0]
}

/** What the guest makes of a text: decoded there, and encoded again. */
async function through(text: string): Promise<string> {
  const echo = callOf(await guest.sandbox.settle(next, { ok: true, value: text }, { clock: 0 }))
  next = callOf(await guest.resolve(echo.id, 0)).id
  return echo.input
}

test('a value comes out of the guest as the same bytes that went in', async () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withNullPrototype: true,
    withBoxedValues: true,
  })
  const texts = fc.oneof(
    anything,
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.dictionary(fc.string({ unit: 'binary' }), fc.double()),
  )
  await fc.assert(
    fc.asyncProperty(texts, async (value) => {
      const text = encode(value)
      expect(await through(text)).toBe(text)
    }),
    { numRuns: 600 },
  )
})

const CORPUS = [
  'undefined',
  'null',
  'true',
  '0',
  '-0',
  'NaN',
  'Infinity',
  '-Infinity',
  '1e21',
  '1e-7',
  '123456789012345680000',
  '5e-324',
  '""',
  '"\\u2028<\\u2029"',
  '"\\ud800"',
  '"\\0\\x7f"',
  '"é😀"',
  '10n ** 40n',
  '-1n',
  '[]',
  '[,]',
  '[1,,2]',
  '[undefined]',
  '[[],[[]]]',
  'new Array(5)',
  'Object.assign([], { 100: 1 })',
  'Object.assign([], { 4294967294: 1 })',
  '[1,1,"a","a",1n,1n]',
  '({})',
  '({ a: 1, "b c": 2, 3: 4, "<": 5 })',
  '({ __proto__: null, a: 1 })',
  '({ ["__proto__"]: 1 })',
  '({ "\\0__proto__": 1 })',
  '(() => { const a = []; a.push(a); return a })()',
  '(() => { const s = {}; return { x: s, y: [s] } })()',
  'new Date(0)',
  'new Date(NaN)',
  'new Date(8.64e15)',
  'new Date(-1e14)',
  '/a/',
  '/[/]\\n/dgimsuy',
  'new RegExp("\\n/")',
  '/\\u{1f600}/u',
  'new Map()',
  'new Map([[1, {}], [{ k: 1 }, new Set([1, 2])], [NaN, -0]])',
  'new Set([[], "x", undefined])',
  'new Uint8Array([1, 2, 255])',
  'new Uint8Array([1, 2, 3]).subarray(1)',
  'new Float64Array([NaN, 1.5])',
  'new BigInt64Array([1n])',
  'new Float16Array([1.5])',
  'new DataView(new ArrayBuffer(3), 1)',
  'new ArrayBuffer(2)',
  '(() => { const b = new ArrayBuffer(4); return [new Uint8Array(b), new Uint16Array(b)] })()',
  'Object(1)',
  'Object("s")',
  'Object(true)',
  'Object(1n)',
  'new Error("m")',
  'new TypeError("m", { cause: { a: 1 } })',
  'new AggregateError([new Error("a")], "b")',
  'Object.assign(new Error("m"), { name: "Odd" })',
  '(() => { const e = new Error("x"); e.cause = e; return e })()',
  'new (class Foo { x = 1; #y = 2; get z() { return 3 } })()',
  'new (class M extends Map {})([[1, 2]])',
  'new (class L extends Array {})(1, 2, 3)',
  'new (class E extends RangeError { name = "MyError" })("m")',
  '({ get a() { return { b: 1 } } })',
  'Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } })',
  '(function () { return arguments })(1, 2)',
]

for (const source of CORPUS) {
  test(`the guest writes as the host does: ${source}`, async () => {
    const call = callOf(await other.start(`await echo(${source})`))
    // oxlint-disable-next-line no-eval -- the corpus is ours; both sides must evaluate the same text
    expect(call.input).toBe(encode((0, eval)(`(${source})`)))
  })
}
