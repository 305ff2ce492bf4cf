/** The writer (W1–W4) on a disk that gets full, and on a lock that nobody gives back. */
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
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
