/** Programs, tools and earlier steps that want to break the check: it answers or it does not, and goes on. */
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Json } from '../../../src/base/json.ts'
import { TypeCheck } from '../../../src/sandbox/check/check.ts'
import { typesOf } from '../../../src/tool/declare.ts'
import type { JsonSchema } from '../../../src/tool/schema.ts'
import { checker, said, told, toolTypes } from './kit.ts'

/** Whatever came before, the next program is checked. */
afterEach(async () => {
  const next = await said('nothing()')
  if (next.length !== 1) throw new Error(`The next program is told: ${next.join('; ')}`)
})

const PROGRAMS: Readonly<Record<string, string>> = {
  'lists in lists': `const x = ${'['.repeat(3_000)}${']'.repeat(3_000)}`,
  'objects in objects': `const x = ${'{a:'.repeat(1_500)}1${'}'.repeat(1_500)}`,
  '10 000 parentheses': `const x = ${'('.repeat(10_000)}1${')'.repeat(10_000)}`,
  '512 KB': 'print(1)\n'.repeat(58_000),
  'a long sum': `var a\nconst s = ${Array.from({ length: 5_000 }, () => 'a').join('+')}`,
  'a long chain': `const s = given${'.map(x => x)'.repeat(2_000)}`,
  'functions in functions': `const f = ${'x => '.repeat(800)}1`,
  'choices in choices': `const f = ${'given ? 1 : '.repeat(1_500)}1`,
  'lists that double': Array.from({ length: 60 }, (_, i) => `const a${i + 1} = [...a${i}, ...a${i}]`).join(
    '\n',
  ),
  'types that grow with each call': 'function g(a) { return { a, g: g({ a }) } }\nprint(g(1).g.g.g.a.a.a)',
  'half a character': 'print("\ud800")\nprint("\0")\n// \u2028 \u2029',
  nothing: '',
}

test.each(Object.entries(PROGRAMS))('a program: %s', async (_what, code) => {
  expect(typeof (await told(code))).toBe('string')
})

test('2 000 errors are told as more than five', async () => {
  const message = await told(Array.from({ length: 2_000 }, (_, i) => `nothing${i}()`).join('\n'))
  expect(message).toMatch(/^The program has more than 5 type errors/)
  expect(message.match(/Cannot find name/g)).toHaveLength(5)
})

test('a tool whose schema wants to get out of its place', async () => {
  const evil = `*/ declare var nothing: any; /* ' " \` \\ \n \u2028 \${x} //`
  const tools = [
    toolTypes('evil', {
      type: 'object',
      description: evil,
      properties: {
        [evil]: { type: 'string', description: evil, enum: [evil, 'ok'] },
        __proto__: { type: 'number' },
        constructor: { const: evil },
        when: { $ref: `#/$defs/${encodeURIComponent(evil)}` },
      },
      required: [evil],
      additionalProperties: false,
      $defs: {
        [evil]: { type: 'object', properties: { again: { $ref: `#/$defs/${encodeURIComponent(evil)}` } } },
      },
    }),
    toolTypes('constructor', z.object({ x: z.number() })),
    toolTypes('typeof', z.object({ x: z.number() })),
    toolTypes('$odd-name', z.object({ x: z.number() })),
  ]
  const check = new TypeCheck(checker)
  const ask = async (code: string) =>
    (await check.check(1, code, () => ({ tools, past: [], variables: [] })))?.message
  expect(await ask('nothing()')).toContain("Cannot find name 'nothing'")
  expect(
    await ask(
      "await tools.typeof({ x: 1 })\nawait constructor({ x: 1 })\nawait tools['$odd-name']({ x: 1 })",
    ),
  ).toBeUndefined()
  expect(await ask("await tools.typeof({ x: 'a' })")).toContain(
    "Type 'string' is not assignable to type 'number'",
  )
  expect(await ask('await evil({ other: 1 })')).toContain("'other' does not exist in type")
})

