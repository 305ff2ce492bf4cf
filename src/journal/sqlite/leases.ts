/** The lease of a family of runs: one row, an epoch that only grows. Every function runs inside a transaction. */
import { StateNotFoundError } from '../../base/errors.ts'
import type { RunId } from '../entry.ts'
import { busyError, checkFence, ifHeld, lostError } from '../fence.ts'
import type { HeldLease } from '../fence.ts'
import type { Claimant, Lease } from '../store.ts'
import { numberOf, optionalNumber, optionalText, textOf } from './database.ts'
import type { Database, Row } from './database.ts'

/** Where a run stands, as its writer needs it. */
export interface Standing {
  readonly run: number
  readonly lastSeq: number
  /** The columns that indexes are over. */
  readonly status: string
  readonly cause: string | undefined
  readonly wakeAt: number | undefined
  /** The epoch of its newest write, if a driver wrote. */
  readonly nonceEpoch: number | undefined
}

export interface Leases {
  claim(runId: RunId, claimant: Claimant, ttl: number, now: number): Lease
  renew(lease: Lease, ttl: number, now: number): void
  release(lease: Lease): void
  /** @throws {LeaseLostError} `lease` does not write any more (F2). */
  check(lease: Lease, now: number): Standing
  /** The holder got somewhere: the count of its starts begins again. */
  progressed(lease: Lease): void
}

export function leasesOf(db: Database): Leases {
  const select =
    db.prepare(`SELECT r.run, r.root_run_id, r.last_seq, r.status, r.cause, r.wake_at, r.nonce_epoch,
    l.epoch, l.holder, l.claimed_at, l.expires_at
    FROM runs r LEFT JOIN leases l ON l.tenant = r.tenant AND l.root_run_id = r.root_run_id
    WHERE r.tenant = '' AND r.run_id = ?`)
  const insert =
    db.prepare(`INSERT INTO leases (tenant, root_run_id, epoch, holder, claimed_at, expires_at, claims)
    VALUES ('', ?1, ?2, ?3, ?4, ?5, 1) ON CONFLICT DO UPDATE
    SET epoch = ?2, holder = ?3, claimed_at = ?4, expires_at = ?5, claims = claims + 1`)
  const extend = db.prepare(`UPDATE leases SET expires_at = ? WHERE tenant = '' AND root_run_id = ?`)
  const giveBack = db.prepare(
    `UPDATE leases SET holder = '' WHERE tenant = '' AND root_run_id = ? AND epoch = ? AND holder = ?`,
  )
  const forget = db.prepare(
    `UPDATE leases SET claims = 0 WHERE tenant = '' AND root_run_id = ? AND claims > 0`,
  )

  function claim(runId: RunId, claimant: Claimant, ttl: number, now: number): Lease {
    const row = select.get(runId)
    if (row === undefined) throw new StateNotFoundError(`No run ${runId}.`)
    const stored = heldOf(row)
    const held = ifHeld(stored, now, claimant)
    if (held !== undefined) throw busyError(runId, held)
    const rootRunId = textOf(row, 'root_run_id')
    const epoch = (stored?.epoch ?? 0) + 1
    insert.run(rootRunId, epoch, claimant.holder, now, now + ttl)
    return { rootRunId, runId, epoch, holder: claimant.holder }
  }

  function check(lease: Lease, now: number): Standing {
    const row = select.get(lease.runId)
    if (row === undefined || textOf(row, 'root_run_id') !== lease.rootRunId) throw lostError(lease)
    checkFence(heldOf(row), lease, now)
    return {
      run: numberOf(row, 'run'),
      lastSeq: numberOf(row, 'last_seq'),
      status: textOf(row, 'status'),
      cause: optionalText(row, 'cause'),
      wakeAt: optionalNumber(row, 'wake_at'),
      nonceEpoch: optionalNumber(row, 'nonce_epoch'),
    }
  }

  return {
    claim,
    check,
    renew(lease, ttl, now) {
      check(lease, now)
      extend.run(now + ttl, lease.rootRunId)
    },
    release: (lease) => void giveBack.run(lease.rootRunId, lease.epoch, lease.holder),
    progressed: (lease) => void forget.run(lease.rootRunId),
  }
}

function heldOf(row: Row): HeldLease | undefined {
  const epoch = optionalNumber(row, 'epoch')
  if (epoch === undefined) return undefined
  const [holder, claimedAt] = [textOf(row, 'holder'), numberOf(row, 'claimed_at')]
  return { epoch, holder, claimedAt, expiresAt: numberOf(row, 'expires_at') }
}
