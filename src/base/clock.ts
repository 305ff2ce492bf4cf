/** The only door to time and timers of the layers below the stores. Tests hold a clock of their own. */

/** All that the driver needs of time. */
export interface Clock {
  /** Monotonic, in ms; only differences mean something. */
  now(): number
  /** Calls `onDue` once after `ms`, unless `abortSignal` fires first. Holds the process alive only if `hold`. */
  after(ms: number, onDue: () => void, abortSignal: AbortSignal, hold?: boolean): void
}

/**
 * The time since a machine started. It only goes forward, no clock that is set moves it, and all processes of one boot
 * read the same.
 */
export interface BootClock {
  /** Names the boot: a time of another one means nothing (see `isSameBoot` of `process-identity.ts`). */
  readonly boot: string
  /** ms. */
  now(): number
}

/** Longer timers overflow: Node would fire them at once. */
const LONGEST = 2_147_000_000

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, onDue, abortSignal, hold = true) {
    if (abortSignal.aborted) return
    const timer = setTimeout(
      () => {
        abortSignal.removeEventListener('abort', cancel)
        onDue()
      },
      Math.min(Math.max(ms, 0), LONGEST),
    )
    const cancel = (): void => clearTimeout(timer)
    if (!hold) timer.unref()
    abortSignal.addEventListener('abort', cancel, { once: true })
  },
}
