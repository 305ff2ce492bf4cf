/** The runs of a family: a root and the agents' runs below it. They share one lease. */
import { isWithin } from '../agent/lineage.ts'
import type { RunId } from '../journal/entry.ts'
import type { RunFilter, RunRow, Store } from '../journal/store.ts'
import { OPEN } from '../journal/view.ts'

const PAGE = 200

/** The runs of the family that have not ended (or all of them), the root too; the newest first. */
export async function familyOf(
  store: Store,
  rootRunId: RunId,
  which: 'open' | 'all' = 'open',
): Promise<readonly RunRow[]> {
  const filter: RunFilter = which === 'all' ? { rootRunId } : { rootRunId, status: OPEN }
  const rows: RunRow[] = []
  for (;;) {
    const page = await store.runs(filter, PAGE, rows.at(-1)?.runId)
    rows.push(...page)
    if (page.length < PAGE) return rows
  }
}

/** The runs below `runId` that have not ended, the deepest first. */
export async function openBelow(store: Store, rootRunId: RunId, runId: RunId): Promise<readonly RunRow[]> {
  const rows = await familyOf(store, rootRunId)
  return rows
    .filter((row) => row.runId !== runId && isWithin(row.runId, runId))
    .toSorted((one, other) => other.runId.length - one.runId.length)
}

/** The runs that calls of `runId` have begun and that have not ended, by the call. */
export async function openChildren(
  store: Store,
  rootRunId: RunId,
  runId: RunId,
): Promise<ReadonlyMap<string, RunRow>> {
  const rows = await familyOf(store, rootRunId)
  return new Map(
    rows.flatMap((row): readonly [string, RunRow][] => {
      const call = row.runId.slice(runId.length + 1)
      return isWithin(row.runId, runId) && /^\d+\.\d+$/.test(call) ? [[call, row]] : []
    }),
  )
}

/** Whether a run, or one below it, can go on now; and else when, by the clock (ms since the epoch). */
export interface News {
  readonly isReady: boolean
  readonly due?: number
}

/** What there is to know of a family that rests, read once for all of it. */
export async function newsIn(store: Store, rootRunId: RunId): Promise<{ of(runId: RunId): News }> {
  const rows = await familyOf(store, rootRunId)
  const signalled = new Set<RunId>()
  for (const { runId, status } of rows) {
    const signals = status === 'paused' ? await store.signals(runId) : []
    if (signals.some(({ signal }) => signal.kind !== 'say')) signalled.add(runId)
  }
  const now = store.now()
  return {
    of(runId) {
      const below = rows.filter((row) => isWithin(row.runId, runId))
      // One that runs was cut off from its parent by a crash: nobody else drives it. One that has ended has an outcome.
      const isCut = below.some(({ status }) => status === 'running')
      const hasEnded = !below.some((row) => row.runId === runId)
      const resting = below.filter(({ status }) => status === 'paused')
      const due = Math.min(...resting.map(({ wakeAt }) => wakeAt ?? Infinity))
      if (isCut || hasEnded || due <= now || resting.some((row) => signalled.has(row.runId)))
        return { isReady: true }
      return due === Infinity ? { isReady: false } : { isReady: false, due }
    },
  }
}

/** The names of the agents from the root down to this run. */
export async function pathOf(store: Store, rootRunId: RunId, runId: RunId): Promise<readonly string[]> {
  const rows = await familyOf(store, rootRunId)
  return rows
    .filter((row) => isWithin(runId, row.runId))
    .toSorted((one, other) => one.runId.length - other.runId.length)
    .map((row) => row.agent)
}
