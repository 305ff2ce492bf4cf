/**
 * Content: what was said to models and tools, and what they said. It is told only where the author opted in, in the JSON
 * of the conventions, and a function of the author may change or withhold each value first.
 */
import type { CONTENT } from './names.ts'
import { LONGEST_CONTENT } from './value.ts'

/** What a value is: by its name in the conventions without `gen_ai.`, or the message of an error. */
export type ContentKind = keyof typeof CONTENT | 'error.message'

/** `true`: all content. A function: what it returns in place of each value; `undefined` withholds it, and so does a throw. */
export type ContentOption = boolean | ((kind: ContentKind, value: unknown) => unknown)

/** One message, as the conventions have it. */
export interface Message {
  readonly role: string
  readonly parts: readonly object[]
  readonly finish_reason?: string
}

/** Takes secrets out of plain data. */
export type Clean = <Data>(data: Data) => Data

export interface Content {
  /**
   * The text to tell; undefined: it is not told. `read` is not even called where no content is wanted. What it gives is
   * cleaned before the author's function has it, and before anything is cut.
   */
  text(kind: ContentKind, read: () => unknown, clean?: Clean): string | undefined
}

/** Texts within a value are cut at so many characters, and so deep it is told. */
const LONGEST_PART = 16_384
const DEEPEST = 32

export function contentOf(option: ContentOption | undefined): Content {
  if (option === undefined || option === false) return { text: () => undefined }
  const shown = option === true ? (_kind: ContentKind, value: unknown): unknown => value : option
  return {
    text(kind, read, clean = (data) => data) {
      try {
        const value = shown(kind, clean(read()))
        return value === undefined ? undefined : textOf(kind, clean(plain(value, [])))
      } catch {
        return undefined
      }
    },
  }
}

/** JSON within the limit; of too many messages the oldest are left out, but for the first. */
function textOf(kind: ContentKind, value: unknown): string {
  if (kind === 'error.message' && typeof value === 'string') return value
  if (!Array.isArray(value)) return json(value)
  const texts = value.map((item: unknown) => json(item))
  const [first, ...others] = texts
  let room = LONGEST_CONTENT - (first?.length ?? 0) - 2
  const kept: string[] = []
  for (const text of others.toReversed()) {
    room -= text.length + 1
    if (room < 0) break
    kept.unshift(text)
  }
  return `[${[...(first === undefined ? [] : [first]), ...kept].join(',')}]`
}

/** Its long texts are cut. */
function json(value: unknown): string {
  const text = JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'string' && one.length > LONGEST_PART
      ? `${one.slice(0, LONGEST_PART)}… (${one.length} characters)`
      : one,
  )
  return text ?? 'null'
}

/** Any value as JSON could have it: what JSON has no word for stands as text, and what holds itself as `…`. */
function plain(value: unknown, above: readonly object[]): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return value
  if (above.includes(value) || above.length === DEEPEST) return '…'
  const below = [...above, value]
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`
  if (value instanceof Date || value instanceof URL) return value.toJSON()
  if (value instanceof Error) return { name: value.name, message: value.message }
  if (Array.isArray(value) || value instanceof Map || value instanceof Set)
    return Array.from<unknown, unknown>(value, (item) => plain(item, below))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, below)]))
}
