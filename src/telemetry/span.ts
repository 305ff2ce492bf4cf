/**
 * One span: begun, told of, ended.
 *
 * T5  Nothing here throws into the run, whatever an SDK does. All that is said passes the door of `value.ts`.
 */
import { remoteSpan, type Context, type Link, type OpenTelemetry, type Span } from './api.ts'
import type { Carrier } from './carrier.ts'
import type { Clean, Content } from './content.ts'
import { ERROR_TYPE, LINK, SCOPE } from './names.ts'
import { tellable, tellableAttributes, type SpanAttributes } from './value.ts'

export interface SpanStart {
  readonly name: string
  readonly kind?: 'internal' | 'client'
  readonly attributes?: SpanAttributes
  readonly links?: readonly Link[]
  /** Ms since the epoch. Default: now. */
  readonly at?: number
  /** A trace of its own. */
  readonly root?: boolean
}

export interface SpanEnding {
  /** Marks the span as failed. Its message is content. */
  readonly error?: unknown
  readonly attributes?: SpanAttributes
  /** Ms since the epoch. Default: now. */
  readonly at?: number
}

/** A span, or (where the SDK fails to make one) its parent's context with nothing recorded. */
export function beginSpan(otel: OpenTelemetry, start: SpanStart, parent: Context): Span {
  const { name, kind = 'internal', attributes, links, at, root } = start
  try {
    return otel.trace.getTracer(SCOPE).startSpan(
      tellable(name, 256),
      {
        kind: kind === 'client' ? otel.SpanKind.CLIENT : otel.SpanKind.INTERNAL,
        attributes: tellableAttributes(attributes),
        ...(links === undefined ? {} : { links: [...links] }),
        ...(at === undefined ? {} : { startTime: new Date(at) }),
        ...(root === true ? { root } : {}),
      },
      parent,
    )
  } catch {
    return otel.trace.wrapSpanContext(otel.trace.getSpanContext(parent) ?? otel.INVALID_SPAN_CONTEXT)
  }
}

export function endSpan(
  otel: OpenTelemetry,
  span: Span,
  ending: SpanEnding,
  how: { readonly content?: Content; readonly clean?: Clean } = {},
): void {
  const { error, attributes, at } = ending
  try {
    if (error !== undefined) {
      const message = how.content?.text('error.message', () => messageOf(error), how.clean)
      span.setAttribute(ERROR_TYPE, tellable(errorType(error), 256))
      span.setStatus({
        code: otel.SpanStatusCode.ERROR,
        ...(message === undefined ? {} : { message: tellable(message) }),
      })
    }
    span.setAttributes(tellableAttributes(attributes))
    if (at === undefined) span.end()
    else span.end(new Date(at))
  } catch {
    // A processor's own failure is its own.
  }
}

export function tellSpan(span: Span, event: string, attributes: SpanAttributes): void {
  try {
    span.addEvent(event, tellableAttributes(attributes))
  } catch {
    // As above.
  }
}

/** A link to what a carrier names; none where it names nothing. */
export function linkTo(otel: OpenTelemetry, kind: string, carrier: Carrier | undefined): Link | undefined {
  const context = remoteSpan(otel, carrier ?? {})
  return context === undefined ? undefined : { context, attributes: { [LINK]: kind } }
}

/** The name of an Error, or of an error that crossed from the guest; the code of an error of the journal. */
export function errorType(error: unknown): string {
  if (typeof error === 'string') return 'string'
  const named = [fieldOf(error, 'name'), fieldOf(error, 'code')].find(
    (name) => typeof name === 'string' && name !== '',
  )
  return typeof named === 'string' ? named : '_OTHER'
}

function messageOf(error: unknown): string | undefined {
  const message = typeof error === 'string' ? error : fieldOf(error, 'message')
  return typeof message === 'string' ? message : undefined
}

function fieldOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
}
