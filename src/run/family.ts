/** The runs of a family: a root and the agents' runs below it. They share one lease. */
import { childId, isWithin } from '../agent/managed.ts'
import type { RunId } from '../journal/entry.ts'
import type { RunRow, Store } from '../journal/store.ts'

const PAGE = 200

/** Every run of the family, the root too; the newest first. */
export async function familyOf(store: Store, rootRunId: RunId): Promise<readonly RunRow[]> {
  const rows: RunRow[] = []
  for (;;) {
    const page = await store.runs({ rootRunId }, PAGE, rows.at(-1)?.runId)
    rows.push(...page)
    if (page.length < PAGE) return rows
  }
}

/** The runs below `runId` that have not ended, the deepest first. */
export async function openBelow(store: Store, rootRunId: RunId, runId: RunId): Promise<readonly RunRow[]> {
  const rows = await familyOf(store, rootRunId)
  return rows
    .filter((row) => row.runId !== runId && isWithin(row.runId, runId) && isOpen(row))
    .toSorted((one, other) => other.runId.length - one.runId.length)
}

/** The runs that calls of `runId` have begun, by the call. */
export async function childrenOf(
  store: Store,
  rootRunId: RunId,
  runId: RunId,
): Promise<ReadonlyMap<string, RunRow>> {
  const rows = await familyOf(store, rootRunId)
  return new Map(
    rows.flatMap((row): readonly [string, RunRow][] => {
      const call = row.runId.slice(runId.length + 1)
      return isWithin(row.runId, runId) && /^\d+\.\d+$/.test(call) && childId(runId, call) === row.runId
        ? [[call, row]]
        : []
    }),
  )
}

/** When the first of the runs at or below `runId` can go on by the clock, and whether one can go on now. */
export async function newsOf(
  store: Store,
  rootRunId: RunId,
  runId: RunId,
): Promise<{ readonly isReady: boolean; readonly due?: number }> {
  const rows = (await familyOf(store, rootRunId)).filter((row) => isWithin(row.runId, runId))
  let due = Infinity
  for (const row of rows) {
    if (row.runId === runId && row.status !== 'paused') return { isReady: true }
    if (row.status !== 'paused') continue
    due = Math.min(due, row.wakeAt ?? Infinity)
    const signals = await store.signals(row.runId)
    if (signals.some(({ signal }) => signal.kind !== 'say')) return { isReady: true }
  }
  if (due <= store.now()) return { isReady: true }
  return due === Infinity ? { isReady: false } : { isReady: false, due }
}

/** The names of the agents from the root down to this run. */
export async function pathOf(store: Store, rootRunId: RunId, runId: RunId): Promise<readonly string[]> {
  const rows = await familyOf(store, rootRunId)
  return rows
    .filter((row) => isWithin(runId, row.runId))
    .toSorted((one, other) => one.runId.length - other.runId.length)
    .map((row) => row.agent)
}

function isOpen({ status }: RunRow): boolean {
  return status === 'running' || status === 'paused'
}
