/**
 * The store in one SQLite file: the default. Many runs, many processes on one machine.
 *
 * Q1  The only file that imports node:sqlite. The parts under `sqlite/` get a connection and own one subject each.
 * Q2  All writes go through one writer (`sqlite/writer.ts`), all checks are made inside its transaction (T2, T3, T4).
 * Q3  Values are bound, never put into SQL. Ids that UTF-8 would change match nothing.
 * Q4  Each transaction looks at the file's version: a process that is older than the file's tables is refused, not wrong.
 */
import { resolve } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import type { BootClock } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import { bootClock } from '../base/process-identity.ts'
import type { Seal } from './cipher.ts'
import { VERSION } from './migrations.ts'
import { checkId, checkNewRun, checkSeq, checkWrite, instantsOf, isProgress, type Instant } from './fence.ts'
import { keyringOf, type Keyring, type StateKey } from './keys.ts'
import { textOf, type Database, type Row } from './sqlite/database.ts'
import { heartbeatOf } from './sqlite/heartbeat.ts'
import { inboxOf, questionOf, ruleOf } from './sqlite/inbox.ts'
import { journalOf } from './sqlite/journal.ts'
import { leasesOf } from './sqlite/leases.ts'
import { newerError } from './sqlite/inspect.ts'
import { openDatabase } from './sqlite/open.ts'
import { runOf, runsOf } from './sqlite/runs.ts'
import { checkSealed, sealsOf } from './sqlite/seals.ts'
import { stateFileOf, type StateFile } from './sqlite/state-file.ts'
import { watchersOf } from './sqlite/watch.ts'
import { writerOf } from './sqlite/writer.ts'
import { isOf } from './rule.ts'
import type { BlobRow, EntryRow, Lease, NewRun, QuestionRow, Store, Write } from './store.ts'

