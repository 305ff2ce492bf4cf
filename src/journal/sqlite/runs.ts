/** The runs and what is known of them from outside; which of them are due. */
import { StateCorruptError, StateNotFoundError } from '../../base/errors.ts'
import { parseJson } from '../../base/json.ts'
import type { RunId } from '../entry.ts'
import { ifHeld, type Instant } from '../fence.ts'
import type {
  Claimant,
  EntryRow,
  Lease,
  NewRun,
  RunFilter,
  RunRow,
  RunStatus,
  RunView,
  Write,
} from '../store.ts'
import { limitOf, numberOf, optionalNumber, optionalText, textOf } from './database.ts'
import type { Database, Row } from './database.ts'
import { leaseIn, type Standing } from './leases.ts'
import { checkRunNumber, placeOf } from './place.ts'

export interface Runs {
  /** The number of the new run in this file; `undefined` if one of its id exists. */
  insert(run: NewRun, entries: readonly EntryRow[], now: number): number | undefined
  /** Writes what a run looks like from outside, its newest entry and its newest nonce. */
  update(standing: Standing, epoch: number, write: Write, now: number): void
  /** Whether the write with this nonce was the newest under the lease's epoch. */
  committed(lease: Lease, nonce: string): boolean
  get(runId: RunId): RunRow | undefined
  page(filter: RunFilter, limit: number, cursor?: RunId): readonly RunRow[]
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

const COLUMNS = `run_id, root_run_id, agent, min_reader, status, task, step_count, wake_at, cause,
  created_at, updated_at, last_seq`

/** Three small indexes, not a scan: most runs rest. */
const DUE = `SELECT DISTINCT r.run, r.run_id, r.updated_at, l.epoch, l.holder, l.claimed_at, l.expires_at,
    l.boot, l.expires_in_boot, l.deaths FROM (
    SELECT run FROM runs WHERE status = 'running'
    UNION SELECT run FROM runs WHERE status = 'paused' AND cause = 'waiting' AND wake_at IS NOT NULL AND wake_at <= ?1
    UNION SELECT i.run FROM inbox i JOIN runs s ON s.run = i.run WHERE i.consumed = 0 AND s.status IN ('running', 'paused')
      AND (s.status = 'running' OR i.kind IN ('resume', 'stop') OR (s.cause = 'waiting' AND i.kind <> 'say'))
  ) ready JOIN runs r ON r.run = ready.run
  LEFT JOIN leases l ON l.tenant = r.tenant AND l.root_run_id = r.root_run_id
  WHERE r.tenant = '' ORDER BY r.updated_at, r.run`

export function runsOf(db: Database): Runs {
  const insert =
    db.prepare(`INSERT INTO runs (tenant, run_id, root_run_id, parent_call_id, agent, definition_digest,
    min_reader, key_id, status, task, step_count, wake_at, cause, created_at, updated_at, last_seq)
    VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING run`)
  const update =
    db.prepare(`UPDATE runs SET task = ?2, step_count = ?3, updated_at = ?4, nonce_epoch = ?5, nonce = ?6,
    last_seq = ?7 WHERE run = ?1`)
  // Apart: a column that is set is written to its indexes, changed or not.
  const turn = db.prepare('UPDATE runs SET status = ?2, cause = ?3, wake_at = ?4 WHERE run = ?1')
  const keepNonce = db.prepare(`INSERT INTO nonces (run, epoch, nonce)
    SELECT run, nonce_epoch, nonce FROM runs WHERE run = ? AND nonce_epoch IS NOT NULL`)
  const noted = db.prepare(`SELECT 1 AS found FROM runs r WHERE r.tenant = '' AND r.run_id = ?1 AND (
    (r.nonce_epoch = ?2 AND r.nonce = ?3)
    OR EXISTS (SELECT 1 FROM nonces n WHERE n.run = r.run AND n.epoch = ?2 AND n.nonce = ?3))`)
  const select = db.prepare(`SELECT ${COLUMNS} FROM runs WHERE tenant = '' AND run_id = ?`)
  const numberAt = db.prepare(`SELECT run, root_run_id FROM runs WHERE tenant = '' AND run_id = ?`)
  const page = db.prepare(`SELECT ${COLUMNS} FROM runs WHERE tenant = '' AND run < ?1
    AND (?2 IS NULL OR status IN (SELECT value FROM json_each(?2))) AND (?3 IS NULL OR agent = ?3)
    ORDER BY run DESC LIMIT ?4`)
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
    insert(run, entries, now) {
      const last = entries.at(-1)
      const row = insert.get(
        run.runId,
        run.rootRunId,
        run.parentCallId ?? null,
        run.agent,
        run.definitionDigest,
        run.minReader,
        last?.keyId ?? '',
        ...viewColumns(run.view),
        now,
        now,
        entries.length,
      )
      if (row === undefined) return undefined
      const number = numberOf(row, 'run')
      checkRunNumber(number)
      return number
    },
    update(standing, epoch, { view, entries, nonce }, now) {
      const { run, lastSeq } = standing
      if (standing.nonceEpoch !== undefined && standing.nonceEpoch !== epoch) keepNonce.run(run)
      const task = JSON.stringify(view.task)
      update.run(run, task, view.stepCount, now, epoch, nonce, lastSeq + entries.length)
      const { status, cause, wakeAt } = view
      if (status === standing.status && cause === standing.cause && wakeAt === standing.wakeAt) return
      turn.run(run, status, cause ?? null, wakeAt ?? null)
    },
    committed: ({ runId, epoch }, nonce) => noted.get(runId, epoch, nonce) !== undefined,
    get(runId) {
      const row = select.get(runId)
      return row === undefined ? undefined : runOf(row)
    },
    page(filter, limit, cursor) {
      const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : numberOfRun(cursor)
      const status = filter.status === undefined ? null : JSON.stringify(filter.status)
      return page.all(before, status, filter.agent ?? null, limitOf(limit)).map(runOf)
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

/** `task` is text of a person: as JSON, any string comes back as it was. */
function viewColumns(view: RunView): [string, string, number, number | null, string | null] {
  return [view.status, JSON.stringify(view.task), view.stepCount, view.wakeAt ?? null, view.cause ?? null]
}

function runOf(row: Row): RunRow {
  const [wakeAt, cause] = [optionalNumber(row, 'wake_at'), optionalText(row, 'cause')]
  const task = parseJson(textOf(row, 'task'), 'The task of a run in the state file')
  return {
    runId: textOf(row, 'run_id'),
    rootRunId: textOf(row, 'root_run_id'),
    agent: textOf(row, 'agent'),
    status: statusOf(row),
    task: typeof task === 'string' ? task : '',
    stepCount: numberOf(row, 'step_count'),
    ...(wakeAt !== undefined && { wakeAt }),
    ...(cause !== undefined && { cause }),
    createdAt: numberOf(row, 'created_at'),
    updatedAt: numberOf(row, 'updated_at'),
    lastSeq: numberOf(row, 'last_seq'),
    minReader: numberOf(row, 'min_reader'),
  }
}

function statusOf(row: Row): RunStatus {
  const status = textOf(row, 'status')
  if (STATUSES.has(status)) return status as RunStatus
  throw new StateCorruptError(`A run in the state file has the unknown status ${JSON.stringify(status)}.`)
}
