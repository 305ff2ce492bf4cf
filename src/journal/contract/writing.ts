/** Rules of `create`, `append`, `committed`, `read` and what is stored with them. */
import assert from 'node:assert/strict'
import { NARRATIVE } from '../entry.ts'
import type { EntryKind } from '../entry.ts'
import type { CheckpointRow, CheckpointWrite } from '../store.ts'
import {
  answer,
  bytes,
  claimant,
  driven,
  entry,
  MINUTE,
  newRun,
  question,
  refused,
  rule,
  RUN,
  seen,
  view,
  write,
} from './kit.ts'
import type { Rule } from './kit.ts'

const checkpoint: CheckpointRow = {
  seq: 2,
  chain: bytes(2, 7),
  state: bytes(1, 2, 3),
  links: [
    { position: 1, payload: bytes(4, 5) },
    { position: 1, payload: bytes(6) },
    { position: 2, payload: bytes(7, 8, 9) },
  ],
  keyId: '',
}
const written: CheckpointWrite = { ...checkpoint, kept: 0 }

export const creating: readonly Rule[] = [
  rule('create: a new run is there with its first entries', async (store, clock) => {
    const entries = [entry(1, 0, { kind: 'run-started' }), entry(2, 0, { kind: 'task-added' })]
    assert.equal(await store.create(newRun(RUN), entries, []), 'created')
    assert.deepEqual(await store.read(RUN, 0, 10), entries)
    const now = clock.now()
    assert.deepEqual(await store.run(RUN), {
      runId: RUN,
      rootRunId: RUN,
      agent: 'sailor',
      minReader: 1,
      status: 'running',
      task: 'count the ships',
      stepCount: 0,
      createdAt: now,
      updatedAt: now,
      lastSeq: 2,
    })
  }),
  rule('create: a run that exists is not touched', async (store) => {
    await store.create(newRun(RUN), [entry(1, 0)], [])
    const before = await seen(store)
    const other = newRun(RUN, { agent: 'other', view: view({ task: 'sink them' }) })
    assert.equal(await store.create(other, [entry(1, 0, { payload: bytes(9) }), entry(2, 0)], []), 'exists')
    assert.deepEqual(await seen(store), before)
  }),
  rule('create: of many at once, one creates', async (store) => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        store.create(newRun(RUN), [entry(1, 0, { payload: bytes(index) })], []),
      ),
    )
    assert.equal(outcomes.filter((outcome) => outcome === 'created').length, 1)
    assert.equal((await store.read(RUN, 0, 10)).length, 1)
  }),
  rule('create: entries that do not begin at 1 without gaps are refused', async (store) => {
    await refused(store.create(newRun(RUN), [entry(2, 0)], []), 'USAGE')
    await refused(store.create(newRun(RUN), [entry(1, 0), entry(3, 0)], []), 'USAGE')
    assert.equal(await store.run(RUN), undefined)
  }),
  rule('create: open questions come with it, and can be answered', async (store) => {
    await store.create(newRun(RUN), [entry(1, 0)], [], [question('q1', 1)])
    assert.deepEqual(
      (await store.questions({ runId: RUN })).map(({ id }) => id),
      ['q1'],
    )
    const answer = { kind: 'answer', question: 'q1', decision: { type: 'approve' } } as const
    assert.deepEqual(await store.signal(RUN, 'q1', answer), { accepted: true })
    await refused(store.create(newRun('run-2'), [entry(1, 0)], [], [question('q1', 1)]), 'USAGE')
    const twice = [question('q2', 1, { runId: 'run-2' }), question('q2', 1, { runId: 'run-2' })]
    await refused(store.create(newRun('run-2'), [entry(1, 0)], [], twice), 'USAGE')
    assert.equal(await store.run('run-2'), undefined)
  }),
  rule('create: blobs come with it', async (store) => {
    await store.create(newRun(RUN), [entry(1, 0)], [{ digest: 'b1', payload: bytes(1, 0, 255), keyId: '' }])
    assert.deepEqual(await store.blob(RUN, 'b1'), { digest: 'b1', payload: bytes(1, 0, 255), keyId: '' })
  }),
]

