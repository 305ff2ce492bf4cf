/**
 * The right to drive: taken with a new epoch, renewed while the driver lives, given back when the run rests.
 * A holder that is certainly dead (same host, its process gone) is taken over at once.
 */
import type { Clock } from '../base/clock.ts'
import { RunBusyError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { holderOf, isDead } from '../base/process-identity.ts'
import type { RunId } from '../journal/entry.ts'
import type { Claimant, Lease, Store } from '../journal/store.ts'

/** How long a lease holds without renewal, in ms. */
export const LEASE_TTL = 30_000

/** This process, for stores that ask who may be dead. */
export const claimant: Claimant = { holder: holderOf(), isDead }

/** Somebody who only records a stop holds a lease for a moment: so often, and so long (ms), it is asked for again. */
const TRIES = 5
const MOMENT = 20

/** @throws {RunBusyError} a live process drives the run. @throws {StateNotFoundError} */
export async function takeLease(store: Store, runId: RunId, clock?: Clock): Promise<Lease> {
  for (let tries = clock === undefined ? 1 : TRIES; ; tries--) {
    try {
      faultPoint('lease-unclaimed')
      const lease = await store.claim(runId, claimant, LEASE_TTL)
      faultPoint('lease-claimed')
      return lease
    } catch (error) {
      if (!(error instanceof RunBusyError) || tries <= 1) throw error
      await new Promise<void>((resolve) => clock?.after(MOMENT, resolve, new AbortController().signal))
    }
  }
}

/** Gives the lease back. One that cannot be given back ends by its expiry: what is durable stands all the same. */
export async function releaseLease(store: Store, lease: Lease): Promise<void> {
  faultPoint('lease-unreleased')
  await store.release(lease).catch(() => undefined)
}

/**
 * Renews the lease until `abortSignal` fires; `onLost` hears of the first failure. It holds the process: a run that is
 * driven is not abandoned because its tool waits for something that nobody holds.
 */
export function keepLease(
  store: Store,
  lease: Lease,
  clock: Clock,
  abortSignal: AbortSignal,
  onLost: (error: unknown) => void,
): void {
  clock.after(
    LEASE_TTL / 3,
    () => {
      faultPoint('lease-unrenewed')
      store.renew(lease, LEASE_TTL).then(() => keepLease(store, lease, clock, abortSignal, onLost), onLost)
    },
    abortSignal,
  )
}
