/**
 * Results of `once` calls that their driver cannot write down any more: it has come to rest, or has lost the run. They
 * are put into the run's inbox, for whoever decides about the call (see `lateFacts`). Best effort: the run does not wait
 * for it. A tool that failed may have been aborted, and does not know itself what came of it.
 */
import { plain } from '../agent/memory.ts'
import type { Happening } from '../agent/happening.ts'
import { decode } from '../base/codec.ts'
import type { Store } from '../journal/store.ts'
import type { RunLog } from './log.ts'

type Settled = Extract<Happening, { kind: 'call-settled' }>

/** Characters of a late result that a person is shown. */
const SHOWN = 500

export class LateResults {
  readonly #store: Store
  readonly #log: RunLog
  /** Results that were heard, and the entries that tell of them, until those are durable. */
  #heard: { readonly seq: number; readonly settled: Settled }[] = []

  constructor(store: Store, log: RunLog) {
    this.#store = store
    this.#log = log
  }

  /** A result that is about to be recorded. */
  hear(settled: Settled): void {
    const { state, durableSeq } = this.#log
    this.#heard = this.#heard.filter(({ seq }) => seq > durableSeq)
    if (this.#matters(settled)) this.#heard.push({ seq: state.seq + 1, settled })
  }

  /** What was recorded and could not be committed is told. */
  tellUnwritten(): void {
    for (const { seq, settled } of this.#heard) if (seq > this.#log.durableSeq) this.#tell(settled)
  }

  /** One that comes when nobody drives any more. */
  tell(settled: Settled): void {
    if (this.#matters(settled)) this.#tell(settled)
  }

  #matters({ call }: Settled): boolean {
    return this.#log.state.calls[call]?.effect === 'once'
  }

  #tell({ call, attempt, outcome }: Settled): void {
    if (!outcome.ok || typeof outcome.value !== 'string') return
    const { runId, segments: segment } = this.#log.state
    const shown = shortly(decode(outcome.value))
    this.#store
      .signal(runId, `late_${call}_${attempt}`, { kind: 'late', call, attempt, segment, outcome, shown })
      .catch(() => undefined)
  }
}

function shortly(value: unknown): string {
  const text = JSON.stringify(plain(value)) ?? 'undefined'
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`
}
