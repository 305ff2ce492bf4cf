/**
 * The one door for what spans, events and metrics say: every text that leaves for OpenTelemetry passes `tellable`.
 *
 * V1  No control character, no line break, no mark that turns the direction of text leaves as itself.
 * V2  No value is longer than its limit.
 */
import { CONTENT } from './names.ts'

/** Characters of an ordinary value. */
const LONGEST = 4_096
/** Characters of a value that is content: a prompt, arguments, a result. */
export const LONGEST_CONTENT = 65_536
/** Items of a list. */
const MOST = 128

export type Value = string | number | boolean

/** Values of spans, events and metrics; an undefined one is left out. */
export type SpanAttributes = Readonly<Record<string, Value | readonly string[] | undefined>>

/** A text as it may leave (V1, V2). What was left out of its middle is counted there. */
export function tellable(text: string, longest: number = LONGEST): string {
  return escaped(capped(text, longest))
}

const CONTENTS: ReadonlySet<string> = new Set(Object.values(CONTENT))

/** As OpenTelemetry takes them. A number that is none is left out. */
export function tellableAttributes(attributes: SpanAttributes | undefined): Record<string, Value | string[]> {
  const told: Record<string, Value | string[]> = {}
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) continue
    if (typeof value === 'string') told[key] = tellable(value, CONTENTS.has(key) ? LONGEST_CONTENT : LONGEST)
    else told[key] = typeof value === 'object' ? value.slice(0, MOST).map((one) => tellable(one)) : value
  }
  return told
}

function capped(text: string, longest: number): string {
  if (text.length <= longest) return text
  const half = Math.floor(longest / 2) - 20
  return `${text.slice(0, half)}…[${text.length - 2 * half} characters left out]…${text.slice(-half)}`
}

/** C0 and C1 controls, line and paragraph separators, marks of direction. Escaped as in JSON, so JSON text stays JSON. */
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(
      UNSEEN,
      (character) => SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}
