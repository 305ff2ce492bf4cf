/** 4. A heap on its way to rest and back: taken, packed, unpacked, restored. */
import { engineDigest } from '../src/sandbox/parts.ts'
import { compile } from '../src/sandbox/compile.ts'
import { createSandbox } from '../src/sandbox/sandbox-thread.ts'
import { pack, unpack } from '../src/sandbox/snapshot.ts'
import type { Sandbox } from '../src/sandbox/sandbox.ts'
import { medianOf, spreadOf, timed } from './measure.ts'
import { peerSnapshots } from './quoted.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const LIMITS = { stepTimeout: 60_000, memory: 400 * 2 ** 20, callsPerStep: 100, outputChars: 50_000 }

/** A row is about 75 characters of JSON. The value of the step is the size of all, as JSON. */
function rowsCode(rows: number): string {
  return `const rows = []
for (let i = 0; i < ${rows}; i++)
  rows.push({ id: i, name: 'name ' + i, city: 'city ' + (i % 97), amount: i * 1.5, tags: 'a,b,c' })
JSON.stringify(rows).length`
}

interface Sample {
  readonly image: number
  readonly pack: number
  readonly unpack: number
  readonly restore: number
  readonly raw: number
  readonly packed: number
}

export async function snapshotTable(settings: Settings): Promise<readonly Table[]> {
  const cases = [
    { heap: 'empty', code: '0' },
    settings.quick
      ? { heap: '1 000 rows', code: rowsCode(1_000) }
      : { heap: '10 MB of rows', code: rowsCode(135_000) },
  ]
  const rows: Record<string, string | number | null>[] = []
  for (const { heap, code } of cases) {
    await using sandbox = createSandbox(LIMITS)
    await sandbox.open({ from: 'seed', seed: 'bench', clock: 0 }, [])
    const json = await jsonSize(sandbox, code)
    const samples: Sample[] = []
    for (let round = 0; round < (settings.quick ? 2 : settings.rounds + 1); round++) {
      const sample = await once(sandbox)
      if (round > 0) samples.push(sample)
    }
    const of = (what: keyof Sample): number => medianOf(samples.map((one) => one[what]))
    const least = (what: keyof Sample): number => spreadOf(samples.map((one) => one[what])).min
    rows.push({
      heap,
      json,
      raw: of('raw'),
      packed: of('packed'),
      ratio: of('packed') / of('raw'),
      image: of('image'),
      pack: of('pack'),
      unpack: of('unpack'),
      restore: of('restore'),
      least: least('image') + least('pack') + least('unpack') + least('restore'),
    })
  }
  return [
    {
      id: 'snapshots',
      title: '4. Snapshots: bytes, and ms of each leg',
      columns: [
        { key: 'heap', label: 'heap' },
        { key: 'json', label: 'as JSON, bytes', digits: 0 },
        { key: 'raw', label: 'raw bytes', digits: 0 },
        { key: 'packed', label: 'packed bytes', digits: 0 },
        { key: 'ratio', label: 'packed/raw' },
        { key: 'image', label: 'image', digits: 1 },
        { key: 'pack', label: 'pack', digits: 1 },
        { key: 'unpack', label: 'unpack', digits: 1 },
        { key: 'restore', label: 'restore', digits: 1 },
        { key: 'least', label: 'all, min', digits: 1 },
      ],
      rows,
      notes: ['image and restore cross the thread. restore: into a worker that runs already.'],
      quoted: peerSnapshots,
    },
  ]
}

async function jsonSize(sandbox: Sandbox, code: string): Promise<number | null> {
  const compiled = compile(1, code)
  if (!compiled.ok) throw new Error(compiled.error.message)
  const halt = await sandbox.run(1, compiled.program, { clock: 0 })
  if (halt.kind !== 'ended') throw new Error(`The guest did not end: ${JSON.stringify(halt)}`)
  const { ending } = halt
  if (ending.kind !== 'value') throw new Error(`The guest failed: ${JSON.stringify(ending)}`)
  const size = Number(ending.shown)
  return size === 0 ? null : size
}

async function once(sandbox: Sandbox): Promise<Sample> {
  const image = await timed(() => sandbox.image())
  const packed = await timed(() => pack(image.value))
  const back = await timed(() => unpack(packed.value, engineDigest()))
  if (!back.value.ok) throw new Error('The snapshot is of another engine')
  const opening = { from: 'image', image: back.value.image } as const
  const raw = image.value.bytes.length
  const restored = await timed(() => sandbox.open(opening, []))
  return {
    image: image.ms,
    pack: packed.ms,
    unpack: back.ms,
    restore: restored.ms,
    raw,
    packed: packed.value.length,
  }
}
