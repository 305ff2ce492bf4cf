/**
 * One stretch of driving, as spans.
 *
 * T1  A segment is a span from its start to its rest, below the run's stored context (its ground), and linked to the
 *     segment before and to what woke the run. One that was lost with its process is told by the segment after it.
 * T2  Whatever is a parent has ended before: the run's root, and the span of each step, which are published at once.
 *     So a process that is killed, and takes its open spans with it, leaves no span without its parent.
 * T3  No span outlives its segment: `end` ends what is still open. Nothing is open while a run rests.
 * T4  Without an SDK, or without the API, everything is a no-op, and every `traceparent` is still valid and stays
 *     in the run's trace.
 */
import {
  api,
  carrierIn,
  carrierOfSpan,
  isContext,
  remoteSpan,
  type Context,
  type Link,
  type OpenTelemetry,
  type Span,
} from './api.ts'
import { agentAttributes } from './attributes.ts'
import { parseBaggage } from './baggage.ts'
import { carrierOf, freshTraceparent, parseTraceparent, type Carrier, type TraceCarrier } from './carrier.ts'
import { contentOf, type Clean, type Content } from './content.ts'
import {
  AGENT_NAME,
  AGENT_STEP,
  CONVERSATION_ID,
  OPERATION_NAME,
  RUN_SEGMENT,
  SEGMENT,
  STATUS,
  STEP,
  UNFINISHED,
} from './names.ts'
import { beginSpan, endSpan, linkTo, tellSpan, type SpanEnding, type SpanStart } from './span.ts'
import type { SpanAttributes } from './value.ts'

/** What a run's spans stand on. */
export interface Ground {
  /** What the run stored. */
  readonly carrier: Carrier
  /** The Context of whoever asked for the run: all but its span (baggage, suppression) holds here too. */
  readonly caller?: unknown
  /** A Context or carrier that an author put in place of the stored one. */
  readonly override?: unknown
}

export interface SegmentStart extends Ground {
  /** The agent's name. */
  readonly name: string
  readonly runId: string
  /** From 1. */
  readonly number: number
  readonly attributes?: SpanAttributes
  /** Of the segment before. */
  readonly resumedFrom?: Carrier | undefined
  /** The segment before was lost with its process: from when to when (ms since the epoch), and what to say of it. */
  readonly lost?:
    | { readonly from: number; readonly to: number; readonly attributes: SpanAttributes }
    | undefined
  readonly content?: Content
  /** Secrets are taken out of all that is said. Default: nothing is. */
  readonly clean?: Clean
}

export interface ChildSpan {
  /** For a worker or a remote tool that goes on with the trace. */
  readonly carrier: TraceCarrier
  /** Ends it, failed or well. Only the first call counts. */
  end(ending?: SpanEnding): void
}

export interface Segment {
  /** Of the segment's own span: the next segment's `resumedFrom`. */
  readonly carrier: TraceCarrier
  readonly traceparent: string
  /** That it has begun is durable: nobody after it tells of the segment before, so it does. */
  begun(): void
  /** The carrier of a step's span, which is published with this. */
  step(step: number): TraceCarrier
  /** A span below a step, or below the ground. `client` for a request to another system. */
  child(start: SpanStart, step?: number): ChildSpan
  /** Calls `fn` within the context of a span that `child` made. */
  within<T>(span: ChildSpan, fn: () => T): T
  /** Calls `fn` within the context of a step, or of the ground. */
  beside<T>(step: number | undefined, fn: () => T): T
  /** An event of the segment. */
  tell(event: string, attributes: SpanAttributes): void
  /** Ends the segment and all that is open in it. Only the first call counts. */
  end(attributes?: SpanAttributes): void
}

/** Calls `fn` in the context that a run's spans stand on. */
export function onGround<T>(ground: Ground, fn: () => T): T {
  const otel = api(ground.override)
  return otel === null ? fn() : otel.context.with(groundOf(otel, ground), fn)
}

