/** Links and deltas against a plain model: a memory that is written to, and copies of it (C1–C4, D1). */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PAGE } from '../../src/sandbox/base.ts'
import { Chain, isLong } from '../../src/sandbox/chain.ts'
import { openDelta, Shadow } from '../../src/sandbox/delta.ts'
import type { Snapshot } from '../../src/sandbox/sandbox.ts'
import { deltaOf, openHeap } from '../../src/sandbox/snapshot.ts'
import { must } from '../e2e/fixtures/bench.ts'

const ENGINE = 'e'.repeat(64)
const BLOCK = 65_536
/** The stack pointer: within a page. */
const FROM = 3 * PAGE + 48
const BASE = Uint8Array.from({ length: BLOCK }, (_, at) => (at < FROM ? 0 : (at * 7) % 251))

/** A guest's memory and the chain of it, as the sandbox keeps them. */
class Bench {
  memory = Uint8Array.from(BASE)
  chain = new Chain(ENGINE)
  #shadow = new Shadow(BASE, FROM)
  #marked: Uint8Array | undefined
  position = 1

  write(at: number, length: number, value: number): void {
    this.memory.fill(value, at % this.memory.length, (at % this.memory.length) + length)
  }

  grow(blocks: number): void {
    const before = this.memory
    this.memory = new Uint8Array(before.length + blocks * BLOCK)
    this.memory.set(before)
  }

  look(): void {
    this.chain.looked(this.#shadow.look(this.memory, '["a"]'))
  }

  mark(): void {
    this.look()
    this.chain.mark(this.position)
    this.#marked = Uint8Array.from(this.memory)
  }

  async back(): Promise<void> {
    if (this.#marked === undefined) return
    this.chain.back()
    await this.wake()
    must(same(this.memory, this.#marked) ? this : undefined, 'the heap at the mark')
  }

  /** Goes on in another memory, from what the chain knows. */
  async wake(): Promise<void> {
    const whole = await this.chain.whole()
    const memory = Uint8Array.from(BASE)
    this.#shadow = new Shadow(BASE, FROM)
    this.memory = whole === undefined ? memory : grown(memory, whole.size)
    if (whole !== undefined) this.#shadow.follow(this.memory, openDelta(whole.bytes))
  }

  async link(marked: boolean): Promise<Snapshot> {
    this.look()
    if (!marked) this.#marked = undefined
    const { packed } = await this.chain.link(this.position, marked)
    return packed
  }

  /** C1, C3: what is stored opens as the heap, and its first links as the heap at the mark. */
  async check({ links, start }: Snapshot): Promise<void> {
    const [now, then] = [await memoryOf(links), await memoryOf(links.slice(0, start ?? 0))]
    must(same(now, this.memory) ? this : undefined, 'the heap, from its links')
    must((start !== undefined) === (this.#marked !== undefined) ? this : undefined, 'a mark, if there is one')
    if (this.#marked !== undefined)
      must(same(then, this.#marked) ? this : undefined, 'the mark, from its links')
  }
}

function grown(memory: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(Math.max(size, memory.length))
  more.set(memory)
  return more
}

async function memoryOf(links: Snapshot['links']): Promise<Uint8Array> {
  if (links.length === 0) return BASE
  const { delta } = must(await openHeap(links, ENGINE))
  const memory = grown(Uint8Array.from(BASE), openDelta(delta).size)
  new Shadow(BASE, FROM).follow(memory, openDelta(delta))
  return memory
}

/** Above the stack pointer (D3). */
function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one.subarray(FROM), other.subarray(FROM)) === 0
}

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constant('write' as const), fc.nat(BLOCK * 3), fc.nat(9_000), fc.nat(255)),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('grow' as const), fc.integer({ min: 1, max: 2 })) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('look' as const, 'mark' as const, 'back' as const, 'wake' as const)),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('link' as const), fc.boolean()) },
)

test('whatever is written, marked, undone, put to sleep and linked: the heap is the heap', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60 }), async (acts) => {
      const bench = new Bench()
      let stored: Snapshot['links'] = []
      for (const [what, ...given] of acts) {
        bench.position++
        if (what === 'write') bench.write(...(given as [number, number, number]))
        else if (what === 'grow') bench.grow(given[0] as number)
        else if (what === 'link') {
          const snapshot = await bench.link(given[0] as boolean)
          await bench.check(snapshot)
          // C2: what was stored before is kept as it was, or dropped with all after it.
          const kept = snapshot.links.findIndex((link, index) => link !== stored[index])
          expect(snapshot.links.slice(Math.max(0, kept)).some((link) => stored.includes(link))).toBe(
            kept < 0 && snapshot.links.length > 0,
          )
          expect(snapshot.links.length).toBeLessThan(40)
          stored = snapshot.links
        } else if (what === 'wake') {
          bench.look()
          const before = Uint8Array.from(bench.memory)
          await bench.wake()
          expect(same(bench.memory, before)).toBe(true)
        } else await bench[what]()
      }
    }),
    { numRuns: 400 },
  )
})

test('C4: within a step that never ends the links are bounded, and the start of the step stays', async () => {
  const bench = new Bench()
  await bench.link(false)
  bench.write(20_000, 100, 1)
  bench.mark()
  const counts: number[] = []
  for (let round = 0; round < 100; round++) {
    bench.write(30_000 + round * 10, 3, round)
    const snapshot = await bench.link(true)
    await bench.check(snapshot)
    expect(snapshot.start).toBe(2)
    counts.push(snapshot.links.length)
  }
  expect(Math.max(...counts)).toBeLessThan(20)
  await bench.back()
})

test('C4: over many steps too; a new start may take the place of all before it', async () => {
  const bench = new Bench()
  const counts: number[] = []
  for (let step = 0; step < 60; step++) {
    bench.write(40_000, 20, step)
    bench.mark()
    bench.write(20_000 + step * 100, 50, step + 1)
    const inside = await bench.link(true)
    await bench.check(inside)
    bench.write(25_000, 50, step)
    const after = await bench.link(false)
    await bench.check(after)
    counts.push(inside.links.length, after.links.length)
  }
  expect(Math.max(...counts)).toBeLessThan(20)
})

test('what is long: many links, or more after the largest than half of what it carries', () => {
  expect(isLong([])).toBe(false)
  expect(isLong([100_000])).toBe(false)
  expect(isLong([5_000, 3_000, 3_000, 3_000])).toBe(false)
  expect(isLong(Array.from({ length: 8 }, () => 10))).toBe(true)
  expect(isLong([5_000, ...Array.from({ length: 4 }, () => 5_000), 5_000, 30_000])).toBe(false)
  expect(isLong([40_000, 30_000, 31_000, 5_000])).toBe(true)
  expect(isLong([10_000_000, 4_000_000])).toBe(false)
  expect(isLong([10_000_000, 4_000_000, 1_100_000])).toBe(true)
  expect(isLong([5_000, 11_000_000, 4_000])).toBe(false)
})

test('a heap that has not changed has no new link', async () => {
  const bench = new Bench()
  bench.write(20_000, 10, 1)
  const first = await bench.link(false)
  const second = await bench.link(false)
  expect(second.links).toHaveLength(1)
  expect(second.links[0]).toBe(first.links[0])
  expect((await deltaOf(first.links)).numbers).toHaveLength(1)
})
