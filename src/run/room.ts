/**
 * All that surrounds a driver: the guest with its heap, the story for the model, the author's functions, the spans.
 * The driver says what to begin; what comes of it is posted.
 */
import type { Guest } from '../agent/act.ts'
import { judgeCall, prepareCall, probeCall, sendCall, type CallRoom } from '../agent/call.ts'
import { windowFor } from '../agent/context.ts'
import type { Definition } from '../agent/definition.ts'
import type { Happening } from '../agent/happening.ts'
import { LargeValues } from '../agent/large.ts'
import { idempotencyKey, subjectOf, type Effect } from '../agent/next.ts'
import { runCallback, runCheck, type ReviewRoom } from '../agent/review.ts'
import type { WatchedStep } from '../agent/memory.ts'
import { think } from '../agent/think.ts'
import { decode } from '../base/codec.ts'
import type { Clock } from '../base/clock.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { CallbackKind, Entry } from '../journal/entry.ts'
import type { OpenCall, State } from '../journal/shape.ts'
import type { Store } from '../journal/store.ts'
import { heard } from '../journal/story.ts'
import { whenReplayCosts } from '../agent/snapshot-policy.ts'
import { compile } from '../sandbox/compile.ts'
import type { Guests } from '../sandbox/guests.ts'
import { INPUT_TOKENS, OUTPUT_TOKENS, PAUSE_CAUSE, SEGMENT, STATUS } from '../telemetry/names.ts'
import {
  CHAT,
  EXECUTE_TOOL,
  captureCarrier,
  chatAttributes,
  parseTraceparent,
  startSegment,
  toolAttributes,
  type Carrier,
  type Segment,
  type SpanAttributes,
} from '../telemetry/trace.ts'
import type { Children } from './children.ts'
import type { Live } from './driving.ts'
import { openGuest, type OpenGuest } from './heap.ts'
import type { RunLog } from './log.ts'
import { programOf } from './program.ts'
import type { Recovered } from './recover.ts'
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
  readonly otelContext?: unknown
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
  const opened = await openGuest({
    store,
    recovered,
    guests: around.guests,
    log,
    around: {
      tools: recovered.state.run.tools.map(({ name }) => name),
      post: around.post,
      prepare: async (call, sent) =>
        prepareCall(call, sent, { ...definition, large, chapters: async () => teller.chapters() }),
      deliver: async (outcome) => large.deliver(outcome),
      give: async (args) => large.give(args),
      clock: around.clock,
      isWorthSnapshot: definition.isWorthSnapshot ?? whenReplayCosts,
    },
  })
  return new Room(around, opened, teller)
}

export class Room implements AsyncDisposable {
  readonly guest: Guest
  readonly heap: OpenGuest['heap']
  readonly #around: Surroundings
  readonly #segment: Segment
  readonly #teller: Teller
  readonly #check: StepCheck | undefined

