/** The SQLite store and its file: what is refused and left as it was, modes, locks, group commit. */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { sqliteStore } from '../../src/journal/sqlite.ts'
import { checkSqliteVersion } from '../../src/journal/sqlite/open.ts'
import type { Lease, Store, Write } from '../../src/journal/store.ts'
import { contents, createRun, scratch } from './fixtures/files.ts'

const ann = { holder: 'ann', isDead: () => false }

/** Our file, closed, with one run in it. */
async function written(file: string): Promise<void> {
  await using store = sqliteStore(file)
  await createRun(store)
}

/** Runs SQL on a file as another program would. */
function tamper(file: string, sql: string): void {
  const db = new DatabaseSync(file, { defensive: false })
  db.exec(sql)
  db.close()
}

function writeOf(expectedSeq: number, lease: Lease, size = 10): Write {
  const place = { seq: expectedSeq + 1, at: 1, epoch: lease.epoch, v: 1 }
  const row = {
    ...place,
    kind: 'call-returned',
    payload: new Uint8Array(size),
    chain: new Uint8Array(32),
    keyId: '',
  } as const
  const view = { status: 'running', task: 't', stepCount: 0 } as const
  return {
    expectedSeq,
    nonce: `n${expectedSeq}`,
    entries: [row],
    view,
    asked: [],
    closed: [],
    consumed: [],
    blobs: [],
  }
}

describe('what is no state file of ours is refused, and left byte for byte as it was', () => {
  const spoiled: Readonly<Record<string, readonly [RegExp, (file: string) => Promise<void> | void]>> = {
    garbage: [/not a state file/, (file) => writeFileSync(file, 'x'.repeat(5_000))],
    'a short text': [/not a state file/, (file) => writeFileSync(file, '{"runs":[]}')],
    'a magic number and nothing more': [
      /not a state file/,
      (file) => writeFileSync(file, 'SQLite format 3\0'),
    ],
    'a database of another program': [/of another program/, (file) => tamper(file, 'CREATE TABLE t (a)')],
    'one in WAL mode': [
      /of another program/,
      (file) => tamper(file, 'PRAGMA journal_mode = WAL; CREATE TABLE t (a)'),
    ],
    'one with another application id': [
      /of another program/,
      (file) => tamper(file, 'PRAGMA application_id = 77; CREATE TABLE t (a)'),
    ],
    'a newer version': [
      /newer version.*Update/s,
      async (file) => {
        await written(file)
        tamper(file, 'PRAGMA user_version = 99')
      },
    ],
    'a trigger': [
      /changed by another program/,
      async (file) => {
        await written(file)
        tamper(file, `CREATE TRIGGER evil AFTER INSERT ON inbox BEGIN DELETE FROM runs; END`)
      },
    ],
    'a table replaced by a view': [
      /changed by another program/,
      async (file) => {
        await written(file)
        tamper(file, 'ALTER TABLE blobs RENAME TO real; CREATE VIEW blobs AS SELECT * FROM real')
      },
    ],
    'our id, but not our tables': [
      /changed by another program/,
      async (file) => {
        await written(file)
        tamper(file, 'PRAGMA foreign_keys = OFF; DROP TABLE nonces')
      },
    ],
    'a file cut off in mid-page': [
      /cut off/,
      async (file) => {
        await written(file)
        truncateSync(file, statSync(file).size - 100)
      },
    ],
    'a file cut off after one page': [
      /cut off/,
      async (file) => {
        await written(file)
        truncateSync(file, 4_096)
      },
    ],
    'an empty file whose log is not': [
      /cut off/,
      async (file) => {
        writeFileSync(file, '')
        writeFileSync(`${file}-wal`, 'x'.repeat(100))
      },
    ],
    'a damaged schema page': [
      /damaged/,
      async (file) => {
        await written(file)
        const bytes = readFileSync(file)
        writeFileSync(file, bytes.fill(0xff, 100, 4_096))
      },
    ],
  }
  for (const [what, [message, spoil]] of Object.entries(spoiled)) {
    for (const options of [{}, { readOnly: true }, { create: false }]) {
      test(`${what} ${JSON.stringify(options)}`, async () => {
        using place = scratch()
        await spoil(place.file)
        const before = contents(place.path)
        expect(() => sqliteStore(place.file, options)).toThrow(
          expect.objectContaining({ code: 'STATE_CORRUPT' }),
        )
        expect(() => sqliteStore(place.file, options)).toThrow(message)
        expect(() => sqliteStore(place.file, options)).toThrow(place.file)
        expect(contents(place.path)).toEqual(before)
      })
    }
  }

  test('a newer version whose log was not merged yet', async () => {
    using place = scratch()
    using other = scratch()
    await written(place.file)
    const db = new DatabaseSync(place.file)
    db.exec('PRAGMA user_version = 99')
    for (const end of ['', '-wal']) copyFileSync(place.file + end, other.file + end)
    db.close()
    const before = contents(other.path)
    expect(() => sqliteStore(other.file)).toThrow(/newer version/)
    expect({ ...contents(other.path), 'state.db-shm': '' }).toEqual({ ...before, 'state.db-shm': '' })
  })
})