export interface SqliteStoreOptions {
  /** Make the file if there is none. Default: true. */
  readonly create?: boolean
  /** Change nothing; another process may be writing. Default: false. */
  readonly readOnly?: boolean
  /** Seals new runs, and opens those that it sealed. Default: `PCA_STATE_KEY`, if set. */
  readonly stateKey?: StateKey
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
export function sqliteStore(path: string, options: SqliteStoreOptions = {}): SqliteStore {
  const { create = true, readOnly = false, now = Date.now } = options
  const file = fileAt(path)
  const isHeld = options.now !== undefined || options.monotonic !== undefined
  const instant = isHeld ? instantsOf(now, options.monotonic) : instantsOf(now, bootClock)
  const keyring = keyringOf(options.stateKey ?? (process.env['PCA_STATE_KEY'] || undefined))
  const db = openDatabase(connect, { path: file, create, readOnly })
  return storeOn(db, file, { readOnly, keyring, instant, isHeld })
}

/** A store with the file that it is in. */
export interface SqliteStore extends Store {
  readonly file: StateFile
}

interface Given {
  readonly readOnly: boolean
  readonly keyring: Keyring
  readonly instant: () => Instant
  /** The clocks are a test's. A thread cannot read them, so a driver renews its lease by them itself. */
  readonly isHeld: boolean
}

function storeOn(db: Database, path: string, { readOnly, keyring, instant, isHeld }: Given): SqliteStore {
  const watchers = watchersOf(db)
  const writer = writerOf(db, path)
  const [runs, journal, inbox, leases] = [runsOf(db), journalOf(db), inboxOf(db), leasesOf(db)]
  const heartbeat = isHeld || readOnly ? undefined : heartbeatOf(path, (error) => writer.heard(error))
  const version = db.prepare('PRAGMA user_version')
  const now = (): number => instant().at
  const unreturned = new Set<Lease>()
  let closing: Promise<void> | undefined

  /** Q4. Inside a transaction: nobody changes the tables before it ends. */
  function mustBeKnown(): void {
    const found = version.get()?.['user_version']
    if (found !== VERSION) throw newerError(Number(found), path)
  }

  async function write<T>(work: () => T): Promise<T> {
    if (closing !== undefined) throw new UsageError('The store is closed.')
    if (readOnly) throw new UsageError(`${path} was opened to be read only.`)
    return writer.write(() => {
      mustBeKnown()
      return work()
    })
  }

  /** A write that watchers may have to act on. */
  async function tell<T>(work: () => T): Promise<T> {
    const value = await write(work)
    watchers.notify()
    return value
  }

  async function read<T>(work: () => T): Promise<T> {
    if (closing !== undefined) throw new UsageError('The store is closed.')
    return writer.read(() => {
      mustBeKnown()
      return work()
    })
  }

  const seals = sealsOf(db, keyring, read)

  /** A row with what stands sealed in it, where its key is given. */
  async function opened<T>(row: Row, open: (row: Row, seal: Seal | undefined) => T): Promise<T> {
    return open(row, await seals.tried(textOf(row, 'run_id'), row))
  }

  async function create(
    run: NewRun,
    entries: readonly EntryRow[],
    blobs: readonly BlobRow[],
    asked: readonly QuestionRow[] = [],
  ): Promise<'created' | 'exists'> {
    checkNewRun(run, entries, blobs, asked)
    const seal = await seals.with(run.runId, run.wrap)
    checkSealed(seal, [...entries, ...blobs])
    return tell(() => {
      const number = runs.insert({ run, entries, asked }, seal, now())
      if (number === undefined) return 'exists'
      seals.keep(number, run.wrap)
      journal.add(number, entries, blobs)
      for (const question of asked) inbox.ask(number, seal, question)
      return 'created'
    })
  }

  async function append(lease: Lease, change: Write): Promise<void> {
    checkWrite(lease, change)
    const seal = await seals.forWriter(lookup(lease.runId))
    const { checkpoint: kept } = change
    checkSealed(seal, [...change.entries, ...change.blobs, ...(typeof kept === 'object' ? [kept] : [])])
    const isTurn = await write(() => {
      const moment = instant()
      const standing = leases.check(lease, moment)
      const { run } = standing
      checkSeq(lease, standing.lastSeq, change.expectedSeq)
      journal.add(run, change.entries, change.blobs)
      for (const question of change.asked) inbox.ask(run, seal, question)
      for (const id of change.closed) inbox.close(run, seal, lookup(id))
      for (const key of change.consumed) inbox.consume(run, seal, lookup(key))
      if (kept !== undefined) journal.setCheckpoint(run, kept)
      runs.update(standing, lease, change, seal, moment.at)
      if (isProgress(change.entries)) leases.progressed(lease)
      return change.view.status !== standing.status
    })
    if (isTurn) watchers.notify()
  }

  /** One that a full disk keeps from being given back is given back before the next is taken. */
  async function release(lease: Lease): Promise<void> {
    unreturned.add(lease)
    await tell(() => leases.release(lease))
    unreturned.delete(lease)
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
    file: stateFileOf({
      db,
      path,
      keyring,
      runs,
      leases,
      instant,
      connect,
      read,
      write: tell,
      copy: async (to) => copyWhole(path, to),
    }),
    seals: { make: (runId) => seals.make(runId), of: (runId) => seals.of(lookup(runId)) },
    now,
    create,
    append,
    committed: (lease, nonce) => read(() => runs.committed({ ...lease, runId: lookup(lease.runId) }, nonce)),
    claim(runId, claimant, ttl) {
      seals.forget()
      return write(() => {
        for (const lease of unreturned) leases.release(lease)
        return leases.claim(lookup(runId), claimant, ttl, instant())
      })
    },
    renew: (lease, ttl) => write(() => leases.renew(lease, ttl, instant())),
    ...(heartbeat && { hold: (lease, terms) => heartbeat.hold(lease, terms) }),
    release,
    async signal(runId, key, signal) {
      checkId(key, 'The key of a signal')
      const seal = await seals.of(lookup(runId))
      return tell(() => inbox.accept(seal, key, signal, now()))
    },
    async signals(runId) {
      const seal = await seals.of(lookup(runId))
      return read(() => inbox.unread(seal))
    },
    async rules(filter) {
      const rows = await read(() => inbox.rules(filter.agent))
      const known = await Promise.all(rows.map(async (row) => opened(row, ruleOf)))
      return known.filter((row) => row !== undefined).filter(({ rule }) => isOf(rule, filter))
    },
    async withdraw(runId, question) {
      const seal = await seals.of(lookup(runId))
      return tell(() => inbox.withdraw(seal, question))
    },
    due: (claimant, limit) => read(() => runs.due(claimant, limit, instant())),
    watch(onHint, abortSignal) {
      if (closing === undefined) watchers.add(onHint, abortSignal)
    },
    async run(runId) {
      const row = await read(() => runs.get(lookup(runId)))
      return row === undefined ? undefined : opened(row, runOf)
    },
    async runs(filter, limit, cursor) {
      const before = cursor === undefined ? undefined : lookup(cursor)
      const rows = await read(() => runs.page(filter, limit, before))
      return Promise.all(rows.map(async (row) => opened(row, runOf)))
    },
    async questions({ runId, id, rootRunId }) {
      const rows = await read(() =>
        inbox.questions({
          ...(runId !== undefined && { runId: lookup(runId) }),
          ...(id !== undefined && { id: lookup(id) }),
          ...(rootRunId !== undefined && { rootRunId: lookup(rootRunId) }),
        }),
      )
      return Promise.all(rows.map(async (row) => opened(row, questionOf)))
    },
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

/** In one step, and on a connection of its own: what is written meanwhile is not waited for. */
async function copyWhole(from: string, to: string): Promise<void> {
  using db = new DatabaseSync(from, { readOnly: true })
  await backup(db, to, { rate: 2 ** 30 })
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
