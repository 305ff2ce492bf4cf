/** The thread that renews leases (B1–B3): with real processes, since nothing else stands still like one. */
import { test } from 'vitest'
import { LeaseLostError } from '../../src/base/errors.ts'
import { holderOf, isDead } from '../../src/base/process-identity.ts'
import { sqliteStore } from '../../src/journal/sqlite.ts'
import type { HoldTerms, Lease, Store } from '../../src/journal/store.ts'
import { Child, createRun, scratch } from './fixtures/files.ts'

const me = { holder: holderOf(), isDead: () => false }
/** Longer than a thread takes to start on a busy machine. */
const TTL = 3_000

/** Waits for real: the thread has the machine's own time. */
const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** True if nobody else could have the lease. */
async function isBusy(store: Store, runId = 'run-1'): Promise<boolean> {
  return store.claim(runId, { holder: 'you', isDead: () => false }, 1).then(
    () => false,
    (error: unknown) => error instanceof Error && error.name === 'RunBusyError',
  )
}

/** Holds a lease as a driver does. */
function holdLease(
  store: Store,
  lease: Lease,
): { readonly over: AbortController; readonly lost: unknown[]; msLeft(): number } {
  const [over, lost]: [AbortController, unknown[]] = [new AbortController(), []]
  const terms: HoldTerms = {
    ttl: TTL,
    msLeft: TTL,
    abortSignal: over.signal,
    onLost: (error) => lost.push(error),
  }
  const hold = store.hold?.(lease, terms)
  if (hold === undefined) throw new Error('This store has no thread.')
  return { over, lost, msLeft: () => hold.msLeft() }
}

test.concurrent('a thread that is blocked for many times the ttl keeps its lease, and writes after it', async ({
  expect,
}) => {
  using place = scratch()
  await using store = sqliteStore(place.file)
  await createRun(store)
  await using child = new Child('block.ts', place.file, 'run-1', String(TTL), String(TTL * 3))
  expect(await child.line()).toBe('held true')
  const over = new AbortController()
  const sure = child.line().finally(() => over.abort())
  let asked = 0
  while (!over.signal.aborted) {
    const busy = await isBusy(store)
    if (!over.signal.aborted) expect([asked, busy]).toEqual([asked, true])
    asked++
    await pass(20)
  }
  expect(await sure).toBe('sure true')
  expect(await child.line()).toBe('written')
  expect(asked).toBeGreaterThan(10)
})

test.concurrent.for([
  [0.5, 'sure true', /^written$/],
  [1.5, 'sure false', /^refused LeaseLostError/],
  [3, 'sure false', /^refused LeaseLostError/],
] as const)('a process that is stopped for %d times the ttl', async ([times, sure, written], { expect }) => {
  using place = scratch()
  await using store = sqliteStore(place.file)
  await createRun(store)
  await using child = new Child('block.ts', place.file, 'run-1', String(TTL), String(TTL / 4))
  expect(await child.line()).toBe('held true')
  child.signal('SIGSTOP')
  await pass(TTL * times)
  expect(await isBusy(store)).toBe(times < 1)
  child.signal('SIGCONT')
  expect(await child.line()).toBe(sure)
  let last = await child.line()
  while (last?.startsWith('lost ')) last = await child.line()
  expect(last).toMatch(written)
})

test.concurrent('a lease that is let go is renewed no more; it ends by its expiry', async ({ expect }) => {
  using place = scratch()
  await using store = sqliteStore(place.file)
  await createRun(store)
  const { over, lost, msLeft } = holdLease(store, await store.claim('run-1', me, TTL))
  expect(msLeft()).toBeGreaterThan(0)
  await pass(TTL * 2)
  expect(msLeft()).toBeGreaterThan(0)
  expect(await isBusy(store)).toBe(true)
  over.abort()
  await expect.poll(() => isBusy(store)).toBe(false)
  expect(lost).toEqual([])
  expect(msLeft()).toBeLessThanOrEqual(0)
})

test.concurrent('a lease that somebody else has is told once, and is not sure from then on', async ({
  expect,
}) => {
  using place = scratch()
  await using store = sqliteStore(place.file)
  await createRun(store)
  const lease = await store.claim('run-1', me, TTL)
  const { lost, msLeft } = holdLease(store, lease)
  expect(msLeft()).toBeGreaterThan(0)
  await store.release(lease)
  const other = await store.claim('run-1', { holder: 'you', isDead }, 60_000)
  await expect.poll(() => lost.length).toBe(1)
  expect(lost[0]).toBeInstanceOf(LeaseLostError)
  expect(msLeft()).toBeLessThanOrEqual(0)
  await store.renew(other, 60_000)
  await pass(TTL)
  expect(lost).toHaveLength(1)
})

test.concurrent('many leases have one thread, and each its own fate', async ({ expect }) => {
  using place = scratch()
  await using store = sqliteStore(place.file)
  const names = Array.from({ length: 50 }, (_, index) => `run-${index}`)
  for (const name of names) await createRun(store, name)
  const leases = await Promise.all(names.map((name) => store.claim(name, me, TTL)))
  const holds = leases.map((lease) => holdLease(store, lease))
  holds[0]?.msLeft()
  await pass(TTL * 2)
  expect((await Promise.all(names.map((name) => isBusy(store, name)))).every(Boolean)).toBe(true)
  const [gone, ...kept] = holds
  gone?.over.abort()
  await expect.poll(() => isBusy(store, 'run-0')).toBe(false)
  expect(kept.map((hold) => hold.lost)).toEqual(kept.map(() => []))
  for (const hold of kept) expect(hold.msLeft()).toBeGreaterThan(0)
})

test.concurrent('a store that is closed holds nothing', async ({ expect }) => {
  using place = scratch()
  const store = sqliteStore(place.file)
  await createRun(store)
  const { msLeft } = holdLease(store, await store.claim('run-1', me, TTL))
  expect(msLeft()).toBeGreaterThan(0)
  await store.close()
  expect(msLeft()).toBeLessThanOrEqual(0)
})

test.concurrent('a store whose clocks are held by a test leaves renewing to its driver', ({ expect }) => {
  using place = scratch()
  const store = sqliteStore(place.file, { now: () => 1 })
  expect(store.hold).toBeUndefined()
})
