/** What a file is, found out without leaving a trace on it (O1 of `open.ts`). */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { StateCorruptError, UsageError } from '../../base/errors.ts'
import { APPLICATION_ID, build, schemaOf, VERSION } from '../migrations.ts'
import { typed } from './database.ts'
import type { Connect, Database } from './database.ts'

const MAGIC = 'SQLite format 3\0'
const HEADER_BYTES = 100
const JOURNAL_MAGIC = 'd9d505f920a163d7'
const JOURNAL_HEADER_BYTES = 28
const TIMEOUT_MS = 20
const MOST_READINGS = 100

/** What a file is, by its own bytes. A `blank` one holds nothing yet. */
export type Found = { readonly is: 'missing' | 'blank' } | { readonly is: 'ours'; readonly version: number }

/** O1. What is wrong with a file that another process creates or closes meanwhile may be only the moment: it is read again. */
export function inspect(connect: Connect, path: string): Found {
  for (let again = 0; ; again++) {
    const before = stampOf(path)
    try {
      return read(connect, path)
    } catch (error) {
      if (again === MOST_READINGS || stampOf(path) === before) throw error
    }
  }
}

/** Another one after every change to the file, or to what stands beside it while it is written. */
function stampOf(path: string): string {
  return ['', '-wal', '-journal']
    .map((end) => statSync(path + end, { bigint: true, throwIfNoEntry: false }))
    .map((stats) => (stats === undefined ? 'none' : `${stats.ino} ${stats.size} ${stats.mtimeNs}`))
    .join(', ')
}

function read(connect: Connect, path: string): Found {
  const header = readHeader(path)
  if (header === undefined) return { is: 'missing' }
  const hasLog = sizeOf(`${path}-wal`) > 0
  if (header.size === 0) {
    if (hasLog)
      throw new StateCorruptError(
        `${path} is empty, but its log is not: it was cut off. Restore it from a backup.`,
      )
    return { is: 'blank' }
  }
  if (!hasLog && isUnborn(path)) return { is: 'blank' }
  const { bytes } = header
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 16) !== MAGIC) {
    throw new StateCorruptError(
      `${path} is not a state file of persistent-code-agent. Name another path; nothing was changed.`,
    )
  }
  const application = bytes.readUInt32BE(68)
  if (application !== 0 || !hasLog) checkApplication(application, path, hasLog, header.pages)
  if (application === APPLICATION_ID) checkNewer(bytes.readUInt32BE(60), path)
  if (!hasLog && header.size < header.pages * header.pageSize) {
    throw new StateCorruptError(
      `${path} was cut off at ${header.size} bytes. Restore it from a backup; nothing was changed.`,
    )
  }
  return look(connect, path, hasLog)
}

/** Lets SQLite read the schema: as an immutable file, or, where there is a log already, as one more reader of it. */
function look(connect: Connect, path: string, hasLog: boolean): Found {
  const url = pathToFileURL(path)
  url.search = '?immutable=1'
  const db = connect(hasLog ? path : url, { readOnly: true, timeout: TIMEOUT_MS })
  try {
    db.exec('PRAGMA trusted_schema = OFF')
    const schema = schemaOf(db)
    if (schema === '[]') return { is: 'blank' }
    checkApplication(
      Number(db.prepare('PRAGMA application_id').get()?.['application_id']) >>> 0,
      path,
      hasLog,
      2,
    )
    const version = versionOf(db)
    checkNewer(version, path)
    checkSchema(connect, db, version, path)
    return { is: 'ours', version }
  } catch (error) {
    throw typed(error, path)
  } finally {
    db.close()
  }
}

/** A file of one page without an application may be one whose creation was cut short: SQLite tells. */
function checkApplication(application: number, path: string, hasLog: boolean, pages: number): void {
  if (application === APPLICATION_ID || (application === 0 && !hasLog && pages === 1)) return
  throw new StateCorruptError(
    `${path} is a database of another program. Name another path; nothing was changed.`,
  )
}

function checkNewer(version: number, path: string): void {
  if (version > VERSION) throw newerError(version, path)
}

export function newerError(version: number, path: string): StateCorruptError {
  return new StateCorruptError(
    `${path} was written by a newer version of persistent-code-agent (${version}, this one knows ${VERSION}). Update the package; nothing was changed.`,
  )
}

/** O4. */
export function checkSchema(connect: Connect, db: Database, version: number, path: string): void {
  const fresh = connect(':memory:', { readOnly: false, timeout: 0 })
  try {
    build(fresh, version)
    if (schemaOf(fresh) === schemaOf(db)) return
  } finally {
    fresh.close()
  }
  throw new StateCorruptError(
    `The tables of ${path} are not those of a state file: it was changed by another program. Nothing was changed.`,
  )
}

export function versionOf(db: Database): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
}

/**
 * True if the very first write to the file was cut short: its rollback journal (https://sqlite.org/fileformat.html, 3)
 * says that the file had no pages before. SQLite takes it back to that when it opens it.
 */
function isUnborn(path: string): boolean {
  const journal = `${path}-journal`
  if (sizeOf(journal) < JOURNAL_HEADER_BYTES) return false
  const bytes = readFirst(journal, JOURNAL_HEADER_BYTES).bytes
  return bytes.toString('hex', 0, 8) === JOURNAL_MAGIC && bytes.readUInt32BE(16) === 0
}

interface Header {
  readonly size: number
  readonly bytes: Buffer
  readonly pages: number
  readonly pageSize: number
}

function readHeader(path: string): Header | undefined {
  if (!existsSync(path)) return undefined
  if (!statSync(path).isFile()) throw new UsageError(`${path} is not a file.`)
  const { bytes, size } = readFirst(path, HEADER_BYTES)
  const isWhole = bytes.length === HEADER_BYTES
  const pageSize = isWhole ? bytes.readUInt16BE(16) : 0
  return {
    size,
    bytes,
    pageSize: pageSize === 1 ? 65_536 : pageSize,
    pages: isWhole ? bytes.readUInt32BE(28) : 0,
  }
}

/** The first bytes of a file, as many as it has. */
function readFirst(path: string, count: number): { readonly bytes: Buffer; readonly size: number } {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(count)
    return { bytes: buffer.subarray(0, readSync(file, buffer, 0, count, 0)), size: fstatSync(file).size }
  } finally {
    closeSync(file)
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
