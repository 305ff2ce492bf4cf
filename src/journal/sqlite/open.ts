/**
 * Opening a state file: first looked at without a trace, then opened, then brought up to date.
 *
 * O1  A file that is refused is left byte for byte as it was, and nothing is left beside it: until it is known to be
 *     ours, it is read as plain bytes, or by SQLite as an immutable file (no lock, no log, no index).
 * O2  What is acknowledged survives power loss: WAL with synchronous=FULL, and the directory is synced at creation.
 * O3  The file is readable by its owner only, and so are its log and index, which take their mode from it.
 * O4  SQL that a file brings along never runs: its schema is compared with ours first, and is not trusted after.
 */
import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { StateCorruptError, StateNotFoundError, UsageError } from '../../base/errors.ts'
import { migrate, VERSION } from '../migrations.ts'
import { isBusy, typed } from './database.ts'
import type { Connect, Database } from './database.ts'
import { checkFileSystem, syncFolder } from './file-system.ts'
import { checkSchema, inspect, versionOf } from './inspect.ts'

export interface OpenRequest {
  readonly path: string
  readonly create: boolean
  readonly readOnly: boolean
}

/** How long one statement may block on another process's lock (ms); the writer waits longer, asynchronously. */
const TIMEOUT_MS = 20
/** Opening is synchronous: how long another process may be in the middle of creating the same file. */
const OPEN_TIMEOUT_MS = 10_000
const PAUSE_MS = 10
const LOOKS = 4
const OLDEST_SQLITE = [3, 51, 3] as const

/** @throws {StateNotFoundError} @throws {StateCorruptError} @throws {UsageError} */
export function openDatabase(connect: Connect, request: OpenRequest): Database {
  checkLibrary(connect)
  if (!request.readOnly) checkFileSystem(request.path)
  const deadline = systemClock.now() + OPEN_TIMEOUT_MS
  for (let looks = 1; ; looks++) {
    try {
      return openOnce(connect, request)
    } catch (error) {
      // Read as plain bytes (O1), a file can look damaged while another process merges its log into it. Look again.
      const mayPass = isBusy(error)
        ? systemClock.now() < deadline
        : error instanceof StateCorruptError && looks < LOOKS
      if (!mayPass) throw typed(error, request.path)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    }
  }
}

/** @throws {UsageError} below 3.51.3, SQLite can lose what two connections write to a log at once. */
export function checkSqliteVersion(version: string): void {
  const found = version.split('.').map(Number)
  for (const [index, least] of OLDEST_SQLITE.entries()) {
    const part = found[index] ?? 0
    if (part > least) return
    if (part < least) {
      throw new UsageError(
        `This Node.js has SQLite ${version}, which can damage files; ${OLDEST_SQLITE.join('.')} is needed. Use Node.js 24.18 or newer.`,
      )
    }
  }
}

function checkLibrary(connect: Connect): void {
  const db = connect(':memory:', { readOnly: false, timeout: 0 })
  try {
    checkSqliteVersion(String(db.prepare('SELECT sqlite_version() AS version').get()?.['version']))
  } finally {
    db.close()
  }
}

function openOnce(connect: Connect, request: OpenRequest): Database {
  const { path, create, readOnly } = request
  const found = inspect(connect, path)
  if (found.is !== 'ours' && (!create || readOnly)) {
    throw new StateNotFoundError(
      found.is === 'missing' ? `There is no state file ${path}.` : `${path} is empty: it holds no runs.`,
    )
  }
  if (found.is === 'ours' && readOnly && found.version < VERSION) {
    throw new UsageError(
      `${path} is of version ${found.version}, this program reads ${VERSION}: open it for writing once.`,
    )
  }
  if (found.is === 'missing') createFile(path)
  const db = openFound(connect, request)
  try {
    prepare(connect, db, request)
  } catch (error) {
    db.close()
    throw error
  }
  return db
}

/** A reader without the right to write still reads; one with it leaves no log behind. */
function openFound(connect: Connect, { path, readOnly }: OpenRequest): Database {
  try {
    return connect(path, { readOnly: readOnly && !isWritable(path), timeout: TIMEOUT_MS })
  } catch (error) {
    if (isBusy(error)) throw error
    throw new UsageError(`${path} cannot be opened.`, { cause: error })
  }
}

function prepare(connect: Connect, db: Database, { path, readOnly }: OpenRequest): void {
  db.exec(
    'PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY',
  )
  if (readOnly) {
    db.exec('PRAGMA query_only = ON')
    return
  }
  const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
  if (mode !== 'wal')
    throw new UsageError(
      `The file system of ${path} cannot keep a write-ahead log. Put the file on a local disk.`,
    )
  // FAST: what is removed is overwritten wherever its page is written anyway, the keys of removed runs among it.
  db.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = FAST')
  // T1: on macOS fsync() leaves the bytes in the drive's cache, F_FULLFSYNC does not. Nothing elsewhere.
  db.exec('PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON')
  if (versionOf(db) === VERSION) return
  db.exec('BEGIN IMMEDIATE')
  try {
    const version = versionOf(db)
    checkSchema(connect, db, version, path)
    if (version < VERSION) migrate(db, version)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
  // From here on the file's own header says what it is, without its log (O1). Busy: the next one does it.
  db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all()
}

/** O2, O3. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (isCode(error, 'EEXIST')) return
    throw new UsageError(
      `${path} cannot be created: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
  syncFolder(dirname(path))
}

function isWritable(path: string): boolean {
  try {
    closeSync(openSync(path, 'r+'))
    return true
  } catch {
    return false
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
