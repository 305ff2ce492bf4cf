/** What happens to a run, as whoever watches is told it: facts, and what is not journaled. */
import { decode } from '../base/codec.ts'
import type { Entry, RunId, Stored } from '../journal/entry.ts'
import type { Store } from '../journal/store.ts'
import { readBlob } from './blob.ts'
import type { RunResult } from './result.ts'

interface Whose {
  /** The run that it happened to. */
  readonly run: RunId
  /** Of a run below the one that is watched: the names of the agents from that one down to it. */
  readonly path?: readonly string[]
}

/** A fact that is durable. */
export interface EntryEvent extends Whose {
  readonly type: 'entry'
  /** Its place in its run's journal, from 1 without gaps: `after: seq` goes on with the next one. */
  readonly seq: number
  readonly entry: Entry
  /**
   * What a field of the entry holds: a call's `input`, an outcome's `value`, an `output`. Large ones are read from the
   * store, which must be open. @throws {StateCorruptError}
   */
  value(stored: Stored): Promise<unknown>
  /** The text that `run-started`, `options-changed` and `tools-changed` keep as `system`. */
  text(stored: Stored): Promise<string>
}

/** What is told once and not journaled. `after` is the seq of the entry that it follows: it comes before the next one. */
export type LiveEvent = Whose & { readonly after: number } & (
    | LiveGiven
    /** This reader was too slow: older live events, up to here, were dropped. Facts never are. */
    | { readonly type: 'missed' }
  )

export type LiveGiven =
  /** What the model is writing. */
  | { readonly type: 'text' | 'reasoning' | 'code'; readonly delta: string }
  /** What the step is printing; the fact comes when it ends. */
  | { readonly type: 'printed'; readonly text: string }
  /** What a tool logs. */
  | { readonly type: 'log'; readonly call: string; readonly text: string }
  /** What a tool's generator has come to so far; its result is a fact. */
  | { readonly type: 'progress'; readonly call: string; readonly value: unknown }

/** What comes before the result. */
export type Happened = EntryEvent | LiveEvent

export type RunEvent<Output = unknown> =
  | Happened
  /** The last event. */
  | { readonly type: 'result'; readonly result: RunResult<Output> }

/** A fact as it is told. */
export function entryEvent(
  store: Store,
  entry: Entry,
  { run, path }: { readonly run: RunId; readonly path: readonly string[] | undefined },
): EntryEvent {
  return new TheEntry(store, entry, run, path)
}

// Its methods are the prototype's: the event itself is plain data.
class TheEntry implements EntryEvent {
  readonly type = 'entry'
  readonly seq: number
  readonly run: RunId
  readonly path?: readonly string[]
  readonly entry: Entry
  readonly #store: Store

  constructor(store: Store, entry: Entry, run: RunId, path: readonly string[] | undefined) {
    this.seq = entry.seq
    this.run = run
    if (path !== undefined) this.path = path
    this.entry = entry
    this.#store = store
  }

  async value(stored: Stored): Promise<unknown> {
    return decode(await this.text(stored))
  }

  async text(stored: Stored): Promise<string> {
    return typeof stored === 'string' ? stored : readBlob(this.#store, this.run, stored.blob)
  }
}
