/**
 * One writer for all writes of this process: what is asked for in the same turn shares a transaction and its fsync.
 *
 * W1  A write resolves after its COMMIT has returned, never before (T1).
 * W2  Each write has a savepoint of its own: one that is refused changes nothing, and does not harm its neighbours.
 * W3  No wait for another process's lock blocks the event loop for long: after a few ms it goes on asynchronously.
 * W4  A write may be run again before it is acknowledged: it must touch nothing but the database.
 * W5  After an error of reading, writing or syncing, or a COMMIT whose outcome is not certain, nothing more is written:
 *     SQLite itself would go on, over pages that the system may have dropped. A full disk refuses one write only.
 */
import { systemClock } from '../../base/clock.ts'
import { RunBusyError, type StoreFailedError } from '../../base/errors.ts'
import { faultPoint } from '../../base/fault-point.ts'
import { isBusy, isFatal, isFull, storeFailed, typed } from './database.ts'
import type { Database } from './database.ts'

/** Writes per transaction: bounds how long the event loop is held. */
const BATCH = 64
const GIVE_UP_MS = 10_000
const SHORTEST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 100

/** Nothing ends a wait for the lock but the lock, or giving up. */
const forever = new AbortController().signal

export interface Writer {
  /** Runs `work` in a transaction (W1–W4). */
  write<T>(work: () => T): Promise<T>
  /** Runs `work`, which only reads: all of its queries see one moment. */
  read<T>(work: () => T): Promise<T>
  /** Resolves when nothing waits to be written. */
  idle(): Promise<void>
  /** The typed error for what another connection of this store met; W5 holds for it too. */
  heard(error: unknown): unknown
}

interface Job {
  /** Does the work, and returns what to call once it is durable. */
  attempt(): () => void
  refuse(error: unknown): void
}

type Tried<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }

/** `giveUp`: how long to wait for another process's lock, ms. */
export function writerOf(db: Database, path: string, giveUp: number = GIVE_UP_MS): Writer {
  const [begin, commit, rollback] = [
    db.prepare('BEGIN IMMEDIATE'),
    db.prepare('COMMIT'),
    db.prepare('ROLLBACK'),
  ]
  const [savepoint, undo] = [db.prepare('SAVEPOINT job'), db.prepare('ROLLBACK TO job')]
  const [keep, beginRead] = [db.prepare('RELEASE job'), db.prepare('BEGIN')]
  const queue: Job[] = []
  const idlers: (() => void)[] = []
  let isScheduled = false
  let busySince: number | undefined
  let failed: StoreFailedError | undefined

  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    if (busySince === undefined) setImmediate(flush)
    else systemClock.after(pauseAfter(busySince), flush, forever)
  }

  function flush(): void {
    isScheduled = false
    const began = tryTo(() => begin.run())
    if (began.ok) commitBatch(queue.splice(0, BATCH))
    else delay(began.error)
    if (queue.length > 0) schedule()
    else for (const resolve of idlers.splice(0)) resolve()
  }

  /** No transaction: another process writes (W3), or something is broken. */
  function delay(error: unknown): void {
    busySince ??= systemClock.now()
    if (isBusy(error) && systemClock.now() - busySince < giveUp) return
    busySince = undefined
    const refusal = heard(error)
    for (const job of queue.splice(0)) job.refuse(refusal)
  }

  function heard(error: unknown): unknown {
    if (isFatal(error)) failed ??= storeFailed(path, error)
    return explained(error, path)
  }

  /** W5: none of these was acknowledged, and none will be. */
  function refuseAll(jobs: readonly Job[], refusal: unknown): void {
    if (db.isTransaction) tryTo(() => rollback.run())
    for (const job of [...jobs, ...queue.splice(0)]) job.refuse(refusal)
  }

  function commitBatch(jobs: readonly Job[]): void {
    busySince = undefined
    const written: { readonly job: Job; readonly acknowledge: () => void }[] = []
    for (const [index, job] of jobs.entries()) {
      const done = tryTo(() => attempt(job))
      if (done.ok) written.push({ job, acknowledge: done.value })
      else if (isFatal(done.error)) return refuseAll(jobs, heard(done.error))
      else job.refuse(explained(done.error, path))
      if (db.isTransaction) continue
      // A full disk undoes the whole transaction: the others have another try without this one (W2, W4).
      queue.unshift(...written.map((other) => other.job), ...jobs.slice(index + 1))
      return
    }
    faultPoint('transaction-unwritten')
    const committed = tryTo(() => commit.run())
    faultPoint('transaction-written')
    if (committed.ok) for (const { acknowledge } of written) acknowledge()
    else
      refuseCommit(
        written.map(({ job }) => job),
        committed.error,
      )
  }

  /** What could not be committed, is still open, or did not fit, has certainly not happened; of anything else nobody knows. */
  function refuseCommit(jobs: readonly Job[], error: unknown): void {
    const refusal = heard(error)
    if (!db.isTransaction && !isFull(error)) failed ??= storeFailed(path, error)
    if (failed !== undefined) return refuseAll(jobs, failed)
    if (db.isTransaction) rollback.run()
    for (const job of jobs) job.refuse(refusal)
  }

  function attempt(job: Job): () => void {
    savepoint.run()
    try {
      return job.attempt()
    } catch (error) {
      if (db.isTransaction && !tryTo(() => undo.run()).ok) rollback.run()
      throw error
    } finally {
      if (db.isTransaction) keep.run()
    }
  }

  async function write<T>(work: () => T): Promise<T> {
    if (failed !== undefined) throw failed
    return new Promise<T>((resolve, refuse) => {
      queue.push({
        attempt: () => {
          const value = work()
          return () => resolve(value)
        },
        refuse,
      })
      schedule()
    })
  }

  async function read<T>(work: () => T): Promise<T> {
    const since = systemClock.now()
    for (;;) {
      const done = tryTo(() => glance(work))
      if (done.ok) return done.value
      if (!isBusy(done.error) || systemClock.now() - since > giveUp) throw explained(done.error, path)
      await new Promise<void>((resolve) => systemClock.after(pauseAfter(since), resolve, forever))
    }
  }

  function glance<T>(work: () => T): T {
    beginRead.run()
    try {
      return work()
    } finally {
      if (db.isTransaction) commit.run()
    }
  }

  async function idle(): Promise<void> {
    if (queue.length > 0) await new Promise<void>((resolve) => idlers.push(resolve))
  }

  return { write, read, idle, heard }
}

function tryTo<T>(work: () => T): Tried<T> {
  try {
    return { ok: true, value: work() }
  } catch (error) {
    return { ok: false, error }
  }
}

/** Longer the longer it has lasted, and seldom the same for two processes. */
function pauseAfter(since: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS + (systemClock.now() - since) / 4)
  return longest * (0.6 + (process.pid % 16) / 40)
}

function explained(error: unknown, path: string): unknown {
  if (!isBusy(error)) return typed(error, path)
  return new RunBusyError(
    `${path} has been locked by another process for too long. Try again when it is done.`,
    {
      cause: error,
    },
  )
}
