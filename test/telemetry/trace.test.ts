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
  callerContext,
  captureCarrier,
  chatAttributes,
  contentOf,
  onGround,
  outsideTrace,
  parseTraceparent,
  startSegment,
  startTrace,
  toolAttributes,
} from '../../src/telemetry/trace.ts'
import { idOf, stored, watched } from './watched.ts'

const named = { name: 'helper', runId: 'run-1', number: 1 }
const chat = { name: 'chat m', kind: 'client' } as const
const traceOf = (carrier: Carrier): string | undefined => parseTraceparent(carrier.traceparent)?.traceId
const spanOf = (carrier: Carrier): string | undefined => parseTraceparent(carrier.traceparent)?.spanId
const parentOf = (span: ReadableSpan | undefined): string | undefined => span?.parentSpanContext?.spanId
const linked = (span: ReadableSpan | undefined): readonly unknown[] =>
  (span?.links ?? []).map((link) => [link.attributes?.['pca.link'], link.context.spanId])

/** T2: exported before whatever stands below it. */
function expectNoOrphan(spans: readonly ReadableSpan[], callers: readonly string[] = []): void {
  const known = new Set(callers)
  for (const span of spans) {
    const parent = parentOf(span)
    if (parent !== undefined) expect(known, `the parent of ${span.name}`).toContain(parent)
    known.add(idOf(span))
  }
}

