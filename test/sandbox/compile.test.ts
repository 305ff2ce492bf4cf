/** What compiling says of code that cannot run, and where errors of code that runs are said to be. */
import { openDelta } from '../../src/sandbox/delta.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compile } from '../../src/sandbox/compile.ts'
import { session } from './session.ts'
import type { Session } from './session.ts'

const REFUSED: { readonly [about: string]: readonly [source: string, message: string | RegExp] } = {
  'a missing value': [
    'let a = 1\nconst x = ;',
    'Expression expected (step4.ts:2:11)\n  2 | const x = ;\n    |           ^',
  ],
  'TypeScript that is none': ['const x: = 1', /\(step4\.ts:1:\d+\)/],
  'two declarations of one name': ['let a = 1\nlet a = 2', /'a' has already been declared \(step4\.ts:2:5\)/],
  import: [
    '\nimport fs from "node:fs"',
    /^Nothing can be imported here, `node:fs` neither\. There is no file system here: [^]*\(step4\.ts:2:1\)/,
  ],
  'import for its effect': [
    'import "dotenv/config"',
    /^Nothing can be imported here, `dotenv\/config` neither/,
  ],
  'import with a return': [
    'import { z } from "zod"\nreturn z',
    /^Nothing can be imported here, `zod` neither[^]*:1:1\)/,
  ],
  'import.meta': ['print(import.meta.url)', /^`import\.meta` is not there[^]*\(step4\.ts:1:\d+\)/],
  'a tag': [
    'const x = 1\nconst page = (\n  <div>hi</div>\n)',
    /^JSX cannot be used here[^]*\(step4\.ts:3:3\)\n {2}3 \| {3}<div>hi<\/div>\n {4}\| {3}\^$/,
  ],
  'a tag with attributes': ['const App = () => <Card title="x">{a}</Card>', /^JSX[^]*\(step4\.ts:1:19\)/],
  'a tag that closes itself': ['return <Chart data={rows} />', /^JSX[^]*\(step4\.ts:1:8\)/],
  'a fragment': ['const x = <>a</>', /^JSX[^]*\(step4\.ts:1:11\)/],
  'a decorated parameter': [
    'class A { constructor(@inject a: string) {} }',
    /^A decorator stands before a class or a member of one \(step4\.ts:1:23\)/,
  ],
  'a decorated function': ['@log function f() {}', /^A decorator stands before a class/],
  'a decorated private method': [
    'class A { @log #m() {} }',
    /^A private method or accessor cannot be decorated here/,
  ],
  'a decorated constructor': ['class A { @log constructor() {} }', /^A constructor cannot be decorated/],
  'an accessor with a computed name': [
    'class A { accessor [k] = 1 }',
    /^An accessor needs a plain name here/,
  ],
  'export from': ['export * from "x"', /^Nothing can be imported/],
  'export of another module': ['export { a } from "x"', /^Nothing can be imported/],
  'a variable named tools': ['const { tools } = { tools: 1 }', /^`tools` holds the tools/],
  'a function named finalAnswer': [
    'function finalAnswer() {}',
    /^`finalAnswer` is the function that ends the task\. It is there already \(step4\.ts:1:10\)/,
  ],
  'a variable named finalAnswer that is called': [
    'const finalAnswer = 1\nconst f = () => finalAnswer(finalAnswer)',
    /^`finalAnswer` is a variable of this program, so it cannot be called[^]*\(step4\.ts:2:17\)/,
  ],
  'an assignment to finalAnswer': [
    'let a = 1\nfinalAnswer = a',
    /call it, finalAnswer\(value\) \(step4\.ts:2:1\)/,
  ],
  'await in a plain function': ['function f() { await g() }', /\(step4\.ts:1:\d+\)/],
  'a fault in a program with a return': ['return 1\nlet = ;', /\(step4\.ts:2:\d+\)/],
  'a fault in a program with an enum': ['enum A { B }\n\nlet a = 1; let a = 2', /\(step4\.ts:3:\d+\)/],
  'brackets without end': ['['.repeat(100_000), /step4\.ts:1/],
  'a source without end': ['1;'.repeat(600_000), /longer than/],
}