describe('paths', () => {
  test.each([{ create: false }, { readOnly: true }])(
    'no file: STATE_NOT_FOUND, and none is made (%j)',
    (options) => {
      using place = scratch()
      expect(() => sqliteStore(place.file, options)).toThrow(
        expect.objectContaining({ code: 'STATE_NOT_FOUND' }),
      )
      expect(readdirSync(place.path)).toEqual([])
    },
  )

  test.each(['', ':memory:', 'a\0b', '\ud800'])('%j is no path', (path) => {
    expect(() => sqliteStore(path)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  test('a directory, and a file in a directory that is not there', () => {
    using place = scratch()
    expect(() => sqliteStore(place.path)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(() => sqliteStore(join(place.path, 'no', 'state.db'))).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    )
  })

  test.each(['a b%20c?immutable=1#x.db', 'file:x.db?mode=memory', `'; DROP TABLE runs.db`])(
    '%j is a name like any other',
    async (name) => {
      using place = scratch()
      mkdirSync(join(place.path, 'in'))
      const file = join(place.path, 'in', name)
      await written(file)
      await written(file)
      expect(readdirSync(join(place.path, 'in'))).toEqual([name])
    },
  )

  test.each([
    '',
    'PRAGMA journal_mode = WAL',
    'PRAGMA journal_mode = WAL; BEGIN; CREATE TABLE t (a); ROLLBACK',
  ])('an empty database (%s) becomes a state file', async (sql) => {
    using place = scratch()
    tamper(place.file, sql)
    await written(place.file)
    await using store = sqliteStore(place.file, { readOnly: true })
    expect((await store.run('run-1'))?.runId).toBe('run-1')
  })

  test('an empty file becomes a state file', async () => {
    using place = scratch()
    writeFileSync(place.file, '')
    expect(() => sqliteStore(place.file, { create: false })).toThrow(
      expect.objectContaining({ code: 'STATE_NOT_FOUND' }),
    )
    await written(place.file)
    await using store = sqliteStore(place.file, { create: false })
    expect((await store.run('run-1'))?.runId).toBe('run-1')
  })
})

test('file, log and index are for their owner only; close leaves the file alone', async () => {
  using place = scratch()
  const umask = process.umask(0)
  try {
    await using store = sqliteStore(place.file)
    await createRun(store)
    for (const name of readdirSync(place.path))
      expect([name, statSync(join(place.path, name)).mode & 0o777]).toEqual([name, 0o600])
    expect(readdirSync(place.path)).toHaveLength(3)
  } finally {
    process.umask(umask)
  }
  expect(readdirSync(place.path)).toEqual(['state.db'])
})

test('it is durable before it is acknowledged: WAL, synchronous FULL, application and version', async () => {
  using place = scratch()
  const exec = DatabaseSync.prototype.exec
  const pragmas: string[] = []
  DatabaseSync.prototype.exec = function (sql) {
    pragmas.push(sql)
    exec.call(this, sql)
  }
  try {
    await written(place.file)
  } finally {
    DatabaseSync.prototype.exec = exec
  }
  expect(pragmas.join(';')).toMatch(/synchronous = FULL/)
  expect(pragmas.join(';')).not.toMatch(/synchronous = (NORMAL|OFF)/)
  const db = new DatabaseSync(place.file, { readOnly: true })
  expect({ ...db.prepare('PRAGMA journal_mode').get() }).toEqual({ journal_mode: 'wal' })
  expect({ ...db.prepare('PRAGMA application_id').get() }).toEqual({ application_id: 0x5043416a })
  expect({ ...db.prepare('PRAGMA user_version').get() }).toEqual({ user_version: 2 })
  db.close()
})

describe('read only', () => {
  test('writes are refused, nothing changes, nothing is left beside the file', async () => {
    using place = scratch()
    await written(place.file)
    const before = contents(place.path)
    const store = sqliteStore(place.file, { readOnly: true })
    expect((await store.runs({}, 10)).map((run) => run.runId)).toEqual(['run-1'])
    await expect(store.claim('run-1', ann, 1)).rejects.toThrow(expect.objectContaining({ code: 'USAGE' }))
    await expect(store.remove('run-1')).rejects.toThrow(/read only/)
    await store.close()
    expect(contents(place.path)).toEqual(before)
  })

  test('a file without write permission is read', async () => {
    using place = scratch()
    await written(place.file)
    chmodSync(place.file, 0o400)
    await using store = sqliteStore(place.file, { readOnly: true })
    expect(await store.run('run-1')).toBeDefined()
  })
})

test('SQLite before 3.51.3 is refused', () => {
  for (const version of ['3.40.1', '3.51.2', '2.99.99', '3.7.0'])
    expect(() => checkSqliteVersion(version)).toThrow(/3\.51\.3/)
  for (const version of ['3.51.3', '3.53.4', '3.52.0', '4.0.0']) checkSqliteVersion(version)
})

describe('locks', () => {
  test('a write waits for another process’s lock without holding up the event loop', async () => {
    using place = scratch()
    await using store = sqliteStore(place.file)
    await createRun(store)
    const other = new DatabaseSync(place.file)
    other.exec('BEGIN IMMEDIATE')
    const order: string[] = []
    const claimed = store.claim('run-1', ann, 60_000).then(() => order.push('claimed'))
    let longest = 0
    for (let turn = 0, last = performance.now(); turn < 20; turn++, last = performance.now()) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      longest = Math.max(longest, performance.now() - last)
    }
    order.push('let go')
    other.exec('COMMIT')
    other.close()
    await claimed
    expect(order).toEqual(['let go', 'claimed'])
    expect(longest).toBeLessThan(500)
    expect(await store.run('run-1')).toBeDefined()
  })

  test('readers go on meanwhile', async () => {
    using place = scratch()
    await using store = sqliteStore(place.file)
    await createRun(store)
    const other = new DatabaseSync(place.file)
    other.exec(`BEGIN IMMEDIATE; DELETE FROM runs`)
    expect((await store.run('run-1'))?.task).toBe('loop')
    other.exec('COMMIT')
    expect(await store.run('run-1')).toBeUndefined()
    other.close()
  })
})

describe('group commit', () => {
  /** Counts the commits of a store by the frames of commit in its log. */
  function commits(file: string): number {
    const log = readFileSync(`${file}-wal`)
    let count = 0
    for (let at = 32; at + 24 <= log.length; at += 24 + 4_096) if (log.readUInt32BE(at + 4) > 0) count++
    return count
  }

  async function drive(store: Store, count: number): Promise<readonly Lease[]> {
    const ids = Array.from({ length: count }, (_, index) => `run-${index}`)
    await Promise.all(ids.map((id) => createRun(store, id)))
    return Promise.all(ids.map((id) => store.claim(id, ann, 60_000)))
  }

  test('appends of one turn share a commit; one refused one does not undo the others', async () => {
    using place = scratch()
    await using store = sqliteStore(place.file)
    const leases = await drive(store, 20)
    const before = commits(place.file)
    const outcomes = await Promise.allSettled(
      leases.map((lease, index) => store.append(lease, writeOf(index === 7 ? 5 : 0, lease))),
    )
    expect(commits(place.file) - before).toBe(1)
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(19)
    expect(outcomes[7]).toMatchObject({ status: 'rejected', reason: { code: 'LEASE_LOST' } })
    expect((await store.run('run-7'))?.lastSeq).toBe(0)
    expect((await store.run('run-8'))?.lastSeq).toBe(1)
  })

  test('a lone append is committed within one turn of the loop', async () => {
    using place = scratch()
    await using store = sqliteStore(place.file)
    const [lease] = await drive(store, 1)
    if (lease === undefined) throw new Error('no lease')
    const appended = store.append(lease, writeOf(0, lease)).then(() => 'appended')
    const turned = new Promise((resolve) => setImmediate(() => setImmediate(() => resolve('turned'))))
    expect(await Promise.race([appended, turned])).toBe('appended')
  })

  test('a value that a row cannot hold undoes its own write only', async () => {
    using place = scratch()
    await using store = sqliteStore(place.file)
    const [one, two, three] = await drive(store, 3)
    if (one === undefined || two === undefined || three === undefined) throw new Error('no lease')
    const fits = writeOf(0, one)
    const outcomes = await Promise.allSettled([
      store.append(one, fits),
      store.append(two, { ...writeOf(0, two), view: { status: 'running', task: 't', stepCount: 0.5 } }),
      store.append(three, writeOf(0, three)),
    ])
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'USAGE' } })
    expect(await store.read('run-1', 0, 10)).toEqual([])
  })
})