  constructor(around: Surroundings, opened: OpenGuest, teller: Teller) {
    this.guest = opened.guest
    this.heap = opened.heap
    this.#around = around
    this.#teller = teller
    this.#check = stepCheck(around.definition, (stored) => around.log.textNow(stored))
    const { state } = around.recovered
    const { traceparent, tracestate } = state.run
    this.#segment = startSegment({
      name: state.run.agent,
      runId: state.runId,
      attributes: { [SEGMENT]: state.segments + 1 },
      carrier: { traceparent, ...(tracestate === undefined ? {} : { tracestate }) },
      ...(state.span === undefined ? {} : { resumedFrom: { traceparent: state.span } }),
      ...callerOf(traceparent),
      ...(around.otelContext === undefined ? {} : { override: around.otelContext }),
    })
  }

  /** The traceparent of this segment's span. */
  get span(): string {
    return this.#segment.traceparent
  }

  /** Hears of every entry as it is recorded: what the guest and the story need of it. */
  feed(entry: Entry): void {
    this.guest.feed(entry)
    this.#teller.feed(entry)
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
    this.#segment.end({
      [STATUS]: state.ended?.status ?? 'paused',
      [PAUSE_CAUSE]: state.pause?.cause,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#segment.end({ [STATUS]: 'cut' })
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
      case 'judge':
        return judgeCall(
          effect.call,
          await this.#around.log.text(effect.call.input),
          effect.key,
          this.#callRoom(effect.call),
        )
      case 'probe': {
        const { call } = effect
        return probeCall(
          call,
          await this.#around.log.text(call.input),
          effect.key,
          abortSignal,
          this.#callRoom(call),
        )
      }
      case 'callback':
        return runCallback(effect, this.#isBegunAgain(effect) ? 2 : 1, this.#reviewRoom())
      case 'check':
        return runCheck(effect, await this.#around.log.text(effect.answer.value), this.#reviewRoom())
      default:
        return effect satisfies never
    }
  }

  async #think(effect: Extract<Effect, { do: 'think' }>, abortSignal: AbortSignal): Promise<Happening> {
    const { definition, log, live } = this.#around
    const chapters = heard(await this.#teller.chapters(), log.state.unheard)
    const system = await log.text(log.state.run.system)
    this.#check?.prepare(chapters)
    return this.#within(
      'client',
      `${CHAT} ${definition.modelName}`,
      chatAttributes(definition.modelName, effect.phase.step, effect.phase.attempt),
      async () =>
        think(effect.phase, effect.key, {
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
          carrier: carrierOf,
          compile: async (step, source) => {
            const compiled = compile(step, source, [...definition.tools.keys()])
            if (!compiled.ok) return compiled
            const error = await this.#check?.check(step, source, chapters)
            if (error !== undefined) return { ok: false, error }
            return { ok: true, program: programOf(log.state, compiled.program) }
          },
          onDelta: (delta) => live.delta(delta),
          price: definition.price,
        }),
    )
  }

  async #send(call: OpenCall, key: string, abortSignal: AbortSignal): Promise<Happening> {
    const { log } = this.#around
    const input = await log.text(call.input)
    const state = call.answered?.state === undefined ? undefined : await log.text(call.answered.state)
    return this.#within(
      'internal',
      `${EXECUTE_TOOL} ${call.tool}`,
      toolAttributes(call.tool, call.id, call.attempt),
      async () =>
        call.child === true
          ? this.#around.children.send(call, input, key, abortSignal)
          : sendCall(call, input, state, key, abortSignal, this.#callRoom(call)),
    )
  }

  async #within(
    kind: 'client' | 'internal',
    name: string,
    attributes: SpanAttributes,
    work: () => Promise<Happening>,
  ): Promise<Happening> {
    const span = this.#segment.child(name, kind, attributes)
    try {
      const happening = await this.#segment.within(span, async () => {
        // Again: what the effect needs has been read since.
        this.#around.mustHold()
        return work()
      })
      const failed =
        happening.kind === 'model-broke'
          ? happening.error
          : happening.kind === 'call-settled' && !happening.outcome.ok
            ? happening.outcome.error
            : undefined
      const usage = happening.kind === 'model-answered' ? happening.reply.usage : undefined
      span.end({
        ...(failed === undefined ? {} : { error: failed }),
        attributes: { [INPUT_TOKENS]: usage?.inputTokens, [OUTPUT_TOKENS]: usage?.outputTokens },
      })
      return happening
    } catch (error) {
      span.end({ error })
      throw error
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
      carrier: carrierOf,
      watched: async (of, step) => this.#watched(of, step),
      memory: async () => this.#teller.memory(),
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

  #callRoom(call: OpenCall): CallRoom {
    const { definition, log, store, live } = this.#around
    return {
      runId: log.state.runId,
      context: definition.context,
      tools: definition.tools,
      key: (sent) => idempotencyKey(log.state, sent),
      carrier: carrierOf,
      now: () => store.now(),
      clock: this.#around.clock,
      log: (line) => live.logged(call.id, line),
      progress: (value) => live.progressed(call.id, value),
    }
  }
}

/** The request that woke the run, if it is traced in another trace. */
function callerOf(traceparent: string): { readonly resumedBy?: Carrier } {
  const caller = captureCarrier()
  const same = parseTraceparent(caller.traceparent)?.traceId === parseTraceparent(traceparent)?.traceId
  return caller.traceparent === undefined || same ? {} : { resumedBy: caller }
}

/** The carrier of what is active now, or of what the author gave with a pause. */
function carrierOf(given?: unknown): { readonly traceparent?: string; readonly tracestate?: string } {
  return given === undefined ? {} : captureCarrier(given)
}
