/**
 * A run's journal in the hand of its driver: facts are recorded (placed, folded, chained) at once and committed
 * together.
 *
 * L1  `record` folds at once: the state is always the fold of all that was recorded.
 * L2  Commits are in order and whole. An effect that must not run before its cause is durable waits for `flush`.
 * L3  A commit that fails ends the driving: nothing further is recorded or acknowledged.
 */
import type { Happening } from '../agent/happening.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { Encoded } from '../base/halt.ts'
import { randomText } from '../base/id.ts'
import { placed, rowOf } from '../journal/decode.ts'
import type { RunId, Entry, Fact, Stored } from '../journal/entry.ts'
import { keyIdOf, type Seal } from '../journal/cipher.ts'
import { sealBytes } from '../journal/envelope.ts'
import { STATE_VERSION, type State } from '../journal/shape.ts'
import { fold } from '../journal/state.ts'
import { viewOf } from '../journal/view.ts'
import { blobOf, readBlob } from './blob.ts'
import { stateContext, type CheckpointState } from './checkpoint.ts'
import { questionRow, shownCall, type SchemasOf } from './question-row.ts'
import type { Secrets } from '../tool/secret.ts'
import type { BlobRow, CheckpointWrite, EntryRow, HeapLink, Lease, Store } from '../journal/store.ts'

type Checkpointed = Extract<Happening, { kind: 'checkpointed' }>

export interface LogStart {
  readonly store: Store
  readonly lease: Lease
  readonly state: State
  readonly chain: Uint8Array
  readonly seal: Seal
  readonly schemas: SchemasOf
  /** What is taken out of all that is recorded. */
  readonly secrets?: Pick<Secrets, 'clean'>
}

export class RunLog {
  readonly #store: Store
  readonly #lease: Lease
  readonly #seal: Seal
  readonly #schemas: LogStart['schemas']
  readonly #secrets: Pick<Secrets, 'clean'> | undefined
  #state: State
  #chain: Uint8Array
  #durableSeq: number
  /** The open questions as the store knows them. */
  #known: ReadonlySet<string>
  #rows: EntryRow[] = []
  #entries: Entry[] = []
  #blobs = new Map<string, BlobRow>()
  #consumed: string[] = []
  #checkpoint: CheckpointWrite | undefined
  /** Those of the heap that are stored, and those of the checkpoint that the next commit brings. */
  #stored: readonly HeapLink[] = []
  #links: readonly HeapLink[] = []
  readonly #texts = new Map<string, string>()
  #flushing: Promise<void> = Promise.resolve()
  #heard: (entries: readonly Entry[]) => void = () => undefined

  constructor(start: LogStart) {
    this.#store = start.store
    this.#lease = start.lease
    this.#seal = start.seal
    this.#state = start.state
    this.#chain = start.chain
    this.#schemas = start.schemas
    this.#secrets = start.secrets
    this.#durableSeq = start.state.seq
    this.#known = new Set(Object.keys(start.state.questions))
  }

  /** The run that the lease is of: this one, or the one at the top of its family. */
  get rootRunId(): RunId {
    return this.#lease.rootRunId
  }

  get state(): State {
    return this.#state
  }

  /** The seq up to which everything is durable. */
  get durableSeq(): number {
    return this.#durableSeq
  }

  /** True if something is recorded that is not committed yet. */
  get dirty(): boolean {
    return this.#rows.length > 0 || this.#consumed.length > 0 || this.#checkpoint !== undefined
  }

  /** Hears of entries once they are durable. */
  onCommitted(heard: (entries: readonly Entry[]) => void): void {
    this.#heard = heard
  }