describe('damage that is found only when it is read', () => {
  test.each([
    `UPDATE runs SET status = 'evil'`,
    `UPDATE runs SET status = 'completed'`,
    `UPDATE runs SET agent = 'somebody else'`,
    `UPDATE runs SET root_run_id = 'another family'`,
    `UPDATE runs SET min_reader = 0`,
    `UPDATE runs SET step_count = step_count + 1`,
    `UPDATE runs SET wake_at = 1`,
    `UPDATE runs SET cause = 'waiting'`,
    `UPDATE runs SET created_at = created_at + 1`,
    `UPDATE runs SET updated_at = updated_at + 1`,
    `UPDATE runs SET view = x'7b'`,
    `UPDATE runs SET view = CAST(substr(view, 1, length(view) - 1) || x'00' AS BLOB)`,
    `UPDATE runs SET key_id = 'k'`,
    `UPDATE runs SET last_seq = 1`,
    `UPDATE runs SET last_seq = 9223372036854775807`,
  ])('%s', async (sql) => {
    using place = scratch()
    await written(place.file)
    tamper(place.file, sql)
    await using store = sqliteStore(place.file)
    await expect(store.run('run-1')).rejects.toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
    await expect(store.runs({}, 10)).rejects.toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  })

  test.each([`x'01'`, `x'02'`, `CAST('{"kind":"stop"}' AS BLOB)`])('a signal %s', async (body) => {
    using place = scratch()
    await written(place.file)
    tamper(
      place.file,
      `INSERT INTO inbox (run, key, at, kind, body, consumed) VALUES (1, 'k', 1, 'say', ${body}, 0)`,
    )
    await using store = sqliteStore(place.file)
    await expect(store.signals('run-1')).rejects.toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  })
})

