/** `pca export`, `pca import`, `pca backup`: state files that hold one run, or all. Each is whole and verified, or not there. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { StateNotFoundError, UsageError } from '../../base/errors.ts'
import type { RunId } from '../../journal/entry.ts'
import { backupStore, exportRun, importRuns } from '../../run/keep.ts'
import { findRun } from '../find.ts'
import { near, openStore, storePlace } from '../place.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { counted, safe } from '../text.ts'
import { isOpen } from '../../journal/view.ts'

export interface CopyOptions {
  /** Replace a file that is there. */
  readonly force?: boolean
}

export async function exportOne(
  screen: Screen,
  settings: Settings,
  { given, file }: { readonly given: string; readonly file: string | undefined },
  { force = false }: CopyOptions,
): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  const run = await findRun(store, given)
  const { runId } = run
  const path = resolve(file ?? `${runId}.db`)
  const runs = await exportRun(store, runId, path, { overwrite: force })
  if (screen.json) screen.data({ v: 1, file: path, runs })
  else {
    screen.out.line(`${counted(runs.length, 'run')} in ${safe(near(path))}.`)
    if (isOpen(run)) screen.err.line('It is not finished: go on with it here or there, not in both places.')
  }
  return 0
}

export async function importFile(screen: Screen, settings: Settings, file: string): Promise<number> {
  const path = resolve(file)
  if (!existsSync(path)) throw new StateNotFoundError(`There is no file ${path}.`)
  const place = await storePlace(settings)
  if (place.file === path) throw new UsageError('A state file cannot be imported into itself.')
  await using store = openStore(place, 'create')
  const { imported, present } = await importRuns(store, path)
  if (screen.json) screen.data({ v: 1, imported, present })
  else {
    tellRuns(screen, imported, 'imported')
    tellRuns(screen, present, 'here already')
  }
  return 0
}

export async function backup(
  screen: Screen,
  settings: Settings,
  file: string,
  { force = false }: CopyOptions,
): Promise<number> {
  const path = resolve(file)
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  await backupStore(store, path, { overwrite: force })
  const runs = await store.file.runIds()
  if (screen.json) screen.data({ v: 1, file: path, runs: runs.length })
  else screen.out.line(`${counted(runs.length, 'run')} in ${safe(near(path))}, verified.`)
  return 0
}

function tellRuns({ out }: Screen, runs: readonly RunId[], how: string): void {
  for (const runId of runs) out.line(`${runId}  ${how}`)
}
