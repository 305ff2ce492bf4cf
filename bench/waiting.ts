/** 5. One process that drives many runs, all of which wait at once in the middle of their program. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const child = join(import.meta.dirname, 'waiting-child.ts')

interface Reading {
  readonly rss: number
  readonly threads: number | null
}

interface Sample {
  readonly before: Reading
  readonly busy: Reading
  readonly later: Reading
  readonly after: Reading
  readonly startMs: number
  readonly endMs: number
  readonly outOfOrder: number
}

export async function waitingTable(settings: Settings): Promise<readonly Table[]> {
  const dir = mkdtempSync(join(settings.dir, 'waiting-'))
  try {
    const rows = []
    for (const runs of settings.quick ? [3] : [1, 50, 200]) {
      const args = [child, String(runs), join(dir, `${runs}.db`)]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      const sample = JSON.parse(stdout) as Sample
      rows.push({
        runs,
        empty: sample.before.rss,
        busy: sample.busy.rss,
        rss: sample.later.rss,
        each: (sample.later.rss - sample.before.rss) / runs,
        threads: sample.later.threads,
        most: sample.busy.threads,
        start: sample.startMs / runs,
        end: sample.endMs / runs,
        order: sample.outOfOrder,
      })
    }
    return [
      {
        id: 'waiting',
        title: '5. Runs that wait at once in one process',
        columns: [
          { key: 'runs', label: 'runs', digits: 0 },
          { key: 'empty', label: 'RSS without, MB', digits: 0 },
          { key: 'busy', label: 'all started', digits: 0 },
          { key: 'rss', label: '7 s later', digits: 0 },
          { key: 'each', label: 'a run', digits: 1 },
          { key: 'most', label: 'threads', digits: 0 },
          { key: 'threads', label: '7 s later', digits: 0 },
          { key: 'start', label: 'ms to wait, a run', digits: 1 },
          { key: 'end', label: 'ms to end, a run', digits: 1 },
          { key: 'order', label: 'out of order', digits: 0 },
        ],
        rows,
        notes: [
          'to wait: start, the model, the program up to its first await. to end: two results delivered, the answer, the rest.',
          'out of order: how far a tool call was from its place in the order of the starts, at most.',
        ],
        quoted: [],
      },
    ]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
