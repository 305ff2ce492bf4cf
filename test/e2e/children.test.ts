/** Agents that call agents: each call is a run of its own, in one family with its caller. */
import { describe, expect, test } from 'vitest'
import {
  AgentPausedException,
  AgentStoppedException,
  CodeAgent,
  drainDue,
  memoryStore,
  PersistentCodeAgent,
  tool,
  UsageError,
  type PersistentAgentOptions,
  type Store,
} from '../../src/index.ts'
import { violations } from '../../src/journal/check.ts'
import { newsIn } from '../../src/run/family.ts'
import { RunLog } from '../../src/run/log.ts'
import { recover } from '../../src/run/recover.ts'
import { haltRun } from '../../src/run/signal.ts'
import { scriptedModel, type Script } from '../../src/testing.ts'
import {
  echo,
  entriesOf,
  goOn,
  HandClock,
  HandTool,
  journalOf,
  must,
  onlyQuestion,
  output,
  PATIENT,
  plainTool,
  rested,
} from './fixtures/bench.ts'

type Given = Omit<PersistentAgentOptions, 'model' | 'name'> & { readonly script: Script }

function worker(name: string, { script, ...options }: Given): CodeAgent {
  return new CodeAgent({
    description: `Does what ${name}s do`,
    ...options,
    name,
    model: scriptedModel(script),
  })
}

function manager(
  store: Store,
  script: Script,
  managedAgents: readonly CodeAgent[],
  more: Partial<PersistentAgentOptions> = {},
): PersistentCodeAgent {
  return new PersistentCodeAgent({
    name: 'manager',
    store,
    managedAgents,
    ...more,
    model: scriptedModel(script),
  })
}

/** Everything in the store keeps the laws. */
async function lawful(store: Store): Promise<void> {
  for (const { runId } of await store.runs({}, 100))
    expect({ runId, wrong: violations(await journalOf(store, runId)) }).toEqual({ runId, wrong: [] })
}

async function statuses(store: Store): Promise<Readonly<Record<string, string>>> {
  const rows = await store.runs({}, 100)
  return Object.fromEntries(rows.map(({ agent, status }) => [agent, status]))
}

const CALL = ['finalAnswer(await writer("a poem"))']

