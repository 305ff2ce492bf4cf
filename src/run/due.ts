/** Runs that can go on by themselves: orphaned, woken by the clock, or answered. For cron and services. */
import type { Definition } from '../agent/definition.ts'
import { RunBusyError } from '../base/errors.ts'
import type { RunId } from '../journal/entry.ts'
import type { Store } from '../journal/store.ts'
import { claimant } from './lease.ts'
import type { RunResult } from './result.ts'
import { Run, type RunStart } from './run.ts'

const AT_ONCE = 100

/** Something that can drive runs: an agent, by its name. */
export interface Driving {
  definition(): Definition
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
  for (;;) {
    const due = (await store.due(claimant, AT_ONCE)).filter((runId) => !seen.has(runId))
    if (due.length === 0) break
    for (const runId of due) {
      seen.add(runId)
      const row = await store.run(runId)
      const definition = definitions.get(row?.agent ?? '')
      if (row === undefined || definition === undefined) continue
      try {
        const why = row.status === 'running' ? 'take-over' : 'wake'
        results.push(await new Run({ ...means, store, definition, runId, why }).result())
      } catch (error) {
        if (!(error instanceof RunBusyError)) errors.push(error)
      }
    }
  }
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} runs could not be driven.`)
  if (errors.length === 1) throw errors[0]
  return results
}
