/** The guest's encoder (`prelude/codec.js`) against the host's (devalue), and against values that are made to hurt it. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decode, encode } from '../../src/base/codec.ts'
import type { Halt } from '../../src/base/halt.ts'
import { CLOCK, session } from '../sandbox/session.ts'
import type { Session } from '../sandbox/session.ts'
import { BUILD, type Recipe, recipes } from './graphs.ts'

// oxlint-disable-next-line no-eval -- both sides evaluate this text
const build = (0, eval)(BUILD) as (recipe: Recipe) => unknown
const TOOLS = ['next', 'echo', 'refused']
const ASKS = 'const recipe = await next(0)'
const TELLS = 'try { await echo(value) } catch (error) { await refused(error.name + ": " + error.message) }'

let guest: Session

beforeAll(async () => {
  guest = await session({ callsPerStep: 100_000, memory: 128 * 2 ** 20, stepTimeout: 20_000 }, {})
})
afterAll(() => guest[Symbol.asyncDispose]())

interface Call {
  readonly id: string
  readonly name: string
  readonly input: string
}

function callOf(halt: Halt): Call {
  if (halt.kind !== 'waiting' || halt.calls[0] === undefined) throw new Error(JSON.stringify(halt))
  return halt.calls[0]
}

/** The first call of a fresh guest that runs this. */
async function firstCall(source: string): Promise<Call> {
  await guest.sandbox.open({ from: 'seed', seed: 's', clock: CLOCK }, TOOLS)
  return callOf(await guest.start(source))
}

function onHost(recipe: Recipe): string | undefined {
  try {
    return encode(build(recipe))
  } catch {
    return undefined
  }
}

describe('E1: a value comes out of the guest as the host would write it', () => {
  for (const [about, strange, least] of [
    ['what can be written', false, 1],
    ['what may be refused is refused by both', true, 0.6],
  ] as const) {
    test(`${about}`, { timeout: 60_000 }, async () => {
      let next = await firstCall(`const build = ${BUILD}
        for (;;) { ${ASKS}; let value; try { value = build(recipe) } catch {}; ${TELLS} }`)
      let written = 0
      let all = 0
      const property = fc.asyncProperty(recipes(strange), async (recipe) => {
        const call = callOf(await guest.resolve(next.id, recipe))
        next = callOf(await guest.resolve(call.id, 0))
        const host = onHost(recipe)
        expect(call.name === 'echo' ? call.input : undefined).toBe(host)
        all += 1
        if (host !== undefined) written += 1
      })
      await fc.assert(property, { numRuns: 1_000 })
      expect(written / all).toBeGreaterThanOrEqual(least)
    })
  }

  const LIES: { readonly [about: string]: readonly [source: string, text: string] } = {
    'a date': [
      'Object.assign(new Date(5), { toISOString: () => "never", getTime: () => 7, valueOf: () => 9 })',
      '[["Date","1970-01-01T00:00:00.005Z"]]',
    ],
    'the flags of a pattern': [
      'Object.defineProperty(/x/g, "flags", { value: `"],["evil` })',
      '[["RegExp","x","g"]]',
    ],
    'the source of a pattern': ['Object.defineProperty(/x/, "source", { value: `"` })', '[["RegExp","x"]]'],
    'a date that says that it is a map': [
      'Object.defineProperty(new Date(0), Symbol.toStringTag, { value: "Map" })',
      '[["Date","1970-01-01T00:00:00.000Z"]]',
    ],
  }
  for (const [about, [source, text]] of Object.entries(LIES)) {
    test(`${about} is written as what it is, whatever it says`, async () => {
      expect((await firstCall(`await echo(${source})`)).input).toBe(text)
    })
  }

  for (const made of [
    'new AbortController()',
    'new Intl.NumberFormat("en")',
    'new Event("x")',
    'Math',
    'crypto',
  ]) {
    test(`${made} is refused, not written as an object without fields`, async () => {
      const call = await firstCall(`const value = [${made}]; ${TELLS}`)
      expect(decode(call.input)).toMatch(/echo\[0\] .*: it is a .*, which has no plain form/)
    })
  }

  test('what says that it is something else has no plain form', async () => {
    const source =
      'class Money { get [Symbol.toStringTag]() { return "Money" } }; const value = { a: new Money() }'
    expect(decode((await firstCall(`${source}; ${TELLS}`)).input)).toMatch(
      /echo\.a .*it is a Money, which has no plain/,
    )
  })
})

