/** What a run tells OpenTelemetry, through the agent: its spans, events, metrics and contexts. */
import { ROOT_CONTEXT, SpanStatusCode, context, propagation, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  AgentPausedException,
  AgentStoppedException,
  CodeAgent,
  memoryStore,
  tool,
  type Store,
} from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'
import { idOf, watched, type Watched } from '../telemetry/watched.ts'
import {
  again,
  agentOf,
  echo,
  goOn,
  HandClock,
  HandTool,
  must,
  onlyQuestion,
  output,
  plainTool,
  rested,
} from './fixtures/bench.ts'

const parentOf = (span: ReadableSpan): string | undefined => span.parentSpanContext?.spanId
const linked = (span: ReadableSpan | undefined): readonly unknown[] =>
  (span?.links ?? []).map((link) => [link.attributes?.['pca.link'], link.context.spanId])
const events = (span: ReadableSpan | undefined): readonly unknown[] =>
  (span?.events ?? []).map(({ name, attributes }) => [name, attributes])

/** T2, T3: whatever is a parent has been exported before; nothing is open. Gives the callers' spans a pass. */
function expectSound(process: Watched, callers: readonly string[] = []): void {
  const known = new Set(callers)
  for (const span of process.exported) {
    const parent = parentOf(span)
    if (parent !== undefined) expect(known, `the parent of ${span.name}`).toContain(parent)
    known.add(idOf(span))
  }
  expect(process.open.size).toBe(0)
}

/** Runs `work` as a traced request would; gives what it gave, and the request's span. */
async function request<T>(
  name: string,
  work: () => Promise<T>,
): Promise<{ readonly id: string; readonly given: T }> {
  const span = trace.getTracer('app').startSpan(name)
  try {
    return {
      id: span.spanContext().spanId,
      given: await context.with(trace.setSpan(ROOT_CONTEXT, span), work),
    }
  } finally {
    span.end()
  }
}

const pay = tool({
  name: 'pay',
  description: 'Pays',
  inputSchema: z.object({ amount: z.number() }),
  needsApproval: true,
  execute: async ({ amount }) => `paid ${amount}`,
})