describe('where entries stand', () => {
  /** How SQLite would go about what the store asks of `entries` while `work` is done. */
  async function plansOf(file: string, work: (store: Store) => Promise<unknown>): Promise<readonly string[]> {
    const prepare = DatabaseSync.prototype.prepare
    const asked: string[] = []
    DatabaseSync.prototype.prepare = function (sql) {
      if (/FROM (runs r CROSS JOIN )?entries/.test(sql) && !/AS chain|WITH RECURSIVE/.test(sql))
        asked.push(sql)
      return prepare.call(this, sql)
    }
    try {
      await using store = sqliteStore(file)
      await work(store)
    } finally {
      DatabaseSync.prototype.prepare = prepare
    }
    using db = new DatabaseSync(file, { readOnly: true })
    return asked.map((sql) =>
      db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => String(row['detail']))
        .join('; '),
    )
  }

  test('entries are read by their range, the narrative by its index, and nothing is sorted', async () => {
    using place = scratch()
    await written(place.file)
    const plans = await plansOf(place.file, (store) => store.read('run-1', 0, 1, true))
    expect(plans).toHaveLength(3)
    for (const plan of plans) expect(plan).not.toMatch(/SCAN|TEMP B-TREE/)
    expect(plans.join('\n')).toMatch(/e USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)/)
    expect(plans.join('\n')).toMatch(/INDEX entries_narrative \(narrative=\? AND rowid>\? AND rowid<\?\)/)
  })

  test('neighbours are not read, and not removed', async () => {
    using place = scratch()
    await using store = sqliteStore(place.file)
    for (const id of ['a', 'b', 'c']) {
      await createRun(store, id)
      await store.append(
        await store.claim(id, ann, 60_000),
        writeOf(0, { rootRunId: id, runId: id, epoch: 1, holder: 'ann', deaths: 0 }),
      )
    }
    for (const [after, count] of [
      [-5, 1],
      [0, 1],
      [0.5, 1],
      [1, 0],
      [2 ** 32, 0],
      [2 ** 60, 0],
      [Infinity, 0],
    ] as const)
      expect([after, (await store.read('b', after, 10)).length]).toEqual([after, count])
    await store.remove('b')
    expect(await store.read('a', 0, 10)).toHaveLength(1)
    expect(await store.read('c', 0, 10)).toHaveLength(1)
    using db = new DatabaseSync(place.file, { readOnly: true })
    expect(
      db
        .prepare('SELECT place FROM entries')
        .all()
        .map((row) => row['place']),
    ).toEqual([2 ** 32 + 1, 3 * 2 ** 32 + 1])
  })

  test('the number of a removed run is of no account to the next', async () => {
    using place = scratch()
    await using store = sqliteStore(place.file)
    await createRun(store, 'a')
    const lease = await store.claim('a', ann, 60_000)
    await store.append(lease, writeOf(0, lease))
    await store.remove('a')
    await createRun(store, 'b')
    expect(await store.read('b', 0, 10)).toEqual([])
    await expect(store.append(lease, writeOf(1, lease))).rejects.toThrow(
      expect.objectContaining({ code: 'LEASE_LOST' }),
    )
  })

  test('a file is full at 2^21 runs, and keeps what it has', async () => {
    using place = scratch()
    await written(place.file)
    tamper(place.file, 'UPDATE runs SET run = 2097150')
    await using store = sqliteStore(place.file)
    await createRun(store, 'last')
    const lease = await store.claim('last', ann, 60_000)
    await store.append(lease, writeOf(0, lease))
    expect(await store.read('last', 0, 10)).toEqual(writeOf(0, lease).entries)
    await expect(createRun(store, 'one more')).rejects.toThrow(expect.objectContaining({ code: 'LIMIT' }))
    expect((await store.runs({}, 10)).map((run) => run.runId)).toEqual(['last', 'run-1'])
  })

  test('a run is full at 2^32 entries', async () => {
    using place = scratch()
    await written(place.file)
    tamper(place.file, 'UPDATE runs SET last_seq = 4294967294')
    await using store = sqliteStore(place.file)
    const lease = await store.claim('run-1', ann, 60_000)
    await store.append(lease, writeOf(2 ** 32 - 2, lease))
    expect((await store.read('run-1', 2 ** 32 - 2, 10))[0]?.seq).toBe(2 ** 32 - 1)
    await expect(store.append(lease, writeOf(2 ** 32 - 1, lease))).rejects.toThrow(
      expect.objectContaining({ code: 'LIMIT' }),
    )
    expect((await store.run('run-1'))?.lastSeq).toBe(2 ** 32 - 1)
  })
})

