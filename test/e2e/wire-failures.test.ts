/** What goes wrong on a wire, on real providers' packages: attempts are facts, and the run goes on, rests, or says why not. */
import { describe, expect, test } from 'vitest'
import {
  CodeAgent,
  drainDue,
  memoryStore,
  PersistentCodeAgent,
  type PersistentAgentOptions,
} from '../../src/index.ts'
import { modelAt, type Provider } from '../model/fixtures/wire-models.ts'
import { WireServer, type WireTurn } from '../model/fixtures/wire-server.ts'
import { agentOf, entriesOf, goOn, HandClock, must, output, rested } from './fixtures/bench.ts'

const TURNS: readonly WireTurn[] = [{ code: ['const n = 20'] }, { code: ['finalAnswer(n + 1)'] }]
const QUICK = { maxRetryWait: 1, modelIdleTimeout: '20s' } as const

type More = Partial<PersistentAgentOptions>

async function agentAt(server: WireServer, more: More = {}, provider: Provider = 'anthropic') {
  const model = await modelAt(provider, server.url)
  return new PersistentCodeAgent({ model, store: memoryStore(), ...QUICK, ...more })
}

describe.each(['anthropic', 'openai', 'google', 'compatible'] as const)('%s', (provider) => {
  test.each<[string, (server: WireServer) => WireServer, RegExp]>([
    ['408', (server) => server.refuse(408), /status 408/],
    ['429', (server) => server.refuse(429), /status 429/],
    ['500', (server) => server.refuse(500), /status 500/],
    ['503', (server) => server.refuse(503), /status 503/],
    ['529', (server) => server.refuse(529), /status 529/],
    ['a connection that is reset', (server) => server.reset(), /failed/],
    ['a stream that is cut at once', (server) => server.cut(0.2), /./],
    ['a stream that is cut near its end', (server) => server.cut(0.8), /./],
    [
      'a stream that ends early, in good order',
      (server) => server.end(0.5),
      /without finishing|broke|failed/,
    ],
  ])('%s is tried again, once, and nothing ran twice', async (_name, spoil, message) => {
    await using server = await WireServer.open(TURNS)
    spoil(server)
    const store = memoryStore()
    const agent = await agentAt(server, { store }, provider)
    expect(output(await agent.run('What is 20 and 1?'))).toBe(21)
    expect(server.sent).toHaveLength(3)
    expect(must(server.sent[1]).text).toBe(must(server.sent[0]).text)
    const failed = await entriesOf(store, must(agent.runId), 'model-failed')
    expect(failed).toMatchObject([
      { step: 1, attempt: 1, error: { code: 'MODEL', message: expect.stringMatching(message) } },
    ])
    expect(must(failed[0]).retryAt).toBeDefined()
    expect(agent.memory.steps.filter((step) => step.kind === 'action')).toHaveLength(2)
  })

  test.each([0, 0.5])(
    'a model that goes silent after %d of its reply is given up and asked again',
    async (share) => {
      await using server = await WireServer.open(TURNS)
      server.hang(share)
      const store = memoryStore()
      const agent = await agentAt(server, { store, modelIdleTimeout: 150 }, provider)
      expect(output(await agent.run('What is 20 and 1?'))).toBe(21)
      const [failed] = await entriesOf(store, must(agent.runId), 'model-failed')
      expect(failed?.error.message).toMatch(/sent nothing for 150 ms \(modelIdleTimeout\)/)
    },
  )

  test.each([400, 401, 403, 404])('%d is not tried again', async (status) => {
    await using server = await WireServer.open(TURNS)
    server.refuse(status)
    const { error } = rested(await (await agentAt(server, {}, provider)).run('Go'), 'failed')
    expect(error).toMatchObject({ code: 'MODEL', message: expect.stringContaining(`status ${status}`) })
    expect(server.sent).toHaveLength(1)
  })
})

