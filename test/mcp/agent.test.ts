/** Agents with servers among their tools: when those are started, what a run remembers of them, what waits and goes on. */
import { describe, expect, test, vi } from 'vitest'
import {
  CodeAgent,
  drainDue,
  memoryStore,
  PersistentCodeAgent,
  secret,
  tool,
  type Store,
} from '../../src/index.ts'
import { violations } from '../../src/journal/check.ts'
import { mcpServer } from '../../src/mcp.ts'
import { scriptedModel, type Script } from '../../src/testing.ts'
import {
  entriesOf,
  goOn,
  HandClock,
  journalOf,
  must,
  onlyQuestion,
  output,
  PATIENT,
  rested,
} from '../e2e/fixtures/bench.ts'
import { recorded } from '../crash/fixtures/recorded.ts'
import { watched } from '../telemetry/watched.ts'
import { World } from './fixtures/world.ts'

vi.setConfig({ testTimeout: 60_000 })

type More = Partial<ConstructorParameters<typeof PersistentCodeAgent>[0]>

/** An agent of its own making, as another process would have it: another connection, the same store. */
function agentOf(world: World, store: Store, script: Script, more: More = {}): PersistentCodeAgent {
  return new PersistentCodeAgent({ store, model: scriptedModel(script), tools: [world.source()], ...more })
}

/** Its store is another's too. */
const leave = async (store: Store): Promise<Store> =>
  Object.assign(Object.create(store) as Store, { close: async () => undefined })

describe('a server is started', () => {
  test('when a run begins, not when an agent is made, and ended with the agent', async () => {
    await using world = new World()
    const agent = agentOf(world, memoryStore(), ['finalAnswer(await srv_add({ a: 2, b: 3 }))'])
    expect(agent.definition().tools.size).toBe(0)
    expect(world.lines('starts')).toEqual([])
    expect(output(await agent.run('Add'))).toEqual({ sum: 5 })
    const [pid] = world.lines('starts')
    await agent.close()
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH')
  })

  test('by nobody who only reads a run, answers its question, or goes on with one that waits', async () => {
    await using world = new World()
    const store = await leave(memoryStore())
    const script = [
      'const size = await ask("Which size?")\nfinalAnswer([size, await srv_add({ a: 1, b: 1 })])',
    ]
    const first = agentOf(world, store, script)
    const { runId } = await first.run('Ask')
    await first.close()
    expect(world.lines('starts')).toHaveLength(1)

    const second = await agentOf(world, store, script).resume({ runId })
    onlyQuestion(await goOn(second))
    await second.answer(must(second.questions[0]).id, { type: 'respond', value: 'L' })
    expect(world.lines('starts')).toHaveLength(1)
    expect(output(await goOn(second))).toEqual(['L', { sum: 2 }])
    expect(world.lines('starts')).toHaveLength(2)
    await second.close()
  })

  test('that cannot be started is named, before anything is written', async () => {
    const store = memoryStore()
    const gone = mcpServer({ name: 'gone', command: 'no-such-program-here' })
    const agent = new PersistentCodeAgent({ store, model: scriptedModel([]), tools: [gone] })
    await expect(agent.run('Anything')).rejects.toThrow(
      "The MCP server 'gone' could not start (no-such-program-here): there is no such program, or no such folder.",
    )
    expect(await store.runs({}, 10)).toEqual([])
  })

  test('below an agent that manages another, when that one is called', async () => {
    await using world = new World()
    const starts: unknown[] = []
    const helper = new CodeAgent({
      name: 'helper',
      description: 'Adds',
      model: scriptedModel(['finalAnswer(await srv_add({ a: 20, b: 1 }))']),
      tools: [world.source()],
    })
    const agent = new PersistentCodeAgent({
      store: memoryStore(),
      model: scriptedModel(['print(1)', 'finalAnswer(await helper("Add"))']),
      managedAgents: [helper],
      stepCallbacks: [({ number }) => void starts.push([number, world.lines('starts').length])],
    })
    expect(output(await agent.run('Delegate'))).toEqual({ sum: 21 })
    expect(starts).toEqual([
      [1, 0],
      [2, 1],
    ])
    const [pid] = world.lines('starts')
    await agent.close()
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH')
  })
})

