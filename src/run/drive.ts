/**
 * READ 4th. The driver: one mailbox, one writer, under one lease.
 *
 * D1  Each happening is recorded as facts and folded; only then is it asked what the state calls for.
 * D2  Nothing long is awaited in the loop: effects run beside it and come back through the mailbox.
 * D3  No effect that reaches the world starts before its cause is durable.
 * D4  Start, resume and recovery are one path: fold, drive. Pause, crash and rest are one path: stop driving.
 * D5  No effect starts where the lease may be somebody else's: a process that was stopped and goes on does nothing.
 */
import { isDiverged } from '../agent/asking.ts'
import type { ChildAtRest } from '../agent/at-hand.ts'
import type { CheckedAnswer, Desk } from '../agent/desk.ts'
import { factsOf } from '../agent/facts.ts'
import type { Definition } from '../agent/definition.ts'
import type { Happening } from '../agent/happening.ts'
import { decide, next, subjectOf, type Effect, type Setup } from '../agent/next.ts'
import { poisonFacts } from '../agent/poison-facts.ts'
import { resumeFacts } from '../agent/signal-facts.ts'
import { encode } from '../base/codec.ts'
import type { CallId } from '../base/halt.ts'
import { faultPoint } from '../base/fault-point.ts'
import { digestOf } from '../base/id.ts'
import type { Entry, Fact } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { threadGuests } from '../sandbox/guests.ts'
import { stowed } from './begin.ts'
import { Children } from './children.ts'
import { Cut, withoutSecrets, type Drive, type Live, type Rest } from './driving.ts'
import { Flights } from './flights.ts'
import { LateResults } from './late.ts'
import { claimant, keepLease, releaseLease, type KeptLease, type TakenLease } from './lease.ts'
import { RunLog } from './log.ts'
import { schemasOf } from './question-row.ts'
import { Mailbox } from './mailbox.ts'
import { FamilyPurse } from './purse.ts'
import { recover } from './recover.ts'
import { openRoom, type Room } from './room.ts'
import { onGround, outsideTrace } from '../telemetry/trace.ts'
import { groundOf } from './segment-start.ts'
import { pauseBelow, readSignals } from './signal.ts'

/** A timer due sooner than this is worth waiting for in the process, in ms; for a later one the run rests. */
const STAY = 1_000
/** How long facts that nothing waits for may gather before they are committed, in ms. */
const GATHER = 10
/** A hint may never come: so often, in ms, signals are looked for without one. */
const HEAL = 5_000

/**
 * Drives the run until it rests.
 * @throws {LeaseLostError} another process took the run over. @throws whatever the store throws: nothing further was acknowledged.
 */
export async function drive(given: Drive): Promise<Rest> {
  const driver = new Driver(given)
  try {
    // Whoever asked may be long gone: what the run does is not theirs any more.
    return await onGround(groundOf(given.recovered.state, given), async () => driver.run())
  } finally {
    await driver.end()
  }
}

class Driver {
  readonly #given: Drive
  readonly #live: Live
  readonly #log: RunLog
  readonly #mailbox = new Mailbox<Happening>()
  readonly #setup: Setup
  readonly #flights: Flights
  readonly #purse: FamilyPurse
  readonly #late: LateResults
  readonly #over = new AbortController()
  #room: Room | undefined
  #children: Children | undefined
  /** Somebody wants the run to go on, and all that it called with it. */
  #isResumed: boolean
  /** When nothing was waiting to be committed, last: what gathers since then has an age. */
  #cleanAt = 0
  /** What the journal knows has been replayed and compared: only then is anything new begun. */
  #ready = false
  #signalsHinted = true
  /** What the guest printed, until the entry that it follows is durable. */
  readonly #printed: { readonly after: number; readonly text: string }[] = []
  /** Signals that are recorded; the store lists them until that is committed. */
  readonly #read = new Set<string>()
  /** A result that must not be lost to the next crash has been recorded: commit at once. */
  #precious = false

