/** `pca pause`, `pca stop`: from any process. A run that nobody drives is paused or stopped here and now. */
import { UsageError } from '../../base/errors.ts'
import type { RunRow } from '../../journal/store.ts'
import { isOpen } from '../../journal/view.ts'
import { haltRun } from '../../run/signal.ts'
import { findRun } from '../find.ts'
import { openStore, storePlace } from '../place.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'

export async function pause(screen: Screen, settings: Settings, given: string): Promise<number> {
  return halt(screen, settings, given, { kind: 'pause', reason: 'Paused on request' })
}

export async function stop(
  screen: Screen,
  settings: Settings,
  given: string,
  reason = 'Stopped on request',
): Promise<number> {
  return halt(screen, settings, given, { kind: 'stop', reason })
}

type Asked = { readonly kind: 'pause' | 'stop'; readonly reason: string }

async function halt(screen: Screen, settings: Settings, given: string, asked: Asked): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'write')
  const found = await findRun(store, given)
  const { runId } = found
  if (!isOver(found, asked)) {
    await haltRun(store, runId, asked)
  }
  const { status } = (await store.run(runId)) ?? found
  if (screen.json) screen.data({ v: 1, runId, asked: asked.kind, status })
  else if (status === 'running')
    screen.out.line(
      `Run ${runId} is asked to ${asked.kind}; the process that drives it does so at the next safe point.`,
    )
  else {
    screen.out.line(`Run ${runId} is ${status}.`)
    if (status === 'paused') screen.out.line(`Go on:\n  pca resume ${runId}${place.flag}`)
  }
  return 0
}

/** True if the run is so already. @throws {UsageError} it came to another end. */
function isOver(run: RunRow, { kind }: Asked): boolean {
  if (isOpen(run)) return false
  const { runId, status } = run
  if (kind === 'stop' && status === 'stopped') return true
  throw new UsageError(`Run ${runId} is ${status}: there is nothing to ${kind}.`, {
    hint: `What happened: pca show ${runId}`,
  })
}
