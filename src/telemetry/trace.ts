/**
 * The trace of a run, over pauses and processes. The only door to OpenTelemetry, which may be absent.
 *
 * T1  One trace: a short root span is made and ended at once when the run starts, and its context is stored. Each
 *     segment is a child of that stored context, linked to the segment before and to what woke the run.
 * T2  Every span that is exported has a parent that was exported, or that is the caller's.
 * T3  No span outlives its segment: `end` ends what is still open below it. Nothing is open while a run rests.
 * T4  Without an SDK, or without the API, everything is a no-op, and every `traceparent` is still valid and stays
 *     in the run's trace.
 * T5  Nothing here throws into the run, whatever an SDK does when a span begins or ends.
 *
 * Who makes timers that outlive a call makes them inside `outsideTrace`: a timer holds the context it was made in.
 */
import { createRequire } from 'node:module'
import type * as opentelemetry from '@opentelemetry/api'
import type { Context, Link, Span, SpanContext, SpanOptions } from '@opentelemetry/api'
import { type SpanAttributes, agentAttributes, definedOnly } from './attributes.ts'
import {
  type Carrier,
  type TraceCarrier,
  carrierOf,
  formatTraceparent,
  freshTraceparent,
  parseTraceparent,
} from './carrier.ts'
import { CONVERSATION_ID, ERROR_TYPE, INVOKE_AGENT, LINK, RUN_SEGMENT, SCOPE, UNFINISHED } from './names.ts'

type OpenTelemetry = typeof opentelemetry

/** Names the run on every span. */
export interface RunName {
  /** The agent's name. */
  readonly name: string
  readonly runId: string
  readonly attributes?: SpanAttributes
}

export interface SegmentStart extends RunName {
  /** What the run stored at its start. */
  readonly carrier: Carrier
  /** Of the segment before. */
  readonly resumedFrom?: Carrier | undefined
  /** Of the request that resumed the run, if that is traced. */
  readonly resumedBy?: Carrier | undefined
  /** A Context or carrier that an author put in place of the stored one. */
  readonly override?: unknown
}

export interface SpanEnding {
  /** Marks the span as failed. */
  readonly error?: unknown
  readonly attributes?: SpanAttributes
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
  /** Calls `fn` within the segment's context. */
  run<T>(fn: () => T): T
  /** A span below the segment, or below `parent`. `client` for a request to another system. */
  child(name: string, kind: 'internal' | 'client', attributes?: SpanAttributes, parent?: ChildSpan): ChildSpan
  /** Calls `fn` within the context of a span that `child` made. */
  within<T>(span: ChildSpan, fn: () => T): T
  /** Ends the segment and all that is open in it. Only the first call counts. */
  end(attributes?: SpanAttributes): void
}

let loaded: OpenTelemetry | null | undefined

/** Where the API keeps what was registered with it, for all copies of its major version. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1')

/**
 * T4: the API, or null where the optional peer is not installed. While nothing is registered with it (and no Context is
 * `given`), it would say no to everything: it is not even loaded then, which takes longer than opening a store.
 */
function api(given?: unknown): OpenTelemetry | null {
  if (loaded !== undefined) return loaded
  if (!(REGISTRY in globalThis) && !isContext(given)) return null
  try {
    loaded = createRequire(import.meta.url)('@opentelemetry/api') as OpenTelemetry
  } catch {
    loaded = null
  }
  return loaded
}

/** The carrier of a Context, of a carrier, or (without one) of the active context. Empty where nothing is traced. */
export function captureCarrier(from?: unknown): Carrier {
  const otel = api(from)
  if (from !== undefined && !isContext(from)) return carrierOf(from)
  return otel === null ? {} : carrierIn(otel, from ?? otel.context.active())
}

/** A traceparent for a new run: of `active` (a Context or carrier; default the active context), else a fresh trace. */
export function newTraceparent(active?: unknown): string {
  return captureCarrier(active).traceparent ?? freshTraceparent()
}

/**
 * T1: publishes the run's root span and gives the carrier to store. It joins the caller's trace, if there is one, else
 * that of `within`.
 */
