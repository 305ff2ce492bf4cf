/** What comes from outside: signals, and the questions that some of them answer. */
import { StateCorruptError, StateNotFoundError } from '../../base/errors.ts'
import { parseJson } from '../../base/json.ts'
import type { Json } from '../../base/json.ts'
import type { QuestionId, QuestionKind, RunId } from '../entry.ts'
import type { QuestionRow, Receipt, Signal, SignalRow } from '../store.ts'
import { numberOf, optionalNumber, optionalText, textOf } from './database.ts'
import type { Database, Row } from './database.ts'

export interface Inbox {
  /** Inside a transaction: T4 rests on it. */
  accept(runId: RunId, key: string, signal: Signal, now: number): Receipt
  unread(runId: RunId): readonly SignalRow[]
  questions(filter: { readonly runId?: RunId; readonly id?: QuestionId }): readonly QuestionRow[]
  ask(run: number, question: QuestionRow): void
  close(run: number, id: QuestionId): void
  consume(run: number, key: string): void
}

const KINDS: ReadonlySet<unknown> = new Set<Signal['kind']>([
  'answer',
  'pause',
  'stop',
  'resume',
  'say',
  'late',
])
const QUESTION_KINDS: ReadonlySet<unknown> = new Set<QuestionKind>([
  'approval',
  'input',
  'unknownOutcome',
  'budget',
  'diverged',
])

export function inboxOf(db: Database): Inbox {
  const runOf = db.prepare(`SELECT run FROM runs WHERE tenant = '' AND run_id = ?`)
  const letter = db.prepare('SELECT body FROM inbox WHERE run = ? AND key = ?')
  const question = db.prepare('SELECT state, expires_at, winner FROM questions WHERE run = ? AND id = ?')
  const answered = db.prepare(`UPDATE questions SET state = 'answered', winner = ? WHERE run = ? AND id = ?`)
  const insert = db.prepare(
    'INSERT INTO inbox (run, key, at, kind, body, consumed) VALUES (?, ?, ?, ?, ?, 0)',
  )
  const unread = db.prepare(`SELECT key, at, body FROM inbox WHERE consumed = 0
    AND run = (SELECT run FROM runs WHERE tenant = '' AND run_id = ?) ORDER BY letter`)
  const open = db.prepare(`SELECT r.run_id, q.id, q.kind, q.body, q.created_at, q.expires_at
    FROM questions q JOIN runs r ON r.run = q.run WHERE q.state = 'open' AND r.tenant = ''
    AND (?1 IS NULL OR r.run_id = ?1) AND (?2 IS NULL OR q.id = ?2) ORDER BY q.created_at, q.question`)
  const ask = db.prepare(`INSERT INTO questions (run, id, kind, body, created_at, expires_at, state)
    VALUES (?, ?, ?, ?, ?, ?, 'open')`)
  const close = db.prepare(`UPDATE questions SET state = 'closed' WHERE run = ? AND id = ?`)
  const consume = db.prepare('UPDATE inbox SET consumed = 1 WHERE run = ? AND key = ?')

  function accept(runId: RunId, key: string, signal: Signal, now: number): Receipt {
    const row = runOf.get(runId)
    if (row === undefined) throw new StateNotFoundError(`No run ${runId}.`)
    const run = numberOf(row, 'run')
    const taken = winnerAt(run, key)
    if (taken !== undefined) return { accepted: false, why: 'taken', winner: taken }
    if (signal.kind === 'answer') {
      const refused = refusal(run, signal.question, now)
      if (refused !== undefined) return refused
      answered.run(key, run, signal.question)
    }
    insert.run(run, key, now, signal.kind, JSON.stringify(signal))
    return { accepted: true }
  }

  /** Why an answer is not accepted (T4); `undefined`: it is. */
  function refusal(run: number, id: QuestionId, now: number): Receipt | undefined {
    // An id that is no text was never asked.
    const row = id.isWellFormed() ? question.get(run, id) : undefined
    if (row === undefined) return { accepted: false, why: 'unknown' }
    const key = optionalText(row, 'winner')
    const winner = key === undefined ? undefined : winnerAt(run, key)
    if (winner !== undefined) return { accepted: false, why: 'taken', winner }
    if (textOf(row, 'state') !== 'open') return { accepted: false, why: 'closed' }
    const expiresAt = optionalNumber(row, 'expires_at')
    return expiresAt !== undefined && expiresAt <= now ? { accepted: false, why: 'expired' } : undefined
  }

  function winnerAt(run: number, key: string): Signal | undefined {
    const row = letter.get(run, key)
    return row === undefined ? undefined : signalOf(row)
  }

  return {
    accept,
    unread: (runId) =>
      unread
        .all(runId)
        .map((row) => ({ key: textOf(row, 'key'), at: numberOf(row, 'at'), signal: signalOf(row) })),
    questions: ({ runId, id }) => open.all(runId ?? null, id ?? null).map(questionOf),
    ask(run, row) {
      const { message, call, schema, argsSchema } = row
      const body = JSON.stringify({ message, call, schema, argsSchema })
      ask.run(run, row.id, row.kind, body, row.createdAt, row.expiresAt ?? null)
    },
    close: (run, id) => void close.run(run, id),
    consume: (run, key) => void consume.run(run, key),
  }
}

function signalOf(row: Row): Signal {
  const body = objectOf(row, 'A signal')
  if (!KINDS.has(body['kind']))
    throw new StateCorruptError('A signal in the state file is damaged: its kind is unknown.')
  return body as unknown as Signal
}

function questionOf(row: Row): QuestionRow {
  const kind = textOf(row, 'kind')
  const { message, call, schema, argsSchema } = objectOf(row, 'A question')
  if (!QUESTION_KINDS.has(kind) || typeof message !== 'string')
    throw new StateCorruptError('A question in the state file is damaged.')
  const expiresAt = optionalNumber(row, 'expires_at')
  return {
    runId: textOf(row, 'run_id'),
    id: textOf(row, 'id'),
    kind: kind as QuestionKind,
    message,
    ...(typeof call === 'string' && { call }),
    ...(typeof schema === 'string' && { schema }),
    ...(typeof argsSchema === 'string' && { argsSchema }),
    createdAt: numberOf(row, 'created_at'),
    ...(expiresAt !== undefined && { expiresAt }),
  }
}

function objectOf(row: Row, what: string): { readonly [key: string]: Json } {
  const value = parseJson(textOf(row, 'body'), `${what} in the state file`)
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as { readonly [key: string]: Json }
  throw new StateCorruptError(`${what} in the state file is damaged.`)
}
