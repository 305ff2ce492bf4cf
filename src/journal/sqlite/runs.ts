/**
 * The runs and what is known of them from outside; which of them are due.
 *
 * S1 (see `seals.ts`): the view of a run is sealed with all of its row but the newest nonce, and with the chain of its
 * newest entry: so the head of the journal is authenticated by every write, and so is how many questions stand.
 */
import { StateCorruptError, StateNotFoundError } from '../../base/errors.ts'
import type { Json } from '../../base/json.ts'
import { keyIdOf, type Seal } from '../cipher.ts'
import type { RunId } from '../entry.ts'
import { ifHeld, lostError, type Instant } from '../fence.ts'
import type {
  Claimant,
  EntryRow,
  Lease,
  NewRun,
  QuestionRow,
  RunFilter,
  RunRow,
  RunStatus,
  RunView,
  Write,
} from '../store.ts'
import { bytesOf, limitOf, numberOf, optionalNumber, optionalText, textOf } from './database.ts'
import type { Database, Row } from './database.ts'
import { leaseIn, type Standing } from './leases.ts'
import { checkRunNumber, placeOf } from './place.ts'
import { STANDING } from './inbox.ts'
import { openRow, SEAL, sealRow, WITH_WRAPS } from './seals.ts'

/** What a run begins with. */
export interface NewRows {
  readonly run: NewRun
  readonly entries: readonly EntryRow[]
  readonly asked: readonly QuestionRow[]
}

export interface Runs {
  /** The number of the new run in this file; `undefined` if one of its id exists. */
  insert(given: NewRows, seal: Seal, now: number): number | undefined
  /** Writes what a run looks like from outside, its newest entry and its newest nonce. */
  update(standing: Standing, lease: Lease, write: Write, seal: Seal, now: number): void
  /** Whether the write with this nonce was the newest under the lease's epoch. */
  committed(lease: Lease, nonce: string): boolean
  /** For `runOf`. */
  get(runId: RunId): Row | undefined
  page(filter: RunFilter, limit: number, cursor?: RunId): readonly Row[]
  due(claimant: Claimant, limit: number, now: Instant): readonly RunId[]
  remove(runId: RunId): void
}

const STATUSES: ReadonlySet<string> = new Set<RunStatus>([
  'running',
  'paused',
  'completed',
  'stopped',
  'failed',
])

/** What does not change after a run was made. */
const MADE =
  'r.run_id, r.root_run_id, r.parent_call_id, r.agent, r.definition_digest, r.min_reader, r.created_at'
/** What the head of the journal is, and how many questions are not closed: they stand in rows of their own. */
const HEAD = `(SELECT e.chain FROM entries e WHERE e.place = (r.run << 32) + r.last_seq) AS chain,
  (SELECT COUNT(*) FROM ${STANDING} WHERE i.run = r.run AND i.state <> 'closed' AND q.run = r.run AND q.state <> 'closed') AS standing`
const COLUMNS = `${MADE}, r.status, r.view, r.step_count, r.wake_at, r.cause, r.updated_at, r.last_seq, r.nonce,
  ${HEAD}, ${SEAL}`

/** A run that has entries and no row. One look for each run that has any: entries lie by runs. */
const STRAYS = `WITH RECURSIVE written (run) AS (
    SELECT (SELECT place >> 32 FROM entries ORDER BY place LIMIT 1)
    UNION ALL SELECT (SELECT place >> 32 FROM entries WHERE place >= (run + 1) << 32 ORDER BY place LIMIT 1)
    FROM written WHERE run IS NOT NULL
  ) SELECT w.run FROM written w WHERE w.run IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run = w.run AND r.tenant = '') LIMIT 1`

