/**
 * Keeping state files: verified, exported, imported, backed up, cleared of runs.
 *
 * A copy of an unfinished run is that run again, under the same id: whoever drives both does everything twice.
 */
import { RunBusyError, StateCorruptError, StateNotFoundError, UsageError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { RunId } from '../journal/entry.ts'
import type { StateKey } from '../journal/keys.ts'
import { atomically } from '../journal/sqlite/atomic.ts'
import { sqliteStore, type SqliteStore } from '../journal/sqlite.ts'
import type { RunRow, RunStatus } from '../journal/store.ts'
import { takeLease } from './lease.ts'
import { verifyRun, type RunCheck } from './verify.ts'

export interface FileCheck {
  /** What is wrong with the file itself. */
  readonly faults: readonly string[]
  readonly runs: readonly RunCheck[]
}

/** Everything that is wrong with a state file and with its runs, or with one of them. Only reads. */
export async function verifyStore(store: SqliteStore, runId?: RunId): Promise<FileCheck> {
  const faults = await store.file.faults()
  const runs: RunCheck[] = []
  for (const id of runId === undefined ? await store.file.runIds() : [runId])
    runs.push(await verifyRun(store, id))
  return { faults, runs }
}

/** @throws {StateCorruptError} naming the first thing that is wrong. */
async function mustBeSound(path: string, stateKey: StateKey | undefined): Promise<void> {
  await using store = sqliteStore(path, { readOnly: true, ...(stateKey === undefined ? {} : { stateKey }) })
  const { faults, runs } = await verifyStore(store)
  const wrong = runs.find((run) => run.faults.length > 0)
  const what = faults[0] ?? wrong?.faults[0]?.what
  if (what === undefined) return
  const where = faults.length > 0 || wrong === undefined ? path : `Run ${wrong.runId} of ${path}`
  throw new StateCorruptError(`${where} is damaged: ${what}`, {
    hint: `pca verify --store ${path} tells all.`,
  })
}

interface ToFile {
  /** Replace a file that is there. */
  readonly overwrite?: boolean
  readonly stateKey?: StateKey
}

/** One run with its family as a state file of its own. The runs that it holds. */
export async function exportRun(
  store: SqliteStore,
  runId: RunId,
  path: string,
  { overwrite = false, stateKey }: ToFile = {},
): Promise<readonly RunId[]> {
  const { rootRunId } = await rowOf(store, runId)
  let written: readonly RunId[] = []
  await atomically(path, overwrite, async (made) => {
    written = await store.file.copyOf(rootRunId, made)
    await mustBeSound(made, stateKey)
  })
  return written
}

/** A copy of the whole file, as it stands, which is sound. */
export async function backupStore(
  store: SqliteStore,
  path: string,
  { overwrite = false, stateKey }: ToFile = {},
): Promise<void> {
  await atomically(path, overwrite, async (made) => {
    await store.file.copy(made)
    await mustBeSound(made, stateKey)
  })
}

/** The runs of another state file. All of it is verified before anything is written. */
export async function importRuns(
  store: SqliteStore,
  path: string,
  stateKey?: StateKey,
): Promise<{ readonly imported: readonly RunId[]; readonly present: readonly RunId[] }> {
  await mustBeSound(path, stateKey)
  return store.file.take(path)
}

/**
 * Removes a run that rests, with its family. The removed runs.
 * @throws {RunBusyError} somebody drives it. @throws {UsageError} it is under way, or part of another run.
 */
export async function removeRun(store: SqliteStore, runId: RunId): Promise<readonly RunId[]> {
  return clear(store, runId, async () => undefined)
}

/** `mayGo` throws where the family, which nobody can drive meanwhile, must stay. */
async function clear(
  store: SqliteStore,
  runId: RunId,
  mayGo: (family: Awaited<ReturnType<SqliteStore['file']['family']>>) => Promise<void>,
): Promise<readonly RunId[]> {
  const lease = await takeLease(store, runId)
  try {
    if (lease.rootRunId !== runId)
      throw new UsageError(`Run ${runId} is part of run ${lease.rootRunId}: it goes with that one.`)
    const family = await store.file.family(runId)
    const busy = family.find((run) => run.status === 'running')
    if (busy !== undefined)
      throw new UsageError(`Run ${busy.runId} is under way.`, {
        hint: `Stop it first: pca stop ${busy.runId}`,
      })
    await mayGo(family)
    faultPoint('run-unremoved')
    const gone = await store.file.discard(lease)
    faultPoint('run-removed')
    return gone
  } finally {
    await store.release(lease)
  }
}

const FINISHED: readonly RunStatus[] = ['completed', 'failed', 'stopped']
const PAGE = 500

/** The runs that are finished, with all of their family, and were not touched since `before` (ms since the epoch). */
export async function oldRuns(store: SqliteStore, before: number): Promise<readonly RunRow[]> {
  const found: RunRow[] = []
  for (let cursor: RunId | undefined; ;) {
    const page = await store.runs({ status: FINISHED }, PAGE, cursor)
    for (const row of page) if (row.runId === row.rootRunId && row.updatedAt < before) found.push(row)
    if (page.length < PAGE) break
    cursor = page.at(-1)?.runId
  }
  const old: RunRow[] = []
  for (const row of found) if (await areOld(store, await store.file.family(row.runId), before)) old.push(row)
  return old.toReversed()
}

/** Removes what `oldRuns` finds. `busy`: somebody went on with it meanwhile, so it was left. */
export async function pruneRuns(
  store: SqliteStore,
  before: number,
): Promise<{ readonly removed: readonly RunId[]; readonly busy: readonly RunId[] }> {
  const [removed, busy]: [RunId[], RunId[]] = [[], []]
  for (const { runId } of await oldRuns(store, before)) {
    try {
      const gone = await clear(store, runId, async (family) => {
        if (!(await areOld(store, family, before)))
          throw new RunBusyError(`Somebody went on with run ${runId}.`)
      })
      removed.push(...gone)
    } catch (error) {
      if (!(error instanceof RunBusyError || error instanceof UsageError)) throw error
      busy.push(runId)
    }
  }
  return { removed, busy }
}

async function areOld(
  store: SqliteStore,
  family: readonly { readonly runId: RunId }[],
  before: number,
): Promise<boolean> {
  const rows = await Promise.all(family.map(async (member) => store.run(member.runId)))
  return rows.every((row) => row !== undefined && FINISHED.includes(row.status) && row.updatedAt < before)
}

async function rowOf(store: SqliteStore, runId: RunId): Promise<RunRow> {
  const row = await store.run(runId)
  if (row === undefined) throw new StateNotFoundError(`There is no run ${runId}.`)
  return row
}