describe('spans', () => {
  test('say who, what and how much, by the conventions, and no content', async () => {
    using process = watched()
    const agent = agentOf({
      name: 'helper',
      description: 'Helps',
      tools: [echo],
      modelSettings: { temperature: 0.5 },
      script: [
        {
          code: 'const secret = await echo({ n: 987654 })',
          usage: { inputTokens: 10, outputTokens: 3, cost: 0.25 },
        },
        'finalAnswer("secret answer")',
      ],
    })
    rested(await agent.run('A secret task'), 'completed')
    const common = {
      'gen_ai.conversation.id': agent.runId,
      'gen_ai.agent.name': 'helper',
    }
    const asked = { 'gen_ai.provider.name': 'scripted', 'gen_ai.request.model': 'model' }
    expect(process.span('invoke_agent helper').attributes).toEqual({
      ...common,
      ...asked,
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.description': 'Helps',
    })
    expect(process.span('run_segment helper').attributes).toEqual({
      ...common,
      ...asked,
      'gen_ai.operation.name': 'run_segment',
      'pca.segment': 1,
      'pca.segment.why': 'start',
      'pca.segment.heap': 'fresh',
      'pca.segment.holder': expect.stringContaining(':'),
      'pca.status': 'completed',
    })
    const [chat] = process.spans('chat model')
    const step = { ...common, 'pca.segment': 1, 'pca.step': 1 }
    expect(chat?.attributes).toEqual({
      ...step,
      ...asked,
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.temperature': 0.5,
      'gen_ai.response.model': 'model',
      'gen_ai.response.id': expect.any(String),
      'gen_ai.response.finish_reasons': ['tool-calls'],
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 3,
      'pca.usage.cost': 0.25,
      'pca.attempt': 1,
      'pca.purpose': 'step',
    })
    const called = { ...step, 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.type': 'function' }
    expect(process.span('execute_tool echo').attributes).toEqual({
      ...called,
      'gen_ai.tool.name': 'echo',
      'gen_ai.tool.description': 'Gives back n',
      'gen_ai.tool.call.id': '1.1',
      'pca.attempt': 1,
    })
    const [code] = process.spans('execute_tool run_code')
    expect(code?.attributes).toEqual({ ...called, 'gen_ai.tool.name': 'run_code' })
    const [first, second] = process.spans('agent_step 1').concat(process.spans('agent_step 2'))
    expect([chat, code, process.span('execute_tool echo')].map((span) => span && parentOf(span))).toEqual(
      [1, 2, 3].map(() => first && idOf(first)),
    )
    expect(process.spans('chat model').map(parentOf)).toEqual([first && idOf(first), second && idOf(second)])
    expect(process.exported.filter((span) => /secret|987654/.test(JSON.stringify(span.attributes)))).toEqual(
      [],
    )
    expectSound(process)
  })

  test('with content: what was said, in the JSON of the conventions, and what errors say', async () => {
    using process = watched()
    const agent = agentOf({
      tools: [echo, plainTool('fail', () => Promise.reject(new RangeError('too far')))],
      instructions: 'Be brief',
      telemetry: { content: true },
      script: [
        { code: 'print("hi")\nawait echo({ n: 1 })', text: 'I look', reasoning: 'hm' },
        'await fail({})',
        'finalAnswer(1)',
      ],
    })
    rested(await agent.run('Look'), 'completed')
    const said = (span: ReadableSpan | undefined, name: string): unknown =>
      JSON.parse(String(span?.attributes[`gen_ai.${name}`]))
    const [first, second] = process.spans('chat model')
    expect(said(first, 'system_instructions')).toEqual([
      { type: 'text', content: expect.stringContaining('Be brief') },
    ])
    expect(said(first, 'input.messages')).toEqual([
      { role: 'user', parts: [{ type: 'text', content: expect.stringContaining('Look') }] },
    ])
    const call = {
      type: 'tool_call',
      id: expect.any(String),
      name: 'run_code',
      arguments: { code: 'print("hi")\nawait echo({ n: 1 })' },
    }
    expect(said(first, 'output.messages')).toEqual([
      {
        role: 'assistant',
        parts: [{ type: 'reasoning', content: 'hm' }, { type: 'text', content: 'I look' }, call],
        finish_reason: 'tool_call',
      },
    ])
    expect(said(second, 'input.messages')).toMatchObject([
      { role: 'user' },
      { role: 'assistant', parts: [{}, {}, call] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: expect.any(String) }] },
    ])
    expect(said(process.span('execute_tool echo'), 'tool.call.arguments')).toEqual({ n: 1 })
    expect(said(process.span('execute_tool echo'), 'tool.call.result')).toBe(1)
    const [code] = process.spans('execute_tool run_code')
    expect(said(code, 'tool.call.arguments')).toEqual({ code: 'print("hi")\nawait echo({ n: 1 })' })
    expect(said(code, 'tool.call.result')).toEqual({ printed: 'hi\n', value: '1' })
    expect(process.span('execute_tool fail').status).toEqual({
      code: SpanStatusCode.ERROR,
      message: 'too far',
    })
  })

  test('with a function: what it gives, and nothing where it withholds or throws', async () => {
    using process = watched()
    const kinds = new Set<string>()
    const agent = agentOf({
      tools: [echo],
      telemetry: {
        content: (kind, value) => {
          kinds.add(kind)
          if (kind === 'input.messages') throw new Error('no')
          return kind === 'tool.call.arguments' ? { shown: typeof value } : undefined
        },
      },
      script: ['finalAnswer(await echo({ n: 1 }))'],
    })
    output(await agent.run('secret'))
    expect(process.span('execute_tool echo').attributes).toMatchObject({
      'gen_ai.tool.call.arguments': '{"shown":"object"}',
    })
    const keys = process.exported.flatMap((span) => Object.keys(span.attributes))
    expect(keys.filter((key) => /messages|instructions|result/.test(key))).toEqual([])
    expect([...kinds].toSorted()).toEqual([
      'input.messages',
      'output.messages',
      'system_instructions',
      'tool.call.arguments',
      'tool.call.result',
    ])
  })

  test('of what fails: the error by its kind, escaped; and the attempts as events', async () => {
    using process = watched()
    let sent = 0
    const shaky = tool({
      name: 'shaky',
      description: 'Fails',
      effect: 'read',
      retry: { attempts: 2, backoff: 0 },
      execute: async () => {
        throw Object.assign(new Error(`secret ${sent++}`), { name: 'Bad\n\u001b[31mError' })
      },
    })
    const agent = agentOf({
      tools: [shaky],
      maxRetryWait: 1,
      script: [
        { error: Object.assign(new Error('secret busy'), { isRetryable: true, statusCode: 529 }) },
        'await shaky({})',
        'finalAnswer(1)',
      ],
    })
    rested(await agent.run('try'), 'completed')
    expect(
      process.spans('execute_tool shaky').map(({ status, attributes }) => [status, attributes]),
    ).toMatchObject(
      [1, 2].map((attempt) => [
        { code: SpanStatusCode.ERROR },
        { 'pca.attempt': attempt, 'error.type': 'Bad\\n\\u001b[31mError' },
      ]),
    )
    const [failed] = process.spans('chat model')
    expect(failed).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'MODEL' },
    })
    expect(process.spans('execute_tool run_code')[0]?.attributes).toMatchObject({
      'error.type': expect.any(String),
    })
    expect(events(process.span('run_segment agent'))).toEqual([
      [
        'pca.model.failed',
        { 'pca.step': 1, 'pca.attempt': 1, 'error.type': 'MODEL', 'pca.due': expect.stringContaining('T') },
      ],
      [
        'pca.call.failed',
        {
          'pca.step': 1,
          'pca.attempt': 1,
          'gen_ai.tool.name': 'shaky',
          'gen_ai.tool.call.id': '1.1',
          'error.type': 'Bad\\n\\u001b[31mError',
          'pca.due': expect.stringContaining('T'),
        },
      ],
    ])
    expect(
      JSON.stringify(process.exported.map(({ attributes, status }) => [attributes, status])),
    ).not.toContain('secret')
    expectSound(process)
  })

  test.each([
    ['a stop', () => new AgentStoppedException('enough'), 'stopped'],
    ['a pause', () => new AgentPausedException('wait'), 'paused'],
  ])('of a call that %s interrupts: no failure', async (_name, thrown, status) => {
    using process = watched()
    const agent = agentOf({
      tools: [plainTool('halt', () => Promise.reject(thrown()))],
      script: ['await halt({})'],
    })
    expect((await agent.run('x')).status).toBe(status)
    expect(process.span('execute_tool halt')).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'pca.interrupted': status === 'paused' ? 'pause' : 'stop' },
    })
    expect(process.span('execute_tool run_code').attributes).toMatchObject({ 'pca.unfinished': true })
    expect(process.span('run_segment agent').attributes).toMatchObject({ 'pca.status': status })
    expectSound(process)
  })

  test('of a step that is killed, and of a store that breaks: nothing stays open', async () => {
    using process = watched()
    const store = memoryStore()
    const killed = agentOf({ store, script: ['for (;;) {}', 'finalAnswer(1)'], limits: { stepTimeout: 100 } })
    rested(await killed.run('x'), 'completed')
    expect(process.spans('execute_tool run_code')[0]?.status).toEqual({ code: SpanStatusCode.ERROR })
    const broken = memoryStore()
    broken.append = () => Promise.reject(new Error('disk'))
    await expect(agentOf({ store: broken, script: ['finalAnswer(1)'] }).run('x')).rejects.toThrow('disk')
    expect(process.spans('run_segment agent').map(({ attributes }) => attributes['pca.status'])).toEqual([
      'completed',
      'cut',
    ])
    expectSound(process)
  })
})

