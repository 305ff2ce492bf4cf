import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { growingCode } from '../../src/model/growing.ts'

/** What is shown of `json` when it comes cut at `cuts`. */
function shown(json: string, cuts: readonly number[]): string {
  const read = growingCode()
  const places = [0, ...cuts.map((cut) => cut % (json.length + 1)), json.length].toSorted((a, b) => a - b)
  return places
    .slice(1)
    .map((end, index) => read(json.slice(places[index], end)))
    .join('')
}

describe('code that is still being written', () => {
  test('is shown the same wherever the chunks are cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.nat(), { maxLength: 20 }), (code, cuts) => {
        expect(shown(JSON.stringify({ code }), cuts)).toBe(code)
      }),
    )
  })

  test('only the top-level `code` is shown, wherever it stands', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), fc.jsonValue(), (before, code, after) => {
        expect(shown(JSON.stringify({ a: before, code, z: { code: after } }, null, 2), [3, 7, 20])).toBe(code)
      }),
    )
  })

  test('a character cut in the middle of its escape', () => {
    const read = growingCode()
    expect(['{"code":"\\', 'u00', 'e9\\ud83d', '\\ude00\\', 'n"}'].map(read)).toEqual([
      '',
      '',
      'é\ud83d',
      '\ude00',
      '\n',
    ])
  })

  test('wrong JSON never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void growingCode()(text)))
    expect(shown('["code","x"]', [])).toBe('')
    expect(shown('"code"', [])).toBe('')
  })
})
