/**
 * Is all that is stored of a run what was written, and does it hold together? Read from end to end, and only read.
 *
 * J1–J8 of its entries are judged by `journal/check.ts`; what is not in the entries is judged here:
 *
 * J4  The checkpoint is the fold of the entries up to its place, and its heap is whole.
 * J9  Every entry follows the one before it, up to the newest that the run's row names.
 * view, questions, signals, blobs: what stands beside the journal opens, and is what the journal says.
 *
 * A run whose key is not given is checked as far as that needs none: the chain. A run that is written to meanwhile is
 * looked at again.
 */
import { isDeepStrictEqual } from 'node:util'
import { isPersistentAgentError, StateCorruptError, UsageError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { violations, type Rule } from '../journal/check.ts'
import type { Seal } from '../journal/cipher.ts'
import { entryOf } from '../journal/decode.ts'
import { ENTRY_VERSION, type Entry, type RunId } from '../journal/entry.ts'
import { checkChain, GENESIS, openBytes } from '../journal/envelope.ts'
import { STATE_VERSION, type State } from '../journal/shape.ts'
import { fold } from '../journal/state.ts'
import { viewOf } from '../journal/view.ts'
import type { CheckpointRow, EntryRow, RunRow, RunView, Store } from '../journal/store.ts'
import { openHeap } from '../sandbox/snapshot.ts'
import { engineDigest } from '../sandbox/parts.ts'
import { readBlob } from './blob.ts'
import { stateContext, type CheckpointState } from './checkpoint.ts'
import { sealOf } from './seal.ts'

/** Something that is wrong: which law, where, and what in plain words. */
export interface Fault {
  readonly rule: Rule | 'view' | 'questions' | 'signals' | 'blobs'
  readonly seq?: number
  readonly what: string
}

export interface RunCheck {
  readonly runId: RunId
  readonly entries: number
  readonly faults: readonly Fault[]
  /** The state key without which no more than the chain could be checked. */
  readonly lockedBy?: string
}

const PAGE = 1_000
const LOOKS = 5

/** Everything that is wrong with one run. @throws what is no matter of the run: the store cannot be read at all. */
export async function verifyRun(store: Store, runId: RunId): Promise<RunCheck> {
  for (let looks = 1; ; looks++) {
    const before = await rowOf(store, runId)
    if ('what' in before) return { runId, entries: 0, faults: [before] }
    const checked = await lookAt(store, before)
    const after = checked.faults.length === 0 ? before : await rowOf(store, runId)
    // What was written while we read is no fault.
    const isSame = 'what' in after || isDeepStrictEqual(before, after)
    if (isSame || looks === LOOKS) return checked
  }
}

async function rowOf(store: Store, runId: RunId): Promise<RunRow | Fault> {
  try {
    return (await store.run(runId)) ?? { rule: 'view', what: 'The run is gone.' }
  } catch (error) {
    return faultOf('view', error)
  }
}

async function lookAt(store: Store, row: RunRow): Promise<RunCheck> {
  const { runId, lockedBy } = row
  if (lockedBy !== undefined) {
    const { faults, count } = await checkLocked(store, row)
    return { runId, entries: count, faults, lockedBy }
  }
  const seal = await attempt('view', async () => sealOf(store, runId))
  if ('what' in seal) return { runId, entries: 0, faults: [seal] }
  const read = await readAll(store, seal, row)
  const found: Fault[] = [...read.faults, ...violations(read.entries)]
  const state = read.faults.length > 0 ? undefined : folded(runId, read.entries, found)
  if (state !== undefined) {
    found.push(...viewFaults(row, state))
    found.push(...(await questionFaults(store, state)))
    found.push(...(await checkpointFaults(store, seal, read.entries, read.chains)))
  }
  found.push(...(await blobFaults(store, runId, read.entries)))
  return { runId, entries: read.entries.length, faults: found }
}

/** Every row of the journal, in order, up to the one that the run's row names as its newest. */
async function* rowsOf(store: Store, { runId, lastSeq }: RunRow): AsyncGenerator<EntryRow> {
  for (let last = 0; last < lastSeq;) {
    const rows = await store.read(runId, last, Math.min(PAGE, lastSeq - last))
    for (const row of rows) {
      if (row.seq !== last + 1) throw new StateCorruptError(`Entry ${last + 1} is missing.`)
      last = row.seq
      yield row
    }
    if (rows.length === 0)
      throw new StateCorruptError(`Entry ${last + 1} is missing: ${lastSeq} were written.`)
  }
}

async function checkLocked(
  store: Store,
  run: RunRow,
): Promise<{ readonly faults: readonly Fault[]; readonly count: number }> {
  let [chain, count, keyId]: [Uint8Array, number, string | undefined] = [GENESIS, 0, undefined]
  try {
    for await (const row of rowsOf(store, run)) {
      checkChain(row, run.runId, chain)
      if (row.keyId !== (keyId ?? row.keyId)) throw new StateCorruptError(`Entry ${row.seq} has another key.`)
      chain = row.chain
      keyId = row.keyId
      count++
    }
    return { faults: [], count }
  } catch (error) {
    return { faults: [faultOf('J9', error)], count }
  }
}

interface AllRead {
  readonly entries: readonly Entry[]
  readonly chains: readonly Uint8Array[]
  readonly faults: readonly Fault[]
}

async function readAll(store: Store, seal: Seal, run: RunRow): Promise<AllRead> {
  const entries: Entry[] = []
  const chains: Uint8Array[] = []
  try {
    for await (const row of rowsOf(store, run)) {
      entries.push(entryOf(seal, row, chains.at(-1) ?? GENESIS))
      chains.push(row.chain)
    }
    return { entries, chains, faults: [] }
  } catch (error) {
    return { entries, chains, faults: [faultOf('J9', error)] }
  }
}

/** The state, unless the entries cannot be folded. */
function folded(runId: RunId, entries: readonly Entry[], found: Fault[]): State | undefined {
  let state: State | undefined
  try {
    for (const entry of entries) state = fold(state, entry, runId)
  } catch (error) {
    found.push(faultOf('J1', error))
    return undefined
  }
  return state
}

function viewFaults(row: RunRow, state: State): readonly Fault[] {
  const { status, task, stepCount, wakeAt, cause } = row
  const shown: RunView = { status, task, stepCount, ...ifGiven({ wakeAt, cause }) }
  const said = { ...viewOf(state) }
  const faults: Fault[] = Object.keys({ ...shown, ...said }).flatMap((name): readonly Fault[] => {
    const [one, other] = [Reflect.get(shown, name) as unknown, Reflect.get(said, name) as unknown]
    return one === other
      ? []
      : [{ rule: 'view', what: `Its ${name} is ${text(one)} in the list, ${text(other)} by its journal.` }]
  })
  if (row.agent !== state.run.agent)
    faults.push({
      rule: 'view',
      what: `Its agent is ${text(row.agent)} in the list, ${text(state.run.agent)} by its journal.`,
    })
  if (row.minReader > ENTRY_VERSION) faults.push({ rule: 'view', what: 'A newer version wrote it.' })
  return faults
}

async function questionFaults(store: Store, state: State): Promise<readonly Fault[]> {
  const { runId } = state
  const rows = await attempt('questions', async () => store.questions({ runId }))
  if ('what' in rows) return [rows]
  const signals = await attempt('signals', async () => store.signals(runId))
  if ('what' in signals) return [signals]
  const answered = new Set(signals.map(({ signal }) => (signal.kind === 'answer' ? signal.question : '')))
  const shown = new Map(rows.map((row) => [row.id, row]))
  const faults: Fault[] = []
  const wrong = (what: string): void => void faults.push({ rule: 'questions', what })
  for (const { id } of rows)
    if (!(id in state.questions)) wrong(`Question ${id} is shown as open, and is not.`)
  for (const { id, kind, message, createdAt, expiresAt } of Object.values(state.questions)) {
    const row = shown.get(id)
    const fact = { kind, message, createdAt, expiresAt }
    if (row === undefined) {
      if (!answered.has(id)) wrong(`Question ${id} is open, and is not shown.`)
    } else if (
      !isDeepStrictEqual(fact, {
        kind: row.kind,
        message: row.message,
        createdAt: row.createdAt,
        expiresAt: row.expiresAt,
      })
    )
      wrong(`Question ${id} is shown otherwise than it was asked.`)
  }
  return faults
}

/** J4. */
async function checkpointFaults(
  store: Store,
  seal: Seal,
  entries: readonly Entry[],
  chains: readonly Uint8Array[],
): Promise<readonly Fault[]> {
  const { runId } = seal
  const row = await attempt('J4', async () => store.checkpoint(runId))
  if (row === undefined) return []
  if ('what' in row) return [row]
  const { seq } = row
  const fault = (what: string): readonly Fault[] => [{ rule: 'J4', seq, what }]
  const chain = chains[seq - 1]
  if (chain === undefined) return fault(`The checkpoint stands at entry ${seq}, which is not there.`)
  if (Buffer.compare(chain, row.chain) !== 0) return fault('The checkpoint was taken of another journal.')
  const kept = await attempt('J4', async () => keptIn(seal, row))
  if ('what' in kept) return [{ ...kept, seq }]
  // Of another version it is not used: the journal is read instead.
  if (kept.v !== STATE_VERSION) return []
  let state: State | undefined
  for (const entry of entries.slice(0, seq)) state = fold(state, entry, runId)
  if (!isDeepStrictEqual(kept.state, parseJson(JSON.stringify(state), 'A state')))
    return fault('The state of the checkpoint is not what its entries come to.')
  if (kept.place.position > seq) return fault('The heap of the checkpoint stands after its state.')
  if (kept.links !== row.links.length) return fault('A part of the heap is missing.')
  const heap = await attempt('J4', async () => {
    const links = row.links.map(({ position, payload }) => ({
      position,
      payload: openBytes(seal, 'heap', position, payload, row.keyId),
    }))
    return (await openHeap(links, engineDigest())) ?? {}
  })
  return 'what' in heap ? [{ ...heap, seq }] : []
}

function keptIn(seal: Seal, row: CheckpointRow): CheckpointState {
  const bytes = openBytes(seal, stateContext(row.chain), row.seq, row.state, row.keyId)
  return parseJson(Buffer.from(bytes).toString('utf8'), 'The checkpoint') as unknown as CheckpointState
}

async function blobFaults(store: Store, runId: RunId, entries: readonly Entry[]): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  const seen = new Set<string>()
  for (const entry of entries) {
    // A person's own words may look like the name of a blob.
    const written = entry.kind === 'question-answered' ? { ...entry, decision: undefined } : entry
    for (const name of blobsIn(written)) {
      if (seen.has(name)) continue
      seen.add(name)
      const read = await attempt('blobs', async () => ({ text: await readBlob(store, runId, name) }))
      if ('what' in read) faults.push({ ...read, seq: entry.seq })
    }
  }
  return faults
}

/** The names of the blobs that stand for text in an entry: `Stored` where it is no text. */
function blobsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  const { blob, size } = value as { readonly blob?: unknown; readonly size?: unknown }
  if (typeof blob === 'string' && typeof size === 'number' && Object.keys(value).length === 2) return [blob]
  return Object.values(value).flatMap(blobsIn)
}

async function attempt<T>(rule: Fault['rule'], work: () => T | Promise<T>): Promise<T | Fault> {
  try {
    return await work()
  } catch (error) {
    return faultOf(rule, error)
  }
}

/** What the store or an envelope found; any other error is none of the run's. */
function faultOf(rule: Fault['rule'], error: unknown): Fault {
  const known = isPersistentAgentError(error) && !(error instanceof UsageError)
  if (known || error instanceof TypeError) return { rule, what: error.message }
  throw error
}

function ifGiven<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing'
}