describe('secrets', () => {
  test('are in no span, event or status, with all content told', async () => {
    using process = watched()
    const TOKEN = 'ghp_S3cr3tTok3n'
    const seen: unknown[] = []
    const agent = agentOf({
      secrets: { TOKEN },
      telemetry: { content: (_kind, value) => (seen.push(value), value) },
      tools: [
        plainTool('leak', async () => ({
          list: new Map([[TOKEN, `Bearer ${TOKEN}`]]),
          long: 'x'.repeat(16_380) + TOKEN,
        })),
        plainTool('fail', () =>
          Promise.reject(Object.assign(new Error(`no ${TOKEN}`), { name: `E${TOKEN}` })),
        ),
      ],
      script: [
        { code: `print((await leak({})).list, "${TOKEN}")`, text: `I use ${TOKEN}`, reasoning: TOKEN },
        'await fail({})',
        'finalAnswer(1)',
      ],
    })
    rested(await agent.run(`Use ${TOKEN}`), 'completed')
    const said = JSON.stringify(
      process.exported.map(({ name, attributes, status, events }) => [name, attributes, status, events]),
    )
    expect(said).toContain('[secret:TOKEN]')
    for (const text of [said, JSON.stringify(seen)]) expect(text).not.toContain(TOKEN.slice(0, 8))
  })
})

