/** Rules of `due`, `runs` and `watch`: how runs are found. */
import assert from 'node:assert/strict'
import type { RunView, Signal, Store } from '../store.ts'
import {
  answer,
  claimant,
  driven,
  entry,
  MINUTE,
  newRun,
  question,
  refused,
  rule,
  RUN,
  view,
  waiting,
  write,
} from './kit.ts'
import type { HandClock, Rule } from './kit.ts'

const bob = claimant('bob')

/** What is due after a run with this view got this signal. */
async function dueAfter(store: Store, rests: Partial<RunView>, signal?: Signal): Promise<readonly string[]> {
  await waiting(store, [question('q1', 1)], rests)
  if (signal !== undefined) await store.signal(RUN, 'q1', signal)
  return store.due(bob, 10)
}

export const due: readonly Rule[] = [
  rule('due: a running run that nobody drives', async (store) => {
    await store.create(newRun(RUN), [entry(1, 0)], [])
    assert.deepEqual(await store.due(bob, 10), [RUN])
  }),
  rule('due: not one under a live lease', async (store) => {
    const lease = await driven(store)
    await store.signal(RUN, 'k', { kind: 'pause', reason: 'supper' })
    assert.deepEqual(await store.due(bob, 10), [])
    await store.release(lease)
    assert.deepEqual(await store.due(bob, 10), [RUN])
  }),
  rule('due: one whose lease has expired, or whose holder is dead', async (store, clock) => {
    await driven(store)
    assert.deepEqual(await store.due(claimant('bob', ['ann']), 10), [RUN])
    clock.advance(MINUTE)
    assert.deepEqual(await store.due(bob, 10), [RUN])
  }),
  rule('due: a child is under its family’s lease', async (store) => {
    const lease = await driven(store)
    await store.create(newRun('child', { rootRunId: RUN }), [entry(1, 0)], [])
    assert.deepEqual(await store.due(bob, 10), [])
    await store.release(lease)
    assert.deepEqual((await store.due(bob, 10)).toSorted(), ['child', RUN])
  }),
  rule('due: a waiting run when its time has come', async (store, clock) => {
    await waiting(store, [], { wakeAt: clock.now() + 50 })
    clock.advance(49)
    assert.deepEqual(await store.due(bob, 10), [])
    clock.advance(1)
    assert.deepEqual(await store.due(bob, 10), [RUN])
  }),
  rule('due: not a waiting run without a time, nor one that rests for a person', async (store, clock) => {
    assert.deepEqual(await dueAfter(store, {}), [])
    const lease = await store.claim(RUN, bob, MINUTE)
    const rests = view({ status: 'paused', cause: 'requested', wakeAt: clock.now() })
    await store.append(lease, write(lease, 2, { view: rests }))
    await store.release(lease)
    assert.deepEqual(await store.due(bob, 10), [])
  }),
  rule('due: a waiting run that was answered', async (store) => {
    assert.deepEqual(await dueAfter(store, {}, answer('q1', 1)), [RUN])
  }),
  rule(
    'due: an answer does not wake a run that a person must resume; `resume` and `stop` do',
    async (store) => {
      assert.deepEqual(await dueAfter(store, { cause: 'requested' }, answer('q1', 1)), [])
      await store.signal(RUN, 'k', { kind: 'resume' })
      assert.deepEqual(await store.due(bob, 10), [RUN])
    },
  ),
  rule('due: `stop` wakes a paused run', async (store) => {
    assert.deepEqual(await dueAfter(store, { cause: 'limit' }, { kind: 'stop', reason: 'fog' }), [RUN])
  }),
  rule('due: an interruption wakes a run that waits, as an answer does', async (store) => {
    assert.deepEqual(await dueAfter(store, {}, { kind: 'interrupt', text: 'fog' }), [RUN])
  }),
  rule('due: an interruption wakes none that was paused', async (store) => {
    assert.deepEqual(await dueAfter(store, { cause: 'limit' }, { kind: 'interrupt', text: 'fog' }), [])
  }),
  rule('due: a consumed signal wakes nothing', async (store) => {
    await dueAfter(store, {}, answer('q1', 1))
    const lease = await store.claim(RUN, bob, MINUTE)
    const rests = view({ status: 'paused', cause: 'waiting' })
    await store.append(lease, write(lease, 2, { consumed: ['q1'], closed: ['q1'], view: rests }))
    await store.release(lease)
    assert.deepEqual(await store.due(bob, 10), [])
  }),
  ...(['completed', 'stopped', 'failed'] as const).map((status) =>
    rule(`due: never a ${status} run`, async (store, clock) => {
      const rests = { status, wakeAt: clock.now() }
      assert.deepEqual(await dueAfter(store, rests, { kind: 'say', text: 'ahoy' }), [])
    }),
  ),
  rule('due: one that rests below a run which has ended: it is to end as well', async (store) => {
    const lease = await driven(store)
    await store.create(newRun('child', { rootRunId: RUN }), [entry(1, 0)], [])
    const pauses = view({ status: 'paused', cause: 'parent' })
    await store.append({ ...lease, runId: 'child' }, write(lease, 1, { view: pauses }))
    await store.release(lease)
    for (const [after, status, ready] of [
      [1, 'paused', []],
      [2, 'failed', []],
      [3, 'stopped', ['child']],
      [4, 'completed', ['child']],
    ] as const) {
      const held = await store.claim(RUN, bob, MINUTE)
      await store.append(held, write(held, after, { view: view({ status, cause: 'requested' }) }))
      await store.release(held)
      assert.deepEqual(await store.due(bob, 10), ready, status)
    }
  }),
  rule('due: oldest first, each once, no more than asked for', async (store, clock) => {
    for (const runId of ['c', 'a', 'b']) {
      clock.advance(1)
      await store.create(newRun(runId), [entry(1, 0)], [])
      await store.signal(runId, 'k', { kind: 'resume' })
      await store.signal(runId, 'k2', { kind: 'resume' })
    }
    assert.deepEqual(await store.due(bob, 10), ['c', 'a', 'b'])
    assert.deepEqual(await store.due(bob, 2), ['c', 'a'])
    assert.deepEqual(await store.due(bob, 0), [])
  }),
]

