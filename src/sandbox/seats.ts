/**
 * The threads of this process, for all of its guests: a guest needs one only while it computes.
 *
 * Q1  At most so many are given away at once; whoever waits for one gets it in the order in which they asked.
 * Q2  Whoever has a thread and does not use it says so, and is asked to leave when somebody waits: the one that has been
 *     idle for longest first. One that goes on in the meantime leaves all the same, and asks again: so nobody starves.
 * Q3  A thread that comes back goes to the next who waits. One is kept spare, the others end.
 */
import { availableParallelism, totalmem } from 'node:os'
import { Thread } from './thread.ts'

/** What a thread takes with a guest of common size on it, in bytes. */
const THREAD_BYTES = 32 * 2 ** 20
/**
 * A few for each core: while one guest computes, others that have just halted keep theirs, since most tools return soon
 * and waking a heap costs milliseconds. On a small machine no more than a tenth of its memory.
 */
const SEATS: number = Math.max(
  2,
  Math.min(4 * availableParallelism(), Math.floor(memory() / 10 / THREAD_BYTES)),
)

/** Bytes that this process may use. */
function memory(): number {
  return Math.min(process.constrainedMemory() || Infinity, totalmem())
}

/** Whoever has a thread. */
export interface Sitter {
  /** Somebody waits: give the thread back as soon as the guest has halted. */
  leave(): void
}

export class Seats {
  readonly #most: number
  readonly #start: () => Thread
  #given = 0
  #spare: Thread | undefined
  readonly #queue: {
    readonly resolve: (thread: Thread) => void
    readonly reject: (error: unknown) => void
  }[] = []
  /** In the order in which they became idle. */
  readonly #idle = new Set<Sitter>()
  /** How many were asked to leave and have not left yet. */
  readonly #leaving = new Set<Sitter>()

  constructor(most: number = SEATS, start: () => Thread = () => new Thread()) {
    this.#most = most
    this.#start = start
  }

  /** Starts a thread that the next guest takes: it warms while something else is read. It holds nothing up. */
  warm(): void {
    if (this.#given >= this.#most) return
    try {
      this.#spare ??= this.#start()
    } catch {
      // The guest that needs one will tell.
    }
  }

  /** A thread, in turn (Q1). @throws what the system says where it gives no more: the seat stays free. */
  async take(): Promise<Thread> {
    if (this.#given < this.#most) return this.#next()
    return new Promise((resolve, reject) => {
      this.#queue.push({ resolve, reject })
      this.#clear()
    })
  }

  /** `sitter` has a thread and does not use it (Q2). */
  idle(sitter: Sitter): void {
    this.#idle.add(sitter)
    this.#clear()
  }

  busy(sitter: Sitter): void {
    this.#idle.delete(sitter)
  }

  /** Takes a thread back; a lost one is replaced when somebody needs it (Q3). */
  give(sitter: Sitter, thread: Thread): void {
    this.#idle.delete(sitter)
    this.#leaving.delete(sitter)
    this.#given--
    if (thread.lost === undefined && this.#spare === undefined) this.#spare = thread
    else void thread.terminate()
    while (this.#given < this.#most) {
      const next = this.#queue.shift()
      if (next === undefined) return
      try {
        next.resolve(this.#next())
      } catch (error) {
        next.reject(error)
      }
    }
  }

  #next(): Thread {
    const spare = this.#spare
    this.#spare = undefined
    const thread = spare === undefined || spare.lost !== undefined ? this.#start() : spare
    this.#given++
    return thread
  }

  /** Asks as many of the idle to leave as wait (Q2). */
  #clear(): void {
    for (const sitter of this.#idle) {
      if (this.#leaving.size >= this.#queue.length) return
      this.#idle.delete(sitter)
      this.#leaving.add(sitter)
      sitter.leave()
    }
  }
}

/** Those of this process. */
export const seats: Seats = new Seats()
