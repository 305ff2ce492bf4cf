/** The only door to JSON. */
import { expect, test } from 'vitest'
import { parseJson } from '../../src/base/json.ts'

test('what is JSON comes back', () => {
  expect(parseJson('{"a":[1,null,"x"]}', 'A text')).toEqual({ a: [1, null, 'x'] })
})

test.each(['', '{', 'undefined', "{'a':1}", '[1,]', '\ufeff{}', 'NaN'])(
  '%j is refused by the name of what it was',
  (text) => {
    expect(() => parseJson(text, 'The state of run r')).toThrow(
      expect.objectContaining({
        code: 'STATE_CORRUPT',
        message: 'The state of run r is not readable as JSON.',
        cause: expect.any(SyntaxError),
      }),
    )
  },
)

test('a key __proto__ is an ordinary key and changes no prototype', () => {
  const value = parseJson('{"__proto__":{"admin":true}}', 'A text') as object
  expect(Object.keys(value)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  expect('admin' in value).toBe(false)
})
