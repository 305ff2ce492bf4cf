/** Attempts as tables. */
import type { Table } from '../table.ts'
import type { Attempt } from './attempt.ts'

/** Each way of working, over all tasks. */
export function sumTable(attempts: readonly Attempt[]): Table {
  return {
    id: 'tasks',
    title: 'The set of tasks',
    columns: [
      { key: 'by', label: 'by' },
      { key: 'attempts', label: 'attempts', digits: 0 },
      { key: 'right', label: 'right', digits: 0 },
      { key: 'percent', label: '%', digits: 0 },
      { key: 'requests', label: 'requests each', digits: 1 },
      { key: 'input', label: 'tokens sent each', digits: 0 },
      { key: 'output', label: 'received each', digits: 0 },
      { key: 'seconds', label: 's each', digits: 1 },
      { key: 'errors', label: 'errors' },
    ],
    rows: [...Map.groupBy(attempts, ({ by }) => by)].map(([by, own]) => ({ by, ...figures(own) })),
    notes: [
      'An error is one that was met on the way, in the code or from a tool: it did not have to end the attempt.',
    ],
    quoted: [],
  }
}

/** By kind of task. */
export function kindTable(attempts: readonly Attempt[]): Table {
  const groups = Map.groupBy(attempts, ({ kind, by }) => `${kind}\n${by}`)
  return {
    id: 'kinds',
    title: 'By kind',
    columns: [
      { key: 'kind', label: 'kind' },
      { key: 'by', label: 'by' },
      { key: 'attempts', label: 'attempts', digits: 0 },
      { key: 'right', label: 'right', digits: 0 },
      { key: 'requests', label: 'requests each', digits: 1 },
      { key: 'input', label: 'tokens sent each', digits: 0 },
    ],
    rows: [...groups].map(([key, own]) => {
      const [kind = '', by = ''] = key.split('\n')
      const { attempts: count, right, requests, input } = figures(own)
      return { kind, by, attempts: count, right, requests, input }
    }),
    notes: [],
    quoted: [],
  }
}

function figures(own: readonly Attempt[]): {
  readonly attempts: number
  readonly right: number
  readonly percent: number
  readonly requests: number
  readonly input: number
  readonly output: number
  readonly seconds: number
  readonly errors: string
} {
  const mean = (of: (one: Attempt) => number): number =>
    own.reduce((sum, one) => sum + of(one), 0) / own.length
  const right = own.filter((one) => one.right).length
  const errors = new Map<string, number>()
  for (const one of own)
    for (const [name, count] of Object.entries(one.errors)) errors.set(name, (errors.get(name) ?? 0) + count)
  return {
    attempts: own.length,
    right,
    percent: (100 * right) / own.length,
    requests: mean(({ requests }) => requests),
    input: mean(({ inputTokens }) => inputTokens),
    output: mean(({ outputTokens }) => outputTokens),
    seconds: mean(({ seconds }) => seconds),
    errors: [...errors].map(([name, count]) => `${count} ${name}`).join(', ') || 'none',
  }
}