describe('one trace over two processes', () => {
  function twoSegments(): {
    spans: readonly ReadableSpan[]
    root: Carrier
    first: Carrier
    second: Carrier
    waker: string
  } {
    const spans: ReadableSpan[] = []
    let root: Carrier
    let first: Carrier
    {
      using process = watched()
      root = stored(startTrace(named))
      const segment = startSegment({ ...named, carrier: root })
      segment.child({ ...chat, attributes: chatAttributes('anthropic.messages/m', { step: 1 }) }, 1).end()
      first = stored(segment.carrier)
      segment.end({ 'pca.status': 'paused' })
      expect(process.open.size).toBe(0)
      spans.push(...process.exported)
    }
    using process = watched()
    const waker = trace.getTracer('app').startSpan('POST /answer')
    const caller = context.with(trace.setSpan(ROOT_CONTEXT, waker), callerContext)
    const segment = startSegment({ ...named, number: 2, carrier: root, resumedFrom: first, caller })
    const tool = toolAttributes('refund', { call: '1.1', attempt: 1 })
    segment.child({ name: 'execute_tool refund', attributes: tool }, 1).end()
    segment.end()
    waker.end()
    expect(process.open.size).toBe(0)
    spans.push(...process.exported)
    return { spans, root, first, second: segment.carrier, waker: waker.spanContext().spanId }
  }

  test('has one id, and every parent was exported before what stands below it', () => {
    const { spans, root } = twoSegments()
    const ours = spans.filter((span) => span.name !== 'POST /answer')
    expect(ours.map((span) => span.name)).toEqual([
      'invoke_agent helper',
      'agent_step 1',
      'chat m',
      'run_segment helper',
      'agent_step 1',
      'execute_tool refund',
      'run_segment helper',
    ])
    expect(new Set(ours.map((span) => span.spanContext().traceId))).toEqual(new Set([traceOf(root)]))
    expectNoOrphan(spans)
  })

  test('segments are children of the short root, linked to the one before and to what woke them', () => {
    const { spans, root, first, second, waker } = twoSegments()
    const [one, two] = spans.filter((span) => span.name === 'run_segment helper')
    expect([one, two].map(parentOf)).toEqual([spanOf(root), spanOf(root)])
    expect([one, two].map((span) => span?.parentSpanContext?.isRemote)).toEqual([true, true])
    expect([one && idOf(one), two && idOf(two)]).toEqual([spanOf(first), spanOf(second)])
    expect(one?.links).toEqual([])
    expect(linked(two)).toEqual([
      ['resumed_from', spanOf(first)],
      ['resumed_by', waker],
    ])
  })

  test('every span names the run; kinds and names are the conventions’', () => {
    const { spans } = twoSegments()
    const ours = spans.filter((span) => span.name !== 'POST /answer')
    expect(ours.map((span) => span.attributes['gen_ai.conversation.id'])).toEqual(ours.map(() => 'run-1'))
    const [root, step, asked, segment, , tool] = ours
    expect(root?.attributes).toEqual({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'helper',
      'gen_ai.conversation.id': 'run-1',
    })
    expect(step?.attributes).toMatchObject({ 'gen_ai.operation.name': 'agent_step', 'pca.step': 1 })
    expect(asked).toMatchObject({
      kind: SpanKind.CLIENT,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.request.model': 'm',
        'gen_ai.agent.name': 'helper',
      },
    })
    expect(segment).toMatchObject({
      kind: SpanKind.INTERNAL,
      attributes: { 'gen_ai.operation.name': 'run_segment', 'pca.segment': 1, 'pca.status': 'paused' },
    })
    expect(tool).toMatchObject({
      kind: SpanKind.INTERNAL,
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'refund',
        'gen_ai.tool.call.id': '1.1',
        'pca.segment': 2,
      },
    })
  })

  test('a segment that was lost with its process is told by the next, and linked', () => {
    const { root, first } = twoSegments()
    using process = watched()
    const lost = { from: 1_000, to: 4_500, attributes: { 'pca.calls.lost': ['1.1'] } }
    const segment = startSegment({ ...named, number: 2, carrier: root, resumedFrom: first, lost })
    // Killed here, it is told by whoever comes next: this segment was none.
    expect(process.exported).toEqual([])
    segment.begun()
    segment.end()
    const [one, two] = process.spans('run_segment helper')
    expect(one).toMatchObject({
      startTime: [1, 0],
      endTime: [4, 500_000_000],
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'pca.segment': 1, 'pca.status': 'lost', 'pca.calls.lost': ['1.1'], 'error.type': 'lost' },
    })
    expect(parentOf(one)).toBe(spanOf(root))
    expect(linked(two)).toEqual([['resumed_from', one && idOf(one)]])
    expect(process.open.size).toBe(0)
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
    expect(parentOf(process.span('invoke_agent helper'))).toBe(caller.spanContext().spanId)
    expect(parentOf(process.span('run_segment helper'))).toBe(spanOf(root))
    expectNoOrphan(process.exported, [caller.spanContext().spanId])
  })

  test('is left by a run with a trace of its own, which is linked to it', () => {
    using process = watched()
    const caller = trace.getTracer('app').startSpan('request')
    const root = context.with(trace.setSpan(ROOT_CONTEXT, caller), () =>
      startTrace({ ...named, mode: 'root' }),
    )
    caller.end()
    expect(traceOf(root)).not.toBe(caller.spanContext().traceId)
    const span = process.span('invoke_agent helper')
    expect(parentOf(span)).toBeUndefined()
    expect(linked(span)).toEqual([['started_by', caller.spanContext().spanId]])
  })

  test('does not decide for a run with a trace of its own', () => {
    using process = watched({
      sampler: new ParentBasedSampler({ root: { shouldSample: () => ({ decision: 2 }) } }),
    })
    const dropped = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: '1'.repeat(32),
      spanId: '2'.repeat(16),
      traceFlags: 0,
      isRemote: true,
    })
    for (const mode of ['join', 'root'] as const) {
      const root = context.with(dropped, () => startTrace({ ...named, name: mode, mode }))
      startSegment({ ...named, name: mode, carrier: stored(root) }).end()
    }
    expect(process.exported.map(({ name }) => name)).toEqual(['invoke_agent root', 'run_segment root'])
  })

  test('of a step that calls the run is its parent, whatever is active', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    const call = segment.child({ name: 'execute_tool researcher' }, 3)
    const root = segment.within(call, () =>
      startTrace({ name: 'researcher', runId: 'run-1.3.1', within: segment.step(3), mode: 'root' }),
    )
    call.end()
    segment.end()
    expect(parentOf(process.span('invoke_agent researcher'))).toBe(idOf(process.span('agent_step 3')))
    expect(traceOf(root)).toBe(traceOf(segment.carrier))
    expectNoOrphan(process.exported)
  })

  test('of a run whose past a fork shares is linked', () => {
    using process = watched()
    const first = startTrace(named)
    startTrace({ name: 'fork', runId: 'run-2', forkedFrom: first })
    expect(linked(process.span('invoke_agent fork'))).toEqual([['forked_from', spanOf(first)]])
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
    segment.child(chat, 1).end()
    segment.end()
    expect(parseTraceparent(root.traceparent)?.flags).toBe(0)
    expect(traceOf(segment.carrier)).toBe(traceOf(root))
    expect(process.exported).toEqual([])
  })
})

