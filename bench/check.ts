/** The type check: how long a step waits for it, cold and warm, what it costs our own process, and its process's memory. */
import { readFileSync } from 'node:fs'
import { Checker } from '../src/sandbox/check/checker.ts'
import { TypeCheck, type Surroundings } from '../src/sandbox/check/check.ts'
import { medianOf, percentileOf, read, spreadOf, timed } from './measure.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const AROUND: Surroundings = {
  tools: [
    {
      name: 'search',
      aliases: [],
      input: { type: '{ query: string; limit?: number }', optional: false },
      output: '{ id: string; total: number; tags: string[] }[]',
    },
    { name: 'refund', aliases: [], input: { type: '{ order: string; amount: number }', optional: false } },
  ],
  past: [{ step: 1, source: "const known = await search({ query: 'all' })\nlet total = 0", isWhole: true }],
  variables: [],
}

/** A program of so many lines, none of which is another's. */
function program(lines: number, seed: number): string {
  const line = (i: number): string =>
    [
      `const rows${i} = await search({ query: 'q${seed}', limit: ${i + 1} })`,
      `for (const row of rows${i}) total += row.total > ${i} ? row.total : known[0].total`,
      `function best${i}(list: { id: string; total: number }[], n = 3) { return list.slice(0, n) }`,
      `print(best${i}(rows${i}).map((row) => row.id.toUpperCase()).join(', '), total.toFixed(2))`,
      `if (rows${i}.length > 3) await refund({ order: rows${i}[0].id, amount: ${i} })`,
    ][i % 5]?.replaceAll(/(rows|best)\d+/g, `$1${i - (i % 5)}`) ?? ''
  return Array.from({ length: lines }, (_, i) => line(i)).join('\n')
}

export async function checkTable(settings: Settings): Promise<readonly Table[]> {
  const [rounds, repeats] = settings.quick ? [1, 5] : [settings.rounds, 60]
  const rows = []
  for (const lines of [5, 50, 200]) {
    const cold: number[] = []
    const warm: number[] = []
    const own: number[] = []
    const memory: number[] = []
    for (let round = 0; round < rounds; round++) {
      const checker = new Checker({ cold: 60_000, warm: 60_000 })
      const check = new TypeCheck(checker)
      const ask = async (seed: number): Promise<void> => {
        const error = await check.check(2, program(lines, seed), () => AROUND)
        if (error !== undefined) throw new Error(`A good program was refused: ${error.message}`)
      }
      cold.push((await timed(async () => ask(-1))).ms)
      if (checker.pid === undefined) return []
      for (let i = 0; i < repeats; i++) {
        const before = read()
        await ask(i)
        const after = read()
        warm.push(after.wall - before.wall)
        own.push(after.cpu - before.cpu)
      }
      memory.push(peakOf(checker.pid) ?? Number.NaN)
      checker.end()
    }
    const peak = spreadOf(memory).median
    rows.push({
      lines,
      cold: medianOf(cold),
      warm: medianOf(warm),
      most: percentileOf(warm, 95),
      own: medianOf(own),
      memory: Number.isNaN(peak) ? null : peak,
    })
  }
  return [
    {
      id: 'check',
      title: '10. Type check before effects: what a step waits for',
      columns: [
        { key: 'lines', label: 'lines', digits: 0 },
        { key: 'cold', label: 'cold ms', digits: 0 },
        { key: 'warm', label: 'warm ms', digits: 1 },
        { key: 'most', label: 'warm p95', digits: 1 },
        { key: 'own', label: 'own CPU ms', digits: 1 },
        { key: 'memory', label: 'its MB', digits: 0 },
      ],
      rows,
      notes: [
        'Targets: <= 50 ms warm, <= 1 000 ms cold, off the critical path: it starts while the model thinks.',
        'cold: with the start of its process; own CPU: of this process, threads included; its MB: peak RSS of the checker.',
      ],
      quoted: [],
    },
  ]
}

/** MB; undefined where the kernel does not tell. */
function peakOf(pid: number): number | undefined {
  try {
    const kb = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kb === undefined ? undefined : Number(kb) / 1_024
  } catch {
    return undefined
  }
}
