/**
 * What comes from outside: signals, and the questions that some of them answer.
 *
 * S1 (see `seals.ts`): every row is sealed as a whole, what becomes of it included: an answered question cannot be
 * opened again behind the store's back, nor a signal that was read be read twice.
 */
import { StateCorruptError, StateNotFoundError } from '../../base/errors.ts'
import type { Json } from '../../base/json.ts'
import { keyIdOf, type Seal } from '../cipher.ts'
import type { QuestionId, QuestionKind } from '../entry.ts'
import type { QuestionFilter, QuestionRow, Receipt, Rule, RuleRow, Signal, SignalRow } from '../store.ts'
import { bytesOf, numberOf, optionalNumber, optionalText, textOf } from './database.ts'
import type { Database, Row, Statement } from './database.ts'
import { openRow, SEAL, sealRow, WITH_WRAPS } from './seals.ts'

export interface Inbox {
  /** Inside a transaction: T4 rests on it. */
  accept(seal: Seal, key: string, signal: Signal, now: number): Receipt
  unread(seal: Seal): readonly SignalRow[]
  /** The rules that stand, of this agent's runs or of all, for `ruleOf`. */
  rules(agent: string | undefined): readonly Row[]
  /** False: no answer to this question made one. Inside a transaction. */
  withdraw(seal: Seal, question: QuestionId): boolean
  /** For `questionOf`. */
  questions(filter: QuestionFilter): readonly Row[]
  ask(run: number, seal: Seal, question: QuestionRow): void
  close(run: number, seal: Seal, id: QuestionId): void
  consume(run: number, seal: Seal, key: string): void
}

const KINDS: ReadonlySet<unknown> = new Set<Signal['kind']>([
  'answer',
  'pause',
  'stop',
  'resume',
  'say',
  'interrupt',
  'edit',
  'late',
  'child',
])
const QUESTION_KINDS: ReadonlySet<unknown> = new Set<QuestionKind>([
  'approval',
  'input',
  'unknownOutcome',
  'budget',
  'diverged',
])

const QUESTION = 'q.id, q.kind, q.body, q.created_at, q.expires_at, q.state, q.winner'
const LETTER = 'key, at, kind, body, consumed'

/**
 * The questions `q` that are not closed, as their index `i` leads to them. The row itself is asked what it is: an index
 * whose page is another one's leads to other rows.
 */
export const STANDING =
  'questions i INDEXED BY questions_standing CROSS JOIN questions q ON q.question = i.question'

