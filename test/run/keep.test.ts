/** State files kept: what verify sees, and that copies, imports and removals are whole, or nothing happened. */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { CodeAgent, PersistentCodeAgent, sqliteStore, tool, type StateKey } from '../../src/index.ts'
import {
  backupStore,
  exportRun,
  importRuns,
  oldRuns,
  pruneRuns,
  removeRun,
  verifyStore,
} from '../../src/run/keep.ts'
import { claimant } from '../../src/run/lease.ts'
import { scriptedModel } from '../../src/testing.ts'
import { goOn, must, output, rested } from '../e2e/fixtures/bench.ts'
import { contents, scratch } from '../journal/fixtures/files.ts'

const KEY = randomBytes(32).toString('base64')
const NEXT = randomBytes(32).toString('base64')
const corrupt = expect.objectContaining({ code: 'STATE_CORRUPT' })
const misused = expect.objectContaining({ code: 'USAGE' })

const sell = tool({
  name: 'sell',
  description: 'Sells',
  inputSchema: z.object({ n: z.number() }),
  needsApproval: true,
  execute: async ({ n }) => n,
})

function agentAt(path: string, stateKey?: StateKey): PersistentCodeAgent {
  return new PersistentCodeAgent({
    model: scriptedModel([
      `const kept = [1, 2, 3]\nconst sold = await sell({ n: 7 })\nfinalAnswer([kept, sold])`,
    ]),
    tools: [sell],
    storagePath: path,
    ...(stateKey === undefined ? {} : { stateKey }),
  })
}

/** A run that waits for an approval, with a blob, a checkpoint and a question. */
async function waiting(path: string, stateKey?: StateKey): Promise<string> {
  await using agent = agentAt(path, stateKey)
  rested(await agent.run('a task', { additionalArgs: { big: 'x'.repeat(40_000) } }), 'paused')
  return must(agent.runId)
}

async function finished(path: string, stateKey?: StateKey): Promise<string> {
  const runId = await waiting(path, stateKey)
  expect(await toTheEnd(path, runId, stateKey)).toEqual([[1, 2, 3], 7])
  return runId
}

async function toTheEnd(path: string, runId: string, stateKey?: StateKey): Promise<unknown> {
  await using agent = await agentAt(path, stateKey).resume({ runId })
  await agent.answer(must(agent.questions[0]).id, { type: 'approve' })
  return output(await goOn(agent))
}

async function check(path: string, stateKey?: StateKey): ReturnType<typeof verifyStore> {
  await using store = sqliteStore(path, { readOnly: true, ...(stateKey === undefined ? {} : { stateKey }) })
  return await verifyStore(store)
}

/** Runs SQL as a vandal would, who knows nothing of our digests. */
function tamper(file: string, sql: string): void {
  using db = new DatabaseSync(file, { defensive: false, enableForeignKeyConstraints: false })
  db.exec(sql)
}

/** No half-made file is left. */
function leftovers(path: string): readonly string[] {
  return readdirSync(path).filter((name) => name.endsWith('.tmp') || name.endsWith('-journal'))
}