test('tools whose schemas are deep, wide, and many', async () => {
  let deep: JsonSchema = { type: 'string' }
  for (let i = 0; i < 200; i++) deep = { type: 'object', properties: { a: deep }, required: ['a'] }
  const names = Array.from({ length: 2_000 }, (_, i) => `p${i}`)
  const wide = {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  }
  const tools = [
    typesOf({ name: 'deep', input: deep, output: deep }),
    typesOf({ name: 'wide', input: wide, output: wide }),
    ...Array.from({ length: 300 }, (_, i) => toolTypes(`tool${i}`, z.object({ n: z.number() }))),
  ]
  const check = new TypeCheck(checker)
  const surroundings = () => ({ tools, past: [], variables: ['given'] })
  const right =
    'const w = await wide(given)\nprint(w.p1999, w.p7.length, (await deep(given)).a.a.a)\nawait tool7({ n: 1 })'
  expect(await check.check(1, right, surroundings)).toBeUndefined()
  expect(await check.check(1, "await tool299({ n: 'a' })", surroundings)).toBeDefined()
})

test('tools of any schema', async () => {
  const word = fc.constantFrom(
    'type',
    'properties',
    'items',
    'anyOf',
    'enum',
    'const',
    '$ref',
    'required',
    'a',
    '__proto__',
  )
  const value = fc.letrec<{ readonly any: Json }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<Json>(
        'object',
        'string',
        'array',
        '#',
        '#/properties/a',
        '*/',
        '\n',
        '`',
        5,
        true,
        null,
      ),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(word, tie('any'), { maxKeys: 4 }),
    ),
  })).any
  const schema = fc.dictionary(word, value, { maxKeys: 5 })
  const check = new TypeCheck(checker)
  await fc.assert(
    fc.asyncProperty(schema, schema, async (input, output) => {
      const tools = [typesOf({ name: 'odd', input, output }), toolTypes('plain', z.object({ n: z.number() }))]
      const ask = async (code: string) =>
        check.check(1, code, () => ({ tools, past: [], variables: ['given'] }))
      expect(await ask('const got = await odd(given)\nprint(got)\nawait plain({ n: 1 })')).toBeUndefined()
      expect(await ask("await plain({ n: 'a' })")).toBeDefined()
    }),
    { numRuns: 60 },
  )
})

test('earlier variables of types that have no text', async () => {
  const before = [
    'const K = class { #secret = 1; static s = Symbol(); get() { return this.#secret } }\nconst anonymous = new (class { x = 1 })()',
    'const sym = Symbol("a")\nconst keyed = { [sym]: 1, [Symbol.iterator]: function* () { yield* [1] } }\nfunction* gen() { const got = yield 1; return got }',
    'const self = {}\nself.self = self\nconst loop = () => loop\nclass Node1 { constructor() { this.next = new Node1() } }',
    'export default class { y = 1 }\nexport const exported = 1\nvar { a: { b: [c = 1] = [] } = {}, ...rest } = { d: 1 }\nlabel: for (var i of [1]) { var inner = i }',
    { step: 5, source: 'let broken = 1; throw new Error("x")', isWhole: false },
    { step: 6, source: 'this is no program (', isWhole: false },
  ]
  const use =
    'print(new K().get(), anonymous.x.toFixed(), K.s, keyed[sym], [...keyed], gen().next().value, self.self.self, loop()()(), exported.toFixed(), c, rest.d, i, inner, broken.anything)'
  expect(await told(use, before.slice(0, 5))).toBe('')
  expect(await said(`${use}\nanonymous.x.foo()`, before.slice(0, 5))).toHaveLength(1)
  // Nobody knows what a program that cannot be read has left behind.
  expect(await told('nothing()', before)).toBe('')
})

test('a run of many steps', async () => {
  const before = Array.from(
    { length: 200 },
    (_, i) => `const v${i} = ${i === 0 ? "'a'" : `v${i - 1} + 'b'`}\nfunction f${i}() { return v${i} }`,
  )
  expect(await said('v199.foo()\nf199().bar()', before)).toHaveLength(2)
})
