/** A call at the door and on its way: whatever a guest sends and whatever a tool throws becomes an outcome (K1, K2). */
import type { Definition } from '../../src/agent/definition.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encode } from '../../src/base/codec.ts'
import { ToolError } from '../../src/base/errors.ts'
import { AgentPausedException, AgentStoppedException } from '../../src/base/interruption.ts'
import { prepareCall, probeCall, sendCall, type CallRoom } from '../../src/agent/call.ts'
import { judgeCall } from '../../src/agent/judge.ts'
import { RESULT_SIZE } from '../../src/agent/outcome.ts'
import { guestError } from '../../src/agent/thrown.ts'
import type { OpenCall } from '../../src/journal/shape.ts'
import { LargeValues } from '../../src/agent/large.ts'
import { NO_SECRETS } from '../../src/tool/secret.ts'
import { tool, type ToolSpec } from '../../src/tool/tool.ts'
import { toolsOf } from '../../src/tool/tools.ts'
import { HandClock } from '../run/hand-clock.ts'
import { guestCall } from './play.ts'

const object = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }

function roomOf(
  spec: Partial<ToolSpec<unknown, unknown, unknown>> = {},
  context?: unknown,
): CallRoom & {
  clock: HandClock
  managed: Map<string, Definition>
  large: LargeValues
  chapters: () => Promise<readonly []>
  isRuled: () => Promise<boolean>
  codeApproval: 'never'
  rules: () => Promise<readonly []>
} {
  const given = tool({ name: 'pay', description: 'Pays.', execute: async () => 'paid', ...spec })
  return {
    runId: 'r',
    context,
    secrets: NO_SECRETS,
    resultSize: RESULT_SIZE,
    mark: 'the mark of the run',
    tools: toolsOf([given]),
    managed: new Map(),
    large: new LargeValues(8_000, async () => ''),
    chapters: async () => [],
    isRuled: async () => false,
    codeApproval: 'never',
    rules: async () => [],
    key: (call) => `key of ${call.id}`,
    carrier: () => ({}),
    clock: new HandClock(),
    log: () => undefined,
    progress: () => undefined,
    now: () => 1_000,
  }
}

const open: OpenCall = {
  id: '1.1',
  tool: 'pay',
  sent: 's',
  input: '[]',
  digest: 'd',
  effect: 'once',
  attempt: 2,
  at: { is: 'started' },
}
const { signal } = new AbortController()

const send = (room: CallRoom, call: OpenCall = open, state?: string): ReturnType<typeof sendCall> =>
  sendCall(call, encode({ n: 1 }), state, 'k', signal, room)

describe('at the door', () => {
  test('the bytes that were validated are the bytes that are journaled (K1)', async () => {
    const defaults = { type: 'object', properties: { n: { type: 'number', default: 7 } } }
    const prepared = await prepareCall(guestCall('1.1', 'pay', {}), 's', roomOf({ inputSchema: defaults }))
    expect(prepared).toMatchObject({ is: 'tool', input: encode({ n: 7 }), effect: 'once', approval: 'never' })
  })

  test.each([
    ['input that does not fit', guestCall('1.1', 'pay', { n: 'x' }), /^pay: /],
    ['a tool that was not granted', guestCall('1.1', 'steal'), /no tool steal/],
    ['a tool named like a part of every object', guestCall('1.1', 'constructor'), /no tool constructor/],
    ['bytes that are no value', { id: '1.1', name: 'pay', input: '[[9]]' }, /./],
    ['a question without words', guestCall('1.1', '$ask', []), /needs a question/],
    ['a question that is a number', guestCall('1.1', '$ask', [1]), /needs a question/],
    ['a question with an empty message', guestCall('1.1', '$ask', [{ message: '' }]), /needs a message/],
    ['a schema that is text', guestCall('1.1', '$ask', ['?', 'string']), /schema/],
    [
      'a schema that pretends to be a Standard Schema',
      guestCall('1.1', '$ask', ['?', { '~standard': { jsonSchema: {} } }]),
      /./,
    ],
    ['an expiry that is no time', guestCall('1.1', '$ask', [{ message: '?', expiresAt: 'soon' }]), /no time/],
    ['a sleep of nothing', guestCall('1.1', '$sleep'), /no duration/],
    ['a sleep of words', guestCall('1.1', '$sleep', 'a while'), /no duration/],
    ['a sleep beyond all calendars (R5)', guestCall('1.1', '$sleep', 1e300), /./],
  ])('%s is refused with an error for the code', async (_, call, message) => {
    const prepared = await prepareCall(call, 's', roomOf({ inputSchema: object }))
    expect(prepared).toMatchObject({
      is: 'settled',
      outcome: { ok: false, error: { message: expect.stringMatching(message) } },
    })
  })

  test('a schema of the author that throws refuses, it does not end the run', async () => {
    const room = roomOf()
    const broken = {
      ...room.tools.get('pay'),
      checkInput: async () => Promise.reject(new Error('schema broke')),
    }
    const tools = new Map([['pay', broken]]) as unknown as CallRoom['tools']
    expect(await prepareCall(guestCall('1.1', 'pay'), 's', { ...room, tools })).toMatchObject({
      is: 'settled',
      outcome: { ok: false },
    })
  })

  test('a question keeps its schema and its expiry', async () => {
    const call = guestCall('1.1', '$ask', [
      { message: '?', schema: { type: 'number' }, expiresAt: new Date(5) },
    ])
    expect(await prepareCall(call, 's', roomOf())).toMatchObject({
      is: 'ask',
      question: { message: '?', schema: '{"type":"number"}', expiresAt: 5 },
    })
  })
})

