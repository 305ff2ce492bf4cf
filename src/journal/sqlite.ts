/**
 * The store in one SQLite file: the default. Many runs, many processes on one machine.
 *
 * Q1  The only file that imports node:sqlite. The parts under `sqlite/` get a connection and own one subject each.
 * Q2  All writes go through one writer (`sqlite/writer.ts`), all checks are made inside its transaction (T2, T3, T4).
 * Q3  Values are bound, never put into SQL. Ids that UTF-8 would change match nothing.
 */
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { BootClock } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import { bootClock } from '../base/process-identity.ts'
import { checkId, checkNewRun, checkSeq, checkWrite, instantsOf, isProgress, type Instant } from './fence.ts'
import { typed, type Database } from './sqlite/database.ts'
import { heartbeatOf } from './sqlite/heartbeat.ts'
import { inboxOf } from './sqlite/inbox.ts'
import { journalOf } from './sqlite/journal.ts'
import { leasesOf } from './sqlite/leases.ts'
import { openDatabase } from './sqlite/open.ts'
import { runsOf } from './sqlite/runs.ts'
import { watchersOf } from './sqlite/watch.ts'
import { writerOf } from './sqlite/writer.ts'
import type { BlobRow, EntryRow, Lease, NewRun, QuestionRow, Store, Write } from './store.ts'

export interface SqliteStoreOptions {
  /** Make the file if there is none. Default: true. */
  readonly create?: boolean
  /** Change nothing; another process may be writing. Default: false. */
  readonly readOnly?: boolean
  /** The store's clock, ms since the epoch. Default: the system's. */
  readonly now?: () => number
  /** The machine's own time, for leases. Default: that of its boot; `now` where only that is given. */
  readonly monotonic?: BootClock
}

/**
 * Opens the state file at `path`.
 * @throws {StateNotFoundError} there is none, and it is not to be made.
 * @throws {StateCorruptError} it is damaged, of another program, or of a newer version. It is left as it was.
 * @throws {UsageError} the path cannot be used, or this Node.js has too old an SQLite.
 */
export function sqliteStore(path: string, options: SqliteStoreOptions = {}): Store {
  const { create = true, readOnly = false, now = Date.now } = options
  const file = fileAt(path)
  const isHeld = options.now !== undefined || options.monotonic !== undefined
  const instant = isHeld ? instantsOf(now, options.monotonic) : instantsOf(now, bootClock)
  const db = openDatabase(connect, { path: file, create, readOnly })
  return storeOn(db, file, readOnly, instant, isHeld)
}