/** T1: begins one stretch of driving. */
export function startSegment(start: SegmentStart): Segment {
  const { carrier } = start
  const stored = { ...carrier, traceparent: carrier.traceparent ?? freshTraceparent() }
  const otel = api(start.override)
  return otel === null ? untraced(stored) : new TracedSegment(otel, { ...start, carrier: stored }, stored)
}

/** T4 */
function untraced(carrier: TraceCarrier): Segment {
  const span: ChildSpan = { carrier, end: () => {} }
  return {
    carrier,
    traceparent: carrier.traceparent,
    begun: () => {},
    step: () => carrier,
    child: () => span,
    within: (_span, fn) => fn(),
    beside: (_step, fn) => fn(),
    tell: () => {},
    end: () => {},
  }
}

const QUIET: Content = contentOf(false)

/** Steps whose spans are remembered. What comes home to an older one gets another span for it. */
const MOST_STEPS = 32

class TracedSegment implements Segment {
  readonly carrier: TraceCarrier
  readonly #otel: OpenTelemetry
  readonly #ground: Context
  readonly #span: Span
  readonly #common: SpanAttributes
  readonly #how: { readonly content: Content; readonly clean: Clean }
  readonly #steps = new Map<number, { readonly context: Context; readonly carrier: TraceCarrier }>()
  readonly #open = new Map<ChildSpan, Context>()
  #lost: { readonly span: Span; readonly to: number } | undefined
  #ended = false