describe('waiting', () => {
  test('for a person is an attribute; the question and the answer are events', async () => {
    using process = watched()
    const clock = new HandClock()
    const store = memoryStore({ now: () => clock.now() })
    const agent = agentOf({ store, tools: [pay], script: ['finalAnswer(await pay({ amount: 7 }))'] })
    const question = onlyQuestion(await agent.run('x'))
    expect(process.open.size).toBe(0)
    clock.forward(3_600_000)
    const { id } = await request('POST /approve', async () => {
      await agent.answer(question.id, { type: 'approve' }, { by: 'ann' })
      await goOn(agent)
    })
    const [first, second] = process.spans('run_segment agent')
    const call = { 'gen_ai.tool.name': 'pay', 'gen_ai.tool.call.id': '1.1', 'pca.step': 1 }
    const asked = { 'pca.question.id': question.id, 'pca.question.kind': 'approval' }
    expect(events(first)).toEqual([
      ['pca.question.asked', { ...asked, ...call }],
      ['pca.run.paused', { 'pca.pause.cause': 'waiting' }],
    ])
    expect(events(second)).toContainEqual([
      'pca.question.answered',
      { ...asked, ...call, 'pca.question.decision': 'approve', 'pca.by': 'ann', 'pca.waited': 3_600 },
    ])
    expect(second?.attributes).toMatchObject({
      'pca.segment': 2,
      'pca.segment.why': 'resume',
      'pca.waited': 3_600,
    })
    expect(linked(second)).toEqual([
      ['resumed_from', first && idOf(first)],
      ['resumed_by', id],
    ])
    expect(process.span('execute_tool pay').attributes).toMatchObject({ 'pca.waited': 3_600 })
    expect(await process.metric('pca.question.duration')).toEqual([
      {
        attributes: {
          'gen_ai.agent.name': 'agent',
          'pca.question.kind': 'approval',
          'pca.question.decision': 'approve',
        },
        count: 1,
        sum: 3_600,
      },
    ])
    expectSound(process, [id])
  })

  test('for the clock is one, too', async () => {
    using process = watched()
    const clock = new HandClock()
    const store = memoryStore({ now: () => clock.now() })
    const agent = agentOf({ store, script: ['await sleep("2d")\nfinalAnswer(1)'] })
    rested(await agent.run('x'), 'paused')
    clock.forward(2 * 86_400_000)
    rested(await goOn(agent), 'completed')
    const [first, second] = process.spans('run_segment agent')
    expect(events(first)).toContainEqual([
      'pca.sleep.started',
      expect.objectContaining({ 'pca.due': '2026-01-03T00:00:00.000Z' }),
    ])
    expect(events(second).map((event) => (event as readonly [string])[0])).toContain('pca.sleep.ended')
    expect(second?.attributes).toMatchObject({ 'pca.waited': 172_800 })
    expectSound(process)
  })
})

