/**
 * One scenario, from its beginning to the end of all its runs: workers that drive what is due, people, faults; then the world
 * heals, and every run must come to an end.
 */
import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { RunBusyError } from '../../src/base/errors.ts'
import { memoryStore } from '../../src/journal/memory.ts'
import type { RunId } from '../../src/journal/entry.ts'
import type { Signal, Store } from '../../src/journal/store.ts'
import { drainDue } from '../../src/run/due.ts'
import { LEASE_TTL } from '../../src/run/lease.ts'
import type { Guests } from '../../src/sandbox/guests.ts'
import { agentIn } from './agent.ts'
import { fakeGuests } from './fake-guest.ts'
import { Journals } from './journal.ts'
import { Ledger } from './ledger.ts'
import { HELPER } from './program.ts'
import { rest, tolerated, work, type Office } from './people.ts'
import { seeded } from './random.ts'
import type { Scenario } from './scenario.ts'
import { Wire } from './wire.ts'
import { Process, World } from './world.ts'

// What production code loads at its first use takes as long as the machine wants: it is there before the world begins (W1).
await Promise.all([import('ajv'), import('ajv/dist/2019.js'), import('ajv/dist/2020.js')])

/** The store's time when the world begins, ms since the epoch. */
export const MORNING = 1_700_000_000_000
/** When whatever faults are left are struck out, in ms. */
const HEALED = 180_000
/** When every run must have come to its end, in ms. */
const EVENING = 2 * 3_600_000
const MOST_TASKS = 100_000
/** How often it is looked whether all is over, in ms. */
const ROUND = 5_000
/** Tools whose result is none of the ledger's. */
const NO_EFFECT: ReadonlySet<string> = new Set(['pausing', HELPER])
/** How often a worker looks for what is due when no hint comes, in ms. */
const SWEEP = 3_000

export interface Outcome {
  readonly violations: readonly string[]
  readonly lines: readonly string[]
  readonly hash: string
  readonly coverage: ReadonlyMap<string, number>
  /** Simulated ms. */
  readonly took: number
}

export interface Means {
  /** Default: a store in memory. */
  readonly store?: (clock: { now(): number }) => Store
  /** Default: the fake guest. */
  readonly guests?: (world: World) => (process: Process) => Guests
  /** A store that breaks its promises, for the tests of the simulation itself. */
  readonly plant?: (store: Store) => Store
}

export async function simulate(scenario: Scenario, means: Means = {}): Promise<Outcome> {
  const world = new World(seeded(scenario.lot))
  const clock = { now: () => MORNING + world.now }
  const real = (means.store ?? memoryStore)(clock)
  await using store = means.plant === undefined ? real : means.plant(real)
  const journals = new Journals(world, store)
  const crew = new Crew(world, scenario)
  const wire = new Wire(world, scenario, journals, (process, ms) => crew.kill(process, ms))
  crew.buried = (process) => wire.buried(process)
  const around = { world, scenario, wire, journals, ledger: new Ledger() }
  const agent = agentIn(around)
  const guestsIn = means.guests?.(world) ?? (() => fakeGuests)
  const office: Office = { ...around, agent, acknowledged: [], given: 0 }
  crew.hire('people', async (process) => work(process, office, guestsIn(process)))
  for (let index = 0; index < scenario.workers; index++) {
    crew.hire(`worker-${index}`, async (process) => {
      const connection = wire.connect(process)
      const definition = agent(process)
      let hinted: () => void = () => undefined
      connection.watch(() => hinted(), new AbortController().signal)
      for (;;) {
        const drains = async () =>
          drainDue(connection, [{ definition: () => definition }], {
            clock: process.clock,
            guests: guestsIn(process),
            leaseTtl: wire.isQuiet ? LEASE_TTL : scenario.ttl,
          })
        await tolerated(office, drains)
        await Promise.race([rest(process, SWEEP), new Promise<void>((resolve) => (hinted = resolve))])
        await rest(process, 50)
      }
    })
  }
  world.after(HEALED, 'the world heals', () => wire.heal())
  watch(world, office)
  await world.run(MOST_TASKS)
  crew.dismiss()
  await setImmediate()
  if (world.violations.length === 0) await judge(office)
  const { violations, lines, hash, coverage, now: took } = world
  return { violations, lines, hash, coverage, took }
}

/** The processes, by their places: who is killed comes back some time later, with another name. */
class Crew {
  buried: (process: Process) => void = () => undefined
  readonly #world: World
  readonly #scenario: Scenario
  readonly #at = new Map<
    Process,
    { readonly place: string; readonly main: (process: Process) => Promise<void> }
  >()
  #born = 0

  constructor(world: World, scenario: Scenario) {
    this.#world = world
    this.#scenario = scenario
  }