  /** Places, folds and chains the facts (L1). They are durable after the next `flush`. */
  record(facts: readonly Fact[]): readonly Entry[] {
    const at = Math.max(this.#store.now(), this.#state.at)
    return (this.#secrets?.clean(facts) ?? facts).map((fact) => {
      const entry = placed(fact, this.#state.seq + 1, at, this.#lease.epoch)
      const row = rowOf(this.#seal, entry, this.#chain)
      this.#chain = row.chain
      this.#rows.push(row)
      this.#entries.push(entry)
      this.#state = fold(this.#state, entry, this.#state.runId)
      return entry
    })
  }

  /** Signals that the next commit consumes. */
  consume(keys: readonly string[]): void {
    this.#consumed.push(...keys)
  }

  /** Text in place, or as a blob of the next commit where it is large. */
  stow(text: Encoded): Stored {
    const clean = this.#secrets?.clean(text) ?? text
    const blob = blobOf(this.#seal, clean)
    if (blob === undefined) return clean
    this.#texts.set(blob.row.digest, clean)
    this.#blobs.set(blob.row.digest, blob.row)
    return blob.stored
  }

  async text(stored: Stored): Promise<string> {
    if (typeof stored === 'string') return stored
    const known = this.#texts.get(stored.blob)
    if (known !== undefined) return known
    const text = await readBlob(this.#store, this.#state.runId, stored.blob)
    this.#texts.set(stored.blob, text)
    return text
  }

  /** The text of a blob that `text` has read before. @throws {TypeError} if it has not. */
  textNow(stored: Stored): string {
    const text = typeof stored === 'string' ? stored : this.#texts.get(stored.blob)
    if (text === undefined) throw new TypeError('A blob was rendered before it was read')
    return text
  }

  /** The links that the store holds of this run's heap, as they were opened: they are not written again. */
  holds(links: readonly HeapLink[]): void {
    this.#stored = links
  }

  /** Keeps heap and state with the next commit; the state is the one at that commit. Of the heap, what is new is written. */
  keep({ links, place }: Pick<Checkpointed, 'links' | 'place'>): void {
    const { seq } = this.#state
    const changed = links.findIndex((link, index) => link !== this.#stored[index])
    const kept = changed < 0 ? links.length : changed
    const state: CheckpointState = { v: STATE_VERSION, state: this.#state, place, links: links.length }
    this.#links = links
    this.#checkpoint = {
      seq,
      chain: this.#chain,
      keyId: keyIdOf(this.#seal),
      state: sealBytes(this.#seal, stateContext(this.#chain), seq, Buffer.from(JSON.stringify(state))),
      kept,
      links: links.slice(kept).map(({ position, payload }) => ({
        position,
        payload: sealBytes(this.#seal, 'heap', position, payload),
      })),
    }
  }

  /** Commits what is recorded (L2). @throws {LeaseLostError} another driver has the run. */
  async flush(): Promise<void> {
    this.#flushing = this.#flushing.then(async () => this.#commit())
    return this.#flushing
  }

  async #commit(): Promise<void> {
    if (!this.dirty) return
    await this.#readShown()
    const state = this.#state
    const entries = this.#entries
    const open = new Set(Object.keys(state.questions))
    const write = {
      expectedSeq: this.#durableSeq,
      nonce: randomText(12),
      entries: this.#rows,
      view: viewOf(state),
      consumed: this.#consumed,
      asked: Object.values(state.questions)
        .filter((question) => !this.#known.has(question.id))
        .map((question) => questionRow(state, question, (call) => this.textNow(call.input), this.#schemas)),
      closed: [...this.#known].filter((id) => !open.has(id)),
      blobs: [...this.#blobs.values()],
      ...(this.#checkpoint === undefined ? {} : { checkpoint: this.#checkpoint }),
    }
    this.#rows = []
    this.#entries = []
    this.#blobs = new Map()
    this.#consumed = []
    this.#checkpoint = undefined
    if (write.checkpoint !== undefined) this.#stored = this.#links
    faultPoint('commit-unwritten')
    try {
      await this.#store.append(this.#lease, write)
      faultPoint('commit-unacknowledged')
    } catch (error) {
      // A lost reply is no lost commit: the store knows.
      if (!(await this.#store.committed(this.#lease, write.nonce).catch(() => false))) throw error
    }
    this.#durableSeq = state.seq
    this.#known = open
    faultPoint(write.checkpoint === undefined ? 'commit-acknowledged' : 'checkpoint-moved')
    this.#heard(entries)
  }

  /** The arguments that new questions show, where they are kept as blobs. */
  async #readShown(): Promise<void> {
    for (const question of Object.values(this.#state.questions)) {
      const call = shownCall(this.#state, question)
      if (call !== undefined && !this.#known.has(question.id)) await this.text(call.input)
    }
  }
}