  constructor(otel: OpenTelemetry, start: SegmentStart, stored: TraceCarrier) {
    const { name, runId, number, attributes, content = QUIET, clean = (data) => data } = start
    this.#otel = otel
    this.#how = { content, clean }
    this.#common = { [CONVERSATION_ID]: runId, [AGENT_NAME]: name, [SEGMENT]: number }
    this.#ground = groundOf(otel, start)
    const own = { ...attributes, ...agentAttributes(RUN_SEGMENT, name, runId), [SEGMENT]: number }
    this.#lost = beginLost(otel, start, this.#ground)
    const lost = this.#lost === undefined ? undefined : carrierOfSpan(otel, this.#lost.span.spanContext())
    const links = linksOf(otel, { ...start, resumedFrom: lost ?? start.resumedFrom })
    this.#span = beginSpan(otel, { name: `${RUN_SEGMENT} ${name}`, attributes: own, links }, this.#ground)
    this.carrier = carrierOfSpan(otel, this.#span.spanContext()) ?? stored
  }

  get traceparent(): string {
    return this.carrier.traceparent
  }

  begun(): void {
    if (this.#lost !== undefined)
      endSpan(this.#otel, this.#lost.span, { error: { name: 'lost' }, at: this.#lost.to })
    this.#lost = undefined
  }

  step(step: number): TraceCarrier {
    return this.#stepOf(step).carrier
  }

  child(start: SpanStart, step?: number): ChildSpan {
    if (this.#ended) return { carrier: this.carrier, end: () => {} }
    const otel = this.#otel
    const parent = step === undefined ? this.#ground : this.#stepOf(step).context
    const attributes = { ...this.#common, ...start.attributes }
    const made = beginSpan(otel, this.#how.clean({ ...start, attributes }), parent)
    const child: ChildSpan = {
      carrier: carrierOfSpan(otel, made.spanContext()) ?? this.carrier,
      end: (ending = {}) => {
        if (!this.#open.delete(child)) return
        const { attributes: told = {}, ...rest } = ending
        endSpan(otel, made, { ...rest, attributes: this.#how.clean(told) }, this.#how)
      },
    }
    this.#open.set(child, otel.trace.setSpan(parent, made))
    return child
  }

  within<T>(span: ChildSpan, fn: () => T): T {
    return this.#otel.context.with(this.#open.get(span) ?? this.#ground, fn)
  }

  beside<T>(step: number | undefined, fn: () => T): T {
    const around = step === undefined || this.#ended ? this.#ground : this.#stepOf(step).context
    return this.#otel.context.with(around, fn)
  }

  tell(event: string, attributes: SpanAttributes): void {
    if (!this.#ended) tellSpan(this.#span, event, this.#how.clean(attributes))
  }

  end(attributes: SpanAttributes = {}): void {
    if (this.#ended) return
    this.begun()
    this.#ended = true
    for (const child of this.#open.keys()) child.end({ attributes: { [UNFINISHED]: true } })
    endSpan(this.#otel, this.#span, { attributes })
  }

  /** T2: it has ended before anything stands below it. */
  #stepOf(step: number): { readonly context: Context; readonly carrier: TraceCarrier } {
    const known = this.#steps.get(step)
    if (known !== undefined) return known
    const otel = this.#otel
    const attributes = { ...this.#common, [OPERATION_NAME]: AGENT_STEP, [STEP]: step }
    const span = beginSpan(otel, { name: `${AGENT_STEP} ${step}`, attributes }, this.#ground)
    endSpan(otel, span, {})
    const made = {
      context: otel.trace.setSpan(this.#ground, span),
      carrier: carrierOfSpan(otel, span.spanContext()) ?? this.carrier,
    }
    this.#steps.set(step, made)
    const [oldest] = this.#steps.keys()
    if (this.#steps.size > MOST_STEPS && oldest !== undefined) this.#steps.delete(oldest)
    return made
  }
}

/** Whose children a run's spans are. All else in the caller's context stays; baggage of the run holds where it has none. */
function groundOf(otel: OpenTelemetry, { carrier, caller, override }: Ground): Context {
  const given = isContext(caller) ? caller : otel.context.active()
  const around = withBaggage(otel, isContext(override) ? override : given, {
    ...carrier,
    ...(isContext(override) ? {} : carrierOf(override)),
  })
  if (isContext(override) && carrierIn(otel, override).traceparent !== undefined) return around
  const parent = remoteSpan(otel, carrierOf(override)) ?? remoteSpan(otel, carrier)
  return parent === undefined ? otel.trace.deleteSpan(around) : otel.trace.setSpanContext(around, parent)
}

function withBaggage(otel: OpenTelemetry, context: Context, { baggage }: Carrier): Context {
  const stored = parseBaggage(baggage)
  if (stored.length === 0) return context
  const active = otel.propagation.getBaggage(context)?.getAllEntries() ?? []
  const entries = [...stored.map(([key, value]) => [key, { value }] as const), ...active]
  return otel.propagation.setBaggage(context, otel.propagation.createBaggage(Object.fromEntries(entries)))
}

/** T1: nobody else tells of it any more. */
function beginLost(
  otel: OpenTelemetry,
  { lost, name, runId, number }: SegmentStart,
  ground: Context,
): { readonly span: Span; readonly to: number } | undefined {
  if (lost === undefined) return undefined
  const attributes = {
    ...lost.attributes,
    ...agentAttributes(RUN_SEGMENT, name, runId),
    [SEGMENT]: number - 1,
    [STATUS]: 'lost',
  }
  const span = beginSpan(otel, { name: `${RUN_SEGMENT} ${name}`, attributes, at: lost.from }, ground)
  return { span, to: lost.to }
}

/** The segment before, and what woke the run; each once, and not the ground itself. */
function linksOf(otel: OpenTelemetry, start: SegmentStart): Link[] {
  const seen = new Set([parseTraceparent(start.carrier.traceparent)?.spanId])
  const waker = start.number > 1 && isContext(start.caller) ? carrierIn(otel, start.caller) : undefined
  const links = [linkTo(otel, 'resumed_from', start.resumedFrom), linkTo(otel, 'resumed_by', waker)]
  return links.flatMap((link) => {
    if (link === undefined || seen.has(link.context.spanId)) return []
    seen.add(link.context.spanId)
    return [link]
  })
}
