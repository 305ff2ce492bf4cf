/** `pca say`: something for the model, from any process. */
import { sayTo, type SayOptions } from '../../run/signal.ts'
import { findRun } from '../find.ts'
import { openStore, storePlace } from '../place.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'

export async function say(
  screen: Screen,
  settings: Settings,
  { run, message }: { readonly run: string; readonly message: string },
  options: SayOptions,
): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'write')
  const { runId, status } = await findRun(store, run)
  await sayTo(store, runId, message, options)
  if (screen.json) screen.data({ v: 1, runId, said: message, status })
  else if (status === 'running') screen.out.line(`Run ${runId} is told with the next request to the model.`)
  else {
    screen.out.line(`Run ${runId} is ${status}; it is told when it goes on.`)
    if (status === 'paused') screen.out.line(`Go on:\n  pca resume ${runId}${place.flag}`)
  }
  return 0
}
