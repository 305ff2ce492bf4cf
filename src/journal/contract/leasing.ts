/** Rules of the lease: who may write (T2), and who takes over. */
import assert from 'node:assert/strict'
import { claimant, driven, entry, MINUTE, newRun, refused, rule, RUN, seen, write } from './kit.ts'
import type { Rule } from './kit.ts'

export const leasing: readonly Rule[] = [
  rule('claim: the first epoch is 1, each claim has the next', async (store) => {
    const one = await driven(store)
    assert.deepEqual(one, { rootRunId: RUN, runId: RUN, epoch: 1, holder: 'ann' })
    await store.release(one)
    assert.equal((await store.claim(RUN, claimant('bob'), MINUTE)).epoch, 2)
  }),
  rule('claim: no such run', async (store) => {
    await refused(store.claim('nowhere', claimant('ann'), MINUTE), 'STATE_NOT_FOUND')
  }),
  rule('claim: a live lease is refused, and stays', async (store) => {
    const lease = await driven(store)
    await refused(store.claim(RUN, claimant('bob'), MINUTE), 'RUN_BUSY')
    await store.append(lease, write(lease, 1))
  }),
  rule('claim: also for its own holder, until it is released', async (store) => {
    const lease = await driven(store)
    await refused(store.claim(RUN, claimant('ann'), MINUTE), 'RUN_BUSY')
    await store.release(lease)
    assert.equal((await store.claim(RUN, claimant('ann'), MINUTE)).epoch, 2)
  }),
  rule('claim: an expired lease is taken over', async (store, clock) => {
    const old = await driven(store)
    clock.advance(MINUTE - 1)
    await refused(store.claim(RUN, claimant('bob'), MINUTE), 'RUN_BUSY')
    clock.advance(1)
    assert.equal((await store.claim(RUN, claimant('bob'), MINUTE)).epoch, old.epoch + 1)
  }),
  rule('claim: a dead holder is taken over at once', async (store) => {
    await driven(store)
    assert.equal((await store.claim(RUN, claimant('bob', ['ann']), MINUTE)).holder, 'bob')
  }),
  rule('claim: of many at once, one gets it', async (store) => {
    await store.create(newRun(RUN), [entry(1, 0)], [])
    const claims = ['a', 'b', 'c', 'd', 'e'].map((holder) => store.claim(RUN, claimant(holder), MINUTE))
    const outcomes = await Promise.allSettled(claims)
    assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1)
  }),
  rule('claim: a family has one lease', async (store) => {
    const root = await driven(store)
    await store.create(newRun('child', { rootRunId: RUN, parentCallId: '1.1' }), [entry(1, 0)], [])
    await refused(store.claim('child', claimant('bob'), MINUTE), 'RUN_BUSY')
    const child = { ...root, runId: 'child' }
    await store.append(child, write(child, 1))
    await store.release(root)
    const next = await store.claim('child', claimant('bob'), MINUTE)
    assert.deepEqual([next.epoch, next.rootRunId], [2, RUN])
    await refused(store.append(child, write(child, 2)), 'LEASE_LOST')
    await refused(store.claim(RUN, claimant('eve'), MINUTE), 'RUN_BUSY')
  }),
  rule('fence: an old epoch writes nothing (T2)', async (store) => {
    const old = await driven(store)
    const lease = await store.claim(RUN, claimant('bob', ['ann']), MINUTE)
    const before = await seen(store)
    await refused(store.append(old, write(old, 1)), 'LEASE_LOST')
    await refused(store.renew(old, MINUTE), 'LEASE_LOST')
    assert.deepEqual(await seen(store), before)
    await store.append(lease, write(lease, 1))
  }),
  rule('fence: neither does a future epoch, or another holder, or another family', async (store) => {
    const lease = await driven(store)
    await driven(store, 'ann', 'run-2')
    for (const forged of [
      { ...lease, epoch: 2 },
      { ...lease, holder: 'eve' },
      { ...lease, rootRunId: 'run-2' },
    ]) {
      await refused(store.append(forged, write(forged, 1)), 'LEASE_LOST')
    }
    assert.equal((await store.run(RUN))?.lastSeq, 1)
  }),
  rule('fence: an expired lease writes nothing, though nobody took over (T2)', async (store, clock) => {
    const lease = await driven(store)
    clock.advance(MINUTE)
    const before = await seen(store)
    await refused(store.append(lease, write(lease, 1)), 'LEASE_LOST')
    await refused(store.renew(lease, MINUTE), 'LEASE_LOST')
    assert.deepEqual(await seen(store), before)
  }),
  rule('fence: a released lease writes nothing', async (store) => {
    const lease = await driven(store)
    await store.release(lease)
    await refused(store.append(lease, write(lease, 1)), 'LEASE_LOST')
    await refused(store.renew(lease, MINUTE), 'LEASE_LOST')
  }),
  rule('fence: no lease, no write', async (store) => {
    await store.create(newRun(RUN), [entry(1, 0)], [])
    const forged = { rootRunId: RUN, runId: RUN, epoch: 0, holder: '' }
    await refused(store.append(forged, write(forged, 1)), 'LEASE_LOST')
  }),
  rule('renew: moves the expiry from now on; append does not', async (store, clock) => {
    const lease = await driven(store)
    clock.advance(MINUTE - 1)
    await store.renew(lease, MINUTE)
    clock.advance(MINUTE - 1)
    await store.append(lease, write(lease, 1))
    clock.advance(1)
    await refused(store.append(lease, write(lease, 2)), 'LEASE_LOST')
  }),
  rule('release: of a lease that is not current does nothing', async (store) => {
    const old = await driven(store)
    const lease = await store.claim(RUN, claimant('bob', ['ann']), MINUTE)
    await store.release(old)
    await refused(store.claim(RUN, claimant('eve'), MINUTE), 'RUN_BUSY')
    await store.append(lease, write(lease, 1))
    await store.release({ ...lease, runId: 'nowhere', rootRunId: 'nowhere' })
  }),
]
