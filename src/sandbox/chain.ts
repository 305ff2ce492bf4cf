/**
 * The links of one guest's heap, as the host keeps them: those that are packed, and what has changed since.
 *
 * C1  Links and what has changed since them lead from the base to the heap at the last look: any thread can go on.
 * C2  A link never changes, nor does what is before it: who stores the links writes each once.
 * C3  While a mark is kept, the heap at the mark can be made: some links, and what had changed since them by then.
 * C4  The links are bounded, in number and in bytes: where they are too many (`isLong`), those up to the mark become
 *     one, or those after it. What nobody needs any more is in none.
 */
import { joined, openDelta, type Delta } from './delta.ts'
import type { Heap, Link, Snapshot } from './sandbox.ts'
import { deltaOf, packLink } from './snapshot.ts'

/** So many links, and there is to be one. Each costs a resume its opening. */
const MANY = 8
/** What stands after the largest link may have half of the bytes up to it, and this where that is little. */
const FEW_BYTES = 64 * 1_024

/** C4, by the bytes of the links: would one in place of them be worth what it costs to write? */
export function isLong(sizes: readonly number[]): boolean {
  if (sizes.length >= MANY) return true
  const largest = sizes.lastIndexOf(Math.max(...sizes))
  const upTo = sumOf(sizes.slice(0, largest + 1))
  return sumOf(sizes.slice(largest + 1)) > Math.max(FEW_BYTES, upTo / 2)
}

interface Packing {
  readonly link: Promise<Link>
  /** Bytes; 0 while it is being packed. */
  size: number
}

interface Mark {
  readonly position: number
  readonly size: number
  /** So many links are before it. */
  readonly after: number
  /** What had changed since them. Where there is such a thing, no link was added after the mark. */
  readonly since: Delta | undefined
}

export class Chain {
  readonly #engine: string
  #row: readonly Packing[] = []
  /** What has changed since the last link. */
  #since: Delta | undefined
  /** Bytes of memory at the last look. */
  #size = 0
  #mark: Mark | undefined

  constructor(engine: string) {
    this.#engine = engine
  }

  /** The chain of a stored heap. `start`: so many of its links are the heap at the mark. */
  static of(engine: string, { links, delta }: Heap, start?: number): Chain {
    const chain = new Chain(engine)
    chain.#size = openDelta(delta).size
    chain.#row = links.map((link) => ({ link: Promise.resolve(link), size: link.payload.length }))
    if (start !== undefined) chain.#mark = { position: 0, size: 0, after: start, since: undefined }
    return chain
  }

  /** The next look at the heap: what has changed since the last one. */
  looked(delta: Delta): void {
    if (delta.numbers.length === 0 && delta.size === this.#size) return
    this.#since = after(this.#since, delta)
    this.#size = delta.size
  }

  /** The heap at the last look is the one to go back to. */
  mark(position: number): void {
    this.#mark = { position, size: this.#size, after: this.#row.length, since: this.#since }
  }

  /** What came after the mark is dropped (C3). @throws {TypeError} there is none. */
  back(): void {
    if (this.#mark === undefined) throw new TypeError('There is no heap to go back to.')
    this.#row = this.#row.slice(0, this.#mark.after)
    this.#since = this.#mark.since
    this.#size = this.#mark.size
  }

  /** The heap at the last look, as what it differs from the base by; undefined: it is the base (C1). */
  async whole(): Promise<Delta | undefined> {
    const packed = await deltaFrom(this.#row)
    return this.#since === undefined ? packed : after(packed, this.#since)
  }

  /**
   * All that is known becomes links; the heap is at `position`. `marked`: the heap at the mark has links of its own; else
   * the mark is forgotten. They are settled when this resolves, and packed later.
   */
  async link(position: number, marked: boolean): Promise<{ readonly packed: Promise<Snapshot> }> {
    if (!marked) this.#mark = undefined
    const mark = this.#mark
    if (mark === undefined || mark.since !== undefined) await this.#shorten(0)
    else await this.#shorten(mark.after)
    this.#linkMark()
    if (this.#since !== undefined) this.#add(this.#since, position)
    this.#since = undefined
    const row = this.#row
    const start = this.#mark?.after
    const packed = Promise.all(row.map(({ link }) => link))
    return { packed: packed.then((links) => ({ links, ...(start === undefined ? {} : { start }) })) }
  }

  /** C4: the links from `first` on give way to one. */
  async #shorten(first: number): Promise<void> {
    const [stays, goes] = [this.#row.slice(0, first), this.#row.slice(first)]
    if (goes.length < 2 || !isLong(goes.map(({ size }) => size))) return
    const one = await deltaFrom(goes)
    const mark = this.#mark
    if (one === undefined) return
    this.#row = stays
    this.#since = this.#since === undefined ? one : after(one, this.#since)
    if (mark?.since !== undefined) this.#mark = { ...mark, after: first, since: after(one, mark.since) }
  }

  /** The heap at the mark becomes a link, and what has changed since is counted from there. */
  #linkMark(): void {
    const mark = this.#mark
    if (mark?.since === undefined || this.#since === undefined) return
    const rest = joined([mark.since, this.#since])
    this.#add(mark.since, mark.position)
    this.#mark = { ...mark, after: this.#row.length, since: undefined }
    this.#since = rest.numbers.length === 0 && rest.size === mark.since.size ? undefined : rest
  }

  #add(delta: Delta, position: number): void {
    const before = this.#row.at(-1)?.link
    const pack = async (): Promise<Link> => {
      const link = await packLink(delta, position, await before, this.#engine)
      packing.size = link.payload.length
      return link
    }
    const packing: Packing = { link: pack(), size: 0 }
    this.#row = [...this.#row, packing]
  }
}

function after(first: Delta | undefined, then: Delta): Delta {
  return first === undefined ? then : joined([first, then])
}

async function deltaFrom(row: readonly Packing[]): Promise<Delta | undefined> {
  return row.length === 0 ? undefined : deltaOf(await Promise.all(row.map(({ link }) => link)))
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0)
}