/** A tool that throws what is no error. */
function throwing(thrown: unknown): () => never {
  return () => {
    throw thrown
  }
}

describe('on its way', () => {
  test('a tool gets its input, its key, and which attempt it is', async () => {
    let seen: unknown
    const room = roomOf(
      {
        execute: async (input, { toolCallId, idempotencyKey, runId, attempt, context }) => {
          seen = { input, toolCallId, idempotencyKey, runId, attempt, context }
        },
      },
      { tenant: 'a' },
    )
    expect(await send(room)).toMatchObject({
      kind: 'call-settled',
      outcome: { ok: true, value: encode(undefined) },
    })
    expect(seen).toEqual({
      input: { n: 1 },
      toolCallId: '1.1',
      idempotencyKey: 'key of 1.1',
      runId: 'r',
      attempt: 2,
      context: { tenant: 'a' },
    })
  })

  test.each([
    ['a value without a plain form', async () => () => 1, /encoded/],
    ['an error', async () => Promise.reject(new TypeError('no')), /^no$/],
    ['text', throwing('no'), /^no$/],
    ['nothing', throwing(undefined), /threw a value/],
    ['null', throwing(null), /threw null/],
    [
      'at once',
      () => {
        throw new Error('sync')
      },
      /sync/,
    ],
  ] as const)('a tool that gives or throws %s fails its call, nothing else', async (_, execute, message) => {
    const happening = await send(roomOf({ execute }))
    expect(happening).toMatchObject({
      kind: 'call-settled',
      outcome: { ok: false, error: { message: expect.stringMatching(message) } },
    })
  })

  test('a result that its schema does not allow fails the call', async () => {
    const happening = await send(roomOf({ outputSchema: object, execute: async () => ({ n: 'x' }) }))
    expect(happening).toMatchObject({ outcome: { ok: false, error: { name: 'ToolError' } } })
  })

  test('a pause is none of its errors, also where it was wrapped', async () => {
    for (const thrown of [
      new AgentPausedException('hold'),
      new Error('x', { cause: new AgentPausedException('hold') }),
    ]) {
      const happening = await send(roomOf({ execute: async () => Promise.reject(thrown) }))
      expect(happening).toMatchObject({
        kind: 'interrupted',
        by: { call: '1.1', attempt: 2 },
        interruption: { is: 'pause', pause: { message: 'hold', onAnswer: 'value' } },
      })
    }
  })

  test('a stop too', async () => {
    const happening = await send(
      roomOf({ execute: async () => Promise.reject(new AgentStoppedException('no')) }),
    )
    expect(happening).toMatchObject({ kind: 'interrupted', interruption: { is: 'stop', message: 'no' } })
  })

  test('a pause whose question cannot be asked must not be taken for success', async () => {
    const thrown = new AgentPausedException('hold', { question: { message: '' } })
    await expect(send(roomOf({ execute: async () => Promise.reject(thrown) }))).resolves.toMatchObject({
      kind: 'call-settled',
      outcome: { ok: false },
    })
  })

  test('a pause whose state has no plain form fails the call', async () => {
    const thrown = new AgentPausedException('hold', { question: '?', state: () => 1 })
    await expect(send(roomOf({ execute: async () => Promise.reject(thrown) }))).resolves.toMatchObject({
      kind: 'call-settled',
      outcome: { ok: false },
    })
  })

  test('its state and its answers come back to it, the n-th question gets the n-th (R7)', async () => {
    const seen: unknown[] = []
    const room = roomOf({
      execute: async (_input, { ask, answer, state }) => {
        seen.push(answer, state, await ask('A?'), await ask('B?'))
        return ask('C?')
      },
    })
    const answered = { values: ['a', undefined], state: encode([1]) }
    const happening = await send(room, { ...open, answered }, answered.state)
    expect(seen).toEqual([undefined, [1], 'a', undefined])
    expect(happening).toMatchObject({
      interruption: { is: 'pause', pause: { question: { message: 'C?' }, onAnswer: 'call' } },
    })
  })

  test('longer than its timeout it fails and hears it, whether or not it listens', async () => {
    const began = Promise.withResolvers<AbortSignal>()
    const room = roomOf({
      timeout: '5s',
      execute: async (_input, { abortSignal }) => {
        began.resolve(abortSignal)
        return new Promise(() => undefined)
      },
    })
    const sent = send(room)
    const heard = await began.promise
    room.clock.advance(4_999)
    expect(heard.aborted).toBe(false)
    room.clock.advance(1)
    expect(await sent).toMatchObject({
      outcome: { ok: false, error: { name: 'ToolError', message: /5\.0 s/ } },
    })
    expect(heard.aborted).toBe(true)
  })

  test('in time it leaves no timer behind', async () => {
    const room = roomOf({ timeout: '5s' })
    await send(room)
    expect(room.clock.pending).toBe(0)
  })

  test("what it throws after its timeout is nobody's unhandled rejection", async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    const late = Promise.withResolvers<never>()
    const room = roomOf({ timeout: '5s', execute: async () => late.promise })
    const sent = send(room)
    await new Promise((resolve) => setImmediate(resolve))
    room.clock.advance(5_000)
    await sent
    late.reject(new Error('late'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
  })
})

describe("the author's functions", () => {
  test('a verdict is what the function says, of the checked input', async () => {
    const room = roomOf({ needsApproval: (input) => (input as { readonly n: number }).n > 0 })
    expect(await judgeCall(open, encode({ n: 1 }), 'k', undefined, room)).toMatchObject({ required: true })
    expect(await judgeCall(open, encode({ n: 0 }), 'k', undefined, room)).toMatchObject({ required: false })
  })

  test('one that throws approves nothing', async () => {
    const room = roomOf({
      needsApproval: () => {
        throw new Error('db')
      },
    })
    expect(await judgeCall(open, encode({ n: 1 }), 'k', undefined, room)).toMatchObject({
      error: { message: 'db' },
    })
  })

  const probes: Readonly<Record<string, readonly [() => unknown, string]>> = {
    happened: [() => ({ happened: true, result: 'paid' }), 'happened'],
    'did not': [() => ({ happened: false }), 'not'],
    'cannot say': [() => undefined, 'unknown'],
    'says nonsense': [() => 'yes', 'unknown'],
    'forgets the result': [() => ({ happened: true }), 'unknown'],
    throws: [throwing(new Error('x')), 'unknown'],
  }
  test.each(Object.entries(probes))('a probe that %s', async (_, [says, said]) => {
    const probe = says as NonNullable<ToolSpec<unknown, unknown, unknown>['probe']>
    const happening = await probeCall(open, encode({ n: 1 }), 'k', signal, roomOf({ probe }))
    expect(happening).toMatchObject({ kind: 'probed', said })
    if (said === 'happened') expect(happening).toMatchObject({ outcome: { ok: true, value: encode('paid') } })
  })
})

describe('an error as the code sees it', () => {
  test('has no path and no stack', () => {
    const error = new Error('ENOENT: open /home/ann/secrets/key.pem at file:///srv/app/tool.ts:3:4')
    expect(guestError(error)).toEqual({ name: 'Error', message: 'ENOENT: open <path> at <path>' })
  })

  test('of a ToolError is word for word', () => {
    expect(guestError(new ToolError('look in /etc/hosts'))).toEqual({
      name: 'ToolError',
      message: 'look in /etc/hosts',
    })
  })
})
