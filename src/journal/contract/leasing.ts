/** Rules of the lease: who may write (T2), and who takes over. */
import assert from 'node:assert/strict'
import { claimant, driven, entry, MINUTE, newRun, refused, rule, RUN, seen, write } from './kit.ts'
import type { Rule } from './kit.ts'

const HOUR = 3_600_000
const TEN_YEARS = 10 * 365 * 24 * HOUR

export const leasing: readonly Rule[] = [
  rule('claim: the first epoch is 1, each claim has the next', async (store) => {
    const one = await driven(store)
    assert.deepEqual(one, { rootRunId: RUN, runId: RUN, epoch: 1, holder: 'ann', deaths: 0 })
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
  rule(
    'claim: tells whose lease was taken over, and whether they are certainly dead',
    async (store, clock) => {
      const first = await driven(store)
      assert.equal(first.before, undefined)
      const second = await store.claim(RUN, claimant('bob', ['ann']), MINUTE)
      assert.deepEqual(second.before, { holder: 'ann', dead: true })
      clock.advance(MINUTE)
      const third = await store.claim(RUN, claimant('eve'), MINUTE)
      const until = clock.now() + MINUTE
      assert.deepEqual(third.before, { holder: 'bob', dead: false, until })
      // Bob may be at work until then, whoever has had the lease for a moment in between.
      clock.advance(10)
      await store.release(third)
      const fourth = await store.claim(RUN, claimant('ann'), MINUTE)
      assert.deepEqual(fourth.before, { holder: 'bob', dead: false, until })
      const fifth = await store.claim(RUN, claimant('eve', ['ann']), MINUTE)
      assert.deepEqual(fifth.before, { holder: 'bob', dead: false, until })
      const sixth = await store.claim(RUN, claimant('ann', ['eve', 'bob']), MINUTE)
      assert.deepEqual(sixth.before, { holder: 'eve', dead: true })
      await store.release(sixth)
      assert.equal((await store.claim(RUN, claimant('eve'), MINUTE)).before, undefined)
    },
  ),
  rule('claim: whoever was in doubt is not, when the time is over', async (store, clock) => {
    await driven(store)
    clock.advance(MINUTE)
    await store.release(await store.claim(RUN, claimant('bob'), MINUTE))
    clock.advance(MINUTE - 1)
    const doubting = await store.claim(RUN, claimant('bob'), MINUTE)
    assert.equal(doubting.before?.holder, 'ann')
    await store.release(doubting)
    clock.advance(1)
    assert.equal((await store.claim(RUN, claimant('bob'), MINUTE)).before, undefined)
  }),
  rule('claim: counts the holders that were lost, until the run gets somewhere', async (store, clock) => {
    let lease = await driven(store)
    assert.equal(lease.deaths, 0)
    lease = await store.claim(RUN, claimant('bob', ['ann']), MINUTE)
    assert.equal(lease.deaths, 1)
    // Setting out is no progress, nor is what was said from outside.
    const setOut = entry(2, lease.epoch, { kind: 'segment-started' })
    await store.append(lease, write(lease, 1, { entries: [setOut] }))
    clock.advance(MINUTE)
    lease = await store.claim(RUN, claimant('bob'), MINUTE)
    assert.equal(lease.deaths, 2)
    await store.append(lease, write(lease, 2, { entries: [entry(3, lease.epoch, { kind: 'message-said' })] }))
    await store.release(lease)
    lease = await store.claim(RUN, claimant('ann'), MINUTE)
    assert.equal(lease.deaths, 2)
    await store.append(
      lease,
      write(lease, 3, { entries: [entry(4, lease.epoch, { kind: 'call-returned' })] }),
    )
    lease = await store.claim(RUN, claimant('bob', ['ann']), MINUTE)
    assert.equal(lease.deaths, 1)
  }),
  ...[HOUR, -HOUR, TEN_YEARS, -TEN_YEARS].map((by) =>
    rule(
      `expiry: the wall's clock is set by ${by / HOUR} h: nothing is stolen, nothing prolonged`,
      async (store, clock) => {
        const lease = await driven(store)
        clock.set(clock.now() + by)
        await refused(store.claim(RUN, claimant('bob'), MINUTE), 'RUN_BUSY')
        assert.deepEqual(await store.due(claimant('bob'), 10), [])
        await store.append(lease, write(lease, 1))
        clock.advance(MINUTE - 1)
        await store.renew(lease, MINUTE)
        clock.set(clock.now() - by / 2)
        clock.advance(MINUTE)
        await refused(store.append(lease, write(lease, 2)), 'LEASE_LOST')
        assert.deepEqual(await store.due(claimant('bob'), 10), [RUN])
        assert.equal((await store.claim(RUN, claimant('bob'), MINUTE)).epoch, 2)
      },
    ),
  ),
  rule('expiry: of a lease from another boot it is the wall that tells', async (store, clock) => {
    const old = await driven(store)
    clock.reboot()
    clock.advance(MINUTE - 1)
    await refused(store.claim(RUN, claimant('bob'), MINUTE), 'RUN_BUSY')
    assert.deepEqual(await store.due(claimant('bob'), 10), [])
    clock.advance(1)
    assert.deepEqual(await store.due(claimant('bob'), 10), [RUN])
    await refused(store.append(old, write(old, 1)), 'LEASE_LOST')
    assert.equal((await store.claim(RUN, claimant('bob'), MINUTE)).epoch, 2)
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
    const forged = { rootRunId: RUN, runId: RUN, epoch: 0, holder: '', deaths: 0 }
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