/** Small indexes, not a scan: most runs rest. The last look is for runs whose family has ended without them. */
const DUE = `SELECT DISTINCT r.run, r.run_id, r.updated_at, l.epoch, l.holder, l.claimed_at, l.expires_at,
    l.boot, l.expires_in_boot, l.deaths, l.doubted, l.doubted_until FROM (
    SELECT run FROM runs WHERE status = 'running'
    UNION SELECT run FROM runs WHERE status = 'paused' AND cause = 'waiting' AND wake_at IS NOT NULL AND wake_at <= ?1
    UNION SELECT i.run FROM inbox i JOIN runs s ON s.run = i.run WHERE i.consumed = 0 AND s.status IN ('running', 'paused')
      AND (s.status = 'running' OR i.kind IN ('resume', 'stop') OR (s.cause = 'waiting' AND i.kind NOT IN ('say', 'edit')))
    UNION SELECT c.run FROM runs c JOIN runs f ON f.tenant = c.tenant AND f.run_id = c.root_run_id
      WHERE c.status = 'paused' AND c.run_id <> c.root_run_id AND f.status IN ('completed', 'stopped')
  ) ready JOIN runs r ON r.run = ready.run
  LEFT JOIN leases l ON l.tenant = r.tenant AND l.root_run_id = r.root_run_id
  WHERE r.tenant = '' ORDER BY r.updated_at, r.run`

