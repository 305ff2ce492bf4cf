/** Threads are few and shared: in turn, from the idle to those who wait; and nobody can tell that a guest slept (Q1–Q3, T4). */
import { expect, onTestFinished, test } from 'vitest'
import { encode } from '../../src/base/codec.ts'
import type { Halt } from '../../src/base/halt.ts'
import { createSandbox } from '../../src/sandbox/sandbox-thread.ts'
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import { Seats, type Sitter } from '../../src/sandbox/seats.ts'
import { Thread } from '../../src/sandbox/thread.ts'
import { must } from '../e2e/fixtures/bench.ts'
import { CLOCK, heapOf, LIMITS, program } from './session.ts'

/** Seats whose threads are counted. */
function counted(most: number): {
  readonly seats: Seats
  readonly live: Set<Thread>
  readonly started: () => number
} {
  const live = new Set<Thread>()
  let started = 0
  const start = (): Thread => {
    const thread = new Thread()
    started++
    live.add(thread)
    const { terminate } = thread
    thread.terminate = async () => {
      live.delete(thread)
      await terminate.call(thread)
    }
    return thread
  }
  const seats = new Seats(most, start)
  onTestFinished(async () => {
    for (const thread of live) await thread.terminate()
  })
  return { seats, live, started: () => started }
}

/** Somebody with a thread who leaves only when the test says so. */
function sitter(): Sitter & { asked: number } {
  return {
    asked: 0,
    leave() {
      this.asked++
    },
  }
}

test('Q1: at most so many are given; the next goes to whoever has waited for longest', async () => {
  const { seats } = counted(2)
  const [one, two] = [sitter(), sitter()]
  const first = await seats.take()
  await seats.take()
  const got: string[] = []
  const waits = ['a', 'b', 'c'].map(async (name) => {
    const thread = await seats.take()
    got.push(name)
    return thread
  })
  await new Promise(setImmediate)
  expect(got).toEqual([])
  seats.give(one, first)
  expect(await waits[0]).toBe(first)
  seats.give(two, await must(waits[0]))
  seats.give(one, await must(waits[1]))
  await Promise.all(waits)
  expect(got).toEqual(['a', 'b', 'c'])
})

test('Q1: where the system gives no thread, all who wait are told, and the seat stays free', async () => {
  let isShort = false
  const made: Thread[] = []
  const seats = new Seats(1, () => {
    if (isShort) throw new Error('no more threads')
    made.push(new Thread())
    return must(made.at(-1))
  })
  onTestFinished(async () => void (await Promise.all(made.map(async (thread) => thread.terminate()))))
  const one = await seats.take()
  const [second, third] = [seats.take(), seats.take()]
  await one.terminate()
  isShort = true
  seats.give(sitter(), one)
  await expect(second).rejects.toThrow('no more threads')
  await expect(third).rejects.toThrow('no more threads')
  await expect(seats.take()).rejects.toThrow('no more threads')
  isShort = false
  expect(await seats.take()).toBe(made[1])
})

test('Q2: whoever has been idle for longest is asked to leave, once, and only where somebody waits', async () => {
  const { seats } = counted(3)
  const sitters = [sitter(), sitter(), sitter()] as const
  const threads = [await seats.take(), await seats.take(), await seats.take()]
  for (const each of [sitters[1], sitters[0]]) seats.idle(each)
  expect(sitters.map((each) => each.asked)).toEqual([0, 0, 0])
  const wait = seats.take()
  expect(sitters.map((each) => each.asked)).toEqual([0, 1, 0])
  seats.idle(sitters[2])
  expect(sitters.map((each) => each.asked)).toEqual([0, 1, 0])
  seats.busy(sitters[0])
  const another = seats.take()
  expect(sitters.map((each) => each.asked)).toEqual([0, 1, 1])
  seats.give(sitters[1], must(threads[1]))
  seats.give(sitters[2], must(threads[2]))
  expect([await wait, await another]).toEqual([threads[1], threads[2]])
})

test('Q3: one that comes back lost is replaced, one that nobody needs is kept spare, the others end', async () => {
  const { seats, live, started } = counted(2)
  const [one, two] = [await seats.take(), await seats.take()]
  await one.terminate()
  seats.give(sitter(), one)
  const three = await seats.take()
  expect(three.lost).toBeUndefined()
  seats.give(sitter(), two)
  seats.give(sitter(), three)
  await expect.poll(() => live.size).toBe(1)
  expect(await seats.take()).toBe(two)
  expect(started()).toBe(3)
})

const CODE = `let sum = 0
const squares = (function* () { for (let i = 0; ; i++) yield i * i })()
for (let i = 0; i < 5; i++) sum += (await tools.fetch(i)) + squares.next().value + Math.random()
sum`

