/** 1b. What a step leaves in the file. A run of its own: looking at the file disturbs the clock. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { written } from './measure.ts'
import { PAYLOAD, runOnce, type Variant } from './step-run.ts'
import type { Table } from './table.ts'

interface Size {
  readonly file: number
  /** Bytes of the entries themselves: payload and chain. */
  readonly entries: number
  readonly count: number
  readonly written: number
}

/** Growth of the file, with its log brought in, from half a window before each point to half a window after. */
export async function bytesTable(
  variants: readonly Variant[],
  points: readonly number[],
  dir: string,
): Promise<Table> {
  const rows: Record<string, string | number | null>[] = []
  for (const variant of variants.filter(({ store }) => store === 'sqlite')) {
    const windows = points.map((point) => {
      const reach = Math.max(1, Math.min(32, Math.floor(point / 2)))
      return { point, from: Math.max(1, point - reach), to: point + reach }
    })
    const marks = new Map<number, Size>()
    const wanted = new Set(windows.flatMap(({ from, to }) => [from, to]))
    const path = join(dir, `bytes-${variant.name}.db`)
    const steps = Math.max(...wanted)
    await runOnce(variant, path, steps, (n) => {
      if (wanted.has(n)) marks.set(n, sizeOf(path))
    })
    for (const { point, from, to } of windows) {
      const [before, after] = [marks.get(from), marks.get(to)]
      if (before === undefined || after === undefined) continue
      const per = (what: keyof Size): number => (after[what] - before[what]) / (to - from)
      rows.push({
        variant: variant.name,
        step: point,
        window: `${from}..${to}`,
        file: per('file') - PAYLOAD,
        entries: per('entries') - PAYLOAD,
        count: per('count'),
        written: Number.isNaN(after.written) ? null : per('written'),
        total: after.file,
      })
    }
  }
  return {
    id: 'bytes',
    title: '1b. Bytes of a step, beyond the 2 048 of its result',
    columns: [
      { key: 'variant', label: 'store, effect of the tool' },
      { key: 'step', label: 'step', digits: 0 },
      { key: 'window', label: 'steps' },
      { key: 'file', label: 'file bytes/step', digits: 0 },
      { key: 'entries', label: 'entry bytes/step', digits: 0 },
      { key: 'count', label: 'entries/step', digits: 1 },
      { key: 'written', label: 'written/step', digits: 0 },
      { key: 'total', label: 'file', digits: 0 },
    ],
    rows,
    notes: [
      'file bytes: growth of the file after wal_checkpoint(TRUNCATE), by 4 KB pages; the newest heap is part of it once.',
      'entry bytes: payload and chain of the entries alone. written: bytes given to write calls, log and file together.',
    ],
    quoted: [],
  }
}

function sizeOf(path: string): Size {
  const before = written() ?? Number.NaN
  using db = new DatabaseSync(path)
  const row = db
    .prepare('SELECT count(*) AS count, sum(length(payload) + length(chain)) AS entries FROM entries')
    .get()
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  return {
    file: statSync(path).size,
    entries: Number(row?.['entries']),
    count: Number(row?.['count']),
    written: before,
  }
}
