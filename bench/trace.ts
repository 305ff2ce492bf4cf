/** What telling OpenTelemetry costs a host call: the same calls without an SDK, and with one. */
import { context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  TracerProvider,
  type Sampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace'
import { memoryStore } from '../src/index.ts'
import { inAgent, type Sample } from './calls.ts'
import { spreadOf } from './measure.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

/** Takes spans and forgets them: what is measured is ours and the SDK's, not a network. */
const nowhere: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => undefined,
}

const WAYS: readonly { readonly name: string; readonly begin?: () => void; readonly content?: true }[] = [
  { name: 'no SDK' },
  { name: 'SDK, sampled out', begin: () => register(new AlwaysOffSampler()) },
  { name: 'SDK', begin: () => register() },
  { name: 'SDK, with content', begin: () => register(), content: true },
]

export async function traceTable(settings: Settings): Promise<readonly Table[]> {
  const calls = settings.quick ? 100 : 1_000
  const code = `for (let i = 0; i < ${calls}; i++) await get({ n: i })`
  const samples = WAYS.map((): Sample[] => [])
  for (let round = 0; round < (settings.quick ? 1 : settings.rounds); round++)
    for (const [index, { begin, content }] of WAYS.entries()) {
      begin?.()
      samples[index]?.push(
        await inAgent(memoryStore(), code, calls, content === undefined ? {} : { content }),
      )
      for (const part of [trace, metrics, context]) part.disable()
    }
  const rows = WAYS.map(({ name }, index) => {
    const taken = samples[index] ?? []
    const [wall, cpu] = [spreadOf(taken.map((one) => one.wall)), spreadOf(taken.map((one) => one.cpu))]
    return { name, us: wall.median, usMin: wall.min, cpu: cpu.median, cpuMin: cpu.min }
  })
  return [
    {
      id: 'trace',
      title: `us per host call, with and without OpenTelemetry: ${calls} calls one by one, memory store`,
      columns: [
        { key: 'name', label: 'telemetry' },
        { key: 'us', label: 'us', digits: 0 },
        { key: 'usMin', label: 'min', digits: 0 },
        { key: 'cpu', label: 'CPU us', digits: 0 },
        { key: 'cpuMin', label: 'min', digits: 0 },
      ],
      rows,
      notes: ['SDK 3.x, spans in batches to an exporter that forgets them, and metrics that nobody reads.'],
      quoted: [],
    },
  ]
}

function register(sampler?: Sampler): void {
  const spanProcessors = [new BatchSpanProcessor({ exporter: nowhere })]
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors, ...(sampler && { sampler }) }))
  metrics.setGlobalMeterProvider(new MeterProvider({}))
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
}
