/** 4. A heap on its way to rest and back, as a whole and as what changed: looked at, packed, opened, restored. */
import { engineDigest } from '../src/sandbox/parts.ts'
import { compile } from '../src/sandbox/compile.ts'
import { createSandbox } from '../src/sandbox/sandbox-thread.ts'
import { openDelta } from '../src/sandbox/delta.ts'
import { openHeap } from '../src/sandbox/snapshot.ts'
import type { Sandbox, Snapshot } from '../src/sandbox/sandbox.ts'
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

/** ms of each leg, and bytes. */
interface Sample {
  readonly look: number
  readonly pack: number
  readonly open: number
  readonly restore: number
  readonly memory: number
  readonly link: number
}

/** A small step: one object of the heap is changed, one is made. */
const SMALL_STEP =
  'rows[rows.length >> 1].name = "another " + rows.length; globalThis.one = { a: [1, 2, 3] }; 0'

export async function snapshotTable(settings: Settings): Promise<readonly Table[]> {
  const rowsOf = settings.quick ? [1, 1_000] : [1, 45_000, 230_000]
  const rows: Record<string, string | number | null>[] = []
  for (const count of rowsOf) {
    const whole: Sample[] = []
    const part: Sample[] = []
    for (let round = 0; round < (settings.quick ? 2 : settings.rounds + 1); round++) {
      await using sandbox = createSandbox(LIMITS)
      await sandbox.open({ from: 'seed', seed: 'bench', clock: 0 }, [])
      await stepped(sandbox, 1, rowsCode(count))
      const first = await once(sandbox)
      await stepped(sandbox, 2, SMALL_STEP)
      const second = await once(sandbox)
      if (round === 0) continue
      whole.push(first)
      part.push(second)
    }
    rows.push(rowOf(count, 'all of it', whole), rowOf(count, 'after a small step', part))
  }
  return [
    {
      id: 'snapshots',
      title: '4. Snapshots: bytes, and ms of each leg',
      columns: [
        { key: 'rows', label: 'objects', digits: 0 },
        { key: 'what', label: 'what is taken' },
        { key: 'memory', label: 'memory, MB', digits: 1 },
        { key: 'link', label: 'bytes written', digits: 0 },
        { key: 'look', label: 'look', digits: 1 },
        { key: 'pack', label: 'pack', digits: 1 },
        { key: 'open', label: 'open', digits: 1 },
        { key: 'restore', label: 'restore', digits: 1 },
        { key: 'least', label: 'all, min', digits: 1 },
      ],
      rows,
      notes: [
        'look: the guest stands still, the changed pages cross to the host. pack: beside the guest. open: all links. restore: all of it, into a worker that runs already.',
      ],
      quoted: peerSnapshots,
    },
  ]
}

function rowOf(rows: number, what: string, samples: readonly Sample[]): Record<string, string | number> {
  const of = (leg: keyof Sample): number => medianOf(samples.map((one) => one[leg]))
  const least = (leg: keyof Sample): number => spreadOf(samples.map((one) => one[leg])).min
  return {
    rows,
    what,
    memory: of('memory') / 2 ** 20,
    link: of('link'),
    look: of('look'),
    pack: of('pack'),
    open: of('open'),
    restore: of('restore'),
    least: least('look') + least('pack') + least('open') + least('restore'),
  }
}

async function stepped(sandbox: Sandbox, step: number, code: string): Promise<void> {
  const compiled = compile(step, code)
  if (!compiled.ok) throw new Error(compiled.error.message)
  const halt = await sandbox.run(step, compiled.program, { clock: 0 })
  if (halt.kind !== 'ended' || halt.ending.kind !== 'value')
    throw new Error(`The guest failed: ${JSON.stringify(halt)}`)
}

async function once(sandbox: Sandbox): Promise<Sample> {
  const look = await timed(() => sandbox.snapshot(1, false))
  const packed = await timed((): Promise<Snapshot> => look.value.packed)
  const { links } = packed.value
  const opened = await timed(() => openHeap(links, engineDigest()))
  const heap = opened.value
  if (heap === undefined) throw new Error('The snapshot is of another engine')
  const restored = await timed(() => sandbox.open({ from: 'heap', heap }, []))
  return {
    look: look.ms,
    pack: packed.ms,
    open: opened.ms,
    restore: restored.ms,
    memory: openDelta(heap.delta).size,
    link: links.at(-1)?.payload.length ?? 0,
  }
}
