/**
 * Text for a terminal. Tasks, arguments, printed output and messages were written by models and strangers: none of
 * their control characters may reach a terminal, and none may make text look like other text.
 *
 * X1  Whatever is shown has gone through `safe` or `oneLine`; whatever is written as JSON, through `jsonText`.
 */
import { inspect } from 'node:util'
import { plain } from '../agent/memory.ts'

/** Controls (C0, DEL, C1), formats (bidi and invisible ones among them), lone surrogates, line separators. */
const UNSAFE = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** `text` with what could act on a terminal, or hide, written as escapes. Newlines and tabs stay. */
export function safe(text: string): string {
  return text.replace(UNSAFE, escaped)
}

/** `safe` text in one line: runs of white space become one blank. */
export function oneLine(text: string): string {
  return safe(text.replace(/\s+/g, ' ').trim())
}

/** Any value as JSON text, in which every character that `safe` escapes is an escape too. What it means is unchanged. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(plain(value), undefined, indent).replace(UNSAFE, (found) =>
    [...Array(found.length).keys()].map((at) => unit(found.charCodeAt(at))).join(''),
  )
}

/** A value exactly as it is: as JSON where JSON can say it, otherwise as Node shows it. */
export function shown(value: unknown, indent = 2): string {
  if (isJson(value)) return jsonText(value, indent)
  const all = { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity, customInspect: false }
  return safe(inspect(value, indent === 0 ? { ...all, breakLength: Infinity, compact: true } : all))
}

/** At most `columns` wide; what is cut off leaves an ellipsis. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let [kept, width] = ['', 0]
  for (const { segment } of SEGMENTER.segment(text)) {
    width += widthOfOne(segment)
    if (width > columns - 1) break
    kept += segment
  }
  return columns < 1 ? '' : `${kept}…`
}

/** How many columns a line of text takes. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  return [...SEGMENTER.segment(text)].reduce((sum, { segment }) => sum + widthOfOne(segment), 0)
}

export function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)))
}

export function indented(text: string, by = '  '): string {
  return text.replaceAll(/^(?=.)/gm, by)
}

/** `1 question`, `2 questions`. */
export function counted(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`
}

const SEGMENTER = new Intl.Segmenter()

/** East Asian wide and full-width characters, and pictures, take two columns. */
function widthOfOne(grapheme: string): number {
  const wide =
    /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])|\ufe0f/u
  if (wide.test(grapheme)) return 2
  return /^\p{M}/u.test(grapheme) ? 0 : 1
}

function escaped(found: string): string {
  const code = found.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  return code > 0xffff ? `\\u{${code.toString(16)}}` : unit(code)
}

function unit(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`
}

/** True if `JSON.stringify` writes `value` without losing anything. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (Array.isArray(value)) return Object.keys(value).length === value.length && value.every(isJson)
  if (typeof value !== 'object') return false
  const proto: unknown = Object.getPrototypeOf(value)
  return (proto === Object.prototype || proto === null) && Object.values(value).every(isJson)
}
