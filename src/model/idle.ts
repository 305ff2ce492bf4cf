/** Watches for a model that has gone silent (A5 of `ask.ts`). */
import type { Clock } from '../base/clock.ts'
import { showDuration } from '../base/duration.ts'
import { ModelCallError } from './failure.ts'

/** How long is too long, ms. */
export interface IdleLimit {
  readonly ms: number
  readonly clock: Clock
}

export class IdleWatch implements Disposable {
  /** Fires when the caller gives the request up, or when the model has been silent for too long. */
  readonly signal: AbortSignal
  readonly #model: string
  readonly #limit: IdleLimit | undefined
  readonly #silent = new AbortController()
  readonly #over = new AbortController()
  #heardAt = 0

  constructor(model: string, limit: IdleLimit | undefined, abortSignal: AbortSignal) {
    this.#model = model
    this.#limit = limit
    this.signal = limit === undefined ? abortSignal : AbortSignal.any([abortSignal, this.#silent.signal])
    if (limit === undefined) return
    this.heard()
    this.#look(limit.ms)
  }

  /** The model has sent something. */
  heard(): void {
    this.#heardAt = this.#limit?.clock.now() ?? 0
  }

  [Symbol.dispose](): void {
    this.#over.abort()
  }

  /** One timer for the whole request: it is set again for what is left, not at each delta. */
  #look(wait: number): void {
    const limit = this.#limit
    if (limit === undefined) return
    const { clock, ms } = limit
    clock.after(
      wait,
      () => {
        const left = ms - (clock.now() - this.#heardAt)
        if (left > 0) this.#look(left)
        else this.#silent.abort(this.#error(ms))
      },
      this.#over.signal,
    )
  }

  #error(ms: number): ModelCallError {
    return new ModelCallError(
      `The model ${this.#model} sent nothing for ${showDuration(ms)} (modelIdleTimeout).`,
      { retryable: true },
    )
  }
}