export function startTrace({ name, runId, attributes }: RunName, within: Carrier = {}): TraceCarrier {
  const otel = api()
  const caller = { ...within, ...captureCarrier() }
  const around = { ...caller, traceparent: caller.traceparent ?? freshTraceparent() }
  if (otel === null) return around
  const told = definedOnly({ ...attributes, ...agentAttributes(INVOKE_AGENT, name, runId) })
  const span = beginSpan(otel, `${INVOKE_AGENT} ${name}`, { attributes: told }, otel.context.active())
  endSpan(otel, span, {})
  return carrierOfSpan(otel, span.spanContext()) ?? around
}

/** T1: begins one stretch of driving. */
export function startSegment(start: SegmentStart): Segment {
  const { carrier } = start
  const stored = { ...carrier, traceparent: carrier.traceparent ?? freshTraceparent() }
  const otel = api(start.override)
  return otel === null ? untraced(stored) : new TracedSegment(otel, start, stored)
}

/** Calls `fn` in no span's context: for heartbeats, pollers and other timers that outlive what made them. */
export function outsideTrace<T>(fn: () => T): T {
  const otel = api()
  return otel === null ? fn() : otel.context.with(otel.ROOT_CONTEXT, fn)
}

class TracedSegment implements Segment {
  readonly carrier: TraceCarrier
  readonly #otel: OpenTelemetry
  readonly #runId: string
  readonly #span: Span
  readonly #context: Context
  readonly #open = new Map<ChildSpan, { readonly context: Context }>()
  #ended = false

