import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '../../src/base/json.ts'
import { depthOf, stableJson } from '../../src/tool/stable.ts'

const shuffled = (value: Json): Json => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(shuffled)
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, part]) => [key, shuffled(part)]),
  )
}

test('law: it is JSON of the same data, whatever the order of the keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.parse(JSON.stringify(value)) as Json
      expect(stableJson(shuffled(json))).toBe(stableJson(json))
      expect(JSON.parse(stableJson(json))).toEqual(json)
    }),
  )
})

test('keeps __proto__ apart from nothing', () => {
  expect(stableJson(JSON.parse('{"__proto__":{"a":1}}') as Json)).toBe('{"__proto__":{"a":1}}')
  expect(stableJson({})).toBe('{}')
})

test('depth counts lists and objects, as deep as they come', () => {
  expect([1, [], {}, [[]], { a: { b: [1] } }].map((value) => depthOf(value as Json))).toEqual([0, 0, 0, 1, 3])
  let deep: Json = []
  for (let i = 0; i < 100_000; i++) deep = [deep]
  expect(depthOf(deep)).toBe(100_000)
})
