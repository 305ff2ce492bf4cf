/** Runs as messages of the AI SDK, read by the SDK's own client. */
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  uiMessageStream,
  uiMessageStreamResponse,
  type UIChunk,
  type UIStreamOptions,
} from '../../src/ai-sdk.ts'
import type { RunEvent } from '../../src/index.ts'
import type { Script } from '../../src/testing.ts'
import { agentOf, echo, must, plainTool, type Given } from '../e2e/fixtures/bench.ts'

test('the chunks are chunks of the package ai', () => {
  expectTypeOf<UIChunk>().toExtend<UIMessageChunk>()
})

/** The message that the SDK's client makes of a stream. */
async function messageOf(stream: ReadableStream<UIChunk>): Promise<UIMessage> {
  let last: UIMessage | undefined
  const onError = (error: unknown): void => {
    if (!String(error).includes('The run failed')) throw error
  }
  for await (const message of readUIMessageStream({ stream, onError })) last = message
  return must(last)
}

async function* each(events: readonly RunEvent[]): AsyncGenerator<RunEvent> {
  yield* events
}

async function eventsOf(given: Given): Promise<readonly RunEvent[]> {
  const run = await agentOf(given).start('t')
  return Array.fromAsync(run.events({ after: 0, family: true }))
}

function messageFrom(events: readonly RunEvent[], options: UIStreamOptions = {}): Promise<UIMessage> {
  return messageOf(uiMessageStream(each(events), options))
}

function chunksFrom(events: readonly RunEvent[], options: UIStreamOptions = {}): Promise<readonly UIChunk[]> {
  return Array.fromAsync(uiMessageStream(each(events), options))
}

/** What a message says, shortly. */
function told({ parts }: UIMessage): readonly string[] {
  return parts.map((part) => {
    if (part.type === 'step-start') return '--'
    if (part.type === 'text' || part.type === 'reasoning') return `${part.type}: ${part.text}`
    if (part.type !== 'dynamic-tool') return part.type
    const what = part.state === 'output-error' ? part.errorText : JSON.stringify(part.output)
    return `${part.toolName} ${part.toolCallId} ${part.state} ${what}`
  })
}

test('what the model says, its code, its calls and the answer, step by step', async () => {
  const events = await eventsOf({
    tools: [echo],
    script: [
      { text: 'I look it up.', code: 'print("hi")\nawait echo({ n: 1 })' },
      'throw new Error("oh")',
      'finalAnswer("It is one.")',
    ],
  })
  const message = await messageFrom(events)
  expect(told(message)).toEqual([
    '--',
    'text: I look it up.',
    'run_code step_1 output-available {"printed":"hi\\n","value":"1"}',
    '--',
    'echo 1.1 output-available 1',
    '--',
    'run_code step_2 output-error Error: oh',
    '--',
    'run_code step_3 output-available {"printed":""}',
    '--',
    'text: It is one.',
  ])
  expect(message.metadata).toMatchObject({
    status: 'completed',
    stepCount: 3,
    usage: { outputTokens: expect.any(Number) },
  })
})

test('an answer that is no text is told as JSON, and as data', async () => {
  const message = await messageFrom(await eventsOf({ script: ['finalAnswer({ sum: 3, at: new Date(0) })'] }))
  const answer = { sum: 3, at: '1970-01-01T00:00:00.000Z' }
  expect(message.parts.slice(-2)).toEqual([
    { type: 'text', text: JSON.stringify(answer, undefined, 2), state: 'done' },
    { type: 'data-output', data: answer },
  ])
})

test('an answer in words is told once', async () => {
  const message = await messageFrom(await eventsOf({ script: [{ text: 'Just so.' }] }))
  expect(told(message)).toEqual(['--', 'text: Just so.'])
})

test('what a tool has come to so far, and what it logs', async () => {
  const events = await eventsOf({
    tools: [
      plainTool('scan', async function* (_input: never, { log }: { log(text: string): void }) {
        log('page 1')
        yield { page: 1 }
        return 'all'
      }),
    ],
    script: ['finalAnswer(await scan({}))'],
  })
  const chunks = await chunksFrom(events)
  expect(chunks).toContainEqual({
    type: 'tool-output-available',
    toolCallId: '1.1',
    output: { page: 1 },
    preliminary: true,
  })
  expect(chunks).toContainEqual({ type: 'data-log', data: { call: '1.1', text: 'page 1' }, transient: true })
})

test('a plan is what the model thinks, before its first step', async () => {
  const events = await eventsOf({
    planningInterval: 5,
    script: [{ text: 'First this, then that.' }, 'finalAnswer(1)'],
  })
  expect(told(await messageFrom(events))[1]).toBe('reasoning: First this, then that.')
  expect(told(await messageFrom(events, { sendReasoning: false })).join()).not.toContain('First this')
})

test('without code there is none of it, and the answer is there', async () => {
  const events = await eventsOf({
    tools: [echo],
    script: ['print(1)\nfinalAnswer(String(await echo({ n: 4 })))'],
  })
  expect(told(await messageFrom(events, { sendCode: false }))).toEqual([
    '--',
    'echo 1.1 output-available 4',
    '--',
    'text: 4',
  ])
})

