/** What the store needs of a database connection, how its rows are read, and what its errors mean. */
import { LimitError, StateCorruptError, StoreFailedError, UsageError } from '../../base/errors.ts'

export type SqlValue = null | number | string | Uint8Array
export type Row = Readonly<Record<string, unknown>>

export interface Statement {
  run(...values: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint }
  get(...values: SqlValue[]): Row | undefined
  all(...values: SqlValue[]): Row[]
}

export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
  readonly isTransaction: boolean
}

/** Opens a connection. `timeout`: how long it may block on another one's lock, ms. */
export type Connect = (
  path: string | URL,
  options: { readonly readOnly: boolean; readonly timeout: number },
) => Database

const BUSY = 5
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const PROTOCOL = 15
const TOOBIG = 18
const CONSTRAINT = 19
const MISMATCH = 20
const NOTADB = 26

/** True if another connection holds the lock: trying again later helps. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === BUSY
}

/** True if nothing can be known any more of what is written through this connection. */
export function isFatal(error: unknown): boolean {
  const code = codeOf(error)
  return code !== undefined && [IOERR, CORRUPT, CANTOPEN, PROTOCOL, NOTADB].includes(code)
}

/** True if there is no room: the write is undone, and nothing else is wrong. */
export function isFull(error: unknown): boolean {
  return codeOf(error) === FULL
}

/** Nothing more is written through this store. */
export function storeFailed(path: string, cause: unknown): StoreFailedError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StoreFailedError(
    `${path} could not be read or written (${why}): its store writes nothing more.`,
    {
      cause,
      hint: 'What was acknowledged is stored. See to the disk, open the file again, and resume.',
    },
  )
}

/** The typed error for one of SQLite; any other error as it is. */
export function typed(error: unknown, path: string): unknown {
  switch (codeOf(error)) {
    case CORRUPT:
    case NOTADB:
      return new StateCorruptError(`${path} is damaged. Restore it from a backup; nothing was overwritten.`, {
        cause: error,
      })
    case FULL:
      return new LimitError(`The disk of ${path} is full. Nothing was written; make room and resume.`, {
        cause: error,
      })
    case READONLY:
      return new UsageError(`${path} cannot be written: it, its folder or its disk is read only.`, {
        cause: error,
        hint: 'Nothing was written. Make it writable, or name another file, and resume.',
      })
    case IOERR:
    case CANTOPEN:
    case PROTOCOL:
      return storeFailed(path, error)
    case CONSTRAINT:
    case MISMATCH:
    case TOOBIG:
      return new UsageError('The write holds a value that the store cannot keep.', { cause: error })
    default:
      return isOutOfRange(error) ? new StateCorruptError(`${path} is damaged.`, { cause: error }) : error
  }
}

export function textOf(row: Row, name: string): string {
  const value = row[name]
  return typeof value === 'string' ? value : damaged(name)
}

export function numberOf(row: Row, name: string): number {
  const value = row[name]
  return typeof value === 'number' ? value : damaged(name)
}

export function bytesOf(row: Row, name: string): Uint8Array {
  const value = row[name]
  return value instanceof Uint8Array ? value : damaged(name)
}

/** `undefined` for NULL. */
export function optionalText(row: Row, name: string): string | undefined {
  return row[name] === null ? undefined : textOf(row, name)
}

/** `undefined` for NULL. */
export function optionalNumber(row: Row, name: string): number | undefined {
  return row[name] === null ? undefined : numberOf(row, name)
}

/** How many rows a query may give: SQLite reads a negative limit as none. */
export function limitOf(limit: number): number {
  return Math.max(0, Math.min(Math.floor(limit), Number.MAX_SAFE_INTEGER))
}

function damaged(name: string): never {
  throw new StateCorruptError(`A row of the state file is damaged: its ${name} has another type.`)
}

/** The primary result code. */
function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined
  return error.errcode & 0xff
}

/** An integer beyond 2^53 where we never write one. */
function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE'
}
