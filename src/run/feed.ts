/** One ordered feed of a run's events, for any number of readers. A slow reader never holds the run up. */
import type { Entry } from '../journal/entry.ts'
import type { RunResult } from './result.ts'

/** What happens to a run, as it happens. */
export type RunEvent<Output = unknown> =
  /** A fact that is durable. */
  | { readonly type: 'entry'; readonly entry: Entry }
  /** What the model is writing. Not journaled. */
  | { readonly type: 'text' | 'reasoning' | 'code'; readonly delta: string }
  /** What the step is printing. Not journaled until the step ends. */
  | { readonly type: 'printed'; readonly text: string }
  /** What a tool logs. Not journaled. */
  | { readonly type: 'log'; readonly call: string; readonly text: string }
  /** What a tool's generator has come to so far. Not journaled: its result is. */
  | { readonly type: 'progress'; readonly call: string; readonly value: unknown }
  /** The last event. */
  | { readonly type: 'result'; readonly result: RunResult<Output> }

/** What comes before the result. */
export type Happened = Exclude<RunEvent, { readonly type: 'result' }>

export class Feed {
  readonly #readers = new Set<(event: Happened | undefined) => void>()
  #closed = false

  push(event: Happened): void {
    for (const read of this.#readers) read(event)
  }

  close(): void {
    this.#closed = true
    for (const read of this.#readers) read(undefined)
    this.#readers.clear()
  }

  /** Events from now on, until the feed closes. */
  async *read(): AsyncGenerator<Happened, void, undefined> {
    const waiting: (Happened | undefined)[] = this.#closed ? [undefined] : []
    let wake: (() => void) | undefined
    const read = (event: Happened | undefined): void => {
      waiting.push(event)
      wake?.()
    }
    this.#readers.add(read)
    try {
      for (;;) {
        if (waiting.length === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        const event = waiting.shift()
        if (event === undefined) return
        yield event
      }
    } finally {
      this.#readers.delete(read)
    }
  }
}