describe('baggage of the caller', () => {
  const baggage = propagation.createBaggage({ tenant: { value: 'ä, 1' }, secret: { value: 's' } })
  const tenant = (): string | undefined => propagation.getActiveBaggage()?.getEntry('tenant')?.value

  test('is stored with the trace, and tools have it in a later process', () => {
    let root: Carrier
    {
      using _process = watched()
      root = stored(context.with(propagation.setBaggage(ROOT_CONTEXT, baggage), () => startTrace(named)))
    }
    expect(root.baggage).toBe('tenant=%C3%A4%2C%201,secret=s')
    using process = watched()
    const segment = startSegment({ ...named, number: 2, carrier: root })
    const call = segment.child({ name: 'execute_tool x' }, 1)
    expect(segment.within(call, tenant)).toBe('ä, 1')
    expect(segment.beside(1, tenant)).toBe('ä, 1')
    expect(onGround({ carrier: root }, tenant)).toBe('ä, 1')
    segment.end()
    expect(process.open.size).toBe(0)
  })

  test('of which only some keys are to be kept', () => {
    using _process = watched()
    const kept = (baggageKeys?: readonly string[]): string | undefined =>
      context.with(propagation.setBaggage(ROOT_CONTEXT, baggage), () => startTrace({ ...named, baggageKeys }))
        .baggage
    expect(kept(['tenant'])).toBe('tenant=%C3%A4%2C%201')
    expect(kept([])).toBeUndefined()
  })

  test('whoever resumes has the last word', () => {
    using _process = watched()
    const mine = propagation.setBaggage(
      ROOT_CONTEXT,
      propagation.createBaggage({ tenant: { value: 'mine' } }),
    )
    const carrier = { ...startTrace(named), baggage: 'tenant=a,more=b' }
    const entries = onGround({ carrier, caller: mine }, () => propagation.getActiveBaggage()?.getAllEntries())
    expect(entries).toEqual([
      ['tenant', { value: 'mine' }],
      ['more', { value: 'b' }],
    ])
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
    segment.child(chat, 1).end()
    segment.end()
    for (const name of ['run_segment helper', 'agent_step 1'])
      expect(parentOf(process.span(name))).toBe('b'.repeat(16))
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
    expect(parentOf(process.span('run_segment helper'))).toBe(spanOf(root))
  })
})

describe('links', () => {
  test('the ground and a repeated one are not linked, nor what is no carrier, nor the caller of a first segment', () => {
    using process = watched()
    const root = startTrace(named)
    const first = startSegment({ ...named, carrier: root })
    first.end()
    const within = ({ traceparent }: Carrier): unknown => {
      const { traceId = '', spanId = '', flags = 0 } = parseTraceparent(traceparent) ?? {}
      return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags })
    }
    const begin = (name: string, resumedFrom: Carrier, caller: unknown, number = 2): void =>
      startSegment({ name, runId: 'r', number, carrier: root, resumedFrom, caller }).end()
    begin('b', first.carrier, within(first.carrier))
    begin('c', root, ROOT_CONTEXT)
    begin('d', { traceparent: 'x' }, within(first.carrier), 1)
    expect(linked(process.span('run_segment b'))).toEqual([['resumed_from', spanOf(first.carrier)]])
    expect(process.span('run_segment c').links).toEqual([])
    expect(process.span('run_segment d').links).toEqual([])
  })
})

describe('children', () => {
  test('stand below their step, which has ended before', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    const code = segment.child({ name: 'execute_tool run_code', attributes: toolAttributes('run_code') }, 1)
    const call = segment.child({ name: 'execute_tool refund', attributes: toolAttributes('refund') }, 1)
    segment.child({ name: 'no step' }).end()
    call.end()
    code.end()
    segment.end()
    const step = idOf(process.span('agent_step 1'))
    expect(parentOf(process.span('execute_tool refund'))).toBe(step)
    expect(parentOf(process.span('execute_tool run_code'))).toBe(step)
    expect(parentOf(process.span('no step'))).toBe(parentOf(process.span('run_segment helper')))
    expectNoOrphan(process.exported)
  })

  test('what an author traces within a host call stands below that call, over its awaits', async () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    const tool = async (own: string): Promise<void> => {
      await Promise.resolve()
      trace.getTracer('app').startSpan(own).end()
    }
    const [a, b] = [segment.child({ name: 'a' }, 1), segment.child({ name: 'b' }, 1)]
    await Promise.all([
      segment.within(a, () => tool('in a')),
      segment.within(b, () => tool('in b')),
      segment.beside(1, () => tool('in step')),
    ])
    for (const span of [a, b]) span.end()
    segment.end()
    expect(parentOf(process.span('in a'))).toBe(spanOf(a.carrier))
    expect(parentOf(process.span('in b'))).toBe(spanOf(b.carrier))
    expect(parentOf(process.span('in step'))).toBe(spanOf(segment.step(1)))
  })

  test.each<[string, unknown, string, string | undefined]>([
    ['an Error', new RangeError('too far'), 'RangeError', 'too far'],
    ["a guest's error", { name: 'ToolError', message: 'no money' }, 'ToolError', 'no money'],
    ['an error of the journal', { code: 'MODEL', message: 'overloaded' }, 'MODEL', 'overloaded'],
    ['text', 'bad', 'string', 'bad'],
    ['null', null, '_OTHER', undefined],
  ])('fail with %s; its message is content', (_name, error, type, message) => {
    using process = watched()
    for (const content of [false, true]) {
      const segment = startSegment({ ...named, carrier: startTrace(named), content: contentOf(content) })
      segment.child({ name: `content ${content}` }).end({ error, attributes: { more: 1 } })
      segment.end()
    }
    expect(process.span('content false').status).toEqual({ code: SpanStatusCode.ERROR })
    const span = process.span('content true')
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) })
    expect(span.attributes).toMatchObject({ 'error.type': type, more: 1 })
  })

  test('what they say is escaped and capped (H41)', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named), content: contentOf(true) })
    const evil = `\u001b[2J\n{"level":"error"}${'x'.repeat(1_048_576)}`
    const child = segment.child({ name: `execute_tool ${evil}`, attributes: { 'gen_ai.tool.name': evil } })
    child.end({ error: new Error(evil) })
    segment.tell('pca.event', { 'pca.by': evil })
    segment.end({ 'pca.status': evil })
    const said = process.exported
      .flatMap((span) => [
        span.name,
        span.status.message,
        ...[span.attributes, ...span.events.map((event) => event.attributes)].flatMap((one) =>
          Object.values(one ?? {}),
        ),
      ])
      .join('|')
    expect(said).toContain('\\u001b[2J\\n')
    expect(said).not.toMatch(/\p{Cc}/u)
    expect(said.length).toBeLessThan(30_000)
  })
})

