/**
 * One reader of a run, or of a run and all below it: facts from a place on, live events where they belong.
 *
 * R1  Each run's facts come once and in order, without gaps, however slow the reader is.
 * R2  A live event comes after the fact that it follows and before the next one of its run.
 * R3  With runs below: a child's facts come after the call that began it and before what that call came to.
 */
import { childId, isWithin } from '../agent/lineage.ts'
import { StateNotFoundError } from '../base/errors.ts'
import type { Entry, EntryKind, RunId } from '../journal/entry.ts'
import type { RunRow, Store } from '../journal/store.ts'
import { Backlogs } from './backlog.ts'
import { entryEvent, type Happened } from './event.ts'
import { familyOf } from './family.ts'
import type { Feed, Listener } from './feed.ts'
import { chainAt, readEntries } from './recover.ts'

/** Facts that are read from the store at a time. */
const PAGE = 200

/** Where reading begins: after this seq; for a family, after one of each run (of others: from their first fact on). */
export type After = number | Readonly<Record<RunId, number>>

/** Where one run is being read. */
interface Cursor {
  readonly run: RunId
  readonly path: readonly string[] | undefined
  /** The last fact that was told. */
  position: number
  /** The last one that is known to be there. */
  durable: number
  /** Read from the store and not told yet. */
  page: readonly Entry[]
  /** The chain at the end of the page. */
  chain: Uint8Array | undefined
}

export interface Reading {
  readonly store: Store
  readonly run: RunId
  /** What is said here while the run is driven in this process. */
  readonly feed?: Feed
  /** With all runs below it. */
  readonly family: boolean
}

export class Reader implements Listener, Disposable {
  readonly backlogs: Backlogs = new Backlogs()
  readonly #reading: Reading
  #after: After = 0
  readonly #cursors = new Map<RunId, Cursor>()
  /** The name of the run's own agent, once it was looked at. */
  #names: readonly string[] = []
  #news = Promise.withResolvers<undefined>()
  #wasWoken = false

  constructor(reading: Reading) {
    this.#reading = reading
    reading.feed?.listen(this)
  }

  /** Where it begins. Comes first. */
  begin(after: After): void {
    this.#after = after
    this.#add(this.#reading.run, undefined)
  }

  /** The last fact of the run itself that was told. */
  get position(): number {
    return this.#cursorOf(this.#reading.run).position
  }

