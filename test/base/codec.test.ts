import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode, encodeWithin } from '../../src/base/codec.ts'
import { LimitError, StateCorruptError, UsageError } from '../../src/base/errors.ts'

const SURVIVORS: { readonly [name: string]: unknown } = {
  undefined: undefined,
  null: null,
  text: 'a "quoted" \u2028 <b> \0 \ud800 lone',
  number: 1.5e300,
  bigint: 2n ** 200n,
  date: new Date(12_345),
  'invalid date': new Date(Number.NaN),
  map: new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'x'])]]),
  regexp: /a\/b\n/giu,
  bytes: new Uint8Array([0, 255, 7]),
  floats: new Float64Array([1.5, Number.NaN]),
  buffer: new Uint8Array([1, 2, 3]).buffer,
  url: new URL('https://a.test/?b=c'),
  'null prototype': Object.assign(Object.create(null), { a: 1 }),
  array: [1, [2, [3]], {}],
  boxed: Object('text'),
}

for (const [name, value] of Object.entries(SURVIVORS)) {
  test(`C1: ${name} comes back as it was`, () => expect(decode(encode(value))).toEqual(value))
}

test('C1: NaN, -0, infinities, holes and undefined are told apart', () => {
  const value: unknown[] = [Number.NaN, -0, Infinity, -Infinity, undefined]
  value[6] = 1
  const back = decode(encode(value)) as unknown[]
  expect(back).toHaveLength(7)
  expect(Object.is(back[1], -0)).toBe(true)
  expect(4 in back).toBe(true)
  expect(5 in back).toBe(false)
})

test('C1: cycles and shared references keep their shape', () => {
  const shared = { n: 1 }
  const value: Record<string, unknown> = { a: shared, b: shared }
  value['self'] = value
  const back = decode(encode(value)) as Record<string, unknown>
  expect(back['a']).toBe(back['b'])
  expect(back['self']).toBe(back)
})

test('C1: a sparse array of 2^32-1 costs what it holds', () => {
  const sparse: unknown[] = []
  sparse[2 ** 32 - 2] = 'end'
  const text = encode(sparse)
  expect(text.length).toBeLessThan(60)
  expect((decode(text) as unknown[]).length).toBe(2 ** 32 - 1)
})

test('C1: an error comes back as an error, with its cause and its errors', () => {
  const error = new AggregateError([new TypeError('inner')], 'outer', { cause: new RangeError('why') })
  const back = decode(encode({ error })) as { readonly error: AggregateError }
  expect(back.error).toBeInstanceOf(AggregateError)
  expect(back.error.message).toBe('outer')
  expect(back.error.cause).toBeInstanceOf(RangeError)
  expect(back.error.errors[0]).toBeInstanceOf(TypeError)
})

test('C1: a named error keeps its name, and one that is its own cause keeps being that', () => {
  class OddError extends Error {
    override readonly name = 'OddError'
  }
  const error = new OddError('m')
  error.cause = error
  const back = decode(encode(error)) as Error
  expect(back.name).toBe('OddError')
  expect(back.cause).toBe(back)
  expect(Object.keys(back)).toEqual([])
})

test('C2: an instance is its own enumerable fields', () => {
  class Point {
    readonly x = 1
    readonly #hidden = 2
    get sum(): number {
      return this.x + this.#hidden
    }
  }
  const back = decode(encode(new Point()))
  expect(back).toEqual({ x: 1 })
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
})

const REFUSED: { readonly [name: string]: readonly [value: unknown, message: RegExp] } = {
  'a function': [{ a: [() => 1] }, /at \.a\[0\] .*function/],
  'a symbol': [[Symbol('s')], /at \[0\] .*symbol/],
  'a promise': [{ p: Promise.resolve(1) }, /at \.p .*Promise/],
  'a weak map': [new WeakMap(), /WeakMap/],
  'a generator': [(function* () {})(), /Generator/],
  'symbol keys': [{ [Symbol('k')]: 1 }, /symbol keys/],
  'a response': [new Response('x'), /Response/],
  'shared memory': [new SharedArrayBuffer(1), /SharedArrayBuffer/],
}

for (const [name, [value, message]] of Object.entries(REFUSED)) {
  test(`C3: ${name} is refused by its path`, () => {
    expect(() => encode(value)).toThrow(UsageError)
    expect(() => encode(value)).toThrow(message)
  })
}

test('C3: what is nested too deeply is refused', () => {
  let deep: unknown = 0
  for (let i = 0; i < 200_000; i++) deep = [deep]
  expect(() => encode(deep)).toThrow(UsageError)
})

test('C4: __proto__ is an ordinary own key', () => {
  const value = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as object
  const back = decode(encode(value)) as Record<string, unknown>
  expect(Object.keys(back)).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
  expect('polluted' in back).toBe(false)
  expect(Object.keys(decode(encode({ '\0__proto__': 1 })) as object)).toEqual(['\0__proto__'])
})

for (const text of [
  '',
  '{',
  '[]',
  '"x"',
  '[["Foo",1]]',
  '[["Error",1],{}]',
  '[["Date"',
  '5',
  '[{"__proto__":1},2]',
  '[[9]]',
]) {
  test(`bad text is refused: ${text}`, () => expect(() => decode(text)).toThrow(StateCorruptError))
}

test('any value comes back as it was, and its text is stable', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  })
  fc.assert(
    fc.property(anything, (value) => {
      const text = encode(value)
      const back = decode(text)
      expect(back).toEqual(value)
      expect(encode(back)).toBe(text)
    }),
    { numRuns: 500 },
  )
})

describe('encodeWithin: a value that may be too large', () => {
  const most = 1_000
  test.each([
    ['text', 'x'.repeat(999)],
    ['text of several bytes', '€'.repeat(340)],
    ['a list', Array.from({ length: 500 }, (_, n) => n)],
    ['bytes', new Uint8Array(800)],
    ['keys', { ['k'.repeat(1_000)]: 1 }],
    ['a map', new Map([['a', 'x'.repeat(1_000)]])],
    ['a set', new Set(['x'.repeat(1_000)])],
    ['an error', new Error('x'.repeat(1_000))],
  ])('%s is refused', (_, value) => {
    expect(() => encodeWithin(value, most)).toThrow(new LimitError('The value takes more than 1000 bytes.'))
  })

  test('what fits is written as ever; what stands in many places counts once', () => {
    const shared = 'x'.repeat(900)
    for (const value of ['x'.repeat(990), { a: [1, new Date(0)] }, Array.from({ length: 20 }, () => shared)])
      expect(encodeWithin(value, most)).toBe(encode(value))
  })

  test('never more than the limit, and what is far below it always fits', () => {
    fc.assert(
      fc.property(fc.anything({ withMap: true, withTypedArray: true }), fc.nat(500), (value, limit) => {
        const bytes = Buffer.byteLength(encode(value))
        let text: string | undefined
        try {
          text = encodeWithin(value, limit)
        } catch {
          text = undefined
        }
        if (bytes > limit) expect(text).toBeUndefined()
        if (bytes * 4 < limit) expect(text).toBe(encode(value))
      }),
      { numRuns: 1_000 },
    )
  })
})
