import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  createTraceState,
  propagation,
  trace,
} from '@opentelemetry/api'
import { AlwaysOffSampler, ParentBasedSampler, type ReadableSpan } from '@opentelemetry/sdk-trace'
import { describe, expect, test } from 'vitest'
import {
  type Carrier,
  captureCarrier,
  chatAttributes,
  newTraceparent,
  outsideTrace,
  parseTraceparent,
  replyAttributes,
  startSegment,
  startTrace,
  toolAttributes,
} from '../../src/telemetry/trace.ts'
import { idOf, stored, watched } from './watched.ts'

const named = { name: 'helper', runId: 'run-1' }
const traceOf = (carrier: Carrier): string | undefined => parseTraceparent(carrier.traceparent)?.traceId
const spanOf = (carrier: Carrier): string | undefined => parseTraceparent(carrier.traceparent)?.spanId

/** T2 */
function expectNoOrphan(spans: readonly ReadableSpan[], callers: readonly string[] = []): void {
  const known = new Set([...spans.map(idOf), ...callers])
  for (const span of spans) {
    const parent = span.parentSpanContext
    if (parent !== undefined) expect(known, `the parent of ${span.name}`).toContain(parent.spanId)
  }
}

describe('one trace over two processes', () => {
  function twoSegments(): {
    spans: readonly ReadableSpan[]
    root: Carrier
    first: Carrier
    second: Carrier
    waker: Carrier
  } {
    const spans: ReadableSpan[] = []
    let root: Carrier
    let first: Carrier
    {
      using process = watched()
      root = stored(startTrace(named))
      const segment = startSegment({ ...named, carrier: root })
      segment.child('chat m', 'client', chatAttributes('anthropic.messages/m', 1, 1)).end()
      first = stored(segment.carrier)
      segment.end({ 'pca.status': 'paused' })
      expect(process.open.size).toBe(0)
      spans.push(...process.exported)
    }
    using process = watched()
    const waker = trace.getTracer('app').startSpan('POST /answer')
    const resumedBy = context.with(trace.setSpan(ROOT_CONTEXT, waker), () => captureCarrier())
    const segment = startSegment({ ...named, carrier: root, resumedFrom: first, resumedBy })
    segment.child('execute_tool refund', 'internal', toolAttributes('refund', '1.1', 1)).end()
    segment.end()
    waker.end()
    expect(process.open.size).toBe(0)
    spans.push(...process.exported)
    return { spans, root, first, second: segment.carrier, waker: resumedBy }
  }

  test('has one id, and every parent was exported', () => {
    const { spans, root } = twoSegments()
    const ours = spans.filter((span) => span.name !== 'POST /answer')
    expect(ours.map((span) => span.name)).toEqual([
      'invoke_agent helper',
      'chat m',
      'run_segment helper',
      'execute_tool refund',
      'run_segment helper',
    ])
    expect(new Set(ours.map((span) => span.spanContext().traceId))).toEqual(new Set([traceOf(root)]))
    expectNoOrphan(spans)
  })

  test('segments are children of the short root, linked to the one before and to what woke them', () => {
    const { spans, root, first, second, waker } = twoSegments()
    const [one, two] = spans.filter((span) => span.name === 'run_segment helper')
    expect([one, two].map((span) => span?.parentSpanContext?.spanId)).toEqual([spanOf(root), spanOf(root)])
    expect([one, two].map((span) => span?.parentSpanContext?.isRemote)).toEqual([true, true])
    expect([one && idOf(one), two && idOf(two)]).toEqual([spanOf(first), spanOf(second)])
    expect(one?.links).toEqual([])
    expect(
      two?.links.map((link) => [link.attributes?.['pca.link'], link.context.spanId, link.context.traceId]),
    ).toEqual([
      ['resumed_from', spanOf(first), traceOf(root)],
      ['resumed_by', spanOf(waker), traceOf(waker)],
    ])
  })

  test('every span names the run; kinds and names are the conventions’', () => {
    const { spans } = twoSegments()
    const ours = spans.filter((span) => span.name !== 'POST /answer')
    expect(ours.map((span) => span.attributes['gen_ai.conversation.id'])).toEqual(ours.map(() => 'run-1'))
    const [root, chat, segment, tool] = ours
    expect(root?.attributes).toEqual({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'helper',
      'gen_ai.conversation.id': 'run-1',
    })
    expect(chat).toMatchObject({
      kind: SpanKind.CLIENT,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.request.model': 'm',
        'pca.attempt': 1,
      },
    })
    expect(segment).toMatchObject({
      kind: SpanKind.INTERNAL,
      attributes: { 'gen_ai.operation.name': 'run_segment', 'pca.status': 'paused' },
    })
    expect(tool).toMatchObject({
      kind: SpanKind.INTERNAL,
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'refund',
        'gen_ai.tool.call.id': '1.1',
      },
    })
  })
})