describe('metrics', () => {
  test('of requests, calls, segments and tasks; none names a run', async () => {
    using process = watched()
    const agent = agentOf({
      name: 'helper',
      tools: [echo, plainTool('fail', () => Promise.reject(new RangeError('too far')))],
      script: [
        { code: 'await echo({ n: 1 })', usage: { inputTokens: 10, outputTokens: 3 } },
        { code: 'await fail({})', usage: { inputTokens: 20, outputTokens: 4 } },
        { code: 'finalAnswer(1)', usage: { inputTokens: 30, outputTokens: 5 } },
      ],
    })
    rested(await agent.run('x'), 'completed')
    const model = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'scripted',
      'gen_ai.request.model': 'model',
      'gen_ai.response.model': 'model',
    }
    const helper = { 'gen_ai.agent.name': 'helper' }
    expect(await process.metric('gen_ai.client.operation.duration')).toMatchObject([
      { attributes: model, count: 3 },
    ])
    expect(await process.metric('gen_ai.client.token.usage')).toEqual([
      { attributes: { ...model, 'gen_ai.token.type': 'input' }, count: 3, sum: 60 },
      { attributes: { ...model, 'gen_ai.token.type': 'output' }, count: 3, sum: 12 },
    ])
    const called = { ...helper, 'gen_ai.tool.type': 'function' }
    expect(await process.metric('gen_ai.execute_tool.duration')).toMatchObject([
      { attributes: { ...called, 'gen_ai.tool.name': 'echo' }, count: 1 },
      { attributes: { ...called, 'gen_ai.tool.name': 'fail', 'error.type': 'RangeError' }, count: 1 },
    ])
    expect(await process.metric('gen_ai.invoke_agent.duration')).toMatchObject([
      { attributes: { ...helper, 'pca.status': 'completed' }, count: 1 },
    ])
    expect(await process.metric('pca.tasks.ended')).toEqual([
      {
        attributes: { ...helper, 'pca.status': 'completed', 'pca.because': 'finalAnswer' },
        count: 1,
        sum: 1,
      },
    ])
  })
})

