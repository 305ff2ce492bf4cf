/** What it costs to look for secrets in 10 MB of a tool's result, with one secret, and with twenty. */
import { randomBytes } from 'node:crypto'
import { encode } from '../src/base/codec.ts'
import { Secrets } from '../src/tool/secret.ts'
import { spreadOf, timed } from './measure.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const SIZE = 10_000_000

export async function secretsTable({ quick, rounds }: Settings): Promise<readonly Table[]> {
  const size = quick ? SIZE / 10 : SIZE
  const leaks = secretsOf(1)
  const rows = []
  for (const [result, text] of resultsOf(size, String(leaks['S0'])))
    for (const count of [0, 1, 20]) {
      const secrets = new Secrets(count === 1 ? leaks : { ...secretsOf(count), ...(count > 1 ? leaks : {}) })
      const times: number[] = []
      for (let round = 0; round < (quick ? 1 : rounds); round++) {
        // A text that was found clean is known the next time: each is another.
        const other = `${text.slice(0, -1)}${' '.repeat(round)}]`
        times.push((await timed(() => secrets.clean(other))).ms)
      }
      const { median, min } = spreadOf(times)
      rows.push({ result, count, median, min, perMb: min / (text.length / 1_000_000) })
    }
  return [
    {
      id: 'secrets',
      title: `Secrets: ms to take them out of ${size / 1_000_000} MB of a result`,
      columns: [
        { key: 'result', label: 'result' },
        { key: 'count', label: 'secrets', digits: 0 },
        { key: 'median', label: 'ms', digits: 2 },
        { key: 'min', label: 'min', digits: 2 },
        { key: 'perMb', label: 'ms per MB', digits: 2 },
      ],
      rows,
      notes: ['Encoded values. With leaks: one record of a hundred holds a secret.'],
      quoted: [],
    },
  ]
}

function secretsOf(count: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`S${at}`, `ghp_${randomBytes(27).toString('base64url')}`]),
  )
}

function resultsOf(size: number, secret: string): readonly (readonly [string, string])[] {
  const records = (leak: string): string =>
    encode(
      Array.from({ length: size / 100 }, (_, at) => ({
        id: at,
        mail: `c${at}@example.com`,
        note: at % 100 === 0 ? leak : 'paid by transfer',
      })),
    )
  return [
    ['text', encode(['The quick brown fox jumps over the lazy dog. '.repeat(size / 45)])],
    ['records', records('paid in cash')],
    ['records, with leaks', records(secret)],
    ['bytes', encode([new Uint8Array(randomBytes(size * 0.75))])],
  ]
}