describe('an agent that is called like a tool', () => {
  test('is a run of its own, in the trace of its caller, and its output is the value of the call', async () => {
    const store = memoryStore()
    const writer = worker('writer', { script: ['finalAnswer({ poem: [1, 2n], task: 1 })'] })
    const agent = manager(store, ['const p = await writer("a poem")\nfinalAnswer(p.poem)'], [writer])
    const result = rested(await agent.run('write'), 'completed')
    expect(result.output).toEqual([1, 2n])
    const runId = must(agent.runId)
    const rows = await store.runs({ rootRunId: runId }, 10)
    expect(rows.map((row) => [row.runId, row.agent, row.status, row.task])).toEqual([
      [`${runId}.1.1`, 'writer', 'completed', 'a poem'],
      [runId, 'manager', 'completed', 'write'],
    ])
    const [begun] = await journalOf(store, `${runId}.1.1`)
    expect(begun).toMatchObject({ kind: 'run-started', parent: { run: runId, call: '1.1' } })
    expect(must(begun?.kind === 'run-started' ? begun.traceparent : undefined).slice(3, 35)).toBe(
      result.traceparent.slice(3, 35),
    )
    await lawful(store)
  })

  test('gets values with its task; what it used counts for its caller too', async () => {
    const store = memoryStore()
    const writer = worker('writer', { script: ['finalAnswer(names.join("+"))'] })
    const script = ['finalAnswer(await writer({ task: "join", additionalArgs: { names: ["a", "b"] } }))']
    const agent = manager(store, script, [writer])
    const result = rested(await agent.run('x'), 'completed')
    expect(result.output).toBe('a+b')
    const child = await store.run(`${must(agent.runId)}.1.1`)
    expect(child?.status).toBe('completed')
    const alone = rested(await manager(memoryStore(), ['finalAnswer(1)'], []).run('x'), 'completed')
    expect(result.usage.inputTokens).toBeGreaterThan(alone.usage.inputTokens)
  })

  test('several at the same time, and one below another', async () => {
    const store = memoryStore()
    const deep = worker('deep', { script: ['finalAnswer(1)'] })
    const middle = worker('middle', { script: ['finalAnswer(await deep("go") + 1)'], managedAgents: [deep] })
    const writer = worker('writer', { script: ['finalAnswer(10)'] })
    const agent = manager(
      store,
      ['finalAnswer(await Promise.all([middle("a"), writer("b"), writer("c")]))'],
      [middle, writer],
    )
    expect(output(await agent.run('all'))).toEqual([2, 10, 10])
    expect(await store.runs({}, 10)).toHaveLength(5)
    await lawful(store)
  })

  test.each([
    ['fails', { script: [] as Script, maxSteps: 1, onLimit: 'fail' as const }, 'writer failed'],
    [
      'is stopped by its tool',
      {
        script: ['await quit({})'] as Script,
        tools: [
          plainTool('quit', () => {
            throw new AgentStoppedException('I quit')
          }),
        ],
      },
      'writer was stopped: I quit',
    ],
  ])('one that %s is an error for the code of its caller', async (_how, options, message) => {
    const store = memoryStore()
    const agent = manager(
      store,
      ['finalAnswer(await writer("x").catch((error) => error.message))'],
      [worker('writer', options)],
    )
    expect(output(await agent.run('x'))).toContain(message)
    await lawful(store)
  })

  test.each([
    ['""', 'A task is text, and not empty'],
    ['{ task: "x", additionalArgs: { class: 1 } }', "'class' cannot be the name of a variable"],
    ['{ job: "x" }', 'writer: '],
    ['7', 'writer: '],
  ])('called with %s it is an error for the code of its caller', async (input, message) => {
    const store = memoryStore()
    const script = [`finalAnswer(await writer(${input}).catch((error) => error.message))`]
    const agent = manager(store, script, [worker('writer', { script: ['finalAnswer(1)'] })])
    expect(output(await agent.run('x'))).toContain(message)
    expect(await store.runs({}, 10)).toHaveLength(1)
  })

  test('a run of that id that is none of its own is not taken for it', async () => {
    const store = memoryStore()
    const writer = worker('writer', { script: ['finalAnswer(1)'] })
    await manager(store, ['finalAnswer(1)'], []).run('theirs', { runId: 'r.1.1' })
    const agent = manager(store, ['finalAnswer(await writer("x").catch((error) => error.message))'], [writer])
    expect(output(await agent.run('x', { runId: 'r' }))).toContain('A run r.1.1 exists already')
  })

  test('too deep is an error', async () => {
    const store = memoryStore()
    let inner = worker('a5', { script: ['finalAnswer(5)'] })
    for (const name of ['a4', 'a3', 'a2', 'a1'])
      inner = worker(name, {
        script: [`finalAnswer(await a${Number(name[1]) + 1}("x").catch((error) => error.message))`],
        managedAgents: [inner],
      })
    const agent = manager(store, ['finalAnswer(await a1("x"))'], [inner])
    expect(output(await agent.run('x'))).toBe('a4: Agents call agents 4 deep, not deeper.')
  })

  test('what cannot be called is refused at construction', () => {
    const silent = new CodeAgent({ name: 'silent', model: scriptedModel([]) })
    const [one, two] = [worker('one', { script: [] }), worker('one', { script: [] })]
    const make =
      (managedAgents: readonly CodeAgent[], tools: PersistentAgentOptions['tools'] = []) =>
      (): unknown =>
        manager(memoryStore(), [], managedAgents, { tools })
    expect(make([silent])).toThrow("'silent' is to be called like a tool, but has no description")
    expect(make([one, two])).toThrow("Two managed agents are named 'one'")
    expect(make([worker('echo', { script: [] })], [echo])).toThrow("both named 'echo'")
    expect(make([{} as never])).toThrow(UsageError)
  })
})

