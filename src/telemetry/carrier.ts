/**
 * W3C trace context as text: what a run stores, so that another process goes on in the same trace.
 *
 * Read and written here, not by OpenTelemetry's propagator: without a registered one that writes nothing.
 * Format: https://www.w3.org/TR/trace-context/#traceparent-header
 */
import { randomBytes } from 'node:crypto'
import { formatBaggage, parseBaggage } from './baggage.ts'

/** What is stored and sent, by the names of its headers. All absent: nobody was tracing. */
export interface Carrier {
  readonly traceparent?: string
  readonly tracestate?: string
  readonly baggage?: string
}

/** A carrier that surely names a trace. */
export interface TraceCarrier extends Carrier {
  readonly traceparent: string
}

export interface TraceParent {
  /** 32 hex digits, not all 0. */
  readonly traceId: string
  /** 16 hex digits, not all 0. */
  readonly spanId: string
  /** Bit 0: sampled. */
  readonly flags: number
}

const FORM = /^\s*([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\s*$/

/** Undefined for anything that is no valid traceparent; later versions are read as far as they are known. */
export function parseTraceparent(text: unknown): TraceParent | undefined {
  const [, version, traceId, spanId, flags, more] = (typeof text === 'string' ? FORM.exec(text) : null) ?? []
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined)
    return undefined
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16) }
}

export function formatTraceparent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${(flags & 0xff).toString(16).padStart(2, '0')}`
}

/**
 * A new trace that nobody records, so its flag says not sampled: a later process that does record must not
 * make children of a span that was never exported.
 */
export function freshTraceparent(): string {
  return formatTraceparent({ traceId: randomHex(16), spanId: randomHex(8), flags: 0 })
}

function randomHex(length: number): string {
  const hex = randomBytes(length).toString('hex')
  return /^0+$/.test(hex) ? randomHex(length) : hex
}

/** The valid part of a carrier that somebody gave: an object with `traceparent`, or the bare text. */
export function carrierOf(given: unknown): Carrier {
  const read = (name: string): unknown =>
    typeof given === 'object' && given !== null ? Reflect.get(given, name) : undefined
  const parsed = parseTraceparent(typeof given === 'string' ? given : read('traceparent'))
  if (parsed === undefined) return {}
  const [tracestate, carried] = [read('tracestate'), read('baggage')]
  const baggage = typeof carried === 'string' ? formatBaggage(parseBaggage(carried)) : undefined
  return {
    traceparent: formatTraceparent(parsed),
    ...(typeof tracestate === 'string' && tracestate !== '' ? { tracestate } : {}),
    ...(baggage === undefined ? {} : { baggage }),
  }
}
