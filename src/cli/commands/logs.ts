/** `pca logs`: what happened in a run, a line for each fact, and with `-f` what happens, whoever drives it. */
import { UsageError } from '../../base/errors.ts'
import type { EntryEvent } from '../../run/event.ts'
import { storedEvents } from '../../run/events.ts'
import { findRun } from '../find.ts'
import { Gist } from '../gist.ts'
import { interruption } from '../interrupt.ts'
import { openStore, storePlace } from '../place.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { cut, oneLine } from '../text.ts'

export interface LogsOptions {
  readonly follow?: boolean
  readonly after?: string
  readonly family?: boolean
}

const INTERRUPTED = 130

export async function logs(
  screen: Screen,
  settings: Settings,
  given: string,
  { follow = false, after, family = false }: LogsOptions,
): Promise<number> {
  const from = seqOf(after)
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  const { runId } = await findRun(store, given)
  const abortSignal = interruption(screen, '')
  const gist = new Gist()
  let told = 0
  for await (const event of storedEvents(
    { store, run: runId },
    { after: from, follow, family, abortSignal },
  )) {
    if (event.type !== 'entry') continue
    told++
    if (screen.json) screen.data({ run: event.run, ...event.entry, at: new Date(event.entry.at) })
    else screen.out.line(lineOf(event, gist, screen))
  }
  const status = (await store.run(runId))?.status
  if (screen.json) screen.data({ v: 1, runId, status, events: told })
  return abortSignal.aborted ? INTERRUPTED : 0
}

function seqOf(typed: string | undefined): number {
  if (typed === undefined) return 0
  if (/^\d{1,9}$/.test(typed)) return Number(typed)
  throw new UsageError(`--after ${typed}: the number of an event, as the lines show it.`)
}

function lineOf({ entry, run, path }: EntryEvent, gist: Gist, { out }: Screen): string {
  const time = new Date(entry.at).toISOString().replace('T', ' ').slice(0, 19)
  // The run's own agent is known: those below it are named.
  const who = path === undefined ? '' : `${oneLine(path.slice(1).join(' › '))}: `
  const line = `${time} ${String(entry.seq).padStart(4)}  ${who}${gist.of(run, entry)}`
  return cut(line, out.isTerminal ? out.columns : 2_000)
}
