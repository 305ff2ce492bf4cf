/** The calls of closed steps, read from the journal's range of the step, once each. */
import type { CallSummary } from '../agent/memory.ts'
import type { Entry, RunId } from '../journal/entry.ts'
import { stepOf } from '../journal/view.ts'
import type { Store } from '../journal/store.ts'
import type { ActionChapter } from '../journal/story.ts'
import { chainAt, readEntries } from './recover.ts'

export class CallBook {
  readonly #store: Store
  readonly #runId: RunId
  readonly #known = new Map<number, readonly CallSummary[]>()

  constructor(store: Store, runId: RunId) {
    this.#store = store
    this.#runId = runId
  }

  /** What `of` has read before; none otherwise. */
  known(action: ActionChapter): readonly CallSummary[] {
    return this.#known.get(action.firstSeq) ?? []
  }

  /** The calls of many steps, in one pass over the journal from the first of them on. */
  async all(actions: readonly ActionChapter[]): Promise<void> {
    const wanted = actions.filter((action) => !isSettled(this.#known.get(action.firstSeq)))
    const [first, last] = [wanted[0], wanted.at(-1)]
    if (first === undefined || last === undefined) return
    if (wanted.length < ONE_BY_ONE) {
      for (const action of wanted) await this.of(action)
      return
    }
    const steps = new Map<number, Map<string, CallSummary>>(
      wanted.map((action) => [action.number, new Map()]),
    )
    const base = await chainAt(this.#store, this.#runId, first.firstSeq)
    const { entries } = await readEntries(this.#store, this.#runId, first.firstSeq, base, {
      upTo: last.lastSeq,
      least: last.lastSeq,
    })
    for (const entry of entries) {
      if (!('call' in entry) || entry.call === undefined) continue
      const step = stepOf(entry.call)
      const calls = steps.get(step)
      if (calls !== undefined) note(calls, entry, step)
    }
    for (const action of wanted)
      this.#known.set(action.firstSeq, [...(steps.get(action.number)?.values() ?? [])])
    // The last ones may have come home later still.
    for (const action of wanted) await this.of(action)
  }

  async of(action: ActionChapter): Promise<readonly CallSummary[]> {
    const known = this.#known.get(action.firstSeq)
    if (known !== undefined && isSettled(known)) return known
    const calls = new Map<string, CallSummary>()
    let seq = action.firstSeq
    let chain = await chainAt(this.#store, this.#runId, seq)
    // Calls may come home after their step has ended.
    for (let upTo = action.lastSeq; ; upTo += PAGE) {
      const read = await readEntries(this.#store, this.#runId, seq, chain, {
        upTo,
        least: action.lastSeq,
      })
      for (const entry of read.entries) note(calls, entry, action.number)
      chain = read.chain
      seq += read.entries.length
      if (seq < upTo || [...calls.values()].every((call) => call.status !== 'open')) break
    }
    const found = [...calls.values()]
    this.#known.set(action.firstSeq, found)
    return found
  }
}

const PAGE = 200
/** Fewer steps than this are read each for itself. */
const ONE_BY_ONE = 4

function isSettled(calls: readonly CallSummary[] | undefined): boolean {
  return calls?.every((call) => call.status !== 'open') === true
}

function note(calls: Map<string, CallSummary>, entry: Entry, step: number): void {
  switch (entry.kind) {
    case 'call-requested':
      if (stepOf(entry.call) === step)
        calls.set(entry.call, { id: entry.call, tool: entry.tool, status: 'open', attempts: 0 })
      return
    case 'call-started':
      return amend(calls, entry.call, { attempts: entry.attempt })
    case 'call-returned':
      return amend(calls, entry.call, { status: entry.outcome.ok ? 'returned' : 'failed' })
    case 'call-withdrawn':
      return amend(calls, entry.call, { status: 'withdrawn' })
    default:
  }
}

function amend(calls: Map<string, CallSummary>, id: string, change: Partial<CallSummary>): void {
  const call = calls.get(id)
  if (call !== undefined) calls.set(id, { ...call, ...change })
}