describe('names', () => {
  const made = (more: More): PersistentCodeAgent =>
    new PersistentCodeAgent({ model: scriptedModel([]), store: memoryStore(), ...more })
  const named = (name: string): ReturnType<typeof tool> => tool({ name, description: 'x', execute: () => 1 })
  const server = (name: string): ReturnType<typeof mcpServer> => mcpServer({ name, command: 'x' })

  test('that a server could take are refused to everybody else, before it is started', () => {
    expect(() => made({ tools: [named('srv_pay'), server('srv')] })).toThrow(
      /'srv_pay' is in the way of the source 'srv'/,
    )
    expect(() => made({ tools: [server('srv'), server('srv_more')] })).toThrow(/'srv_more' is in the way/)
    expect(() => made({ tools: [server('srv'), server('srv')] })).toThrow(
      /Two sources of tools are named 'srv'/,
    )
    expect(() => made({ tools: [server('srv'), named('srv')] })).toThrow(/in the way/)
    expect(() => made({ tools: [server('a'), server('b'), named('c')] })).not.toThrow()
  })

  test.for([
    [{ name: 'a-b', command: 'x' }, /A server's name/],
    [{ name: 'a' }, /needs a command or a url/],
    [{ name: 'a', command: 'x', url: 'http://x' }, /not both/],
    [{ name: 'a', url: 'ftp://x' }, /http or https/],
    [{ name: 'a', url: 'https://me:secret@x' }, /holds a password/],
    [{ name: 'a', command: 'x', arg: [] }, /there is no option 'arg'/],
    [{ name: 'a', command: 'x', env: { TOKEN: undefined } }, /env is a record of texts/],
    [{ name: 'a', command: 'x', timeout: 0 }, /timeout is 0/],
    [{ name: 'a', command: 'x', include: 'look' }, /include is a list/],
  ] as const)('of options that are wrong are told: %j', ([options, why]) => {
    expect(() => mcpServer(options as never)).toThrow(why)
  })

  test('in toolApproval and toolEffects are looked at when the server says what it has', async () => {
    await using world = new World()
    const agent = agentOf(world, memoryStore(), [], { toolApproval: { srv_pya: 'user-approval' } })
    await expect(agent.run('Pay')).rejects.toThrow(/toolApproval names 'srv_pya', but there is no such tool/)
    await agent.close()
    expect(() => agentOf(world, memoryStore(), [], { toolApproval: { pay: 'approved' } })).toThrow(
      /no such tool/,
    )
  })
})

describe('approval', () => {
  const script = ['finalAnswer(await srv_pay({ amount: 5 }))']

  test('is asked for what destroys, and given by the agent for what it says', async () => {
    await using world = new World()
    const free = agentOf(world, memoryStore(), script, { toolApproval: { srv_pay: 'approved' } })
    expect(output(await free.run('Pay'))).toBe('pay done')
    await free.close()
    const asking = agentOf(world, memoryStore(), script)
    const question = onlyQuestion(await asking.run('Pay'))
    expect(question).toMatchObject({ kind: 'approval', call: { tool: 'srv_pay', args: { amount: 5 } } })
    await asking.answer(question.id, { type: 'approve' })
    expect(output(await goOn(asking))).toBe('pay done')
    await asking.close()
  })

  test.for([
    ['description', { description: 'Pays the author' }],
    [
      'schema',
      { inputSchema: { type: 'object', properties: { amount: { type: 'number' }, to: { type: 'string' } } } },
    ],
    ['annotations', { annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true } }],
  ] as const)('of a tool whose %s has changed since is asked for again', async ([, change]) => {
    await using world = new World()
    const store = await leave(memoryStore())
    const first = agentOf(world, store, script)
    const { id } = onlyQuestion(await first.run('Pay'))
    const runId = must(first.runId)
    await first.close()
    world.says({ pay: change })
    const second = await agentOf(world, store, script).resume({ runId })
    await second.answer(id, { type: 'approve' })
    const again = onlyQuestion(await goOn(second))
    expect(again.id).not.toBe(id)
    expect(world.lines('calls')).toEqual([])
    await second.answer(again.id, { type: 'approve' })
    expect(output(await goOn(second))).toBe('pay done')
    expect(world.lines('calls')).toEqual(['pay {"amount":5}'])
    expect(await entriesOf(store, runId, 'tools-changed')).toMatchObject([{ changed: ['srv_pay'] }])
    await second.close()
  })
})