describe('E2: what is too much is an error in the code before anything leaves', () => {
  const MUCH: { readonly [about: string]: readonly [source: string, error: RegExp] } = {
    'references that double 26 times': [
      'let d = {}; for (let i = 0; i < 26; i++) d = [d, d]; return d',
      /written out/,
    ],
    'a long string in a shared object': [
      'const o = { s: "x".repeat(1e6) }; return Array(1_000).fill(o)',
      /written out/,
    ],
    'a long key in a shared object': [
      'const o = { ["k".repeat(1e6)]: 1 }; return Array(1_000).fill(o)',
      /written out/,
    ],
    'bytes in a shared object': [
      'const o = [new Uint8Array(1e6)]; return Array(1_000).fill(o)',
      /written out/,
    ],
    'a long pattern, shared': [
      'const r = [new RegExp("x".repeat(1e6))]; return Array(1_000).fill(r)',
      /written out/,
    ],
    'a string shared below maps and sets': [
      'let d = new Set(["x".repeat(1e5)]); for (let i = 0; i < 12; i++) d = new Map([[d, d]]); return [d, d, d, d]',
      /written out/,
    ],
    'many values': ['return new Array(3e5).fill(0)', /more than 200000 values/],
    'many keys': ['const o = {}; for (let i = 0; i < 3e5; i++) o["k" + i] = i; return o', /more than/],
    'a long string': ['return "x".repeat(3e6)', /more than 2097152 characters/],
    'many long strings': [
      'return Array.from({ length: 9 }, (_, i) => i + "x".repeat(3e5))',
      /more than 2097152 characters/,
    ],
    'long keys': ['return { ["a".repeat(15e5)]: { ["b".repeat(15e5)]: 1 } }', /more than 2097152 characters/],
    'many bytes': ['return new Uint8Array(3e6)', /more than 2097152 characters/],
    'a long bigint': ['return { a: -(2n ** 999_000n) }', /a bigint of more than 100000 bits/],
    'many bigints': [
      'return Array.from({ length: 90 }, (_, i) => 2n ** 99_000n + BigInt(i))',
      /2097152 characters/,
    ],
    'deep arrays': ['let d = []; for (let i = 0; i < 1e5; i++) d = [d]; return d', /nested too deeply/],
    'deep objects': ['let d = {}; for (let i = 0; i < 1e5; i++) d = { d }; return d', /nested too deeply/],
    'deep sets': [
      'let d = new Set(); for (let i = 0; i < 1e5; i++) d = new Set([d]); return d',
      /nested too deeply/,
    ],
    'deep keys of maps': [
      'let d = new Map(); for (let i = 0; i < 1e5; i++) d = new Map([[d, 1]]); return d',
      /too deeply/,
    ],
    'deep values of maps': [
      'let d = 1; for (let i = 0; i < 1e5; i++) d = new Map([[1, d]]); return d',
      /nested too deeply/,
    ],
    'deep causes': [
      'let e; for (let i = 0; i < 1e5; i++) e = new Error("e", { cause: e }); return e',
      /nested too deeply/,
    ],
    'a getter that goes on': [
      'const o = { get a() { return Object.create(o, { a: { get: o.g, enumerable: true } }) }, g() { return { __proto__: o, get a() { return o.a } } } }; return o',
      /nested too deeply|too large|function/,
    ],
    'a set that grows while it is read': [
      'const s = new Set(); const grow = () => ({ get a() { s.add(grow()); return 1 } }); s.add(grow()); return s',
      /too large/,
    ],
  }
  for (const [about, [body, error]] of Object.entries(MUCH)) {
    test(`${about}`, async () => {
      const call = await firstCall(`const value = (() => { ${body} })(); ${TELLS}`)
      expect([call.name, decode(call.input)]).toEqual(['refused', expect.stringMatching(error)])
    })
  }

  test('what is just not too much leaves', async () => {
    const call = await firstCall(`const value = [new Array(19e4).fill(0), 'x'.repeat(15e5)]; ${TELLS}`)
    expect(call.name).toBe('echo')
  })

  test('an error names a long path shortly', async () => {
    const source = 'const value = { ["k".repeat(1e6)]: { ["odd key".repeat(1e5)]: () => 1 } }'
    const told = decode((await firstCall(`${source}; ${TELLS}`)).input) as string
    expect(told).toMatch(/^TypeError: The input of echo\.k+….*: it is a function$/)
    expect(told.length).toBeLessThan(300)
  })
})

