/**
 * Most of what tools return is plain JSON. The engine reads JSON natively, and ten times as fast as the prelude reads
 * the wire format, so what is large and plain is handed to it so.
 *
 * W1  The guest cannot tell: same values, same order of keys. What JSON cannot say (dates, maps, `undefined`, `-0`, an
 *     object that is reached twice) is not plain.
 */

import { parseJson } from '../base/json.ts'

/** What is smaller is read in no time. */
const LARGE = 4_096
/** What is nested deeper is left to the prelude, which knows what to say. */
const DEEP = 500

/** The JSON of an encoded value (see `base/codec.ts`), if it is large and plain. */
export function plainJson(encoded: string): string | undefined {
  if (encoded.length < LARGE) return undefined
  let values: unknown
  try {
    values = parseJson(encoded, 'The value')
  } catch {
    return undefined
  }
  if (!Array.isArray(values)) return undefined
  const reader = new Reader(values)
  const root = reader.value(0, 0)
  return reader.isPlain ? JSON.stringify(root) : undefined
}

class Reader {
  isPlain = true
  readonly #values: readonly unknown[]
  /** Objects by their place: each may be reached once. */
  readonly #seen: Uint8Array

  constructor(values: readonly unknown[]) {
    this.#values = values
    this.#seen = new Uint8Array(values.length)
  }

  value(index: unknown, depth: number): unknown {
    if (!this.isPlain) return undefined
    if (typeof index !== 'number' || !(index in this.#values) || depth > DEEP) return this.#not()
    const value = this.#values[index]
    if (typeof value !== 'object' || value === null) return value
    if (this.#seen[index] === 1) return this.#not()
    this.#seen[index] = 1
    return Array.isArray(value) ? this.#array(value, depth) : this.#object(value, depth)
  }

  #array(places: readonly unknown[], depth: number): unknown {
    // A word at the head is a tag, a number below zero something that JSON cannot say.
    if (typeof places[0] === 'string') return this.#not()
    return places.map((place) => this.value(place, depth + 1))
  }

  #object(places: object, depth: number): unknown {
    const object: Record<string, unknown> = {}
    for (const [key, place] of Object.entries(places)) {
      if (key.includes('__proto__')) return this.#not()
      object[key] = this.value(place, depth + 1)
    }
    return object
  }

  #not(): undefined {
    this.isPlain = false
  }
}
