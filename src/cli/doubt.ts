/**
 * What may deceive the eye in what a person is to approve: characters that show nothing or turn the text around (they
 * are shown as escapes, and said), words of two alphabets, and length.
 */
import { plain } from '../agent/memory.ts'

/** Controls and formats, and what looks like nothing: fillers, blank Braille, variation selectors. */
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0\p{VS}]/gu
const WORD = /[\p{L}\p{M}\p{N}_.-]+/gu
const LONG = 2_000

const ALPHABETS: readonly (readonly [string, RegExp])[] = [
  ['Latin', /\p{Script=Latin}/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Greek', /\p{Script=Greek}/u],
  ['Armenian', /\p{Script=Armenian}/u],
  ['Cherokee', /\p{Script=Cherokee}/u],
]

/** Warnings, each a sentence without its end; none: nothing that is known to deceive. */
export function doubts(value: unknown): readonly string[] {
  const texts = textsIn(plain(value))
  const all = texts.join('\n')
  const hidden = all.match(HIDDEN) ?? []
  const mixed = [...new Set(texts.flatMap((text) => mixedWords(text)))]
  return [
    ...(hidden.length === 0
      ? []
      : [
          `it holds ${hidden.length === 1 ? 'a character' : `${hidden.length} characters`} that cannot be seen: ${namesOf(hidden)}`,
        ]),
    ...mixed.slice(0, 3),
    ...(all.length > LONG ? [`it is long (${all.length} characters): read it to its end`] : []),
  ]
}

/** `text` with what cannot be seen written as escapes. Newlines and tabs stay. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`)
}

function mixedWords(text: string): readonly string[] {
  return (text.match(WORD) ?? []).flatMap((word) => {
    const found = ALPHABETS.filter(([, letters]) => letters.test(word)).map(([name]) => name)
    return found.length > 1 ? [`'${word.slice(0, 60)}' mixes letters of ${found.join(' and ')}`] : []
  })
}

function namesOf(hidden: readonly string[]): string {
  const codes = [...new Set(hidden)].map(
    (one) => `U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
  )
  return codes.length > 5 ? `${codes.slice(0, 5).join(', ')}, …` : codes.join(', ')
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)])
}
