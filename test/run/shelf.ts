/** A run in a store, a lease on it, and a store that fails where the test says. */
import { onTestFinished } from 'vitest'
import { placed, rowOf } from '../../src/journal/decode.ts'
import { ENTRY_VERSION, type Fact } from '../../src/journal/entry.ts'
import { plainSeal } from '../../src/journal/cipher.ts'
import { GENESIS } from '../../src/journal/envelope.ts'
import { memoryStore } from '../../src/journal/memory.ts'
import type { State } from '../../src/journal/shape.ts'
import { fold } from '../../src/journal/state.ts'
import { viewOf } from '../../src/journal/view.ts'
import type { EntryRow, Lease, Store, Write } from '../../src/journal/store.ts'
import { RunLog } from '../../src/run/log.ts'
import { NOON, RUN, STARTED } from '../agent/play.ts'

export interface Shelf {
  readonly store: Store
  readonly lease: Lease
  readonly state: State
  readonly chain: Uint8Array
  readonly clock: { now: number }
  /** Every write that reached the store. */
  readonly writes: Write[]
}

export const TASK: Fact = { kind: 'task-added', task: 'a task', number: 1, maxSteps: 5 }

/** A run with two entries, and its lease. `faults` replaces methods of the store. */
export async function shelf(faults: (store: Store) => Partial<Store> = () => ({})): Promise<Shelf> {
  const clock = { now: NOON }
  const real = memoryStore({ now: () => clock.now })
  const writes: Write[] = []
  const noted: Store = {
    ...real,
    append: async (lease, write) => {
      writes.push(write)
      return real.append(lease, write)
    },
  }
  const store: Store = { ...noted, ...faults(noted) }
  let state: State | undefined
  let chain = GENESIS
  const rows = [STARTED, TASK].map((fact, index): EntryRow => {
    const entry = placed(fact, index + 1, NOON, 0)
    const row = rowOf(plainSeal(RUN), entry, chain)
    chain = row.chain
    state = fold(state, entry, RUN)
    return row
  })
  if (state === undefined) throw new Error('A run begins with entries')
  const run = {
    runId: RUN,
    rootRunId: RUN,
    agent: 'agent',
    definitionDigest: 'd',
    minReader: ENTRY_VERSION,
    view: viewOf(state),
  }
  await store.create(run, rows, [])
  const lease = await store.claim(RUN, { holder: 'me', isDead: () => false }, 60_000)
  onTestFinished(async () => real.close())
  return { store, lease, state, chain, clock, writes }
}

export function logOf(from: Shelf): RunLog {
  const { store, lease, state, chain } = from
  return new RunLog({
    store,
    lease,
    state,
    chain,
    seal: plainSeal(RUN),
    schemas: () => ({ args: '{"type":"object"}' }),
  })
}

export const say = (text: string): Fact => ({ kind: 'message-said', text })

export function request(call: string, input: string, tool = 'pay'): Fact {
  const sent = 's'
  return {
    kind: 'call-requested',
    call,
    tool,
    sent,
    input,
    digest: `digest of ${input.length}`,
    effect: 'once',
    approval: 'always',
  }
}

export function approval(call: string, question = `q_${call}`): Fact {
  return { kind: 'question-asked', question, asks: 'approval', call, message: 'Approve?' }
}
