/**
 * The store port: all that the runtime needs of a place to keep runs. Bytes in, bytes out; it does not read payloads.
 * A store with `seals` keeps what it is given to read (tasks, questions, signals) under the run's seal, too.
 *
 * T1  A promise that resolved is durable: power loss after it cannot undo it.
 * T2  Every write of a driver carries its lease; a write under an epoch that is not the current one, or after its
 *     expiry, is refused with LeaseLostError and changes nothing.
 * T3  `append` is one transaction: entries, projections, consumed signals, blobs and checkpoint, or nothing.
 * T4  A question has at most one accepted answer.
 * T5  `watch` is a hint: it may come twice, late or never. `due` and `signals` are the truth.
 * T6  No reply, or an error that is none of ours, says nothing of what was done: each operation tells what to do then.
 *     What only reads may always be repeated.
 */
import type { CallId } from '../base/halt.ts'
import type { Seal } from './cipher.ts'
import type {
  CallOutcome,
  Decision,
  EntryKind,
  MemoryEdit,
  QuestionId,
  QuestionKind,
  RunId,
} from './entry.ts'
import type { KeyWrap } from './keys.ts'

export type RunStatus = 'running' | 'paused' | 'completed' | 'stopped' | 'failed'

/** One entry as stored. `payload` is a sealed envelope (see `envelope.ts`). */
export interface EntryRow {
  readonly seq: number
  readonly at: number
  readonly epoch: number
  readonly v: number
  readonly kind: EntryKind
  readonly payload: Uint8Array
  /** Digest over the previous row's chain, this row's place and its payload. */
  readonly chain: Uint8Array
  /** Which data key sealed the payload; empty: none. */
  readonly keyId: string
  /** The chain of the row before it. Only a narrative `read` gives it, and not for a row without one before it. */
  readonly before?: Uint8Array
}

export interface BlobRow {
  readonly digest: string
  readonly payload: Uint8Array
  readonly keyId: string
}

/** A part of a stored heap: it says what changed since the link before it. */
export interface HeapLink {
  /** The seq of the last entry delivered to the heap that it leads to. */
  readonly position: number
  readonly payload: Uint8Array
}

/** Folded state and heap at one place of the journal. Only the newest is kept. Its payloads are sealed envelopes. */
export interface CheckpointRow {
  /** The seq of the last entry folded into `state`. */
  readonly seq: number
  /** The chain column of that entry. */
  readonly chain: Uint8Array
  readonly state: Uint8Array
  /** The heap, oldest link first; empty where there is none yet. */
  readonly links: readonly HeapLink[]
  readonly keyId: string
}

/** A checkpoint as it is written: of the heap only what is new. */
export interface CheckpointWrite extends Omit<CheckpointRow, 'links'> {
  /** So many links of the checkpoint before stay; those after them go. */
  readonly kept: number
  /** These follow them. */
  readonly links: readonly HeapLink[]
}

/** What a run looks like from outside; written by `append`, equal to the fold of its entries. */
export interface RunView {
  readonly status: RunStatus
  readonly task: string
  readonly stepCount: number
  /** When the run may go on by itself, ms since the epoch. */
  readonly wakeAt?: number
  /** Why it rests; `waiting` runs are woken by an answer, others by a person. */
  readonly cause?: string
}

export interface RunRow extends RunView {
  readonly runId: RunId
  readonly rootRunId: RunId
  readonly agent: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly lastSeq: number
  /** The nonce of the newest write, which need not have brought entries. Absent where nothing was appended yet. */
  readonly lastWrite?: string
  /** The oldest version of the vocabulary that can read this run. */
  readonly minReader: number
  /** The state key that its task cannot be read without; absent where it was read. */
  readonly lockedBy?: string
}

export interface QuestionRow {
  readonly runId: RunId
  readonly id: QuestionId
  readonly kind: QuestionKind
  readonly message: string
  /** What a person is shown and what is checked: JSON text `{ tool, args, digest }`, where a call asks. */
  readonly call?: string
  /** JSON Schema (JSON text) that a `respond` value must meet. */
  readonly schema?: string
  /** JSON Schema (JSON text) that the arguments of an `edit` must meet. */
  readonly argsSchema?: string
  readonly createdAt: number
  readonly expiresAt?: number
  /** The state key that its message cannot be read without; absent where it was read. */
  readonly lockedBy?: string
}

export interface NewRun {
  readonly runId: RunId
  readonly rootRunId: RunId
  readonly parentCallId?: string
  readonly agent: string
  readonly definitionDigest: string
  readonly minReader: number
  readonly view: RunView
  /** Its data key, as it is stored; absent where the run is kept in plain. */
  readonly wrap?: KeyWrap
}

