/**
 * The sandbox on a thread: the host's side.
 *
 * T1  One request at a time, in the order of the calls.
 * T2  The worker measures the guest's computing and cuts it (soft). A guest that cannot be interrupted is terminated
 *     from here a grace later (hard). Either way the halt is `killed`, and only `open` and `back` are allowed then.
 * T3  A worker that waits for nothing does not keep the process alive.
 * T4  A guest that has halted may be put to sleep: what has changed is fetched, and its thread is given back. The next
 *     request wakes it, on whatever thread: the same heap, byte for byte. Nobody can tell, but by the time it takes.
 */
import type { CallId, Halt, Outcome } from '../base/halt.ts'
import { UsageError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { Chain } from './chain.ts'
import { openDelta } from './delta.ts'
import { engineDigest } from './parts.ts'
import { positionsOf } from './positions.ts'
import type { Request, Settled } from './protocol.ts'
import type {
  Heap,
  HeldVariable,
  Moment,
  Opening,
  Program,
  Sandbox,
  SandboxLimits,
  Snapshot,
} from './sandbox.ts'
import { seats, type Seats, type Sitter } from './seats.ts'
import type { Answer, Thread } from './thread.ts'

/** How long after its deadline a guest may ignore the interrupt before its thread is terminated, in ms. */
const GRACE = 500
/** How long opening may take, in ms. It runs no code of the model; this is against a broken engine only. */
const OPENING = 30_000
/** A guest that was asked for nothing for so long sleeps, in ms: its memory is worth more than what waking costs. */
const DROWSY = 5_000

/** A sandbox for which a worker starts warming at once, so that it is ready when the journal has been read. */
export function createSandbox(limits: SandboxLimits, room: Seats = seats): Sandbox {
  room.warm()
  return new ThreadSandbox(limits, room)
}

/**
 * What the variables of a stored heap hold. Nothing of its code runs: getters and proxies are named, not asked.
 * @throws {UsageError} it could not be opened, or took longer than `limits.stepTimeout`.
 */
export async function readHeap(
  heap: Heap,
  limits: SandboxLimits,
  room: Seats = seats,
): Promise<readonly HeldVariable[]> {
  await using sandbox = new ThreadSandbox(limits, room)
  await sandbox.open({ from: 'heap', heap })
  return await sandbox.held()
}

/** Starts a worker that the next sandbox takes: it warms while something else is read. It holds nothing up. */
export function warmWorker(): void {
  seats.warm()
}

class ThreadSandbox implements Sandbox, Sitter {
  readonly #limits: SandboxLimits
  readonly #seats: Seats
  /** Undefined: those that the heap has. */
  #tools: readonly string[] | undefined
  #chain = new Chain(engineDigest())
  /** There is a guest that can be asked, on the thread or asleep (T4). */
  #alive = false
  /** Nothing was delivered since the last look: the chain is all of the heap. */
  #isSeen = false
  #thread: Thread | undefined
  #tail: Promise<unknown> = Promise.resolve()
  #asked = 0
  #computed = 0
  #drowsy: NodeJS.Timeout | undefined
  #closed = false

  constructor(limits: SandboxLimits, room: Seats) {
    this.#limits = limits
    this.#seats = room
  }

  get computed(): number {
    return this.#computed
  }

  open(opening: Opening, tools?: readonly string[]): Promise<void> {
    return this.#next(async () => {
      this.#alive = false
      this.#isSeen = false
      this.#tools = tools
      const limits = this.#limits
      if (opening.from === 'seed') {
        this.#chain = new Chain(engineDigest())
        const { seed, clock } = opening
        await this.#begin({ op: 'create', limits, seed, clock, tools: tools ?? [] })
      } else {
        this.#chain = Chain.of(engineDigest(), opening.heap, opening.start)
        await this.#begin({ op: 'restore', limits, delta: opening.heap.delta, ...granted(tools) })
      }
    })
  }

  run(step: number, program: Program, moment: Moment): Promise<Halt> {
    const { file, declarations, body, hasValue, variables, large, forget } = program
    const given = {
      ...(variables === undefined ? {} : { variables }),
      ...(large === undefined ? {} : { large: JSON.stringify(large) }),
      ...(forget === undefined ? {} : { forget }),
    }
    const text = { file, declarations, body, hasValue, positions: positionsOf(program), ...given }
    return this.#deliver({ op: 'run', program: text, ...moment, step })
  }

  settle(call: CallId, outcome: Outcome, moment: Moment): Promise<Halt> {
    return this.#deliver({ op: 'settle', call, ...settlement(outcome), ...moment })
  }

  grant(tools: readonly string[]): Promise<void> {
    return this.#next(async () => {
      this.#mustLive()
      this.#tools = tools
      const thread = await this.#awake()
      this.#isSeen = false
      const answer = await this.#ask(thread, { op: 'grant', tools }, OPENING)
      if (answer.kind !== 'done') throw new UsageError(`The tools could not be granted: ${told(answer)}.`)
    })
  }

  interrupt(moment: Moment): Promise<Halt> {
    return this.#deliver({ op: 'interrupt', ...moment })
  }

  mark(position: number): Promise<void> {
    return this.#next(async () => {
      this.#mustLive()
      await this.#look()
      this.#chain.mark(position)
    })
  }

  back(): Promise<void> {
    return this.#next(async () => {
      this.#chain.back()
      this.#alive = true
      // The tools may be others than at the mark.
      this.#isSeen = false
      await this.#wake(await this.#sit())
    })
  }

  snapshot(position: number, marked: boolean): Promise<{ readonly packed: Promise<Snapshot> }> {
    return this.#next(async () => {
      this.#mustLive()
      await this.#look()
      return this.#chain.link(position, marked)
    })
  }

  /** What the variables hold. The guest is gone then: to look is to change the heap. */
  held(): Promise<readonly HeldVariable[]> {
    return this.#next(async () => {
      this.#mustLive()
      const thread = await this.#awake()
      this.#alive = false
      const answer = await this.#ask(thread, { op: 'held' }, this.#limits.stepTimeout + GRACE)
      if (answer.kind !== 'held') throw new UsageError(`The variables could not be read: ${told(answer)}.`)
      return parseJson(answer.variables, 'What the guest holds') as unknown as readonly HeldVariable[]
    })
  }

  /** T4. */
  leave(): void {
    void this.#next(async () => this.#sleep()).catch(() => {})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#alive = false
    clearTimeout(this.#drowsy)
    if (this.#thread?.isAsked === true) await this.#thread.terminate()
    this.#give()
  }

  async #deliver(request: Request): Promise<Halt> {
    return this.#next(async () => {
      this.#mustLive()
      const thread = await this.#awake()
      this.#isSeen = false
      const began = performance.now()
      const answer = await this.#ask(thread, request, this.#limits.stepTimeout + GRACE)
      this.#computed += performance.now() - began
      if (answer.kind === 'halt') {
        const halt = parseJson(answer.halt, 'The halt of the guest') as unknown as Halt
        if (halt.kind === 'killed') this.#alive = false
        return halt.kind !== 'ended' || answer.heap === undefined ? halt : { ...halt, heap: answer.heap }
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
    this.#asked++
    clearTimeout(this.#drowsy)
    this.#seats.busy(this)
    const turn = this.#tail.then(act).finally(() => this.#done())
    this.#tail = turn.catch(() => {})
    return turn
  }

  #done(): void {
    this.#asked--
    if (this.#asked > 0 || this.#thread === undefined) return
    this.#drowsy = setTimeout(() => this.leave(), DROWSY)
    this.#drowsy.unref()
    this.#seats.idle(this)
  }

  /** Begins a guest. */
  async #begin(request: Request): Promise<void> {
    const answer = await this.#ask(await this.#sit(), request, OPENING)
    if (answer.kind !== 'done') throw new UsageError(`The sandbox could not be opened: ${told(answer)}.`)
    this.#alive = true
  }

  /** The thread on which the guest is; it wakes if it sleeps, or if its thread ended while it had nothing to do. */
  async #awake(): Promise<Thread> {
    if (this.#thread !== undefined && (this.#thread.lost === undefined || !this.#isSeen)) return this.#thread
    const thread = await this.#sit()
    await this.#wake(thread)
    return thread
  }

  /** T4: the guest goes on where the last look found it. */
  async #wake(thread: Thread): Promise<void> {
    const whole = await this.#chain.whole()
    if (whole === undefined) throw new TypeError('A heap that was never looked at cannot go on.')
    const delta = whole.bytes
    const answer = await this.#ask(
      thread,
      { op: 'restore', limits: this.#limits, delta, ...granted(this.#tools) },
      OPENING,
    )
    if (answer.kind === 'done') return
    this.#alive = false
    throw new UsageError(`The sandbox could not be opened: ${told(answer)}.`)
  }

  /** The chain learns what has changed since the last look. */
  async #look(): Promise<void> {
    if (this.#isSeen) return
    const answer = await this.#ask(await this.#awake(), { op: 'image' }, OPENING)
    if (answer.kind !== 'image') throw new UsageError(`No image could be taken: ${told(answer)}.`)
    this.#chain.looked(openDelta(answer.delta))
    this.#isSeen = true
  }

  /** T4. A dead guest has nothing to fetch. */
  async #sleep(): Promise<void> {
    if (this.#thread === undefined) return
    try {
      if (this.#alive) await this.#look()
    } finally {
      this.#give()
    }
  }

  /** The thread that this guest has, or the next that is free. */
  async #sit(): Promise<Thread> {
    if (this.#thread !== undefined && this.#thread.lost === undefined) return this.#thread
    this.#give()
    const thread = await this.#seats.take()
    this.#thread = thread
    if (!this.#closed) return thread
    this.#give()
    throw new UsageError('This sandbox was disposed.')
  }

  #give(): void {
    const thread = this.#thread
    this.#thread = undefined
    if (thread === undefined) return
    thread.drop()
    this.#seats.give(this, thread)
  }

  /** Sends one request and waits for its answer, its loss, or `within` ms (T2). */
  async #ask(thread: Thread, request: Request, within: number): Promise<Answer> {
    const answer = await thread.ask(request, within)
    if (answer.kind !== 'lost') return answer
    await thread.terminate()
    if (this.#thread === thread) this.#give()
    return answer
  }
}

function granted(tools: readonly string[] | undefined): { readonly tools?: readonly string[] } {
  return tools === undefined ? {} : { tools }
}

function settlement(outcome: Outcome): { readonly as: Settled; readonly payload: string } {
  if (!outcome.ok) {
    const { name, message } = outcome.error
    return { as: 'error', payload: JSON.stringify({ name, message }) }
  }
  return 'large' in outcome
    ? { as: 'large', payload: JSON.stringify(outcome.large) }
    : { as: 'value', payload: outcome.value }
}

function told(answer: Answer): string {
  return answer.kind === 'failed'
    ? answer.message
    : answer.kind === 'lost'
      ? 'its thread was lost'
      : 'it said something else'
}
