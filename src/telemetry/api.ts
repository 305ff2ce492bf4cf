/**
 * The only door to OpenTelemetry's API, which may be absent, and what is asked of contexts there.
 *
 * O1  Without the API, or with nothing registered with it, everything is a no-op.
 */
import { createRequire } from 'node:module'
import type * as opentelemetry from '@opentelemetry/api'
import type { Context, SpanContext } from '@opentelemetry/api'
import { formatBaggage } from './baggage.ts'
import { carrierOf, formatTraceparent, parseTraceparent, type Carrier, type TraceCarrier } from './carrier.ts'

export type OpenTelemetry = typeof opentelemetry

let loaded: OpenTelemetry | null | undefined

/** Where the API keeps what was registered with it, for all copies of its major version. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1')

/**
 * O1: the API, or null where the optional peer is not installed. While nothing is registered with it (and no Context is
 * `given`), it would say no to everything: it is not even loaded then, which takes longer than opening a store.
 */
export function api(given?: unknown): OpenTelemetry | null {
  if (loaded !== undefined) return loaded
  if (!(REGISTRY in globalThis) && !isContext(given)) return null
  try {
    loaded = createRequire(import.meta.url)('@opentelemetry/api') as OpenTelemetry
  } catch {
    loaded = null
  }
  return loaded
}

/** The Context that is active now, for who goes on in another one; undefined where nothing is traced. */
export function callerContext(): unknown {
  return api()?.context.active()
}

/** Calls `fn` in no span's context: for heartbeats, pollers and other timers that outlive what made them. */
export function outsideTrace<T>(fn: () => T): T {
  const otel = api()
  return otel === null ? fn() : otel.context.with(otel.ROOT_CONTEXT, fn)
}

/** The carrier of a Context, of a carrier, or (without one) of the active context. Empty where nothing is traced. */
export function captureCarrier(from?: unknown, baggageKeys?: readonly string[]): Carrier {
  const otel = api(from)
  if (from !== undefined && !isContext(from)) return carrierOf(from)
  return otel === null ? {} : carrierIn(otel, from ?? otel.context.active(), baggageKeys)
}

export function carrierIn(otel: OpenTelemetry, context: Context, baggageKeys?: readonly string[]): Carrier {
  const entries = otel.propagation.getBaggage(context)?.getAllEntries() ?? []
  const baggage = formatBaggage(
    entries.map(([key, { value }]) => [key, value] as const),
    baggageKeys,
  )
  const carrier = carrierOfSpan(otel, otel.trace.getSpanContext(context)) ?? {}
  return baggage === undefined ? carrier : { ...carrier, baggage }
}

export function carrierOfSpan(otel: OpenTelemetry, span: SpanContext | undefined): TraceCarrier | undefined {
  if (span === undefined || !otel.isSpanContextValid(span)) return undefined
  const { traceId, spanId, traceFlags, traceState } = span
  const traceparent = formatTraceparent({ traceId, spanId, flags: traceFlags })
  const tracestate = traceState?.serialize() ?? ''
  return tracestate === '' ? { traceparent } : { traceparent, tracestate }
}

/** The span that a carrier names, as one of another process. */
export function remoteSpan(
  otel: OpenTelemetry,
  { traceparent, tracestate }: Carrier,
): SpanContext | undefined {
  const parsed = parseTraceparent(traceparent)
  if (parsed === undefined) return undefined
  const { traceId, spanId, flags } = parsed
  const state = tracestate === undefined ? {} : { traceState: otel.createTraceState(tracestate) }
  return { traceId, spanId, traceFlags: flags, isRemote: true, ...state }
}

export function isContext(value: unknown): value is Context {
  if (typeof value !== 'object' || value === null) return false
  return ['getValue', 'setValue', 'deleteValue'].every(
    (name) => typeof Reflect.get(value, name) === 'function',
  )
}

export type { Context, Histogram, Link, MeterProvider, Span, SpanContext } from '@opentelemetry/api'
