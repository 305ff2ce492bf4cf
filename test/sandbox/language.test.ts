/** What the model's code may do, over the steps of one session. A row: what it is about, then code and what is shown. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { session } from './session.ts'
import type { Session } from './session.ts'

type Row = readonly [about: string, ...steps: readonly (readonly [code: string, shown: string | RegExp])[]]

const NAMES: readonly Row[] = [
  ['let stays', ['let a = 1', ''], ['a += 1; a', '2']],
  ['const is declared again by let', ['const b = 1', ''], ['let b = 2; b', '2']],
  ['a function is declared again by a variable', ['function c() { return 1 }', ''], ['const c = 2; c', '2']],
  ['a variable is declared again by a function', ['let d = 1', ''], ['function d() { return 3 }; d()', '3']],
  ['a class is declared again', ['class E1 { v = 1 }', ''], ['class E1 { v = 2 }; new E1().v', '2']],
  ['let without a value forgets the old one', ['let e = 1', ''], ['let e; e', '']],
  ['functions are hoisted', ['early(); function early() { return "up" }', "'up'"]],
  ['a closure sees later updates', ['let n = 1; const get = () => n', ''], ['n = 5; get()', '5']],
  [
    'a closure keeps its own variable',
    ['const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i)', ''],
    ['fs.map((f) => f())', '[ 0, 1, 2 ]'],
  ],
  ['var below the top level stays', ['if (true) { var deep = 7 }', ''], ['deep', '7']],
  ['let below the top level does not', ['{ let inner = 7 }', ''], ['typeof inner', "'undefined'"]],
  [
    'destructuring with defaults and rest',
    ['const { x, y: [y0 = 9], ...more } = { x: 1, y: [], p: 2, q: 3 }', ''],
    ['[x, y0, more]', '[ 1, 9, { p: 2, q: 3 } ]'],
  ],
  [
    'a step that fails keeps what it had set',
    ['const kept = 1; const lost = (() => { throw new Error("no") })()', '! Error: no'],
    ['[kept, typeof lost]', "[ 1, 'undefined' ]"],
    ['const lost = 3; lost', '3'],
  ],
  [
    'exports are plain declarations',
    ['export const ex = 1; export function ef() { return ex }\nexport default class { }', /class/],
    ['ef()', '1'],
  ],
  [
    'no semicolons',
    [
      'const s1 = 1\nfunction between() { return [s1] }\n;[1, 2].forEach((v) => print(v))\nconst s2 = between()\ns2',
      '1\n2\n[ 1 ]',
    ],
  ],
  [
    'an interface and types vanish',
    ['interface P { a: number }\ntype Q = P | null\nconst q: Q = { a: 1 } as P satisfies P\nq!.a', '1'],
  ],
  ['a tool name may be shadowed, tools stays', ['const echo = 5; [echo, await tools.echo(6)]', '[ 5, 6 ]']],
  ['strict mode', ['(function () { return this })()', ''], ['undeclared = 1', /ReferenceError/]],
  ['unicode names', ['const größe = "ä"; größe', "'ä'"]],
]

const CLASSES: readonly Row[] = [
  [
    'private fields',
    [
      'class C1 { #n = 0; inc() { return ++this.#n } static of() { return new C1() } }; const c1 = C1.of(); c1.inc()',
      '1',
    ],
    ['c1.inc()', '2'],
  ],
  [
    'a private method and accessor',
    [
      'class C2 { #v = 2; get #double() { return this.#v * 2 } read() { return this.#double } }; new C2().read()',
      '4',
    ],
  ],
  [
    'static blocks and inheritance',
    [
      'class C3 { static list: string[] = []; static { C3.list.push("s") } }\nclass C4 extends C3 { who() { return super.toString() + C4.list } }; new C4().who()',
      "'[object Object]s'",
    ],
  ],
  ['the name of a class', ['class Named {}; [Named.name, new Named()]', "[ 'Named', Named {} ]"]],
  [
    'parameter properties',
    [
      'class C5 { constructor(private a: number, readonly b = 2) {} sum() { return this.a + this.b } }\nnew C5(1).sum()',
      '3',
    ],
  ],
  [
    'enum',
    ['enum Color { Red, Green = "g" }', ''],
    ['[Color.Red, Color.Green, Color[0]]', "[ 0, 'g', 'Red' ]"],
  ],
  ['namespace', ['namespace N1 { export const v = 4 }\nN1.v', '4'], ['N1.v + 1', '5']],
  ['an enum and a return', ['enum Z { A = 3 }\nif (Z.A === 3) return "left"\n"right"', "'left'"]],
  [
    'abstract classes and overloads',
    [
      'abstract class C6 { abstract f(): number; g() { return this.f() } }\nclass C7 extends C6 { f(): number { return 8 } }\nfunction over(a: string): string\nfunction over(a: number): number\nfunction over(a: any) { return a }\n[new C7().g(), over(1)]',
      '[ 8, 1 ]',
    ],
  ],
  ['angle-bracket assertions', ['const an = <number>(<unknown>"x"); an', "'x'"]],
]

const FLOW: readonly Row[] = [
  [
    'a generator lives on',
    ['function* g() { let i = 0; for (;;) yield i++ }; const it = g(); it.next().value', '0'],
    ['[it.next().value, it.next().value]', '[ 1, 2 ]'],
  ],
  [
    'an async generator pages through a tool',
    [
      'async function* pages() { for (let p = 0; p < 3; p++) yield await tools.echo(p) }\nconst all = []; for await (const p of pages()) all.push(p); all',
      '[ 0, 1, 2 ]',
    ],
  ],
  [
    'labelled loops',
    [
      'const seen = []; outer: for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) { if (j === 1) continue outer; if (i === 2) break outer; seen.push([i, j]) }; seen',
      '[ [ 0, 0 ], [ 1, 0 ] ]',
    ],
  ],
  [
    'return at the top level, in a loop, with finally',
    [
      'for (const k of [1, 2]) { try { if (k === 2) return "r" + k } finally { print("f" + k) } }',
      "f1\nf2\n'r2'",
    ],
  ],
  ['return without a value', ['if (true) return\nprint("never")', '']],
  [
    'code after a return that was not taken',
    ['if (false) return 1\nprint("on"); let after = 2', 'on\n'],
    ['after', '2'],
  ],
  ['return in a nested function is its own', ['const rf = () => { return 1 }\nrf()', '1']],
  [
    'return in a switch and a while',
    ['let w = 0; while (true) { switch (w++) { case 2: return { w } } }', '{ w: 3 }'],
  ],
  ['using disposes', ['using res = { [Symbol.dispose]() { print("bye") } }; print("hi")', 'hi\nbye\n']],
  [
    'try, catch, finally over await',
    [
      'try { await tools.fail("x") } catch (e) { print("caught " + e.message) } finally { print("fin") }',
      'caught x\nfin\n',
    ],
  ],
  [
    'a pool of workers',
    [
      'const jobs = [1, 2, 3, 4]; const done = []; const work = async () => { for (let j; (j = jobs.shift()) !== undefined; ) done.push(await tools.echo(j * 10)) }; await Promise.all([work(), work()]); done.sort()',
      '[ 10, 20, 30, 40 ]',
    ],
  ],
  [
    'allSettled',
    [
      '(await Promise.allSettled([tools.echo(1), tools.fail("z")])).map((r) => r.status)',
      "[ 'fulfilled', 'rejected' ]",
    ],
  ],
  ['any', ['await Promise.any([tools.fail("a"), tools.echo(2)])', '2']],
  [
    'tagged templates and optional chaining',
    [
      'const tag = (s, ...v) => s.raw.join("|") + v; const nothing = null; [tag`a${1}b\\n`, nothing?.x?.y ?? "d"]',
      "[ 'a|b\\\\n1', 'd' ]",
    ],
  ],
  [
    'iterator helpers, groupBy, sets',
    [
      '[...[1, 2, 3].values().map((v) => v * 2)].concat([...new Set([1, 2]).union(new Set([3]))]).length + Object.keys(Object.groupBy([1, 2], (v) => v % 2)).length',
      '8',
    ],
  ],
  [
    'regular expressions keep their state',
    ['const re = /a/g; re.exec("aa"); re.lastIndex', '1'],
    ['re.exec("aa").index', '1'],
  ],
  [
    'a date is UTC and stands still',
    [
      '[new Date().toISOString(), new Date(0).getTimezoneOffset(), Date.now() - Date.now()]',
      "[ '2026-01-02T03:04:05.000Z', 0, 0 ]",
    ],
  ],
  [
    'bare names and tools are the same functions',
    [
      '[tools.echo === globalThis.echo, Object.keys(tools), tools.echo.name]',
      /^\[ (true|false), \[ 'echo', 'fail' \], 'echo' \]$/,
    ],
  ],
  [
    'structuredClone copies',
    [
      'const o1 = { d: new Date(0), m: new Map([[1, 2]]) }; const o2 = structuredClone(o1); [o2 === o1, o2]',
      '[ false, { d: 1970-01-01T00:00:00.000Z, m: Map(1) { 1 => 2 } } ]',
    ],
  ],
  ['timers wait by a call', ['await new Promise((r) => setTimeout(r, 10, 5)).then(print)', '5\n']],
  [
    'a cleared timer does not fire',
    ['const t = setTimeout(() => print("no"), 5); clearTimeout(t); await sleep("1s"); print("yes")', 'yes\n'],
  ],
]

const ERRORS: readonly Row[] = [
  ['a thrown value', ['throw "plain"', '! Error: Uncaught plain']],
  ['a thrown object', ['throw { code: 1 }', '! Error: Uncaught { code: 1 }']],
  [
    'a call of what is no function',
    ['const target = { go: 1 }\ntarget.go()', '! TypeError: target.go is not a function'],
  ],
  [
    'an unknown tool',
    ['await tools.serach({})', '! TypeError: tools.serach is not a function. The tools are: echo, fail'],
  ],
  ['what is absent is explained', ['require("fs")', /require is not defined\. Nothing can be imported/]],
  ['a dynamic import', ['await import("node:fs")', /Nothing can be imported/]],
  ['a tool’s error', ['await tools.fail("broken")', '! Error: broken']],
  [
    'an aggregate names its parts',
    ['await Promise.any([tools.fail("a"), tools.fail("b")])', /AggregateError[^]*- Error: a\n {2}- Error: b/],
  ],
  [
    'a cause is told',
    [
      'throw new Error("outer", { cause: new TypeError("inner") })',
      '! Error: outer (cause: TypeError: inner)',
    ],
  ],
  [
    'a rejection that nobody handles is the step’s error',
    ['Promise.reject(new Error("lost")); 1', '! Error: lost'],
  ],
  [
    'a rejection handled later is none',
    [
      'const p1 = Promise.reject(new Error("later")); await tools.echo(1); await p1.catch(() => "ok")',
      "'ok'",
    ],
  ],
  [
    'a rejection besides an error is told in the output',
    [
      'Promise.reject(new Error("side")); throw new Error("main")',
      /^Uncaught \(in promise\) Error: side[^]*! Error: main/,
    ],
  ],
  ['a wait that nothing can end', ['await new Promise(() => {})', /! Error: .*nothing can settle/]],
  [
    'a symbol for a tool',
    [
      'await tools.echo({ a: [Symbol("s")] })',
      '! TypeError: The input of echo.a[0] cannot be passed out of the sandbox: it is a symbol',
    ],
  ],
  ['finalAnswer of a promise', ['finalAnswer(tools.echo(1))', /TypeError: finalAnswer got a Promise/]],
]

let shared: Session

beforeAll(async () => {
  shared = await session(
    {},
    {
      echo: (value: unknown) => value,
      fail: (message: string) => {
        throw new Error(message)
      },
    },
  )
})
afterAll(() => shared[Symbol.asyncDispose]())

for (const [title, rows] of Object.entries({ names: NAMES, classes: CLASSES, flow: FLOW, errors: ERRORS })) {
  describe(`the language: ${title}`, () => {
    for (const [about, ...steps] of rows) {
      test(`${about}`, async () => {
        for (const [code, shown] of steps) {
          const said = await shared.show(code)
          if (typeof shown === 'string') expect(said).toBe(shown)
          else expect(said).toMatch(shown)
        }
      })
    }
  })
}
