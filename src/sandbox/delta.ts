/**
 * What differs between two heaps: the pages of memory that are not the same, XORed, so that what stayed is zeros.
 *
 *      0  bytes of memory of the later heap, number of pages, length of the grants, 0: u32 LE each
 *     16  the numbers of the pages, ascending, u32 LE each; then the pages; then the grants in UTF-8
 *
 * D1  Deltas in a row are joined by XOR, without the heaps between which they lie; in any order.
 * D2  A page beyond the end of the earlier heap was zeros. Memory only grows, so no page is ever lost.
 * D3  When the guest has halted, the engine's stack is empty. It lies below the stack pointer (the module is linked
 *     stack first), so those bytes are dead: no delta speaks of them.
 */
import { PAGE } from './base.ts'

const HEAD = 16
const WORDS = PAGE / 4
/** How WebAssembly counts memory. */
const BLOCK = 65_536
const EMPTY = new Uint8Array(PAGE)

export interface Delta {
  /** As above. The rest are views on it. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Bytes of memory of the later heap. */
  readonly size: number
  /** The tools granted in it, as the text that granted them. */
  readonly grants: string
  readonly numbers: Uint32Array
  /** As many pages, one after the other. */
  readonly pages: Uint8Array<ArrayBuffer>
}

/** A delta of these pages, to be filled in. */
function newDelta(size: number, grants: string, numbers: readonly number[]): Delta {
  const text = Buffer.from(grants)
  const at = HEAD + numbers.length * 4
  const bytes = new Uint8Array(at + numbers.length * PAGE + text.length)
  const pages = bytes.subarray(at, at + numbers.length * PAGE)
  const own = new Uint32Array(bytes.buffer, HEAD, numbers.length)
  own.set(numbers)
  new Uint32Array(bytes.buffer, 0, 4).set([size, numbers.length, text.length, 0])
  bytes.set(text, at + pages.length)
  return { bytes, size, grants, numbers: own, pages }
}

/** @throws {TypeError} if the bytes are no delta; their content is the business of whoever unpacked them. */
export function openDelta(given: Uint8Array): Delta {
  const bytes = new Uint8Array(given.buffer as ArrayBuffer, given.byteOffset, given.byteLength)
  if (bytes.length < HEAD) throw new TypeError('These bytes are no delta.')
  if (bytes.byteOffset % 4 !== 0) return openDelta(new Uint8Array(bytes))
  const [size = 0, count = 0, text = 0, none] = new Uint32Array(bytes.buffer, bytes.byteOffset, 4)
  const at = HEAD + count * 4
  const end = at + count * PAGE
  const isWhole = none === 0 && size % BLOCK === 0 && bytes.length === end + text
  if (!isWhole) throw new TypeError('This delta is not sound.')
  const numbers = new Uint32Array(bytes.buffer, bytes.byteOffset + HEAD, count)
  const inOrder = numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0))
  if (!inOrder || (count > 0 && ((numbers.at(-1) ?? 0) + 1) * PAGE > size))
    throw new TypeError('This delta is not sound.')
  const grants = Buffer.from(bytes.buffer, bytes.byteOffset + end, text).toString('utf8')
  return { bytes, size, grants, numbers, pages: bytes.subarray(at, end) }
}

/** One delta from the first of `deltas`' earlier heap to the last one's later heap (D1). */
export function joined(deltas: readonly Delta[]): Delta {
  const last = deltas.at(-1)
  if (last === undefined) throw new TypeError('Nothing to join.')
  if (deltas.length === 1) return last
  const sums = new Map<number, Uint8Array>()
  const own = new Set<number>()
  for (const { numbers, pages } of deltas) {
    for (const [index, number] of numbers.entries()) {
      const page = pages.subarray(index * PAGE, (index + 1) * PAGE)
      const sum = sums.get(number)
      if (sum === undefined) {
        sums.set(number, page)
        continue
      }
      const summed = own.has(number) ? sum : new Uint8Array(sum)
      xor(summed, page)
      own.add(number)
      sums.set(number, summed)
    }
  }
  for (const number of own) {
    const sum = sums.get(number)
    if (sum !== undefined && Buffer.compare(sum, EMPTY) === 0) sums.delete(number)
  }
  const delta = newDelta(
    last.size,
    last.grants,
    [...sums.keys()].toSorted((one, other) => one - other),
  )
  for (const [index, number] of delta.numbers.entries())
    delta.pages.set(sums.get(number) ?? EMPTY, index * PAGE)
  return delta
}

/** `one ^= other`, for a page each. Pages lie at multiples of four. */
function xor(one: Uint8Array, other: Uint8Array): void {
  const to = new Int32Array(one.buffer, one.byteOffset, WORDS)
  const from = new Int32Array(other.buffer, other.byteOffset, WORDS)
  for (let index = 0; index < WORDS; index++) to[index] = (to[index] ?? 0) ^ (from[index] ?? 0)
}

/** A heap as it was when it was last looked at: the base, and the pages in which it is not the base. */
export class Shadow {
  readonly #base: Uint8Array
  readonly #from: number
  /** Once a page is here it stays, and is written over: what holds these pages is never held for others. */
  readonly #pages = new Map<number, Uint8Array>()

  /** `from`: where the heap begins in memory (D3). */
  constructor(base: Uint8Array, from: number) {
    this.#base = base
    this.#from = from
  }

  /** What has changed in `memory` since the last look, which this is now. */
  look(memory: Uint8Array, grants: string): Delta {
    const delta = newDelta(memory.length, grants, this.#changed(memory))
    const { pages, numbers } = delta
    const fresh = numbers.filter((number) => !this.#pages.has(number))
    const room = new Uint8Array(fresh.length * PAGE)
    let taken = 0
    for (const [index, number] of numbers.entries()) {
      const start = number * PAGE
      const skipped = Math.max(0, this.#from - start)
      const page = pages.subarray(index * PAGE, (index + 1) * PAGE)
      page.set(memory.subarray(start + skipped, start + PAGE), skipped)
      const own = this.#pages.get(number)
      if (own === undefined) {
        const kept = room.subarray(taken, (taken += PAGE))
        kept.set(page)
        this.#pages.set(number, kept)
        if (start < this.#base.length) xor(page, this.#base.subarray(start, start + PAGE))
      } else {
        xor(page, own)
        xor(own, page)
      }
    }
    return delta
  }

  /** Makes `memory`, which is the base, what `delta` leads to from the base; the last look was there. */
  follow(memory: Uint8Array, { numbers, pages }: Delta): void {
    const room = new Uint8Array(pages)
    for (const [index, number] of numbers.entries()) {
      const start = number * PAGE
      const page = room.subarray(index * PAGE, (index + 1) * PAGE)
      if (start < this.#base.length) xor(page, this.#base.subarray(start, start + PAGE))
      const skipped = Math.max(0, this.#from - start)
      if (skipped < PAGE) memory.set(page.subarray(skipped), start + skipped)
      this.#pages.set(number, page)
    }
  }

  #changed(memory: Uint8Array): readonly number[] {
    const now = Buffer.from(memory.buffer, memory.byteOffset, memory.length)
    const numbers: number[] = []
    for (let start = this.#from; start < memory.length;) {
      const number = Math.floor(start / PAGE)
      const end = (number + 1) * PAGE
      const own = this.#pages.get(number)
      const there = own ?? (end <= this.#base.length ? this.#base : EMPTY)
      const at = there === this.#base ? start : start % PAGE
      if (now.compare(there, at, at + end - start, start, end) !== 0) numbers.push(number)
      start = end
    }
    return numbers
  }
}
