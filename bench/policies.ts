/** 6. When snapshots are taken: one program under three policies. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { whenReplayCosts, type SnapshotPolicy } from '../src/agent/snapshot-policy.ts'
import { PersistentCodeAgent, sqliteStore, tool } from '../src/index.ts'
import { createRun } from '../src/run/begin.ts'
import { Run } from '../src/run/run.ts'
import { medianOf, read, spreadOf } from './measure.ts'
import { instantModel } from './model.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'
import { watched } from './watched.ts'

const POLICIES: Readonly<Record<string, SnapshotPolicy>> = {
  never: () => false,
  default: whenReplayCosts,
  'every call': () => true,
}

/** Each step makes calls, computes a little between them, and keeps what it found. */
function code(calls: number): string {
  return `for (let i = 0; i < ${calls}; i++) {
  const text = await look({ n: i })
  found.push({ i, words: text.split(' ').map((word, at) => word + at).slice(0, 20) })
}
found.length`
}

interface Sample {
  readonly wall: number
  readonly cpu: number
  readonly checkpoints: number
  readonly bytes: number
}

export async function policiesTable(settings: Settings): Promise<readonly Table[]> {
  const [steps, calls] = settings.quick ? [2, 10] : [10, 200]
  const samples = new Map<string, Sample[]>(Object.keys(POLICIES).map((name) => [name, []]))
  const dir = mkdtempSync(join(settings.dir, 'policies-'))
  try {
    // Code grows hot, and stays so for whoever comes next: each policy comes after each other one.
    const turns = Object.entries(POLICIES)
    await once(whenReplayCosts, join(dir, 'warm.db'), steps, calls)
    for (let round = 0; round < (settings.quick ? 1 : 2 * settings.rounds); round++) {
      const turn = round % 2 === 0 ? turns : turns.toReversed()
      for (const [name, policy] of turn)
        samples.get(name)?.push(await once(policy, join(dir, `${round}-${name}.db`), steps, calls))
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  const never = samples.get('never') ?? []
  const rows = [...samples].map(([name, taken]) => {
    const of = (what: keyof Sample): number => medianOf(taken.map((one) => one[what]))
    const least = (all: readonly Sample[], what: keyof Sample): number =>
      spreadOf(all.map((one) => one[what])).min
    return {
      name,
      wall: of('wall'),
      cpu: of('cpu'),
      least: least(taken, 'cpu'),
      ratio: least(taken, 'cpu') / least(never, 'cpu'),
      checkpoints: of('checkpoints'),
      bytes: of('bytes') / 1_024,
    }
  })
  return [
    {
      id: 'policies',
      title: `6. Policies of snapshots: ${steps} steps of ${calls} calls`,
      columns: [
        { key: 'name', label: 'snapshots' },
        { key: 'wall', label: 'ms', digits: 0 },
        { key: 'cpu', label: 'CPU ms', digits: 0 },
        { key: 'least', label: 'min', digits: 0 },
        { key: 'ratio', label: 'x never, CPU min' },
        { key: 'checkpoints', label: 'taken', digits: 0 },
        { key: 'bytes', label: 'KB committed', digits: 0 },
      ],
      rows,
      notes: [
        'never: but for the one at rest. KB committed: of the whole run, entries and all. The aim: default at most 1.1.',
      ],
      quoted: [],
    },
  ]
}

async function once(policy: SnapshotPolicy, path: string, steps: number, calls: number): Promise<Sample> {
  const text = 'some words of a text '.repeat(50)
  const look = tool({
    name: 'look',
    description: 'Looks',
    effect: 'read',
    inputSchema: { type: 'object' },
    execute: () => text,
  })
  const model = instantModel((n) =>
    n === 1 ? 'const found = []; 0' : n > steps + 1 ? 'finalAnswer(found.length)' : code(calls),
  )
  const agent = new PersistentCodeAgent({ model, tools: [look], maxSteps: steps + 3, storagePath: path })
  const { store, commits } = watched(sqliteStore(path))
  const definition = { ...agent.definition(), isWorthSnapshot: policy }
  const runId = await createRun(store, definition, { task: 'Look', runId: 'bench' })
  const began = read()
  const result = await new Run({ store, definition, runId, why: 'start' }).result()
  const ended = read()
  await store.close()
  if (result.status !== 'completed' || result.output !== steps * calls)
    throw new Error(`The run ended as ${JSON.stringify(result)}`)
  return {
    wall: ended.wall - began.wall,
    cpu: ended.cpu - began.cpu,
    checkpoints: commits.filter((commit) => commit.checkpoint).length,
    bytes: commits.reduce((sum, commit) => sum + commit.bytes, 0),
  }
}