export function runsOf(db: Database): Runs {
  const insert =
    db.prepare(`INSERT INTO runs (tenant, run_id, root_run_id, parent_call_id, agent, definition_digest,
    min_reader, key_id, status, view, step_count, wake_at, cause, created_at, updated_at, last_seq)
    VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING run`)
  const update =
    db.prepare(`UPDATE runs SET view = ?2, step_count = ?3, updated_at = ?4, nonce_epoch = ?5, nonce = ?6,
    last_seq = ?7 WHERE run = ?1`)
  // Apart: a column that is set is written to its indexes, changed or not.
  const turn = db.prepare('UPDATE runs SET status = ?2, cause = ?3, wake_at = ?4 WHERE run = ?1')
  const keepNonce = db.prepare(`INSERT INTO nonces (run, epoch, nonce)
    SELECT run, nonce_epoch, nonce FROM runs WHERE run = ? AND nonce_epoch IS NOT NULL`)
  const noted = db.prepare(`SELECT 1 AS found FROM runs r WHERE r.tenant = '' AND r.run_id = ?1 AND (
    (r.nonce_epoch = ?2 AND r.nonce = ?3)
    OR EXISTS (SELECT 1 FROM nonces n WHERE n.run = r.run AND n.epoch = ?2 AND n.nonce = ?3))`)
  const select = db.prepare(
    `SELECT ${COLUMNS} FROM runs r ${WITH_WRAPS} WHERE r.tenant = '' AND r.run_id = ?`,
  )
  const made = db.prepare(`SELECT ${MADE}, r.key_id, ${HEAD} FROM runs r WHERE r.run = ?`)
  const strays = db.prepare(STRAYS)
  const numberAt = db.prepare(`SELECT run, root_run_id FROM runs WHERE tenant = '' AND run_id = ?`)
  const page =
    db.prepare(`SELECT ${COLUMNS} FROM runs r ${WITH_WRAPS} WHERE +r.tenant = '' AND r.run < ?1 AND (?5 = 0 OR r.run_id = r.root_run_id)
    AND (?2 IS NULL OR r.status IN (SELECT value FROM json_each(?2))) AND (?3 IS NULL OR r.agent = ?3)
    ORDER BY r.run DESC LIMIT ?4`)
  const family =
    db.prepare(`SELECT ${COLUMNS} FROM runs r ${WITH_WRAPS} WHERE r.tenant = '' AND r.root_run_id = ?6 AND +r.run < ?1 AND (?5 = 0 OR r.run_id = r.root_run_id)
    AND (?2 IS NULL OR r.status IN (SELECT value FROM json_each(?2))) AND (?3 IS NULL OR r.agent = ?3)
    ORDER BY r.run DESC LIMIT ?4`)
  const due = db.prepare(DUE)
  const removeEntries = db.prepare('DELETE FROM entries WHERE place > ? AND place < ?')
  const remove = db.prepare('DELETE FROM runs WHERE run = ?')
  const dropLease = db.prepare(`DELETE FROM leases WHERE tenant = '' AND root_run_id = ?1
    AND NOT EXISTS (SELECT 1 FROM runs WHERE tenant = '' AND root_run_id = ?1)`)

  function numberOfRun(runId: RunId): number {
    const row = numberAt.get(runId)
    if (row === undefined) throw new StateNotFoundError(`No run ${runId}: it cannot begin a page.`)
    return numberOf(row, 'run')
  }

  return {
    insert({ run, entries, asked }, seal, now) {
      const { status, stepCount, wakeAt = null, cause = null } = run.view
      const columns: Made = {
        rootRunId: run.rootRunId,
        parentCallId: run.parentCallId ?? null,
        agent: run.agent,
        definitionDigest: run.definitionDigest,
        minReader: run.minReader,
        createdAt: now,
      }
      const [lastSeq, chain] = [entries.length, entries.at(-1)?.chain]
      const head = { updatedAt: now, lastSeq, chain, standing: asked.length }
      const row = insert.get(
        run.runId,
        columns.rootRunId,
        columns.parentCallId,
        columns.agent,
        columns.definitionDigest,
        columns.minReader,
        keyIdOf(seal),
        status,
        sealRow(seal, VIEW, placeOfView(columns, run.view, head), run.view.task),
        stepCount,
        wakeAt,
        cause,
        now,
        now,
        entries.length,
      )
      if (row === undefined) return undefined
      const number = numberOf(row, 'run')
      checkRunNumber(number)
      return number
    },
    update(standing, lease, { view, entries, nonce }, seal, now) {
      const { run } = standing
      const { epoch } = lease
      const row = made.get(run)
      // Another run took the id meanwhile: the lease is of the one before.
      if (row === undefined || textOf(row, 'key_id') !== keyIdOf(seal)) throw lostError(lease)
      if (standing.nonceEpoch !== undefined && standing.nonceEpoch !== epoch) keepNonce.run(run)
      const lastSeq = standing.lastSeq + entries.length
      const chain = entries.at(-1)?.chain ?? chainOf(row)
      const head = { updatedAt: now, lastSeq, chain, standing: numberOf(row, 'standing') }
      const sealed = sealRow(seal, VIEW, placeOfView(madeOf(row), view, head), view.task)
      update.run(run, sealed, view.stepCount, now, epoch, nonce, lastSeq)
      const { status, cause, wakeAt } = view
      if (status === standing.status && cause === standing.cause && wakeAt === standing.wakeAt) return
      turn.run(run, status, cause ?? null, wakeAt ?? null)
    },
    committed: ({ runId, epoch }, nonce) => noted.get(runId, epoch, nonce) !== undefined,
    get: (runId) => select.get(runId),
    page(filter, limit, cursor) {
      // A list with a hole is noticed.
      const isAll = cursor === undefined && filter.rootRunId === undefined
      if (isAll && strays.get() !== undefined)
        throw new StateCorruptError('Entries in the state file belong to a run that is not there.')
      const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : numberOfRun(cursor)
      const status = filter.status === undefined ? null : JSON.stringify(filter.status)
      const roots = filter.roots === true ? 1 : 0
      const given = [before, status, filter.agent ?? null, limitOf(limit), roots] as const
      return filter.rootRunId === undefined ? page.all(...given) : family.all(...given, filter.rootRunId)
    },
    due(claimant, limit, now) {
      const asking = { holder: claimant.holder, isDead: remembered((holder) => claimant.isDead(holder)) }
      return due
        .all(now.at)
        .filter((row) => ifHeld(leaseIn(row), now, asking) === undefined)
        .slice(0, limitOf(limit))
        .map((row) => textOf(row, 'run_id'))
    },
    remove(runId) {
      const row = numberAt.get(runId)
      if (row === undefined) return
      const number = numberOf(row, 'run')
      removeEntries.run(placeOf(number, 0), placeOf(number + 1, 0))
      remove.run(number)
      dropLease.run(textOf(row, 'root_run_id'))
    },
  }
}

