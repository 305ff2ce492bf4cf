/**
 * Promises that were rejected while nobody handled them, until the guest's delivery is over: what the engine tells of
 * them, as pointers that are held until they are given away.
 */

/** What is needed of the engine's memory. */
interface Memory {
  qjs_dup_value(pointer: number): number
  qjs_free_value(pointer: number): void
}

interface Pointer {
  readonly ptr: number
}

interface Rejection {
  readonly promise: number
  readonly reason: number
}

/** More are not told: they say the same. */
const MOST = 1_000

export class Rejections {
  /** By the identity of their promise. */
  #rejected = new Map<number, Rejection>()
  #handled: number[] = []

  /** The engine tells of a promise: nobody handles it, or now somebody does. */
  note(
    memory: Memory,
    promise: Pointer & { readonly identity: number },
    reason: Pointer,
    handled: boolean,
  ): void {
    const id = promise.identity
    const noted = this.#rejected.get(id)
    if (handled && noted !== undefined) {
      this.#rejected.delete(id)
      memory.qjs_free_value(noted.promise)
      memory.qjs_free_value(noted.reason)
    } else if (handled) {
      this.#handled.push(memory.qjs_dup_value(promise.ptr))
    } else if (this.#rejected.size < MOST) {
      this.#rejected.set(id, {
        promise: memory.qjs_dup_value(promise.ptr),
        reason: memory.qjs_dup_value(reason.ptr),
      })
    }
  }

  /** All since the last time: those that were told before and are handled now, and the new ones. The taker frees them. */
  take(): { readonly handled: readonly number[]; readonly rejected: readonly Rejection[] } {
    const taken = { handled: this.#handled, rejected: [...this.#rejected.values()] }
    this.#handled = []
    this.#rejected = new Map()
    return taken
  }
}
