/**
 * What a driver's segment says to OpenTelemetry: its effects as spans, what is recorded as events, and metrics.
 *
 * N1  Only what is recorded here and now is told: what a replay delivers again is not.
 * N2  A wait is an attribute, never a span.
 */
import { decode } from '../base/codec.ts'
import type { Clock } from '../base/clock.ts'
import type { Encoded } from '../base/halt.ts'
import { RUN_CODE } from '../base/run-code.ts'
import type { Definition } from '../agent/definition.ts'
import type { Happening } from '../agent/happening.ts'
import type { Effect } from '../agent/next.ts'
import type { ModelWatch } from '../agent/think.ts'
import type { Entry } from '../journal/entry.ts'
import type { OpenCall, State } from '../journal/shape.ts'
import { stepOf } from '../journal/view.ts'
import type { LanguageModelV4Prompt, Reply } from '../model/ask.ts'
import {
  AGENT_NAME,
  BECAUSE,
  CONTENT,
  ERROR_TYPE,
  EXECUTE_TOOL_DURATION,
  INPUT_TOKENS,
  INVOKE_AGENT_DURATION,
  OPERATION_DURATION,
  OPERATION_NAME,
  CHAT,
  EXECUTE_TOOL,
  OUTPUT_TOKENS,
  PAUSE_CAUSE,
  RESPONSE_MODEL,
  STATUS,
  TASKS_ENDED,
  TOKEN_TYPE,
  TOKEN_USAGE,
  TOOL_NAME,
  TOOL_TYPE,
  UNFINISHED,
  WAITED,
} from '../telemetry/names.ts'
import {
  chatAttributes,
  errorType,
  measure,
  modelAttributes,
  startSegment,
  toolAttributes,
  type ChildSpan,
  type Segment,
  type SpanAttributes,
  type SpanEnding,
  type TraceCarrier,
} from '../telemetry/trace.ts'
import { Chronicle } from './chronicle.ts'
import { segmentStart, type SegmentGiven } from './segment-start.ts'
import { attributesOf, endingOf, replied, resultOf } from './span-ending.ts'
import { instructionsTold, messagesTold, replyTold } from './transcript.ts'

export class RunSpans {
  readonly #segment: Segment
  readonly #definition: Definition
  readonly #clock: Clock
  readonly #chronicle: Chronicle
  readonly #began: number
  /** The program that runs. */
  #program: ChildSpan | undefined
  #ended = false

  constructor(given: SegmentGiven) {
    const { definition, clock, recovered } = given
    const { state } = recovered
    this.#definition = definition
    this.#clock = clock
    this.#began = clock.now()
    this.#segment = startSegment(segmentStart(given))
    this.#chronicle = new Chronicle(state, this.#segment)
    if (state.phase.at === 'acting' && state.phase.compiled && state.pause?.cause !== 'diverged')
      this.#beginProgram(state.phase.step)
  }

  /** The traceparent of this segment's span. */
  get span(): string {
    return this.#segment.traceparent
  }

  /** The segment's beginning is durable. */
  begun(): void {
    this.#segment.begun()
  }

