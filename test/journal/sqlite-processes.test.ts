/** The SQLite store between processes: leases, kills, readers and writers at once. */
import { expect, test } from 'vitest'
import { holderOf, isDead } from '../../src/base/process-identity.ts'
import { plainSeal } from '../../src/journal/cipher.ts'
import { GENESIS, openBytes, openEntry } from '../../src/journal/envelope.ts'
import { sqliteStore } from '../../src/journal/sqlite.ts'
import type { Store } from '../../src/journal/store.ts'
import { Child, createRun, scratch } from './fixtures/files.ts'

const me = { holder: holderOf(), isDead }

/** A small generator with a seed: the instants of the kills are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Every entry opens, in one chain without gaps, and view and checkpoint are those of the last one. */
async function checkWhole(store: Store, runId: string): Promise<number> {
  let chain = GENESIS
  let seq = 0
  for (const row of await store.read(runId, 0, 1_000_000)) {
    expect(row.seq).toBe(seq + 1)
    openEntry(row, plainSeal(runId), chain)
    ;({ chain, seq } = row)
  }
  const [run, checkpoint] = [await store.run(runId), await store.checkpoint(runId)]
  expect(run?.lastSeq).toBe(seq)
  expect(run?.stepCount).toBe(seq)
  if (seq > 0) {
    expect(checkpoint?.seq).toBe(seq)
    if (checkpoint !== undefined)
      expect(Buffer.from(openBytes(plainSeal(runId), 'state', seq, checkpoint.state)).toString()).toBe(
        String(seq),
      )
  }
  return seq
}

test('of two processes one drives; the other learns who and since when', async () => {
  using place = scratch()
  await using store = sqliteStore(place.file)
  await createRun(store)
  const children = [
    new Child('hold-lease.ts', place.file, 'run-1'),
    new Child('hold-lease.ts', place.file, 'run-1'),
  ]
  const lines = (await Promise.all(children.map((child) => child.line()))).toSorted((one, other) =>
    String(one).localeCompare(String(other)),
  )
  await Promise.all(children.map((child) => child.kill()))
  expect(lines[0]).toMatch(/^claimed 1 /)
  expect(lines[1]).toMatch(/^refused Run run-1 is driven by pid \d+ on this machine since \d{4}-\d\d-\d\dT/)
})

test('a killed holder is taken over at once; a living one is not', async () => {
  using place = scratch()
  await using store = sqliteStore(place.file)
  await createRun(store)
  await using child = new Child('hold-lease.ts', place.file, 'run-1')
  expect(await child.line()).toMatch(/^claimed 1 /)
  await expect(store.claim('run-1', me, 1_000)).rejects.toThrow(/pid \d+ on this machine/)
  expect(await store.due(me, 10)).toEqual([])
  await child.kill()
  expect(await store.due(me, 10)).toEqual(['run-1'])
  expect((await store.claim('run-1', me, 1_000)).epoch).toBe(2)
})

test(
  'killed at any instant of a loop of appends: what was acknowledged is stored, whole',
  { timeout: 60_000 },
  async () => {
    using place = scratch()
    await using setup = sqliteStore(place.file)
    await createRun(setup)
    await setup.close()
    const random = seeded(7)
    let stored = 0
    for (let round = 0; round < 10; round++) {
      await using child = new Child('append-forever.ts', place.file, 'run-1')
      let acknowledged = Number(await child.line())
      const target = acknowledged + Math.floor(random() * 60)
      while (acknowledged < target) acknowledged = Number(await child.line())
      await child.kill()
      for (let line = await child.line(); line !== undefined; line = await child.line()) {
        if (line !== '') acknowledged = Math.max(acknowledged, Number(line))
      }
      await using store = sqliteStore(place.file)
      const after = await checkWhole(store, 'run-1')
      expect(after).toBeGreaterThanOrEqual(acknowledged)
      expect(after).toBeGreaterThan(stored)
      stored = after
    }
  },
)