test('a run that failed is told by its code alone, or as the author says', async () => {
  const events = await eventsOf({ script: [{ error: new Error('a secret') }] })
  const chunks = await chunksFrom(events)
  expect(chunks.at(-2)).toEqual({ type: 'error', errorText: 'The run failed (MODEL).' })
  expect(chunks.at(-1)).toMatchObject({ type: 'finish', finishReason: 'error' })
  expect(JSON.stringify(chunks)).not.toContain('secret')
  const open = await chunksFrom(events, { onError: ({ message }) => message })
  expect(open.at(-2)).toEqual({ type: 'error', errorText: expect.stringContaining('a secret') })
})

test('events that break off are told as an error, and the stream ends well', async () => {
  const events = async function* (): AsyncGenerator<RunEvent> {
    yield* (await eventsOf({ script: ['finalAnswer(1)'] })).slice(0, 3)
    throw new Error('the disk is gone')
  }
  const chunks = await Array.fromAsync(uiMessageStream(events()))
  expect(chunks.at(-1)).toEqual({ type: 'error', errorText: 'The run failed (UNEXPECTED).' })
})

describe('what was streamed and what is so', () => {
  const SCENES: Readonly<Record<string, () => Given>> = {
    'two steps': () => ({
      tools: [echo],
      script: [
        { text: 'One.', reasoning: 'Hm.', code: 'print("a"); await echo({ n: 1 }); print("b")' },
        'finalAnswer("z")',
      ],
    }),
    'a model that breaks off and is asked again': () => ({
      script: [
        { text: 'Lost words', error: Object.assign(new Error('529'), { isRetryable: true }) },
        'finalAnswer(1)',
      ] as Script,
    }),
    'a plan': () => ({
      planningInterval: 1,
      script: [{ text: 'Plan.' }, 'print(1)', { text: 'Plan B.' }, 'finalAnswer(2)'],
    }),
    'code as text': () => ({
      actionFormat: 'text',
      script: [{ text: 'I try.\n```ts\nprint("x")\n```' }, { text: '```ts\nfinalAnswer("done")\n```' }],
    }),
    'parallel calls': () => ({
      tools: [echo],
      script: [
        'await Promise.all([1, 2, 3].map((n) => echo({ n })))\nthrow new TypeError("no")',
        { text: 'Sorry.' },
      ],
    }),
  }

  test.for(Object.keys(SCENES))(
    'law: %s: the message is the same, whatever of the live events came',
    async (scene) => {
      const events = await eventsOf(must(SCENES[scene])())
      const facts = await messageFrom(events.filter(({ type }) => type === 'entry' || type === 'result'))
      expect(await messageFrom(events)).toEqual(facts)
      await fc.assert(
        fc.asyncProperty(fc.infiniteStream(fc.boolean()), async (keep) => {
          const some = events.filter(
            ({ type }) => type === 'entry' || type === 'result' || keep.next().value === true,
          )
          expect(await messageFrom(some)).toEqual(facts)
        }),
        { numRuns: 25 },
      )
    },
  )

  test.for(Object.keys(SCENES))('law: %s: cut anywhere, the two streams make one message', async (scene) => {
    const events = await eventsOf(must(SCENES[scene])())
    const whole = await messageFrom(events)
    for (const [at, event] of events.entries()) {
      if (event.type !== 'entry' || event.seq < 3 || at === events.length - 1) continue
      const before = await messageFrom(events.slice(0, at + 1))
      const stream = uiMessageStream(each(events), { after: event.seq })
      let after: UIMessage | undefined
      for await (const message of readUIMessageStream({ message: structuredClone(before), stream }))
        after = message
      expect({ at, ...after }).toEqual({ at, ...whole })
    }
  })
})

test('the response: headers, one data line for each chunk, and the end', async () => {
  const events = await eventsOf({ script: ['finalAnswer("hi\\nthere")'] })
  const response = uiMessageStreamResponse(uiMessageStream(each(events)), {
    status: 201,
    headers: { 'x-mine': 'yes', 'content-type': 'text/html' },
  })
  expect(response.status).toBe(201)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/event-stream',
    'x-vercel-ai-ui-message-stream': 'v1',
    'x-mine': 'yes',
  })
  const lines = (await response.text()).split('\n\n')
  expect(lines.slice(-2)).toEqual(['data: [DONE]', ''])
  const chunks = lines.slice(0, -2).map((line) => JSON.parse(line.replace(/^data: /, '')) as UIChunk)
  expect(chunks).toEqual(await chunksFrom(events))
})

test('cancelling the stream ends the reading; the run goes on', async () => {
  const agent = agentOf({ script: ['await sleep(5)\nfinalAnswer(1)'] })
  const run = await agent.start('t')
  const reader = uiMessageStreamResponse(uiMessageStream(run)).body?.getReader()
  await reader?.read()
  await reader?.cancel()
  expect(await run.result()).toMatchObject({ output: 1 })
})
