/** The feed of a run: resumable from any fact, by whoever has the store, live where it is driven. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { memoryStore, PersistentCodeAgent, sqliteStore, type RunEvent } from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'
import {
  again,
  agentOf,
  deferred,
  echo,
  goOn,
  HandClock,
  HandTool,
  journalOf,
  must,
  onlyQuestion,
} from './fixtures/bench.ts'

const ASKS = [
  'print("before")\nconst size = await ask("Which?")\nprint("after")',
  'finalAnswer({ size, at: new Date(0) })',
]

function seqsOf(events: readonly RunEvent[], run?: string): readonly number[] {
  return events.flatMap((event) =>
    event.type === 'entry' && (run === undefined || event.run === run) ? [event.seq] : [],
  )
}

function upTo(last: number, from = 1): readonly number[] {
  return Array.from({ length: last - from + 1 }, (_, at) => at + from)
}

function tempFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pca-events-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'runs.db')
}

describe('a stored run', () => {
  test('is told from its first fact, over all who drove it, and its result is the last', async () => {
    const store = memoryStore()
    const first = agentOf({ store, script: ASKS })
    const paused = await first.run('t')
    const rested = await Array.fromAsync(first.events())
    expect(rested.at(-1)).toMatchObject({ type: 'result', result: { status: 'paused' } })
    const second = await again({ store, script: ASKS })
    await second.answer(onlyQuestion(paused).id, { type: 'respond', value: 'L' })
    await goOn(second)
    const all = await Array.fromAsync(second.events(paused.runId))
    const journal = await journalOf(store, paused.runId)
    expect(seqsOf(all)).toEqual(upTo(journal.length))
    expect(all.at(-1)).toMatchObject({ type: 'result', result: { output: { size: 'L' } } })
    const from = await Array.fromAsync(second.events(paused.runId, { after: seqsOf(rested).length }))
    expect(seqsOf(from)).toEqual(upTo(journal.length, seqsOf(rested).length + 1))
  })

  test('gives the values of its facts, the large ones too', async () => {
    const store = memoryStore()
    const large = 'x'.repeat(100_000)
    const agent = agentOf({ store, script: [`finalAnswer({ at: new Date(0), large: 'x'.repeat(100000) })`] })
    await agent.run('t')
    for await (const event of agent.events()) {
      if (event.type !== 'entry') continue
      if (event.entry.kind === 'run-started')
        expect(await event.text(event.entry.system)).toContain('finalAnswer')
      if (event.entry.kind !== 'task-completed') continue
      expect(typeof event.entry.output).toBe('object')
      expect(await event.value(event.entry.output)).toEqual({ at: new Date(0), large })
    }
  })

  test('can be told to somebody else as it is: an event is plain data', async () => {
    const agent = agentOf({ script: ['finalAnswer(1)'] })
    await agent.run('t')
    for await (const event of agent.events())
      expect(structuredClone(event)).toMatchObject({ type: event.type })
  })

  test('of a file: no tools, no model, not a byte changed; under a state key too', async () => {
    const storagePath = tempFile()
    await using agent = new PersistentCodeAgent({
      storagePath,
      stateKey: 'a passphrase of the test',
      model: scriptedModel(['finalAnswer(1)']),
    })
    await agent.run('t')
    await agent.close()
    const before = readFileSync(storagePath)
    const options = { stateKey: 'a passphrase of the test' }
    const events = await Array.fromAsync(PersistentCodeAgent.events(storagePath, options))
    expect(seqsOf(events)).toEqual(upTo(seqsOf(events).length))
    expect(events.at(-1)).toMatchObject({ type: 'result', result: { output: 1 } })
    expect(readFileSync(storagePath).equals(before)).toBe(true)
    await expect(PersistentCodeAgent.events(storagePath, { runId: 'none' }).next()).rejects.toThrow(
      'There is no run none.',
    )
  })
})

describe('following', () => {
  test('a run of another connection, through its pauses, until it ends', async () => {
    const storagePath = tempFile()
    const agent = () => new PersistentCodeAgent({ storagePath, model: scriptedModel(ASKS) })
    await using first = agent()
    const { id: runId } = await first.start('t')
    const asked = deferred<string>()
    const events: RunEvent[] = []
    const following = (async () => {
      for await (const event of PersistentCodeAgent.events(storagePath, { runId, follow: true })) {
        events.push(event)
        if (event.type === 'entry' && event.entry.kind === 'question-asked')
          asked.resolve(event.entry.question)
      }
    })()
    const question = await asked.promise
    await first.close()
    await using second = agent()
    await second.resume({ runId })
    await second.answer(question, { type: 'respond', value: 'L' })
    await goOn(second)
    await following
    expect(seqsOf(events)).toEqual(upTo(seqsOf(events).length))
    expect(events.at(-1)).toMatchObject({ type: 'result', result: { output: { size: 'L' } } })
    expect(events.every(({ type }) => type === 'entry' || type === 'result')).toBe(true)
  })

  test(`'rest' ends at the question`, async () => {
    const agent = agentOf({ script: ASKS })
    await agent.start('t')
    const events = await Array.fromAsync(agent.events(undefined, { follow: 'rest' }))
    expect(events.at(-1)).toMatchObject({ type: 'result', result: { status: 'paused' } })
    expect(events.some((event) => event.type === 'printed' && event.text === 'before\n')).toBe(true)
  })

  test('where it is driven here, live events too, over every time of driving', async () => {
    const agent = agentOf({ script: ASKS })
    const run = await agent.start('t')
    const all = Array.fromAsync(agent.events(run.id, { follow: true }))
    const paused = await run.result()
    await agent.answer(onlyQuestion(paused).id, { type: 'respond', value: 'L' })
    await goOn(agent)
    const events = await all
    expect(seqsOf(events)).toEqual(upTo(seqsOf(events).length))
    expect(events.flatMap((event) => (event.type === 'printed' ? [event.text] : []))).toEqual([
      'before\n',
      'after\n',
    ])
    let last = 0
    for (const event of events)
      if (event.type === 'entry') last = event.seq
      else if (event.type !== 'result') expect(event.after).toBe(last)
  })

  test('an abort signal ends it, without a result, and the run goes on', async () => {
    const slow = new HandTool()
    const agent = agentOf({ tools: [slow.tool], script: ['finalAnswer(await slow({ n: 1 }))'] })
    const run = await agent.start('t')
    const stop = new AbortController()
    const all = Array.fromAsync(agent.events(run.id, { follow: true, abortSignal: stop.signal }))
    await slow.begun(1)
    stop.abort()
    expect((await all).at(-1)?.type).not.toBe('result')
    slow.settle(1)
    expect(await run.result()).toMatchObject({ output: 1 })
  })

  test('a reader that stands still does not hold the run up, and misses no fact', async () => {
    const agent = agentOf({
      tools: [echo],
      script: ['for (let n = 0; n < 30; n++) await echo({ n })\nfinalAnswer(1)'],
    })
    const run = await agent.start('t')
    const events = agent.events(run.id, { follow: true })
    const first = must((await events.next()).value ?? undefined)
    expect(await run.result()).toMatchObject({ output: 1 })
    const rest = await Array.fromAsync(events)
    expect(seqsOf([first, ...rest])).toEqual(upTo(seqsOf(rest).length + 1))
  })
})

describe('run.events', () => {
  test('after a fact: every later one once, whenever it is asked for', async () => {
    const slow = new HandTool()
    const agent = agentOf({ tools: [slow.tool], script: ['print("x")\nfinalAnswer(await slow({ n: 1 }))'] })
    const run = await agent.start('t')
    await slow.begun(1)
    const [all, some, now] = [run.events({ after: 0 }), run.events({ after: 4 }), run.events()]
    slow.settle(1)
    const [first, second, third] = await Promise.all(
      [all, some, now].map((events) => Array.fromAsync(events)),
    )
    const last = must(seqsOf(must(first)).at(-1))
    expect(seqsOf(must(first))).toEqual(upTo(last))
    expect(seqsOf(must(second))).toEqual(upTo(last, 5))
    expect(must(seqsOf(must(third))[0])).toBeGreaterThan(5)
    for (const events of [first, second, third])
      expect(events?.at(-1)).toMatchObject({ type: 'result', result: { output: 1 } })
  })
})

describe('a family', () => {
  const worker = (): PersistentCodeAgent =>
    new PersistentCodeAgent({
      name: 'worker',
      description: 'Works',
      store: memoryStore(),
      model: scriptedModel(['print("below")\nfinalAnswer("done")']),
    })
  const boss = (store = memoryStore()): PersistentCodeAgent =>
    agentOf({
      name: 'boss',
      store,
      managedAgents: [worker()],
      script: ['finalAnswer(await Promise.all([worker({ task: "a" }), worker({ task: "b" })]))'],
    })

  function mustBeInOrder(events: readonly RunEvent[], root: string): void {
    const runs = new Set(events.flatMap((event) => (event.type === 'entry' ? [event.run] : [])))
    expect(runs.size).toBe(3)
    for (const run of runs) expect(seqsOf(events, run)).toEqual(upTo(seqsOf(events, run).length))
    const place = (holds: (event: RunEvent) => boolean): number => events.findIndex(holds)
    for (const run of runs) {
      if (run === root) continue
      const call = run.slice(root.length + 1)
      const of = (kind: string) => (event: RunEvent) =>
        event.type === 'entry' &&
        event.run === root &&
        event.entry.kind === kind &&
        'call' in event.entry &&
        event.entry.call === call
      const [began, ended] = [place(of('call-requested')), place(of('call-returned'))]
      const own = events.flatMap((event, at) => (event.type !== 'result' && event.run === run ? [at] : []))
      expect(began).toBeLessThan(must(own[0]))
      expect(ended).toBeGreaterThan(must(own.at(-1)))
    }
    const paths = events.flatMap((event) =>
      event.type !== 'result' && event.run !== root ? [event.path?.join('/')] : [],
    )
    expect(new Set(paths)).toEqual(new Set(['boss/worker']))
  }

  test('live: what is below stands between its call and what that came to', async () => {
    const agent = boss()
    const run = await agent.start('t')
    const events = await Array.fromAsync(run.events({ family: true, after: 0 }))
    mustBeInOrder(events, run.id)
    expect(events.filter((event) => event.type === 'printed' && event.run !== run.id)).toHaveLength(2)
  })

  test('stored: so too, and from a place of each, though it all happened in one moment', async () => {
    const agent = boss(memoryStore(new HandClock()))
    const { runId } = await agent.run('t')
    const events = await Array.fromAsync(agent.events(runId, { family: true }))
    mustBeInOrder(events, runId)
    const half = events.slice(0, events.length / 2)
    const after: Record<string, number> = {}
    for (const event of half) if (event.type === 'entry') after[event.run] = event.seq
    const rest = await Array.fromAsync(agent.events(runId, { family: true, after }))
    const placesOf = (told: readonly RunEvent[]): readonly string[] =>
      told.map((event) => (event.type === 'entry' ? `${event.run} ${event.seq}` : event.type))
    expect(new Set(placesOf([...half, ...rest]))).toEqual(new Set(placesOf(events)))
    expect(half.length + rest.length).toBe(events.length)
  })

  test('without it, only the run itself is told', async () => {
    const agent = boss()
    const run = await agent.start('t')
    const events = await Array.fromAsync(run.events({ after: 0 }))
    expect(new Set(events.flatMap((event) => (event.type === 'result' ? [] : [event.run])))).toEqual(
      new Set([run.id]),
    )
  })
})

describe('continue', () => {
  test('goes on with any run of the store, and gives a finished one the same task once more', async () => {
    const store = memoryStore()
    const agent = agentOf({ store, script: ['finalAnswer(await ask("Which?"))'] })
    const one = await agent.run('t', { runId: 'one' })
    await agent.run('t', { runId: 'two' })
    await expect(agent.continue('one', { task: 'more' })).rejects.toThrow('one')
    expect(agent.runId).toBe('two')
    await agent.answer(onlyQuestion(await (await agent.continue('one')).result()).id, {
      type: 'respond',
      value: 'L',
    })
    expect(await (await agent.continue('one')).result()).toMatchObject({ output: 'L' })
    expect(agent.runId).toBe('one')
    expect(onlyQuestion(one).message).toBe('Which?')
    expect(await (await agent.continue('one', { task: 't' })).result()).toMatchObject({
      status: 'paused',
      stepCount: 2,
    })
    await expect(agent.continue('none')).rejects.toThrow('There is no run none.')
  })
})

test('two who read one file see the same', async () => {
  const storagePath = tempFile()
  await using agent = new PersistentCodeAgent({
    storagePath,
    model: scriptedModel(['print(1)\nfinalAnswer(1)']),
  })
  const { runId } = await agent.run('t')
  await using store = sqliteStore(storagePath, { readOnly: true })
  const journal = await journalOf(store, runId)
  const events = await Array.fromAsync(agent.events(runId))
  expect(events.flatMap((event) => (event.type === 'entry' ? [event.entry] : []))).toEqual(journal)
})
