/** What may deceive the eye (H31). */
import { describe, expect, test } from 'vitest'
import { doubts, visible } from '../../src/cli/doubt.ts'

describe('doubts', () => {
  test.each([
    ['nothing strange', { to: 'ann@example.com', note: 'Zwölf Boxkämpfer jagen Viktor, 日本語, אבג' }, []],
    ['a right-to-left override', { file: 'exe\u202egpj.doc' }, [/U\+202E/]],
    ['a zero-width space in a key', { 'na\u200bme': 1 }, [/U\+200B/]],
    ['a Hangul filler', 'a\u3164b', [/U\+3164/]],
    ['variation selectors that carry data', `x${'\u{e0101}\u{e0102}'}`, [/2 characters.*U\+E0101, U\+E0102/]],
    [
      'a Cyrillic letter in a Latin host',
      { url: 'https://\u0430pple.com/x' },
      [/mixes letters of Latin and Cyrillic/],
    ],
    ['what lies past the fold', { text: `ok${' '.repeat(3_000)}rm -rf /` }, [/long \(30\d\d characters\)/]],
  ])('%s', (_, value, said) => {
    const found = doubts(value)
    expect(found).toHaveLength(said.length)
    for (const [at, pattern] of said.entries()) expect(found[at]).toMatch(pattern)
  })
})

test('what cannot be seen becomes an escape, newlines stay', () => {
  expect(visible('a\u200d\nb\u{e0101}')).toBe('a\\u{200d}\nb\\u{e0101}')
})
