/**
 * When a snapshot of the heap is worth its price, beside those that are always taken when a run comes to rest. It is a
 * cache: whatever is decided here, a resume gives the same heap, by snapshot or by replay of what came since.
 */

/** What has happened since the last snapshot. */
export interface Since {
  readonly deliveries: number
  /** Ms of guest computing. */
  readonly computing: number
  /** Ms that the guest has had nothing to do, since its last delivery. */
  readonly waited: number
  /** What the last snapshots cost, in ms, the newest most; 0: there was none. */
  readonly price: number
}

/** Asked after each delivery, and again when the guest has waited for `WAITS`; at least one delivery is new. */
export type SnapshotPolicy = (since: Since) => boolean

/** So long (ms) after a delivery the policy is asked once more: a snapshot beside a tool or a model costs nobody time. */
export const WAITS = 200

/** So many deliveries, or so many ms of computing, are the most that a resume replays. */
const DELIVERIES = 128
const COMPUTING = 200
/** What a delivery costs beside the guest's computing, in ms. */
const DELIVERY = 0.3
/**
 * Of a large heap a snapshot costs more than that: it is taken when replay would cost this many times its own price,
 * which is paid again where the heap is stored.
 */
const WORTH = 20

export const whenReplayCosts: SnapshotPolicy = ({ deliveries, computing, waited, price }) => {
  if (waited >= WAITS) return true
  if (deliveries < DELIVERIES && computing < COMPUTING) return false
  return deliveries * DELIVERY + computing >= price * WORTH
}