describe("the caller's trace", () => {
  test('is joined by the root, and the segment is not the child of what is active when it starts', () => {
    using process = watched()
    const caller = trace.getTracer('app').startSpan('request')
    const around = trace.setSpan(ROOT_CONTEXT, caller)
    const root = context.with(around, () => startTrace(named))
    const segment = context.with(around, () => startSegment({ ...named, carrier: root }))
    segment.end()
    caller.end()
    expect(traceOf(root)).toBe(caller.spanContext().traceId)
    expect(process.span('invoke_agent helper').parentSpanContext?.spanId).toBe(caller.spanContext().spanId)
    expect(process.span('run_segment helper').parentSpanContext?.spanId).toBe(spanOf(root))
    expectNoOrphan(process.exported)
  })

  test('with its tracestate', () => {
    using process = watched()
    const remote = {
      traceId: '1'.repeat(32),
      spanId: '2'.repeat(16),
      traceFlags: 1,
      isRemote: true,
      traceState: createTraceState('vendor=a'),
    }
    const root = context.with(trace.setSpanContext(ROOT_CONTEXT, remote), () => startTrace(named))
    expect(root).toMatchObject({ tracestate: 'vendor=a' })
    const segment = startSegment({ ...named, carrier: stored(root) })
    expect(segment.carrier).toMatchObject({ tracestate: 'vendor=a' })
    segment.end()
    expectNoOrphan(process.exported, [remote.spanId])
  })

  test('a sampled-out caller stays sampled out, with the same trace id', () => {
    using process = watched({ sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }) })
    const root = startTrace(named)
    const segment = startSegment({ ...named, carrier: root })
    segment.child('chat m', 'client').end()
    segment.end()
    expect(parseTraceparent(root.traceparent)?.flags).toBe(0)
    expect(traceOf(segment.carrier)).toBe(traceOf(root))
    expect(process.exported).toEqual([])
  })

  test('baggage of the caller reaches the tools', () => {
    using process = watched()
    const baggage = propagation.createBaggage({ tenant: { value: 't1' } })
    const segment = context.with(propagation.setBaggage(ROOT_CONTEXT, baggage), () =>
      startSegment({ ...named, carrier: startTrace(named) }),
    )
    expect(segment.run(() => propagation.getActiveBaggage()?.getEntry('tenant')?.value)).toBe('t1')
    segment.end()
    expect(process.open.size).toBe(0)
  })
})

describe('an override', () => {
  const other = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }

  test.each([
    ['a carrier', () => other],
    ['a bare traceparent', () => other.traceparent],
    [
      'a Context',
      () =>
        trace.setSpanContext(ROOT_CONTEXT, {
          traceId: 'a'.repeat(32),
          spanId: 'b'.repeat(16),
          traceFlags: 1,
        }),
    ],
  ])('by %s takes the place of the stored context', (_name, override) => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named), override: override() })
    segment.end()
    expect(process.span('run_segment helper').parentSpanContext?.spanId).toBe('b'.repeat(16))
    expect(traceOf(segment.carrier)).toBe('a'.repeat(32))
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a Context without a span', ROOT_CONTEXT],
    ['nonsense', { traceparent: 'x' }],
    ['text', 'hello'],
  ])('by %s changes nothing', (_name, override) => {
    using process = watched()
    const root = startTrace(named)
    startSegment({ ...named, carrier: root, override }).end()
    expect(process.span('run_segment helper').parentSpanContext?.spanId).toBe(spanOf(root))
  })
})

