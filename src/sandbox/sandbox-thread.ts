/**
 * The sandbox on a thread of its own: the host's side.
 *
 * T1  One request at a time, in the order of the calls.
 * T2  The worker measures the guest's computing and cuts it (soft). A guest that cannot be interrupted is terminated
 *     from here a grace later (hard). Either way the halt is `killed`, and only `open` is allowed then.
 * T3  A worker that waits for nothing does not keep the process alive.
 */
import { Worker } from 'node:worker_threads'
import type { CallId, Halt, Outcome } from '../base/halt.ts'
import { UsageError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { positionsOf } from './positions.ts'
import type { Reply, Request } from './protocol.ts'
import type { Image, Moment, Opening, Program, Sandbox, SandboxLimits } from './sandbox.ts'

/** How long after its deadline a guest may ignore the interrupt before its thread is terminated, in ms. */
const GRACE = 500
/** How long opening may take, in ms. It runs no code of the model; this is against a broken engine only. */
const OPENING = 30_000

/** A sandbox whose worker starts warming at once, so that it is ready when the journal has been read. */
export function createSandbox(limits: SandboxLimits): Sandbox {
  return new ThreadSandbox(limits)
}

let spare: Thread | undefined

/** Starts a worker that the next sandbox takes: it warms while something else is read. It holds nothing up. */
export function warmWorker(): void {
  try {
    spare ??= new Thread()
  } catch {
    // The sandbox that needs one will tell.
  }
}

function takeThread(): Thread {
  const thread = spare
  spare = undefined
  return thread === undefined || thread.lost !== undefined ? new Thread() : thread
}

type Lost = { readonly kind: 'lost'; readonly why: 'late' | 'memory' | 'crash' }
type Answer = Reply | Lost

class ThreadSandbox implements Sandbox {
  readonly #limits: SandboxLimits
  #thread: Thread | undefined
  #tail: Promise<unknown> = Promise.resolve()
  #alive = false
  #closed = false

  constructor(limits: SandboxLimits) {
    this.#limits = limits
    warmWorker()
    this.#thread = spare
    spare = undefined
  }

  open(opening: Opening, tools: readonly string[]): Promise<void> {
    return this.#next(async () => {
      this.#alive = false
      const request: Request =
        opening.from === 'seed'
          ? { op: 'create', limits: this.#limits, seed: opening.seed, clock: opening.clock, tools }
          : { op: 'restore', limits: this.#limits, image: opening.image.bytes, tools }
      const answer = await this.#ask(request, OPENING)
      if (answer.kind !== 'done') throw new UsageError(`The sandbox could not be opened: ${told(answer)}.`)
      this.#alive = true
    })
  }

  run(step: number, program: Program, moment: Moment): Promise<Halt> {
    const { file, declarations, body, hasValue, variables, forget } = program
    const given = {
      ...(variables === undefined ? {} : { variables }),
      ...(forget === undefined ? {} : { forget }),
    }
    const text = { file, declarations, body, hasValue, positions: positionsOf(program), ...given }
    return this.#deliver({ op: 'run', program: text, ...moment, step })
  }

  settle(call: CallId, outcome: Outcome, moment: Moment): Promise<Halt> {
    const payload = outcome.ok
      ? outcome.value
      : JSON.stringify({ name: outcome.error.name, message: outcome.error.message })
    return this.#deliver({ op: 'settle', call, ok: outcome.ok, payload, ...moment })
  }

  image(): Promise<Image> {
    return this.#next(async () => {
      this.#mustLive()
      const answer = await this.#ask({ op: 'image' }, OPENING)
      if (answer.kind !== 'image') throw new UsageError(`No image could be taken: ${told(answer)}.`)
      return { bytes: answer.image }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#alive = false
    const thread = this.#thread
    this.#thread = undefined
    await thread?.terminate()
  }

  #deliver(request: Request): Promise<Halt> {
    return this.#next(async () => {
      this.#mustLive()
      const answer = await this.#ask(request, this.#limits.stepTimeout + GRACE)
      if (answer.kind === 'halt') {
        const halt = parseJson(answer.halt, 'The halt of the guest') as unknown as Halt
        if (halt.kind === 'killed') this.#alive = false
        return halt
      }
      this.#alive = false
      return this.#killed(answer)
    })
  }

  #killed(answer: Answer): Halt {
    if (answer.kind !== 'lost') return { kind: 'killed', reason: 'trap', message: told(answer) }
    switch (answer.why) {
      case 'late': {
        const message = `The code computed for more than ${this.#limits.stepTimeout} ms without waiting.`
        return { kind: 'killed', reason: 'timeout', message }
      }
      case 'memory':
        return { kind: 'killed', reason: 'memory', message: 'The step ran out of memory.' }
      case 'crash':
        return { kind: 'killed', reason: 'trap', message: 'The step brought the engine down.' }
      default:
        return answer.why satisfies never
    }
  }

  #mustLive(): void {
    if (!this.#alive) throw new UsageError('No guest is open: call open() first.')
  }

  /** T1. A request that fails does not stop the next. */
  #next<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(act)
    this.#tail = turn.catch(() => {})
    return turn
  }

  /** Sends one request and waits for its answer, its loss, or `within` ms (T2). */
  async #ask(request: Request, within: number): Promise<Answer> {
    if (this.#closed) throw new UsageError('This sandbox was disposed.')
    // A worker that ended while nobody asked it anything is replaced.
    if (this.#thread === undefined || this.#thread.lost !== undefined) this.#thread = takeThread()
    const thread = this.#thread
    const answer = await thread.ask(request, within)
    if (answer.kind === 'lost') {
      if (this.#thread === thread) this.#thread = undefined
      await thread.terminate()
    }
    return answer
  }
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  /** By the clock of `performance`. */
  readonly deadline: number
}

/**
 * A worker with one listener for each event, and one timer for all requests: it is set anew only when it has fired,
 * or would fire too late.
 */
class Thread {
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

  /** One request at a time (T1). While it waits the worker keeps the process alive (T3). */
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

function told(answer: Answer): string {
  return answer.kind === 'failed'
    ? answer.message
    : answer.kind === 'lost'
      ? 'its thread was lost'
      : 'it said something else'
}
