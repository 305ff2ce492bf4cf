/** What is free in a heap is wiped at each step's end: a heap that was large once costs what lives in it (G7, W1–W3). */
import { expect, test } from 'vitest'
import { openBase } from '../../src/sandbox/base.ts'
import { openDelta } from '../../src/sandbox/delta.ts'
import { createSandbox } from '../../src/sandbox/sandbox-thread.ts'
import { readSources } from '../../src/sandbox/sources.ts'
import { chunkOf, sweep } from '../../src/sandbox/sweep.ts'
import { must } from '../e2e/fixtures/bench.ts'
import { LIMITS, session } from './session.ts'

const { wasm, base: file } = readSources()
const base = openBase(file, wasm)
const first = chunkOf(base.runtimePtr)

test('a heap that grew to thirty megabytes and shrank is stored and restored as what is left', async () => {
  await using guest = await session()
  const before = await guest.step('let kept = { n: 1 }; 0')
  expect(before.heap).toMatchObject({ bytes: base.memory.length })
  const grown = await guest.step(
    'let big = Array.from({ length: 30 }, (_, i) => String(i).repeat(500_000)); big.length',
  )
  expect(must(grown.heap).used).toBeGreaterThan(25_000_000)
  const { heap } = await guest.step('big = undefined; kept.n++')
  expect(must(heap).bytes).toBe(must(grown.heap).bytes)
  expect(must(heap).used).toBeLessThan(must(before.heap).used + 20_000)
  const { links, delta } = await guest.heap()
  expect(links.reduce((sum, { payload }) => sum + payload.length, 0)).toBeLessThan(30_000)
  expect(openDelta(delta).pages.length).toBeLessThan(1_000_000)
  expect(openDelta(delta).size).toBe(must(heap).bytes)
  await using other = createSandbox(LIMITS)
  await other.open({ from: 'heap', heap: await guest.heap() }, [])
  await guest.sandbox.open({ from: 'heap', heap: await guest.heap() }, [])
  expect(await guest.show('kept')).toBe('{ n: 2 }')
})

test('what was given back is wiped, but for a few bytes', async () => {
  await using guest = await session()
  await guest.step("let text = 'some text '.repeat(2_000); 0")
  const holds = async (): Promise<boolean> =>
    Buffer.from((await guest.heap()).delta).includes('some text '.repeat(5))
  expect(await holds()).toBe(true)
  await guest.step('text = undefined; 0')
  expect(await holds()).toBe(false)
})

test('W1: a memory that is not as expected is left alone: nothing in use is ever wiped', () => {
  const whole = Uint8Array.from(base.memory)
  const size = must(sweep(whole, first))
  expect(size.bytes).toBe(base.memory.length)
  expect(size.used).toBeGreaterThan(200_000)
  expect(sweep(whole, first), 'a second time').toEqual(size)
  const view = new DataView(base.memory.buffer)
  const chunks: { readonly at: number; readonly end: number; readonly isUsed: boolean }[] = []
  for (let at = first; at < base.memory.length; at = must(chunks.at(-1)).end) {
    const head = view.getUint32(at + 4, true)
    chunks.push({ at, end: at + (head & ~7), isUsed: (head & 2) !== 0 })
  }
  const used = chunks.filter((chunk) => chunk.isUsed)
  expect(used.length).toBeGreaterThan(50)
  let refused = 0
  const changes = chunks.flatMap(({ at }) => [1, 2, 4, 8, 64, 4_096].map((change) => ({ at, change })))
  for (const { at, change } of changes) {
    const memory = Uint8Array.from(base.memory)
    const head = new DataView(memory.buffer)
    head.setUint32(at + 4, head.getUint32(at + 4, true) ^ change, true)
    const broken = Uint8Array.from(memory)
    if (sweep(memory, first) === undefined) {
      refused++
      expect(Buffer.compare(memory, broken)).toBe(0)
    }
    const isKept = used.every(
      (chunk) =>
        Buffer.compare(memory.subarray(chunk.at, chunk.end), broken.subarray(chunk.at, chunk.end)) === 0,
    )
    expect(isKept, `${change} at ${at}`).toBe(true)
  }
  expect(refused).toBeGreaterThan(changes.length * 0.9)
  for (const start of [first + 8, first - 8, first + 4, 0])
    expect(sweep(Uint8Array.from(base.memory), start)).toBeUndefined()
})