/** `isHeld`: the clocks are a test's. A thread cannot read them, so a driver renews its lease by them itself. */
function storeOn(
  db: Database,
  path: string,
  readOnly: boolean,
  instant: () => Instant,
  isHeld: boolean,
): Store {
  const watchers = watchersOf(db)
  const writer = writerOf(db, path)
  const [runs, journal, inbox, leases] = [runsOf(db), journalOf(db), inboxOf(db), leasesOf(db)]
  const heartbeat = isHeld || readOnly ? undefined : heartbeatOf(path, (error) => typed(error, path))
  const now = (): number => instant().at
  let closing: Promise<void> | undefined

  async function write<T>(work: () => T): Promise<T> {
    if (closing !== undefined) throw new UsageError('The store is closed.')
    if (readOnly) throw new UsageError(`${path} was opened to be read only.`)
    return writer.write(work)
  }

  /** A write that watchers may have to act on. */
  async function tell<T>(work: () => T): Promise<T> {
    const value = await write(work)
    watchers.notify()
    return value
  }

  async function read<T>(work: () => T): Promise<T> {
    if (closing !== undefined) throw new UsageError('The store is closed.')
    return writer.read(work)
  }

  async function create(
    run: NewRun,
    entries: readonly EntryRow[],
    blobs: readonly BlobRow[],
    asked: readonly QuestionRow[] = [],
  ): Promise<'created' | 'exists'> {
    checkNewRun(run, entries, blobs, asked)
    return tell(() => {
      const number = runs.insert(run, entries, now())
      if (number === undefined) return 'exists'
      journal.add(number, entries, blobs)
      for (const question of asked) inbox.ask(number, question)
      return 'created'
    })
  }

  async function append(lease: Lease, change: Write): Promise<void> {
    checkWrite(lease, change)
    const isTurn = await write(() => {
      const moment = instant()
      const standing = leases.check(lease, moment)
      const { run } = standing
      checkSeq(lease, standing.lastSeq, change.expectedSeq)
      journal.add(run, change.entries, change.blobs)
      for (const question of change.asked) inbox.ask(run, question)
      for (const id of change.closed) inbox.close(run, lookup(id))
      for (const key of change.consumed) inbox.consume(run, lookup(key))
      if (change.checkpoint !== undefined) journal.setCheckpoint(run, change.checkpoint)
      runs.update(standing, lease.epoch, change, moment.at)
      if (isProgress(change.entries)) leases.progressed(lease)
      return change.view.status !== standing.status
    })
    if (isTurn) watchers.notify()
  }

  async function finish(): Promise<void> {
    await writer.idle()
    await heartbeat?.stop()
    watchers.clear()
    // The last one to close takes the log along. If others are at work, they do it.
    if (!readOnly) checkpoint(db)
    db.close()
  }

  function close(): Promise<void> {
    closing ??= finish()
    return closing
  }

  return {
    now,
    create,
    append,
    committed: (lease, nonce) => read(() => runs.committed({ ...lease, runId: lookup(lease.runId) }, nonce)),
    claim: (runId, claimant, ttl) => write(() => leases.claim(lookup(runId), claimant, ttl, instant())),
    renew: (lease, ttl) => write(() => leases.renew(lease, ttl, instant())),
    ...(heartbeat && { hold: (lease, terms) => heartbeat.hold(lease, terms) }),
    release: (lease) => tell(() => leases.release(lease)),
    async signal(runId, key, signal) {
      checkId(key, 'The key of a signal')
      return tell(() => inbox.accept(lookup(runId), key, signal, now()))
    },
    signals: (runId) => read(() => inbox.unread(lookup(runId))),
    due: (claimant, limit) => read(() => runs.due(claimant, limit, instant())),
    watch(onHint, abortSignal) {
      if (closing === undefined) watchers.add(onHint, abortSignal)
    },
    run: (runId) => read(() => runs.get(lookup(runId))),
    runs: (filter, limit, cursor) =>
      read(() => runs.page(filter, limit, cursor === undefined ? undefined : lookup(cursor))),
    questions: ({ runId, id }) =>
      read(() =>
        inbox.questions({
          ...(runId !== undefined && { runId: lookup(runId) }),
          ...(id !== undefined && { id: lookup(id) }),
        }),
      ),
    read: (runId, after, limit, narrative = false) =>
      read(() => journal.read(lookup(runId), after, limit, narrative)),
    blob: (runId, digest) => read(() => journal.blob(lookup(runId), lookup(digest))),
    checkpoint: (runId) => read(() => journal.checkpoint(lookup(runId))),
    remove: (runId) => tell(() => runs.remove(lookup(runId))),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Brings the log into the file. */
function checkpoint(db: Database): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // Busy or out of space: the log stays, and is as durable as the file.
  }
}

/** A lone surrogate would be looked up as U+FFFD, which is another id. No stored id is empty. */
function lookup(id: string): string {
  return id.isWellFormed() ? id : ''
}

/** Neither a URI nor a name with a meaning of its own. */
function fileAt(path: string): string {
  if (path === ':memory:') throw new UsageError('For a store in memory use memoryStore().')
  if (path === '' || path.includes('\0') || !path.isWellFormed())
    throw new UsageError('The path of a state file must be a file name.')
  return resolve(path)
}

function connect(
  path: string | URL,
  options: { readonly readOnly: boolean; readonly timeout: number },
): Database {
  return new DatabaseSync(path, {
    ...options,
    enableForeignKeyConstraints: true,
    defensive: true,
    allowExtension: false,
  })
}
