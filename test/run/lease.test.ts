/** The right to drive: renewed while the driver lives, lost once and for all. */
import { describe, expect, test } from 'vitest'
import { LeaseLostError, RunBusyError } from '../../src/base/errors.ts'
import { keepLease, LEASE_TTL, takeLease, type KeptLease } from '../../src/run/lease.ts'
import { RUN } from '../agent/play.ts'
import { HandClock } from './hand-clock.ts'
import { shelf } from './shelf.ts'

/** A free run, a lease taken on it, and the hand on both clocks. */
async function taken(): Promise<{
  readonly at: Awaited<ReturnType<typeof shelf>>
  readonly lease: Awaited<ReturnType<typeof takeLease>>
  readonly lost: unknown[]
  readonly over: AbortController
  readonly kept: KeptLease
  readonly clock: HandClock
  pass(ms: number): Promise<void>
}> {
  const at = await shelf()
  await at.store.release(at.lease)
  const clock = new HandClock()
  const lease = await takeLease(at.store, RUN, clock)
  const lost: unknown[] = []
  const over = new AbortController()
  const kept = keepLease(at.store, lease, clock, over.signal, (error) => lost.push(error))
  return {
    at,
    lease,
    lost,
    over,
    kept,
    clock,
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 1_000) {
        at.clock.now += 1_000
        clock.advance(1_000)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

describe('a lease', () => {
  test('is held for as long as its driver lives', async () => {
    const { at, pass, lost } = await taken()
    await pass(LEASE_TTL * 5)
    expect(lost).toEqual([])
    await expect(at.store.claim(RUN, { holder: 'you', isDead: () => false }, 1)).rejects.toThrow(RunBusyError)
  })

  test('is not renewed any more when the driving is over', async () => {
    const { at, pass, lost, over } = await taken()
    over.abort()
    await pass(LEASE_TTL + 1_000)
    expect(lost).toEqual([])
    await expect(at.store.claim(RUN, { holder: 'you', isDead: () => false }, 1)).resolves.toBeDefined()
  })

  test('that could not be renewed for as long as it holds is not sure any more, whoever has it', async () => {
    const { clock, kept, pass } = await taken()
    clock.stand(LEASE_TTL - 1_000)
    kept.check()
    await pass(1_000)
    expect(() => kept.check()).not.toThrow()
    clock.stand(LEASE_TTL)
    expect(() => kept.check()).toThrow(LeaseLostError)
  })

  test('that somebody else took is told once, and renewing ends', async () => {
    const { at, lease, pass, lost } = await taken()
    await at.store.release(lease)
    await at.store.claim(RUN, { holder: 'you', isDead: () => false }, LEASE_TTL * 100)
    await pass(LEASE_TTL * 3)
    expect(lost).toHaveLength(1)
    expect(lost[0]).toBeInstanceOf(LeaseLostError)
  })

  test('whose claim took longer than it holds is renewed before it is relied on', async () => {
    const clock = new HandClock()
    const at = await shelf((store) => ({
      // Another process has the file locked meanwhile.
      claim: async (...given) => {
        clock.stand(LEASE_TTL)
        return store.claim(...given)
      },
    }))
    await at.store.release(at.lease)
    const lease = await takeLease(at.store, RUN, clock)
    expect(lease.goodUntil).toBe(clock.now() + LEASE_TTL)
    const kept = keepLease(at.store, lease, clock, new AbortController().signal, () => undefined)
    expect(() => kept.check()).not.toThrow()
  })

  test('is one at a time: two who want it get one and RunBusyError', async () => {
    const at = await shelf()
    await at.store.release(at.lease)
    const both = await Promise.allSettled([takeLease(at.store, RUN), takeLease(at.store, RUN)])
    expect(both.map((one) => one.status)).toEqual(['fulfilled', 'rejected'])
  })

  test('given back by one who has lost it takes nothing from the new holder', async () => {
    const { at, lease } = await taken()
    await at.store.release(lease)
    const other = await at.store.claim(RUN, { holder: 'you', isDead: () => false }, LEASE_TTL)
    await at.store.release(lease)
    await expect(at.store.renew(other, LEASE_TTL)).resolves.toBeUndefined()
  })
})
