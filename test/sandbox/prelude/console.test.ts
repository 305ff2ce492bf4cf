/** What is printed: as Node prints it. A row is a step; the other side is Node's own console, writing to a text. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLOCK, session } from '../session.ts'
import type { Session } from '../session.ts'
import { printedOnNode } from './on-node.ts'

const ALIKE: readonly string[] = [
  'console.log()',
  'console.log("a", 1, { b: 2 }, [3], null, undefined, 4n, Symbol("s"))',
  'console.log("%s is %d of %i, %f %j %%, %o %O", "x", "1.5", "7.9", "2.50", { a: [1] }, [1], { b: {} }, "rest", 5)',
  'console.log("%s %s %s %s", 1n, Symbol("s"), null, undefined)',
  'console.log("%s %s", { a: { b: 1 } }, [1, [2]])',
  'console.log("%s %s", new (class A { toString() { return "mine" } })(), new Date(0).getTime())',
  'console.log("%s", () => 1)',
  'console.log("%d %d %d %i %f", 5n, Symbol("s"), {}, 6n, Symbol("t"))',
  'console.log("%d %d", -0, "abc")',
  'console.log("%c styled", "color: red")',
  'console.log("100%", 5)',
  'console.log("%", 5)',
  'console.log("%s")',
  'console.log("%s%%", "a")',
  'console.log("%% %s", "a", "b")',
  'console.log("%x %s", "a")',
  'console.log("a%sb%sc", 1)',
  'console.log({ a: 1 }, "%s", 2)',
  'console.log("%j", (() => { const o = {}; o.o = o; return o })())',
  'console.log("%o", { f: [1, 2], [Symbol("k")]: 1 })',
  'console.error("e"); console.warn("w"); console.info("i"); console.debug("d")',
  'console.assert(1 === 1); console.assert(false, "no", 1); console.assert(false); console.assert(0, { a: 1 })',
  'console.count(); console.count("x"); console.count(); console.countReset(); console.count()',
  'console.dir({ a: { b: { c: { d: { e: 1 } } } } }, { depth: 0 }); console.dir({ a: [[[[[[1]]]]]] }, { depth: null })',
  'console.dir([1, 2], { showHidden: true })',
  'console.group("outer"); console.log("a\\nb"); console.group(); console.log({ a: 1 }); console.groupEnd(); console.log("c"); console.groupEnd(); console.log("d")',
  'console.groupCollapsed("g"); console.error("in"); console.groupEnd(); console.groupEnd(); console.log("out")',
  'console.table([{ a: 1, b: "x" }, { a: 2 }])',
  'console.table(["p", "q"])',
  'console.table([[1, 2], [3, 4]])',
  'console.table([{ a: { x: 1 }, b: [1, 2, 3, 4, 5] }, { a: { x: 1, y: 2, z: 3 }, b: null }])',
  'console.table([{ a: 1, b: 2, c: 3 }], ["c", "a"])',
  'console.table([1, { a: 2 }, "three"])',
  'console.table(new Map([["k", { v: 1 }], [2, "w"]]))',
  'console.table(new Set([1, "two", { three: 3 }]))',
  'console.table({ r1: { c: 1 }, r2: { c: 2 } })',
  'console.table([])',
  'console.table("text"); console.table(null); console.table(5)',
  'console.table([{ name: "漢字", mark: "🎉" }, { name: "é", mark: "" }])',
  'console.table([{ "a b": true, f: () => 1, d: new Date(0) }])',
]

let guest: Session
beforeAll(async () => {
  guest = await session({}, { echo: (value: unknown) => value })
})
afterAll(() => guest[Symbol.asyncDispose]())

describe('as Node prints it', () => {
  for (const source of ALIKE) {
    test(`printed: ${source}`, async () => expect(await guest.show(source)).toBe(await printedOnNode(source)))
  }
})

test('print is console.log; methods work when taken off', async () => {
  expect(await guest.show('const { log } = console; log("a"); print("b"); [1].forEach(print)')).toBe(
    'a\nb\n1 0 [ 1 ]\n',
  )
})

test('time is the time of the guest, which stands still while it computes', async () => {
  const source = (wait: string): string =>
    `console.time(); console.time("t"); ${wait}; console.timeLog("t", { a: 1 }); console.timeEnd("t"); console.timeEnd()`
  expect(await guest.show(source('for (let i = 0; i < 1e5; i++);'))).toBe(
    't: 0ms { a: 1 }\nt: 0ms\ndefault: 0ms\n',
  )
  for (const [ms, told] of [
    [12, '12ms'],
    [1_500, '1.5s'],
    [125_010, '2:05.010 (m:ss.mmm)'],
    [7_384_005, '2:03:04.005 (h:mm:ss.mmm)'],
  ] as const) {
    const waiting = await guest.start('console.time(); await echo(1); console.timeEnd()')
    const [call] = waiting.kind === 'waiting' ? waiting.calls : []
    const moment = { clock: CLOCK + ms }
    const ended = await guest.sandbox.settle(call?.id ?? '', { ok: true, value: '[1]' }, moment)
    expect(ended).toMatchObject({ kind: 'ended', output: `default: ${told}\n` })
  }
})

test('what nobody began is said; what was begun twice is said', async () => {
  expect(await guest.show('console.timeEnd("none")')).toBe(
    "Warning: No such label 'none' for console.timeEnd()\n",
  )
  expect(await guest.show('console.time("u"); console.time("u")')).toBe(
    "Warning: Label 'u' already exists for console.time()\n",
  )
})

test('trace names the frames in the code', async () => {
  expect(await guest.show('function f() { console.trace("at %d", 1) }\nf()')).toMatch(
    /^Trace: at 1\n {4}at f \(step\d+\.ts:1:\d+\)\n {4}at step\d+\.ts:2:\d+\n$/,
  )
})

test('a group that a step leaves open ends with the step', async () => {
  expect(await guest.show('console.group("g"); print("in")')).toBe('g\n  in\n')
  expect(await guest.show('print("out")')).toBe('out\n')
})

test('what the code does to built-ins does not reach what is printed', async () => {
  const source = `const saved = [Array.prototype[Symbol.iterator], String.prototype.slice, Map.prototype.get]
Array.prototype[Symbol.iterator] = () => { throw 1 }; String.prototype.slice = () => 'x'; Map.prototype.get = () => 9
console.log('%s and', 1, [1, 2]); console.table([{ a: 1 }]); console.count('mine'); console.assert(false, 'b')
Array.prototype[Symbol.iterator] = saved[0]; String.prototype.slice = saved[1]; Map.prototype.get = saved[2]; undefined`
  const table = '┌─────────┬───┐\n│ (index) │ a │\n├─────────┼───┤\n│ 0       │ 1 │\n└─────────┴───┘'
  expect(await guest.show(source)).toBe(`1 and [ 1, 2 ]\n${table}\nmine: 1\nAssertion failed: b\n`)
})
