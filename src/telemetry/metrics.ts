/**
 * Metrics, through the global meter of OpenTelemetry's API. Each is recorded once, when what it measures has ended; none
 * names a run, a call or a person.
 */
import { api, type Histogram, type MeterProvider } from './api.ts'
import {
  EXECUTE_TOOL_DURATION,
  INVOKE_AGENT_DURATION,
  OPERATION_DURATION,
  QUESTION_DURATION,
  SCOPE,
  TASKS_ENDED,
  TOKEN_USAGE,
} from './names.ts'
import { tellableAttributes, type SpanAttributes } from './value.ts'

/** Upper bounds that the conventions advise: seconds of a request or a call, and tokens. */
const SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
const TOKENS = Array.from({ length: 14 }, (_, power) => 4 ** power)
/** Of a whole stretch of work, and of people: a second to weeks. */
const LONG = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400, 604_800, 2_592_000]

interface Instrument {
  readonly description: string
  readonly unit: string
  /** Absent: it counts. */
  readonly bounds?: readonly number[]
}

type Metric =
  | typeof OPERATION_DURATION
  | typeof TOKEN_USAGE
  | typeof EXECUTE_TOOL_DURATION
  | typeof INVOKE_AGENT_DURATION
  | typeof QUESTION_DURATION
  | typeof TASKS_ENDED

const INSTRUMENTS: Readonly<Record<Metric, Instrument>> = {
  [OPERATION_DURATION]: { description: 'Requests to models', unit: 's', bounds: SECONDS },
  [TOKEN_USAGE]: { description: 'Tokens of requests to models', unit: '{token}', bounds: TOKENS },
  [EXECUTE_TOOL_DURATION]: { description: 'Calls of tools', unit: 's', bounds: SECONDS },
  [INVOKE_AGENT_DURATION]: {
    description: 'Runs driven, from a start or a resume to the next rest',
    unit: 's',
    bounds: LONG,
  },
  [QUESTION_DURATION]: { description: 'Questions to people, until the answer', unit: 's', bounds: LONG },
  [TASKS_ENDED]: { description: 'Tasks that ended', unit: '{task}' },
}

type Recorder = (value: number, attributes: Record<string, string | number | boolean | string[]>) => void

const made = new WeakMap<MeterProvider, Map<string, Recorder>>()

/** Records a value of a metric; 1 counts one. Never throws. */
export function measure(name: Metric, value: number, attributes: SpanAttributes): void {
  const otel = api()
  if (otel === null || !Number.isFinite(value)) return
  try {
    const provider = otel.metrics.getMeterProvider()
    const recorders = made.get(provider) ?? new Map<string, Recorder>()
    made.set(provider, recorders)
    const record = recorders.get(name) ?? recorderOf(provider, name)
    recorders.set(name, record)
    record(value, tellableAttributes(attributes))
  } catch {
    // What a metrics SDK does wrong is its own.
  }
}

function recorderOf(provider: MeterProvider, name: Metric): Recorder {
  const { description, unit, bounds } = INSTRUMENTS[name]
  const meter = provider.getMeter(SCOPE)
  if (bounds === undefined) {
    const counter = meter.createCounter(name, { description, unit })
    return (value, attributes) => counter.add(value, attributes)
  }
  const histogram: Histogram = meter.createHistogram(name, {
    description,
    unit,
    advice: { explicitBucketBoundaries: [...bounds] },
  })
  return (value, attributes) => histogram.record(value, attributes)
}
