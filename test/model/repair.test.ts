import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readJson } from '../../src/model/repair.ts'

describe('repaired, since it can mean only one thing', () => {
  test.each<[string, string, unknown]>([
    ['line breaks and tabs in a string', '{"code":"a\n\tb\r\n"}', { code: 'a\n\tb\r\n' }],
    ['another control character', '{"code":"a\u0001"}', { code: 'a\u0001' }],
    [
      'a backslash that escapes nothing',
      String.raw`{"code":"/\d+\$/ \' \u12"}`,
      { code: String.raw`/\d+\$/ \' \u12` },
    ],
    ['a comma at the end', '{"a":[1,2 , ],"b":{"c":1,},\n}', { a: [1, 2], b: { c: 1 } }],
    ['brackets that are missing at the end', '{"code":"1","more":{"x":[1', { code: '1', more: { x: [1] } }],
    ['a fence', '```json\n{"code":"1"}\n```', { code: '1' }],
    ['a fence without a language', '```\n{"code":"1"}\n```', { code: '1' }],
    ['a comma that stands in a string', '{"code":"[1, ]",}', { code: '[1, ]' }],
  ])('%s', (_name, text, value) => {
    expect(readJson(text)).toEqual(value)
  })
})

describe('left to the model', () => {
  test.each([
    ['a string that is not closed: half a program', '{"code":"await pay(1)'],
    ['a string that ends in an escape', '{"code":"1\\'],
    ['quotes that are not escaped', '{"code":"say("hi")"}'],
    ['single quotes', "{'code':'1'}"],
    ['brackets that do not match', '{"a":[1}'],
    ['words', 'I cannot do that'],
    ['nothing', ''],
    ['two values', '{"code":"1"} {"code":"2"}'],
  ])('%s', (_name, text) => {
    expect(readJson(text)).toBeUndefined()
  })
})

test('JSON is never touched', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value)
      expect(readJson(text)).toEqual(JSON.parse(text))
    }),
  )
})

test('cut anywhere, a program is read whole or not at all', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (code, at) => {
      const text = JSON.stringify({ code })
      const value = readJson(text.slice(0, at % text.length))
      if (value !== undefined)
        expect(value).toSatisfy((it: { code?: unknown }) => it.code === undefined || it.code === code)
    }),
    { numRuns: 500 },
  )
})

test('a megabyte takes no time to speak of', () => {
  expect(readJson(`{"a":${'[1,],'.repeat(200_000)}`)).toBeUndefined()
})
