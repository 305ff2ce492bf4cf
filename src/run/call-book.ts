/** The calls of closed steps, read from the journal's range of the step, once each. */
import type { CallSummary } from '../agent/memory.ts'
import type { Entry, RunId } from '../journal/entry.ts'
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

  async of(action: ActionChapter): Promise<readonly CallSummary[]> {
    const known = this.#known.get(action.firstSeq)
    if (known !== undefined) return known
    const base = await chainAt(this.#store, this.#runId, action.firstSeq)
    const { entries } = await readEntries(
      this.#store,
      this.#runId,
      action.firstSeq,
      base,
      undefined,
      action.lastSeq,
    )
    const calls = callsOf(entries)
    if (action.endedAt !== undefined) this.#known.set(action.firstSeq, calls)
    return calls
  }
}

function callsOf(entries: readonly Entry[]): readonly CallSummary[] {
  const calls = new Map<string, CallSummary>()
  for (const entry of entries) {
    if (entry.kind === 'call-requested')
      calls.set(entry.call, { id: entry.call, tool: entry.tool, status: 'open', attempts: 0 })
    else if (entry.kind === 'call-started') amend(calls, entry.call, { attempts: entry.attempt })
    else if (entry.kind === 'call-returned')
      amend(calls, entry.call, { status: entry.outcome.ok ? 'returned' : 'failed' })
    else if (entry.kind === 'call-withdrawn') amend(calls, entry.call, { status: 'withdrawn' })
  }
  return [...calls.values()]
}

function amend(calls: Map<string, CallSummary>, id: string, change: Partial<CallSummary>): void {
  const call = calls.get(id)
  if (call !== undefined) calls.set(id, { ...call, ...change })
}