describe('the context of a run', () => {
  const tenant = (): string | undefined => propagation.getActiveBaggage()?.getEntry('tenant')?.value
  const withTenant = async <T>(value: string, work: () => Promise<T>): Promise<T> =>
    context.with(
      propagation.setBaggage(
        ROOT_CONTEXT,
        propagation.createBaggage({ tenant: { value }, more: { value: 'x' } }),
      ),
      work,
    )

  test('the caller’s baggage is there in tools, approvals, callbacks and checks, after a pause too', async () => {
    using _process = watched()
    const seen: [string, string | undefined][] = []
    const see = (where: string): void => void seen.push([where, tenant()])
    const store = memoryStore()
    const given = {
      store,
      telemetry: { baggage: ['tenant'] },
      tools: [
        tool({
          name: 'ask_first',
          description: 'Asks',
          needsApproval: () => {
            see('approval')
            return true
          },
          execute: async () => see('tool'),
        }),
      ],
      stepCallbacks: [() => see('callback')],
      finalAnswerChecks: [() => see('check')],
      script: ['await ask_first({})\nfinalAnswer(1)'],
    }
    const question = onlyQuestion(await withTenant('acme', async () => agentOf(given).run('x')))
    const agent = await again(given)
    await agent.answer(question.id, { type: 'approve' })
    rested(await goOn(agent), 'completed')
    expect(new Set(seen.map(([where]) => where))).toEqual(new Set(['approval', 'tool', 'callback', 'check']))
    expect(new Set(seen.map(([, value]) => value))).toEqual(new Set(['acme']))
    const [begun] = await store.read(must(agent.runId), 0, 1)
    const started = Buffer.from(must(begun).payload).toString()
    expect(started).toContain('tenant=acme')
    expect(started).not.toContain('more=x')
  })

  test('what a tool traces stands below its call, over its awaits', async () => {
    using process = watched()
    const own = async (n: number): Promise<void> => {
      await Promise.resolve()
      trace.getTracer('app').startSpan(`own ${n}`).end()
    }
    const tools = [1, 2].map((n) => plainTool(`tool${n}`, async () => own(n)))
    const agent = agentOf({ tools, script: ['await Promise.all([tool1({}), tool2({})])\nfinalAnswer(1)'] })
    rested(await agent.run('x'), 'completed')
    for (const n of [1, 2])
      expect(parentOf(process.span(`own ${n}`))).toBe(idOf(process.span(`execute_tool tool${n}`)))
  })

  test('what a callback traces stands below its step', async () => {
    using process = watched()
    const agent = agentOf({
      script: ['finalAnswer(1)'],
      stepCallbacks: [() => trace.getTracer('app').startSpan('my callback').end()],
    })
    rested(await agent.run('x'), 'completed')
    expect(parentOf(process.span('my callback'))).toBe(idOf(process.span('agent_step 1')))
    expectSound(process)
  })

  test('an author’s context takes its place from a pause on, baggage and all', async () => {
    using process = watched()
    const other = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
    const otelContext = propagation.setBaggage(
      trace.setSpanContext(ROOT_CONTEXT, other),
      propagation.createBaggage({ tenant: { value: 'theirs' } }),
    )
    let seen: string | undefined
    const store = memoryStore()
    const tools = [
      plainTool('halt', () => Promise.reject(new AgentPausedException('wait', { otelContext }))),
      plainTool('see', async () => void (seen = tenant())),
    ]
    const given = { store, tools, script: ['await halt({})\nawait see({})\nfinalAnswer(1)'] }
    rested(await withTenant('mine', async () => agentOf(given).run('x')), 'paused')
    const result = rested(await goOn(await again(given)), 'completed')
    const [, second] = process.spans('run_segment agent')
    expect(second && parentOf(second)).toBe(other.spanId)
    expect(parentOf(must(process.spans('agent_step 1')[1]))).toBe(other.spanId)
    expect(result.traceparent).toBe(`00-${other.traceId}-${other.spanId}-01`)
    expect(seen).toBe('theirs')
    expectSound(process, [other.spanId])
  })

  test('a run with a trace of its own is linked to its caller; its agents are in its trace', async () => {
    using process = watched()
    const writer = new CodeAgent({
      name: 'writer',
      description: 'Writes',
      trace: 'root',
      model: scriptedModel(['finalAnswer(1)']),
    })
    const agent = agentOf({
      trace: 'root',
      managedAgents: [writer],
      script: ['finalAnswer(await writer("x"))'],
    })
    const { id } = await request('POST', async () => output(await agent.run('x')))
    const root = process.span('invoke_agent agent')
    expect(parentOf(root)).toBeUndefined()
    expect(linked(root)).toEqual([['started_by', id]])
    const child = process.span('invoke_agent writer')
    expect(parentOf(child)).toBe(
      idOf(must(process.spans('agent_step 1').find((span) => parentOf(span) === idOf(root)))),
    )
    expect(child.attributes).toMatchObject({ 'pca.parent.run': agent.runId, 'pca.parent.call': '1.1' })
    const ours = process.exported.filter(({ name }) => name !== 'POST')
    expect(new Set(ours.map((span) => span.spanContext().traceId)).size).toBe(1)
    expectSound(process)
  })

  test('an agent that waits for a person goes on in the same place of the trace', async () => {
    using process = watched()
    const store = memoryStore()
    const clerk = new CodeAgent({
      name: 'clerk',
      description: 'Pays',
      tools: [pay],
      model: scriptedModel(['finalAnswer(await pay({ amount: 1 }))']),
    })
    const given = { store, managedAgents: [clerk], script: ['finalAnswer(await clerk("x"))'] }
    const first = agentOf(given)
    const question = onlyQuestion(await first.run('x'))
    expectSound(process)
    const agent = await again(given)
    await agent.answer(question.id, { type: 'approve' })
    expect(output(await goOn(agent))).toBe('paid 1')
    const child = process.span('invoke_agent clerk')
    const segments = process.spans('run_segment clerk')
    expect(segments.map(parentOf)).toEqual([idOf(child), idOf(child)])
    expect(linked(segments[1])).toEqual([['resumed_from', segments[0] && idOf(segments[0])]])
    expect(process.spans('execute_tool clerk').map(({ attributes }) => attributes['pca.unfinished'])).toEqual(
      [true, undefined],
    )
    expectSound(process)
  })

  test('a fork has a trace of its own, linked to that of the run whose past it shares', async () => {
    using process = watched()
    const agent = agentOf({ script: ['finalAnswer(1)'] })
    rested(await agent.run('x'), 'completed')
    await agent.fork({ step: 1 })
    const [root, fork] = process.spans('invoke_agent agent')
    expect(linked(fork)).toEqual([['forked_from', root && idOf(root)]])
    expectSound(process)
  })
})