export const appending: readonly Rule[] = [
  rule('append: entries are read in the order of seq, verbatim', async (store) => {
    const lease = await driven(store)
    const more = [2, 3, 4].map((seq) => entry(seq, 1, { at: 0.5 + seq, v: seq, keyId: `k${seq}` }))
    await store.append(lease, write(lease, 1, { entries: more }))
    assert.deepEqual(await store.read(RUN, 0, 10), [entry(1, 0), ...more])
    assert.deepEqual(await store.read(RUN, 1, 2), more.slice(0, 2))
    assert.deepEqual(await store.read(RUN, 4, 10), [])
    assert.deepEqual(await store.read('no such run', 0, 10), [])
  }),
  rule('append: the view is returned as it was written', async (store, clock) => {
    const lease = await driven(store)
    clock.advance(10)
    const rests = view({ status: 'paused', cause: 'waiting', wakeAt: 123.5, stepCount: 3, task: 'another' })
    await store.append(lease, write(lease, 1, { view: rests }))
    const run = await store.run(RUN)
    assert.deepEqual({ ...run, ...rests }, run)
    assert.equal(run?.lastSeq, 2)
    assert.equal(run.updatedAt, clock.now())
    await store.append(lease, write(lease, 2))
    const later = await store.run(RUN)
    assert.ok(later !== undefined && !('wakeAt' in later) && !('cause' in later))
  }),
  rule('append: the row tells of every write, of one without entries too', async (store) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1, { nonce: 'first' }))
    assert.equal((await store.run(RUN))?.lastWrite, 'first')
    await store.append(lease, write(lease, 2, { nonce: 'second', entries: [] }))
    const run = await store.run(RUN)
    assert.equal(run?.lastWrite, 'second')
    assert.equal(run.lastSeq, 2)
  }),
  rule('append: another expectedSeq than the last seq is LeaseLost, and changes nothing', async (store) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1))
    const before = await seen(store)
    await refused(store.append(lease, write(lease, 1, { nonce: 'another' })), 'LEASE_LOST')
    await refused(store.append(lease, write(lease, 3)), 'LEASE_LOST')
    assert.deepEqual(await seen(store), before)
  }),
  rule('append: entries with a gap, or of another epoch, are refused', async (store) => {
    const lease = await driven(store)
    const before = await seen(store)
    await refused(store.append(lease, write(lease, 1, { entries: [entry(3, 1)] })), 'USAGE')
    await refused(store.append(lease, write(lease, 1, { entries: [entry(2, 0)] })), 'USAGE')
    assert.deepEqual(await seen(store), before)
  }),
  rule('append: several in one turn go in order', async (store) => {
    const lease = await driven(store)
    await Promise.all([1, 2, 3, 4].map((after) => store.append(lease, write(lease, after))))
    assert.deepEqual(
      (await store.read(RUN, 0, 10)).map((row) => row.seq),
      [1, 2, 3, 4, 5],
    )
  }),
  rule('append: one that is refused does not harm those of the same turn (T3)', async (store) => {
    const [one, two] = [await driven(store), await driven(store, 'bob', 'run-2')]
    const outcomes = await Promise.allSettled([
      store.append(one, write(one, 1)),
      store.append(two, write(two, 5)),
      store.append(one, write(one, 2)),
      store.append({ ...two, epoch: 9 }, write({ ...two, epoch: 9 }, 1)),
      store.append(two, write(two, 1)),
    ])
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal((await store.read(RUN, 0, 10)).length, 3)
    assert.equal((await store.read('run-2', 0, 10)).length, 2)
  }),
  rule('append: all of it or nothing (T3)', async (store, clock) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1, { asked: [question('q1', clock.now())], checkpoint: written }))
    await store.signal(RUN, 'k1', { kind: 'say', text: 'ahoy' })
    const before = await seen(store)
    const change = write(lease, 2, {
      nonce: 'n9',
      view: view({ status: 'failed' }),
      blobs: [{ digest: 'b9', payload: bytes(1), keyId: '' }],
      consumed: ['k1'],
      closed: ['q1'],
      checkpoint: 'none',
      asked: [question('q2', 1), question('q1', 1)],
    })
    await refused(store.append(lease, change), 'USAGE')
    assert.deepEqual(await seen(store), before)
    assert.equal(await store.blob(RUN, 'b9'), undefined)
    assert.equal(await store.committed(lease, 'n9'), false)
    await store.append(lease, write(lease, 2))
  }),
  rule('append: a write without entries may bring a checkpoint', async (store) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1))
    await store.append(lease, write(lease, 2, { entries: [], checkpoint: written }))
    assert.equal((await store.run(RUN))?.lastSeq, 2)
    assert.deepEqual(await store.checkpoint(RUN), checkpoint)
  }),
  rule('append: what the caller does to its bytes later is of no account', async (store) => {
    const lease = await driven(store)
    const payload = bytes(1, 2, 3)
    await store.append(lease, write(lease, 1, { entries: [entry(2, 1, { payload })] }))
    payload.fill(0)
    assert.deepEqual((await store.read(RUN, 1, 1))[0]?.payload, bytes(1, 2, 3))
  }),
  rule('committed: after a lost reply it tells whether the write went through', async (store) => {
    const lease = await driven(store)
    assert.equal(await store.committed(lease, 'n1'), false)
    await store.append(lease, write(lease, 1, { nonce: 'n1' }))
    assert.equal(await store.committed(lease, 'n1'), true)
    assert.equal(await store.committed(lease, 'n2'), false)
    await refused(store.append(lease, write(lease, 1, { nonce: 'n1' })), 'LEASE_LOST')
  }),
  rule('committed: also when another driver has gone on since', async (store) => {
    const old = await driven(store)
    await store.append(old, write(old, 1, { nonce: 'n1' }))
    const lease = await store.claim(RUN, claimant('bob', ['ann']), MINUTE)
    await store.append(lease, write(lease, 2, { nonce: 'n2' }))
    assert.equal(await store.committed(old, 'n1'), true)
    assert.equal(await store.committed(old, 'n2'), false)
    assert.equal(await store.committed(lease, 'n2'), true)
  }),
]