  hire(place: string, main: (process: Process) => Promise<void>): void {
    const process = new Process(
      this.#world,
      `${place}.${this.#born++}`,
      this.#scenario.oneHost ? 'host' : place,
    )
    this.#at.set(process, { place, main })
    main(process).catch((error: unknown) => this.#world.violation(`${place} broke: ${String(error)}`))
  }

  kill(process: Process, ms: number): void {
    const at = this.#at.get(process)
    if (at === undefined || !process.isAlive) return
    process.kill()
    this.buried(process)
    this.#at.delete(process)
    this.#world.after(ms, `${at.place} comes back`, () => this.hire(at.place, at.main))
  }

  dismiss(): void {
    for (const process of this.#at.keys()) process.kill()
  }
}

/** Ends the world when every run has ended and nobody holds one; or says that it does not come to that. */
function watch(world: World, office: Office): void {
  let quiet = 0
  const look = async (): Promise<void> => {
    if (world.now > EVENING) {
      for (const [runId, { state }] of office.journals.all)
        if (state?.ended !== undefined) world.violation(`J7 ${runId} has ended, and is held for ever`)
        else
          world.violation(
            `${runId} never comes to an end: ${JSON.stringify({ phase: state?.phase.at, pause: state?.pause, calls: state?.calls, questions: state?.questions })}`,
          )
      return world.end()
    }
    const { isQuiet, settledAt } = office.wire
    quiet = isQuiet && world.now > settledAt && (await isOver(office)) ? quiet + 1 : 0
    if (quiet > 2) return world.end()
    world.after(ROUND, 'the judge looks', look)
  }
  world.after(ROUND, 'the judge looks', look)
}

/** All runs have ended, and nobody holds one (J7). */
async function isOver({ journals, scenario }: Office): Promise<boolean> {
  if (journals.all.size < scenario.scripts.length) return false
  for (const [runId, { state }] of journals.all) {
    // What it called may rest with a run that has failed: it goes on if that is tried again.
    const root = journals.of(runId.split('.')[0] ?? runId).state?.ended?.status
    if (state?.ended === undefined && root !== 'failed') return false
  }
  for (const runId of journals.all.keys()) if (await isHeld(journals.store, runId)) return false
  return true
}

async function isHeld(store: Store, runId: RunId): Promise<boolean> {
  try {
    await store.release(await store.claim(runId, { holder: 'the judge', isDead: () => false }, 1))
    return false
  } catch (error) {
    if (error instanceof RunBusyError) return true
    throw error
  }
}

/** What must be true when all is over. */
async function judge(office: Office): Promise<void> {
  const { world, journals, ledger, acknowledged } = office
  for (const promise of acknowledged) {
    const { entries, state } = journals.of(promise.run)
    const status = state?.ended?.status
    switch (promise.is) {
      case 'begun':
        if (entries.length === 0) world.violation(`${promise.run} was begun, and is not there`)
        break
      case 'stopped':
        // A run that has failed hears of it before anything else, if it is ever tried again.
        if (status === 'failed' && !(await unread(office, promise.run, ['stop'])))
          world.violation(`${promise.run} was stopped, and is ${status}`)
        break
      case 'said': {
        const times = entries.filter(
          (entry) => entry.kind === 'message-said' && entry.text === promise.text,
        ).length
        if (times > 1) world.violation(`${promise.text} was said ${times} times to ${promise.run}`)
        if (times === 0 && !(await unread(office, promise.run, ['say', 'interrupt'])) && status !== 'stopped')
          world.violation(`${promise.text} was never said to ${promise.run}`)
        break
      }
      case 'edited':
        if (!entries.some((entry) => entry.kind === 'memory-edited' && entry.patch.task === promise.task))
          world.violation(`The memory of ${promise.run} was edited (${promise.task}), and is not`)
        break
      case 'answered': {
        const stands = entries.find(
          (entry) => entry.kind === 'question-answered' && entry.question === promise.question,
        )
        if (stands?.kind === 'question-answered' && !isDeepStrictEqual(stands.decision, promise.decision))
          world.violation(`Question ${promise.question} was answered, and another answer stands`)
        break
      }
      default:
        promise satisfies never
    }
  }
  for (const [runId, { entries, state }] of journals.all) {
    world.reached(`ends: ${state?.ended?.status ?? 'rests below a run that failed'}`)
    const isResumed = office.scenario.commands.some(({ kind }) => kind === 'drive' || kind === 'abort')
    if (!isResumed && entries.some((entry) => entry.kind === 'run-retried'))
      world.violation(`${runId} had failed and was tried again, though nobody asked for it`)
    for (const entry of entries) {
      if (entry.kind !== 'call-returned' || !entry.outcome.ok || entry.attempt === 0) continue
      const call = entries.find((other) => other.kind === 'call-requested' && other.call === entry.call)
      if (call?.kind !== 'call-requested' || call.tool.startsWith('$') || NO_EFFECT.has(call.tool)) continue
      // What a fork had heard before it was one, its parent had heard.
      const runs = [runId, runId.replace(/-fork-\d+/, '')]
      const known = runs
        .flatMap((run) => ledger.of(run, entry.call, call.tool))
        .some(({ value }) => entry.outcome.ok && entry.outcome.value === JSON.stringify([value]))
      if (!known) world.violation(`The result of call ${entry.call} of ${runId} is none that the world gave`)
    }
  }
}

async function unread({ journals }: Office, run: RunId, kinds: readonly Signal['kind'][]): Promise<boolean> {
  return (await journals.store.signals(run)).some(({ signal }) => kinds.includes(signal.kind))
}
