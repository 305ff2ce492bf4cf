/**
 * All that surrounds a driver: the guest with its heap, the story for the model, the author's functions, the spans.
 * The driver says what to begin; what comes of it is posted.
 */
import type { Guest } from '../agent/act.ts'
import { prepareCall, probeCall, sendCall, type CallRoom } from '../agent/call.ts'
import { combinationOf } from '../agent/combination.ts'
import { windowFor } from '../agent/context.ts'
import type { Definition } from '../agent/definition.ts'
import type { Happening } from '../agent/happening.ts'
import { judgeCall, judgeCode, type JudgeRoom } from '../agent/judge.ts'
import { LargeValues } from '../agent/large.ts'
import { idempotencyKey } from '../agent/derived-ids.ts'
import { subjectOf, type Effect } from '../agent/next.ts'
import { RESULT_SIZE } from '../agent/outcome.ts'
import { runCallback, runCheck, type ReviewRoom } from '../agent/review.ts'
import type { WatchedStep } from '../agent/memory.ts'
import { think } from '../agent/think.ts'
import type { CarrierOf } from '../agent/thrown.ts'
import { decode } from '../base/codec.ts'
import type { Clock } from '../base/clock.ts'
import { faultPoint } from '../base/fault-point.ts'
import { referenceMark } from '../base/id.ts'
import type { CallbackKind, Entry } from '../journal/entry.ts'
import type { OpenCall, State } from '../journal/shape.ts'
import type { RuleRow, Store } from '../journal/store.ts'
import { heard } from '../journal/story.ts'
import { stepOf } from '../journal/view.ts'
import { whenReplayCosts } from '../agent/snapshot-policy.ts'
import { compile } from '../sandbox/compile.ts'
import type { Guests } from '../sandbox/guests.ts'
import { captureCarrier, outsideTrace } from '../telemetry/trace.ts'
import type { Children } from './children.ts'
import { deltasOf, type Drive, type Live } from './driving.ts'
import { openGuest, type OpenGuest } from './heap.ts'
import type { RunLog } from './log.ts'
import { programOf } from './program.ts'
import type { Recovered } from './recover.ts'
import { RunSpans } from './spans.ts'
import { stepCheck, type StepCheck } from './step-check.ts'
import { Teller } from './teller.ts'

interface Surroundings {
  readonly store: Store
  readonly definition: Definition
  readonly recovered: Recovered
  readonly clock: Clock
  readonly guests: Guests
  readonly log: RunLog
  readonly live: Live
  readonly drive: Drive
  /** Directly before an effect (D5). @throws {LeaseLostError} */
  readonly mustHold: () => void
  readonly post: (happening: Happening) => void
  readonly children: Children
}

/** Opens the room, the guest with it. */
export async function openRoom(around: Surroundings): Promise<Room> {
  const { recovered, definition, store, log } = around
  const large = new LargeValues(recovered.state.run.options.memory, async (stored) => log.text(stored))
  const teller = new Teller(store, log)
  const mark = markOf(recovered.state)
  // Its thread outlives the run.
  const opened = await outsideTrace(async () =>
    openGuest({
      store,
      recovered,
      guests: around.guests,
      log,
      around: {
        tools: recovered.state.run.tools.map(({ name }) => name),
        post: around.post,
        prepare: async (call, sent) =>
          prepareCall(call, sent, {
            ...definition,
            mark,
            large,
            isRuled: async (tool) => (await rulesFor(around)).some(({ rule }) => rule.tool === tool),
            chapters: async () => teller.chapters(),
          }),
        deliver: async (outcome) => large.deliver(outcome),
        give: async (args) => large.give(args),
        clock: around.clock,
        isWorthSnapshot: definition.isWorthSnapshot ?? whenReplayCosts,
      },
    }),
  )
  return new Room(around, opened, { teller, mark })
}

export class Room implements AsyncDisposable {
  readonly guest: Guest
  readonly heap: OpenGuest['heap']
  readonly #around: Surroundings
  readonly #spans: RunSpans
  readonly #teller: Teller
  /** Of the run's references to secrets: it never changes. */
  readonly #mark: string
  readonly #check: StepCheck | undefined
  /** The carrier of what the author gave with a pause. */
  readonly #carrierOf: CarrierOf