export function inboxOf(db: Database): Inbox {
  const runOf = db.prepare(`SELECT run, key_id FROM runs WHERE tenant = '' AND run_id = ?`)
  const letter = db.prepare(`SELECT ${LETTER} FROM inbox WHERE run = ? AND key = ?`)
  const question = db.prepare(`SELECT ${QUESTION} FROM questions q WHERE run = ? AND id = ?`)
  const become = db.prepare(
    'UPDATE questions SET state = ?3, winner = ?4, body = ?5 WHERE run = ?1 AND id = ?2',
  )
  const insert = db.prepare(
    'INSERT INTO inbox (run, key, at, kind, body, consumed) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const unread = db.prepare(`SELECT ${LETTER} FROM inbox WHERE consumed = 0
    AND run = (SELECT run FROM runs WHERE tenant = '' AND run_id = ?) ORDER BY letter`)
  // Over STANDING, whose count the run's view is sealed with: a question that it does not lead to is missed. From there to
  // the run by its number, and by no other index: one that has lost a run would lose its questions silently.
  const openOf = (whose: string): Statement =>
    db.prepare(`SELECT r.run_id, ${QUESTION}, ${SEAL}
    FROM ${STANDING} CROSS JOIN runs r ON r.run = q.run ${WITH_WRAPS}
    WHERE i.state <> 'closed' AND i.run = q.run AND q.state = 'open' AND r.tenant = ''
    AND (?1 IS NULL OR r.run_id = ?1) AND (?2 IS NULL OR q.id = ?2) AND (?3 IS NULL OR r.root_run_id = ?3) ${whose}
    ORDER BY q.created_at, q.question`)
  const openOfAll = openOf('')
  const openOfRun = openOf(`AND i.run = (SELECT run FROM runs WHERE tenant = '' AND run_id = ?1)`)
  const openOfFamily = openOf(`AND i.run IN (SELECT run FROM runs WHERE tenant = '' AND root_run_id = ?3)`)
  const standing = db.prepare(`SELECT r.run_id, i.key, i.at, i.kind, i.body, i.consumed, ${SEAL}
    FROM inbox i INDEXED BY inbox_rules JOIN runs r ON r.run = i.run ${WITH_WRAPS}
    WHERE i.kind = 'rule' AND i.consumed = 1 AND r.tenant = '' AND (?1 IS NULL OR r.agent = ?1) ORDER BY i.letter`)
  const ask = db.prepare(`INSERT INTO questions (run, id, kind, body, created_at, expires_at, state)
    VALUES (?, ?, ?, ?, ?, ?, 'open')`)
  const consume = db.prepare('UPDATE inbox SET consumed = ?4, body = ?3 WHERE run = ?1 AND key = ?2')

  function accept(seal: Seal, key: string, signal: Signal, now: number): Receipt {
    const row = runOf.get(seal.runId)
    // Sealed otherwise: the run of that id was removed and made anew since.
    if (row === undefined || textOf(row, 'key_id') !== keyIdOf(seal))
      throw new StateNotFoundError(`No run ${seal.runId}.`)
    const run = numberOf(row, 'run')
    const taken = winnerAt(run, seal, key)
    if (taken !== undefined) return { accepted: false, why: 'taken', winner: taken }
    if (signal.kind === 'answer') {
      const refused = refusal(run, seal, signal.question, now)
      if (refused !== undefined) return refused
      setQuestion(run, seal, signal.question, { state: 'answered', winner: key })
    }
    put(run, seal, { key, at: now, kind: signal.kind, consumed: 0 }, signal)
    if (signal.kind === 'answer' && signal.rule !== undefined)
      put(run, seal, { key: ruleKey(key), at: now, kind: RULE, consumed: STANDS }, signal.rule)
    return { accepted: true }
  }

  function put(run: number, seal: Seal, letter: Letter, body: unknown): void {
    const { key, at, kind, consumed } = letter
    insert.run(run, key, at, kind, sealRow(seal, 'signal', placeOfLetter({ ...letter }), body), consumed)
  }

  /** Why an answer is not accepted (T4); `undefined`: it is. */
  function refusal(run: number, seal: Seal, id: QuestionId, now: number): Receipt | undefined {
    // An id that is no text was never asked.
    const row = id.isWellFormed() ? question.get(run, id) : undefined
    if (row === undefined) return { accepted: false, why: 'unknown' }
    openQuestion(seal, row)
    const key = optionalText(row, 'winner')
    const winner = key === undefined ? undefined : winnerAt(run, seal, key)
    if (winner !== undefined) return { accepted: false, why: 'taken', winner }
    if (textOf(row, 'state') !== 'open') return { accepted: false, why: 'closed' }
    const expiresAt = optionalNumber(row, 'expires_at')
    return expiresAt !== undefined && expiresAt <= now ? { accepted: false, why: 'expired' } : undefined
  }

  function winnerAt(run: number, seal: Seal, key: string): Signal | undefined {
    const row = letter.get(run, key)
    return row === undefined ? undefined : signalOf(seal, row)
  }

  function setQuestion(
    run: number,
    seal: Seal,
    id: QuestionId,
    { state, winner }: { readonly state: string; readonly winner?: string | undefined },
  ): void {
    const row = question.get(run, id)
    if (row === undefined) return
    const place = placeOfQuestion({ ...row, state, winner: winner ?? null })
    become.run(run, id, state, winner ?? null, sealRow(seal, 'question', place, openQuestion(seal, row)))
  }

  return {
    accept,
    unread: (seal) =>
      unread.all(seal.runId).map((row) => ({
        key: textOf(row, 'key'),
        at: numberOf(row, 'at'),
        signal: signalOf(seal, row),
      })),
    questions: ({ runId, id, rootRunId }) => {
      const query = runId === undefined ? (rootRunId === undefined ? openOfAll : openOfFamily) : openOfRun
      return query.all(runId ?? null, id ?? null, rootRunId ?? null)
    },
    ask(run, seal, { id, kind, createdAt, expiresAt = null, message, call, schema, argsSchema }) {
      const columns = { id, kind, created_at: createdAt, expires_at: expiresAt, state: 'open', winner: null }
      const body = sealRow(seal, 'question', placeOfQuestion(columns), { message, call, schema, argsSchema })
      ask.run(run, id, kind, body, createdAt, expiresAt)
    },
    close(run, seal, id) {
      const row = question.get(run, id)
      if (row === undefined) return
      setQuestion(run, seal, id, { state: 'closed', winner: optionalText(row, 'winner') })
    },
    consume(run, seal, key) {
      const row = letter.get(run, key)
      if (row === undefined) return
      const place = placeOfLetter({ ...row, consumed: 1 })
      consume.run(run, key, sealRow(seal, 'signal', place, signalOf(seal, row)), 1)
    },
    rules: (agent) => standing.all(agent ?? null),
    withdraw(seal, question) {
      const row = runOf.get(seal.runId)
      const run = row === undefined ? 0 : numberOf(row, 'run')
      const key = ruleKey(question)
      const found = key.isWellFormed() ? letter.get(run, key) : undefined
      if (found === undefined) return false
      const rule = openRow(seal, 'signal', placeOfLetter(found), bytesOf(found, 'body'))
      const place = placeOfLetter({ ...found, consumed: WITHDRAWN })
      consume.run(run, key, sealRow(seal, 'signal', place, rule), WITHDRAWN)
      return true
    },
  }
}

interface Letter {
  readonly key: string
  readonly at: number
  readonly kind: string
  readonly consumed: number
}

/** Rules lie among the letters: no driver reads them, and they leave with their run. */
const RULE = 'rule'
const STANDS = 1
const WITHDRAWN = 2

function ruleKey(question: QuestionId): string {
  return `rule ${question}`
}

/** All of a question's row but its body. */
function placeOfQuestion(row: Row): readonly Json[] {
  return ['id', 'kind', 'created_at', 'expires_at', 'state', 'winner'].map((name) => row[name] as Json)
}

/** All of a letter's row but its body. */
function placeOfLetter(row: Row): readonly Json[] {
  return ['key', 'at', 'kind', 'consumed'].map((name) => row[name] as Json)
}

function openQuestion(seal: Seal, row: Row): Json {
  return openRow(seal, 'question', placeOfQuestion(row), bytesOf(row, 'body'))
}

function signalOf(seal: Seal, row: Row): Signal {
  const body = objectOf(
    openRow(seal, 'signal', placeOfLetter(row), bytesOf(row, 'body')),
    'A signal in the state file',
  )
  if (!KINDS.has(body['kind']))
    throw new StateCorruptError('A signal in the state file is damaged: its kind is unknown.')
  return body as unknown as Signal
}

/** A rule; undefined without the run's seal. @throws {StateCorruptError} the row was changed. */
export function ruleOf(row: Row, seal: Seal | undefined): RuleRow | undefined {
  if (seal === undefined) return undefined
  const rule = objectOf(
    openRow(seal, 'signal', placeOfLetter(row), bytesOf(row, 'body')),
    'A rule in the state file',
  )
  if (typeof rule['tool'] !== 'string' || typeof rule['agent'] !== 'string')
    throw new StateCorruptError('A rule in the state file is damaged.')
  return {
    runId: textOf(row, 'run_id'),
    question: textOf(row, 'key').slice(ruleKey('').length),
    at: numberOf(row, 'at'),
    rule: rule as unknown as Rule,
  }
}

/** A question. Without the run's seal, its words are not shown. @throws {StateCorruptError} the row was changed. */
export function questionOf(row: Row, seal: Seal | undefined): QuestionRow {
  const kind = textOf(row, 'kind')
  const expiresAt = optionalNumber(row, 'expires_at')
  const plain = {
    runId: textOf(row, 'run_id'),
    id: textOf(row, 'id'),
    kind: kind as QuestionKind,
    createdAt: numberOf(row, 'created_at'),
    ...(expiresAt !== undefined && { expiresAt }),
  }
  if (seal === undefined) return { ...plain, message: '', lockedBy: textOf(row, 'state_key') }
  const { message, call, schema, argsSchema } = objectOf(
    openQuestion(seal, row),
    'A question in the state file',
  )
  if (!QUESTION_KINDS.has(kind) || typeof message !== 'string')
    throw new StateCorruptError('A question in the state file is damaged.')
  return {
    ...plain,
    message,
    ...(typeof call === 'string' && { call }),
    ...(typeof schema === 'string' && { schema }),
    ...(typeof argsSchema === 'string' && { argsSchema }),
  }
}

function objectOf(value: Json, what: string): { readonly [key: string]: Json } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as { readonly [key: string]: Json }
  throw new StateCorruptError(`${what} is damaged.`)
}