describe('a tool that its server has no more', () => {
  const script = [
    'const size = await ask("Which size?")\nlet e = "none"\ntry { await srv_note({}) } catch (error) { e = error.message }\nfinalAnswer([size, e])',
  ]

  test('is taken from the run, which is told and goes on', async () => {
    await using world = new World()
    const store = await leave(memoryStore())
    const first = agentOf(world, store, script)
    const { id } = onlyQuestion(await first.run('Ask'))
    const runId = must(first.runId)
    await first.close()
    world.says({ note: null })
    const second = await agentOf(world, store, script).resume({ runId })
    await second.answer(id, { type: 'respond', value: 'L' })
    const [size, error] = output(await goOn(second)) as readonly string[]
    expect([size, error]).toEqual(['L', 'srv_note is not defined'])
    expect(await entriesOf(store, runId, 'tools-changed')).toMatchObject([{ removed: ['srv_note'] }])
    await second.close()
  })
})

test('H39: a tool that was renamed while its approval was open is not called under either name', async () => {
  await using world = new World()
  const store = await leave(memoryStore())
  const script = [
    'let e\ntry { await srv_pay({ amount: 5 }) } catch (error) { e = error.message }\nprint(e)',
    'finalAnswer(Object.keys(tools).filter((name) => name.includes("pay")))',
  ]
  const first = agentOf(world, store, script)
  const { id } = onlyQuestion(await first.run('Pay'))
  const runId = must(first.runId)
  await first.close()
  world.says({ pay: null, payOut: { description: 'Pays', annotations: { readOnlyHint: true } } })
  const second = await agentOf(world, store, script).resume({ runId })
  await second.answer(id, { type: 'approve' })
  const result = await goOn(second)
  expect(world.lines('calls')).toEqual([])
  expect(JSON.stringify(second.memory.steps)).toContain('srv_pay was taken away from this run')
  expect(output(result)).toEqual(['srv_payOut'])
  await second.close()
})

describe('a server that asks in the middle of a call', () => {
  test('and whose answer was on its way when the process ended: nobody knows, a person says, and it is sent as it was', async () => {
    await using world = new World()
    const recording = recorded(new HandClock())
    const script = ['finalAnswer(await srv_book({}))']
    const first = agentOf(world, recording.store, script)
    const { id } = onlyQuestion(await first.run('Book'))
    await first.answer(id, { type: 'respond', value: { seat: '7A' } })
    expect(output(await goOn(first))).toBe('booked 7A (held: 7)')
    await first.close()
    const sent = recording.entries.findLastIndex((entry) => entry.kind === 'call-started')
    const clock = new HandClock(must(recording.entries[sent]).at)
    const store = await leave(await recording.cut(sent + 1, clock))
    const second = await agentOf(world, store, script).resume()
    const question = onlyQuestion(await goOn(second))
    expect(question).toMatchObject({ kind: 'unknownOutcome', call: { tool: 'srv_book' } })
    await second.answer(question.id, { type: 'approve' })
    expect(output(await goOn(second))).toBe('booked 7A (held: 7)')
    await second.close()
  })

  test('waits for its answer without a process, and hears it over another connection', async () => {
    await using world = new World()
    const store = await leave(memoryStore())
    const script = ['finalAnswer(await srv_book({}))']
    const first = agentOf(world, store, script)
    const question = onlyQuestion(await first.run('Book'))
    expect(question).toMatchObject({ kind: 'input', message: 'Which seat?', call: { tool: 'srv_book' } })
    const runId = must(first.runId)
    await first.close()
    const second = await agentOf(world, store, script).resume({ runId })
    await expect(second.answer(question.id, { type: 'respond', value: { row: 3 } })).rejects.toThrow(/seat/)
    await second.answer(question.id, { type: 'respond', value: { seat: '7A' } })
    expect(output(await goOn(second))).toBe('booked 7A (held: 7)')
    expect(world.lines('calls')).toEqual(['book {"seat":"7A","state":"held: 7"}'])
    expect(world.lines('starts')).toHaveLength(2)
    await second.close()
  })

  test('and is refused: the code hears it', async () => {
    await using world = new World()
    const agent = agentOf(world, memoryStore(), [
      'let e\ntry { await srv_book({}) } catch (error) { e = error.message }\nfinalAnswer(e)',
    ])
    const question = onlyQuestion(await agent.run('Book'))
    await agent.answer(question.id, { type: 'reject', reason: 'too dear' })
    expect(output(await goOn(agent))).toBe('rejected by a person: too dear')
    await agent.close()
  })
})

