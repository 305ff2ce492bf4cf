/**
 * The store's side of the world: a production store, and the judge who looks at every journal after every write.
 * What he asks is not what `fold` says of itself: the laws of `journal/check.ts`, and that the store shows what its
 * entries say.
 */
import { isDeepStrictEqual } from 'node:util'
import { plainSeal } from '../../src/journal/cipher.ts'
import { violations } from '../../src/journal/check.ts'
import { entryOf } from '../../src/journal/decode.ts'
import type { Entry, RunId } from '../../src/journal/entry.ts'
import { GENESIS } from '../../src/journal/envelope.ts'
import type { State } from '../../src/journal/shape.ts'
import { fold } from '../../src/journal/state.ts'
import type { Store } from '../../src/journal/store.ts'
import { viewOf } from '../../src/journal/view.ts'
import { recover } from '../../src/run/recover.ts'
import type { World } from './world.ts'

export interface Journal {
  readonly entries: Entry[]
  chain: Uint8Array
  state: State | undefined
}

export class Journals {
  readonly store: Store
  readonly #world: World
  readonly #journals = new Map<RunId, Journal>()

  constructor(world: World, store: Store) {
    this.#world = world
    this.store = store
  }

  of(runId: RunId): Journal {
    const known = this.#journals.get(runId)
    if (known !== undefined) return known
    const fresh = { entries: [], chain: GENESIS, state: undefined }
    this.#journals.set(runId, fresh)
    return fresh
  }

  get all(): ReadonlyMap<RunId, Journal> {
    return this.#journals
  }

  /** Reads on, and judges. */
  async look(runId: RunId): Promise<void> {
    const journal = this.of(runId)
    const rows = await this.store.read(runId, journal.entries.length, 1_000)
    for (const row of rows) {
      const entry = entryOf(plainSeal(runId), row, journal.chain)
      journal.chain = row.chain
      journal.entries.push(entry)
      journal.state = fold(journal.state, entry, runId)
      this.#world.note(`  ${runId} ${lineOf(entry)}`)
      this.#reached(entry)
    }
    if (rows.length === 0) return
    for (const { rule, seq, what } of violations(journal.entries))
      this.#world.violation(`${rule} ${runId} at ${seq ?? '-'}: ${what}`)
    await this.#compare(runId, journal)
  }

  async #compare(runId: RunId, { state }: Journal): Promise<void> {
    if (state === undefined) return
    const row = await this.store.run(runId)
    const view = viewOf(state)
    if (row === undefined || !isDeepStrictEqual({ ...row, ...view }, row))
      this.#world.violation(`The row of ${runId} is not what its entries say`)
    const asked = Object.keys(state.questions).toSorted()
    const open = (await this.store.questions({ runId })).map(({ id }) => id)
    // One that was answered is closed for others before the driver has read the answer.
    if (open.some((id) => !asked.includes(id)))
      this.#world.violation(`A question of ${runId} is open that its entries know nothing of`)
    const recovered = await recover(this.store, runId)
    if (!isDeepStrictEqual(recovered.state, JSON.parse(JSON.stringify(state))))
      this.#world.violation(`${runId} is recovered to another state than its entries say`)
  }

  #reached(entry: Entry): void {
    switch (entry.kind) {
      case 'run-paused':
        this.#world.reached(`rests: ${entry.cause}`)
        return
      case 'question-asked':
        this.#world.reached(`asks: ${entry.asks}`)
        return
      case 'question-answered':
        this.#world.reached(`decided: ${entry.decision.type}`)
        return
      case 'segment-started':
        this.#world.reached(`opens: ${entry.heap}`)
        return
      case 'verdict-given':
        this.#world.reached(entry.rule === undefined ? `entry: ${entry.kind}` : 'remembered: approve')
        return
      case 'call-withdrawn':
        this.#world.reached(`withdrawn: ${entry.why}`)
        return
      default:
        this.#world.reached(`entry: ${entry.kind}`)
    }
  }
}

/** Random parts are left out: two runs of one seed differ in nothing else. */
function lineOf(entry: Entry): string {
  const { seq, kind } = entry
  switch (kind) {
    case 'run-started':
    case 'segment-started':
    case 'tools-changed':
    case 'run-forked':
      return `${seq} ${kind}`
    case 'call-started':
      return `${seq} ${kind} ${entry.call} attempt ${entry.attempt}`
    default:
      return `${seq} ${JSON.stringify({ ...entry, v: undefined, seq: undefined })}`
  }
}
