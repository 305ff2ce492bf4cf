/** `pca list`: the runs of a state file. Loads nothing that drives. */
import { UsageError } from '../../base/errors.ts'
import type { RunStatus } from '../../journal/store.ts'
import { listRuns, type RunSummary } from '../../run/inspect.ts'
import { openStore, storePlace } from '../place.ts'
import { sealedBy } from '../questions.ts'
import type { Pen, Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { cut, oneLine, padded, widthOf } from '../text.ts'

const STATUSES: readonly RunStatus[] = ['running', 'paused', 'completed', 'stopped', 'failed']

export async function list(screen: Screen, settings: Settings, status: readonly string[]): Promise<number> {
  const wanted = status.map(statusOf)
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  const runs = await listRuns(store, wanted.length === 0 ? {} : { status: wanted })
  if (screen.json) screen.data({ v: 1, runs })
  else if (runs.length === 0) screen.err.line('No runs.')
  else tellRuns(screen.out, runs, store.now())
  return 0
}

function statusOf(typed: string): RunStatus {
  const status = STATUSES.find((it) => it === typed)
  if (status !== undefined) return status
  throw new UsageError(`There is no status '${typed}'.`, { hint: `It is one of ${STATUSES.join(', ')}.` })
}

function tellRuns(pen: Pen, runs: readonly RunSummary[], now: number): void {
  const head = ['RUN', 'STATUS', 'STEPS', 'QUESTIONS', 'AGE', 'TASK']
  const rows = runs.map((run) => [
    run.runId,
    run.status,
    String(run.stepCount),
    run.questions === 0 ? '' : String(run.questions),
    ageOf(now - run.createdAt.getTime()),
    run.lockedBy === undefined ? oneLine(run.task) : sealedBy(run.lockedBy),
  ])
  // The last column takes what is left.
  const widths = head
    .slice(0, -1)
    .map((_, at) => Math.max(...[head, ...rows].map((row) => widthOf(row[at] ?? ''))))
  const lineOf = (row: readonly string[]): string =>
    cut(
      row
        .map((cell, at) => padded(cell, widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
      pen.columns,
    )
  pen.line(pen.paint('dim', lineOf(head)))
  for (const row of rows) pen.line(lineOf(row))
}

/** `12s`, `3m`, `4h`, `5d`. */
function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`
}
