/**
 * A worker thread, as the host sees it: one request at a time, and an answer, or its loss, for each.
 *
 * It has one listener for each event, and one timer for all requests, which is set anew only when it has fired or would
 * fire too late. While nobody asks it anything it holds no process alive.
 */
import { Worker } from 'node:worker_threads'
import type { Reply, Request } from './protocol.ts'

export type Lost = { readonly kind: 'lost'; readonly why: 'late' | 'memory' | 'crash' }
export type Answer = Reply | Lost

interface Waiting {
  readonly resolve: (answer: Answer) => void
  /** By the clock of `performance`. */
  readonly deadline: number
}

export class Thread {
  readonly #worker: Worker
  #waiting: Waiting | undefined
  #timer: NodeJS.Timeout | undefined
  #fires = Infinity
  #lost: Lost | undefined

  constructor() {
    this.#worker = new Worker(new URL(`./worker${import.meta.url.slice(-3)}`, import.meta.url), {
      resourceLimits: { stackSizeMb: 8, maxOldGenerationSizeMb: 128 },
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
    })
    this.#worker
      .on('message', (reply: Reply) => this.#finish(reply))
      .on('error', (error: Error & { readonly code?: string }) =>
        this.#lose(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crash'),
      )
      .on('exit', () => this.#lose('crash'))
      .unref()
  }

  get lost(): Lost | undefined {
    return this.#lost
  }

  /** Somebody waits for its answer. */
  get isAsked(): boolean {
    return this.#waiting !== undefined
  }

  /** One request at a time. While it waits the worker keeps the process alive. */
  ask(request: Request, within: number): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.#lost !== undefined) {
        resolve(this.#lost)
        return
      }
      const deadline = performance.now() + within
      this.#waiting = { resolve, deadline }
      if (this.#fires > deadline) this.#wake(deadline)
      this.#worker.ref()
      this.#worker.postMessage(request)
    })
  }

  /** The guest is not needed any more. */
  drop(): void {
    if (this.#lost === undefined) this.#worker.postMessage({ op: 'drop' } satisfies Request)
  }

  async terminate(): Promise<void> {
    this.#lose('crash')
    await this.#worker.terminate()
  }

  #wake(at: number): void {
    clearTimeout(this.#timer)
    this.#fires = at
    this.#timer = setTimeout(() => this.#check(), at - performance.now())
    this.#timer.unref()
  }

  #check(): void {
    this.#fires = Infinity
    const waiting = this.#waiting
    if (waiting === undefined) return
    if (performance.now() < waiting.deadline) {
      this.#wake(waiting.deadline)
      return
    }
    // An answer that is already there wins over the clock: a busy host thread must not kill a good guest.
    setImmediate(() => {
      if (this.#waiting === waiting) this.#lose('late')
    })
  }

  #lose(why: Lost['why']): void {
    this.#lost ??= { kind: 'lost', why }
    clearTimeout(this.#timer)
    this.#finish(this.#lost)
  }

  #finish(answer: Answer): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    this.#worker.unref()
    waiting.resolve(answer)
  }
}