test('a clean file opens again and again, also after ANALYZE', async () => {
  using place = scratch()
  await written(place.file)
  tamper(place.file, 'ANALYZE')
  await using one = sqliteStore(place.file)
  await using two = sqliteStore(place.file)
  expect(await one.run('run-1')).toEqual(await two.run('run-1'))
})

describe('a file whose very first write was cut short', () => {
  /** The first half of the first page, and the rollback journal of a file that had `pages` pages before. */
  async function torn(path: string, pages: number): Promise<void> {
    const whole = `${path}.whole`
    await sqliteStore(whole).close()
    writeFileSync(path, readFileSync(whole).subarray(0, 2_048))
    const journal = Buffer.alloc(512)
    journal.write('d9d505f920a163d7', 'hex')
    journal.writeUInt32BE(pages, 16)
    journal.writeUInt32BE(512, 20)
    journal.writeUInt32BE(4_096, 24)
    writeFileSync(`${path}-journal`, journal)
  }

  test('is as good as none', async () => {
    using place = scratch()
    await torn(place.file, 0)
    await using store = sqliteStore(place.file)
    await createRun(store)
    expect(await store.runs({}, 10)).toHaveLength(1)
  })

  test('is not one that had something before', async () => {
    using place = scratch()
    await torn(place.file, 1)
    const before = contents(place.path)
    expect(() => sqliteStore(place.file)).toThrow(/was cut off at 2048 bytes/)
    expect(contents(place.path)).toEqual(before)
  })
})
