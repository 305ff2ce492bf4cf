/**
 * One writer for all writes of this process: what is asked for in the same turn shares a transaction and its fsync.
 *
 * W1  A write resolves after its COMMIT has returned, never before (T1).
 * W2  Each write has a savepoint of its own: one that is refused changes nothing, and does not harm its neighbours.
 * W3  No wait for another process's lock blocks the event loop for long: after a few ms it goes on asynchronously.
 * W4  A write may be run again before it is acknowledged: it must touch nothing but the database.
 */
import { systemClock } from '../../base/clock.ts'
import { RunBusyError } from '../../base/errors.ts'
import { faultPoint } from '../../base/fault-point.ts'
import { isBusy, typed } from './database.ts'
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
    for (const job of queue.splice(0)) job.refuse(explained(error, path))
  }

  function commitBatch(jobs: readonly Job[]): void {
    busySince = undefined
    const written: { readonly job: Job; readonly acknowledge: () => void }[] = []
    for (const [index, job] of jobs.entries()) {
      const done = tryTo(() => attempt(job))
      if (done.ok) written.push({ job, acknowledge: done.value })
      else job.refuse(explained(done.error, path))
      if (db.isTransaction) continue
      // A full disk undoes the whole transaction: the others have another try without this one (W2, W4).
      queue.unshift(...written.map((other) => other.job), ...jobs.slice(index + 1))
      return
    }
    faultPoint('transaction-unwritten')
    const committed = tryTo(() => commit.run())
    faultPoint('transaction-written')
    if (!committed.ok && db.isTransaction) rollback.run()
    for (const { job, acknowledge } of written) {
      if (committed.ok) acknowledge()
      else job.refuse(explained(committed.error, path))
    }
  }

  function attempt(job: Job): () => void {
    savepoint.run()
    try {
      return job.attempt()
    } catch (error) {
      if (db.isTransaction) undo.run()
      throw error
    } finally {
      if (db.isTransaction) keep.run()
    }
  }

  function write<T>(work: () => T): Promise<T> {
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

  return { write, read, idle }
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