describe('a server that ends in the middle of a call that must not be repeated', () => {
  const script = ['finalAnswer(await srv_dieOnce({}))']

  test('leaves a question: it did not happen, so it is sent again', async () => {
    await using world = new World()
    const store = memoryStore()
    const agent = agentOf(world, store, script)
    const question = onlyQuestion(await agent.run('Die'))
    expect(question).toMatchObject({
      kind: 'unknownOutcome',
      message: expect.stringMatching(
        /Nobody knows whether srv_dieOnce .* happened: the MCP server 'srv' did not answer: it ended/,
      ),
    })
    expect(world.lines('calls')).toEqual(['dieOnce {}'])
    await agent.answer(question.id, { type: 'approve' })
    expect(output(await goOn(agent))).toBe('alive')
    expect(violations(await journalOf(store, must(agent.runId)))).toEqual([])
    await agent.close()
  })

  test('or tells the code, where nobody is to be asked', async () => {
    await using world = new World()
    const agent = agentOf(
      world,
      memoryStore(),
      ['let e\ntry { await srv_dieOnce({}) } catch (error) { e = error.name }\nfinalAnswer(e)'],
      { onUnknownOutcome: 'tell' },
    )
    expect(output(await agent.run('Die'))).toBe('UnknownOutcomeError')
    expect(world.lines('calls')).toEqual(['dieOnce {}'])
    await agent.close()
  })
})

test('what a server is given in confidence stands in no entry and no error', async () => {
  await using world = new World()
  const token = 'tok_canary_55512'
  const store = memoryStore()
  const said: unknown[] = []
  const source = world.source({ env: { MCP_TOKEN: token }, onLog: (line) => said.push(line) })
  const agent = new PersistentCodeAgent({
    store,
    model: scriptedModel([
      'await srv_tell({})\nlet e\ntry { await srv_fail({}) } catch (error) { e = String(error) }\nfinalAnswer(e)',
    ]),
    tools: [source],
  })
  for await (const event of agent.stream('Tell')) said.push(event)
  const run = must(agent.runId)
  await expect.poll(() => JSON.stringify(said), PATIENT).toContain('a word on the side')
  expect(JSON.stringify(said)).not.toContain(token)
  expect(JSON.stringify(await journalOf(store, run))).not.toContain(token)
  await agent.close()
})

