/**
 * The guest with its heap: from the stored snapshot, by replay of the journal, or fresh.
 *
 * R3 (see recover.ts) is kept here: what does not open, or is of another engine, is rebuilt by replay.
 */
import { Guest, type Surroundings } from '../agent/act.ts'
import { StateCorruptError } from '../base/errors.ts'
import { GENESIS } from '../journal/envelope.ts'
import type { Store } from '../journal/store.ts'
import type { Guests } from '../sandbox/guests.ts'
import { guestDigest } from '../sandbox/parts.ts'
import type { Heap } from '../sandbox/sandbox.ts'
import type { RunLog } from './log.ts'
import { readEntries, type Recovered, type StoredHeap } from './recover.ts'

export interface OpenGuest {
  readonly guest: Guest
  readonly heap: 'fresh' | 'snapshot' | 'replay'
}

/** Opens the guest where the journal says that it stands; what it has still to hear is under way when this resolves. */
export async function openGuest(given: {
  readonly store: Store
  readonly recovered: Recovered
  readonly guests: Guests
  readonly log: RunLog
  readonly around: Surroundings
}): Promise<OpenGuest> {
  const { store, recovered, guests, log, around } = given
  const { state, heap: stored } = recovered
  const { stepTimeout, memory, callsPerStep, outputChars } = state.run.options
  const guest = new Guest(
    guests.create({ stepTimeout, memory, callsPerStep, outputChars }),
    withReason(around, state.run.engine),
  )
  try {
    const heap = stored === undefined ? undefined : await openStored(stored, guests)
    if (stored !== undefined && heap !== undefined) {
      const { start, ...place } = stored.place
      const begun = start === undefined ? {} : { start: start.links }
      guest.open({ from: 'heap', heap, ...begun }, place, start, stored.past)
      log.holds(heap.links)
      return { guest, heap: 'snapshot' }
    }
    const past =
      state.stepCount === 0
        ? []
        : (await readEntries(store, state.runId, 0, GENESIS, { least: state.seq })).entries
    const [begun] = past
    // A fork begins with the stream of the run that it came from.
    const seed = begun?.kind === 'run-started' ? begun.seed : state.run.seed
    guest.open({ from: 'seed', seed, clock: state.createdAt }, { position: 0 }, undefined, past)
    return { guest, heap: past.length === 0 ? 'fresh' : 'replay' }
  } catch (error) {
    await guest[Symbol.asyncDispose]()
    throw error
  }
}

/** If a replay differs, it is told whether the run was begun with what guests are made of here (`guestDigest`). */
export function withReason(around: Surroundings, engine: string): Surroundings {
  return {
    ...around,
    post: (happening) => {
      const isOther = happening.kind === 'diverged' && engine !== guestDigest()
      const why = 'The run was begun with another engine, or with other data of languages and time zones.'
      around.post(isOther ? { ...happening, message: `${happening.message} ${why}` } : happening)
    },
  }
}

/** The heap; undefined where replay has to rebuild it (another engine, damage). */
export async function openStored(stored: StoredHeap, guests: Guests): Promise<Heap | undefined> {
  try {
    return await guests.open(stored.open())
  } catch (error) {
    if (error instanceof StateCorruptError) return undefined
    throw error
  }
}
