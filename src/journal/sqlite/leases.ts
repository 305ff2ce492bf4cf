/** The lease of a family of runs: one row, an epoch that only grows. Every function runs inside a transaction. */
import { StateNotFoundError } from '../../base/errors.ts'
import type { RunId } from '../entry.ts'
import { checkFence, doubtOf, expiryOf, lostError, takeOver } from '../fence.ts'
import type { HeldLease, Instant } from '../fence.ts'
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
  claim(runId: RunId, claimant: Claimant, ttl: number, now: Instant): Lease
  renew(lease: Lease, ttl: number, now: Instant): void
  release(lease: Lease): void
  /** @throws {LeaseLostError} `lease` does not write any more (F2). */
  check(lease: Lease, now: Instant): Standing
  /** The holder got somewhere: the count of lost ones begins again. */
  progressed(lease: Lease): void
}

export function leasesOf(db: Database): Leases {
  const select =
    db.prepare(`SELECT r.run, r.root_run_id, r.last_seq, r.status, r.cause, r.wake_at, r.nonce_epoch,
    l.epoch, l.holder, l.claimed_at, l.expires_at, l.boot, l.expires_in_boot, l.deaths, l.doubted, l.doubted_until
    FROM runs r LEFT JOIN leases l ON l.tenant = r.tenant AND l.root_run_id = r.root_run_id
    WHERE r.tenant = '' AND r.run_id = ?`)
  const insert =
    db.prepare(`INSERT INTO leases (tenant, root_run_id, epoch, holder, deaths, claimed_at, expires_at, boot, expires_in_boot,
    doubted, doubted_until) VALUES ('', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO UPDATE SET epoch = ?2, holder = ?3, deaths = ?4,
    claimed_at = ?5, expires_at = ?6, boot = ?7, expires_in_boot = ?8,
    doubted = ?9, doubted_until = ?10`)
  const extend = db.prepare(`UPDATE leases SET expires_at = ?2, boot = ?3, expires_in_boot = ?4
    WHERE tenant = '' AND root_run_id = ?1`)
  const giveBack = db.prepare(
    `UPDATE leases SET holder = '' WHERE tenant = '' AND root_run_id = ? AND epoch = ? AND holder = ?`,
  )
  const forget = db.prepare(
    `UPDATE leases SET deaths = 0 WHERE tenant = '' AND root_run_id = ? AND deaths > 0`,
  )

  function claim(runId: RunId, claimant: Claimant, ttl: number, now: Instant): Lease {
    const row = select.get(runId)
    if (row === undefined) throw new StateNotFoundError(`No run ${runId}.`)
    const rootRunId = textOf(row, 'root_run_id')
    const taken = takeOver(leaseIn(row), now, claimant, runId, ttl)
    const { expiresAt, boot, expiresInBoot } = expiryOf(now, ttl)
    const { doubted, doubtedUntil } = doubtOf(taken.before)
    const { epoch, holder, deaths } = taken
    const times = [now.at, expiresAt, boot, expiresInBoot, doubted, doubtedUntil] as const
    insert.run(rootRunId, epoch, holder, deaths, ...times)
    return { rootRunId, ...taken }
  }

  function check(lease: Lease, now: Instant): Standing {
    const row = select.get(lease.runId)
    if (row === undefined || textOf(row, 'root_run_id') !== lease.rootRunId) throw lostError(lease)
    checkFence(leaseIn(row), lease, now)
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
      const { expiresAt, boot, expiresInBoot } = expiryOf(now, ttl)
      extend.run(lease.rootRunId, expiresAt, boot, expiresInBoot)
    },
    release: (lease) => void giveBack.run(lease.rootRunId, lease.epoch, lease.holder),
    progressed: (lease) => void forget.run(lease.rootRunId),
  }
}

/** The lease in a row that was joined with its run's, if there is one. */
export function leaseIn(row: Row): HeldLease | undefined {
  const epoch = optionalNumber(row, 'epoch')
  if (epoch === undefined) return undefined
  return {
    epoch,
    holder: textOf(row, 'holder'),
    claimedAt: numberOf(row, 'claimed_at'),
    expiresAt: numberOf(row, 'expires_at'),
    boot: textOf(row, 'boot'),
    expiresInBoot: numberOf(row, 'expires_in_boot'),
    deaths: numberOf(row, 'deaths'),
    doubted: textOf(row, 'doubted'),
    doubtedUntil: numberOf(row, 'doubted_until'),
  }
}
