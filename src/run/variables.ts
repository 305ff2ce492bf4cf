/**
 * The variables of a run's code, for people who look: what each step told of them when it ended, and what they hold in the
 * stored heap. No code of the run runs, and nothing is written.
 */
import { LimitError } from '../base/errors.ts'
import type { Entry, RunId } from '../journal/entry.ts'
import type { Store } from '../journal/store.ts'
import { recover } from './recover.ts'

export interface Variable {
  readonly name: string
  /** Type and size in a few words. */
  readonly type: string
  /** The step that set it last. Absent: one that is not over, or that had no room to tell. */
  readonly step?: number
  /** What it holds, as `print` shows it; the first 4 000 characters. There where the values were asked for and can be read. */
  readonly value?: string
}

export interface Variables {
  readonly variables: readonly Variable[]
  /** How many changes of others no step had room to tell. */
  readonly untold: number
  /** Where values are told: the last entry that the heap knows of. Calls that returned after it are not in them. */
  readonly heapAt?: number
}

/** As they stood after the last of `entries`, by what the steps told. */
export function variablesOf(entries: readonly Entry[]): Variables {
  const found = new Map<string, Variable>()
  let untold = 0
  for (const entry of entries) {
    if (entry.kind !== 'step-ended') continue
    for (const { name, type } of entry.variables ?? []) found.set(name, { name, type, step: entry.step })
    untold += entry.moreVariables ?? 0
  }
  return { variables: sorted([...found.values()]), untold }
}

/**
 * What they hold now. Where no heap is stored, or only one of another engine, without values.
 * @throws {LimitError} showing them takes longer than a step may compute.
 */
export async function readVariables(
  store: Store,
  runId: RunId,
  entries: readonly Entry[],
): Promise<Variables> {
  const told = variablesOf(entries)
  const { state, heap: stored } = await recover(store, runId)
  if (stored === undefined) return told
  // Who only looks at what the steps told has no need of a sandbox.
  const [{ openStored }, { threadGuests }, { readHeap }] = await Promise.all([
    import('./heap.ts'),
    import('../sandbox/guests.ts'),
    import('../sandbox/sandbox-thread.ts'),
  ])
  const heap = await openStored(stored, threadGuests)
  if (heap === undefined) return told
  const { stepTimeout, memory, callsPerStep, outputChars } = state.run.options
  const held = await readHeap(heap, { stepTimeout, memory, callsPerStep, outputChars }).catch(
    (cause: unknown) => {
      throw new LimitError(`The variables of run ${runId} could not be read.`, { cause })
    },
  )
  const steps = new Map(told.variables.map(({ name, step }) => [name, step]))
  const variables = held.map(({ name, type, value }): Variable => {
    const step = steps.get(name)
    return { name, type, ...(step === undefined ? {} : { step }), value }
  })
  return { variables: sorted(variables), untold: 0, heapAt: stored.place.position }
}

function sorted(variables: readonly Variable[]): readonly Variable[] {
  return variables.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