describe('links', () => {
  test('the parent and a repeated one are not linked, nor what is no carrier', () => {
    using process = watched()
    const root = startTrace(named)
    const first = startSegment({ ...named, carrier: root })
    first.end()
    startSegment({
      name: 'b',
      runId: 'r',
      carrier: root,
      resumedFrom: first.carrier,
      resumedBy: first.carrier,
    }).end()
    startSegment({
      name: 'c',
      runId: 'r',
      carrier: root,
      resumedFrom: root,
      resumedBy: { traceparent: 'x' },
    }).end()
    expect(process.span('run_segment b').links.map((link) => link.attributes)).toEqual([
      { 'pca.link': 'resumed_from' },
    ])
    expect(process.span('run_segment c').links).toEqual([])
  })
})

describe('children', () => {
  test('stand below the segment or below another child', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    const step = segment.child('execute_tool run_code', 'internal', toolAttributes('run_code'))
    const call = segment.child('execute_tool refund', 'internal', toolAttributes('refund'), step)
    call.end()
    step.end()
    segment.end()
    expect(process.span('execute_tool refund').parentSpanContext?.spanId).toBe(spanOf(step.carrier))
    expect(process.span('execute_tool run_code').parentSpanContext?.spanId).toBe(spanOf(segment.carrier))
    expectNoOrphan(process.exported)
  })

  test('what an author traces within a host call stands below that call, over its awaits', async () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    const tool = async (own: string): Promise<void> => {
      await Promise.resolve()
      trace.getTracer('app').startSpan(own).end()
    }
    const [a, b] = [segment.child('a', 'internal'), segment.child('b', 'internal')]
    await Promise.all([
      segment.within(a, () => tool('in a')),
      segment.within(b, () => tool('in b')),
      segment.run(() => tool('in none')),
    ])
    for (const span of [a, b]) span.end()
    segment.end()
    expect(process.span('in a').parentSpanContext?.spanId).toBe(spanOf(a.carrier))
    expect(process.span('in b').parentSpanContext?.spanId).toBe(spanOf(b.carrier))
    expect(process.span('in none').parentSpanContext?.spanId).toBe(spanOf(segment.carrier))
  })

  test.each<[string, unknown, string, string | undefined]>([
    ['an Error', new RangeError('too far'), 'RangeError', 'too far'],
    ["a guest's error", { name: 'ToolError', message: 'no money' }, 'ToolError', 'no money'],
    ['an error of the journal', { code: 'MODEL', message: 'overloaded' }, '_OTHER', 'overloaded'],
    ['text', 'bad', 'string', 'bad'],
    ['null', null, '_OTHER', undefined],
  ])('fail with %s', (_name, error, type, message) => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    segment.child('x', 'internal').end({ error, attributes: { more: 1, none: undefined } })
    segment.end()
    const span = process.span('x')
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) })
    expect(span.attributes).toEqual({ 'error.type': type, more: 1, 'gen_ai.conversation.id': 'run-1' })
  })

  test('that end well have no status', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    const reply = {
      usage: { inputTokens: 5, outputTokens: 2 },
      tokens: { cacheRead: 3 },
      finishReason: 'stop',
      modelId: 'm2',
    }
    segment.child('chat m', 'client').end({ attributes: replyAttributes(reply) })
    segment.end()
    expect(process.span('chat m').status).toEqual({ code: SpanStatusCode.UNSET })
    expect(process.span('chat m').attributes).toEqual({
      'gen_ai.conversation.id': 'run-1',
      'gen_ai.usage.input_tokens': 5,
      'gen_ai.usage.output_tokens': 2,
      'gen_ai.usage.cache_read.input_tokens': 3,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.model': 'm2',
    })
  })
})

