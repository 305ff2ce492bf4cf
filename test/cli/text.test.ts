/** Text for terminals. */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { diffOf, valueOf } from '../../src/cli/decide.ts'
import { cut, jsonText, oneLine, safe, shown, widthOf } from '../../src/cli/text.ts'

test('X1: no control, bidi or invisible character stays; what is harmless does', () => {
  const all = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCodePoint(code))
  const kept = new Set(all.filter((it) => safe(it) === it))
  for (const code of [
    0, 7, 8, 0x0b, 0x0d, 0x1b, 0x7f, 0x80, 0x9b, 0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0x2028, 0x202a, 0x202e,
    0x2066, 0x2069, 0xfeff, 0xd800,
  ])
    expect({ code, kept: kept.has(String.fromCodePoint(code)) }).toEqual({ code, kept: false })
  for (const it of ['\n', '\t', 'a', 'é', '日', '👩‍👩‍👧', 'ש', '…']) expect(safe(it)).toBe(it)
  expect(safe('a\u001b[31m\u202e\u{e0041}')).toBe('a\\x1b[31m\\u202e\\u{e0041}')
})

test('oneLine has no line break, jsonText means the same', () => {
  expect(oneLine(' a\n\tb\r\nc ')).toBe('a b c')
  const value = { text: '\u001b\u202e\u009b\u2028\u{e0041}\ud800', at: new Date(0), none: undefined }
  expect(JSON.parse(jsonText(value))).toEqual({ ...value, at: '1970-01-01T00:00:00.000Z', none: null })
  expect(safe(jsonText(value))).toBe(jsonText(value))
})

test('shown is exact: JSON where that loses nothing, otherwise as Node shows it', () => {
  expect(shown({ a: [1, 'x', null] }, 0)).toBe('{"a":[1,"x",null]}')
  for (const value of [
    undefined,
    Number.NaN,
    -0,
    5n,
    new Map([[1, 2]]),
    new Date(0),
    { a: undefined },
    [undefined, 1],
    Object.assign([], { 1: 1 }),
  ])
    expect(shown(value, 0)).toBe(inspect(value, { compact: true, breakLength: Infinity }))
  expect(shown(new Map([['k', '\u001b']]), 0)).toBe(`Map(1) { 'k' => '\\x1B' }`)
  expect(shown('x'.repeat(20_000))).toHaveLength(20_002)
})

test('cut counts columns', () => {
  expect(cut('abcdef', 6)).toBe('abcdef')
  expect(cut('abcdef', 5)).toBe('abcd…')
  expect(cut('日本語', 5)).toBe('日本…')
  expect(widthOf('日a👍e\u0301')).toBe(6)
  expect(cut('abc', 0)).toBe('')
})

test('diffOf keeps both sides whole', () => {
  const sides = [['a', 'b', 'c'], ['b', 'c'], [], ['c', 'b', 'x', 'a'], ['a', 'a', 'b']]
  for (const before of sides)
    for (const after of sides) {
      const diff = diffOf(before, after)
      expect(diff.filter((line) => !line.startsWith('+')).map((line) => line.slice(1))).toEqual(before)
      expect(diff.filter((line) => !line.startsWith('-')).map((line) => line.slice(1))).toEqual(after)
    }
})

test('valueOf reads JSON, or text, as the schema allows', async () => {
  expect(await valueOf('42', undefined)).toBe(42)
  expect(await valueOf('forty', undefined)).toBe('forty')
  expect(await valueOf('42', { type: 'string' })).toBe('42')
  expect(await valueOf('"x"', { type: 'string' })).toBe('x')
  expect(await valueOf('{"a":1}', { type: 'object' })).toEqual({ a: 1 })
  expect(await valueOf('red', { enum: ['red'] })).toBe('red')
})
