/** The driver's one mailbox: happenings in the order of their arrival. */
import type { Clock } from '../base/clock.ts'

/** A constant reason: an abort without one builds an exception with its stack. */
const FILLED = 'filled'

export class Mailbox<Message> {
  readonly #messages: Message[] = []
  #wake: (() => void) | undefined

  post(message: Message): void {
    this.#messages.push(message)
    this.#wake?.()
  }

  get empty(): boolean {
    return this.#messages.length === 0
  }

  /** All that is there, in order; may be nothing. */
  drain(): readonly Message[] {
    return this.#messages.splice(0)
  }

  /** Resolves when something is there, or after `ms`, if that is given. */
  async filled(clock: Clock, ms?: number): Promise<void> {
    if (!this.empty) return
    const timer = new AbortController()
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (ms !== undefined) clock.after(ms, resolve, timer.signal)
    })
    this.#wake = undefined
    timer.abort(FILLED)
  }
}