test.each([{ readOnly: true }, { readOnly: false }])(
  'a reader ($readOnly) sees whole runs while another process writes',
  async ({ readOnly }) => {
    using place = scratch()
    await using setup = sqliteStore(place.file)
    await createRun(setup)
    await using child = new Child('append-forever.ts', place.file, 'run-1')
    await child.line()
    await using reader = sqliteStore(place.file, { readOnly })
    let last = 0
    for (let round = 0; round < 20; round++) {
      const rows = await reader.read('run-1', 0, 1_000_000)
      expect(rows.length).toBeGreaterThanOrEqual(last)
      last = rows.length
      const checkpoint = await reader.checkpoint('run-1')
      if (checkpoint !== undefined) openBytes(plainSeal('run-1'), 'state', checkpoint.seq, checkpoint.state)
    }
    expect(last).toBeGreaterThan(0)
  },
)

test(
  'two processes write to two runs of one file at full speed, and both get on',
  { timeout: 30_000 },
  async () => {
    using place = scratch()
    await using store = sqliteStore(place.file)
    await createRun(store, 'run-1')
    await createRun(store, 'run-2')
    await using one = new Child('append-forever.ts', place.file, 'run-1')
    await using two = new Child('append-forever.ts', place.file, 'run-2')
    for (const child of [one, two]) while (Number(await child.line()) < 50);
    for (let index = 0; index < 20; index++) await store.signal('run-1', `k${index}`, { kind: 'resume' })
    await one.kill()
    await two.kill()
    expect(await checkWhole(store, 'run-1')).toBeGreaterThanOrEqual(50)
    expect(await checkWhole(store, 'run-2')).toBeGreaterThanOrEqual(50)
  },
)

test('answers of four processes at once: one is accepted, the others are told which (T4)', async () => {
  using place = scratch()
  await using store = sqliteStore(place.file)
  await createRun(store)
  const lease = await store.claim('run-1', me, 60_000)
  const question = { runId: 'run-1', id: 'q', kind: 'input', message: '?', createdAt: 1 } as const
  const view = { status: 'paused', cause: 'waiting', task: 'loop', stepCount: 0 } as const
  const nothing = { entries: [], closed: [], consumed: [], blobs: [] }
  await store.append(lease, { ...nothing, expectedSeq: 0, nonce: 'n', view, asked: [question] })
  const children = ['a', 'b', 'c', 'd'].map((word) => new Child('answer.ts', place.file, 'run-1', 'q', word))
  for (const child of children) expect(await child.line()).toBe('ready')
  for (const child of children) child.say('go')
  const receipts = (await Promise.all(children.map((child) => child.line()))).map((line) => String(line))
  await Promise.all(children.map((child) => child.kill()))
  const [winner] = await store.signals('run-1')
  expect(receipts.filter((receipt) => receipt === '{"accepted":true}')).toHaveLength(1)
  const told = JSON.stringify({ accepted: false, why: 'taken', winner: winner?.signal })
  expect(receipts.filter((receipt) => receipt === told)).toHaveLength(3)
  expect(await store.signals('run-1')).toHaveLength(1)
})

test('another process’s write is hinted', async () => {
  using place = scratch()
  await using store = sqliteStore(place.file)
  await createRun(store)
  const watching = new AbortController()
  const hinted = new Promise<void>((resolve) => store.watch(resolve, watching.signal))
  await using other = sqliteStore(place.file)
  await other.signal('run-1', 'k', { kind: 'resume' })
  await hinted
  watching.abort()
})

test('processes that create, open and close one file at once harm nothing', { timeout: 60_000 }, async () => {
  using place = scratch()
  const names = ['a', 'b', 'c', 'd']
  const children = names.map((name) => new Child('open-and-close.ts', place.file, name, '25'))
  expect(await Promise.all(children.map((child) => child.line()))).toEqual(names.map(() => 'done'))
  await Promise.all(children.map((child) => child.kill()))
  await using store = sqliteStore(place.file)
  const ids = (await store.runs({}, 1_000)).map((run) => run.runId)
  expect(new Set(ids)).toEqual(
    new Set(names.flatMap((name) => Array.from({ length: 25 }, (_, index) => `${name}-${index}`))),
  )
})

test('killed in the middle of creating a file, the next one creates it', { timeout: 60_000 }, async () => {
  const random = seeded(3)
  for (let round = 0; round < 8; round++) {
    using place = scratch()
    const child = new Child('open-and-close.ts', place.file, 'a', '1')
    await new Promise((resolve) => setTimeout(resolve, 40 + random() * 60))
    await child.kill()
    await using store = sqliteStore(place.file)
    await createRun(store, 'b')
    expect((await store.runs({}, 10))[0]?.runId).toBe('b')
  }
})
