/** The bare floor: fsynced SQLite transactions of given sizes, with nothing around them. */
import { DatabaseSync } from 'node:sqlite'
import { read, type Reading } from './measure.ts'

/** Writes a row of each size in a transaction of its own; a reading after each. */
export function bareTransactions(path: string, sizes: readonly number[]): readonly Reading[] {
  using db = new DatabaseSync(path)
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)',
  )
  const insert = db.prepare('INSERT INTO t (b) VALUES (?)')
  const [begin, commit] = [db.prepare('BEGIN IMMEDIATE'), db.prepare('COMMIT')]
  return sizes.map((size) => {
    begin.run()
    insert.run(new Uint8Array(size).fill(65))
    commit.run()
    return read()
  })
}
