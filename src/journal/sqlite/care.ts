/** What is done to a file as a whole, or to a family of runs in it: looked over, wrapped anew, removed, made smaller. */
import { RunBusyError, StateCorruptError, UsageError } from '../../base/errors.ts'
import type { RunId } from '../entry.ts'
import type { Instant } from '../fence.ts'
import type { Keyring, KeyWrap } from '../keys.ts'
import type { Lease } from '../store.ts'
import { numberOf, textOf } from './database.ts'
import type { Database } from './database.ts'
import type { Leases } from './leases.ts'
import type { Runs } from './runs.ts'
import { SEAL, WITH_WRAPS, wrapIn } from './seals.ts'

const MOST_FAULTS = 20

/** What is wrong with the file itself, apart from what its runs say; in words. */
export function fileFaults(db: Database): readonly string[] {
  const faults = db
    .prepare(`PRAGMA integrity_check(${MOST_FAULTS})`)
    .all()
    .map((row) => textOf(row, 'integrity_check'))
    .filter((text) => text !== 'ok')
  const lost = db.prepare('SELECT * FROM pragma_foreign_key_check').all()
  if (lost.length > 0) faults.push(`${lost.length} rows belong to a run that is not there.`)
  const entries = db
    .prepare('SELECT COUNT(*) AS count FROM entries WHERE (place >> 32) NOT IN (SELECT run FROM runs)')
    .get()
  const count = entries === undefined ? 0 : numberOf(entries, 'count')
  if (count > 0) faults.push(`${count} entries belong to a run that is not there.`)
  return faults
}

/** The ids of all runs, oldest first. */
export function runIds(db: Database): readonly RunId[] {
  return db
    .prepare(`SELECT run_id FROM runs WHERE tenant = '' ORDER BY run`)
    .all()
    .map((row) => textOf(row, 'run_id'))
}

/** The runs whose wraps are to be changed, with what they are changed to. */
export interface Rewrap {
  readonly runId: RunId
  readonly from: KeyWrap
  readonly to: KeyWrap
}

/**
 * New wraps for all runs that are not under the new key yet. Nothing is written here.
 * @throws {UsageError} a run's key is not given: all are wrapped anew, or none.
 */
export async function rewrapped(
  wraps: readonly (readonly [RunId, KeyWrap])[],
  keyring: Keyring,
  next: Keyring,
): Promise<readonly Rewrap[]> {
  const changes: Rewrap[] = []
  let near: string | undefined
  for (const [runId, from] of wraps) {
    if (await opens(next, runId, from)) continue
    const to = await next.wrap(runId, await keyring.unwrap(runId, from), near)
    if (to === undefined) throw new UsageError('There is no new state key.')
    if (to.stretch !== '') near = to.stretch
    changes.push({ runId, from, to })
  }
  return changes
}

async function opens(keyring: Keyring, runId: RunId, wrap: KeyWrap): Promise<boolean> {
  try {
    await keyring.unwrap(runId, wrap)
    return true
  } catch (error) {
    if (error instanceof UsageError) return false
    throw error
  }
}

export function wrapsIn(db: Database): readonly (readonly [RunId, KeyWrap])[] {
  const rows = db.prepare(
    `SELECT r.run_id, ${SEAL} FROM runs r ${WITH_WRAPS} WHERE r.key_id <> '' ORDER BY r.run`,
  )
  return rows.all().flatMap((row): (readonly [RunId, KeyWrap])[] => {
    const runId = textOf(row, 'run_id')
    try {
      const wrap = wrapIn(runId, row)
      return wrap === undefined ? [] : [[runId, wrap]]
    } catch (error) {
      // Its key is gone: there is nothing to wrap.
      if (error instanceof StateCorruptError) return []
      throw error
    }
  })
}

/** Inside a transaction. A wrap that was changed or dropped meanwhile is left as it is. */
export function writeWraps(db: Database, changes: readonly Rewrap[]): void {
  const update = db.prepare(`UPDATE wraps SET key_id = ?, stretch = ?, salt = ?, wrapped = ?
    WHERE wrapped = ? AND run = (SELECT run FROM runs WHERE tenant = '' AND run_id = ?)`)
  for (const { runId, from, to } of changes)
    update.run(to.keyId, to.stretch, to.salt, to.wrapped, from.wrapped, runId)
}

/** The runs of a family, the root first. */
export function familyOf(
  db: Database,
  rootRunId: RunId,
): readonly { readonly runId: RunId; readonly status: string }[] {
  return db
    .prepare(`SELECT run_id, status FROM runs WHERE tenant = '' AND root_run_id = ? ORDER BY run`)
    .all(rootRunId)
    .map((row) => ({ runId: textOf(row, 'run_id'), status: textOf(row, 'status') }))
}

/**
 * Removes the whole family of the leased run, its keys first. Inside a transaction.
 * @throws {LeaseLostError} @throws {RunBusyError} one of them is under way.
 */
export function discardFamily(
  db: Database,
  { runs, leases }: { readonly runs: Runs; readonly leases: Leases },
  lease: Lease,
  now: Instant,
): readonly RunId[] {
  leases.check(lease, now)
  const family = familyOf(db, lease.rootRunId)
  const busy = family.find((run) => run.status === 'running')
  if (busy !== undefined) throw new RunBusyError(`Run ${busy.runId} is under way.`)
  db.prepare(
    `DELETE FROM wraps WHERE run IN (SELECT run FROM runs WHERE tenant = '' AND root_run_id = ?)`,
  ).run(lease.rootRunId)
  for (const { runId } of family) runs.remove(runId)
  return family.map((run) => run.runId)
}
