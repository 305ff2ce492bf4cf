/** The writer (W1–W5) on a disk that gets full or fails, and on a lock that nobody gives back. */
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import type { Database, Statement } from '../../src/journal/sqlite/database.ts'
import { writerOf } from '../../src/journal/sqlite/writer.ts'
import type { Writer } from '../../src/journal/sqlite/writer.ts'
import { scratch } from './fixtures/files.ts'

interface Bench extends Disposable {
  readonly db: DatabaseSync
  readonly writer: Writer
  put(size: number): Promise<number>
  sizes(): readonly number[]
}

/** A database that has room for about 200 kB. */
function bench(): Bench {
  const place = scratch()
  const db = new DatabaseSync(place.file, { timeout: 5 })
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (b BLOB); PRAGMA max_page_count = 50',
  )
  const insert = db.prepare('INSERT INTO t VALUES (?)')
  const writer = writerOf(db, 'the file', 300)
  return {
    db,
    writer,
    put: (size) =>
      writer.write(() => {
        insert.run(new Uint8Array(10))
        insert.run(new Uint8Array(size))
        return size
      }),
    sizes: () =>
      db
        .prepare('SELECT length(b) AS n FROM t ORDER BY rowid')
        .all()
        .map((row) => Number(row['n'])),
    [Symbol.dispose]() {
      db.close()
      place[Symbol.dispose]()
    },
  }
}

test('W2, W4: a full disk refuses the write that does not fit; its neighbours are stored once each', async () => {
  using it = bench()
  const outcomes = await Promise.allSettled([it.put(1), it.put(2), it.put(1_000_000), it.put(3)])
  expect(outcomes.map((outcome) => outcome.status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
  expect(outcomes[2]).toMatchObject({
    reason: { code: 'LIMIT', message: expect.stringContaining('the file is full') },
  })
  expect(it.sizes()).toEqual([10, 1, 10, 2, 10, 3])
})

test('W2: a write that throws changes nothing, and says why', async () => {
  using it = bench()
  const wrong = it.writer.write(() => {
    it.db.exec('DELETE FROM t')
    throw new RangeError('no')
  })
  const outcomes = await Promise.allSettled([it.put(1), wrong, it.put(2)])
  expect(outcomes[1]).toMatchObject({ status: 'rejected', reason: new RangeError('no') })
  expect(it.sizes()).toEqual([10, 1, 10, 2])
})

test('W1: nothing is acknowledged whose commit fails', async () => {
  using it = bench()
  it.db.exec(`CREATE TABLE p (id INTEGER PRIMARY KEY);
    CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)`)
  const orphan = it.writer.write(() => it.db.exec('INSERT INTO c VALUES (7)'))
  const outcomes = await Promise.allSettled([it.put(1), orphan])
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])
  expect(it.sizes()).toEqual([])
  await it.put(5)
  expect(it.sizes()).toEqual([10, 5])
})

test('reads see one moment, and see no write that was not acknowledged', async () => {
  using it = bench()
  const written = it.put(1)
  expect(await it.writer.read(() => it.sizes())).toEqual([])
  await written
  await expect(it.writer.read(() => it.db.exec('nonsense'))).rejects.toThrow(/nonsense/)
  expect(await it.writer.read(() => it.sizes())).toEqual([10, 1])
})

test('idle: when all is written', async () => {
  using it = bench()
  await it.writer.idle()
  const written = Array.from({ length: 200 }, (_, index) => it.put(index % 7))
  await it.writer.idle()
  expect(it.sizes()).toHaveLength(400)
  await Promise.all(written)
})

test('W3: a lock that nobody gives back is told in the end', async () => {
  using it = bench()
  const file = it.db.location()
  if (file === null) throw new Error('no file')
  const other = new DatabaseSync(file)
  other.exec('BEGIN IMMEDIATE')
  const began = performance.now()
  await expect(it.put(1)).rejects.toThrow(expect.objectContaining({ code: 'RUN_BUSY' }))
  expect(performance.now() - began).toBeGreaterThan(290)
  other.exec('COMMIT')
  other.close()
  await it.put(1)
})

/** The database, whose `statement` fails with SQLite's `errcode` where it is run the n-th time, after it was tried. */
function failing(db: DatabaseSync, statement: string, errcode: number, nth = 1): Database {
  let runs = 0
  return {
    exec: (sql) => db.exec(sql),
    close: () => db.close(),
    get isTransaction() {
      return db.isTransaction
    },
    prepare(sql) {
      const real: Statement = db.prepare(sql)
      if (sql !== statement) return real
      return {
        get: real.get.bind(real),
        all: real.all.bind(real),
        run: (...values) => {
          if (++runs !== nth) return real.run(...values)
          // As SQLite does after an error of the disk: the transaction is undone.
          if (db.isTransaction) db.exec('ROLLBACK')
          throw Object.assign(new Error('disk I/O error'), { errcode })
        },
      }
    },
  }
}

describe('W5: a store that does not know what is on the disk writes nothing more', () => {
  const put = (db: DatabaseSync, writer: Writer, size: number): Promise<unknown> =>
    writer.write(() => db.prepare('INSERT INTO t VALUES (?)').run(new Uint8Array(size)))

  test.each([
    ['COMMIT', 'SQLITE_IOERR_FSYNC', 1034],
    ['COMMIT', 'SQLITE_IOERR_WRITE', 778],
    ['COMMIT', 'an error that nobody knows', 1],
    ['BEGIN IMMEDIATE', 'SQLITE_IOERR_READ', 266],
    ['BEGIN IMMEDIATE', 'SQLITE_CANTOPEN', 14],
    ['SAVEPOINT job', 'SQLITE_IOERR_SHORT_READ', 522],
  ])('%s: %s', async (statement, _name, errcode) => {
    using it = bench()
    const writer = writerOf(failing(it.db, statement, errcode, 2), 'the file', 300)
    await put(it.db, writer, 1)
    const refused = expect.objectContaining({
      code: 'STORE_FAILED',
      message: expect.stringContaining('the file'),
    })
    const both = await Promise.allSettled([put(it.db, writer, 2), put(it.db, writer, 3)])
    expect(both).toEqual([2, 3].map(() => ({ status: 'rejected', reason: refused })))
    await expect(put(it.db, writer, 4)).rejects.toThrow(refused)
    await writer.idle()
    expect(it.sizes()).toEqual([1])
    expect(await writer.read(() => it.sizes())).toEqual([1])
  })

  test.each([
    ['SQLITE_FULL', 13, 'LIMIT'],
    ['SQLITE_READONLY', 8, 'USAGE'],
  ])('%s refuses its own write only', async (_name, errcode, code) => {
    using it = bench()
    const writer = writerOf(failing(it.db, 'SAVEPOINT job', errcode, 2), 'the file', 300)
    await put(it.db, writer, 1)
    await expect(put(it.db, writer, 2)).rejects.toThrow(expect.objectContaining({ code }))
    await put(it.db, writer, 3)
    expect(it.sizes()).toEqual([1, 3])
  })

  test('what another connection of the store met counts too', async () => {
    using it = bench()
    const heard = it.writer.heard(Object.assign(new Error('disk I/O error'), { errcode: 778 }))
    expect(heard).toMatchObject({ code: 'STORE_FAILED' })
    await expect(it.put(1)).rejects.toThrow(expect.objectContaining({ code: 'STORE_FAILED' }))
  })
})
