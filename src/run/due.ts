/** Runs that can go on by themselves: orphaned, woken by the clock, or answered. For cron and services. */
import type { Definition } from '../agent/definition.ts'
import { RunBusyError } from '../base/errors.ts'
import type { RunId } from '../journal/entry.ts'
import type { RunRow, Store } from '../journal/store.ts'
import { claimant } from './lease.ts'
import type { RunResult } from './result.ts'
import { Run, type RunStart } from './run.ts'
import { haltRun } from './signal.ts'

const AT_ONCE = 100

/** Something that can drive runs: an agent, by its name. */
export interface Driving {
  definition(): Definition
}

/** An agent's run below another is driven with that one, once for all of its family; it does not outlive it. */
async function rootOf(store: Store, runId: RunId, driven: Set<RunId>): Promise<RunRow | undefined> {
  const row = await store.run(runId)
  if (row === undefined || row.rootRunId === runId) return row
  const root = await store.run(row.rootRunId)
  if (root?.status === 'stopped' || root?.status === 'completed')
    await haltRun(store, runId, { kind: 'stop', reason: 'The run that it was a part of has ended' })
  // What a person has paused goes on when a person says so.
  const mayGoOn = root?.status === 'running' || (root?.status === 'paused' && root.cause === 'waiting')
  if (root === undefined || !mayGoOn || driven.has(root.runId)) return undefined
  driven.add(root.runId)
  return root
}

/**
 * Drives every run that is due and whose agent is given, one after another, until each rests. Runs of other agents and
 * of other processes are left to them. Resolves with the results, in the order in which the runs were due.
 * @throws the error of the one run that could not be driven, or an AggregateError of several, once all others have been.
 */
export async function drainDue(
  store: Store,
  agents: readonly Driving[],
  means: Pick<RunStart, 'clock' | 'guests' | 'leaseTtl'> = {},
): Promise<readonly RunResult[]> {
  const definitions = new Map(agents.map((agent) => [agent.definition().name, agent.definition()]))
  const results: RunResult[] = []
  const errors: unknown[] = []
  const seen = new Set<RunId>()
  /** Roots that were found by a run below them. */
  const driven = new Set<RunId>()
  for (;;) {
    const due = (await store.due(claimant, AT_ONCE + seen.size)).filter((runId) => !seen.has(runId))
    if (due.length === 0) break
    for (const runId of due) {
      seen.add(runId)
      if (driven.has(runId)) continue
      try {
        const row = await rootOf(store, runId, driven)
        const definition = definitions.get(row?.agent ?? '')
        if (row === undefined || definition === undefined) continue
        const why = row.status === 'running' ? 'take-over' : 'wake'
        results.push(await new Run({ ...means, store, definition, runId: row.runId, why }).result())
      } catch (error) {
        if (!(error instanceof RunBusyError)) errors.push(error)
      }
    }
  }
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} runs could not be driven.`)
  if (errors.length === 1) throw errors[0]
  return results
}
