/** `pca rm`, `pca prune`: runs that nobody needs any more go for good, and the file gets smaller. */
import { milliseconds } from '../../base/duration.ts'
import type { SqliteStore } from '../../journal/sqlite.ts'
import { oldRuns, pruneRuns, removeRun } from '../../run/keep.ts'
import { confirmed } from '../confirm.ts'
import { findId } from '../find.ts'
import { openStore, storePlace } from '../place.ts'
import { sealedBy } from '../questions.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { counted, cut, oneLine } from '../text.ts'

export interface RemoveOptions {
  readonly yes?: boolean
}

export interface PruneOptions extends RemoveOptions {
  readonly olderThan: string
  readonly dryRun?: boolean
}

export async function rm(
  screen: Screen,
  settings: Settings,
  given: string,
  { yes = false }: RemoveOptions,
): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'write')
  const runId = findId(await store.file.runIds(), given)
  if (!yes && !(await confirmed(screen, `Remove run ${runId} for good?`))) return 0
  const removed = await removeRun(store, runId)
  const compacted = await store.file.compact()
  if (screen.json) screen.data({ v: 1, removed, compacted })
  else screen.out.line(`${counted(removed.length, 'run')} removed.`)
  return 0
}

export async function prune(
  screen: Screen,
  settings: Settings,
  { olderThan, dryRun = false, yes = false }: PruneOptions,
): Promise<number> {
  const age = milliseconds(/^\d+$/.test(olderThan) ? Number(olderThan) : olderThan, '--older-than')
  const place = await storePlace(settings)
  await using store = openStore(place, dryRun ? 'read' : 'write')
  const before = store.now() - age
  const old = await oldRuns(store, before)
  if (!screen.json)
    for (const { runId, status, updatedAt, task, lockedBy } of old) {
      const what = lockedBy === undefined ? oneLine(task) : sealedBy(lockedBy)
      screen.out.line(
        cut(`${runId}  ${status}  ${new Date(updatedAt).toISOString()}  ${what}`, screen.out.columns),
      )
    }
  if (dryRun || old.length === 0) {
    if (screen.json) screen.data({ v: 1, old: old.map((run) => run.runId), removed: [], busy: [] })
    else
      screen.out.line(
        old.length === 0 ? 'Nothing to remove.' : `${counted(old.length, 'run')} would be removed.`,
      )
    return 0
  }
  if (!yes && !(await confirmed(screen, `Remove ${counted(old.length, 'run')} for good?`))) return 0
  return await removeAll(screen, store, before)
}

async function removeAll(screen: Screen, store: SqliteStore, before: number): Promise<number> {
  const { removed, busy } = await pruneRuns(store, before)
  const compacted = await store.file.compact()
  if (screen.json) screen.data({ v: 1, removed, busy, compacted })
  else {
    screen.out.line(`${counted(removed.length, 'run')} removed.`)
    for (const runId of busy) screen.err.line(`Run ${runId} is in use again, and was left.`)
  }
  return 0
}