test('secrets of the agent are put in their place, and taken out of what the server says', async () => {
  await using world = new World()
  const value = 'tok_canary_77712'
  const store = await leave(memoryStore())
  const agentWith = (secrets: Readonly<Record<string, string>>): PersistentCodeAgent =>
    new PersistentCodeAgent({
      store,
      secrets,
      model: scriptedModel(['finalAnswer(await srv_env({ name: "MCP_TOKEN" }))']),
      tools: [world.source({ env: { MCP_TOKEN: secret('TRACKER') } })],
    })
  expect(() => agentWith({})).toThrow(/'srv' takes the secret TRACKER, which is not among the agent's/)
  const agent = agentWith({ TRACKER: value })
  const result = await agent.run('Tell')
  expect(output(result)).toBe('16 characters: [secret:TRACKER]')
  expect(JSON.stringify(await journalOf(store, result.runId))).not.toContain(value)
  await agent.close()
})

test('a run that was granted less has no more when it goes on', async () => {
  await using world = new World()
  const store = await leave(memoryStore())
  const script = [
    'const n = await ask("Go on?")\nlet e\ntry { await tools.srv_note({}) } catch (x) { e = x.message }\nfinalAnswer([n, e, await srv_add({ a: 1, b: 1 })])',
  ]
  const first = agentOf(world, store, script)
  await expect(first.run('Try', { grants: ['srv_nothing'] })).rejects.toThrow(/grants names 'srv_nothing'/)
  const { id } = onlyQuestion(await first.run('Try', { grants: ['srv_add'] }))
  const runId = must(first.runId)
  await first.close()
  const second = await agentOf(world, store, script).resume({ runId })
  await second.answer(id, { type: 'respond', value: 1 })
  const [, error, sum] = output(await goOn(second)) as readonly unknown[]
  expect(error).toBe('not a function')
  expect(sum).toEqual({ sum: 2 })
  expect(world.lines('calls')).toEqual([])
  expect(await entriesOf(store, runId, 'tools-changed')).toEqual([])
  await second.close()
})

test("strangers' words, private data and a way out meet in one run: a person is asked", async () => {
  await using world = new World()
  const inbox = tool({
    name: 'inbox',
    description: 'Reads mail',
    effect: 'read',
    touches: ['private'],
    execute: () => 'mail',
  })
  const agent = new PersistentCodeAgent({
    store: memoryStore(),
    model: scriptedModel(['await srv_look({})\nawait inbox({})\nfinalAnswer(await srv_look({}))']),
    tools: [inbox, world.source()],
  })
  expect(onlyQuestion(await agent.run('Read'))).toMatchObject({
    kind: 'approval',
    call: { tool: 'srv_look' },
  })
  await agent.close()
})

test('the trace goes on in the server', async () => {
  await using world = new World()
  using sdk = watched()
  const agent = agentOf(world, memoryStore(), ['finalAnswer(JSON.parse(await srv_tell({})).meta)'])
  const result = await agent.run('Tell')
  const span = sdk.span('execute_tool srv_tell').spanContext()
  expect(output(result)).toMatchObject({ traceparent: `00-${span.traceId}-${span.spanId}-01` })
  expect(result.traceparent).toContain(span.traceId)
  await agent.close()
})

test('an agent with a server is saved by the name of the server', async () => {
  await using world = new World()
  const agent = agentOf(world, memoryStore(), [])
  const saved = agent.toJSON()
  expect(saved.tools).toEqual(['srv'])
  const parts = {
    model: scriptedModel(['finalAnswer(await srv_add({ a: 1, b: 2 }))']),
    tools: [world.source()],
  }
  const loaded = PersistentCodeAgent.fromJSON(saved, { ...parts, store: memoryStore() })
  expect(output(await loaded.run('Add'))).toEqual({ sum: 3 })
  await loaded.close()
})

test('a service that drives what is due starts the servers of those runs', async () => {
  await using world = new World()
  const store = await leave(memoryStore())
  const agent = agentOf(world, store, ['finalAnswer([await ask("Size?"), await srv_add({ a: 1, b: 1 })])'])
  const { id } = onlyQuestion(await agent.run('Ask'))
  const runId = must(agent.runId)
  await agent.close()
  await agent.answer(id, { type: 'respond', value: 'L' })
  expect(world.lines('starts')).toHaveLength(1)
  const [result] = await drainDue(store, [agent])
  expect(result).toMatchObject({ runId, output: ['L', { sum: 2 }] })
  expect(world.lines('starts')).toHaveLength(2)
  await agent.close()
})

test('a run that is stopped ends what it had asked of the server', async () => {
  await using world = new World()
  const agent = agentOf(world, memoryStore(), ['await srv_slow({})'])
  const run = await agent.start('Wait')
  await expect.poll(() => world.has('began'), PATIENT).toBe(true)
  await run.stop('enough')
  rested(await run.result(), 'stopped')
  await expect.poll(() => world.lines('calls'), PATIENT).toEqual(['cancelled {}'])
  await agent.close()
})