describe('one that waits', () => {
  const asks = () =>
    worker('writer', { script: ['finalAnswer("poem of " + await ask("Of what?", { type: "string" }))'] })

  test('makes its call wait: the question appears once, with its path, and is answered there', async () => {
    const store = memoryStore()
    const agent = manager(store, CALL, [asks()])
    const paused = rested(await agent.run('write'), 'paused')
    const question = onlyQuestion(paused)
    expect(question).toMatchObject({ message: 'Of what?', path: ['manager', 'writer'] })
    expect(paused.message).toContain('writer: ')
    expect(paused.inFlight).toEqual([])
    expect(agent.questions).toEqual(paused.questions)
    // Resuming without an answer rests again at once.
    expect(onlyQuestion(await goOn(agent)).id).toBe(question.id)
    const other = await manager(store, CALL, [asks()]).resume()
    expect(other.runId).toBe(agent.runId)
    await other.answer(question.id, { type: 'respond', value: 'spring' })
    await other.answer(question.id, { type: 'respond', value: 'spring' })
    await expect(other.answer(question.id, { type: 'respond', value: 'autumn' })).rejects.toThrow(
      'has been answered',
    )
    expect(output(await goOn(other))).toBe('poem of spring')
    await lawful(store)
  })

  test('a worker finds it by its answer, and drives its family', async () => {
    const store = memoryStore()
    const agent = manager(store, CALL, [asks()])
    const { id } = onlyQuestion(await agent.run('write'))
    expect(await drainDue(store, [agent])).toEqual([])
    await agent.answer(id, { type: 'respond', value: 'spring' })
    const [result] = await drainDue(store, [agent])
    expect(output(must(result))).toBe('poem of spring')
  })

  test('for the clock: the family wakes when it is due', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const sleeps = worker('writer', { script: ['await sleep("1d")\nfinalAnswer("rested")'] })
    const agent = manager(store, CALL, [sleeps])
    const { wakeAt } = rested(await agent.run('write'), 'paused')
    expect(wakeAt).toEqual(new Date(clock.now() + 86_400_000))
    expect(await drainDue(store, [agent])).toEqual([])
    clock.forward(86_400_000)
    const [result] = await drainDue(store, [agent])
    expect(output(must(result))).toBe('rested')
    await lawful(store)
  })

  test('does not hold up the others, and is answered while they work', async () => {
    const store = memoryStore()
    const slow = new HandTool('slow', 'read')
    const agent = manager(
      store,
      ['finalAnswer(await Promise.all([writer("x"), slow({ n: 1 })]))'],
      [asks()],
      {
        tools: [slow.tool],
      },
    )
    const run = await agent.start('both')
    await slow.begun(1)
    await expect.poll(async () => (await store.questions({})).length, PATIENT).toBe(1)
    const [question] = await store.questions({})
    await run.answer(must(question).id, { type: 'respond', value: 'rain' })
    await expect.poll(async () => (await statuses(store))['writer'], PATIENT).toBe('completed')
    slow.settle(1, 'done')
    expect(output(await run.result())).toEqual(['poem of rain', 'done'])
  })
})

