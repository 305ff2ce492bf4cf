/** `pca fork`: another run from the same past. It rests; the run that it came from is only read. */
import { UsageError } from '../../base/errors.ts'
import { forkRun } from '../../run/fork.ts'
import { findRun } from '../find.ts'
import { openStore, storePlace } from '../place.ts'
import { moduleOf, rememberModule } from '../remembered.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'

export interface ForkOptions {
  readonly step?: string
  readonly id?: string
}

export async function fork(
  screen: Screen,
  settings: Settings,
  given: string,
  { step, id }: ForkOptions,
): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'write')
  const { runId } = await findRun(store, given)
  const forkId = await forkRun(store, runId, {
    ...(step === undefined ? {} : { step: stepOf(step) }),
    ...(id === undefined ? {} : { runId: id }),
  })
  // Whoever trusted a module with the run trusts it with the fork.
  const module = moduleOf(place.file, runId)
  if (module !== undefined) await rememberModule(place.file, forkId, module)
  const { status, stepCount } = (await store.run(forkId)) ?? { status: 'paused', stepCount: 0 }
  if (screen.json) screen.data({ v: 1, runId: forkId, from: runId, status, stepCount })
  else {
    screen.out.line(`Run ${forkId} shares the past of ${runId} up to step ${stepCount}. It is ${status}.`)
    if (status === 'paused') screen.out.line(`Go on:\n  pca resume ${forkId}${place.flag}`)
  }
  return 0
}

function stepOf(given: string): number {
  const step = Number(given)
  if (Number.isSafeInteger(step) && step > 0) return step
  throw new UsageError(`--step is a whole number above 0, not ${JSON.stringify(given)}.`)
}
