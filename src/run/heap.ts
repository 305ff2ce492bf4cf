/**
 * The guest with its heap: from the stored snapshot, by replay of the journal, or fresh.
 *
 * R3 (see recover.ts) is kept here: what does not open, or is of another engine, is rebuilt by replay.
 */
import { Guest, type Surroundings } from '../agent/act.ts'
import { StateCorruptError } from '../base/errors.ts'
import { GENESIS } from '../journal/envelope.ts'
import type { Entry } from '../journal/entry.ts'
import type { Store } from '../journal/store.ts'
import type { Guests } from '../sandbox/guests.ts'
import type { Image } from '../sandbox/sandbox.ts'
import { readEntries, type Recovered, type StoredHeap } from './recover.ts'

export interface OpenGuest {
  readonly guest: Guest
  readonly heap: 'fresh' | 'snapshot' | 'replay'
}

/**
 * Opens the guest where the journal says that it stands; what it has still to hear is under way when this resolves.
 * `decided` are entries that were recorded since `recovered` was read.
 */
export async function openGuest(
  store: Store,
  recovered: Recovered,
  decided: readonly Entry[],
  around: Surroundings,
): Promise<OpenGuest> {
  const { state, heap } = recovered
  const { stepTimeout, memory, callsPerStep, outputChars } = state.run.options
  const guest = new Guest(around.guests.create({ stepTimeout, memory, callsPerStep, outputChars }), around)
  try {
    const opened = heap === undefined ? undefined : await unpackHeap(heap, around.guests)
    if (heap !== undefined && opened !== undefined) {
      const { lastCallBefore, ...rest } = heap.place
      const { image, stepStart } = opened
      const before = lastCallBefore === undefined ? {} : { lastCall: lastCallBefore }
      const start = stepStart === undefined ? undefined : { ...stepStart, ...before }
      const place = { position: heap.position, ...rest }
      guest.open({ from: 'image', image }, place, start, [...heap.past, ...decided])
      return { guest, heap: 'snapshot' }
    }
    const past = state.stepCount === 0 ? [] : (await readEntries(store, state.runId, 0, GENESIS)).entries
    const [begun] = past
    // A fork begins with the stream of the run that it came from.
    const seed = begun?.kind === 'run-started' ? begun.seed : state.run.seed
    guest.open({ from: 'seed', seed, clock: state.createdAt }, { position: 0 }, undefined, [
      ...past,
      ...decided,
    ])
    return { guest, heap: past.length === 0 ? 'fresh' : 'replay' }
  } catch (error) {
    await guest[Symbol.asyncDispose]()
    throw error
  }
}

/** The heap's image, and that of its step's start; undefined where replay has to rebuild them (another engine, damage). */
async function unpackHeap(
  heap: StoredHeap,
  guests: Guests,
): Promise<
  | { readonly image: Image; readonly stepStart?: { readonly image: Image; readonly position: number } }
  | undefined
> {
  const opened = heap.open()
  if (opened === undefined) return undefined
  try {
    const image = await guests.unpack(opened.payload)
    if (!image.ok) return undefined
    if (opened.stepStart === undefined) return { image: image.image }
    const start = await guests.unpack(opened.stepStart.payload)
    if (!start.ok) return undefined
    return { image: image.image, stepStart: { image: start.image, position: opened.stepStart.position } }
  } catch (error) {
    if (error instanceof StateCorruptError) return undefined
    throw error
  }
}
