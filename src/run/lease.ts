/**
 * The right to drive: taken with a new epoch, renewed while the driver lives, given back when the run rests.
 * A holder that is certainly dead (same host, its process gone) is taken over at once. Whoever cannot be sure to hold
 * it any more, having been stopped or cut off, begins no effect.
 */
import { systemClock, type Clock } from '../base/clock.ts'
import { LeaseLostError, RunBusyError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { holderOf, isDead } from '../base/process-identity.ts'
import type { RunId } from '../journal/entry.ts'
import type { Claimant, Hold, HoldTerms, Lease, Store } from '../journal/store.ts'

/** How long a lease holds without renewal, in ms. */
export const LEASE_TTL = 30_000

/** This process, for stores that ask who may be dead. */
export const claimant: Claimant = { holder: holderOf(), isDead }

/** Somebody who only records a stop holds a lease for a moment: so long it is asked for again, so often (both ms). */
const PATIENCE = 100
const MOMENT = 20

/** A lease as this process took it. */
export interface TakenLease extends Lease {
  readonly ttl: number
  /** Until when nobody else can have it, by the clock it was taken by; renewing moves it. */
  readonly goodUntil: number
}

/** @throws {RunBusyError} a live process drives the run. @throws {StateNotFoundError} */
export async function takeLease(
  store: Store,
  runId: RunId,
  clock?: Clock,
  ttl: number = LEASE_TTL,
): Promise<TakenLease> {
  const [time, patience] = clock === undefined ? [systemClock, 0] : [clock, PATIENCE]
  const began = time.now()
  for (;;) {
    try {
      faultPoint('lease-unclaimed')
      let goodUntil = time.now() + ttl
      const lease = await store.claim(runId, claimant, ttl)
      faultPoint('lease-claimed')
      // It took so long that nobody knows how much of the ttl is left.
      while (goodUntil - time.now() < ttl / 2) {
        goodUntil = time.now() + ttl
        await store.renew(lease, ttl)
      }
      return { ...lease, ttl, goodUntil }
    } catch (error) {
      if (!(error instanceof RunBusyError) || time.now() - began >= patience) throw error
      await new Promise<void>((resolve) => time.after(MOMENT, resolve, new AbortController().signal))
    }
  }
}

/** Gives the lease back. One that cannot be given back ends by its expiry: what is durable stands all the same. */
export async function releaseLease(store: Store, lease: Lease): Promise<void> {
  faultPoint('lease-unreleased')
  await store.release(lease).catch(() => undefined)
}

/** A lease that is being renewed. */
export interface KeptLease {
  /** Directly before an effect. @throws {LeaseLostError} somebody else may have the lease: nothing may be begun. */
  check(): void
}

/**
 * Renews the lease until `abortSignal` fires; `onLost` hears of the first failure. It holds the process: a run that is
 * driven is not abandoned because its tool waits for something that nobody holds.
 */
export function keepLease(
  store: Store,
  lease: TakenLease,
  clock: Clock,
  abortSignal: AbortSignal,
  onLost: (error: unknown) => void,
): KeptLease {
  const terms = { ttl: lease.ttl, msLeft: lease.goodUntil - clock.now(), abortSignal, onLost }
  const hold = store.hold?.(lease, terms) ?? renewByTimer(store, lease, clock, terms)
  stay(clock, abortSignal)
  return {
    check() {
      const left = hold.msLeft()
      if (left > 0) return
      throw new LeaseLostError(
        `The lease on run ${lease.runId} could not be renewed in time: another process may drive it.`,
      )
    },
  }
}

function renewByTimer(store: Store, lease: TakenLease, clock: Clock, terms: HoldTerms): Hold {
  const { ttl, abortSignal, onLost } = terms
  let goodUntil = lease.goodUntil
  function renewLater(): void {
    clock.after(
      ttl / 3,
      () => {
        faultPoint('lease-unrenewed')
        const until = clock.now() + ttl
        store.renew(lease, ttl).then(() => {
          goodUntil = until
          renewLater()
        }, onLost)
      },
      abortSignal,
    )
  }
  renewLater()
  return { msLeft: () => goodUntil - clock.now() }
}

/** Holds the process until `abortSignal` fires. */
function stay(clock: Clock, abortSignal: AbortSignal): void {
  clock.after(LEASE_TTL, () => stay(clock, abortSignal), abortSignal)
}