describe('no span leaks', () => {
  test('a segment that ends takes what is open with it, and says so', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    const step = segment.child('step', 'internal')
    const call = segment.child('call', 'internal', {}, step)
    segment.end({ 'pca.status': 'paused' })
    expect(process.open.size).toBe(0)
    expect(process.exported.map((span) => span.name)).toEqual([
      'invoke_agent helper',
      'call',
      'step',
      'run_segment helper',
    ])
    expect(process.span('call').attributes).toMatchObject({ 'pca.unfinished': true })
    // Late ends, and a second end, count for nothing.
    call.end({ error: new Error('late') })
    segment.end({ 'pca.status': 'completed' })
    expect(process.exported).toHaveLength(4)
    expect(process.span('run_segment helper').attributes).toMatchObject({ 'pca.status': 'paused' })
  })

  test('a child that comes too late is no span', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    segment.end()
    const late = segment.child('late', 'internal')
    expect(segment.within(late, () => 7)).toBe(7)
    late.end()
    expect(process.exported.map((span) => span.name)).not.toContain('late')
    expect(late.carrier).toEqual(segment.carrier)
  })

  test('a timer made outside the trace holds no span', async () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    const seen = Promise.withResolvers<Carrier>()
    segment.run(() => outsideTrace(() => setImmediate(() => seen.resolve(captureCarrier()))))
    segment.end()
    expect(await seen.promise).toEqual({})
    expect(process.open.size).toBe(0)
  })

  test('a processor that throws does not reach the run', () => {
    using process = watched({
      more: [
        {
          onStart: (span) => {
            if (span.name === 'bad start') throw new Error('start')
          },
          onEnd: (span) => {
            if (span.name === 'bad end') throw new Error('end')
          },
          forceFlush: () => Promise.resolve(),
          shutdown: () => Promise.resolve(),
        },
      ],
    })
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    const unborn = segment.child('bad start', 'internal')
    expect(segment.within(unborn, () => 1)).toBe(1)
    expect(traceOf(unborn.carrier)).toBe(traceOf(segment.carrier))
    unborn.end()
    expect(() => segment.child('bad end', 'internal').end({ error: new Error('x') })).not.toThrow()
    segment.end()
    expect(process.exported.map((span) => span.name)).toContain('run_segment helper')
  })

  test('what the run does may throw: it is the run’s', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    expect(() =>
      segment.run(() => {
        throw new Error('mine')
      }),
    ).toThrow('mine')
    segment.end()
    expect(process.open.size).toBe(0)
  })
})

describe('without an SDK', () => {
  test('the trace id is valid, stays, and is not marked as sampled', () => {
    const root = startTrace(named)
    expect(parseTraceparent(root.traceparent)).toMatchObject({ flags: 0 })
    const segment = startSegment({ ...named, carrier: root })
    expect(segment.traceparent).toBe(root.traceparent)
    const child = segment.child('x', 'internal')
    expect(child.carrier).toEqual(root)
    expect(segment.within(child, () => segment.run(() => 5))).toBe(5)
    child.end({ error: new Error('x') })
    segment.end()
    expect(startTrace(named).traceparent).not.toBe(root.traceparent)
  })

  test('a later process that has one makes no orphan of it', () => {
    const root = stored(startTrace(named))
    using process = watched()
    const segment = startSegment({ ...named, carrier: root })
    segment.child('chat m', 'client').end()
    segment.end()
    expect(process.exported).toEqual([])
    expect(traceOf(segment.carrier)).toBe(traceOf(root))
  })

  test('a process without one goes on in the trace of one that had it', () => {
    let root: Carrier
    {
      using _process = watched()
      root = stored(startTrace(named))
    }
    expect(traceOf(startSegment({ ...named, carrier: root }).carrier)).toBe(traceOf(root))
  })

  test('a stored carrier that is missing is replaced by a valid one', () => {
    expect(parseTraceparent(startSegment({ ...named, carrier: {} }).traceparent)).toBeDefined()
  })
})

describe('carriers', () => {
  test('captureCarrier of the active context, a Context, a carrier, anything', () => {
    using _process = watched()
    expect(captureCarrier()).toEqual({})
    const span = trace.getTracer('app').startSpan('x')
    const around = trace.setSpan(ROOT_CONTEXT, span)
    const carrier = context.with(around, () => captureCarrier())
    expect(carrier).toEqual({
      traceparent: `00-${span.spanContext().traceId}-${span.spanContext().spanId}-0${span.spanContext().traceFlags}`,
    })
    expect(captureCarrier(around)).toEqual(carrier)
    expect(captureCarrier(ROOT_CONTEXT)).toEqual({})
    expect(captureCarrier({ ...carrier, tracestate: 'a=1', other: 2 })).toEqual({
      ...carrier,
      tracestate: 'a=1',
    })
    expect(captureCarrier(carrier.traceparent)).toEqual(carrier)
    for (const nonsense of [null, 7, {}, { traceparent: 7 }, 'x', []])
      expect(captureCarrier(nonsense)).toEqual({})
    span.end()
  })

  test('newTraceparent joins or is fresh', () => {
    using _process = watched()
    const given = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    expect(newTraceparent({ traceparent: given })).toBe(given)
    const [one, two] = [newTraceparent(), newTraceparent()]
    expect(parseTraceparent(one)).toBeDefined()
    expect(one).not.toBe(two)
  })
})
