/** `pca doctor`: what a run needs here, looked at one by one. Changes nothing. */
import { existsSync, statSync } from 'node:fs'
import { isPersistentAgentError } from '../../base/errors.ts'
import { engineDigest } from '../../sandbox/parts.ts'
import { sharedChecker } from '../../sandbox/check/checker.ts'
import { compile } from '../../sandbox/compile.ts'
import { threadGuests } from '../../sandbox/guests.ts'
import type { RunRow } from '../../journal/store.ts'
import { keysPresent } from '../../model/installed.ts'
import { loadAgent } from '../agent-module.ts'
import { allRuns } from '../find.ts'
import { near, openStore, placeOf, type Place } from '../place.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { counted, safe } from '../text.ts'
import { undeclaredTools } from '../undeclared.ts'
import { isOpen } from '../../journal/view.ts'

interface Finding {
  readonly what: string
  /** `note`: it works, and somebody should know. */
  readonly is: 'well' | 'note' | 'ill'
  readonly said: string
  readonly hint?: string
}

export async function doctor(screen: Screen, settings: Settings): Promise<number> {
  const place = placeOf(settings)
  const findings: Finding[] = [
    well('Node.js', `${process.version} on ${process.platform} ${process.arch}`),
    await looked('State file', async () => stateFile(place)),
    await looked('Sandbox', sandbox),
    typeCheck(),
    process.env['PCA_STATE_KEY'] === undefined
      ? {
          what: 'State key',
          is: 'note',
          said: 'none: new runs are kept in the clear',
          hint: 'Set PCA_STATE_KEY.',
        }
      : well('State key', 'PCA_STATE_KEY is set: new runs are sealed'),
    modelKeys(),
    await looked('Agent', async () => agentModule(settings)),
  ]
  if (screen.json) screen.data({ v: 1, findings })
  else for (const finding of findings) tell(screen, finding)
  return findings.some(({ is }) => is === 'ill') ? 1 : 0
}

async function looked(what: string, look: () => Promise<Omit<Finding, 'what'>>): Promise<Finding> {
  try {
    return { what, ...(await look()) }
  } catch (error) {
    const hint = isPersistentAgentError(error) && error.hint !== undefined ? { hint: error.hint } : {}
    return { what, is: 'ill', said: error instanceof Error ? error.message : String(error), ...hint }
  }
}

async function stateFile(place: Place): Promise<Omit<Finding, 'what'>> {
  if (!existsSync(place.file))
    return { is: 'note', said: `${near(place.file)} does not exist yet: the first run makes it` }
  await using store = openStore(place, 'read')
  const runs = await allRuns(store)
  const bytes = statSync(place.file).size
  // What was written and not yet put in its place.
  const log = statSync(`${place.file}-wal`, { throwIfNoEntry: false })?.size ?? 0
  const open = runs.filter(isOpen).length
  return {
    is: 'well',
    said: `${near(place.file)}, ${megabytes(bytes)}${log === 0 ? '' : ` and ${megabytes(log)} of its log`}, ${counted(runs.length, 'run')}, ${open} unfinished${growthOf(bytes, runs, store.now())}`,
  }
}

/** How much it has grown, from day to day; of less than a day nobody can tell. */
function growthOf(bytes: number, runs: readonly RunRow[], now: number): string {
  const days = (now - Math.min(...runs.map(({ createdAt }) => createdAt))) / 86_400_000
  return days < 1 || runs.length === 0 ? '' : `, ${megabytes(bytes / days)} a day`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`
}

/** A program is stopped at an `await`, its heap is stored, and another guest goes on from it. */
async function sandbox(): Promise<Omit<Finding, 'what'>> {
  const limits = { stepTimeout: 10_000, memory: 64 * 1024 ** 2, callsPerStep: 16, outputChars: 1_000 }
  const compiled = compile(1, 'let n = 40\nn += await look()\nfinalAnswer(n)')
  if (!compiled.ok) throw new Error(compiled.error.message)
  await using first = threadGuests.create(limits)
  await first.open({ from: 'seed', seed: 'doctor', clock: 0 }, ['look'])
  const halt = await first.run(1, compiled.program, { clock: 0 })
  const { links } = await (await first.snapshot(1, false)).packed
  const heap = await threadGuests.open(links)
  if (halt.kind !== 'waiting' || heap === undefined) throw new Error('The sandbox does not keep its heap.')
  await using second = threadGuests.create(limits)
  await second.open({ from: 'heap', heap }, ['look'])
  const ended = await second.settle('1.1', { ok: true, value: '[2]' }, { clock: 0 })
  const isRight = ended.kind === 'ended' && ended.ending.kind === 'answer' && ended.ending.value === '[42]'
  if (!isRight) throw new Error('The sandbox does not go on from a stored heap.')
  return { is: 'well', said: `goes on from a stored heap (engine ${engineDigest().slice(0, 12)})` }
}

function typeCheck(): Finding {
  const what = 'Type check'
  const { library } = sharedChecker()
  if (process.env['PCA_TYPE_CHECK'] === 'off')
    return { what, is: 'note', said: 'off: PCA_TYPE_CHECK', hint: 'Agents with typeCheck: true are checked.' }
  if (library.is === 'usable') return well(what, `on, with TypeScript ${library.version}`)
  const said =
    library.is === 'missing'
      ? 'off: typescript is not installed'
      : `off: it does not know TypeScript ${library.version}`
  return { what, is: 'note', said, hint: 'npm install typescript@7' }
}

/** Their names only. */
function modelKeys(): Finding {
  const names = keysPresent()
  if (names.length > 0) return well('Model keys', `${names.join(', ')} (set, not shown)`)
  return { what: 'Model keys', is: 'note', said: 'none is set: models by their names cannot be asked' }
}

async function agentModule(settings: Settings): Promise<Omit<Finding, 'what'>> {
  const path = settings.agent ?? settings.usualAgent
  if (path === undefined)
    return { is: 'note', said: 'none was named', hint: 'Look at yours: pca doctor --agent agent.ts' }
  const agent = await loadAgent(path)
  const { name, modelName, tools, sources } = agent.definition()
  const undeclared = undeclaredTools(agent)
  const from = sources === undefined ? '' : ` and those of ${sources.names.join(', ')}`
  const said = `${name}, ${modelName}, ${counted(tools.size, 'tool')}${from}`
  if (undeclared === undefined) return { is: 'well', said }
  return {
    is: 'note',
    said: `${said}. ${undeclared}`,
    hint: 'Say it with `effect` or `toolEffects`: docs/effects.md',
  }
}

function well(what: string, said: string): Finding {
  return { what, is: 'well', said }
}

function tell({ out }: Screen, { what, is, said, hint }: Finding): void {
  const mark =
    is === 'well' ? out.paint('green', '✓') : is === 'note' ? out.paint('yellow', '·') : out.paint('red', '✗')
  out.line(`${mark} ${what.padEnd(12)}${safe(said)}`)
  if (hint !== undefined && is !== 'well') out.line(`  ${' '.repeat(12)}${out.paint('dim', safe(hint))}`)
}