/** How the runs of a store are sealed. */
export interface Seals {
  /** For a run that is to be created; undefined where new runs are kept in plain. */
  make(runId: RunId): Promise<{ readonly seal: Seal; readonly wrap: KeyWrap } | undefined>
  /**
   * For a stored run.
   * @throws {UsageError} its key is missing, or another one was given. @throws {StateCorruptError} its key is gone, or damaged.
   */
  of(runId: RunId): Promise<Seal>
}

/** The right to drive a run: only the holder of the current epoch writes. */
export interface Lease {
  readonly rootRunId: RunId
  readonly runId: RunId
  readonly epoch: number
  readonly holder: string
  /** How many holders have been lost since the run last got somewhere: a run that kills its process is put aside. */
  readonly deaths: number
  /**
   * Whose lease it was, where it was taken over. `dead`: certainly; else that process may be at work `until` then (ms
   * since the epoch), and every claim before then says so.
   */
  readonly before?:
    | { readonly holder: string; readonly dead: true }
    | { readonly holder: string; readonly dead: false; readonly until: number }
}

/** How a lease is held. */
export interface HoldTerms {
  readonly ttl: number
  /** For how many ms from now nobody else can have the lease. */
  readonly msLeft: number
  /** Lets it go: it is renewed no more. It is not given back. */
  readonly abortSignal: AbortSignal
  /** Hears once that it could not be renewed, or is somebody else's. */
  readonly onLost: (error: unknown) => void
}

/** A lease that is renewed in the background. */
export interface Hold {
  /** For how many ms more nobody else can have the lease; none, if it is 0 or less. Looked at directly before an effect. */
  msLeft(): number
}

/** Who asks for a lease. `isDead` tells whether another holder's process is certainly dead (only knowable on the same host). */
export interface Claimant {
  readonly holder: string
  isDead(holder: string): boolean
}

export interface Write {
  /** The seq of the last stored entry: another value means that somebody else wrote. */
  readonly expectedSeq: number
  /** Unique per write: after a lost reply `committed` tells whether it went through. */
  readonly nonce: string
  readonly entries: readonly EntryRow[]
  readonly view: RunView
  readonly asked: readonly QuestionRow[]
  /** Questions that are closed by this write (answered, expired or withdrawn). */
  readonly closed: readonly QuestionId[]
  readonly consumed: readonly string[]
  readonly blobs: readonly BlobRow[]
  /** `none` deletes the stored one. */
  readonly checkpoint?: CheckpointWrite | 'none'
}

export type Signal =
  | {
      readonly kind: 'answer'
      readonly question: QuestionId
      readonly decision: Decision
      readonly by?: string
      /** It is to count for later calls too: kept by the commit that accepts the answer. */
      readonly rule?: Rule
    }
  | { readonly kind: 'pause'; readonly reason: string }
  | { readonly kind: 'stop'; readonly reason: string; readonly by?: string }
  | { readonly kind: 'resume' }
  | { readonly kind: 'say'; readonly text: string; readonly by?: string }
  /** Said, and what the run is in the middle of is to end. */
  | { readonly kind: 'interrupt'; readonly text: string; readonly by?: string }
  | { readonly kind: 'edit'; readonly edit: MemoryEdit }
  /** From a process that drives the run no more: what came of a call that it had sent. */
  | {
      readonly kind: 'late'
      readonly call: CallId
      readonly attempt: number
      /** Which segment of the run it was that had sent it. */
      readonly segment: number
      readonly outcome: CallOutcome
      readonly shown: string
    }
  /** To a run that waits for a managed agent's, or for a person's word: there is something to see, of run `run`. */
  | { readonly kind: 'child'; readonly run: RunId }

/** A decision on one call that counts for later ones. Kept with the run in which it was made, and removed with it. */
export interface Rule {
  /** Of that run's family, or of every run of the agent. */
  readonly scope: 'run' | 'agent'
  readonly says: 'approve' | 'reject'
  readonly agent: string
  readonly rootRunId: RunId
  readonly tool: string
  /** Digest of the tool's declaration: a tool that has changed is asked about again. */
  readonly declaration: string
  /** Digest of the only arguments that it counts for; absent: any. */
  readonly args?: string
  /** It was given where private data, strangers' content and a way out met: it counts there too. */
  readonly combination?: true
  readonly reason?: string
  readonly by?: string
}

/** A rule that stands, known by the question whose answer made it. */
export interface RuleRow {
  readonly runId: RunId
  readonly question: QuestionId
  /** Ms since the epoch. */
  readonly at: number
  readonly rule: Rule
}

export interface RuleFilter {
  readonly agent?: string
  /** Rules of this family, beside those of the agent. */
  readonly rootRunId?: RunId
}

export interface SignalRow {
  readonly key: string
  readonly at: number
  readonly signal: Signal
}

