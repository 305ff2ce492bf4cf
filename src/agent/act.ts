/**
 * The guest's player: feeds journaled deliveries to the sandbox, one at a time, and says what came of each.
 *
 * A1  The heap is a function of the journal: what is fed, in which order, and nothing else.
 * A2  A result that arrives between steps is kept and delivered at the next step's start, before its program runs.
 * A3  A killed step never happened to the heap: it goes back to the step's start. Results that it had heard are not
 *     told again: code that goes on with one may make calls, and would make them twice. The model is told.
 * A4  On replay a call that the journal knows is compared (tool and digest), never requested again. A difference is
 *     told (`diverged`), never guessed over.
 */
import type { Clock } from '../base/clock.ts'
import { decode, encode } from '../base/codec.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { CallId, GuestCall, Halt, Outcome } from '../base/halt.ts'
import { digestOf } from '../base/id.ts'
import { parseJson } from '../base/json.ts'
import type { CallOutcome, Entry, Stored } from '../journal/entry.ts'
import { stepOf } from '../journal/view.ts'
import type { Moment, Opening, Program, Sandbox, Snapshot } from '../sandbox/sandbox.ts'
import type { Happening, HeapPlace, PreparedCall } from './happening.ts'
import type { GivenVariables } from './large.ts'
import { WAITS, type SnapshotPolicy } from './snapshot-policy.ts'

export interface Surroundings {
  /** Those that a fresh guest begins with. */
  readonly tools: readonly string[]
  readonly post: (happening: Happening) => void
  /** Validates a new call at the door. */
  prepare(call: GuestCall, sent: string): Promise<PreparedCall>
  /** What the code gets for a journaled outcome. */
  deliver(outcome: CallOutcome): Promise<Outcome>
  /** What the code gets of values that were given with a task. */
  give(args: Stored): Promise<GivenVariables>
  readonly clock: Clock
  readonly isWorthSnapshot: SnapshotPolicy
}

export class Guest implements AsyncDisposable {
  readonly #sandbox: Sandbox
  readonly #around: Surroundings
  #queue: Promise<void> = Promise.resolve()
  #waiting = 0
  #place: HeapPlace = { position: 0 }
  #dead = false
  #closed = false
  /** The heap at the open step's start (A3). */
  #stepStart: HeapPlace | undefined
  /** Results that wait for the next step (A2). */
  #held: Entry<'call-returned'>[] = []
  /** What the journal says the replayed code asks for (A4). */
  readonly #expected = new Map<CallId, Entry<'call-requested'>>()
  readonly #killed = new Set<number>()
  /** Steps whose end the journal knows. */
  readonly #ended = new Set<number>()
  /** Where the run became one of its own: the first delivery after it brings the new seed. */
  #fork: Entry<'run-forked'> | undefined
  /** The killed step that replay is passing over (A3). */
  #passing: number | undefined
  #deliveries = 0
  #computing = 0
  #idle = new AbortController()
  /** What the last snapshot cost, in ms. */
  #price = 0

  constructor(sandbox: Sandbox, around: Surroundings) {
    this.#sandbox = sandbox
    this.#around = around
  }

  /** True if nothing is queued or under way, and the driver has heard of every halt. */
  get idle(): boolean {
    return this.#waiting === 0
  }

  /** The driver has dealt with a halt (or a pass). */
  handled(): void {
    this.#waiting--
  }

