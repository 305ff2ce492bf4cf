/** A "process" with an OpenTelemetry SDK: until it is disposed, all spans that end are in `exported`. */
import { context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'

export interface Watched extends Disposable {
  readonly exported: readonly ReadableSpan[]
  /** Spans that began and did not end. */
  readonly open: ReadonlySet<string>
  /** The exported span of that name; fails unless there is exactly one. */
  span(name: string): ReadableSpan
  spans(name: string): readonly ReadableSpan[]
  /** What a metric has seen: attributes, and how often (a histogram) or how much (a counter). */
  metric(
    name: string,
  ): Promise<readonly { readonly attributes: object; readonly count: number; readonly sum: number }[]>
}

export function watched(
  options: { readonly sampler?: Sampler; readonly more?: readonly SpanProcessor[] } = {},
): Watched {
  const exporter = new InMemorySpanExporter()
  const open = new Set<string>()
  const counting: SpanProcessor = {
    onStart: (span) => void open.add(span.spanContext().spanId),
    onEnd: (span) => void open.delete(span.spanContext().spanId),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
  const provider = new TracerProvider({
    spanProcessors: [counting, new SimpleSpanProcessor({ exporter }), ...(options.more ?? [])],
    ...(options.sampler === undefined ? {} : { sampler: options.sampler }),
  })
  const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 1e9 })
  trace.setGlobalTracerProvider(provider)
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const spans = (name: string): readonly ReadableSpan[] =>
    exporter.getFinishedSpans().filter((each) => each.name === name)
  return {
    get exported() {
      return exporter.getFinishedSpans()
    },
    open,
    spans,
    span(name) {
      const [span, ...others] = spans(name)
      if (span === undefined || others.length > 0)
        throw new Error(`${others.length + 1} or no spans named ${name}`)
      return span
    },
    async metric(name) {
      await reader.forceFlush()
      const newest =
        measured
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
      return newest
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) =>
          dataPoints.map(({ attributes, value }) =>
            typeof value === 'number'
              ? { attributes, count: value, sum: value }
              : { attributes, count: value.count, sum: 'sum' in value ? (value.sum ?? 0) : 0 },
          ),
        )
    },
    [Symbol.dispose]() {
      trace.disable()
      metrics.disable()
      context.disable()
    },
  }
}

export function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId
}

/** The carrier as the next process reads it from the store. */
export function stored<T>(carrier: T): T {
  return structuredClone(carrier)
}
