/** A "process" with an OpenTelemetry SDK: until it is disposed, all spans that end are in `exported`. */
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

export interface Watched extends Disposable {
  readonly exported: readonly ReadableSpan[]
  /** Spans that began and did not end. */
  readonly open: ReadonlySet<string>
  /** The exported span of that name; fails unless there is exactly one. */
  span(name: string): ReadableSpan
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
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return {
    get exported() {
      return exporter.getFinishedSpans()
    },
    open,
    span(name) {
      const [span, ...others] = exporter.getFinishedSpans().filter((each) => each.name === name)
      if (span === undefined || others.length > 0)
        throw new Error(`${others.length + 1} or no spans named ${name}`)
      return span
    },
    [Symbol.dispose]() {
      trace.disable()
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
