/** Heaps at rest: what is damaged, mixed up or foreign is refused before the engine sees a byte. */
import { createHash } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { StateCorruptError } from '../../src/base/errors.ts'
import { engineDigest } from '../../src/sandbox/parts.ts'
import { createSandbox } from '../../src/sandbox/sandbox-thread.ts'
import type { Link } from '../../src/sandbox/sandbox.ts'
import { openHeap } from '../../src/sandbox/snapshot.ts'
import { must } from '../e2e/fixtures/bench.ts'
import { heapOf, LIMITS, session } from './session.ts'

/** Three, of a guest that went on between them; and one of another guest. */
let links: readonly [Link, Link, Link]
let other: Link
let raw: number
/** The links as they were after each step. */
const made: Link[][] = []
const HEAD = 120

beforeAll(async () => {
  await using guest = await session()
  for (const code of ['const big = [1]', 'big.push(...Array(1000).keys())', 'big.reverse(); 1']) {
    await guest.step(code)
    made.push([...(await guest.heap()).links])
  }
  const [one, two, three] = must(made.at(-1))
  links = [must(one), must(two), must(three)]
  raw = (await guest.heap()).delta.length
  await using another = await session()
  await another.step('const big = [2]')
  other = must((await another.heap()).links[0])
})

const open = (row: readonly Link[]): ReturnType<typeof openHeap> => openHeap(row, engineDigest())
const changed = (link: Link, payload: Uint8Array): Link => ({ ...link, payload })

test('a heap is its links: a fraction of its size, and each a fraction of that', () => {
  const sizes = links.map(({ payload }) => payload.length)
  expect(Math.max(...sizes)).toBeLessThan(20_000)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(raw / 4)
})

test('every first links open: the heap that it was then', async () => {
  expect(links.map((link) => made.map((row) => row.indexOf(link)))).toEqual([
    [0, 0, 0],
    [-1, 1, 1],
    [-1, -1, 2],
  ])
  expect(await open([])).toBeUndefined()
  for (const count of [1, 2, 3]) {
    await using sandbox = createSandbox(LIMITS)
    const heap = must(await open(links.slice(0, count)))
    await sandbox.open({ from: 'heap', heap }, [])
    expect(Buffer.compare((await heapOf(sandbox)).delta, heap.delta)).toBe(0)
  }
})

test('another engine’s snapshot is told apart from a damaged one', async () => {
  expect(await openHeap(links, 'f'.repeat(64))).toBeUndefined()
})

test('K1: a change of any bit of the head is refused', async () => {
  for (let at = 0; at < HEAD; at++) {
    const payload = Uint8Array.from(links[1].payload)
    payload[at] = (payload[at] ?? 0) ^ (1 << (at % 8))
    const row = [links[0], changed(links[1], payload), links[2]]
    await expect(open(row), `byte ${at}`).rejects.toThrow(StateCorruptError)
  }
})

test('K1: a change of a byte of the body is refused, in whatever link', async () => {
  for (const [index, link] of links.entries()) {
    for (let at = HEAD; at < link.payload.length; at += 97) {
      const payload = Uint8Array.from(link.payload)
      payload[at] = (payload[at] ?? 0) ^ 0x10
      await expect(open(links.with(index, changed(link, payload))), `byte ${at}`).rejects.toThrow(
        StateCorruptError,
      )
    }
  }
})

test('what is cut short, or longer, or empty is refused', async () => {
  const { payload } = links[0]
  for (const length of [0, 1, 4, HEAD - 1, HEAD, HEAD + 1, payload.length - 1])
    await expect(open([changed(links[0], payload.subarray(0, length))]), `${length}`).rejects.toThrow(
      StateCorruptError,
    )
  await expect(open([changed(links[0], Buffer.concat([payload, Buffer.alloc(1)]))])).rejects.toThrow(
    StateCorruptError,
  )
})

test('K2: links that were dropped, swapped, doubled, moved or are another heap’s are refused', async () => {
  const [one, two, three] = links
  const rows: readonly (readonly Link[])[] = [
    [two],
    [one, three],
    [two, one, three],
    [one, one, two],
    [one, three, two],
    [other, two, three],
    [{ ...one, position: one.position + 1 }],
  ]
  for (const [index, row] of rows.entries())
    await expect(open(row), `row ${index}`).rejects.toThrow(StateCorruptError)
})

test('bytes that are no heap are refused by the sandbox, which takes the next that is one', async () => {
  await using sandbox = createSandbox(LIMITS)
  const heap = must(await open(links))
  for (const delta of [new Uint8Array(0), new Uint8Array(101), heap.delta.subarray(0, 1000)])
    await expect(sandbox.open({ from: 'heap', heap: { ...heap, delta } }, [])).rejects.toThrow('delta')
  await sandbox.open({ from: 'heap', heap }, [])
})

test('opening does not take the caller’s bytes away', async () => {
  await using sandbox = createSandbox(LIMITS)
  const heap = must(await open(links))
  const before = Buffer.from(heap.delta)
  await sandbox.open({ from: 'heap', heap }, [])
  await sandbox.open({ from: 'heap', heap }, [])
  expect(Buffer.compare(before, heap.delta)).toBe(0)
})

/** The link as somebody would write it who knows the format: with another body or head, and a checksum that holds. */
function forged(
  link: Link,
  change: (head: Buffer) => void,
  body: Uint8Array = link.payload.subarray(HEAD),
): Link {
  const bytes = Buffer.concat([link.payload.subarray(0, HEAD), body])
  bytes.writeUInt32LE(body.length, 84)
  change(bytes)
  const sum = createHash('sha256').update(bytes.subarray(0, 88)).update(bytes.subarray(HEAD)).digest()
  bytes.set(sum, 88)
  return changed(link, bytes)
}

test('K1, H23: never more is inflated than the head says, nor more than a heap can be', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(200 * 2 ** 20))
  expect(bomb.length).toBeLessThan(50_000)
  const before = process.memoryUsage().arrayBuffers
  const refused = async (link: Link): Promise<void> => {
    await expect(open([link])).rejects.toThrow(StateCorruptError)
  }
  await refused(forged(links[0], () => undefined, bomb))
  await refused(forged(links[0], (head) => head.writeUInt32LE(10, 80), bomb))
  await refused(forged(links[0], (head) => head.writeUInt32LE(2 ** 32 - 1, 80), bomb))
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 2 ** 20)
  expect(await open([forged(links[0], () => undefined)]), 'what is forged well').toBeDefined()
})

test('a newer format, and bodies that are no delta, are refused', async () => {
  const one = links[0]
  for (const link of [
    forged(one, (head) => head.writeUInt32LE(2, 4)),
    forged(one, (head) => head.writeUInt32LE(4, 80), zstdCompressSync(Buffer.from('text'))),
    forged(one, (head) => head.writeUInt32LE(16, 80), zstdCompressSync(Buffer.alloc(16, 1))),
  ])
    await expect(open([link])).rejects.toThrow(StateCorruptError)
})
