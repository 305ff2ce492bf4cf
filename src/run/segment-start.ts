/** Where a segment's spans begin: what its run stored, and what is known of the segment before. */
import type { Clock } from '../base/clock.ts'
import type { Definition } from '../agent/definition.ts'
import type { State } from '../journal/shape.ts'
import { CALLS_LOST, HEAP, HOLDER, WAITED, WHY } from '../telemetry/names.ts'
import { modelAttributes, type Ground, type startSegment } from '../telemetry/trace.ts'
import type { Drive } from './driving.ts'
import type { OpenGuest } from './heap.ts'
import type { Recovered } from './recover.ts'

type SegmentStart = Parameters<typeof startSegment>[0]

export interface SegmentGiven {
  readonly definition: Definition
  readonly recovered: Recovered
  readonly clock: Clock
  readonly heap: OpenGuest['heap']
  readonly drive: Pick<Drive, 'lease' | 'why' | 'caller' | 'otelContext'>
  /** The store's time. */
  readonly now: number
}

/** What all spans of a run stand on, in whichever segment. */
export function groundOf(
  { run }: State,
  { caller, otelContext }: Pick<Drive, 'caller' | 'otelContext'>,
): Ground {
  const { traceparent, tracestate, baggage } = run
  return {
    carrier: {
      traceparent,
      ...(tracestate === undefined ? {} : { tracestate }),
      ...(baggage === undefined ? {} : { baggage }),
    },
    caller,
    ...(otelContext === undefined ? {} : { override: otelContext }),
  }
}

export function segmentStart({ definition, recovered, heap, drive, now }: SegmentGiven): SegmentStart {
  const { state } = recovered
  const isFirst = state.segments === 0
  return {
    ...groundOf(state, drive),
    name: state.run.agent,
    runId: state.runId,
    number: state.segments + 1,
    attributes: {
      ...modelAttributes(definition.modelName),
      [WHY]: drive.why,
      [HEAP]: heap,
      [HOLDER]: drive.lease.holder,
      [WAITED]: isFirst ? undefined : Math.max(0, now - state.at) / 1_000,
    },
    ...(state.span === undefined ? {} : { resumedFrom: { traceparent: state.span } }),
    ...(isLost(state, drive) ? { lost: lostSegment(state) } : {}),
    content: definition.telemetry.content,
    clean: (data) => definition.secrets.clean(data),
  }
}

/** Its driver never gave its lease back, and wrote last. */
function isLost({ segments, epoch }: State, { lease }: Pick<Drive, 'lease'>): boolean {
  return segments > 0 && lease.before !== undefined && epoch < lease.epoch
}

function lostSegment({ spanAt, at, calls }: State): NonNullable<SegmentStart['lost']> {
  const underWay = Object.values(calls).flatMap((call) => (call.at.is === 'started' ? [call.id] : []))
  return {
    from: spanAt ?? at,
    to: at,
    attributes: { [CALLS_LOST]: underWay.length === 0 ? undefined : underWay },
  }
}
