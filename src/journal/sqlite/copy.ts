/**
 * Runs from one state file into another: row by row, every table that speaks of a run.
 *
 * Y1  Both files have our tables, column for column (O4 of `open.ts`): what is copied is data. A run gets the number
 *     that is free where it comes to.
 * Y2  Nobody drives the copy: of a lease only its epoch is taken along, so that epochs go on and never back. A lease
 *     that is there already is never written over.
 * Y3  Rules stay behind: what a person lets an agent do counts where it was said. A file that is taken in brings no
 *     permissions along.
 */
import { UsageError } from '../../base/errors.ts'
import type { RunId } from '../entry.ts'
import { bytesOf, numberOf, textOf } from './database.ts'
import type { Database, Row, SqlValue } from './database.ts'
import { checkRunNumber, placeOf } from './place.ts'

/** Copies every run of a family, in the order in which they were made. Inside a transaction of `to`. */
export function copyFamily(from: Database, to: Database, rootRunId: RunId): readonly RunId[] {
  const runs = from
    .prepare(`SELECT * FROM runs WHERE tenant = '' AND root_run_id = ? ORDER BY run`)
    .all(rootRunId)
  for (const run of runs) copyRun(from, to, run)
  const lease = from.prepare(`SELECT * FROM leases WHERE tenant = '' AND root_run_id = ?`).get(rootRunId)
  if (lease !== undefined) insertRow(to, 'leases', { ...lease, holder: '' })
  return runs.map((run) => textOf(run, 'run_id'))
}

/**
 * True if the run is in `to` already, as it is in `from` or further on.
 * @throws {UsageError} there is another run of that id.
 */
export function isCopied(from: Database, to: Database, runId: RunId): boolean {
  const [mine, theirs] = [rowOf(to, runId), rowOf(from, runId)]
  if (mine === undefined || theirs === undefined) return false
  const { seq, chain } = headOf(from, theirs)
  const same = chainAt(to, numberOf(mine, 'run'), seq)
  if (textOf(mine, 'key_id') === textOf(theirs, 'key_id') && isSame(chain, same)) return true
  throw new UsageError(`There is another run ${runId} in this file. Nothing was imported.`, {
    hint: 'Import into another file: --store <path>.',
  })
}

function copyRun(from: Database, to: Database, row: Row): void {
  const number = numberOf(row, 'run')
  const made = insertRow(to, 'runs', without(row, 'run'))
  checkRunNumber(made)
  const entries = from.prepare('SELECT * FROM entries WHERE place > ? AND place < ? ORDER BY place')
  for (const entry of entries.all(placeOf(number, 0), placeOf(number + 1, 0))) {
    const seq = numberOf(entry, 'place') - placeOf(number, 0)
    insertRow(to, 'entries', { ...entry, place: placeOf(made, seq) })
  }
  for (const { name, own } of tablesOfRuns(from)) {
    const order = own === undefined ? '' : `ORDER BY ${own}`
    const rest = name === 'inbox' ? `AND kind <> 'rule'` : ''
    for (const part of from.prepare(`SELECT * FROM ${name} WHERE run = ? ${rest} ${order}`).all(number))
      insertRow(to, name, { ...without(part, own ?? ''), run: made })
  }
}

/** The tables that have a run's number in a column: those that others lean on first. `own`: a number of the row's own. */
function tablesOfRuns(db: Database): readonly { readonly name: string; readonly own: string | undefined }[] {
  const tables = db
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('runs', 'entries') ORDER BY rowid`,
    )
    .all()
    .map((row) => textOf(row, 'name'))
  return tables.flatMap((name) => {
    const columns = db.prepare(`SELECT name, type, pk FROM pragma_table_info(?)`).all(name)
    if (!columns.some((column) => column['name'] === 'run')) return []
    const keys = columns.filter((column) => column['pk'] !== 0)
    const [key] = keys
    const own =
      keys.length === 1 && key?.['type'] === 'INTEGER' && key['name'] !== 'run' ? key['name'] : undefined
    return [{ name, own: typeof own === 'string' ? own : undefined }]
  })
}

/** The rowid of the new row. Table and columns are those of our own schema. */
function insertRow(db: Database, table: string, row: Row): number {
  const names = Object.keys(row)
  const marks = names.map(() => '?').join(', ')
  const insert = db.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks})`)
  return Number(insert.run(...names.map((name) => row[name] as SqlValue)).lastInsertRowid)
}

function rowOf(db: Database, runId: RunId): Row | undefined {
  return db.prepare(`SELECT * FROM runs WHERE tenant = '' AND run_id = ?`).get(runId)
}

function headOf(db: Database, row: Row): { readonly seq: number; readonly chain: Uint8Array | undefined } {
  const seq = numberOf(row, 'last_seq')
  return { seq, chain: chainAt(db, numberOf(row, 'run'), seq) }
}

function chainAt(db: Database, run: number, seq: number): Uint8Array | undefined {
  const row = db.prepare('SELECT chain FROM entries WHERE place = ?').get(placeOf(run, seq))
  return row === undefined ? undefined : bytesOf(row, 'chain')
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0
}

function without(row: Row, name: string): Row {
  return Object.fromEntries(Object.entries(row).filter(([key]) => key !== name))
}
