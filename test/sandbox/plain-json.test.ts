/** What is handed to the engine as JSON is what the prelude would have read. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decode, encode } from '../../src/base/codec.ts'
import { plainJson } from '../../src/sandbox/plain-json.ts'

const FILLING = 'x'.repeat(4_096)

test('what is read as JSON is the value, key by key in the same order', () => {
  let read = 0
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const given = { value, filling: FILLING }
      const json = plainJson(encode(given))
      if (json === undefined) return fc.pre(false)
      read++
      expect(JSON.parse(json)).toStrictEqual(decode(encode(given)))
      expect(json).toBe(JSON.stringify(given))
    }),
  )
  expect(read).toBeGreaterThan(50)
})

const shared = { n: 1 }
test.each([
  ['what is small', { a: 1 }],
  ['a date', [FILLING, new Date(0)]],
  ['a map', [FILLING, new Map([[1, 2]])]],
  ['undefined', [FILLING, undefined]],
  ['nothing but undefined', undefined],
  ['a hole', Object.assign([], { 0: FILLING, 9: 1, length: 10 })],
  ['NaN', [FILLING, Number.NaN]],
  ['a zero below zero', [FILLING, -0]],
  ['a bigint', [FILLING, 1n]],
  ['an object that is reached twice', [FILLING, shared, shared]],
  ['a record without a prototype', [FILLING, Object.assign(Object.create(null), { a: 1 })]],
  ['a key that is __proto__', JSON.parse(`["${FILLING}", {"__proto__": 1}]`)],
  ['an error', [FILLING, new Error('no')]],
  ['bytes', new Uint8Array(5_000)],
])('%s is left to the prelude', (_, value) => {
  expect(plainJson(encode(value))).toBeUndefined()
})

test('so is what contains itself, what is nested deeply, and what is no such text', () => {
  const ring: unknown[] = [FILLING]
  ring.push(ring)
  let deep: unknown = FILLING
  for (let i = 0; i < 600; i++) deep = [deep]
  for (const text of [encode(ring), encode(deep), FILLING, `[[9, "${FILLING}"]]`])
    expect(plainJson(text)).toBeUndefined()
})