describe('what befalls a family', () => {
  const held = (slow: HandTool) =>
    worker('writer', { script: ['finalAnswer(await slow({ n: 1 }))'], tools: [slow.tool] })

  test('a pause: the agent rests with its caller, and both go on', async () => {
    const store = memoryStore()
    const slow = new HandTool('slow', 'read')
    const agent = manager(store, CALL, [held(slow)], { pauseGrace: 5 })
    const run = await agent.start('x')
    await slow.begun(1)
    await run.pause('lunch')
    expect(rested(await run.result(), 'paused').message).toBe('lunch')
    slow.forget(1)
    const going = goOn(agent)
    await slow.begun(1)
    slow.settle(1, 'late but there')
    expect(output(await going)).toBe('late but there')
    await lawful(store)
  })

  test('a stop: tools of agents see it, and nothing of the family goes on', async () => {
    const store = memoryStore()
    const slow = new HandTool()
    const agent = manager(store, CALL, [held(slow)], { pauseGrace: 50 })
    const run = await agent.start('x')
    await slow.begun(1)
    await run.stop('enough')
    expect((await run.result()).status).toBe('stopped')
    expect(slow.aborted).toEqual([1])
    expect(await statuses(store)).toEqual({ manager: 'stopped', writer: 'stopped' })
    expect(await drainDue(store, [agent])).toEqual([])
    await lawful(store)
  })

  test('a stop of a family that nobody drives', async () => {
    const store = memoryStore()
    const agent = manager(store, CALL, [worker('writer', { script: ['await ask("?")'] })])
    await agent.run('x')
    await agent.stop('enough')
    expect(await statuses(store)).toEqual({ manager: 'stopped', writer: 'stopped' })
    expect(await store.questions({})).toEqual([])
    await lawful(store)
  })

  test('an agent that is stopped alone is an error for its caller', async () => {
    const store = memoryStore()
    const script = ['finalAnswer(await writer("x").catch((error) => error.message))']
    const agent = manager(store, script, [worker('writer', { script: ['await ask("?")'] })])
    await agent.run('x')
    const child = await manager(store, script, [])
      .resume({ runId: `${must(agent.runId)}.1.1` })
      .catch(() => undefined)
    expect(child).toBeUndefined()
    await haltRun(store, `${must(agent.runId)}.1.1`, { kind: 'stop', reason: 'not needed' })
    const [result] = await drainDue(store, [agent])
    expect(output(must(result))).toContain('writer was stopped: not needed')
  })

  test('an agent that pauses itself pauses its caller; going on goes on there', async () => {
    const store = memoryStore()
    let naps = 0
    const nap = tool({
      name: 'nap',
      description: 'Pauses',
      execute: async () => {
        naps++
        throw new AgentPausedException('Napping')
      },
    })
    const writer = worker('writer', { script: ['finalAnswer([await nap({})])'], tools: [nap] })
    const agent = manager(store, CALL, [writer])
    expect(rested(await agent.run('x'), 'paused').message).toBe('writer: Napping')
    expect(output(await goOn(await manager(store, CALL, [writer]).resume()))).toEqual([undefined])
    expect(naps).toBe(1)
    await lawful(store)
  })

  test('an agent whose call nobody waits for is stopped: at the end of the task, or when its step is killed', async () => {
    for (const script of [
      ['void writer("x")\nawait echo({ n: 1 })\nfinalAnswer(1)'],
      ['void writer("x")\nawait echo({ n: 1 })\nfor (;;) {}', 'finalAnswer(1)'],
    ]) {
      const store = memoryStore()
      const slow = new HandTool()
      const agent = manager(store, script, [held(slow)], {
        tools: [echo],
        pauseGrace: 50,
        limits: { stepTimeout: 150 },
      })
      const run = await agent.start('x')
      const result = await run.result()
      expect(output(result)).toBe(1)
      expect(await statuses(store)).toEqual({ manager: 'completed', writer: 'stopped' })
      // What it used until then is not forgotten.
      const replies = await Promise.all(
        [run.id, `${run.id}.1.1`].map(async (id) => entriesOf(store, id, 'model-replied')),
      )
      const tokens = replies.flat().map(({ usage }) => usage.inputTokens)
      expect(tokens).toHaveLength(script.length + 1)
      expect(result.usage.inputTokens).toBe(tokens.reduce((sum, each) => sum + each))
      await lawful(store)
    }
  })

  test('is driven together: an agent below another is not driven alone', async () => {
    const store = memoryStore()
    const writer = new PersistentCodeAgent({
      name: 'writer',
      description: 'Writes',
      store,
      model: scriptedModel(['await ask("?")']),
    })
    const agent = manager(store, CALL, [writer])
    await agent.run('x')
    const runId = `${must(agent.runId)}.1.1`
    await writer.resume({ runId })
    expect(writer.questions).toHaveLength(1)
    await expect(goOn(writer)).rejects.toThrow(`is a part of run ${must(agent.runId)}`)
  })

  test('a fork: the agent at work belongs to the run before', async () => {
    const store = memoryStore()
    const script = ['finalAnswer(await writer("x").catch((error) => error.name))']
    const agent = manager(store, script, [worker('writer', { script: ['await ask("?")'] })])
    await agent.run('x')
    const twin = await agent.fork()
    expect(output(await goOn(twin))).toBe('ForkedCallError')
  })
})

