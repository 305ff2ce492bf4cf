/** `pca rekey`: the keys of all runs are wrapped under a new state key; nothing else of them is touched. */
import { UsageError } from '../../base/errors.ts'
import { openStore, storePlace } from '../place.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { counted } from '../text.ts'

/** The new key comes from the environment: what is typed stays in histories, and in lists of processes. */
const NEXT = 'PCA_NEW_STATE_KEY'

export async function rekey(screen: Screen, settings: Settings): Promise<number> {
  const next = process.env[NEXT]
  if (next === undefined || next === '') {
    throw new UsageError('There is no new state key.', {
      hint: `Set ${NEXT} to it, and PCA_STATE_KEY to the one that it replaces.`,
    })
  }
  const place = await storePlace(settings)
  await using store = openStore(place, 'write')
  const rewrapped = await store.file.rekey(next)
  if (screen.json) screen.data({ v: 1, rewrapped })
  else {
    screen.out.line(`${counted(rewrapped, 'run')} under the new key.`)
    screen.err.line('From now on PCA_STATE_KEY is the new one. Backups are still under the old one.')
  }
  return 0
}
