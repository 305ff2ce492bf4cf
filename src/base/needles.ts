/**
 * Looks for any of many texts in a long one, in one pass that skips most of it (Wu and Manber, 1994): as far as the
 * shortest of them may be skipped when two characters stand in none of them.
 */

export interface Found {
  readonly from: number
  readonly to: number
}

export class Needles {
  /** Of two characters (their low bytes), how far it is safe to go on. */
  readonly #shifts = new Uint8Array(65_536)
  /** Those whose first `#window` characters end with these two, the longest first. */
  readonly #ending = new Map<number, string[]>()
  readonly #window: number
  readonly #longest: number

  /** `needles`: two characters or more each. */
  constructor(needles: Iterable<string>) {
    const all = [...new Set(needles)].toSorted((one, other) => other.length - one.length)
    this.#longest = all[0]?.length ?? 0
    this.#window = all.at(-1)?.length ?? 2
    this.#shifts.fill(Math.min(this.#window - 1, 255))
    for (const needle of all) {
      for (let end = 1; end < this.#window; end++) {
        const pair = pairAt(needle, end)
        this.#shifts[pair] = Math.min(this.#shifts[pair] ?? 0, this.#window - 1 - end)
        if (end === this.#window - 1) this.#ending.set(pair, [...(this.#ending.get(pair) ?? []), needle])
      }
    }
  }

  /** Characters of the longest. */
  get longest(): number {
    return this.#longest
  }

  /** The first that stands in `text` at `from` or after; of several at one place the longest. */
  find(text: string, from = 0): Found | undefined {
    if (this.#longest === 0) return undefined
    const window = this.#window
    for (let end = from + window - 1; end < text.length;) {
      const pair = pairAt(text, end)
      const shift = this.#shifts[pair] ?? 0
      if (shift > 0) {
        end += shift
        continue
      }
      const start = end - window + 1
      const found = this.#ending.get(pair)?.find((needle) => text.startsWith(needle, start))
      if (found !== undefined) return { from: start, to: start + found.length }
      end++
    }
    return undefined
  }

  /** How many characters at the end of `text` may be the beginning of one that goes on. */
  begun(text: string): number {
    const most = Math.min(text.length, this.#longest - 1)
    const needles = [...this.#ending.values()].flat()
    for (let length = most; length > 0; length--) {
      const end = text.slice(text.length - length)
      if (needles.some((needle) => needle.length > length && needle.startsWith(end))) return length
    }
    return 0
  }
}

/** Its low bytes and those of the character before. */
function pairAt(text: string, at: number): number {
  return ((text.charCodeAt(at - 1) & 255) << 8) | (text.charCodeAt(at) & 255)
}