for (const [about, [source, message]] of Object.entries(REFUSED)) {
  test(`P1: refused: ${about}`, () => {
    const compiled = compile(4, source)
    expect(compiled.ok).toBe(false)
    if (compiled.ok) return
    expect(compiled.error.name).toBe('SyntaxError')
    if (typeof message === 'string') expect(compiled.error.message).toBe(message)
    else expect(compiled.error.message).toMatch(message)
  })
}

test('locked names may be used inside functions', () => {
  expect(
    compile(1, 'const f = (tools: number) => { const finalAnswer = tools; return finalAnswer }').ok,
  ).toBe(true)
})

for (const source of [
  'import type { A } from "x"; let a: A',
  'import { type A, type B as C } from "x"\nlet a: A',
  'import type { A } from "x"\nimport { type B } from "y";\nreturn 1 as A',
  'import { type A } from "x"\nenum E { A }',
  'export type { A }\nexport const a = 1\nreturn a',
  'const compared = 1 < 2 && 3 > 2 // </div>',
]) {
  test(`allowed: ${source}`, () => {
    const compiled = compile(1, source)
    expect(compiled.ok || compiled.error.message).toBe(true)
  })
}

// Each was minutes, a crash, or a program that was told nothing of.
const HUGE: { readonly [about: string]: readonly [source: string, message?: RegExp] } = {
  'a hundred thousand names': [`let ${Array.from({ length: 70_000 }, (_, i) => `a${i}`).join(',')}`],
  'ten thousand functions': [Array.from({ length: 10_000 }, (_, i) => `function f${i}() {}`).join('\n')],
  'a list of 250 000': [`const a = [${'1,'.repeat(250_000)}]`],
  'a text of half a million': [`const a = "${'x'.repeat(500_000)}"`],
  'a template of as many lines': [`const a = \`${'x\n'.repeat(250_000)}\``],
  'ten thousand parentheses': ['('.repeat(10_000) + '1' + ')'.repeat(10_000), /nested too deeply/],
  'ten thousand brackets': ['['.repeat(10_000) + ']'.repeat(10_000), /nested too deeply/],
  'ten thousand blocks': ['{'.repeat(10_000) + '}'.repeat(10_000), /nested too deeply/],
  'a sum of fifty thousand': ['1' + '+1'.repeat(50_000), /nested too deeply/],
  'five thousand else': [`if (0) {}${'else if (0) {}'.repeat(5_000)}`, /nested too deeply/],
  'types in types': [`let a: ${'A<'.repeat(3_000)}B${'>'.repeat(3_000)}`, /nested too deeply/],
  'templates in templates': ['`${'.repeat(2_000) + '1' + '}`'.repeat(2_000), /nested too deeply/],
  'groups in a regular expression': [`/${'(a'.repeat(3_000)}${')'.repeat(3_000)}/`, /nested too deeply/],
  'arrows that might be none': ['(a = '.repeat(60) + '1' + ') => 1'.repeat(60)],
}
for (const [about, [source, message]] of Object.entries(HUGE)) {
  test(`of ${about}: compiled or refused`, () => {
    const compiled = compile(1, source)
    if (message === undefined) expect(compiled.ok || compiled.error.message).toBe(true)
    else expect(compiled.ok ? 'compiled' : compiled.error.message).toMatch(message)
  })
}

test('a program is plain JSON', () => {
  const compiled = compile(1, 'enum A { B }\nfunction f() {}\nA.B')
  expect(compiled.ok && JSON.parse(JSON.stringify(compiled.program))).toEqual(compiled.ok && compiled.program)
})

test('after brackets without end the next program compiles', () => {
  compile(1, '('.repeat(200_000))
  expect(compile(1, 'let a: number = 1').ok).toBe(true)
})

