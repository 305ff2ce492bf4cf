/**
 * What it costs that a call survives: a `once` call is two commits, its intent before the tool runs and its result
 * before the code goes on. Beside it the same run in memory, and two bare fsynced transactions of the same bytes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStore, PersistentCodeAgent, sqliteStore, tool, type Store } from '../src/index.ts'
import { bareTransactions } from './floor.ts'
import { percentileOf } from './measure.ts'
import { instantModel } from './model.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'
import { watched, type Commit } from './watched.ts'

/** Of one program: ms from one execution of the tool to the next, and the commits in between. */
interface Run {
  readonly gaps: readonly number[]
  readonly commits: readonly Commit[]
}

const AT_ONCE = 8

export async function durableTable(settings: Settings): Promise<readonly Table[]> {
  const calls = settings.quick ? 40 : 400
  const rounds = settings.quick ? 1 : settings.rounds
  const dir = mkdtempSync(join(settings.dir, 'durable-'))
  try {
    const [durable, inMemory]: [Run[], Run[]] = [[], []]
    const floors: number[] = []
    for (let round = 0; round < rounds; round++) {
      const ran = await called(sqliteStore(join(dir, `${round}.db`)), calls)
      durable.push(ran)
      inMemory.push(await called(memoryStore(), calls))
      floors.push(...floorOf(join(dir, `${round}-floor.db`), ran.commits))
    }
    const together = []
    for (const kind of ['memory', 'SQLite'] as const)
      for (const runs of [1, AT_ONCE])
        together.push(
          await callsPerSecond(kind, runs, settings.quick ? 20 : 150, join(dir, `${kind}-${runs}.db`)),
        )
    return [overheadTable(durable, inMemory, floors, calls), togetherTable(together)]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function called(inner: Store, calls: number): Promise<Run> {
  const { store, commits } = watched(inner)
  const at: number[] = []
  let first = 0
  const pay = tool({
    name: 'pay',
    description: 'Pays',
    inputSchema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
    execute: () => {
      if (at.push(performance.now()) === 1) first = commits.length
      return 'x'.repeat(512)
    },
  })
  const code = `for (let n = 0; n < ${calls}; n++) await pay({ n })`
  await using agent = new PersistentCodeAgent({
    model: instantModel((n) => (n === 1 ? code : 'finalAnswer(0)')),
    tools: [pay],
    store,
    limits: { callsPerStep: calls + 1 },
  })
  await agent.run('Pay')
  // The first calls warm up.
  const gaps = at.slice(5).map((now, index) => now - (at[index + 4] ?? now))
  return { gaps, commits: commits.slice(first + 8, -2) }
}

/** Pairs of bare transactions of the bytes that pairs of commits had. */
function floorOf(path: string, commits: readonly Commit[]): readonly number[] {
  const sizes = commits.filter(({ checkpoint }) => !checkpoint).map(({ bytes }) => bytes)
  const readings = bareTransactions(path, sizes)
  return readings.flatMap(({ wall }, index) => {
    const before = readings[index - 2]
    return before === undefined || index % 2 === 1 ? [] : [wall - before.wall]
  })
}

function overheadTable(
  durable: readonly Run[],
  inMemory: readonly Run[],
  floors: readonly number[],
  calls: number,
): Table {
  const of = (runs: readonly Run[]): readonly number[] => runs.flatMap(({ gaps }) => gaps)
  const commits = durable.flatMap((run) =>
    run.commits.filter(({ checkpoint }) => !checkpoint).map(({ ms }) => 2 * ms),
  )
  const row = (name: string, values: readonly number[]): Table['rows'][number] => ({
    name,
    p50: percentileOf(values, 50),
    p99: percentileOf(values, 99),
    overFloor: percentileOf(values, 50) / percentileOf(floors, 50),
  })
  const memory = percentileOf(of(inMemory), 50)
  const more = of(durable).map((gap) => Math.max(0, gap - memory))
  return {
    id: 'durable',
    title: `ms per durable call: ${calls} once calls in one step, one after another, results of 0.5 KB`,
    columns: [
      { key: 'name', label: 'what' },
      { key: 'p50', label: 'p50' },
      { key: 'p99', label: 'p99' },
      { key: 'overFloor', label: 'x floor at p50' },
    ],
    rows: [
      row('two bare fsynced transactions of the same bytes (the floor)', floors),
      row('the two commits of a call, in the store', commits),
      row('what SQLite adds to a call in memory', more),
      row('a whole call, SQLite', of(durable)),
      row('a whole call, memory store', of(inMemory)),
    ],
    notes: ['floor: bare node:sqlite, WAL, synchronous = FULL, the same bytes, in the same minutes.'],
    quoted: [],
  }
}

interface Together {
  readonly kind: 'memory' | 'SQLite'
  readonly runs: number
  readonly perSecond: number
}

/** Many runs in one process, on one store. */
async function callsPerSecond(
  kind: Together['kind'],
  runs: number,
  calls: number,
  path: string,
): Promise<Together> {
  const store = kind === 'memory' ? memoryStore() : sqliteStore(path)
  let [made, first, last] = [0, 0, 0]
  const pay = tool({
    name: 'pay',
    description: 'Pays',
    inputSchema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
    execute: () => {
      if (made++ === 0) first = performance.now()
      last = performance.now()
      return 1
    },
  })
  const code = `for (let n = 0; n < ${calls}; n++) await pay({ n })\nfinalAnswer(0)`
  await using agent = new PersistentCodeAgent({
    model: instantModel(() => code),
    tools: [pay],
    store,
    limits: { callsPerStep: calls + 1 },
  })
  await Promise.all(
    Array.from({ length: runs }, async (_, index) => (await agent.start(`Pay ${index}`)).result()),
  )
  return { kind, runs, perSecond: ((made - 1) * 1_000) / (last - first) }
}

function togetherTable(measured: readonly Together[]): Table {
  const alone = new Map(measured.filter(({ runs }) => runs === 1).map((one) => [one.kind, one.perSecond]))
  return {
    id: 'together',
    title: 'durable calls per second: runs of one process that share a store',
    columns: [
      { key: 'kind', label: 'store' },
      { key: 'runs', label: 'runs', digits: 0 },
      { key: 'perSecond', label: 'calls/s', digits: 0 },
      { key: 'times', label: 'x one run' },
    ],
    rows: measured.map((one) => ({ ...one, times: one.perSecond / (alone.get(one.kind) ?? one.perSecond) })),
    notes: [
      'once calls, one after another within each run. Commits that meet share a transaction and its fsync.',
    ],
    quoted: [],
  }
}
