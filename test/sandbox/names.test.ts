/** The names that steps declare, over the steps of a session: V1–V3 of prelude/session.js, R4 and R5 of rewrite.ts. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { session } from './session.ts'
import type { Session } from './session.ts'

/** Code and what is shown, a step each. */
type Steps = readonly (readonly [code: string, shown: string | RegExp])[]

const BEFORE: Readonly<Record<string, Steps>> = {
  'the right side of a declaration is the tool': [
    ['const echo = await echo([1]); echo', '[ 1 ]'],
    ['echo.length', '1'],
    ['await tools.echo(2)', '2'],
    ['echo(3)', '! TypeError: echo is not a function: the name is a variable now. The tool is tools.echo'],
  ],
  'the right side of a declaration is the older variable': [
    ['const rows = [1, 2, 3]', ''],
    ['const rows = rows.filter((row) => row > 1); rows', '[ 2, 3 ]'],
    ['let rows = rows.length, twice = rows * 2; [rows, twice]', '[ 2, 4 ]'],
  ],
  'what is used before it is declared is told so': [
    ['const two = one + 1\nconst one = 1', "! ReferenceError: Cannot access 'one' before initialization"],
    ['typeof one', "'undefined'"],
    ['one', '! ReferenceError: one is not defined'],
  ],
  'in a function that is called too early too': [
    ['read()\nfunction read() { return late }\nlet late = 1', /Cannot access 'late' before initialization/],
    ['let late = 2; read()', '2'],
  ],
  'typeof does not help': [['typeof early; let early', /Cannot access 'early'/]],
  'a class is not hoisted': [['new K(); class K {}', /Cannot access 'K' before initialization/]],
  'a var is hoisted, without a value': [
    ['const seen = typeof v + typeof w; var v = 1; if (v) { var w = 2 }\nseen', "'undefinedundefined'"],
  ],
  'a var that is there keeps its value': [
    ['var count = 5', ''],
    ['var count; count', '5'],
  ],
  'a var over a constant may be assigned': [
    ['const level = 1', ''],
    ['var level; level += 1; level', '2'],
  ],
}

const FAILED: Readonly<Record<string, Steps>> = {
  'what was set before a failure stays, what was not is not there': [
    ['const a = 1, b = missing(), c = 3', '! ReferenceError: missing is not defined'],
    ['[a, typeof b, typeof c]', "[ 1, 'undefined', 'undefined' ]"],
    ['b', '! ReferenceError: b is not defined'],
    ['const b = 2, c = 3; [a, b, c]', '[ 1, 2, 3 ]'],
  ],
  'a failed declaration leaves the older variable': [
    ['let total = 10', ''],
    ['const total = (() => { throw new Error("no") })()', '! Error: no'],
    ['total += 1; total', '11'],
  ],
  'a failed destructuring keeps what came first': [
    ['const { x, y: { z } } = { x: 1 }', /^! TypeError/],
    ['[x, typeof z]', "[ 1, 'undefined' ]"],
  ],
  'a declaration behind a return never ran': [
    ['if (true) return "early"; const behind = 1', "'early'"],
    ['typeof behind', "'undefined'"],
  ],
  'a step that the answer ended declared what came before it': [
    ['const before = 1; finalAnswer(before); const after = 2', '= [1]'],
    ['[before, typeof after]', "[ 1, 'undefined' ]"],
  ],
  'a failed class leaves the older one': [
    ['class Shape { kind = "old" }', ''],
    ['class Shape extends undefined_base { kind = "new" }', /^! ReferenceError/],
    ['new Shape().kind', "'old'"],
  ],
}

const CONSTANT: Readonly<Record<string, Steps>> = {
  'a constant cannot be assigned in its step': [
    ['const one = 1; one = 2', '! TypeError: Assignment to constant variable: one'],
    ['one', '1'],
  ],
  'nor in a later one': [
    ['const one = 1', ''],
    ['one += 1', /Assignment to constant variable/],
    ['one', '1'],
  ],
  'a constant that takes the place of a variable is one as well': [
    ['let one = 1', ''],
    ['const one = 2', ''],
    ['one = 3', /Assignment to constant variable/],
  ],
  'code that knows the older variable may assign to it until the constant is there': [
    ['let n = 1; const bump = () => { n += 1; return n }', ''],
    ['const n = bump() * 10; n', '20'],
    ['bump()', /Assignment to constant variable/],
  ],
  'it may be declared again as anything': [
    ['const k = 1', ''],
    ['let k = 2; k = 3; k', '3'],
    ['const k = 4; k', '4'],
    ['function k() { return 5 } k()', '5'],
    ['class k { static v = 6 } k.v', '6'],
    ['enum k { a = 7 } k.a', '7'],
    ['var k = 8; k', '8'],
    ['const { k } = { k: 9 }; k', '9'],
  ],
  'what a constant holds may change': [
    ['const list = [1]', ''],
    ['list.push(2); list', '[ 1, 2 ]'],
  ],
}

