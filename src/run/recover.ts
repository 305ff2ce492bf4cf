/**
 * From the store to where a run stands: the last checkpoint, the entries after it, and what its heap must still hear.
 *
 * R1  Everything that is read is verified (chain, digests) before anything is written.
 * R2  Entries older than the heap's position are not read, unless the heap must be rebuilt by replay.
 * R3  A heap of another engine, or a damaged one, is never opened: replay rebuilds it from the journal.
 */
import { StateCorruptError, StateNotFoundError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { entryOf } from '../journal/decode.ts'
import { ENTRY_VERSION, type Entry, type RunId } from '../journal/entry.ts'
import type { Seal } from '../journal/cipher.ts'
import { GENESIS, openBytes } from '../journal/envelope.ts'
import { STATE_VERSION, type State } from '../journal/shape.ts'
import { fold } from '../journal/state.ts'
import type { CheckpointRow, HeapLink, Store } from '../journal/store.ts'
import { newStory, tell, type Story } from '../journal/story.ts'
import { stateContext, type CheckpointState } from './checkpoint.ts'
import { sealOf } from './seal.ts'

const PAGE = 1_000

export interface Recovered {
  /** The run's newest write when this was read: any other one, a checkpoint alone too, makes it old. */
  readonly lastWrite: string | undefined
  readonly state: State
  readonly chain: Uint8Array
  readonly seal: Seal
  /** The stored heap and the entries after its position; absent: rebuild by replay of the whole journal. */
  readonly heap?: StoredHeap
}

type Read = Omit<Recovered, 'lastWrite'>

export interface StoredHeap {
  readonly place: CheckpointState['place']
  readonly past: readonly Entry[]
  /** Opens the envelopes of its links. @throws {StateCorruptError} one is damaged (R3). */
  open(): readonly HeapLink[]
}

/** Reads where a run stands. @throws {StateNotFoundError} @throws {StateCorruptError} */
export async function recover(store: Store, runId: RunId): Promise<Recovered> {
  const row = await store.run(runId)
  if (row === undefined) throw new StateNotFoundError(`There is no run ${runId}.`)
  if (row.minReader > ENTRY_VERSION) {
    throw new StateCorruptError(`Run ${runId} was written by a newer version.`, {
      hint: 'Update persistent-code-agent.',
    })
  }
  const seal = await sealOf(store, runId)
  const checkpoint = await store.checkpoint(runId)
  const read =
    checkpoint === undefined ? await fromStart(store, seal) : await fromCheckpoint(store, seal, checkpoint)
  const recovered = { ...read, lastWrite: row.lastWrite }
  // A driver may have added to it since the row was read.
  if (recovered.state.seq >= row.lastSeq) {
    await checkAsked(store, recovered.state)
    return recovered
  }
  throw endsEarly(runId, recovered.state.seq, row.lastSeq)
}

/** What the run asks can be answered: its questions are in the store, or their answers wait there. */
export async function checkAsked(store: Store, { runId, seq, questions }: State): Promise<void> {
  const open = new Set((await store.questions({ runId })).map((question) => question.id))
  const missing = Object.keys(questions).filter((id) => !open.has(id))
  if (missing.length === 0) return
  const answered = new Set(
    (await store.signals(runId)).map(({ signal }) => (signal.kind === 'answer' ? signal.question : '')),
  )
  const lost = missing.find((id) => !answered.has(id))
  // A driver may have closed it since.
  if (lost === undefined || (await store.run(runId))?.lastSeq !== seq) return
  throw new StateCorruptError(`Question ${lost} of run ${runId} is open, but it is not in the store.`)
}

async function fromStart(store: Store, seal: Seal): Promise<Read> {
  const { runId } = seal
  const { entries, chain } = await readEntries(store, runId, 0, GENESIS)
  return { state: foldAll(undefined, entries, runId), chain, seal }
}

async function fromCheckpoint(store: Store, seal: Seal, checkpoint: CheckpointRow): Promise<Read> {
  const { runId } = seal
  const { seq, keyId } = checkpoint
  const bytes = openBytes(seal, stateContext(checkpoint.chain), seq, checkpoint.state, keyId)
  const kept = parseJson(
    Buffer.from(bytes).toString('utf8'),
    `The checkpoint of run ${runId}`,
  ) as unknown as CheckpointState
  if (kept.v !== STATE_VERSION) return fromStart(store, seal)
  const { place } = kept
  const from = Math.min(place.position, checkpoint.seq)
  const base = from === checkpoint.seq ? checkpoint.chain : await chainAt(store, runId, from)
  const { entries, chain } = await readEntries(store, runId, from, base, { mark: checkpoint })
  const state = foldAll(
    kept.state,
    entries.filter((entry) => entry.seq > checkpoint.seq),
    runId,
  )
  const undone = entries.some((entry) => entry.kind === 'step-killed' && entry.step === place.step)
  const heap = (stands: typeof place, past: readonly Entry[], links: readonly HeapLink[]): Read => ({
    state,
    chain,
    seal,
    heap: { place: stands, past, open: () => openLinks(seal, checkpoint, links, kept.links) },
  })
  if (!undone) return heap(place, entries, checkpoint.links)
  // The heap was taken inside a step that was killed after it: the step's start takes its place.
  if (place.start === undefined) return { state, chain, seal }
  const { links: count, ...start } = place.start
  const past = await readEntries(store, runId, start.position, await chainAt(store, runId, start.position))
  return heap(start, past.entries, checkpoint.links.slice(0, count))
}

/** R3. @throws {StateCorruptError} one is damaged, or the last ones are gone. */
function openLinks(
  seal: Seal,
  { keyId, links: stored }: CheckpointRow,
  links: readonly HeapLink[],
  count: number,
): readonly HeapLink[] {
  if (stored.length !== count)
    throw new StateCorruptError(`The heap of run ${seal.runId} has ${stored.length} links, not ${count}.`)
  return links.map(({ position, payload }) => ({
    position,
    payload: openBytes(seal, 'heap', position, payload, keyId),
  }))
}

/**
 * All of a run's journal, verified from its first entry on.
 * @throws {StateNotFoundError} no such run. @throws {StateCorruptError} an entry is damaged, or the last ones are gone.
 */
export async function readJournal(store: Store, runId: RunId): Promise<readonly Entry[]> {
  const row = await store.run(runId)
  if (row === undefined) throw new StateNotFoundError(`There is no run ${runId}.`)
  return (await readEntries(store, runId, 0, GENESIS, { least: row.lastSeq })).entries
}

interface Range {
  /** An entry whose chain is known. */
  readonly mark?: { readonly seq: number; readonly chain: Uint8Array }
  /** The last one that is wanted. Default: all. */
  readonly upTo?: number
  /** So far they must go: a journal that ends before is not whole. Default: nobody knows. */
  readonly least?: number
}

/** Every entry after `after`, verified against `base`, the chain at `after`. @throws {StateCorruptError} */
export async function readEntries(
  store: Store,
  runId: RunId,
  after: number,
  base: Uint8Array,
  { mark, upTo = Infinity, least = 0 }: Range = {},
): Promise<{ readonly entries: readonly Entry[]; readonly chain: Uint8Array }> {
  const seal = await sealOf(store, runId)
  const entries: Entry[] = []
  let chain = base
  for (let last = after; ;) {
    const wanted = Math.min(PAGE, upTo - last)
    if (wanted <= 0) return { entries, chain }
    const rows = await store.read(runId, last, wanted)
    for (const row of rows) {
      if (row.seq !== last + 1) throw new StateCorruptError(`Entry ${last + 1} of run ${runId} is missing.`)
      entries.push(entryOf(seal, row, chain))
      chain = row.chain
      last = row.seq
      if (mark?.seq === last && !Buffer.from(chain).equals(mark.chain)) {
        throw new StateCorruptError(
          `Entry ${last} of run ${runId} is not the one that its checkpoint was taken at.`,
        )
      }
    }
    if (rows.length >= wanted) continue
    if (last < least) throw endsEarly(runId, last, least)
    return { entries, chain }
  }
}

function endsEarly(runId: RunId, last: number, least: number): StateCorruptError {
  return new StateCorruptError(
    `The journal of run ${runId} ends at entry ${last}, but ${least} were written.`,
  )
}

/** The story of a run: its narrative entries, each checked against the chain of the row before it. */
export async function readStory(store: Store, runId: RunId, upTo: number = Infinity): Promise<Story> {
  const seal = await sealOf(store, runId)
  let story = newStory()
  for (let last = 0; ;) {
    const rows = await store.read(runId, last, PAGE, true)
    for (const row of rows) {
      if (row.seq > upTo) return story
      const before = row.seq === 1 ? GENESIS : row.before
      if (before === undefined)
        throw new StateCorruptError(`Entry ${row.seq - 1} of run ${runId} is missing.`)
      story = tell(story, entryOf(seal, row, before))
      last = row.seq
    }
    if (rows.length < PAGE) return story
  }
}

/** @throws {StateCorruptError} if narrative entries are missing: the model must not be told a story with a hole. */
export function checkWhole(story: Story, state: State): void {
  if (story.told === state.told) return
  throw new StateCorruptError(
    `The story of run ${state.runId} has ${story.told} entries where its journal says ${state.told}: some are missing.`,
  )
}

/** The chain column of one entry. */
export async function chainAt(store: Store, runId: RunId, seq: number): Promise<Uint8Array> {
  if (seq === 0) return GENESIS
  const [row] = await store.read(runId, seq - 1, 1)
  if (row?.seq === seq) return row.chain
  throw new StateCorruptError(`Entry ${seq} of run ${runId} is missing.`)
}

function foldAll(state: State | undefined, entries: readonly Entry[], runId: RunId): State {
  let folded = state
  for (const entry of entries) folded = fold(folded, entry, runId)
  if (folded === undefined) throw new StateCorruptError(`Run ${runId} has no entries.`)
  return folded
}