/** Many runs have one holder: it is looked up once. */
function remembered(isDead: (holder: string) => boolean): (holder: string) => boolean {
  const known = new Map<string, boolean>()
  return (holder) => {
    const found = known.get(holder) ?? isDead(holder)
    known.set(holder, found)
    return found
  }
}

/** What does not change after a run was made. */
interface Made {
  readonly rootRunId: string
  readonly parentCallId: string | null
  readonly agent: string
  readonly definitionDigest: string
  readonly minReader: number
  readonly createdAt: number
}

const VIEW = 'view'

/** S1. */
function placeOfView(
  made: Made,
  { status, stepCount, wakeAt, cause }: Omit<RunView, 'task'>,
  head: {
    readonly updatedAt: number
    readonly lastSeq: number
    readonly chain: Uint8Array | undefined
    readonly standing: number
  },
): readonly Json[] {
  const { rootRunId, parentCallId, agent, definitionDigest, minReader, createdAt } = made
  const { updatedAt, lastSeq, standing, chain = new Uint8Array(0) } = head
  return [
    rootRunId,
    parentCallId,
    agent,
    definitionDigest,
    minReader,
    createdAt,
    status,
    stepCount,
    wakeAt ?? null,
    cause ?? null,
    updatedAt,
    lastSeq,
    Buffer.from(chain).toString('hex'),
    standing,
  ]
}

function madeOf(row: Row): Made {
  return {
    rootRunId: textOf(row, 'root_run_id'),
    parentCallId: optionalText(row, 'parent_call_id') ?? null,
    agent: textOf(row, 'agent'),
    definitionDigest: textOf(row, 'definition_digest'),
    minReader: numberOf(row, 'min_reader'),
    createdAt: numberOf(row, 'created_at'),
  }
}

function chainOf(row: Row): Uint8Array | undefined {
  return row['chain'] === null ? undefined : bytesOf(row, 'chain')
}

/** A run as it is seen from outside. Without its seal, its task is not. @throws {StateCorruptError} the row was changed. */
export function runOf(row: Row, seal: Seal | undefined): RunRow {
  const made = madeOf(row)
  const [wakeAt, cause] = [optionalNumber(row, 'wake_at'), optionalText(row, 'cause')]
  const rest = {
    status: statusOf(row),
    stepCount: numberOf(row, 'step_count'),
    ...(wakeAt !== undefined && { wakeAt }),
    ...(cause !== undefined && { cause }),
  }
  const head = {
    updatedAt: numberOf(row, 'updated_at'),
    lastSeq: numberOf(row, 'last_seq'),
    chain: chainOf(row),
    standing: numberOf(row, 'standing'),
  }
  const lastWrite = optionalText(row, 'nonce')
  const task =
    seal === undefined ? '' : openRow(seal, VIEW, placeOfView(made, rest, head), bytesOf(row, 'view'))
  return {
    ...rest,
    runId: textOf(row, 'run_id'),
    rootRunId: made.rootRunId,
    agent: made.agent,
    task: typeof task === 'string' ? task : '',
    createdAt: made.createdAt,
    updatedAt: head.updatedAt,
    lastSeq: head.lastSeq,
    ...(lastWrite !== undefined && { lastWrite }),
    minReader: made.minReader,
    ...(seal === undefined && { lockedBy: textOf(row, 'state_key') }),
  }
}

function statusOf(row: Row): RunStatus {
  const status = textOf(row, 'status')
  if (STATUSES.has(status)) return status as RunStatus
  throw new StateCorruptError(`A run in the state file has the unknown status ${JSON.stringify(status)}.`)
}