  constructor(given: Drive) {
    this.#given = given
    this.#live = withoutSecrets(given.live, given.definition.secrets)
    this.#isResumed = given.parent?.isResumed ?? given.why === 'resume'
    const { store, lease, recovered, definition } = given
    this.#log = new RunLog({
      store,
      lease,
      state: recovered.state,
      chain: recovered.chain,
      seal: recovered.seal,
      schemas: schemasOf(definition),
      secrets: definition.secrets,
    })
    const { parent } = given
    this.#purse = new FamilyPurse(() => this.#log.state, definition.price, parent?.purse)
    parent?.purse.count(parent.call, () => this.#purse.spent)
    this.#flights = new Flights(() => this.#children?.atRest ?? NOBODY)
    this.#late = new LateResults(store, this.#log)
    this.#setup = {
      callbacks: namesOf(definition.callbacks),
      checks: [
        ...(definition.checkOutput === undefined ? [] : ['outputSchema']),
        ...definition.checks.map((check) => check.name),
      ],
      price: definition.price,
      window: definition.window,
      probes: new Set(
        [...definition.tools.values()].filter((tool) => tool.probe !== undefined).map((tool) => tool.name),
      ),
    }
  }

  async run(): Promise<Rest> {
    const { store, lease, clock, definition, recovered, abortSignal } = this.#given
    const live = this.#live
    this.#log.onCommitted((entries) => {
      for (const entry of entries) {
        live.committed(entry)
        if (entry.kind === 'segment-started') this.#room?.begun()
        this.#tellPrinted(entry.seq)
      }
    })
    const kept = outsideTrace(() => {
      store.watch(() => this.#hint(), this.#over.signal)
      this.#healLater()
      return this.#keep()
    })
    const cause = this.#given.parent === undefined ? 'requested' : 'parent'
    const onAbort = (): void =>
      this.#mailbox.post({ kind: 'pause-asked', cause, message: pauseReason(abortSignal) })
    if (abortSignal?.aborted === true) onAbort()
    abortSignal?.addEventListener('abort', onAbort, { once: true, signal: this.#over.signal })

    this.#record(poisonFacts(recovered.state, lease.deaths))
    const decided = isDiverged(recovered.state) ? await this.#readSignals() : []
    // What a person decided, and that the run is put aside, is durable before its guest is opened.
    await this.#log.flush()
    const isAside = isDiverged(this.#log.state)
    if (isAside)
      await pauseBelow(
        store,
        lease,
        recovered.state.runId,
        'The run of the agent that called it is put aside',
      )
    if (isAside || (isDiverged(recovered.state) && this.#log.state.ended !== undefined))
      return { state: this.#log.state, inFlight: [] }
    const children = new Children({
      drive: this.#given,
      kept,
      purse: this.#purse,
      state: () => this.#log.state,
      isResumed: () => this.#isResumed,
      hint: () => this.#hint(),
      driveBelow: drive,
    })
    this.#children = children
    if (definition.managed.size > 0) await children.stopStrays()
    const room = await openRoom({
      store,
      definition,
      recovered: decided.length === 0 ? recovered : await recover(store, recovered.state.runId),
      clock,
      guests: this.#given.guests ?? threadGuests,
      log: this.#log,
      live,
      mustHold: () => kept.check(),
      children,
      post: (happening) => this.#post(happening),
      drive: this.#given,
    })
    this.#room = room
    faultPoint('guest-opened')
    this.#record([
      {
        kind: 'segment-started',
        holder: claimant.holder,
        why: this.#given.why,
        heap: room.heap,
        span: room.span,
        ...quarantineOf(lease),
      },
      ...this.#given.first.map((fact) => stowed(fact, (text) => this.#log.stow(text))),
    ])
    // What was said before this segment was asked for is older than the wish to go on; what came later is not.
    await this.#readSignals(this.#given.askedAt)
    this.#signalsHinted = true
    const { pause } = this.#log.state
    if (this.#given.why === 'resume' && pause !== undefined && pause.cause !== 'waiting')
      this.#record(resumeFacts(this.#log.state, 'it was resumed'))
    this.#mailbox.post({ kind: 'woke', key: '' })

    for (;;) {
      await this.#mailbox.filled(clock, this.#log.dirty ? GATHER : undefined)
      if (!this.#log.dirty) this.#cleanAt = clock.now()
      const happenings = this.#mailbox.drain()
      for (const happening of happenings) await this.#hear(happening)
      if (this.#signalsHinted) {
        await this.#readSignals()
        await this.#children?.look()
      }
      this.#ready ||= room.heap === 'fresh' || room.guest.idle
      if (this.#ready) this.#decide()
      await this.#act(clock.now() - this.#cleanAt >= GATHER)
      if (this.#atRest()) return this.#rest(room)
    }
  }

  #hint(): void {
    this.#signalsHinted = true
    this.#mailbox.post({ kind: 'hinted' })
  }

  #healLater(): void {
    const heal = (): void => {
      this.#hint()
      this.#healLater()
    }
    this.#given.clock.after(HEAL, heal, this.#over.signal, false)
  }

  /** Gives everything back; the run stays as its last commit left it. */
  async end(): Promise<void> {
    this.#over.abort()
    this.#late.tellUnwritten()
    this.#flights.abort()
    await this.#children?.[Symbol.asyncDispose]()
    await this.#room?.[Symbol.asyncDispose]()
    if (this.#given.parent === undefined) await releaseLease(this.#given.store, this.#given.lease)
  }

  /** The family's lease: the root's driver keeps it. */
  #keep(): KeptLease {
    const { store, lease, clock, parent } = this.#given
    const broken = (error: unknown): void => this.#mailbox.post({ kind: 'broke', error })
    if (parent === undefined) return keepLease(store, lease, clock, this.#over.signal, broken)
    const { stop, cut, kept } = parent
    const over = { once: true, signal: this.#over.signal }
    const onStop = (): void => this.#mailbox.post({ kind: 'stop-asked', message: 'Its parent has ended' })
    const onCut = (): void => broken(new Cut())
    stop.addEventListener('abort', onStop, over)
    cut.addEventListener('abort', onCut, over)
    if (stop.aborted) onStop()
    if (cut.aborted) onCut()
    return kept
  }

  /** What comes when nobody drives any more is evidence, where it could still matter. */
  #post(happening: Happening): void {
    if (!this.#over.signal.aborted) this.#mailbox.post(happening)
    else if (happening.kind === 'call-settled') this.#late.tell(happening)
  }

  #record(facts: readonly Fact[]): readonly Entry[] {
    const entries = this.#log.record(facts)
    for (const entry of entries) this.#room?.feed(entry)
    return entries
  }

  async #hear(happening: Happening): Promise<void> {
    switch (happening.kind) {
      case 'broke':
        throw happening.error
      case 'passed':
        this.#room?.guest.handled()
        return
      case 'hinted':
        return
      case 'checkpointed':
        this.#log.keep(happening)
        return
      case 'grace-over':
        this.#flights.endGrace(this.#log.state)
        return
      case 'woke': {
        // An answer that was accepted in time stands, however late it is read.
        const { now } = this.#desk()
        await this.#readSignals()
        this.#flights.ended(happening.key)
        this.#record(factsOf(this.#log.state, happening, { ...this.#desk(), now }))
        return
      }
      default:
        if ('key' in happening) this.#flights.ended(happening.key)
        // An author's function may have edited the memory: the model hears of it.
        if (AUTHORS.has(happening.kind)) this.#signalsHinted = true
        if (happening.kind === 'call-settled') {
          this.#precious ||= !isReadAgain(this.#log.state, happening.call)
          this.#late.hear(happening)
        }
        this.#record(factsOf(this.#log.state, happening, this.#desk()))
        if (happening.kind === 'guest-halted' && happening.halt.kind !== 'killed') {
          this.#printed.push({ after: happening.position, text: happening.halt.printed })
          this.#tellPrinted(this.#log.durableSeq)
        }
    }
  }

  /** What was printed stands in the feed after the delivery that led to it, and nothing that is not durable stands there. */
  #tellPrinted(durable: number): void {
    for (let next = this.#printed[0]; next !== undefined && next.after <= durable; next = this.#printed[0]) {
      this.#printed.shift()
      if (next.text !== '') this.#live.printed(next.text)
    }
  }

  /** Turns signals into facts; those from before a moment, if one is given. */
  async #readSignals(before: number = Infinity): Promise<readonly Entry[]> {
    this.#signalsHinted = false
    const { store, definition } = this.#given
    const { rows, checked } = await readSignals(store, this.#log.state, definition, before)
    const fresh = rows.filter((row) => !this.#read.has(row.key))
    if (fresh.length === 0) return []
    for (const { key } of fresh) this.#read.add(key)
    this.#log.consume(fresh.map((row) => row.key))
    const entries = this.#record(
      factsOf(this.#log.state, { kind: 'signalled', rows: fresh }, this.#desk(checked)),
    )
    faultPoint('signals-read')
    const isResumed = fresh.some(({ signal }) => signal.kind === 'resume')
    if (isResumed && entries.some((entry) => entry.kind === 'run-resumed')) this.#isResumed = true
    return entries
  }

  #desk(checked?: ReadonlyMap<string, CheckedAnswer>): Desk {
    return {
      now: this.#given.store.now(),
      stow: (text) => this.#log.stow(text),
      encode,
      digest: digestOf,
      checked: (question) => checked?.get(question),
    }
  }

  /** D1: what follows from the state alone. */
  #decide(): void {
    for (;;) {
      const facts = decide(this.#log.state, this.#setup, {
        now: this.#given.store.now(),
        guestIdle: this.#room?.guest.idle ?? true,
        graceOver: this.#flights.graceOver,
        stay: this.#given.wait === true ? Infinity : STAY,
        hasAgents: this.#flights.hasAgents(),
        atRest: this.#children?.atRest ?? NOBODY,
        left: this.#purse.left,
      })
      if (facts.length === 0) return
      this.#record(facts)
    }
  }

  /** Starts what has to be under way (D3) and commits what has gathered. */
  async #act(gathered: boolean): Promise<void> {
    const { state } = this.#log
    const wanted = this.#ready ? next(state, this.#setup, this.#given.store.now()) : []
    const missing = wanted.filter((effect) => !this.#flights.has(effect.key))
    if (this.#ready && !wanted.some((effect) => effect.do === 'grace')) this.#flights.dropGrace()
    for (const effect of missing) {
      faultPoint('intent-unwritten', subjectOf(effect))
      if (!effect.durable) this.#start(effect)
    }
    const durable = missing.filter((effect) => effect.durable)
    const urgent =
      this.#precious ||
      durable.length > 0 ||
      gathered ||
      state.pause !== undefined ||
      state.ended !== undefined ||
      Object.keys(state.questions).length > 0
    if (urgent && this.#log.dirty) await this.#log.flush()
    this.#precious = false
    for (const effect of durable) this.#start(effect)
    this.#flights.tend(state)
    if (state.ended?.status === 'failed' || (state.pause !== undefined && state.pause.cause !== 'waiting'))
      this.#children?.pause()
  }

  #start(effect: Effect): void {
    const stop = this.#flights.begin(effect)
    const { clock, store } = this.#given
    switch (effect.do) {
      case 'wake':
        clock.after(
          effect.due - store.now(),
          () => {
            faultPoint('timer-fired')
            this.#mailbox.post({ kind: 'woke', key: effect.key })
          },
          AbortSignal.any([stop, this.#over.signal]),
        )
        return
      case 'grace':
        clock.after(
          this.#log.state.run.options.pauseGrace,
          () => this.#mailbox.post({ kind: 'grace-over', key: effect.key }),
          AbortSignal.any([stop, this.#over.signal]),
        )
        return
      default:
        this.#room?.begin(effect, stop)
    }
  }

  /** Nothing is under way that the run would wait for. */
  #atRest(): boolean {
    const { state } = this.#log
    if (state.ended === undefined && state.pause === undefined) return false
    if (!this.#flights.isQuiet(state)) return false
    if (this.#flights.graceOver) return true
    const quiet = state.ended?.status === 'stopped' || (this.#room?.guest.idle ?? true)
    return quiet && this.#mailbox.empty
  }

  /** Nobody comes back to those that the run leaves behind, at work or at rest. */
  async #endChildren(): Promise<void> {
    const status = this.#log.state.ended?.status
    if (this.#given.definition.managed.size === 0 || (status !== 'completed' && status !== 'stopped')) return
    await this.#children?.[Symbol.asyncDispose]()
    await this.#children?.stopStrays()
  }

  async #rest(room: Room): Promise<Rest> {
    const inFlight = this.#flights.calls()
    const checkpoint =
      this.#flights.graceOver || this.#log.state.ended?.status === 'stopped'
        ? undefined
        : await room.guest.checkpoint()
    if (checkpoint !== undefined) this.#log.keep(checkpoint)
    faultPoint('run-unrested')
    await this.#log.flush()
    await this.#endChildren()
    room.ended(this.#log.state)
    return { state: this.#log.state, inFlight, ...(room.heap === 'fresh' ? {} : { resumedFrom: room.heap }) }
  }
}

const AUTHORS: ReadonlySet<Happening['kind']> = new Set<Happening['kind']>([
  'callback-returned',
  'checked',
  'interrupted',
])

function namesOf({ action, planning, finalAnswer }: Definition['callbacks']): Setup['callbacks'] {
  const names = (list: typeof action): readonly string[] => list.map(({ name }) => name)
  return { action: names(action), planning: names(planning), finalAnswer: names(finalAnswer) }
}

const NOBODY: ReadonlyMap<CallId, ChildAtRest> = new Map()

/** A lease that ran out may be that of a process that only stood still: it may be about to send what it had begun. */
function quarantineOf({ before }: TakenLease): { readonly quarantine?: number } {
  return before === undefined || before.dead ? {} : { quarantine: before.until }
}

/** A call that may be sent again loses nothing but time when its result is lost. */
function isReadAgain(state: State, id: string): boolean {
  const effect = state.calls[id]?.effect
  return effect === 'read' || effect === 'idempotent'
}

function pauseReason(abortSignal: AbortSignal | undefined): string {
  const reason: unknown = abortSignal?.reason
  if (typeof reason === 'string') return reason
  return reason instanceof Error && reason.name !== 'AbortError'
    ? reason.message
    : 'Paused by its abort signal'
}