/** A guest in the middle of a loop. */
async function begun(seats: Seats, seed: string): Promise<Sandbox> {
  const sandbox = createSandbox(LIMITS, seats)
  onTestFinished(async () => sandbox[Symbol.asyncDispose]())
  await sandbox.open({ from: 'seed', seed, clock: CLOCK }, ['fetch'])
  await sandbox.mark(1)
  await sandbox.run(1, program(1, CODE), { clock: CLOCK })
  return sandbox
}

function settle(sandbox: Sandbox, call: number): Promise<Halt> {
  return sandbox.settle(`1.${call}`, { ok: true, value: encode(call) }, { clock: CLOCK + call })
}

test('T4: twelve guests on two threads, in turns: each is, byte for byte, the guest that had one to itself', async () => {
  const { seats, live } = counted(2)
  const alone = await begun(counted(1).seats, 'seed 7')
  const guests = await Promise.all(
    Array.from({ length: 12 }, async (_, index) => begun(seats, `seed ${index}`)),
  )
  const halts: Halt[] = []
  for (let call = 1; call <= 5; call++) {
    const all = await Promise.all(guests.map(async (guest) => settle(guest, call)))
    expect(live.size).toBeLessThanOrEqual(3)
    halts.push(must(all[7]))
  }
  const expected: Halt[] = []
  for (let call = 1; call <= 5; call++) expected.push(await settle(alone, call))
  expect(halts).toEqual(expected)
  expect(expected.at(-1)?.kind).toBe('ended')
  expect(Buffer.compare((await heapOf(must(guests[7]))).delta, (await heapOf(alone)).delta)).toBe(0)
})

test('T4: a guest is asleep while another needs its thread; it can be snapshotted and marked in its sleep', async () => {
  const { seats, started } = counted(1)
  const one = await begun(seats, 'one')
  await settle(one, 1)
  const before = await heapOf(one)
  const two = await begun(seats, 'two')
  expect(started()).toBe(1)
  const { packed } = await one.snapshot(7, false)
  expect((await packed).links).toEqual(before.links)
  await one.mark(7)
  expect(await settle(two, 1)).toMatchObject({ kind: 'waiting' })
  expect(await settle(one, 2)).toMatchObject({ kind: 'waiting', calls: [{ id: '1.3' }] })
})

test('T4: a step that is killed after a sleep goes back to its start, and so it does asleep', async () => {
  const { seats } = counted(1)
  const one = createSandbox({ ...LIMITS, stepTimeout: 100 }, seats)
  onTestFinished(async () => one[Symbol.asyncDispose]())
  await one.open({ from: 'seed', seed: 'one', clock: CLOCK }, ['fetch'])
  await one.run(1, program(1, 'let kept = 1'), { clock: CLOCK })
  await one.mark(2)
  await one.run(2, program(2, 'kept = 2; await tools.fetch(1); for (;;) {}'), { clock: CLOCK })
  await begun(seats, 'two')
  expect(await one.settle('2.1', { ok: true, value: encode(1) }, { clock: CLOCK })).toMatchObject({
    kind: 'killed',
  })
  await begun(seats, 'three')
  await one.back()
  await begun(seats, 'four')
  const halt = await one.run(3, program(3, 'kept'), { clock: CLOCK })
  expect(halt).toMatchObject({ kind: 'ended', ending: { kind: 'value', shown: '1' } })
})

test('a thread that ends while its guest has nothing to do costs nothing, if the heap was looked at', async () => {
  const { seats, live } = counted(1)
  const one = await begun(seats, 'one')
  await settle(one, 1)
  await heapOf(one)
  await must([...live][0]).terminate()
  expect(await settle(one, 2)).toMatchObject({ kind: 'waiting', calls: [{ id: '1.3' }] })
})

test('what a guest waits for a thread is no computing', async () => {
  const { seats } = counted(1)
  const one = await begun(seats, 'one')
  const two = createSandbox({ ...LIMITS, stepTimeout: 10_000 }, seats)
  onTestFinished(async () => two[Symbol.asyncDispose]())
  await two.open({ from: 'seed', seed: 'two', clock: CLOCK }, ['fetch'])
  const before = must(one.computed)
  const long = two.run(1, program(1, 'const end = performance.now(); for (let i = 0; i < 3e6; i++); 1'), {
    clock: CLOCK,
  })
  const began = performance.now()
  await Promise.all([long, settle(one, 1)])
  expect(must(two.computed)).toBeGreaterThan(20)
  expect(must(one.computed) - before).toBeLessThan((performance.now() - began) / 2)
})

test('who is disposed while it waits for a thread takes none away', async () => {
  const { seats } = counted(1)
  const busy = await seats.take()
  const one = createSandbox(LIMITS, seats)
  const opening = one.open({ from: 'seed', seed: 'one', clock: CLOCK }, [])
  await one[Symbol.asyncDispose]()
  seats.give(sitter(), busy)
  await expect(opening).rejects.toThrow('disposed')
  const two = await begun(seats, 'two')
  expect(await settle(two, 1)).toMatchObject({ kind: 'waiting' })
})
