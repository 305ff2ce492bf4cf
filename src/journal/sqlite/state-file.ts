/** A state file as a file: looked over, copied, imported into, wrapped anew, cleared of runs, made smaller. */
import { closeSync, openSync } from 'node:fs'
import { StateCorruptError } from '../../base/errors.ts'
import type { RunId } from '../entry.ts'
import type { Instant } from '../fence.ts'
import { keyringOf, type Keyring, type StateKey } from '../keys.ts'
import type { Lease } from '../store.ts'
import { discardFamily, familyOf, fileFaults, rewrapped, runIds, wrapsIn, writeWraps } from './care.ts'
import { copyFamily, isCopied } from './copy.ts'
import { isBusy, textOf, typed, type Connect, type Database } from './database.ts'
import type { Leases } from './leases.ts'
import { openDatabase } from './open.ts'
import type { Runs } from './runs.ts'

export interface StateFile {
  readonly path: string
  /** What is wrong with the file itself, apart from what its runs say; in words. Reads all of it. */
  faults(): Promise<readonly string[]>
  /** The ids of all runs, oldest first; no row is opened. */
  runIds(): Promise<readonly RunId[]>
  /** The runs under one lease, the root first. */
  family(rootRunId: RunId): Promise<readonly { readonly runId: RunId; readonly status: string }[]>
  /**
   * Wraps the keys of all sealed runs under `next`, all or none; what they sealed stays as it is. How many were.
   * @throws {UsageError} the key of one is not given.
   */
  rekey(next: StateKey): Promise<number>
  /** Writes a new state file at `path` with one family of runs. */
  copyOf(rootRunId: RunId, path: string): Promise<readonly RunId[]>
  /** Writes a copy of the whole file at `path`, as it stood at one moment. Others may go on writing. */
  copy(path: string): Promise<void>
  /**
   * Takes over all runs of the state file at `path`, or none. Those that are here already are left alone.
   * @throws {UsageError} another run of the same id is here.
   */
  take(path: string): Promise<{ readonly imported: readonly RunId[]; readonly present: readonly RunId[] }>
  /** Removes the family of the leased run, keys first, so that nothing of it can be read again. The removed runs. */
  discard(lease: Lease): Promise<readonly RunId[]>
  /** Gives free pages back to the disk, unless somebody is at work in the file: then the pages are used again. */
  compact(): Promise<boolean>
}

export interface Parts {
  readonly db: Database
  readonly path: string
  readonly keyring: Keyring
  readonly runs: Runs
  readonly leases: Leases
  readonly instant: () => Instant
  readonly connect: Connect
  readonly copy: (path: string) => Promise<void>
  readonly read: <T>(work: () => T) => Promise<T>
  readonly write: <T>(work: () => T) => Promise<T>
}

export function stateFileOf(parts: Parts): StateFile {
  const { db, path, keyring, runs, leases, instant, connect, read, write } = parts

  /** The log holds what was overwritten until it begins anew. */
  function foldLog(): void {
    db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all()
  }

  return {
    path,
    faults: () => read(() => fileFaults(db)),
    runIds: () => read(() => runIds(db)),
    family: (rootRunId) => read(() => familyOf(db, rootRunId)),
    async rekey(next) {
      const changes = await rewrapped(await read(() => wrapsIn(db)), keyring, keyringOf(next))
      await write(() => writeWraps(db, changes))
      foldLog()
      return changes.length
    },
    async copyOf(rootRunId, to) {
      const made = openDatabase(connect, { path: to, create: true, readOnly: false })
      try {
        return await read(() => within(made, () => copyFamily(db, made, rootRunId)))
      } finally {
        made.close()
      }
    },
    async copy(to) {
      closeSync(openSync(to, 'wx', 0o600))
      await parts.copy(to)
    },
    async take(from) {
      const other = openDatabase(connect, { path: from, create: false, readOnly: true })
      try {
        return await write(() => within(other, () => taken(other, db)))
      } catch (error) {
        throw typed(error, from)
      } finally {
        other.close()
      }
    },
    async discard(lease) {
      const removed = await write(() => discardFamily(db, { runs, leases }, lease, instant()))
      foldLog()
      return removed
    },
    async compact() {
      try {
        if (await read(() => isDriven(db, instant().at))) return false
        db.exec('VACUUM')
        foldLog()
        return true
      } catch (error) {
        if (isBusy(error)) return false
        throw typed(error, path)
      }
    },
  }
}

/** Every family of `other` that is not in `db` yet. Inside a transaction of `db`. */
function taken(
  other: Database,
  db: Database,
): { readonly imported: readonly RunId[]; readonly present: readonly RunId[] } {
  const roots = other
    .prepare(
      `SELECT root_run_id, MIN(run) AS first FROM runs WHERE tenant = '' GROUP BY root_run_id ORDER BY first`,
    )
    .all()
    .map((row) => textOf(row, 'root_run_id'))
  const [imported, present]: [RunId[], RunId[]] = [[], []]
  for (const root of roots) {
    const ids = familyOf(other, root).map((run) => run.runId)
    // A run of somebody else's family would come under its lease.
    if (!ids.includes(root)) throw new StateCorruptError(`The runs of ${root} are there without it.`)
    const known = ids.filter((runId) => isCopied(other, db, runId))
    if (known.length > 0) present.push(...known)
    else imported.push(...copyFamily(other, db, root))
  }
  return { imported, present }
}

/** In a transaction of its own. */
function within<T>(db: Database, work: () => T): T {
  db.exec('BEGIN')
  try {
    const value = work()
    db.exec('COMMIT')
    return value
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function isDriven(db: Database, now: number): boolean {
  return (
    db.prepare(`SELECT 1 AS found FROM leases WHERE holder <> '' AND expires_at > ?`).get(now) !== undefined
  )
}
