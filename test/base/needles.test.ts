/** Many texts looked for at once: what is found is what a search for each of them would find. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Needles } from '../../src/base/needles.ts'

/** The first place, and of several needles there the longest. */
function naive(needles: readonly string[], text: string, from = 0): { from: number; to: number } | undefined {
  for (let at = from; at < text.length; at++) {
    const found = needles.filter((needle) => text.startsWith(needle, at))
    const longest = Math.max(...found.map((needle) => needle.length))
    if (found.length > 0) return { from: at, to: at + longest }
  }
  return undefined
}

// Few letters, so that beginnings and ends overlap; some beyond one byte, whose low byte is that of another.
const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'š', 'a\u0161', 'Ā', '\u0161b'), maxLength: 60 })
const needle = letters.map((text) => `ab${text}`.slice(0, 12))

test('as the naive search does it, wherever it begins', () => {
  fc.assert(
    fc.property(
      fc.array(needle, { minLength: 1, maxLength: 5 }),
      letters,
      fc.nat(20),
      (needles, text, from) => {
        expect(new Needles(needles).find(text, from)).toEqual(naive(needles, text, from))
      },
    ),
    { numRuns: 2_000 },
  )
})

test('what may go on after the end of a text', () => {
  fc.assert(
    fc.property(fc.array(needle, { minLength: 1, maxLength: 4 }), letters, (needles, text) => {
      const begun = new Needles(needles).begun(text)
      const fits = (length: number): boolean =>
        needles.some((one) => one.length > length && one.startsWith(text.slice(text.length - length)))
      for (let length = 1; length <= text.length; length++) expect(fits(length) && length > begun).toBe(false)
      expect(begun === 0 || fits(begun)).toBe(true)
    }),
  )
})

test('nothing is found where nothing is looked for', () => {
  expect(new Needles([]).find('anything')).toBeUndefined()
  expect(new Needles([]).begun('anything')).toBe(0)
})

test('needles longer than a byte can count', () => {
  const needles = ['x'.repeat(1_000), 'y'.repeat(700)]
  const text = `${'-'.repeat(5_000)}${'y'.repeat(700)}`
  expect(new Needles(needles).find(text)).toEqual({ from: 5_000, to: 5_700 })
})