  /**
   * Opens the heap. `past` are the journal's entries after its position: they are delivered again, in order, and what
   * they led to is compared.
   */
  open(opening: Opening, place: HeapPlace, stepStart: HeapPlace | undefined, past: readonly Entry[]): void {
    this.#place = place
    this.#stepStart = stepStart
    for (const entry of past) {
      if (entry.kind === 'step-killed') this.#killed.add(entry.step)
      if (entry.kind === 'step-ended') this.#ended.add(entry.step)
    }
    for (const entry of past) {
      if (entry.kind !== 'call-requested' || this.#killed.has(stepOf(entry.call))) continue
      if (isLater(entry.call, place.lastCall)) this.#expected.set(entry.call, entry)
    }
    const [begun] = past
    const tools = begun?.kind === 'run-started' ? begun.tools.map(({ name }) => name) : this.#around.tools
    this.#enqueue(async () => this.#sandbox.open(opening, opening.from === 'seed' ? tools : undefined))
    for (const entry of past) this.feed(entry, true)
    this.#enqueue(async () => {
      const [owed] = this.#expected.values()
      if (owed === undefined || this.#dead) return
      this.#differs(
        `The replayed code no longer asks for ${owed.tool} (call ${owed.call}), as the journal says it did.`,
      )
    })
  }

  /** Hands an entry over, if it is one that the guest hears of. */
  feed(entry: Entry, past = false): void {
    if (entry.kind === 'step-started') this.#enqueue(async () => this.#start(entry))
    else if (entry.kind === 'call-returned') this.#enqueue(async () => this.#settle(entry))
    else if (entry.kind === 'tools-changed') this.#enqueue(async () => this.#grant(entry))
    else if (entry.kind === 'step-interrupted') this.#enqueue(async () => this.#interrupt(entry))
    else if (entry.kind === 'step-killed')
      this.#enqueue(async () => (past ? this.#passed(entry) : this.#undo(entry)))
    else if (entry.kind === 'run-forked')
      this.#enqueue(async () => {
        this.#fork = entry
      })
  }

  /** The heap as it stands, packed; undefined where there is none to keep. Waits for what is queued. */
  async checkpoint(): Promise<Checkpointed | undefined> {
    let taken: Promise<Checkpointed> | undefined
    this.#enqueue(async () => {
      taken = (await this.#take())?.packed
    })
    await this.#queue
    return taken
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#idle.abort()
    await this.#sandbox[Symbol.asyncDispose]()
  }

  /** `quiet`: work that leads nowhere, of which the driver need not hear. */
  #enqueue(work: () => Promise<void>, quiet = false): void {
    if (!quiet) this.#waiting++
    this.#queue = this.#queue.then(async () => {
      try {
        if (!this.#closed) await work()
      } catch (error) {
        if (!this.#closed) this.#around.post({ kind: 'broke', error })
      }
      if (!quiet) this.#around.post({ kind: 'passed' })
    })
  }

  async #start(entry: Entry<'step-started'>): Promise<void> {
    if (entry.program === undefined || this.#dead) return
    if (this.#killed.has(entry.step)) {
      this.#passing = entry.step
      this.#held = []
      return
    }
    await this.#sandbox.mark(this.#place.position)
    this.#stepStart = this.#place
    const held = this.#held
    this.#held = []
    const calls: GuestCall[] = []
    let moment: Moment = { step: entry.step, ...this.#moment(entry) }
    for (const result of held) {
      const halt = await this.#sandbox.settle(result.call, await this.#around.deliver(result.outcome), moment)
      if (halt.kind === 'killed') return this.#halted(entry.step, entry.seq, halt, calls)
      calls.push(...halt.calls)
      moment = { clock: entry.at, step: entry.step }
    }
    // The journal's chain vouches for a program that we compiled and wrote.
    const { lastOutput, args, ...compiled } = parseJson(
      entry.program,
      `The program of step ${entry.step}`,
    ) as unknown as StoredProgram
    const given = args === undefined ? compiled : { ...compiled, ...(await this.#around.give(args)) }
    const last = lastOutput === undefined ? {} : await this.#withLast(lastOutput, given)
    const program: Program = { ...given, ...last, source: entry.source }
    faultPoint('delivery-unmade')
    const halt = await this.#timed(async () => this.#sandbox.run(entry.step, program, moment))
    await this.#halted(entry.step, entry.seq, halt, calls)
  }

  /** The output of the task before is a variable like the task's arguments, which may be named like it. */
  async #withLast(
    lastOutput: Stored,
    { variables, large = {} }: Program,
  ): Promise<Pick<Program, 'variables' | 'large'>> {
    const given = await this.#around.deliver({ ok: true, value: lastOutput })
    if (!given.ok) return {}
    if ('large' in given) return { large: { lastOutput: given.large, ...large } }
    if ('lastOutput' in large) return {}
    const args = variables === undefined ? {} : (decode(variables) as object)
    return { variables: encode({ lastOutput: decode(given.value), ...args }) }
  }

  async #settle(entry: Entry<'call-returned'>): Promise<void> {
    if (this.#killed.has(stepOf(entry.call)) || this.#dead || this.#passing !== undefined) return
    const { step } = this.#place
    if (step === undefined) {
      this.#held.push(entry)
      return
    }
    const outcome = await this.#around.deliver(entry.outcome)
    faultPoint('delivery-unmade')
    const halt = await this.#timed(async () => this.#sandbox.settle(entry.call, outcome, this.#moment(entry)))
    await this.#halted(step, entry.seq, halt, [])
  }

  async #grant({ tools }: Entry<'tools-changed'>): Promise<void> {
    if (!this.#dead) await this.#sandbox.grant(tools.map(({ name }) => name))
  }

  /** The program may have come to its end while the word was on its way. */
  async #interrupt(entry: Entry<'step-interrupted'>): Promise<void> {
    if (this.#killed.has(entry.step) || this.#dead || this.#place.step !== entry.step) return
    faultPoint('delivery-unmade')
    const halt = await this.#timed(async () => this.#sandbox.interrupt(this.#moment(entry)))
    await this.#halted(entry.step, entry.seq, halt, [])
  }

  async #halted(step: number, position: number, halt: Halt, before: readonly GuestCall[]): Promise<void> {
    this.#deliveries++
    faultPoint('delivery-made')
    if (halt.kind === 'killed') {
      this.#dead = true
      // The journal knows how a closed step ended: not like this.
      if (this.#ended.has(step))
        return this.#differs(`The replayed code of step ${step} was cut: ${halt.message}`)
      this.#expected.clear()
    }
    const made = halt.kind === 'killed' ? [] : [...before, ...halt.calls]
    const lastCall = made.at(-1)?.id ?? this.#place.lastCall
    this.#place = {
      position,
      ...(halt.kind === 'ended' ? {} : { step }),
      ...(lastCall === undefined ? {} : { lastCall }),
    }
    const calls: PreparedCall[] = []
    for (const call of made) {
      const sent = digestOf(call.input)
      const known = this.#expected.get(call.id)
      if (known === undefined) calls.push(await this.#around.prepare(call, sent))
      else if (known.sent === sent && known.tool === call.name) this.#expected.delete(call.id)
      else return this.#diverged(known, call)
    }
    this.#around.post({ kind: 'guest-halted', position, step, calls, halt })
    if (this.#dead || this.#expected.size > 0) return
    if (this.#isDue(0)) await this.#snapshot()
    else this.#askWhenIdle()
  }

  /** A delivery, whose computing counts. */
  async #timed(deliver: () => Promise<Halt>): Promise<Halt> {
    const now = (): number => this.#sandbox.computed ?? this.#around.clock.now()
    const began = now()
    const halt = await deliver()
    this.#computing += now() - began
    return halt
  }

  #moment(entry: Entry): Moment {
    const clock = entry.at
    const fork = this.#fork
    return fork !== undefined && this.#place.position < fork.seq ? { clock, seed: fork.seed } : { clock }
  }

  #isDue(waited: number): boolean {
    const [deliveries, computing, price] = [this.#deliveries, this.#computing, this.#price]
    return deliveries > 0 && this.#around.isWorthSnapshot({ deliveries, computing, waited, price })
  }

  #askWhenIdle(): void {
    this.#idle.abort()
    this.#idle = new AbortController()
    const onDue = (): void => {
      if (this.idle && this.#isDue(WAITS)) this.#enqueue(async () => this.#snapshot(), true)
    }
    this.#around.clock.after(WAITS, onDue, this.#idle.signal, false)
  }

  #diverged(known: Entry<'call-requested'>, call: GuestCall): void {
    this.#differs(
      `The replayed code asks for ${call.name} (call ${call.id}) with other arguments than the journal says: ${known.tool}.`,
    )
  }

  #differs(message: string): void {
    this.#dead = true
    this.#expected.clear()
    this.#around.post({ kind: 'diverged', message })
  }

  #passed(entry: Entry<'step-killed'>): void {
    if (this.#passing === entry.step) this.#passing = undefined
  }

  /** A3. */
  async #undo(entry: Entry<'step-killed'>): Promise<void> {
    faultPoint('step-unkilled')
    this.#killed.add(entry.step)
    this.#held = []
    const start = this.#stepStart
    if (start === undefined) throw new TypeError(`Step ${entry.step} has no start to go back to`)
    await this.#sandbox.back()
    this.#place = start
    this.#dead = false
    faultPoint('step-undone')
    await this.#snapshot()
  }

  /** Takes the heap now and packs it beside the work that goes on. */
  async #snapshot(): Promise<void> {
    const began = this.#around.clock.now()
    const taking = await this.#take()
    taking?.packed.then(
      (taken) => {
        const price = this.#around.clock.now() - began
        // A link is cheap, a new base is not: what the next one is, nobody knows.
        this.#price = this.#price === 0 ? price : (this.#price + price) / 2
        this.#around.post(taken)
      },
      (error: unknown) => this.#around.post({ kind: 'broke', error }),
    )
  }

  async #take(): Promise<{ readonly packed: Promise<Checkpointed> } | undefined> {
    if (this.#dead || this.#place.position === 0) return undefined
    this.#deliveries = 0
    this.#computing = 0
    const place = this.#place
    const start = place.step === undefined ? undefined : this.#stepStart
    const { packed } = await this.#sandbox.snapshot(place.position, start !== undefined)
    faultPoint('snapshot-taken')
    const told = ({ links, start: count }: Snapshot): Checkpointed => {
      faultPoint('snapshot-packed')
      const begun = start === undefined || count === undefined ? {} : { start: { ...start, links: count } }
      return { kind: 'checkpointed', links, place: { ...place, ...begun } }
    }
    return { packed: packed.then(told) }
  }
}

/** A program as it is journaled: see `run/program.ts`. */
interface StoredProgram extends Program {
  readonly args?: Stored
  readonly lastOutput?: Stored
}

type Checkpointed = Extract<Happening, { kind: 'checkpointed' }>

/** Calls are numbered within their step, and steps go on. */
function isLater(call: CallId, than: CallId | undefined): boolean {
  if (than === undefined) return true
  const [step, ordinal] = [stepOf(call), Number(call.slice(call.indexOf('.') + 1))]
  const [lastStep, lastOrdinal] = [stepOf(than), Number(than.slice(than.indexOf('.') + 1))]
  return step > lastStep || (step === lastStep && ordinal > lastOrdinal)
}
