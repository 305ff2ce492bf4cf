/**
 * Takes secrets out of data: what is found of a value, in any of the forms that it takes on its way through JSON, base64,
 * URLs and hex, becomes `[secret:NAME]`.
 *
 * R1  Data without a secret comes back as it is, the same object: it costs one pass over its texts.
 * R2  Structure stays: a text that is JSON (of which encoded values are) is JSON afterwards, and can still be decoded.
 * R3  Bytes keep their number: what is found in them is overwritten.
 * R4  What was split, wrapped into lines, compressed or encrypted is not recognised.
 */
import { encode } from './codec.ts'
import { parseJson, type Json } from './json.ts'
import { Needles } from './needles.ts'

/** Shorter values cannot be told from other text. */
export const SHORTEST_SECRET = 8

export class Redactor {
  readonly #needles: Needles
  /** Needles for bytes, one character each. */
  readonly #bytes: Needles
  readonly #names: ReadonlyMap<string, string>
  /** The last long text in which nothing was found: it may come by again. */
  #clean = ''

  /** `values`: pairs of a name and a value of SHORTEST_SECRET characters or more. */
  constructor(values: Iterable<readonly [name: string, value: string]>) {
    const names = new Map<string, string>()
    const bytes: string[] = []
    for (const [name, value] of values) {
      for (const form of formsOf(value)) if (!names.has(form)) names.set(form, name)
      bytes.push(Buffer.from(value, 'utf16le').toString('latin1'))
    }
    this.#names = names
    this.#needles = new Needles(names.keys())
    this.#bytes = new Needles([...[...names.keys()].map(latin), ...bytes])
  }

  /** Data of plain objects, lists and texts, without the secrets in it (R1). */
  data<Data>(data: Data): Data {
    return this.#data(data) as Data
  }

  /** A text, which may be JSON (R2). */
  text(text: string): string {
    if (text === this.#clean) return text
    if (this.#needles.find(text) === undefined && !hasBytes(text)) {
      if (text.length > LONG) this.#clean = text
      return text
    }
    return this.#structured(text) ?? this.#replaced(text)
  }

  /** What can be said of a text that comes in pieces; the last of it comes with `end`. */
  pieces(): { hear(piece: string): string; end(): string } {
    let held = ''
    return {
      hear: (piece) => {
        const text = this.#replaced(held + piece)
        const kept = this.#needles.begun(text)
        held = text.slice(text.length - kept)
        return text.slice(0, text.length - kept)
      },
      end: () => {
        const text = held
        held = ''
        return text
      },
    }
  }

  /** R2. Undefined: it is no JSON. */
  #structured(text: string): string | undefined {
    if (!/^\s*[[{"]/.test(text)) return undefined
    try {
      const json = parseJson(text, 'A text')
      const cleaned = this.#json(json)
      const written = cleaned === json ? text : JSON.stringify(cleaned)
      // One that lies across the parts of a structure: nothing of it can be kept.
      return this.#needles.find(written) === undefined ? written : encode('[secret]')
    } catch {
      // No JSON, or so deep that nothing here has made it.
      return undefined
    }
  }

  #data(data: unknown): unknown {
    if (typeof data === 'string') return this.text(data)
    if (typeof data !== 'object' || data === null) return data
    if (Array.isArray(data)) return mapped(data, (item) => this.#data(item))
    if (!isPlain(data)) return data
    return this.#record(data, (value) => this.#data(value))
  }

  #json(json: Json): Json {
    if (typeof json === 'string') return this.text(json)
    if (typeof json === 'number')
      return this.#needles.find(String(json)) ? this.#replaced(String(json)) : json
    if (typeof json !== 'object' || json === null) return json
    if (!isList(json)) return this.#record(json, (value) => this.#json(value))
    const [tag, base64] = json
    if (tag === 'ArrayBuffer' && typeof base64 === 'string' && json.length === 2)
      return mapped(json, (item) => (item === base64 ? this.#overwritten(base64) : item))
    return mapped(json, (item) => this.#json(item))
  }

  #record<Value>(record: { readonly [key: string]: Value }, clean: (value: Value) => Value): typeof record {
    let changed = false
    const entries = Object.entries(record).map(([key, value]): [string, Value] => {
      const cleaned: [string, Value] = [this.#replaced(key), clean(value)]
      changed ||= cleaned[0] !== key || cleaned[1] !== value
      return cleaned
    })
    return changed ? Object.fromEntries(entries) : record
  }

  #replaced(text: string): string {
    let cleaned = ''
    let at = 0
    for (let found = this.#needles.find(text); found !== undefined; found = this.#needles.find(text, at)) {
      const { from, to } = found
      cleaned += `${text.slice(at, from)}[secret:${this.#names.get(text.slice(from, to)) ?? ''}]`
      at = to
    }
    return at === 0 ? text : cleaned + text.slice(at)
  }

  /** R3. */
  #overwritten(base64: string): string {
    const bytes = Buffer.from(base64, 'base64')
    const text = bytes.toString('latin1')
    let changed = false
    for (let found = this.#bytes.find(text); found !== undefined; found = this.#bytes.find(text, found.to)) {
      bytes.fill('*', found.from, found.to)
      changed = true
    }
    return changed ? bytes.toString('base64') : base64
  }
}

/** Characters from which on it matters not to look twice. */
const LONG = 10_000

/** Encoded bytes in the text: in them a form may stand in yet another form. */
function hasBytes(text: string): boolean {
  return text.includes('["ArrayBuffer"')
}

function isList(json: object): json is readonly Json[] {
  return Array.isArray(json)
}

function isPlain(data: object): data is { readonly [key: string]: unknown } {
  const prototype: unknown = Object.getPrototypeOf(data)
  return prototype === Object.prototype || prototype === null
}

function mapped<Item>(items: readonly Item[], clean: (item: Item) => Item): readonly Item[] {
  const cleaned = items.map(clean)
  return cleaned.some((item, index) => item !== items[index]) ? cleaned : items
}

/** All that a value may look like. */
function formsOf(value: string): readonly string[] {
  const plain = value.trim()
  const bytes = Buffer.from(plain)
  const json = quoted(plain)
  const url = encodeURIComponent(plain.toWellFormed())
  const forms = [
    plain,
    json,
    quoted(json),
    quoted(quoted(json)),
    // As encoders write it that escape more than they must.
    json.replaceAll('<', '\\u003C'),
    json.replaceAll('/', '\\/'),
    json.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    url,
    url.replaceAll(/%../g, (code) => code.toLowerCase()),
    new URLSearchParams({ '': plain }).toString().slice(1),
    url.replaceAll(/[!'()*]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`),
    encodeURI(plain.toWellFormed()),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('base64'),
    ...[0, 1, 2].flatMap((before) => {
      const base64 = base64Within(bytes, before)
      return [base64, base64.replaceAll('+', '-').replaceAll('/', '_')]
    }),
  ]
  return forms.filter((form) => form.length >= SHORTEST_SECRET)
}

/** What base64 makes of the bytes where `before` others stand before them, without the characters that they share. */
function base64Within(bytes: Uint8Array, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
  return text.slice(before === 0 ? 0 : before + 1, Math.floor(((before + bytes.length) * 8) / 6))
}

/** As within JSON's quotation marks. */
function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function latin(text: string): string {
  return Buffer.from(text).toString('latin1')
}
