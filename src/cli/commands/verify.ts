/** `pca verify`: is what is stored what was written, and does it hold together? Reads everything, changes nothing. */
import { verifyStore, type FileCheck } from '../../run/keep.ts'
import { EXIT } from '../failure.ts'
import { findId } from '../find.ts'
import { near, openStore, storePlace } from '../place.ts'
import { sealedBy } from '../questions.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { counted, safe } from '../text.ts'

export async function verify(screen: Screen, settings: Settings, given?: string): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  const runId = given === undefined ? undefined : findId(await store.file.runIds(), given)
  const found = await verifyStore(store, runId)
  const count = found.faults.length + found.runs.reduce((sum, run) => sum + run.faults.length, 0)
  if (screen.json) screen.data({ v: 1, ok: count === 0, file: place.file, ...found })
  else tell(screen, near(place.file), found, count)
  return count === 0 ? EXIT.done : EXIT.usage
}

function tell({ out }: Screen, file: string, { faults, runs }: FileCheck, count: number): void {
  for (const what of faults) out.line(out.paint('red', `${safe(file)}: ${safe(what)}`))
  for (const { runId, entries, faults: wrong, lockedBy } of runs) {
    const seen = lockedBy === undefined ? '' : ` ${sealedBy(lockedBy)}: only its chain was checked`
    const how =
      wrong.length === 0 ? out.paint('green', 'sound') : out.paint('red', counted(wrong.length, 'fault'))
    out.line(`${runId}  ${how}, ${counted(entries, 'entry', 'entries')}${seen}`)
    for (const { rule, seq, what } of wrong)
      out.line(`  ${rule}${seq === undefined ? '' : ` at entry ${seq}`}: ${safe(what)}`)
  }
  out.line(
    count === 0
      ? `${safe(file)} is sound.`
      : `${safe(file)}: ${counted(count, 'fault')}. Restore it from a backup, or remove what is damaged: pca rm <run>.`,
  )
}
