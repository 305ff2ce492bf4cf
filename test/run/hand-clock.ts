/** A clock that the test moves: timers fire in the order of their due time, when their time has come. */
import type { Clock } from '../../src/base/clock.ts'

interface Timer {
  readonly due: number
  readonly onDue: () => void
  readonly abortSignal: AbortSignal
}

export class HandClock implements Clock {
  #now = 0
  #timers: readonly Timer[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, onDue: () => void, abortSignal: AbortSignal): void {
    if (!abortSignal.aborted) this.#timers = [...this.#timers, { due: this.#now + ms, onDue, abortSignal }]
  }

  /** How many timers are set and not withdrawn. */
  get pending(): number {
    return this.#timers.filter((timer) => !timer.abortSignal.aborted).length
  }

  /** Time passes while the process is stopped: nothing fires. */
  stand(ms: number): void {
    this.#now += ms
  }

  /** Moves the time, and fires what is due on the way, timers set by timers too. */
  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      this.#timers = this.#timers.filter((timer) => !timer.abortSignal.aborted)
      const [first] = this.#timers.toSorted((a, b) => a.due - b.due)
      if (first === undefined || first.due > until) break
      this.#now = Math.max(this.#now, first.due)
      this.#timers = this.#timers.filter((timer) => timer !== first)
      first.onDue()
    }
    this.#now = until
  }
}