const TOGETHER: Readonly<Record<string, Steps>> = {
  'an enum is a new one in each step, and one within a step': [
    ['enum Color { Red }', ''],
    [
      'enum Color { Blue = 4 }\nenum Color { Green = 5 }\n[Color.Blue, Color.Green, Color[0]]',
      '[ 4, 5, undefined ]',
    ],
    ['const Color = "red"', ''],
    ['enum Color { Red = "r" }; Color', "{ Red: 'r' }"],
  ],
  'a constant enum is there in later steps': [
    ['const enum Level { Low = 1, High = Low << 3 }; Level.High', '8'],
    ['Level[8]', "'High'"],
  ],
  'a namespace is a new one in each step, and one within a step': [
    [
      'namespace N { export const a = 1 }\nnamespace N { export const b = a + 1; export const f = () => ({ a, g(a: number) { return a } }) }\n[N.a, N.b, N.f().a, N.f().g(5)]',
      '[ 1, 2, 1, 5 ]',
    ],
    ['namespace N { export const c = 3 }\nN', '{ c: 3 }'],
  ],
  'a namespace extends a function, a class, an enum of its step': [
    ['function f() { return f.step }\nnamespace f { export const step = 7 }\nf()', '7'],
    ['class C { static a = 1 }\nnamespace C { export const b = 2 }\n[C.a, C.b]', '[ 1, 2 ]'],
    ['enum E { A = 1 }\nnamespace E { export const of = () => E.A }\nE.of()', '1'],
  ],
}

const ANSWER: Readonly<Record<string, Steps>> = {
  'a variable may have its name; the function keeps it for later': [
    ['const finalAnswer = 40 + 2\nprint(finalAnswer)\nconst told = () => ({ finalAnswer })', '42\n'],
    ['[told(), typeof finalAnswer]', "[ { finalAnswer: 42 }, 'function' ]"],
    ['finalAnswer(told())', /^= \[/],
  ],
  'by destructuring, in a closure, and assigned again': [
    [
      'let { finalAnswer } = { finalAnswer: 1 }; (() => { finalAnswer += 1 })(); [finalAnswer, { finalAnswer }]',
      '[ 2, { finalAnswer: 2 } ]',
    ],
  ],
  'a parameter of its name is a parameter': [['((finalAnswer) => finalAnswer * 2)(4)', '8']],
  'it is passed on like any function': [['await Promise.resolve(9).then(finalAnswer)', '= [9]']],
  'from a nested function, in a callback, un-awaited': [
    [
      'const done = (value) => { [value].forEach((each) => finalAnswer(each)) }\ndone("in")\nprint("never")',
      '= ["in"]',
    ],
    [
      '(async () => { await echo(1); finalAnswer("later") })(); await echo(2); await echo(3); print("never")',
      '= ["later"]',
    ],
  ],
  'code that goes on for ever after it is cut': [
    ['let n = 0\nfor (;;) { try { finalAnswer(n) } catch { n++ } }', '= [0]'],
    ['n > 0', 'true'],
    ['try { finalAnswer(1) } finally { for (;;) n++ }', '= [1]'],
    [
      'const spin = async () => { for (;;) n++ }\nawait Promise.allSettled([(async () => finalAnswer(2))(), spin()])',
      '= [2]',
    ],
    [
      '[1].forEach(() => { try { finalAnswer(three()) } catch { while (true) n += 1 } })\nfunction three() { return 3 }',
      '= [3]',
    ],
    ['await echo(1); try { finalAnswer(4) } catch { for (;;) n++ }', '= [4]'],
    ['typeof n', "'number'"],
  ],
  'it cannot be swallowed': [
    ['try { finalAnswer(1) } catch { print("caught") } finally { print("finally") }\nprint("on")', '= [1]'],
    ['try { finalAnswer(1) } finally { finalAnswer(2) }', '= [1]'],
    ['for (const n of [1, 2]) { try { finalAnswer(n) } catch { continue } }', '= [1]'],
    ['await Promise.allSettled([(async () => finalAnswer(5))()]); throw new Error("no")', '= [5]'],
    ['try { finalAnswer(6) } finally { throw new Error("no") }', '= [6]'],
    ['for (;;) { try { finalAnswer(await echo(7)) } catch { await echo(8) } }', '= [7]'],
  ],
}

const SHOWN: Readonly<Record<string, Steps>> = {
  'of a branch': [
    ['if (1 > 0) { "yes" } else { "no" }', "'yes'"],
    ['if (1 < 0) { "yes" }', ''],
    ['switch (2) { case 1: "one"; break; case 2: "two"; break }', "'two'"],
    ['try { JSON.parse("[1]") } catch { "bad" }', '[ 1 ]'],
    ['try { JSON.parse("[1") } catch { "bad" }', "'bad'"],
    ['{ const inner = 3; inner }', '3'],
  ],
  'not of a loop': [
    ['for (const n of [1, 2]) n', ''],
    ['while (false) 1', ''],
  ],
  'not of a declaration': [
    ['5; const a = 6', ''],
    ['class A {}', ''],
  ],
  'with functions behind it': [['five() + 1\nfunction five() { return 5 }', '6']],
}

let guest: Session
beforeEach(async () => {
  guest = await session({}, { echo: (value: unknown) => value })
})
afterEach(() => guest[Symbol.asyncDispose]())

const ALL = {
  'V1: until a declaration has run, its name is what was there': BEFORE,
  'V2: what did not run changed nothing': FAILED,
  'V3: constants': CONSTANT,
  'R4: enums and namespaces': TOGETHER,
  'R5: finalAnswer': ANSWER,
  'the value that is shown': SHOWN,
}
for (const [about, cases] of Object.entries(ALL)) {
  describe(`${about}`, () => {
    for (const [title, steps] of Object.entries(cases)) {
      test(`${title}`, async () => {
        for (const [code, shown] of steps) {
          const said = await guest.show(code)
          if (typeof shown === 'string') expect(said).toBe(shown)
          else expect(said).toMatch(shown)
        }
      })
    }
  })
}