describe('verify', () => {
  test.each([undefined, KEY])(
    'finds nothing wrong with what we wrote, and writes nothing (key: %s)',
    async (key) => {
      using place = scratch()
      const one = await finished(place.file, key)
      const two = await waiting(place.file, key)
      const before = contents(place.path)
      const found = await check(place.file, key)
      expect(found.faults).toEqual([])
      expect(found.runs).toMatchObject([
        { runId: one, faults: [] },
        { runId: two, faults: [] },
      ])
      expect(contents(place.path)).toEqual(before)
    },
  )

  test('without the key it checks the chain, and says so', async () => {
    using place = scratch()
    const runId = await waiting(place.file, KEY)
    expect((await check(place.file)).runs).toMatchObject([
      { runId, faults: [], lockedBy: expect.stringMatching(/^[0-9a-f]{12}$/) },
    ])
    tamper(place.file, `UPDATE entries SET at = at + 1 WHERE kind = 'model-replied'`)
    expect((await check(place.file)).runs).toMatchObject([{ faults: [{ rule: 'J9' }] }])
  })

  const wrongs: Readonly<Record<string, readonly [string, string]>> = {
    'an entry that is gone': ['J9', `DELETE FROM entries WHERE kind = 'model-replied'`],
    'the last entry gone': ['view', 'DELETE FROM entries WHERE place = (SELECT MAX(place) FROM entries)'],
    'another time': ['J9', `UPDATE entries SET at = at + 1 WHERE kind = 'model-replied'`],
    'another kind': ['J9', `UPDATE entries SET kind = 'message-said' WHERE kind = 'model-replied'`],
    'another status': ['view', `UPDATE runs SET status = 'completed'`],
    'a question that is gone': ['view', 'DELETE FROM questions'],
    'a question with other words': ['questions', "UPDATE questions SET body = x'0102'"],
    'a question that was closed': ['view', `UPDATE questions SET state = 'closed'`],
    'a blob that is gone': ['blobs', 'DELETE FROM blobs'],
    'a blob with other bytes': ['blobs', 'UPDATE blobs SET payload = zeroblob(100)'],
    'another state': ['J4', 'UPDATE checkpoints SET state = zeroblob(100)'],
    'a state of another place': ['J4', 'UPDATE checkpoints SET seq = seq - 1'],
    'a state after another entry': ['J4', 'UPDATE checkpoints SET chain = zeroblob(32)'],
    'a heap that is gone': ['J4', 'DELETE FROM images'],
    'another heap': ['J4', 'UPDATE images SET payload = zeroblob(100)'],
    'a letter of somebody': [
      'signals',
      `INSERT INTO inbox (run, key, at, kind, body, consumed) VALUES (1, 'k', 1, 'stop', zeroblob(50), 0)`,
    ],
  }
  describe.each([undefined, KEY])('names what is wrong with its law (key: %s)', (key) => {
    test.each(Object.entries(wrongs))('%s', async (_, [rule, sql]) => {
      using place = scratch()
      const runId = await waiting(place.file, key)
      tamper(place.file, sql)
      const found = await check(place.file, key)
      expect(found.runs).toMatchObject([{ runId }])
      expect(must(found.runs[0]).faults.map((fault) => fault.rule)).toContain(rule)
      expect(must(found.runs[0]?.faults[0]).what).toMatch(/^\S.*\.$/s)
    })
  })

  test('rows of a run that is not there', async () => {
    using place = scratch()
    await waiting(place.file)
    tamper(place.file, 'DELETE FROM runs')
    expect((await check(place.file)).faults).toEqual([
      expect.stringMatching(/rows belong to a run/),
      expect.stringMatching(/entries belong to a run/),
    ])
  })
})

describe('rekey', () => {
  test('wraps anew, and touches nothing else: the new key opens, the old one does not', async () => {
    using place = scratch()
    const runId = await waiting(place.file, KEY)
    const plain = await waiting(place.file)
    const payloads = (): unknown => {
      using db = new DatabaseSync(place.file, { readOnly: true })
      return [db.prepare('SELECT * FROM entries').all(), db.prepare('SELECT * FROM blobs').all()]
    }
    const before = payloads()
    const [{ lockedBy: old } = {}] = await PersistentCodeAgent.runs(place.file, { status: ['paused'] })
    {
      await using store = sqliteStore(place.file, { stateKey: KEY })
      expect(await store.file.rekey(NEXT)).toBe(1)
      expect(await store.file.rekey(NEXT), 'again is harmless').toBe(0)
    }
    expect(payloads()).toEqual(before)
    await expect(agentAt(place.file, KEY).resume({ runId })).rejects.toThrow(misused)
    const rows = await PersistentCodeAgent.runs(place.file)
    expect(rows.find((row) => row.runId === runId)?.lockedBy).not.toBe(old)
    expect(await toTheEnd(place.file, runId, NEXT)).toEqual([[1, 2, 3], 7])
    expect(await toTheEnd(place.file, plain)).toEqual([[1, 2, 3], 7])
    expect((await check(place.file, NEXT)).runs.flatMap((run) => run.faults)).toEqual([])
  })

  test('in the middle of a run stops nobody who has it open', async () => {
    using place = scratch()
    const runId = await waiting(place.file, KEY)
    await using agent = await agentAt(place.file, KEY).resume({ runId })
    {
      await using store = sqliteStore(place.file, { stateKey: KEY })
      await store.file.rekey(NEXT)
    }
    {
      await using store = sqliteStore(place.file, { stateKey: NEXT })
      await store.file.rekey('and once more, a passphrase')
    }
    await agent.answer(must(agent.questions[0]).id, { type: 'approve' })
    expect(output(await goOn(agent))).toEqual([[1, 2, 3], 7])
    await agent.close()
    expect((await check(place.file, 'and once more, a passphrase')).runs).toMatchObject([{ faults: [] }])
  })

  test('without the key of one run it does nothing to any', async () => {
    using place = scratch()
    await waiting(place.file, KEY)
    await waiting(place.file, NEXT)
    await using store = sqliteStore(place.file, { stateKey: KEY })
    await expect(store.file.rekey(randomBytes(32))).rejects.toThrow(misused)
    await store.close()
    for (const stateKey of [KEY, NEXT]) {
      const open = (await PersistentCodeAgent.runs(place.file, { stateKey })).filter((run) => run.task !== '')
      expect(open).toHaveLength(1)
    }
  })
})