  /** Looks what is in the store by now. Of runs that are driven here, the feed tells. */
  async look(): Promise<RunRow> {
    const { store, run, family } = this.#reading
    // Those below first: their callers' facts that are read after that hold the calls that began them.
    if (family && this.#names.length === 0) await this.#addBelow()
    const row = await this.#row()
    for (const cursor of this.#cursors.values()) {
      const { lastSeq = 0 } = cursor.run === run ? row : ((await store.run(cursor.run)) ?? {})
      cursor.durable = Math.max(cursor.durable, lastSeq)
    }
    return row
  }

  /** The next event, if there is one already; no further than the run's fact `upTo`. */
  async next(upTo: number = Infinity): Promise<Happened | undefined> {
    this.#wasWoken = false
    this.#hear()
    const live = this.#nextLive()
    if (live !== undefined) return live
    let first: { readonly cursor: Cursor; readonly entry: Entry } | undefined
    for (const cursor of this.#cursors.values()) {
      if (cursor.run === this.#reading.run && cursor.position >= upTo) continue
      const entry = await this.#peek(cursor)
      if (entry === undefined || (await this.#mustWait(cursor, entry))) continue
      if (first === undefined || entry.at < first.entry.at) first = { cursor, entry }
    }
    if (first === undefined) return undefined
    const { cursor, entry } = first
    cursor.position = entry.seq
    cursor.page = cursor.page.slice(1)
    if (this.#reading.family) this.#noteChild(cursor, entry)
    return entryEvent(this.#reading.store, entry, cursor)
  }

  wake(): void {
    this.#wasWoken = true
    this.#news.resolve(undefined)
    this.#news = Promise.withResolvers()
  }

  /** Resolves when something may have come since the last `next`. */
  async woken(): Promise<void> {
    if (!this.#wasWoken) await this.#news.promise
    this.#wasWoken = false
  }

  [Symbol.dispose](): void {
    this.#reading.feed?.leave(this)
  }

  async #row(): Promise<RunRow> {
    const { store, run } = this.#reading
    const row = await store.run(run)
    if (row === undefined) throw new StateNotFoundError(`There is no run ${run}.`)
    return row
  }

  #cursorOf(run: RunId): Cursor {
    return this.#cursors.get(run) ?? this.#add(run, undefined)
  }

  #add(run: RunId, path: readonly string[] | undefined): Cursor {
    const after = this.#after
    const given = typeof after === 'number' ? (run === this.#reading.run ? after : 0) : after[run]
    const position = given ?? 0
    const cursor: Cursor = { run, path, position, durable: position, page: [], chain: undefined }
    this.#cursors.set(run, cursor)
    return cursor
  }

  #hear(): void {
    for (const cursor of this.#cursors.values())
      cursor.durable = Math.max(cursor.durable, this.#reading.feed?.durable(cursor.run) ?? 0)
  }

  /** R2. What comes before facts that were told already is dropped. */
  #nextLive(): Happened | undefined {
    for (const { run, position } of this.#cursors.values()) {
      const backlog = this.backlogs.of(run)
      while (backlog.first !== undefined && backlog.first.after < position) backlog.take()
      if (backlog.first?.after === position) return backlog.take()
    }
    return undefined
  }

  async #peek(cursor: Cursor): Promise<Entry | undefined> {
    if (cursor.page.length > 0) return cursor.page[0]
    if (cursor.position >= cursor.durable) return undefined
    const { store, feed } = this.#reading
    const recent = feed?.recent(cursor.run, cursor.position) ?? []
    if (recent.length > 0) {
      cursor.chain = undefined
      cursor.page = recent.filter(({ seq }) => seq <= cursor.durable)
      return cursor.page[0]
    }
    const { run, position, durable } = cursor
    const upTo = Math.min(durable, position + PAGE)
    const base = cursor.chain ?? (await chainAt(store, run, position))
    const { entries, chain } = await readEntries(store, run, position, base, { upTo, least: upTo })
    cursor.chain = chain
    cursor.page = entries
    return entries[0]
  }

  /** R3: what a call of an agent came to waits for the agent's own last facts. */
  async #mustWait(cursor: Cursor, entry: Entry): Promise<boolean> {
    if (!('call' in entry) || !ENDS.has(entry.kind)) return false
    const child = this.#cursors.get(childId(cursor.run, entry.call))
    if (child === undefined) return false
    const row = await this.#reading.store.run(child.run)
    child.durable = Math.max(child.durable, row?.lastSeq ?? 0)
    return child.position < child.durable
  }

  /** R3: the run of a call of an agent is told from its call on. */
  #noteChild(cursor: Cursor, entry: Entry): void {
    if (entry.kind !== 'call-requested' || entry.child !== true) return
    const run = childId(cursor.run, entry.call)
    if (this.#cursors.has(run)) return
    this.#add(run, [...(cursor.path ?? this.#names), entry.tool])
  }

  /** Those that are there already. Of two facts of one moment, the caller's comes first. */
  async #addBelow(): Promise<void> {
    const { store, run: root } = this.#reading
    const { agent, rootRunId } = await this.#row()
    this.#names = [agent]
    const rows = (await familyOf(store, rootRunId, 'all')).toSorted((a, b) => a.runId.length - b.runId.length)
    for (const { runId } of rows) {
      if (this.#cursors.has(runId) || !isWithin(runId, root)) continue
      const above = rows.filter((row) => isWithin(runId, row.runId) && isWithin(row.runId, root))
      this.#add(
        runId,
        above.map((row) => row.agent),
      )
    }
  }
}

/** What a call came to. */
const ENDS: ReadonlySet<EntryKind> = new Set(['call-returned', 'call-withdrawn', 'call-orphaned'])