export const keeping: readonly Rule[] = [
  rule('read: the narrative skips calls, and pages like the rest', async (store) => {
    const lease = await driven(store)
    const kinds: EntryKind[] = [
      'model-called',
      'model-replied',
      'call-started',
      'call-returned',
      'step-ended',
      'task-completed',
    ]
    const entries = kinds.map((kind, index) => entry(index + 2, 1, { kind }))
    await store.append(lease, write(lease, 1, { entries }))
    const told = await store.read(RUN, 0, 10, true)
    assert.deepEqual(
      told.map((row) => row.kind),
      ['model-replied', 'step-ended', 'task-completed'],
    )
    assert.deepEqual(await store.read(RUN, 3, 1, true), [
      { ...entry(6, 1, { kind: 'step-ended' }), before: bytes(5, 7) },
    ])
  }),
  rule('read: each row of the narrative comes with the chain before it, no other does', async (store) => {
    await store.create(newRun('run-0'), [entry(1, 0, { kind: 'task-added', chain: bytes(99) })], [])
    const first = [entry(1, 0, { kind: 'run-started' }), entry(2, 0, { kind: 'task-added' })]
    await store.create(newRun(RUN), first, [])
    const lease = await store.claim(RUN, claimant('ann'), MINUTE)
    const given = entry(3, 1, { kind: 'model-replied', before: bytes(66) })
    await store.append(lease, write(lease, 2, { entries: [given, entry(4, 1)] }))
    const plain = await store.read(RUN, 0, 10)
    assert.ok(plain.every((row) => !('before' in row)))
    const told = plain.filter((row) => NARRATIVE.has(row.kind))
    const expected = told.map((row) => {
      const before = plain.find((other) => other.seq === row.seq - 1)?.chain
      return { ...row, ...(before && { before }) }
    })
    assert.deepEqual(await store.read(RUN, 0, 10, true), expected)
    assert.deepEqual(await store.read(RUN, 2, 10, true), expected.slice(-1))
    assert.deepEqual(await store.read('run-0', 0, 10, true), [
      entry(1, 0, { kind: 'task-added', chain: bytes(99) }),
    ])
  }),
  rule('checkpoint: only the newest is kept, whole', async (store) => {
    const lease = await driven(store)
    assert.equal(await store.checkpoint(RUN), undefined)
    await store.append(lease, write(lease, 1, { checkpoint: written }))
    assert.deepEqual(await store.checkpoint(RUN), checkpoint)
    const links = [{ position: 3, payload: bytes(8) }]
    const next = { ...checkpoint, seq: 3, state: bytes(9), links }
    await store.append(lease, write(lease, 2, { checkpoint: { ...next, kept: 0 } }))
    assert.deepEqual(await store.checkpoint(RUN), next)
    const bare: CheckpointRow = { seq: 4, chain: bytes(3), state: bytes(7), links: [], keyId: '' }
    await store.append(lease, write(lease, 3, { checkpoint: { ...bare, kept: 0 } }))
    assert.deepEqual(await store.checkpoint(RUN), bare)
  }),
  rule('checkpoint: links that are kept stay as they are, others follow them, the rest go', async (store) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1, { checkpoint: written }))
    let links = checkpoint.links
    for (const [index, { kept, more }] of [
      { kept: 3, more: [{ position: 3, payload: bytes(1) }] },
      { kept: 4, more: [] },
      { kept: 1, more: [{ position: 4, payload: bytes(2) }] },
      { kept: 2, more: [5, 6, 7].map((position) => ({ position, payload: bytes(position) })) },
      { kept: 0, more: [] },
    ].entries()) {
      links = [...links.slice(0, kept), ...more]
      await store.append(lease, write(lease, 2 + index, { checkpoint: { ...written, kept, links: more } }))
      assert.deepEqual((await store.checkpoint(RUN))?.links, links)
    }
  }),
  rule('checkpoint: links cannot be kept that are not there; nothing is written then', async (store) => {
    const lease = await driven(store)
    const kept = { ...written, kept: 1, links: [] }
    await refused(store.append(lease, write(lease, 1, { checkpoint: kept })), 'USAGE')
    await store.append(lease, write(lease, 1, { checkpoint: written }))
    const before = await seen(store)
    await refused(store.append(lease, write(lease, 2, { checkpoint: { ...written, kept: 4 } })), 'USAGE')
    assert.deepEqual(await seen(store), before)
    await store.append(lease, write(lease, 2, { checkpoint: 'none' }))
    await refused(store.append(lease, write(lease, 3, { checkpoint: kept })), 'USAGE')
  }),
  rule('checkpoint: a write without one leaves it, `none` deletes it', async (store) => {
    const lease = await driven(store)
    await store.append(lease, write(lease, 1, { checkpoint: written }))
    await store.append(lease, write(lease, 2))
    assert.deepEqual(await store.checkpoint(RUN), checkpoint)
    await store.append(lease, write(lease, 3, { checkpoint: 'none' }))
    assert.equal(await store.checkpoint(RUN), undefined)
  }),
  rule('checkpoint: one beyond the last entry is refused', async (store) => {
    const lease = await driven(store)
    await refused(store.append(lease, write(lease, 1, { checkpoint: { ...written, seq: 9 } })), 'USAGE')
    assert.equal(await store.checkpoint(RUN), undefined)
  }),
  rule('blobs: one digest is kept once for each run', async (store) => {
    const [one, two] = [await driven(store), await driven(store, 'bob', 'run-2')]
    const blob = { digest: 'b1', payload: bytes(1), keyId: '' }
    await store.append(one, write(one, 1, { blobs: [blob, blob] }))
    await store.append(one, write(one, 2, { blobs: [blob] }))
    await store.append(two, write(two, 1, { blobs: [{ ...blob, payload: bytes(2) }] }))
    assert.deepEqual(await store.blob(RUN, 'b1'), blob)
    assert.deepEqual((await store.blob('run-2', 'b1'))?.payload, bytes(2))
    assert.equal(await store.blob(RUN, 'b2'), undefined)
  }),
  rule('remove: nothing of the run is left, and nothing else is touched', async (store, clock) => {
    const lease = await driven(store)
    await driven(store, 'bob', 'run-2')
    const other = await seen(store, 'run-2')
    const blobs = [{ digest: 'b1', payload: bytes(1), keyId: '' }]
    await store.append(
      lease,
      write(lease, 1, { asked: [question('q1', clock.now())], checkpoint: written, blobs }),
    )
    await store.signal(RUN, 'q1', answer('q1', 1))
    await store.remove(RUN)
    assert.deepEqual(await seen(store), {
      run: undefined,
      entries: [],
      signals: [],
      questions: [],
      checkpoint: undefined,
    })
    assert.equal(await store.blob(RUN, 'b1'), undefined)
    assert.deepEqual(await seen(store, 'run-2'), other)
    await refused(store.append(lease, write(lease, 2)), 'LEASE_LOST')
    await store.remove(RUN)
    assert.equal(await store.create(newRun(RUN), [entry(1, 0)], []), 'created')
    assert.equal((await store.claim(RUN, claimant('eve'), MINUTE)).epoch, 1)
  }),
]