describe('export and import', () => {
  test.each([undefined, KEY])('a run goes on from a file of its own (key: %s)', async (key) => {
    using place = scratch()
    const others = await finished(place.file, key)
    const runId = await waiting(place.file, key)
    const path = join(place.path, 'one.db')
    {
      await using store = sqliteStore(place.file, { readOnly: true })
      expect(await exportRun(store, runId, path)).toEqual([runId])
    }
    expect(readdirSync(place.path).toSorted()).toEqual(['one.db', 'state.db'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await PersistentCodeAgent.runs(path)).toHaveLength(1)
    expect((await check(path, key)).runs).toMatchObject([{ runId, faults: [] }])

    const there = join(place.path, 'there.db')
    {
      await using store = sqliteStore(there)
      expect(await importRuns(store, path)).toEqual({ imported: [runId], present: [] })
      expect(await importRuns(store, path), 'again is harmless').toEqual({ imported: [], present: [runId] })
      expect(await importRuns(store, place.file)).toEqual({ imported: [others], present: [runId] })
    }
    expect(await toTheEnd(there, runId, key)).toEqual([[1, 2, 3], 7])
    const found = await check(there, key)
    expect(found.faults).toEqual([])
    expect(found.runs.flatMap((run) => run.faults)).toEqual([])
  })

  test('an older copy of a run that went on since is there already; one that went on otherwise is refused', async () => {
    using place = scratch()
    const runId = await waiting(place.file)
    const path = join(place.path, 'one.db')
    await using store = sqliteStore(place.file)
    await exportRun(store, runId, path)
    await toTheEnd(place.file, runId)
    expect(await importRuns(store, path)).toEqual({ imported: [], present: [runId] })
    await toTheEnd(path, runId)
    const before = await store.read(runId, 0, 1_000)
    await expect(importRuns(store, path)).rejects.toThrow(/another run/)
    expect(await store.read(runId, 0, 1_000)).toEqual(before)
  })

  test('nothing is overwritten, unless that is asked for; a file in use never', async () => {
    using place = scratch()
    const runId = await waiting(place.file)
    const path = join(place.path, 'one.db')
    writeFileSync(path, 'precious')
    await using store = sqliteStore(place.file)
    for (const make of [exportRun(store, runId, path), backupStore(store, path)])
      await expect(make).rejects.toThrow(misused)
    expect(readFileSync(path, 'utf8')).toBe('precious')
    await exportRun(store, runId, path, { overwrite: true })
    expect((await check(path)).runs).toMatchObject([{ faults: [] }])
    await expect(backupStore(store, place.file, { overwrite: true })).rejects.toThrow(/in use/)
    await expect(exportRun(store, runId, join(place.path, 'no', 'such'))).rejects.toThrow(misused)
    expect(leftovers(place.path)).toEqual([])
  })

  test('what is damaged is neither exported nor imported, and nothing is left of the attempt', async () => {
    using place = scratch()
    const runId = await waiting(place.file)
    tamper(place.file, 'UPDATE blobs SET payload = zeroblob(100)')
    const path = join(place.path, 'one.db')
    {
      await using store = sqliteStore(place.file)
      await expect(exportRun(store, runId, path)).rejects.toThrow(corrupt)
      await expect(backupStore(store, path)).rejects.toThrow(corrupt)
    }
    expect(existsSync(path)).toBe(false)
    const there = join(place.path, 'there.db')
    await using store = sqliteStore(there)
    await expect(importRuns(store, place.file)).rejects.toThrow(corrupt)
    expect(await store.file.runIds()).toEqual([])
    expect(leftovers(place.path)).toEqual([])
  })

  test('a file with a trigger, or of another program, is not imported', async () => {
    using place = scratch()
    await waiting(place.file)
    tamper(place.file, 'CREATE TRIGGER evil AFTER INSERT ON runs BEGIN DELETE FROM entries; END')
    await using store = sqliteStore(join(place.path, 'there.db'))
    await expect(importRuns(store, place.file)).rejects.toThrow(corrupt)
    const other = join(place.path, 'other.db')
    tamper(other, 'CREATE TABLE runs (x)')
    await expect(importRuns(store, other)).rejects.toThrow(corrupt)
  })

  test('a run that claims to be of another family is not imported: it would come under its lease', async () => {
    using place = scratch()
    const there = join(place.path, 'there.db')
    const victim = await waiting(there)
    await waiting(place.file, KEY)
    tamper(
      place.file,
      `UPDATE runs SET root_run_id = '${victim}'; UPDATE leases SET root_run_id = '${victim}', epoch = 99`,
    )
    await using store = sqliteStore(there)
    const lease = await store.claim(victim, { ...claimant, holder: 'somebody' }, 60_000)
    await expect(importRuns(store, place.file)).rejects.toThrow(corrupt)
    await store.renew(lease, 60_000)
    expect(await store.file.runIds()).toEqual([victim])
  })

  test('a fork is a run of its own', async () => {
    using place = scratch()
    const runId = await waiting(place.file)
    await using agent = await agentAt(place.file).resume({ runId })
    await using fork = await agent.fork()
    const path = join(place.path, 'fork.db')
    await using store = sqliteStore(place.file)
    expect(await exportRun(store, must(fork.runId), path)).toEqual([fork.runId])
    expect(await toTheEnd(path, must(fork.runId))).toEqual([[1, 2, 3], 7])
  })
})

test.each([undefined, KEY])('a backup is the whole file, while others write (key: %s)', async (key) => {
  using place = scratch()
  const one = await finished(place.file, key)
  const two = await waiting(place.file, key)
  const path = join(place.path, 'backup.db')
  const given = key === undefined ? {} : { stateKey: key }
  await using store = sqliteStore(place.file, given)
  await Promise.all([store.signal(two, 'k', { kind: 'child', run: 'none' }), backupStore(store, path, given)])
  await backupStore(store, path, { overwrite: true })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const found = await check(path, key)
  expect(found.runs.map((run) => run.runId)).toEqual([one, two])
  expect(found.runs.flatMap((run) => run.faults)).toEqual([])
  expect(await toTheEnd(path, two, key)).toEqual([[1, 2, 3], 7])
})

describe('a family', () => {
  const scripts = {
    boss: [`const said = await helper('help')\nfinalAnswer(said)`],
    helper: [`finalAnswer(await ask('How many?'))`],
  }
  const bossAt = (path: string, stateKey?: StateKey): PersistentCodeAgent =>
    new PersistentCodeAgent({
      name: 'boss',
      model: scriptedModel(scripts.boss),
      managedAgents: [
        new CodeAgent({ name: 'helper', description: 'Helps', model: scriptedModel(scripts.helper) }),
      ],
      storagePath: path,
      ...(stateKey === undefined ? {} : { stateKey }),
    })

  test.each([undefined, KEY])('is exported, imported and removed as one (key: %s)', async (key) => {
    using place = scratch()
    const path = join(place.path, 'family.db')
    const boss = bossAt(place.file, key)
    const paused = rested(await boss.run('go'), 'paused')
    await boss.close()
    const runId = must(boss.runId)
    const child = `${runId}.1.1`
    const given = key === undefined ? {} : { stateKey: key }
    {
      await using store = sqliteStore(place.file, given)
      const found = await verifyStore(store)
      expect(found.runs.map((run) => run.runId)).toEqual([runId, child])
      expect(found.runs.flatMap((run) => run.faults)).toEqual([])
      expect(await exportRun(store, child, path, given)).toEqual([runId, child])
      await expect(removeRun(store, child)).rejects.toThrow(/part of run/)
      expect(await removeRun(store, runId)).toEqual([runId, child])
      expect(await importRuns(store, path, key)).toEqual({ imported: [runId, child], present: [] })
      expect(await importRuns(store, path, key)).toEqual({ imported: [], present: [runId, child] })
    }
    await using again = await bossAt(place.file, key).resume({ runId })
    await again.answer(must(paused.questions[0]).id, { type: 'respond', value: 3 })
    expect(output(await goOn(again))).toBe(3)
  })
})

describe('rm and prune', () => {
  test('a removed run leaves nothing, a sealed one not even its key, and the file gets smaller', async () => {
    using place = scratch()
    const gone = await finished(place.file, KEY)
    const stays = await waiting(place.file, KEY)
    await using store = sqliteStore(place.file, { stateKey: KEY })
    using db = new DatabaseSync(place.file, { readOnly: true })
    const wrap = db
      .prepare('SELECT w.wrapped FROM wraps w JOIN runs r USING (run) WHERE r.run_id = ?')
      .get(gone)
    const bytes = Buffer.from(wrap?.['wrapped'] as Uint8Array)
    db.close()
    const raw = (): Buffer =>
      Buffer.concat(readdirSync(place.path).map((name) => readFileSync(join(place.path, name))))
    expect(raw().includes(bytes)).toBe(true)
    const size = statSync(place.file).size
    expect(await removeRun(store, gone)).toEqual([gone])
    expect(raw().includes(bytes), 'before anything is compacted').toBe(false)
    expect(await store.file.compact()).toBe(true)
    expect(statSync(place.file).size).toBeLessThan(size)
    await store.close()
    const found = await check(place.file, KEY)
    expect(found).toMatchObject({ faults: [], runs: [{ runId: stays, faults: [] }] })
    expect(await toTheEnd(place.file, stays, KEY)).toEqual([[1, 2, 3], 7])
  })

  test('a run whose key is dropped can be read by nobody, and says so', async () => {
    using place = scratch()
    const runId = await waiting(place.file, KEY)
    tamper(place.file, 'DELETE FROM wraps')
    await expect(agentAt(place.file, KEY).resume({ runId })).rejects.toThrow(/key is gone/)
  })

  test('a run that somebody drives stays, and so does one under way', async () => {
    using place = scratch()
    const runId = await finished(place.file)
    await using store = sqliteStore(place.file)
    const lease = await store.claim(runId, { ...claimant, holder: 'somebody' }, 60_000)
    await expect(removeRun(store, runId)).rejects.toThrow(expect.objectContaining({ code: 'RUN_BUSY' }))
    expect(await pruneRuns(store, Infinity)).toEqual({ removed: [], busy: [runId] })
    expect(await store.file.compact(), 'nobody is disturbed').toBe(false)
    await store.release(lease)
    await removeRun(store, runId)
    await expect(removeRun(store, runId)).rejects.toThrow(
      expect.objectContaining({ code: 'STATE_NOT_FOUND' }),
    )
  })

  test('only what is finished and old is pruned', async () => {
    using place = scratch()
    const old = await finished(place.file)
    await waiting(place.file)
    await using store = sqliteStore(place.file)
    const { updatedAt } = must(await store.run(old))
    const young = await finished(place.file)
    const before = updatedAt + 1
    expect((await oldRuns(store, before)).map((run) => run.runId)).toEqual([old])
    expect(await pruneRuns(store, before)).toEqual({ removed: [old], busy: [] })
    expect(await pruneRuns(store, before)).toEqual({ removed: [], busy: [] })
    expect(await store.file.runIds()).toHaveLength(2)
    expect(await store.run(young)).toBeDefined()
  })
})
