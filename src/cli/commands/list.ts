/** `pca list`: the runs of a state file. Loads nothing that drives. */
import { milliseconds } from '../../base/duration.ts'
import { UsageError } from '../../base/errors.ts'
import type { RunStatus, Store } from '../../journal/store.ts'
import { listRuns, type RunSummary } from '../../run/inspect.ts'
import { openStore, storePlace } from '../place.ts'
import { sealedBy } from '../questions.ts'
import type { Pen, Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { counted, cut, jsonText, oneLine, padded, widthOf } from '../text.ts'

const STATUSES: readonly RunStatus[] = ['running', 'paused', 'completed', 'stopped', 'failed']

export interface ListOptions {
  readonly status?: readonly string[]
  readonly of?: string
  readonly since?: string
  readonly watch?: boolean
}

export async function list(screen: Screen, settings: Settings, options: ListOptions): Promise<number> {
  const status = (options.status ?? []).map(statusOf)
  const age = options.since === undefined ? undefined : milliseconds(options.since, '--since')
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  const look = async (): Promise<readonly RunSummary[]> => {
    const runs = await listRuns(store, {
      ...(status.length === 0 ? {} : { status }),
      ...(options.of === undefined ? {} : { agent: options.of }),
    })
    return age === undefined ? runs : runs.filter((run) => run.updatedAt.getTime() >= store.now() - age)
  }
  if (options.watch === true) return await watch(screen, store, look)
  const runs = await look()
  if (screen.json) screen.data({ v: 1, runs })
  else if (runs.length === 0) screen.err.line('No runs.')
  else tellRuns(screen.out, runs, store.now())
  return 0
}

/** Until a signal ends the process: it changes nothing, so nothing is to be brought to an end. */
async function watch(
  screen: Screen,
  store: Store,
  look: () => Promise<readonly RunSummary[]>,
): Promise<number> {
  let wake: () => void = () => undefined
  store.watch(() => wake(), new AbortController().signal)
  let before = new Map<string, string>()
  for (;;) {
    const runs = await look()
    if (screen.out.isTerminal && !screen.json) tellPage(screen.out, runs, store.now())
    else for (const run of runs) if (before.get(run.runId) !== jsonText(run)) tellChange(screen, run)
    before = new Map(runs.map((run) => [run.runId, jsonText(run)]))
    await new Promise<void>((resolve) => {
      // A hint may never come, and ages grow.
      const timer = setTimeout(resolve, SWEEP_MS)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

const SWEEP_MS = 1_000

/** The whole list in place of the one before, as far as there is room. */
function tellPage(pen: Pen, runs: readonly RunSummary[], now: number): void {
  const room = Math.max(1, pen.rows - 3)
  pen.erase()
  tellRuns(pen, runs.slice(0, room), now)
  if (runs.length > room) pen.line(pen.paint('dim', `and ${counted(runs.length - room, 'older run')}`))
}

function tellChange(screen: Screen, run: RunSummary): void {
  if (screen.json) return screen.data({ v: 1, run })
  const { runId, status, stepCount, questions, updatedAt, task } = run
  const asks = questions === 0 ? '' : `, ${counted(questions, 'question')}`
  screen.out.line(
    cut(
      `${updatedAt.toISOString()}  ${runId}  ${status}  ${counted(stepCount, 'step')}${asks}  ${oneLine(task)}`,
      500,
    ),
  )
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
    statusOfRun(run, now),
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

/** A run that nobody drives any more, or that wakes by itself, says so. */
function statusOfRun({ status, leftBehind, wakeAt }: RunSummary, now: number): string {
  if (leftBehind === true) return 'left behind'
  if (wakeAt === undefined) return status
  const left = wakeAt.getTime() - now
  return left <= 0 ? `${status}, due` : `${status}, ${ageOf(left)}`
}

/** `12s`, `3m`, `4h`, `5d`. */
function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`
}
