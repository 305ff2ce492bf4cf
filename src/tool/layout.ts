/** Type text and its lines: in one line where it fits, else objects over several. */
import type { Json } from '../base/json.ts'

/** Text in pieces, so that it can be broken where an object or a union stands. */
export type Text =
  | string
  | readonly Text[]
  | { readonly join: ' | ' | ' & '; readonly parts: readonly Text[] }
  | { readonly members: readonly Member[] }

export interface Member {
  /** A whole comment, or nothing. */
  readonly comment: string
  readonly head: string
  readonly type: Text
}

const WIDTH = 100
/** Control characters but the line feed, foreign line ends, and what turns the direction of writing. */
// oxlint-disable-next-line no-control-regex -- these are what must not reach a prompt
const UNSEEN = /[\u0000-\u0009\u000B-\u001F\u007F\u2028\u2029\u202A-\u202E\u2066-\u2069]/g

/** The whole in one line, or broken from the outside in; `used` columns are taken before it. */
export function layOut(text: Text, indent: string = '', used: number = indent.length): string {
  const line = flat(text)
  return line.length + used <= WIDTH ? line : broken(text, indent)
}

function flat(text: Text): string {
  if (typeof text === 'string') return text
  if (isPieces(text)) return text.map(flat).join('')
  if ('join' in text) return text.parts.map(flat).join(text.join)
  const members = text.members.map(
    (member) => `${member.comment === '' ? '' : `${member.comment} `}${member.head}${flat(member.type)}`,
  )
  return members.length === 0 ? '{}' : `{ ${members.join('; ')} }`
}

function broken(text: Text, indent: string): string {
  if (typeof text === 'string') return text
  if (isPieces(text)) return text.map((piece) => broken(piece, indent)).join('')
  if ('join' in text) return text.parts.map((part) => layOut(part, indent)).join(text.join)
  const inner = `${indent}  `
  const lines = text.members.flatMap((member) => [
    ...(member.comment === '' ? [] : [inner + member.comment]),
    inner + member.head + layOut(member.type, inner, inner.length + member.head.length),
  ])
  return ['{', ...lines, `${indent}}`].join('\n')
}

function isPieces(text: Text): text is readonly Text[] {
  return Array.isArray(text)
}

/** A doc comment: of one line, or of several with a star each. It cannot be closed from inside. */
export function comment(text: string, most: number): string {
  const safe = text.replaceAll('*/', '*\\/').replaceAll(UNSEEN, ' ').trim()
  const short = (safe.length <= most ? safe : `${safe.slice(0, most - 1)}…`).toWellFormed()
  const lines = short.split('\n').map((line) => line.trimEnd())
  return lines.length === 1
    ? `/** ${short} */`
    : ['/**', ...lines.map((line) => ` * ${line}`.trimEnd()), ' */'].join('\n')
}

/** A literal type; `undefined` for one that would be too long. Single quotes, as in the model's own code. */
export function literal(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value.length <= 200 ? quoted(value) : undefined
  const text = JSON.stringify(value ?? null)
  return text.length <= 200 ? text : undefined
}

export function propertyName(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key.length <= 200 ? key : `${key.slice(0, 199)}…`)
}

function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${inner.replaceAll(UNSEEN, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}'`
}
