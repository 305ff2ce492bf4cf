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
import { engineParts } from './parts.ts'
import { positionsOf } from './positions.ts'
import type { Reply, Request, WorkerStart } from './protocol.ts'
import type { Image, Moment, Opening, Program, Sandbox, SandboxLimits } from './sandbox.ts'

/** How long after its deadline a guest may ignore the interrupt before its thread is terminated, in ms. */
const GRACE = 500
/** How long opening may take, in ms. It runs no code of the model; this is against a broken engine only. */
const OPENING = 30_000

/** A sandbox whose worker starts warming at once, so that it is ready when the journal has been read. */
export function createSandbox(limits: SandboxLimits): Sandbox {
  return new ThreadSandbox(limits)
}

let spare: Promise<Worker> | undefined

/** Starts a worker that the next sandbox takes: it warms while something else is read. It holds nothing up. */
export function warmWorker(): void {
  spare ??= startWorker()
  spare.catch(() => {})
}

function takeWorker(): Promise<Worker> {
  const worker = spare ?? startWorker()
  spare = undefined
  return worker
}

async function startWorker(): Promise<Worker> {
  const start: WorkerStart = { parts: await engineParts() }
  const worker = new Worker(new URL(`./worker${import.meta.url.slice(-3)}`, import.meta.url), {
    workerData: start,
    resourceLimits: { stackSizeMb: 8, maxOldGenerationSizeMb: 128 },
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  })
  worker.unref()
  worker.on('error', () => {})
  return worker
}

type Answer = Reply | { readonly kind: 'lost'; readonly why: 'late' | 'memory' | 'crash' }

class ThreadSandbox implements Sandbox {
  readonly #limits: SandboxLimits
  #worker: Promise<Worker> | undefined
  #tail: Promise<unknown> = Promise.resolve()
  #alive = false
  #closed = false

  constructor(limits: SandboxLimits) {
    this.#limits = limits
    this.#begin().catch(() => {})
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
    return this.#deliver({ op: 'run', step, program: text, clock: moment.clock })
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
    const worker = await this.#worker?.catch(() => undefined)
    this.#worker = undefined
    await worker?.terminate()
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

  /** A worker that ends while nobody asks it anything is replaced at the next request. */
  #begin(): Promise<Worker> {
    const started = takeWorker()
    const forget = (): void => {
      if (this.#worker === started) this.#worker = undefined
    }
    this.#worker = started
    started.then((worker) => worker.once('exit', forget), forget)
    return started
  }

  /** Sends one request and waits for its answer, its loss, or `within` ms (T2). */
  async #ask(request: Request, within: number): Promise<Answer> {
    if (this.#closed) throw new UsageError('This sandbox was disposed.')
    const worker = await (this.#worker ?? this.#begin())
    const answer = await exchange(worker, request, within)
    if (answer.kind === 'lost') {
      this.#worker = undefined
      await worker.terminate()
    }
    return answer
  }
}

function exchange(worker: Worker, request: Request, within: number): Promise<Answer> {
  return new Promise((resolve) => {
    let pending: NodeJS.Immediate | undefined
    // An answer that is already there wins over the clock: a busy host thread must not kill a good guest.
    const timer = setTimeout(
      () => (pending = setImmediate(() => finish({ kind: 'lost', why: 'late' }))),
      within,
    )
    const onMessage = (reply: Reply): void => finish(reply)
    const onError = (error: Error & { readonly code?: string }): void =>
      finish({ kind: 'lost', why: error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crash' })
    const onExit = (): void => finish({ kind: 'lost', why: 'crash' })
    function finish(answer: Answer): void {
      clearTimeout(timer)
      clearImmediate(pending)
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      worker.unref()
      resolve(answer)
    }
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
    worker.ref()
    worker.postMessage(request)
  })
}

function told(answer: Answer): string {
  return answer.kind === 'failed'
    ? answer.message
    : answer.kind === 'lost'
      ? 'its thread was lost'
      : 'it said something else'
}