  /** N1: hears of every entry as it is recorded. */
  feed(entry: Entry): void {
    this.#chronicle.feed(entry)
    if (entry.kind === 'step-started') this.#beginProgram(entry.step, entry.source)
    else if (entry.kind === 'step-ended')
      this.#endProgram(
        entry.error === undefined
          ? {
              attributes: this.#content('tool.call.result', () => ({
                printed: entry.printed,
                value: entry.shown,
              })),
            }
          : { error: entry.error },
      )
    else if (entry.kind === 'step-killed')
      this.#endProgram({ error: { name: entry.reason, message: entry.message } })
  }

  /** A request to the model, below its step. */
  async chat(
    { phase }: Extract<Effect, { do: 'think' }>,
    work: (watch: ModelWatch) => Promise<Happening>,
  ): Promise<Happening> {
    const { modelName, options } = this.#definition
    const asked = {
      step: phase.step,
      attempt: phase.attempt,
      purpose: phase.purpose,
      settings: options.modelSettings,
    }
    const span = this.#segment.child(
      {
        name: `${CHAT} ${modelName.slice(modelName.indexOf('/') + 1)}`,
        kind: 'client',
        attributes: chatAttributes(modelName, asked),
      },
      phase.step,
    )
    let prompt: LanguageModelV4Prompt = []
    let reply: Reply | undefined
    const watch: ModelWatch = {
      asked: (given) => {
        prompt = given
      },
      replied: (given) => {
        reply = given
      },
    }
    const content = (): SpanAttributes => ({
      ...this.#content('system_instructions', () => instructionsTold(prompt)),
      ...this.#content('input.messages', () => messagesTold(prompt)),
      ...this.#content('output.messages', () => (reply === undefined ? undefined : replyTold(reply))),
    })
    return this.#observed(
      span,
      async () => work(watch),
      (happening) => ({
        ...endingOf(happening),
        attributes: { ...attributesOf(happening), ...replied(happening, reply), ...content() },
      }),
      (seconds, ending) => this.#measureChat(seconds, ending),
    )
  }

  /** A call on its way to its tool, below the step whose code made it. */
  async call(
    call: OpenCall,
    input: Encoded,
    work: (parent: TraceCarrier) => Promise<Happening>,
  ): Promise<Happening> {
    const step = stepOf(call.id)
    const description = this.#definition.tools.get(call.tool)?.description
    const asked = { call: call.id, attempt: call.attempt, step, description }
    const span = this.#segment.child(
      {
        name: `${EXECUTE_TOOL} ${call.tool}`,
        attributes: {
          ...toolAttributes(call.tool, asked),
          [WAITED]: this.#chronicle.waitOf(call.id),
          ...this.#content('tool.call.arguments', () => decode(input)),
        },
      },
      step,
    )
    return this.#observed(
      span,
      async () => work(this.#segment.step(step)),
      (happening) => ({
        ...endingOf(happening),
        attributes: {
          ...attributesOf(happening),
          ...this.#content('tool.call.result', () => resultOf(happening)),
        },
      }),
      (seconds, { error }) =>
        measure(EXECUTE_TOOL_DURATION, seconds, {
          [AGENT_NAME]: this.#definition.name,
          [TOOL_NAME]: call.tool,
          [TOOL_TYPE]: 'function',
          [ERROR_TYPE]: error === undefined ? undefined : errorType(error),
        }),
    )
  }

  /** An author's function beside a step: what it traces stands below that. */
  async beside<T>(step: number, work: () => Promise<T>): Promise<T> {
    return this.#segment.beside(step, work)
  }

  /** The run has come to rest. */
  rested(state: State): void {
    const status = state.ended?.status ?? 'paused'
    this.#end({ [STATUS]: status, [PAUSE_CAUSE]: state.ended === undefined ? state.pause?.cause : undefined })
    if (state.ended === undefined) return
    const reason = state.ended.status === 'completed' ? state.ended.reason : undefined
    measure(TASKS_ENDED, 1, { [AGENT_NAME]: state.run.agent, [STATUS]: status, [BECAUSE]: reason })
  }

  /** It did not come to rest: its driver has failed, or was let go of. Does nothing after `rested`. */
  cut(): void {
    this.#end({ [STATUS]: 'cut' })
  }

  #end(attributes: SpanAttributes): void {
    if (this.#ended) return
    this.#ended = true
    this.#segment.end(attributes)
    measure(INVOKE_AGENT_DURATION, this.#seconds(this.#began), {
      [AGENT_NAME]: this.#definition.name,
      ...modelAttributes(this.#definition.modelName),
      ...attributes,
    })
  }

  #beginProgram(step: number, source?: string): void {
    this.#program?.end({ attributes: { [UNFINISHED]: true } })
    const content = source === undefined ? {} : this.#content('tool.call.arguments', () => ({ code: source }))
    this.#program = this.#segment.child(
      {
        name: `${EXECUTE_TOOL} ${RUN_CODE}`,
        attributes: { ...toolAttributes(RUN_CODE, { step }), ...content },
      },
      step,
    )
  }

  #endProgram(ending: SpanEnding): void {
    this.#program?.end(ending)
    this.#program = undefined
  }

  async #observed(
    span: ChildSpan,
    work: () => Promise<Happening>,
    told: (happening: Happening) => SpanEnding,
    measured: (seconds: number, ending: SpanEnding) => void,
  ): Promise<Happening> {
    const began = this.#clock.now()
    const end = (ending: SpanEnding): void => {
      span.end(ending)
      measured(this.#seconds(began), ending)
    }
    try {
      const happening = await this.#segment.within(span, work)
      end(told(happening))
      return happening
    } catch (error) {
      end({ error })
      throw error
    }
  }

  #measureChat(seconds: number, { error, attributes }: SpanEnding): void {
    const common = {
      [OPERATION_NAME]: CHAT,
      ...modelAttributes(this.#definition.modelName),
      [RESPONSE_MODEL]: attributes?.[RESPONSE_MODEL],
    }
    measure(OPERATION_DURATION, seconds, {
      ...common,
      [ERROR_TYPE]: error === undefined ? undefined : errorType(error),
    })
    for (const [type, name] of [
      ['input', INPUT_TOKENS],
      ['output', OUTPUT_TOKENS],
    ] as const) {
      const tokens = attributes?.[name]
      if (typeof tokens === 'number') measure(TOKEN_USAGE, tokens, { ...common, [TOKEN_TYPE]: type })
    }
  }

  #seconds(since: number): number {
    return (this.#clock.now() - since) / 1_000
  }

  #content(kind: keyof typeof CONTENT, read: () => unknown): SpanAttributes {
    const { telemetry, secrets } = this.#definition
    return { [CONTENT[kind]]: telemetry.content.text(kind, read, (data) => secrets.clean(data)) }
  }
}
