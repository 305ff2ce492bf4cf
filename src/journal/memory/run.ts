/** One run in memory: what is kept of it, what it says to a signal, and how it is copied in and out. */
import { UsageError } from '../../base/errors.ts'
import { parseJson } from '../../base/json.ts'
import type { QuestionId } from '../entry.ts'
import { keptMissing } from '../fence.ts'
import type {
  BlobRow,
  CheckpointRow,
  CheckpointWrite,
  EntryRow,
  HeapLink,
  QuestionRow,
  Receipt,
  RuleRow,
  RunRow,
  RunView,
  Signal,
  SignalRow,
} from '../store.ts'

export interface Question {
  readonly row: QuestionRow
  readonly state: 'open' | 'answered' | 'closed'
  /** The key of the accepted answer. */
  readonly winner?: string
}

export interface Letter {
  readonly key: string
  readonly at: number
  readonly signal: Signal
  readonly consumed: boolean
}

export interface Run {
  row: RunRow
  readonly entries: EntryRow[]
  readonly blobs: Map<string, BlobRow>
  readonly questions: Map<QuestionId, Question>
  readonly inbox: Map<string, Letter>
  /** By the question whose answer made them. */
  readonly rules: Map<QuestionId, { readonly row: RuleRow; readonly stands: boolean }>
  readonly nonces: Map<number, string>
  checkpoint: CheckpointRow | undefined
}

/** @throws {UsageError} a question of that id was asked before. */
export function checkAsked(run: Run, asked: readonly QuestionRow[]): void {
  const ids = new Set(run.questions.keys())
  for (const { id } of asked) {
    if (ids.has(id)) throw new UsageError(`Question ${id} of run ${run.row.runId} exists already.`)
    ids.add(id)
  }
}

/** Why an answer is not accepted (T4); `undefined`: it is. */
export function refusal(run: Run, id: QuestionId, now: number): Receipt | undefined {
  const question = run.questions.get(id)
  if (question === undefined) return { accepted: false, why: 'unknown' }
  const winner = question.winner === undefined ? undefined : run.inbox.get(question.winner)
  if (winner !== undefined) return { accepted: false, why: 'taken', winner: winner.signal }
  if (question.state !== 'open') return { accepted: false, why: 'closed' }
  const { expiresAt } = question.row
  return expiresAt !== undefined && expiresAt <= now ? { accepted: false, why: 'expired' } : undefined
}

/**
 * Whether a run could go on now if nobody drove it. A person resumes what rests for another cause than waiting; what
 * rests below a run that has ended is to end as well.
 */
export function isReady(run: Run, root: RunRow | undefined, now: number): boolean {
  const { status, cause, wakeAt, runId, rootRunId } = run.row
  if (status === 'running') return true
  if (status !== 'paused') return false
  if (runId !== rootRunId && (root?.status === 'completed' || root?.status === 'stopped')) return true
  if (cause === 'waiting' && wakeAt !== undefined && wakeAt <= now) return true
  return [...run.inbox.values()].some(({ consumed, signal }) => !consumed && wakes(signal.kind, cause))
}

/** A person's word to go on or to stop wakes any resting run, an answer one that waits; what is only said wakes none. */
function wakes(kind: Signal['kind'], cause: string | undefined): boolean {
  if (kind === 'resume' || kind === 'stop') return true
  return kind !== 'say' && kind !== 'edit' && cause === 'waiting'
}

export function keepBlobs(run: Run, blobs: readonly BlobRow[]): void {
  for (const blob of blobs) if (!run.blobs.has(blob.digest)) run.blobs.set(blob.digest, copyBlob(blob))
}

export function signalRow({ key, at, signal }: Letter): SignalRow {
  return { key, at, signal }
}

/** As JSON, as every other store keeps it. */
export function copySignal(signal: Signal): Signal {
  return parseJson(JSON.stringify(signal), 'A signal') as unknown as Signal
}

export function viewOf({ status, task, stepCount, wakeAt, cause }: RunView): RunView {
  return {
    status,
    task,
    stepCount,
    ...(wakeAt !== undefined && { wakeAt }),
    ...(cause !== undefined && { cause }),
  }
}

export function copyEntry({ seq, at, epoch, v, kind, payload, chain, keyId }: EntryRow): EntryRow {
  return { seq, at, epoch, v, kind, payload: copy(payload), chain: copy(chain), keyId }
}

/** With the chain of the row before it. */
export function copyTold(row: EntryRow, before: EntryRow | undefined): EntryRow {
  return { ...copyEntry(row), ...(before && { before: copy(before.chain) }) }
}

export function copyBlob(row: BlobRow): BlobRow {
  return { ...row, payload: copy(row.payload) }
}

export function copyCheckpoint({ seq, chain, state, links, keyId }: CheckpointRow): CheckpointRow {
  return { seq, chain: copy(chain), state: copy(state), links: links.map(copyLink), keyId }
}

/** @throws {UsageError} links are to stay that are not there. */
export function checkpointAfter(
  before: CheckpointRow | undefined,
  write: CheckpointWrite | 'none' | undefined,
): CheckpointRow | undefined {
  if (write === undefined) return before
  if (write === 'none') return undefined
  const { kept, links, ...rest } = write
  const stored = before?.links ?? []
  if (kept > stored.length) throw keptMissing(kept)
  return copyCheckpoint({ ...rest, links: [...stored.slice(0, kept), ...links] })
}

function copyLink({ position, payload }: HeapLink): HeapLink {
  return { position, payload: copy(payload) }
}

/** M2. `slice` of a `Buffer` would be a view. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

export function optional<T>(value: T | undefined, map: (value: T) => T): T | undefined {
  return value === undefined ? undefined : map(value)
}