describe('no context leaks', () => {
  /** A store that keeps whose context it was called in. */
  function listening(): { readonly store: Store; readonly seen: Map<string, (string | undefined)[]> } {
    const seen = new Map<string, (string | undefined)[]>()
    const store = new Proxy(memoryStore(), {
      get(target, name) {
        const method = Reflect.get(target, name, target) as unknown
        if (typeof method !== 'function') return method
        return (...args: unknown[]): unknown => {
          const active = trace.getActiveSpan()?.spanContext().spanId
          seen.set(String(name), [...(seen.get(String(name)) ?? []), active])
          return Reflect.apply(method, target, args)
        }
      },
    })
    return { store, seen }
  }

  test('into what outlives the request: pollers begin in nobody’s, commits in the run’s own', async () => {
    using process = watched()
    const { store, seen } = listening()
    await request('POST', async () => agentOf({ store, script: ['finalAnswer(1)'] }).run('x'))
    expect(seen.get('watch')).toEqual([undefined])
    expect(new Set(seen.get('append'))).toEqual(new Set([idOf(process.span('invoke_agent agent'))]))
  })

  test('over the threads that runs share: each run’s spans are in its own trace', async () => {
    using process = watched()
    const hands = [new HandTool('slow'), new HandTool('slow')] as const
    const agents = hands.map((hand) =>
      agentOf({ tools: [hand.tool], script: ['await slow({ n: 1 })', 'finalAnswer(await slow({ n: 2 }))'] }),
    )
    const requests = agents.map(async (agent, index) => request(`POST ${index}`, async () => agent.run('x')))
    for (const n of [1, 2]) {
      for (const hand of hands) await hand.begun(n)
      // The second run is at work in the callback that lets the first go on, and the other way round.
      hands[1].settle(n)
      hands[0].settle(n)
    }
    await Promise.all(requests)
    for (const [index, { runId }] of agents.entries()) {
      const { traceId } = process.span(`POST ${index}`).spanContext()
      const own = process.exported.filter((span) => span.attributes['gen_ai.conversation.id'] === runId)
      expect(own).toHaveLength(10)
      expect(new Set(own.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]))
    }
    expectSound(
      process,
      [0, 1].map((index) => idOf(process.span(`POST ${index}`))),
    )
  })

  test('over a stream: neither into what its reader traces, nor out of it', async () => {
    using process = watched()
    const agent = agentOf({ tools: [echo], script: ['await echo({ n: 1 })', 'finalAnswer(1)'] })
    const events = agent.stream('x')
    const tracer = trace.getTracer('app')
    for (let n = 0; ; n++) {
      const span = tracer.startSpan(`read ${n}`)
      const { done } = await context.with(trace.setSpan(ROOT_CONTEXT, span), async () => {
        const event = await events.next()
        tracer.startSpan(`after ${n}`).end()
        return event
      })
      span.end()
      if (done === true) break
    }
    const first = idOf(process.span('read 0'))
    for (const span of process.exported) {
      if (span.name.startsWith('read')) expect(parentOf(span)).toBeUndefined()
      else if (span.name.startsWith('after'))
        expect(parentOf(span)).toBe(idOf(process.span(span.name.replace('after', 'read'))))
      else expect(span.spanContext().traceId).toBe(process.span('read 0').spanContext().traceId)
    }
    // Who asked for the first event started the run; who asks for the others only reads.
    expect(parentOf(process.span('invoke_agent agent'))).toBe(first)
    expect(process.open.size).toBe(0)
  })

  test('over a stream that is left early', async () => {
    using process = watched()
    const hand = new HandTool('slow')
    const agent = agentOf({ tools: [hand.tool], script: ['await slow({ n: 1 })'], pauseGrace: 1 })
    for await (const event of agent.stream('x')) {
      if (event.type !== 'entry' || event.entry.kind !== 'call-started') continue
      await hand.begun(1)
      break
    }
    expect(process.span('execute_tool slow').attributes).toMatchObject({ 'pca.unfinished': true })
    expect(process.span('run_segment agent').attributes).toMatchObject({ 'pca.status': 'paused' })
    expectSound(process)
    hand.settle(1)
  })
})
