/**
 * What both stores decide in the same way: who holds a lease, who may write, and which writes are well-formed.
 *
 * F1  A lease is held until it is released, has expired, or its holder is certainly dead. Processes of the boot in
 *     which it was taken or renewed judge its expiry by the time of that boot alone: a clock that is set, or a machine
 *     that sleeps, neither steals a lease nor prolongs one. All others judge by the store's wall clock.
 * F2  Only the holder of the current epoch, before its expiry, writes (T2).
 * F3  A write that could not be read back as it was given is refused before anything is stored.
 * F4  A holder that was taken over and is not certainly dead may be at work for one more ttl. Whoever claims until then
 *     is told, also if the lease was given back in between.
 */
import { LeaseLostError, RunBusyError, UsageError } from '../base/errors.ts'
import type { BootClock } from '../base/clock.ts'
import { describeHolder, isSameBoot } from '../base/process-identity.ts'
import type { EntryKind, RunId } from './entry.ts'
import type { BlobRow, Claimant, EntryRow, Lease, NewRun, QuestionRow, Write } from './store.ts'

/** A lease as stored. A released one keeps its epoch and has no holder. */
export interface HeldLease {
  readonly epoch: number
  readonly holder: string
  readonly claimedAt: number
  /** Ms since the epoch. */
  readonly expiresAt: number
  /** The boot of the process that wrote the expiry, and the expiry in that boot's time, ms. */
  readonly boot: string
  readonly expiresInBoot: number
  /** How many holders have been lost since the run last got somewhere. */
  readonly deaths: number
  /** F4: who may be at work beside the holder (empty: nobody), and until when, ms since the epoch. */
  readonly doubted: string
  readonly doubtedUntil: number
}

/** The moment of a decision, by both clocks of a store. */
export interface Instant {
  /** Ms since the epoch. */
  readonly at: number
  readonly boot: string
  /** Ms of the boot's own time. */
  readonly inBoot: number
}

/** Both clocks of a store as one. Without `monotonic` it follows `now`: a test that holds one holds both. */
export function instantsOf(now: () => number, monotonic: BootClock = { boot: 'held', now }): () => Instant {
  return () => ({ at: now(), boot: monotonic.boot, inBoot: monotonic.now() })
}

/** Longest id, key, nonce, agent or digest, in UTF-16 units. */
const ID_LENGTH = 512

/** Entries that a driver writes when it sets out, or that come from outside: they are no sign that it gets anywhere. */
const NO_PROGRESS: ReadonlySet<EntryKind> = new Set<EntryKind>([
  'segment-started',
  'options-changed',
  'tools-changed',
  'model-called',
  'call-started',
  'message-said',
  'step-interrupted',
  'run-paused',
  'run-resumed',
])

/** F1: the lease if somebody holds it. */
export function ifHeld(
  lease: HeldLease | undefined,
  now: Instant,
  claimant: Claimant,
): HeldLease | undefined {
  if (lease === undefined || lease.holder === '' || msLeft(lease, now) <= 0) return undefined
  return claimant.isDead(lease.holder) ? undefined : lease
}

/**
 * F1: the next lease, and what is told of the one before. @throws {RunBusyError} somebody holds it.
 */
export function takeOver(
  stored: HeldLease | undefined,
  now: Instant,
  claimant: Claimant,
  runId: RunId,
  ttl: number,
): Omit<Lease, 'rootRunId'> {
  const held = ifHeld(stored, now, claimant)
  if (held !== undefined) throw busyError(runId, held)
  const { epoch, holder, deaths } = stored ?? { epoch: 0, holder: '', deaths: 0 }
  const before = stored === undefined ? undefined : predecessor(stored, now, claimant, ttl)
  return {
    runId,
    epoch: epoch + 1,
    holder: claimant.holder,
    deaths: holder === '' ? deaths : deaths + 1,
    ...(before === undefined ? {} : { before }),
  }
}

/** F4. */
function predecessor(stored: HeldLease, now: Instant, claimant: Claimant, ttl: number): Lease['before'] {
  const { holder, doubted, doubtedUntil } = stored
  if (holder !== '' && !claimant.isDead(holder)) return { holder, dead: false, until: now.at + ttl }
  if (doubted !== '' && doubtedUntil > now.at && !claimant.isDead(doubted))
    return { holder: doubted, dead: false, until: doubtedUntil }
  return holder === '' ? undefined : { holder, dead: true }
}