export type Receipt =
  | { readonly accepted: true }
  /** The key is taken: `winner` is the signal that stands (it may be equal to the one sent). */
  | { readonly accepted: false; readonly why: 'taken'; readonly winner: Signal }
  | { readonly accepted: false; readonly why: 'unknown' | 'expired' | 'closed' }

export interface RunFilter {
  readonly status?: readonly RunStatus[]
  readonly agent?: string
  /** Only the runs of this family. */
  readonly rootRunId?: RunId
  /** Only runs that are no part of another one. */
  readonly roots?: true
}

export interface QuestionFilter {
  readonly runId?: RunId
  /** Of any run of this family. */
  readonly rootRunId?: RunId
  readonly id?: QuestionId
}

export interface Store extends AsyncDisposable {
  /** Absent: this store keeps no keys, and every run in plain. */
  readonly seals?: Seals
  /** The store's clock, ms since the epoch: `at` of entries, expiry of leases and questions. */
  now(): number
  /**
   * Inserts the run with its first entries (from seq 1, epoch 0) and open questions, if no run of that id exists. After a lost reply it is
   * repeated: `exists` may then mean one's own, and what is stored tells.
   */
  create(
    run: NewRun,
    entries: readonly EntryRow[],
    blobs: readonly BlobRow[],
    asked?: readonly QuestionRow[],
  ): Promise<'created' | 'exists'>
  /**
   * Writes all of `write` or nothing. After a lost reply `committed` is asked before anything else is written: what is
   * repeated unasked is refused, like somebody else's write.
   * @throws {LeaseLostError} the epoch is not current, the lease has expired, or `expectedSeq` is not the last seq.
   * @throws {UsageError} a write that cannot be meant: a gap in its entries, a question twice, links kept that are not there.
   */
  append(lease: Lease, write: Write): Promise<void>
  /** Whether the newest write of this epoch to this run is the one with this nonce: a driver has one under way at a time. */
  committed(lease: Lease, nonce: string): Promise<boolean>
  /**
   * Takes the lease with the next epoch. Where the reply is lost, the lease that may have been taken is nobody's: it
   * ends by its expiry, and until then `claim` is refused.
   * @throws {RunBusyError} a live process holds it. @throws {StateNotFoundError}
   */
  claim(runId: RunId, claimant: Claimant, ttl: number): Promise<Lease>
  /** The lease ends `ttl` from now; may be repeated. @throws {LeaseLostError} it is not current, or has expired. */
  renew(lease: Lease, ttl: number): Promise<void>
  /**
   * Renews the lease every third of its ttl from a thread of its own, whatever this thread does. Holds no process alive.
   * A store that has no thread for it leaves this out, and its driver calls `renew` by a timer.
   */
  hold?(lease: Lease, terms: HoldTerms): Hold
  /** Gives the lease back; on one that is not current any more it does nothing, so it may be repeated. */
  release(lease: Lease): Promise<void>
  /**
   * Accepts a signal: this commit is the acknowledgement. An `answer` must name an open, unexpired question. After a lost
   * reply it is repeated with the same key: it is accepted once, and `taken` by an equal winner means that it was.
   * @throws {StateNotFoundError} no such run.
   */
  signal(runId: RunId, key: string, signal: Signal): Promise<Receipt>
  /** The signals that no driver has consumed yet, in order of arrival. */
  signals(runId: RunId): Promise<readonly SignalRow[]>
  /** Runs that can go on now: orphaned, woken by the clock, or with a signal to consume; oldest first. */
  due(claimant: Claimant, limit: number): Promise<readonly RunId[]>
  /** The rules that stand, oldest first; none of runs whose key is not given. */
  rules(filter: RuleFilter): Promise<readonly RuleRow[]>
  /** The rule counts no more from now on; may be repeated. False: there was none. */
  withdraw(runId: RunId, question: QuestionId): Promise<boolean>
  /** Calls `onHint` after something may have changed, until `abortSignal` fires. Holds no process alive. */
  watch(onHint: () => void, abortSignal: AbortSignal): void
  run(runId: RunId): Promise<RunRow | undefined>
  /** Newest first. `cursor` is the last runId of the page before. */
  runs(filter: RunFilter, limit: number, cursor?: RunId): Promise<readonly RunRow[]>
  /** Open questions, oldest first. */
  questions(filter: QuestionFilter): Promise<readonly QuestionRow[]>
  /** Entries after `after`, in order. `narrative`: only the kinds of NARRATIVE, each with the chain `before` it. */
  read(runId: RunId, after: number, limit: number, narrative?: boolean): Promise<readonly EntryRow[]>
  blob(runId: RunId, digest: string): Promise<BlobRow | undefined>
  checkpoint(runId: RunId): Promise<CheckpointRow | undefined>
  /** Nothing is left of the run; of none that is there, nothing is done. */
  remove(runId: RunId): Promise<void>
  close(): Promise<void>
}
