/**
 * `pca work`: drives what can go on by itself: answered, woken by the clock, or orphaned. For cron and services.
 *
 * K1  One run that cannot be driven holds up no other, and is not tried again until something changes.
 * K2  At the first signal the runs pause, and are left due: the next worker goes on with them.
 */
import { randomText } from '../../base/id.ts'
import type { RunRow, Store } from '../../journal/store.ts'
import type { PersistentCodeAgent } from '../../persistent-code-agent.ts'
import { claimant } from '../../run/lease.ts'
import { resultToJson, type RunResult } from '../../run/result.ts'
import { loadAgent, settle } from '../agent-module.ts'
import { failureOf } from '../failure.ts'
import { interruption } from '../interrupt.ts'
import { near, openStore, placeOf, quoted, storePlace, type Place } from '../place.ts'
import { moduleOf } from '../remembered.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { counted, oneLine } from '../text.ts'
import { tellUncaught } from '../uncaught.ts'

const AT_ONCE = 8
const LOOKED_AT = 100
const SWEEP_MS = 1_000

export async function work(screen: Screen, settings: Settings, once: boolean): Promise<number> {
  const named = settings.agent === undefined ? undefined : await loadAgent(settings.agent)
  const place = named === undefined ? await storePlace(settings) : placeOf(settings, named.storagePath)
  await using store = openStore(place, 'write')
  const abortSignal = interruption(
    screen,
    'Pausing the runs at their next safe points. Once more leaves at once.',
  )
  const trusted = settings.agent === undefined ? '' : ` --agent ${quoted(near(settings.agent))}`
  tellUncaught(screen, () => `pca work${place.flag}${trusted}`)
  const worker = new Worker({ screen, settings, place, store, abortSignal })
  if (once) await worker.sweep()
  else await worker.serve()
  await worker.settled()
  if (screen.json) screen.data({ v: 1, results: worker.results.map(resultToJson) })
  else if (worker.results.length === 0) screen.err.line('Nothing was due.')
  return once && worker.hasFailed ? 1 : 0
}

interface Workshop {
  readonly screen: Screen
  readonly settings: Settings
  readonly place: Place
  readonly store: Store
  readonly abortSignal: AbortSignal
}

class Worker {
  readonly results: RunResult[] = []
  hasFailed = false
  readonly #shop: Workshop
  readonly #active = new Map<string, Promise<void>>()
  /** Runs that could not be driven, as they were then (K1). */
  readonly #refused = new Map<string, number>()
  readonly #agents = new Map<string, Promise<PersistentCodeAgent>>()
  /** An agent is bound to one run at a time, while it starts. */
  #binding: Promise<unknown> = Promise.resolve()

  constructor(shop: Workshop) {
    this.#shop = shop
  }

  /** Begins with every run that is due now; those beyond AT_ONCE as others come to rest. */
  async sweep(): Promise<void> {
    const { store, abortSignal } = this.#shop
    for (const runId of await store.due(claimant, LOOKED_AT)) {
      if (abortSignal.aborted) return
      const row = await this.#read(runId)
      if (row === undefined || this.#active.has(runId) || this.#refused.get(runId) === row.updatedAt) continue
      while (this.#active.size >= AT_ONCE) await Promise.race(this.#active.values())
      this.#active.set(
        runId,
        this.#drive(row).finally(() => this.#active.delete(runId)),
      )
    }
  }

  /** A run that cannot be read is told once, and holds up no other. */
  async #read(runId: string): Promise<RunRow | undefined> {
    try {
      return await this.#shop.store.run(runId)
    } catch (error) {
      const { code, message } = failureOf(error)
      const unread = { runId, updatedAt: UNREAD }
      if (this.#refused.get(runId) !== UNREAD) this.#refuse(unread, `${code}: ${message}`)
      return undefined
    }
  }

  /** Sweeps at every hint and every second, until the signal. */
  async serve(): Promise<void> {
    const { store, abortSignal, screen } = this.#shop
    let wake: () => void = () => undefined
    store.watch(() => wake(), abortSignal)
    abortSignal.addEventListener('abort', () => wake())
    screen.err.line(`Waiting for runs of ${this.#shop.place.file}. Ctrl-C ends.`)
    while (!abortSignal.aborted) {
      await this.sweep()
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, SWEEP_MS)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
        if (abortSignal.aborted) wake()
      })
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#active.values())
  }

  async #drive(row: RunRow): Promise<void> {
    const { screen, abortSignal } = this.#shop
    const { runId } = row
    try {
      const module = this.#moduleOf(row)
      if (module === undefined) return
      const run = await this.#start(module, runId)
      const result = await run.result()
      if (abortSignal.aborted) await this.#leaveDue(result)
      this.results.push(result)
      if (screen.json) screen.data(resultToJson(result))
      else screen.out.line(`${runId}  ${lineOf(result)}`)
    } catch (error) {
      const { code, message, hint } = failureOf(error)
      // Another process was faster: it is in good hands.
      if (code === 'RUN_BUSY' || code === 'LEASE_LOST') return
      this.#refuse(row, `${code}: ${message} ${hint}`)
    }
  }

  #moduleOf(row: RunRow): string | undefined {
    const { settings, place } = this.#shop
    const module = settings.agent ?? moduleOf(place.file, row.runId) ?? settings.usualAgent
    if (module === undefined)
      this.#refuse(
        row,
        `its code is not known here; say which to trust: pca work --agent <module>${place.flag}`,
      )
    return module
  }

  async #start(module: string, runId: string): ReturnType<PersistentCodeAgent['start']> {
    const agent = await this.#agent(module)
    const start = this.#binding.then(async () => {
      await agent.resume({ runId })
      return agent.start(agent.task, { reset: false, abortSignal: this.#shop.abortSignal })
    })
    this.#binding = start.catch(() => undefined)
    return start
  }

  async #agent(module: string): Promise<PersistentCodeAgent> {
    const loading = this.#agents.get(module) ?? loadAgent(module)
    this.#agents.set(module, loading)
    const agent = await loading
    settle(agent, this.#shop.store)
    return agent
  }

  #refuse({ runId, updatedAt }: Pick<RunRow, 'runId' | 'updatedAt'>, why: string): void {
    const { screen } = this.#shop
    this.#refused.set(runId, updatedAt)
    this.hasFailed = true
    if (screen.json) screen.data({ v: 1, runId, refused: why })
    else screen.err.line(`${runId}  not driven: ${oneLine(why)}`)
  }

  /** K2: a letter makes it due, if it was this worker's leaving that paused it. */
  async #leaveDue(result: RunResult): Promise<void> {
    const { store, abortSignal } = this.#shop
    if (result.status !== 'paused' || result.message !== abortSignal.reason) return
    await store.signal(result.runId, `resume_${randomText(12)}`, { kind: 'resume' })
  }
}

/** In place of a time: the row could not be read. */
const UNREAD = -1

function lineOf(result: RunResult): string {
  switch (result.status) {
    case 'completed':
      return 'completed'
    case 'failed':
      return oneLine(`failed: ${result.error.code}: ${result.error.message}`)
    case 'stopped':
      return oneLine(`stopped: ${result.message}`)
    case 'paused':
      return oneLine(
        `paused: ${result.message}${result.questions.length === 0 ? '' : ` (${counted(result.questions.length, 'question')})`}`,
      )
    default:
      return result satisfies never
  }
}
