/**
 * The trace of a run, over pauses and processes: where it begins, and the seam of this layer.
 *
 * A short root span is made and ended at once when the run starts, and its context is stored: everything of the run, in
 * every process, stands below it. What stands there is in `segment.ts`.
 */
import { api, captureCarrier, carrierOfSpan, remoteSpan, type OpenTelemetry } from './api.ts'
import { agentAttributes } from './attributes.ts'
import { freshTraceparent, type Carrier, type TraceCarrier } from './carrier.ts'
import { INVOKE_AGENT } from './names.ts'
import { beginSpan, endSpan, linkTo } from './span.ts'
import type { SpanAttributes } from './value.ts'

/** `join`: the trace of whoever starts the run. `root`: one of its own, linked to that. */
export type TraceMode = 'join' | 'root'

/** Names the run on its root span. */
export interface TraceStart {
  /** The agent's name, and what it is for. */
  readonly name: string
  readonly description?: string
  readonly runId: string
  readonly attributes?: SpanAttributes
  /** Default `join`. */
  readonly mode?: TraceMode
  /** In place of the active context: of the step that calls this run. */
  readonly within?: Carrier | undefined
  /** Another run, whose past this one shares. */
  readonly forkedFrom?: Carrier | undefined
  /** The keys of the caller's baggage that are kept. Default: all. */
  readonly baggageKeys?: readonly string[] | undefined
}

/** Publishes the run's root span and gives the carrier to store. */
export function startTrace(start: TraceStart): TraceCarrier {
  const { within, baggageKeys } = start
  const { baggage, ...caller } = captureCarrier(undefined, baggageKeys)
  const isRoot = start.mode === 'root' && within === undefined
  const around = isRoot ? {} : (within ?? caller)
  const kept = baggage === undefined ? {} : { baggage }
  const otel = api()
  const fallback = { ...around, traceparent: around.traceparent ?? freshTraceparent(), ...kept }
  if (otel === null) return fallback
  return { ...(publishRoot(otel, start, isRoot ? caller : undefined) ?? fallback), ...kept }
}

function publishRoot(
  otel: OpenTelemetry,
  { name, description, runId, attributes, within, forkedFrom }: TraceStart,
  startedBy: Carrier | undefined,
): TraceCarrier | undefined {
  const active = otel.context.active()
  const given = within === undefined ? undefined : remoteSpan(otel, within)
  const parent = given === undefined ? active : otel.trace.setSpanContext(active, given)
  const links = [linkTo(otel, 'started_by', startedBy), linkTo(otel, 'forked_from', forkedFrom)]
  const span = beginSpan(
    otel,
    {
      name: `${INVOKE_AGENT} ${name}`,
      attributes: { ...attributes, ...agentAttributes(INVOKE_AGENT, name, runId, description) },
      links: links.filter((link) => link !== undefined),
      root: startedBy !== undefined,
    },
    parent,
  )
  endSpan(otel, span, {})
  return carrierOfSpan(otel, span.spanContext())
}

export { callerContext, captureCarrier, outsideTrace } from './api.ts'
export { chatAttributes, modelAttributes, replyAttributes, toolAttributes } from './attributes.ts'
export { parseTraceparent, type Carrier, type TraceCarrier } from './carrier.ts'
export { contentOf, type Content, type ContentOption, type Message } from './content.ts'
export { measure } from './metrics.ts'
export { onGround, startSegment, type ChildSpan, type Ground, type Segment } from './segment.ts'
export { errorType, type SpanEnding } from './span.ts'
export type { SpanAttributes } from './value.ts'