describe('a family and whoever sweeps', () => {
  const asking = (name: string, more: Partial<Given> = {}): CodeAgent =>
    worker(name, { script: ['finalAnswer(await ask("?"))'], ...more })

  test('three floors: who waits above says that it goes on before what is below does', async () => {
    const inner = memoryStore()
    const written: string[] = []
    const store: Store = {
      ...inner,
      append: async (lease, write) => {
        await inner.append(lease, write)
        written.push(...write.entries.map((entry) => `${lease.runId.length} ${entry.kind}`))
      },
    }
    const middle = worker('middle', {
      script: ['finalAnswer(await leaf("x"))'],
      managedAgents: [asking('leaf')],
    })
    const agent = manager(store, ['finalAnswer(await middle("x"))'], [middle])
    const { id } = onlyQuestion(await agent.run('x'))
    await agent.answer(id, { type: 'respond', value: 7 })
    written.length = 0
    expect(output(await goOn(agent))).toBe(7)
    const ids = (await store.runs({}, 3)).map(({ runId }) => runId.length).toSorted((a, b) => b - a)
    const [leaf, mid, root] = ids
    const at = (what: string): number => written.indexOf(what)
    expect(at(`${root} call-started`)).toBeGreaterThanOrEqual(0)
    expect(at(`${mid} call-started`)).toBeGreaterThan(at(`${root} call-started`))
    expect(at(`${leaf} question-answered`)).toBeGreaterThan(at(`${mid} call-started`))
    await lawful(store)
  })

  test('an agent that a crash has cut from its caller is news; one that only waits is none', async () => {
    const store = memoryStore()
    const agent = manager(store, CALL, [asking('writer')])
    const { id } = onlyQuestion(await agent.run('x'))
    const runId = must(agent.runId)
    expect((await newsIn(store, runId)).of(runId)).toEqual({ isReady: false })
    // Its driver had written that it goes on, and died before its caller's had.
    const lease = await store.claim(`${runId}.1.1`, { holder: 'gone', isDead: () => true }, 1_000)
    const { state, chain, seal } = await recover(store, `${runId}.1.1`)
    const log = new RunLog({ store, lease, state, chain, seal, schemas: () => ({}) })
    log.record([{ kind: 'run-resumed', why: 'it crashes here' }])
    await log.flush()
    await store.release(lease)
    expect((await newsIn(store, runId)).of(runId)).toEqual({ isReady: true })
    await agent.answer(id, { type: 'respond', value: 7 })
    const [result] = await drainDue(store, [agent])
    expect(output(must(result))).toBe(7)
  })

  test('what a person has paused is not driven by an answer below it, and does not grow', async () => {
    const store = memoryStore()
    const agent = manager(store, CALL, [asking('writer')])
    const { id } = onlyQuestion(await agent.run('x'))
    await agent.pause('lunch')
    await agent.answer(id, { type: 'respond', value: 7 })
    const before = (await journalOf(store, must(agent.runId))).length
    for (let sweep = 0; sweep < 3; sweep++) expect(await drainDue(store, [agent])).toEqual([])
    expect((await journalOf(store, must(agent.runId))).length).toBe(before)
    expect(output(await goOn(agent))).toBe(7)
  })

  test('a pause of one agent stands until somebody resumes the family', async () => {
    const store = memoryStore()
    const sent: number[] = []
    const pay = plainTool('pay', () => sent.push(1))
    const writer = worker('writer', { script: ['await ask("?")\nfinalAnswer(await pay({}))'], tools: [pay] })
    const agent = manager(store, CALL, [writer])
    const { id } = onlyQuestion(await agent.run('x'))
    await haltRun(store, `${must(agent.runId)}.1.1`, { kind: 'pause', reason: 'not now' })
    await agent.answer(id, { type: 'respond', value: 1 })
    await drainDue(store, [agent])
    expect(sent).toEqual([])
    expect((await store.run(must(agent.runId)))?.cause).toBe('child')
    expect(output(await goOn(agent))).toBe(1)
    await lawful(store)
  })

  test('agents that only wait take no place of the calls in flight', async () => {
    const agent = manager(
      memoryStore(),
      ['finalAnswer(await Promise.all([writer("a"), writer("b"), writer("c")]))'],
      [asking('writer')],
      { limits: { callsInFlight: 2 } },
    )
    expect(rested(await agent.run('x'), 'paused').questions).toHaveLength(3)
  })

  test('an agent that fails takes those below it along', async () => {
    const store = memoryStore()
    const middle = worker('middle', {
      script: ['void leaf("x")\nawait echo({ n: 1 })'],
      tools: [echo],
      managedAgents: [asking('leaf')],
      maxSteps: 1,
      onLimit: 'fail',
    })
    const agent = manager(store, ['finalAnswer(await middle("x").catch((error) => error.message))'], [middle])
    expect(output(await agent.run('x'))).toContain('middle failed')
    expect(await statuses(store)).toEqual({ manager: 'completed', middle: 'failed', leaf: 'stopped' })
    expect(await store.questions({})).toEqual([])
  })

  test('a run with many agents below it is found as the only one', async () => {
    const store = memoryStore()
    const done = worker('done', { script: ['finalAnswer(1)'] })
    const script = ['for (let n = 0; n < 60; n++) await done("x")\nfinalAnswer(await ask("?"))']
    const agent = manager(store, script, [done])
    await agent.run('x')
    expect((await manager(store, script, [done]).resume()).runId).toBe(agent.runId)
  })

  test('runs of other agents, however many are due, hide none', async () => {
    const store = memoryStore()
    const theirs = new PersistentCodeAgent({
      name: 'theirs',
      store,
      model: scriptedModel(['await ask("?")']),
    })
    await theirs.run('x')
    for (let made = 0; made < 120; made++) {
      const twin = await theirs.fork()
      await store.signal(must(twin.runId), 'go', { kind: 'resume' })
    }
    const agent = manager(store, ['finalAnswer(await ask("?"))'], [])
    const { id } = onlyQuestion(await agent.run('mine'))
    await agent.answer(id, { type: 'respond', value: 3 })
    const results = await drainDue(store, [agent])
    expect(results.map(output)).toEqual([3])
  })
})
