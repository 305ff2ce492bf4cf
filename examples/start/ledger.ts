/**
 * A stand-in for an accounting system: a file that no agent reads and no journal knows. It writes down every request
 * that arrives, and does what a real one does with idempotency keys: a key that it has seen gets the entry that it
 * made for it then, and nothing is booked a second time.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'

export interface LedgerLine {
  /** `started`: a request arrived. `done`: it had its effect, once for each key. */
  readonly event: 'started' | 'done'
  readonly key: string
  readonly what: 'book' | 'correct'
  readonly invoice: string
  /** In cents. */
  readonly amount: number
  /** The process that asked. */
  readonly pid: number
}

export type LedgerRequest = Pick<LedgerLine, 'key' | 'what' | 'invoice' | 'amount'>

/** Takes a request, and gives the number of its entry: the same for the same key. */
export function post(path: string, request: LedgerRequest): number {
  const line = (event: LedgerLine['event']): string =>
    `${JSON.stringify({ event, ...request, pid: process.pid } satisfies LedgerLine)}\n`
  appendFileSync(path, line('started'))
  if (entryOf(path, request.key) === undefined) appendFileSync(path, line('done'))
  return entryOf(path, request.key) ?? 0
}

function entryOf(path: string, key: string): number | undefined {
  const index = readLedger(path)
    .filter((line) => line.event === 'done')
    .findIndex((line) => line.key === key)
  return index < 0 ? undefined : index + 1
}

/** All lines so far; a last one that is still being written is left out. */
export function readLedger(path: string): readonly LedgerLine[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line): LedgerLine => JSON.parse(line))
}
