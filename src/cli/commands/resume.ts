/** `pca resume`: goes on with a stored run. */
import { resolve } from 'node:path'
import { UsageError } from '../../base/errors.ts'
import type { RunRow } from '../../journal/store.ts'
import type { PersistentCodeAgent } from '../../persistent-code-agent.ts'
import { loadAgent, settle } from '../agent-module.ts'
import { warmWorker } from '../../sandbox/sandbox-thread.ts'
import { valueOf } from '../decide.ts'
import { driveRun, tellStored } from '../drive.ts'
import { findOnlyRun, findRun } from '../find.ts'
import { near, openStore, placeOf, storePlace, type Place } from '../place.ts'
import { moduleOf } from '../remembered.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { counted } from '../text.ts'

export interface ResumeOptions {
  readonly answer?: string
  readonly wait?: boolean
}

export async function resume(
  screen: Screen,
  settings: Settings,
  given: string | undefined,
  options: ResumeOptions,
): Promise<number> {
  // The sandbox's thread starts while the agent's module is loaded.
  if (settings.agent !== undefined) warmWorker()
  const named = settings.agent === undefined ? undefined : await loadAgent(settings.agent)
  const place = named === undefined ? await storePlace(settings) : placeOf(settings, named.storagePath)
  await using store = openStore(place, 'write')
  const row = given === undefined ? await findOnlyRun(store, near(place.file)) : await findRun(store, given)
  const stored = await tellStored({ screen, place, store }, row)
  if (stored !== undefined) return stored
  const module = settings.agent ?? mustKnowModule(row, place, settings)
  warmWorker()
  const agent = named ?? (await loadAgent(module))
  settle(agent, store)
  await agent.resume({ runId: row.runId })
  if (options.answer !== undefined) await answerOnly(agent, row, options.answer)
  const drive = {
    screen,
    place,
    agent,
    module: resolve(module),
    wait: options.wait ?? settings.defaults.wait === true,
  }
  return await driveRun(drive, agent.task, { reset: false })
}

/** M1: the module that this user started the run with here, never one that the state file names. */
function mustKnowModule({ runId, agent }: RunRow, place: Place, settings: Settings): string {
  const module = moduleOf(place.file, runId) ?? settings.usualAgent
  if (module !== undefined) return module
  throw new UsageError(
    `Run ${runId} of the agent '${agent}' was not started by you on this machine: its code is not known.`,
    {
      hint: `Say which module to trust with it: pca resume ${runId}${place.flag} --agent <module>`,
    },
  )
}

async function answerOnly(agent: PersistentCodeAgent, { runId }: RunRow, typed: string): Promise<void> {
  const [only, second] = agent.questions
  if (only === undefined || second !== undefined) {
    throw new UsageError(
      `--answer answers the only open question; run ${runId} has ${counted(agent.questions.length, 'open question')}.`,
      {
        hint:
          only === undefined ? `Go on without it: pca resume ${runId}` : 'Answer each: pca inbox shows them.',
      },
    )
  }
  await agent.answer(only.id, { type: 'respond', value: await valueOf(typed, only.schema) })
}