describe('E3: whatever the code has replaced, the text is the same', () => {
  const SABOTAGE = String.raw`(() => {
    const { defineProperty, getPrototypeOf } = Object
    const { ownKeys } = Reflect
    const steal = function () { throw 'stolen' }
    const targets = []
    const typed = getPrototypeOf(Uint8Array)
    for (const each of [Promise, Map, Set, WeakMap, Array, String, RegExp, Date, Number, Boolean, BigInt, Symbol, Function, Error, ArrayBuffer, DataView, Uint8Array, typed, Object]) {
      for (const key of ownKeys(each.prototype)) if (key !== 'constructor' && key !== '__proto__') targets[targets.length] = [each.prototype, key]
      for (const key of ownKeys(each)) if (key !== 'prototype') targets[targets.length] = [each, key]
    }
    for (const each of [JSON, Reflect, Math]) for (const key of ownKeys(each)) targets[targets.length] = [each, key]
    return () => {
      for (let i = 0; i < targets.length; i++) {
        try { defineProperty(targets[i][0], targets[i][1], { __proto__: null, value: steal, configurable: true, writable: true }) } catch {}
      }
      const keys = ['toJSON', '0', '1', 'get', 'set', 'value', 'enumerable', 'index', 'at', 'done']
      for (let i = 0; i < keys.length; i++) {
        const trap = { __proto__: null, configurable: true, get: steal, set: steal }
        try { defineProperty(Object.prototype, keys[i], trap) } catch {}
        try { defineProperty(Array.prototype, keys[i], trap) } catch {}
      }
    }
  })()`

  test(
    'built-ins, prototypes, and the properties that descriptors and results have',
    { timeout: 60_000 },
    async () => {
      const property = fc.asyncProperty(recipes(false), async (recipe) => {
        const host = onHost(recipe)
        fc.pre(
          host !== undefined &&
            !recipe.some((each) => (each.kind === 'odd' && each.what !== 'regexp') || each.kind === 'error'),
        )
        const next = await firstCall(`const build = ${BUILD}; const sabotage = ${SABOTAGE}
        ${ASKS}; const value = build(recipe); sabotage(); await echo(value)`)
        expect(callOf(await guest.resolve(next.id, recipe))).toMatchObject({ name: 'echo', input: host })
      })
      await fc.assert(property, { numRuns: 80 })
    },
  )

  test('what comes in is whole too', async () => {
    const value = {
      a: [1, { b: 'x' }, 3n],
      m: new Map([[1, new Set([new Date(0)])]]),
      r: /x/g,
      u: undefined,
    }
    const next = await firstCall(`const sabotage = ${SABOTAGE}; sabotage(); await echo(await next(0))`)
    expect(callOf(await guest.resolve(next.id, value)).input).toBe(encode(value))
  })
})

describe('E4: nothing that the code gives becomes text but numbers and quoted strings', () => {
  const lengths = {
    'a text': '`1,0],"evil"`',
    'what answers differently the second time':
      '{ n: 0, valueOf() { return this.n++ < 2 ? 5 : `5,0],"evil"` } }',
    'a fraction': '1.5',
    'nothing at all': 'NaN',
    'less than nothing': '-1',
    'more than an array has': '1e15',
  }
  for (const [about, length] of Object.entries(lengths)) {
    test(`a length that is ${about}`, async () => {
      const call = await firstCall(
        `const value = new Proxy([], { get: (t, k) => k === 'length' ? ${length} : t[k] }); ${TELLS}`,
      )
      expect(decode(call.input)).toMatch(
        /^TypeError: The input of echo cannot be passed out .*: its length is none$/,
      )
    })
  }
})
