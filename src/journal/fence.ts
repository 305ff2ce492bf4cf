/**
 * What both stores decide in the same way: who holds a lease, who may write, and which writes are well-formed.
 *
 * F1  A lease is held until it is released, has expired by the store's clock, or its holder is certainly dead.
 * F2  Only the holder of the current epoch, before its expiry, writes (T2).
 * F3  A write that could not be read back as it was given is refused before anything is stored.
 */
import { LeaseLostError, RunBusyError, UsageError } from '../base/errors.ts'
import { describeHolder } from '../base/process-identity.ts'
import type { EntryKind } from './entry.ts'
import type { BlobRow, Claimant, EntryRow, Lease, NewRun, Write } from './store.ts'

/** A lease as stored. A released one keeps its epoch and has no holder. */
export interface HeldLease {
  readonly epoch: number
  readonly holder: string
  readonly claimedAt: number
  readonly expiresAt: number
}

/** Longest id, key, nonce, agent or digest, in UTF-16 units. */
const ID_LENGTH = 512

/** Entries that a driver writes when it sets out: they are no sign that it gets anywhere. */
const SETTING_OUT: ReadonlySet<EntryKind> = new Set<EntryKind>([
  'segment-started',
  'model-called',
  'call-started',
])

/** F1: the lease if somebody holds it. */
export function ifHeld(lease: HeldLease | undefined, now: number, claimant: Claimant): HeldLease | undefined {
  if (lease === undefined || lease.holder === '' || lease.expiresAt <= now) return undefined
  return claimant.isDead(lease.holder) ? undefined : lease
}

/** F2. @throws {LeaseLostError} */
export function checkFence(held: HeldLease | undefined, lease: Lease, now: number): void {
  if (held === undefined || held.epoch !== lease.epoch || held.holder !== lease.holder) {
    throw lostError(lease)
  }
  if (held.expiresAt <= now) {
    throw new LeaseLostError(`The lease on run ${lease.runId} expired ${now - held.expiresAt} ms ago.`)
  }
}

/** @throws {LeaseLostError} */
export function checkSeq(lease: Lease, lastSeq: number, expectedSeq: number): void {
  if (lastSeq === expectedSeq) return
  throw new LeaseLostError(
    `Run ${lease.runId} is at entry ${lastSeq}, not ${expectedSeq}: somebody else wrote.`,
  )
}

export function lostError(lease: Lease): LeaseLostError {
  return new LeaseLostError(
    `Run ${lease.runId} was taken over, given back or removed: epoch ${lease.epoch} is not current.`,
  )
}

export function busyError(runId: string, held: HeldLease): RunBusyError {
  const since = new Date(held.claimedAt).toISOString()
  return new RunBusyError(`Run ${runId} is driven by ${describeHolder(held.holder)} since ${since}.`)
}

/** True if the entries show that the run got somewhere since it was claimed. */
export function isProgress(entries: readonly EntryRow[]): boolean {
  return entries.some((entry) => !SETTING_OUT.has(entry.kind))
}

/** F3. @throws {UsageError} */
export function checkId(value: string, what: string): void {
  if (value === '' || value.length > ID_LENGTH) {
    throw new UsageError(`${what} must have 1 to ${ID_LENGTH} characters, it has ${value.length}.`)
  }
  checkText(value, what)
}

/** F3. @throws {UsageError} */
export function checkNewRun(run: NewRun, entries: readonly EntryRow[], blobs: readonly BlobRow[]): void {
  checkId(run.runId, 'A run id')
  checkId(run.rootRunId, 'A root run id')
  checkId(run.agent, 'An agent name')
  checkText(run.definitionDigest, 'A definition digest')
  checkText(run.parentCallId ?? '', 'A parent call id')
  checkText(run.view.cause ?? '', 'The cause of a pause')
  checkEntries(entries, 0, 0)
  for (const blob of blobs) checkId(blob.digest, 'A blob digest')
}

/** F3. @throws {UsageError} */
export function checkWrite(lease: Lease, write: Write): void {
  checkId(write.nonce, 'A nonce')
  checkText(write.view.cause ?? '', 'The cause of a pause')
  checkEntries(write.entries, write.expectedSeq, lease.epoch)
  for (const blob of write.blobs) checkId(blob.digest, 'A blob digest')
  for (const question of write.asked) {
    checkId(question.id, 'A question id')
    if (question.runId !== lease.runId)
      throw new UsageError(`Question ${question.id} belongs to another run.`)
  }
  const last = write.expectedSeq + write.entries.length
  if (typeof write.checkpoint === 'object' && write.checkpoint.seq > last) {
    throw new UsageError(`A checkpoint at ${write.checkpoint.seq} is beyond the last entry, ${last}.`)
  }
}

function checkEntries(entries: readonly EntryRow[], after: number, epoch: number): void {
  for (const [index, entry] of entries.entries()) {
    if (entry.seq !== after + index + 1)
      throw new UsageError(`Entry ${entry.seq} does not follow ${after + index}.`)
    if (entry.epoch !== epoch)
      throw new UsageError(`Entry ${entry.seq} is of epoch ${entry.epoch}, not ${epoch}.`)
  }
}

/** A lone surrogate has no UTF-8: the database would change it, and two ids could become one. */
function checkText(value: string, what: string): void {
  if (!value.isWellFormed()) throw new UsageError(`${what} is not well-formed text.`)
}