export const listing: readonly Rule[] = [
  rule('runs and questions: of one family', async (store) => {
    await store.create(newRun(RUN), [entry(1, 0)], [])
    await store.create(newRun('other'), [entry(1, 0)], [], [question('q2', 2, { runId: 'other' })])
    await store.create(
      newRun('child', { rootRunId: RUN }),
      [entry(1, 0)],
      [],
      [question('q1', 1, { runId: 'child' })],
    )
    assert.deepEqual(
      (await store.runs({ rootRunId: RUN }, 10)).map(({ runId }) => runId),
      ['child', RUN],
    )
    assert.deepEqual(
      (await store.runs({ rootRunId: RUN }, 10, 'child')).map(({ runId }) => runId),
      [RUN],
    )
    assert.deepEqual(await store.runs({ rootRunId: 'child' }, 10), [])
    assert.deepEqual(
      (await store.runs({ roots: true }, 10)).map(({ runId }) => runId),
      ['other', RUN],
    )
    assert.equal((await store.runs({ roots: true, rootRunId: RUN }, 10)).length, 1)
    assert.deepEqual(
      (await store.questions({ rootRunId: RUN })).map(({ id }) => id),
      ['q1'],
    )
    assert.deepEqual(await store.questions({ rootRunId: RUN, id: 'q2' }), [])
  }),
  rule('runs: newest first, by pages', async (store) => {
    const ids = ['m', 'z', 'a', 'q', 'b']
    for (const runId of ids) await store.create(newRun(runId), [entry(1, 0)], [])
    const newest = ids.toReversed()
    const first = await store.runs({}, 2)
    assert.deepEqual(
      first.map((run) => run.runId),
      newest.slice(0, 2),
    )
    const second = await store.runs({}, 2, first[1]?.runId)
    assert.deepEqual(
      second.map((run) => run.runId),
      newest.slice(2, 4),
    )
    const third = await store.runs({}, 2, second[1]?.runId)
    assert.deepEqual(
      third.map((run) => run.runId),
      newest.slice(4),
    )
    assert.deepEqual(await store.runs({}, 2, third[0]?.runId), [])
    assert.deepEqual(await store.runs({}, 0), [])
  }),
  rule('runs: by status and agent, also across pages', async (store) => {
    for (const [index, status] of (
      ['running', 'failed', 'running', 'stopped', 'running'] as const
    ).entries()) {
      const agent = index === 2 ? 'cook' : 'sailor'
      await store.create(newRun(`run-${index}`, { agent, view: view({ status }) }), [entry(1, 0)], [])
    }
    const ids = async (...[filter, limit, cursor]: Parameters<Store['runs']>): Promise<readonly string[]> =>
      (await store.runs(filter, limit, cursor)).map((run) => run.runId)
    assert.deepEqual(await ids({ status: ['running'] }, 10), ['run-4', 'run-2', 'run-0'])
    assert.deepEqual(await ids({ status: ['running'], agent: 'sailor' }, 1, 'run-4'), ['run-0'])
    assert.deepEqual(await ids({ status: ['failed', 'stopped'] }, 10), ['run-3', 'run-1'])
    assert.deepEqual(await ids({ status: [] }, 10), [])
    assert.deepEqual(await ids({ agent: 'nobody' }, 10), [])
  }),
  rule('runs: a page cannot begin at a run that is not there', async (store) => {
    await refused(store.runs({}, 10, 'nowhere'), 'STATE_NOT_FOUND')
  }),
  rule('run: none of that id', async (store) => {
    assert.equal(await store.run('nowhere'), undefined)
    assert.equal(await store.checkpoint('nowhere'), undefined)
  }),
  rule('watch: a new run is hinted, until the signal is aborted', async (store) => {
    const watching = new AbortController()
    let hints = 0
    const hinted = new Promise<void>((resolve) => {
      store.watch(() => {
        hints++
        resolve()
      }, watching.signal)
    })
    store.watch(() => assert.fail('hinted after the abort'), AbortSignal.abort())
    await driven(store)
    await hinted
    watching.abort()
    const before = hints
    await store.signal(RUN, 'k', { kind: 'resume' })
    await Promise.resolve()
    assert.equal(hints, before)
  }),
  rule('watch: a signal, another status and a lease given back are hinted', async (store) => {
    const lease = await driven(store)
    const writes = [
      () => store.signal(RUN, 'k', { kind: 'resume' }),
      () => store.append(lease, write(lease, 1, { view: view({ status: 'paused', cause: 'waiting' }) })),
      () => store.release(lease),
    ]
    for (const writing of writes) {
      const watching = new AbortController()
      const hinted = new Promise<void>((resolve) => store.watch(resolve, watching.signal))
      await Promise.all([writing(), hinted])
      watching.abort()
    }
  }),
  rule('close: twice is once, and then every call is refused', async (store) => {
    const lease = await driven(store)
    await store.close()
    await store.close()
    await refused(store.run(RUN), 'USAGE')
    await refused(store.append(lease, write(lease, 1)), 'USAGE')
  }),
  rule('now: the store tells the clock’s time', async (store, clock: HandClock) => {
    const before = store.now()
    clock.advance(1_000)
    assert.equal(store.now(), before + 1_000)
    await Promise.resolve()
  }),
]