// Positions of run-time errors: `@` marks where the error is; it is taken out before compiling. The engine itself is
// exact only for calls with literal arguments; a reprinted program is as near as its source map.

const PLACES: { readonly [about: string]: string } = {
  'on the first line': 'throw new @Error("x")',
  'behind typed code':
    'const a: number = 1; const f = (b: string): void => { throw new @Error("x") }; f("x")',
  'on a later line': 'let a = 1\n\n  if (a) throw new @Error("x")',
  'behind letters of two and more bytes': 'const ä = "😀é"; const b = `–`; throw new @Error("x")',
  'on a later line behind such letters': 'let x\n/* 漢字 */ throw new @Error("x")',
  'in a hoisted function': 'f()\nfunction f() {\n  /* ü */ throw new @Error("x")\n}',
  'in a hoisted function behind other code with such letters':
    'const s = "üü"; function f() { throw new @Error("x") }\nf()',
  'in a class': 'class A {\n  m() { throw new @Error("x") }\n}\nnew A().m()',
  'with a return': 'throw new @Error("x"); if (false) return 1',
  'with a return, later': 'const a = 1\nif (a === 2) return 1\n  throw new @Error("x")',
  'with an enum': 'enum A {\n  B,\n  C,\n}\nconst a = A.B\nthrow new @Error("x")',
  'with parameter properties':
    'class P { constructor(private a: number) {} }\n\n\nfunction f() {\n  throw new @Error("x")\n}\nf()',
  'with a namespace and a return':
    'namespace N { export const a = 1 }\nif (N.a === 1) {\n  throw new @Error("x")\n}\nreturn 1',
}

let guest: Session
beforeAll(async () => {
  guest = await session()
})
afterAll(() => guest[Symbol.asyncDispose]())

for (const [about, marked] of Object.entries(PLACES)) {
  test(`an error is where it was written: ${about}`, async () => {
    const before = marked.slice(0, marked.indexOf('@')).split('\n')
    const { ending } = await guest.step(marked.replace('@', ''))
    const stack = ending.kind === 'error' ? (ending.error.stack ?? '') : ''
    const [, line, column] = /step\d+\.ts:(\d+):(\d+)/.exec(stack) ?? []
    const near = /enum|namespace|private/.test(marked) ? 4 : 0
    expect(Number(line)).toBe(before.length)
    expect(Math.abs(Number(column) - (before.at(-1) ?? '').length - 1)).toBeLessThanOrEqual(near)
    expect(stack).not.toMatch(/sandbox|native|eval/)
  })
}

test('a frame of an earlier step names that step', async () => {
  await guest.step('const thrower = () => {\n  throw new RangeError("old")\n}')
  const { ending } = await guest.step('function caller() { thrower() }\ncaller()')
  expect(ending.kind === 'error' && ending.error.stack).toMatch(
    /^RangeError: old\n {4}at thrower \(step\d+\.ts:2:\d+\)\n {4}at caller \(step\d+\.ts:1:\d+\)/,
  )
})

test('a frame of a much older step still names its line; what the guest keeps for that is bounded', async () => {
  await using long = await session()
  await long.step("const wide = () => { /* ääää */ throw new RangeError('old') }")
  const sizes: number[] = []
  for (let step = 2; step <= 161; step++) {
    await long.step(`/* ääää ${'x'.repeat(500)} */ enum E${step % 2} { A }; E${step % 2}.A`)
    if (step === 81 || step === 161) sizes.push(openDelta((await long.heap()).delta).size)
  }
  expect(sizes[1]).toBe(sizes[0])
  const { ending } = await long.step('wide()')
  // The compiled column, in bytes: the throw is at 40 in characters, and four of them take two bytes.
  expect(ending.kind === 'error' && ending.error.stack).toMatch(/at wide \(step1\.ts:1:\d+\)/)
})