/** F4: what the lease keeps of whom it was taken from. */
export function doubtOf(before: Lease['before']): Pick<HeldLease, 'doubted' | 'doubtedUntil'> {
  return before === undefined || before.dead
    ? { doubted: '', doubtedUntil: 0 }
    : { doubted: before.holder, doubtedUntil: before.until }
}

/** F1: until when a lease holds that is taken or renewed now. */
export function expiryOf(now: Instant, ttl: number): Pick<HeldLease, 'expiresAt' | 'boot' | 'expiresInBoot'> {
  return { expiresAt: now.at + ttl, boot: now.boot, expiresInBoot: now.inBoot + ttl }
}

/** F2. @throws {LeaseLostError} */
export function checkFence(held: HeldLease | undefined, lease: Lease, now: Instant): void {
  if (held === undefined || held.epoch !== lease.epoch || held.holder !== lease.holder) {
    throw lostError(lease)
  }
  const left = msLeft(held, now)
  if (left <= 0) {
    throw new LeaseLostError(`The lease on run ${lease.runId} expired ${Math.round(-left)} ms ago.`)
  }
}

/** F1. */
function msLeft(lease: HeldLease, now: Instant): number {
  return isSameBoot(lease.boot, now.boot) ? lease.expiresInBoot - now.inBoot : lease.expiresAt - now.at
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

function busyError(runId: string, held: HeldLease): RunBusyError {
  const since = new Date(held.claimedAt).toISOString()
  return new RunBusyError(`Run ${runId} is driven by ${describeHolder(held.holder)} since ${since}.`)
}

/** True if the entries show that the run got somewhere since it was claimed. */
export function isProgress(entries: readonly EntryRow[]): boolean {
  return entries.some((entry) => !NO_PROGRESS.has(entry.kind))
}

/** F3. @throws {UsageError} */
export function checkId(value: string, what: string): void {
  if (value === '' || value.length > ID_LENGTH) {
    throw new UsageError(`${what} must have 1 to ${ID_LENGTH} characters, it has ${value.length}.`)
  }
  checkText(value, what)
}

/** F3. @throws {UsageError} */
export function checkNewRun(
  run: NewRun,
  entries: readonly EntryRow[],
  blobs: readonly BlobRow[],
  asked: readonly QuestionRow[],
): void {
  checkId(run.runId, 'A run id')
  checkId(run.rootRunId, 'A root run id')
  checkId(run.agent, 'An agent name')
  checkText(run.definitionDigest, 'A definition digest')
  checkText(run.parentCallId ?? '', 'A parent call id')
  checkText(run.view.cause ?? '', 'The cause of a pause')
  checkEntries(entries, 0, 0)
  for (const blob of blobs) checkId(blob.digest, 'A blob digest')
  checkAsked(run.runId, asked)
}

/** F3. @throws {UsageError} */
export function checkWrite(lease: Lease, write: Write): void {
  checkId(write.nonce, 'A nonce')
  checkText(write.view.cause ?? '', 'The cause of a pause')
  checkEntries(write.entries, write.expectedSeq, lease.epoch)
  for (const blob of write.blobs) checkId(blob.digest, 'A blob digest')
  checkAsked(lease.runId, write.asked)
  const last = write.expectedSeq + write.entries.length
  if (typeof write.checkpoint === 'object' && write.checkpoint.seq > last) {
    throw new UsageError(`A checkpoint at ${write.checkpoint.seq} is beyond the last entry, ${last}.`)
  }
}

function checkAsked(runId: string, asked: readonly QuestionRow[]): void {
  const ids = new Set<string>()
  for (const { id, runId: owner } of asked) {
    checkId(id, 'A question id')
    if (owner !== runId) throw new UsageError(`Question ${id} belongs to another run.`)
    if (ids.has(id)) throw new UsageError(`Question ${id} is asked twice in one write.`)
    ids.add(id)
  }
}

/** A checkpoint builds on links that are not stored. */
export function keptMissing(kept: number): UsageError {
  return new UsageError(`A checkpoint keeps ${kept} links, which are not there.`)
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
