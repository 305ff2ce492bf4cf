/**
 * The simulation, simulated: each of these protocol bugs is planted as its module is loaded, and a seed finds it. What is
 * found is made smaller, so that a person can read it. `SIM=planted` prints the smallest traces.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type * as Deciding from '../../src/agent/next.ts'
import type * as States from '../../src/journal/state.ts'
import type { Store } from '../../src/journal/store.ts'
import type * as Leases from '../../src/run/lease.ts'
import { isSeen, shrink, simulateSeed, told, type Broken } from './seeds.ts'

type Simulate = Parameters<typeof shrink>[1]
type Next = typeof Deciding
type Leasing = typeof Leases
type State = typeof States

const NEXT = '../../src/agent/next.ts'
const FENCE = '../../src/journal/fence.ts'
const LEASE = '../../src/run/lease.ts'
const STATE = '../../src/journal/state.ts'
/** The first few in every test run, which is to be short; all of them on demand. */
const isAll = ['all', 'planted'].includes(process.env['SIM'] ?? '')
/** Most seeds until a bug must have been found. */
const SEEDS = 1_500

interface Plant {
  readonly what: string
  readonly seen: RegExp
  /** Replaces what a module exports. */
  readonly modules?: Readonly<Record<string, (real: never) => object>>
  readonly store?: (store: Store) => Store
}

const plants: readonly Plant[] = [
  {
    what: 'an effect before its intent is durable',
    seen: /is sent without its intent/,
    modules: {
      [NEXT]: (real: Next) => ({
        next: (...args: Parameters<Next['next']>) =>
          real.next(...args).map((effect) => (effect.do === 'call' ? { ...effect, durable: false } : effect)),
      }),
    },
  },
  {
    what: 'a call that may happen once is sent again after a crash',
    seen: /happened 2 times|sent again without a word/,
    modules: {
      [STATE]: (real: State) => ({
        fold: (...[state, entry, runId]: Parameters<State['fold']>) => {
          const folded = real.fold(state, entry, runId)
          if (entry.kind !== 'segment-started') return folded
          const calls = Object.entries(folded.calls).map(([id, call]) => [
            id,
            call.at.is === 'lost' ? { ...call, at: { is: 'ready' } } : call,
          ])
          return { ...folded, calls: Object.fromEntries(calls) }
        },
      }),
    },
  },
  {
    what: 'no fence: an old epoch writes, at whatever place',
    seen: /digest does not match|was written after|is missing|J1 /,
    modules: { [FENCE]: () => ({ checkFence: () => undefined, checkSeq: () => undefined }) },
  },
  {
    what: 'neither deadline nor quarantine: a process that was stopped sends, and so does another',
    seen: /happened 2 times/,
    modules: {
      [LEASE]: (real: Leasing) => ({
        keepLease: (...args: Parameters<Leasing['keepLease']>) => {
          real.keepLease(...args)
          return { check: () => undefined }
        },
        takeLease: async (...args: Parameters<Leasing['takeLease']>) => {
          const lease = { ...(await real.takeLease(...args)) }
          delete lease.before
          return lease
        },
      }),
    },
  },
  {
    what: 'a lost reply is taken for a commit',
    seen: /is sent without its intent/,
    store: (store) => ({ ...store, committed: async () => true }),
  },
  {
    what: 'a signal is consumed when it is read, not when it is recorded',
    seen: /was never said|never comes to an end|was stopped, and is/,
    store: (store) => {
      const read = new Set<string>()
      return {
        ...store,
        signals: async (runId) => {
          const rows = (await store.signals(runId)).filter((row) => !read.has(`${runId} ${row.key}`))
          for (const row of rows) read.add(`${runId} ${row.key}`)
          return rows
        },
      }
    },
  },
  {
    what: 'an acknowledged write is lost with its process',
    seen: /USAGE|STATE_CORRUPT|J\d|never|without its intent/,
    store: (store) => {
      let count = 0
      return {
        ...store,
        append: async (lease, write) => {
          if (++count % 20 !== 0) await store.append(lease, write)
        },
      }
    },
  },
]

afterEach(() => {
  for (const path of [NEXT, FENCE, LEASE, STATE]) vi.doUnmock(path)
  vi.resetModules()
})

describe('a planted bug is found, and made small', () => {
  test.each(isAll ? plants : plants.slice(0, 2))('$what', { timeout: 600_000 }, async (plant) => {
    const simulate = await planted(plant)
    const found = await find(simulate, plant.seen)
    if (process.env['SIM'] === 'planted') console.log(`${plant.what}\n${found && told(found)}`)
    expect(found?.outcome.violations.join('\n')).toMatch(plant.seen)
    expect(found?.scenario.faults.length).toBeLessThanOrEqual(10)
  })
})

async function planted({ modules = {}, store }: Plant): Promise<Simulate> {
  vi.resetModules()
  for (const [path, change] of Object.entries(modules)) {
    vi.doMock(path, async (original) => {
      const real = await original<object>()
      return { ...real, ...change(real as never) }
    })
  }
  const { simulate } = await import('./simulate.ts')
  return (scenario) => simulate(scenario, store === undefined ? {} : { plant: store })
}

/** A bug breaks more than one promise; it is told by the one that it is known for. */
async function find(simulate: Simulate, seen: RegExp): Promise<Broken | undefined> {
  for (let seed = 0; seed < SEEDS; seed++) {
    if (isSeen(await simulateSeed(seed, simulate), seen)) return shrink(seed, simulate, seen)
  }
  return undefined
}
