/** 1c. What P11 excepts: the story as messages, at each request and at the first after a resume. */
import { join } from 'node:path'
import { toMessages } from '../src/agent/messages.ts'
import { sqliteStore } from '../src/index.ts'
import { readStory } from '../src/run/recover.ts'
import { medianOf } from './measure.ts'
import { runOnce, type Variant } from './step-run.ts'
import type { Table } from './table.ts'

export async function renderTable(variant: Variant, points: readonly number[], dir: string): Promise<Table> {
  const rows: Record<string, number>[] = []
  for (const point of points) {
    const path = join(dir, `render-${point}.db`)
    await runOnce(variant, path, point)
    await using store = sqliteStore(path)
    const cold: number[] = []
    const warm: number[] = []
    const story: number[] = []
    let count = 0
    for (let round = 0; round < 5; round++) {
      const began = performance.now()
      const { chapters } = await readStory(store, 'bench')
      story.push(performance.now() - began)
      const text = (stored: unknown): string => (typeof stored === 'string' ? stored : '')
      for (const into of [cold, warm]) {
        const start = performance.now()
        const messages = toMessages('', chapters, text)
        into.push(performance.now() - start)
        count = messages.length
      }
    }
    rows.push({
      steps: point,
      messages: count,
      story: medianOf(story),
      cold: medianOf(cold),
      warm: medianOf(warm),
    })
  }
  return {
    id: 'render',
    title: '1c. Reading the story and rendering the prompt (excepted from P11)',
    columns: [
      { key: 'steps', label: 'steps', digits: 0 },
      { key: 'messages', label: 'messages', digits: 0 },
      { key: 'story', label: 'story read, ms' },
      { key: 'cold', label: 'rendered, first, ms', digits: 3 },
      { key: 'warm', label: 'rendered, again, ms', digits: 3 },
    ],
    rows,
    notes: ['first: after a resume. again: at each further request, when closed chapters are remembered.'],
    quoted: [],
  }
}