  constructor(otel: OpenTelemetry, start: SegmentStart, stored: TraceCarrier) {
    const { name, runId, attributes } = start
    const parent = parentContext(otel, start.override, stored)
    const own = agentAttributes(RUN_SEGMENT, name, runId)
    const options = { attributes: definedOnly({ ...attributes, ...own }), links: linksOf(otel, start) }
    this.#otel = otel
    this.#runId = runId
    this.#span = beginSpan(otel, `${RUN_SEGMENT} ${name}`, options, parent)
    this.#context = otel.trace.setSpan(parent, this.#span)
    this.carrier = carrierOfSpan(otel, this.#span.spanContext()) ?? stored
  }

  get traceparent(): string {
    return this.carrier.traceparent
  }

  run<T>(fn: () => T): T {
    return this.#otel.context.with(this.#context, fn)
  }

  within<T>(span: ChildSpan, fn: () => T): T {
    return this.#otel.context.with(this.#open.get(span)?.context ?? this.#context, fn)
  }

  child(
    name: string,
    kind: 'internal' | 'client',
    attributes?: SpanAttributes,
    parent?: ChildSpan,
  ): ChildSpan {
    if (this.#ended) return inert(this.carrier) // T3
    const otel = this.#otel
    const above = (parent && this.#open.get(parent)?.context) ?? this.#context
    const options = {
      kind: kind === 'client' ? otel.SpanKind.CLIENT : otel.SpanKind.INTERNAL,
      attributes: definedOnly({ ...attributes, [CONVERSATION_ID]: this.#runId }),
    }
    const span = beginSpan(otel, name, options, above)
    const child: ChildSpan = {
      carrier: carrierOfSpan(otel, span.spanContext()) ?? this.carrier,
      end: (ending = {}) => {
        if (this.#open.delete(child)) endSpan(otel, span, ending)
      },
    }
    this.#open.set(child, { context: otel.trace.setSpan(above, span) })
    return child
  }

  end(attributes: SpanAttributes = {}): void {
    if (this.#ended) return
    this.#ended = true
    // T3, the innermost first.
    for (const child of [...this.#open.keys()].toReversed()) child.end({ attributes: { [UNFINISHED]: true } })
    endSpan(this.#otel, this.#span, { attributes })
  }
}

/** T4 */
function untraced(carrier: TraceCarrier): Segment {
  const span = inert(carrier)
  return {
    carrier,
    traceparent: carrier.traceparent,
    run: (fn) => fn(),
    child: () => span,
    within: (_span, fn) => fn(),
    end: () => {},
  }
}

function inert(carrier: TraceCarrier): ChildSpan {
  return { carrier, end: () => {} }
}

/** Whose child the segment is. All else in the active context (baggage, suppression) stays. */
function parentContext(otel: OpenTelemetry, override: unknown, stored: Carrier): Context {
  const around = isContext(override) ? override : otel.context.active()
  if (isContext(override) && carrierIn(otel, override).traceparent !== undefined) return override
  const parent = remoteSpan(otel, carrierOf(override)) ?? remoteSpan(otel, stored)
  return parent === undefined ? otel.trace.deleteSpan(around) : otel.trace.setSpanContext(around, parent)
}

/** The segment before, and what woke the run; each once, and not the parent itself. */
function linksOf(otel: OpenTelemetry, start: SegmentStart): Link[] {
  const seen = new Set([parseTraceparent(start.carrier.traceparent)?.spanId])
  const links: Link[] = []
  const link = (kind: string, carrier: Carrier | undefined): void => {
    const context = remoteSpan(otel, carrier ?? {})
    if (context === undefined || seen.has(context.spanId)) return
    seen.add(context.spanId)
    links.push({ context, attributes: { [LINK]: kind } })
  }
  link('resumed_from', start.resumedFrom)
  link('resumed_by', start.resumedBy)
  return links
}

function remoteSpan(otel: OpenTelemetry, { traceparent, tracestate }: Carrier): SpanContext | undefined {
  const parsed = parseTraceparent(traceparent)
  if (parsed === undefined) return undefined
  const { traceId, spanId, flags } = parsed
  const state = tracestate === undefined ? {} : { traceState: otel.createTraceState(tracestate) }
  return { traceId, spanId, traceFlags: flags, isRemote: true, ...state }
}

function carrierIn(otel: OpenTelemetry, context: Context): Carrier {
  return carrierOfSpan(otel, otel.trace.getSpanContext(context)) ?? {}
}

function carrierOfSpan(otel: OpenTelemetry, span: SpanContext | undefined): TraceCarrier | undefined {
  if (span === undefined || !otel.isSpanContextValid(span)) return undefined
  const { traceId, spanId, traceFlags, traceState } = span
  const traceparent = formatTraceparent({ traceId, spanId, flags: traceFlags })
  const tracestate = traceState?.serialize() ?? ''
  return tracestate === '' ? { traceparent } : { traceparent, tracestate }
}

function isContext(value: unknown): value is Context {
  if (typeof value !== 'object' || value === null) return false
  return ['getValue', 'setValue', 'deleteValue'].every(
    (name) => typeof Reflect.get(value, name) === 'function',
  )
}

/** T5: a span, or (where the SDK fails to make one) its parent's context with nothing recorded. */
function beginSpan(otel: OpenTelemetry, name: string, options: SpanOptions, parent: Context): Span {
  try {
    return otel.trace.getTracer(SCOPE).startSpan(name, options, parent)
  } catch {
    return otel.trace.wrapSpanContext(otel.trace.getSpanContext(parent) ?? otel.INVALID_SPAN_CONTEXT)
  }
}

/** T5 */
function endSpan(otel: OpenTelemetry, span: Span, { error, attributes }: SpanEnding): void {
  try {
    if (error !== undefined) {
      const { type, message } = errorText(error)
      span.setAttribute(ERROR_TYPE, type)
      span.setStatus({ code: otel.SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) })
    }
    span.setAttributes(definedOnly(attributes)).end()
  } catch {
    // A processor's own failure is its own.
  }
}

/** Of an Error, of an error that crossed from the guest, or of whatever else was thrown. */
function errorText(error: unknown): { readonly type: string; readonly message: string | undefined } {
  if (typeof error === 'string') return { type: 'string', message: error }
  const read = (name: string): unknown =>
    typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
  const [name, message] = [read('name'), read('message')]
  return {
    type: typeof name === 'string' && name !== '' ? name : '_OTHER',
    message: typeof message === 'string' ? message : undefined,
  }
}

export { type SpanAttributes, chatAttributes, replyAttributes, toolAttributes } from './attributes.ts'
export { type Carrier, type TraceCarrier, parseTraceparent } from './carrier.ts'
export { CHAT, EXECUTE_TOOL } from './names.ts'