describe('no span leaks', () => {
  test('a segment that ends takes what is open with it, and says so', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    segment.child({ name: 'code' }, 1)
    const call = segment.child({ name: 'call' }, 1)
    segment.end({ 'pca.status': 'paused' })
    expect(process.open.size).toBe(0)
    expect(process.exported.map((span) => span.name)).toEqual([
      'invoke_agent helper',
      'agent_step 1',
      'code',
      'call',
      'run_segment helper',
    ])
    expect(process.span('call').attributes).toMatchObject({ 'pca.unfinished': true })
    // Late ends, and a second end, count for nothing.
    call.end({ error: new Error('late') })
    segment.end({ 'pca.status': 'completed' })
    segment.tell('pca.late', {})
    expect(process.exported).toHaveLength(5)
    expect(process.span('run_segment helper')).toMatchObject({
      events: [],
      attributes: { 'pca.status': 'paused' },
    })
  })

  test('a child that comes too late is no span', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    segment.end()
    const late = segment.child({ name: 'late' }, 9)
    expect(segment.within(late, () => 7)).toBe(7)
    expect(segment.beside(9, () => 8)).toBe(8)
    late.end()
    expect(process.exported.map((span) => span.name)).toEqual(['invoke_agent helper', 'run_segment helper'])
    expect(late.carrier).toEqual(segment.carrier)
  })

  test('a timer made outside the trace holds no span', async () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    const seen = Promise.withResolvers<Carrier>()
    segment.beside(1, () => outsideTrace(() => setImmediate(() => seen.resolve(captureCarrier()))))
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
    const unborn = segment.child({ name: 'bad start' })
    expect(segment.within(unborn, () => 1)).toBe(1)
    expect(traceOf(unborn.carrier)).toBe(traceOf(segment.carrier))
    unborn.end()
    expect(() => segment.child({ name: 'bad end' }).end({ error: new Error('x') })).not.toThrow()
    segment.end()
    expect(process.exported.map((span) => span.name)).toContain('run_segment helper')
  })

  test('what the run does may throw: it is the run’s', () => {
    using process = watched()
    const segment = startSegment({ ...named, carrier: startTrace(named) })
    expect(() =>
      segment.beside(1, () => {
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
    const child = segment.child({ name: 'x' }, 1)
    expect(child.carrier).toEqual(root)
    expect(segment.step(1)).toEqual(root)
    expect(segment.within(child, () => segment.beside(1, () => 5))).toBe(5)
    child.end({ error: new Error('x') })
    segment.tell('pca.x', {})
    segment.end()
    expect(startTrace(named).traceparent).not.toBe(root.traceparent)
  })

  test('a later process that has one makes no orphan of it', () => {
    const root = stored(startTrace(named))
    using process = watched()
    const segment = startSegment({ ...named, carrier: root })
    segment.child(chat, 1).end()
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
    const full = { ...carrier, tracestate: 'a=1', baggage: 'k=v' }
    expect(captureCarrier({ ...full, baggage: 'k = v;p=1,nonsense,=x,(=y,a b=c,bad=%E0', other: 2 })).toEqual(
      full,
    )
    expect(captureCarrier(carrier.traceparent)).toEqual(carrier)
    for (const nonsense of [null, 7, {}, { traceparent: 7 }, 'x', []])
      expect(captureCarrier(nonsense)).toEqual({})
    span.end()
  })
})