describe('the wait', () => {
  test.each([
    ['retry-after', { 'retry-after': '1' }, 1_000],
    ['retry-after-ms', { 'retry-after-ms': '300', 'retry-after': '9' }, 300],
    ['neither', {}, 500],
  ])('that %s asks for is kept, with a little more by the seed', async (_name, headers, least) => {
    await using server = await WireServer.open(TURNS)
    server.refuse(429, headers)
    const store = memoryStore()
    const agent = await agentAt(server, { store, maxRetryWait: '1h' })
    await agent.run('What is 20 and 1?')
    const [failed] = await entriesOf(store, must(agent.runId), 'model-failed')
    const wait = must(failed?.retryAt) - must(failed).at
    expect(wait).toBeGreaterThanOrEqual(least)
    expect(wait).toBeLessThanOrEqual(least === 500 ? 1_000 : least * 1.1)
  })

  test('of a minute or more is no reason to hold a process: the run rests, and another one goes on', async () => {
    await using server = await WireServer.open(TURNS)
    server.refuse(429, { 'retry-after': '600' })
    const clock = new HandClock()
    const store = memoryStore(clock)
    const agent = await agentAt(server, { store, maxRetryWait: '1h' })
    const first = rested(await agent.run('What is 20 and 1?'), 'paused')
    expect(first.message).toMatch(/anthropic\/claude-sonnet-4-5 is asked again at .* \(attempt 1 failed\)/)
    expect(first.questions).toEqual([])
    const wakeAt = must(first.wakeAt).getTime()
    expect(wakeAt - clock.now()).toBeGreaterThanOrEqual(600_000)
    // Asked to go on too early it rests again, and asks nobody.
    const second = await (await agentAt(server, { store, maxRetryWait: '1h' })).resume()
    expect(rested(await goOn(second), 'paused').wakeAt?.getTime()).toBe(wakeAt)
    expect(server.sent).toHaveLength(1)
    clock.forward(660_000)
    expect(output(await goOn(second))).toBe(21)
    const called = await entriesOf(store, must(second.runId), 'model-called')
    expect(called.map(({ step, attempt }) => [step, attempt])).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
    ])
  })

  test('of a run that rests is over for whoever drives what is due', async () => {
    await using server = await WireServer.open(TURNS)
    server.refuse(503, { 'retry-after': '600' })
    const clock = new HandClock()
    const store = memoryStore(clock)
    const agent = await agentAt(server, { store, maxRetryWait: '1h' })
    rested(await agent.run('What is 20 and 1?'), 'paused')
    expect(await drainDue(store, [agent])).toEqual([])
    clock.forward(660_000)
    expect((await drainDue(store, [agent])).map(({ status }) => status)).toEqual(['completed'])
  })

  test('that is longer than maxRetryWait fails the task, and says so', async () => {
    await using server = await WireServer.open(TURNS)
    server.refuse(429, { 'retry-after': '7200' })
    const result = rested(await (await agentAt(server, { maxRetryWait: '1h' })).run('Go'), 'failed')
    expect(result.error.message).toMatch(/asks to wait for 2\.0 h, longer than 1\.0 h \(maxRetryWait\)/)
  })

  test('is for the model that asked for it: another one is asked at once', async () => {
    await using server = await WireServer.open(TURNS)
    server.refuse(429, { 'retry-after': '600' })
    const store = memoryStore(new HandClock())
    rested(await (await agentAt(server, { store, maxRetryWait: '1h' })).run('What is 20 and 1?'), 'paused')
    const other = await (await agentAt(server, { store }, 'openai')).resume()
    expect(output(await goOn(other))).toBe(21)
  })
})

test('an agent that waits for its model lets its caller rest, and both go on', async () => {
  await using server = await WireServer.open(TURNS)
  server.refuse(429, { 'retry-after': '600' })
  const clock = new HandClock()
  const store = memoryStore(clock)
  const model = await modelAt('anthropic', server.url)
  const worker = new CodeAgent({ name: 'worker', description: 'Counts', model })
  const manager = (): PersistentCodeAgent =>
    agentOf({ store, managedAgents: [worker], script: ['finalAnswer(await worker("What is 20 and 1?"))'] })
  const first = rested(await manager().run('Have it counted'), 'paused')
  expect(first.message).toMatch(/worker: .*is asked again at/)
  const wakeAt = must(first.wakeAt).getTime()
  expect(wakeAt - clock.now()).toBeGreaterThanOrEqual(600_000)
  clock.forward(660_000)
  expect(output(await goOn(await manager().resume()))).toBe(21)
  expect(server.sent).toHaveLength(3)
})

test('after its attempts the run has failed; asked to go on it tries that hop again, and only that', async () => {
  await using server = await WireServer.open(TURNS)
  const store = memoryStore()
  const agent = await agentAt(server, { store, maxRetries: 2 })
  // The first step is answered; the second never is, at first.
  const run = await agent.start('What is 20 and 1?')
  await server.requests(1)
  server.refuse(500).refuse(503).refuse(529)
  const failed = rested(await run.result(), 'failed')
  expect(failed.error).toMatchObject({
    code: 'MODEL',
    message: expect.stringMatching(/status 529.* Tried 3 times\./),
  })
  const again = await (await agentAt(server, { store })).resume()
  const result = rested(await goOn(again), 'completed')
  expect(result).toMatchObject({ output: 21, stepCount: 2 })
  expect(server.sent).toHaveLength(5)
  expect(new Set(server.sent.slice(1).map(({ text }) => text)).size).toBe(1)
})

test('maxRetries 0: nothing is sent twice', async () => {
  await using server = await WireServer.open(TURNS)
  server.refuse(500)
  rested(await (await agentAt(server, { maxRetries: 0 })).run('Go'), 'failed')
  expect(server.sent).toHaveLength(1)
})
