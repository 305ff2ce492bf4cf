/** Ids: derived ones are the same everywhere, random ones are not, and none is a path. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkRunId, derivedText, digestOf, newRunId, randomText } from '../../src/base/id.ts'

describe('a new run id', () => {
  test('is one that a run may have, and sorts by the time of its making', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.integer({ min: 1, max: 2 ** 31 }), (now, later) => {
        const [one, other] = [newRunId(now), newRunId(now + later)]
        expect(checkRunId(one)).toBe(one)
        expect(one < other).toBe(true)
        expect(one).toHaveLength(17)
      }),
    )
  })

  test('is another one each time, in the same ms too', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => newRunId(0))).size).toBe(1_000)
  })
})

describe('a derived text', () => {
  test('is the same in every process', () => {
    expect(derivedText(10, 'run', '1.1', 0)).toBe('5xbneq4sb2')
    expect(derivedText(10, 'run', '1.1', 0)).toMatch(/^[0-9a-z]{10}$/)
  })

  test('of other parts is another one, wherever they are cut', () => {
    const texts = [
      derivedText(10, 'a', 'bc'),
      derivedText(10, 'ab', 'c'),
      derivedText(10, 'abc'),
      derivedText(10, 'a', 'bc', 0),
      derivedText(10, 'a', 'bc', '0'),
      derivedText(10, '"a","bc"'),
    ]
    expect(new Set(texts).size).toBe(texts.length)
  })
})

test('random text has the length that was asked for, in letters that nobody mistakes', () => {
  expect(randomText(500)).toMatch(/^[0-9abcdefghjkmnpqrstvwxyz]{500}$/)
  expect(randomText(0)).toBe('')
})

test('a digest is sha256, the same for text and its bytes', () => {
  expect(digestOf('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(digestOf('é')).toBe(digestOf(Buffer.from('é')))
})

describe('a run id', () => {
  test.each(['a', 'A-1_b.c:d', 'x'.repeat(128)])('may be %s', (id) => expect(checkRunId(id)).toBe(id))
  test.each(['', '.', '..', '-x', '_x', 'a/b', 'a\\b', 'a b', 'é', 'a\0', 'a\n', 'x'.repeat(129), '../etc'])(
    'may not be %j',
    (id) => {
      expect(() => checkRunId(id)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    },
  )
})