  constructor(
    around: Surroundings,
    opened: OpenGuest,
    { teller, mark }: { readonly teller: Teller; readonly mark: string },
  ) {
    this.guest = opened.guest
    this.heap = opened.heap
    this.#around = around
    this.#teller = teller
    this.#mark = mark
    this.#check = stepCheck(around.definition, (stored) => around.log.textNow(stored))
    const { definition, recovered, clock, drive, store } = around
    this.#carrierOf = (given) =>
      given === undefined ? {} : captureCarrier(given, definition.telemetry.baggage)
    this.#spans = new RunSpans({ definition, recovered, clock, drive, heap: opened.heap, now: store.now() })
  }

  /** The traceparent of this segment's span. */
  get span(): string {
    return this.#spans.span
  }

  /** That this segment has begun is durable. */
  begun(): void {
    this.#spans.begun()
  }

  /** Hears of every entry as it is recorded: what the guest and the story need of it. */
  feed(entry: Entry): void {
    this.guest.feed(entry)
    this.#teller.feed(entry)
    this.#spans.feed(entry)
  }

  /** Starts an effect; its end is posted. Never throws. */
  begin(effect: Exclude<Effect, { do: 'wake' | 'grace' }>, abortSignal: AbortSignal): void {
    faultPoint('effect-unsent', subjectOf(effect))
    this.#run(effect, abortSignal).then(
      (happening) => {
        faultPoint('effect-settled', subjectOf(effect))
        this.#around.post(happening)
      },
      (error: unknown) => {
        this.#around.post(abortSignal.aborted ? { kind: 'gone', key: effect.key } : { kind: 'broke', error })
      },
    )
  }

  ended(state: State): void {
    this.#spans.rested(state)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#spans.cut()
    await this.guest[Symbol.asyncDispose]()
  }

  async #run(
    effect: Exclude<Effect, { do: 'wake' | 'grace' }>,
    abortSignal: AbortSignal,
  ): Promise<Happening> {
    this.#around.mustHold()
    switch (effect.do) {
      case 'think':
        return this.#think(effect, abortSignal)
      case 'call':
        return this.#send(effect.call, effect.key, abortSignal)
      case 'judge': {
        const { call, key } = effect
        const { log } = this.#around
        const combination = combinationOf(log.state, call.tool)
        const input = await log.text(call.input)
        return this.#beside(stepOf(call.id), async () =>
          judgeCall(call, input, key, combination, this.#judgeRoom()),
        )
      }
      case 'judge-code':
        return this.#beside(effect.phase.step, async () =>
          judgeCode(effect.phase, effect.key, this.#judgeRoom()),
        )
      case 'probe': {
        const { call } = effect
        const input = await this.#around.log.text(call.input)
        const room = this.#callRoom(call)
        return this.#beside(stepOf(call.id), async () =>
          probeCall(call, input, effect.key, abortSignal, room),
        )
      }
      case 'callback':
        return this.#beside(effect.step, async () =>
          runCallback(effect, this.#isBegunAgain(effect) ? 2 : 1, this.#reviewRoom()),
        )
      case 'check': {
        const answer = await this.#around.log.text(effect.answer.value)
        const { stepCount } = this.#around.log.state
        return this.#beside(stepCount, async () => runCheck(effect, answer, this.#reviewRoom()))
      }
      default:
        return effect satisfies never
    }
  }

  async #think(effect: Extract<Effect, { do: 'think' }>, abortSignal: AbortSignal): Promise<Happening> {
    const { definition, log, live } = this.#around
    const deltas = deltasOf(live, definition.secrets)
    const chapters = heard(await this.#teller.chapters(), log.state.unheard)
    const system = await log.text(log.state.run.system)
    this.#check?.prepare(chapters)
    return this.#spans.chat(effect, async (watch) =>
      this.#held(async () =>
        think(effect.phase, effect.key, {
          secrets: definition.secrets,
          model: definition.model,
          system,
          run: log.state.run,
          clock: this.#around.clock,
          tools: definition.tools,
          compiles: (source) => compile(effect.phase.step, source, [...definition.tools.keys()]).ok,
          templates: definition.templates,
          chapters,
          window: windowFor(log.state, definition.window),
          stepsLeft: log.state.task.maxSteps - log.state.task.turns,
          text: (stored) => log.textNow(stored),
          abortSignal,
          carrier: this.#carrierOf,
          compile: async (step, source) => {
            const compiled = compile(step, source, [...definition.tools.keys()])
            if (!compiled.ok) return compiled
            const error = await this.#check?.check(step, source, chapters)
            if (error !== undefined) return { ok: false, error }
            return { ok: true, program: programOf(log.state, compiled.program) }
          },
          onDelta: (delta) => deltas.hear(delta),
          price: definition.price,
          codeApproval: definition.codeApproval,
          watch,
        }).finally(() => deltas.end()),
      ),
    )
  }

  async #send(call: OpenCall, key: string, abortSignal: AbortSignal): Promise<Happening> {
    const { log } = this.#around
    const input = await log.text(call.input)
    const state = call.answered?.state === undefined ? undefined : await log.text(call.answered.state)
    return this.#spans.call(call, input, async (carrier) =>
      this.#held(async () =>
        call.child === true
          ? this.#around.children.send(call, input, key, { abortSignal, carrier })
          : sendCall(call, input, state, key, abortSignal, this.#callRoom(call)),
      ),
    )
  }

  /** What an author's function says beside the calls of a step. */
  async #beside(step: number, work: () => Promise<Happening>): Promise<Happening> {
    const { secrets } = this.#around.definition
    return this.#spans.beside(step, async () => secrets.clean(await work()))
  }

  /** What the effect needs has been read: it begins only where the lease still holds. */
  async #held(work: () => Promise<Happening>): Promise<Happening> {
    this.#around.mustHold()
    const { secrets } = this.#around.definition
    try {
      return secrets.clean(await work())
    } catch (error) {
      throw secrets.error(error)
    }
  }

  /** The driver before may have begun this callback: it was the next one, and nothing had paused the run. */
  #isBegunAgain(effect: Extract<Effect, { do: 'callback' }>): boolean {
    const { phase, pause, stepCount } = this.#around.recovered.state
    if (pause !== undefined || (phase.at !== 'reviewing' && phase.at !== 'closing')) return false
    const [of, step] =
      phase.at === 'closing' ? ['finalAnswer', stepCount] : [phase.of ?? 'action', phase.step]
    const { callbacksRan = 0 } = phase
    return of === effect.of && step === effect.step && callbacksRan === effect.index
  }

  #reviewRoom(): ReviewRoom {
    return {
      definition: this.#around.definition,
      carrier: this.#carrierOf,
      watched: async (of, step) => this.#watched(of, step),
      memory: async () => this.#teller.memory(),
      mustHold: () => this.#around.mustHold(),
      log: (line) => this.#around.live.logged('', line),
    }
  }

  async #watched(of: CallbackKind, step: number): Promise<WatchedStep | undefined> {
    if (of === 'action') return this.#teller.action(step)
    if (of === 'planning') return this.#teller.plan()
    const { phase } = this.#around.log.state
    if (phase.at !== 'closing') return undefined
    const { value, reason } = phase.output
    return Object.freeze({ kind: 'finalAnswer', output: decode(await this.#around.log.text(value)), reason })
  }

  #judgeRoom(): JudgeRoom {
    const { context, tools, codeApproval } = this.#around.definition
    return { context, tools, codeApproval, rules: async () => rulesFor(this.#around) }
  }

  #callRoom(call: OpenCall): CallRoom {
    const { definition, log, store, live } = this.#around
    return {
      runId: log.state.runId,
      context: definition.context,
      tools: definition.tools,
      secrets: definition.secrets,
      mark: this.#mark,
      resultSize: log.state.run.options.resultSize ?? RESULT_SIZE,
      key: (sent) => idempotencyKey(log.state, sent),
      carrier: this.#carrierOf,
      now: () => store.now(),
      clock: this.#around.clock,
      log: (line) => live.logged(call.id, line),
      progress: (value) => live.progressed(call.id, value),
    }
  }
}

/** What people have decided for calls to come. */
async function rulesFor({ store, definition, log }: Surroundings): Promise<readonly RuleRow[]> {
  const { name } = definition
  return store.rules({ agent: name, rootRunId: log.rootRunId })
}

function markOf({ run, firstSeed }: State): string {
  return referenceMark(firstSeed ?? run.seed)
}
