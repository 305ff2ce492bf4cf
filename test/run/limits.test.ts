/** What a task may cost: time, calls at once, entries. Reaching a limit is told, and whoever resumes grants as much again. */
import { describe, expect, test } from 'vitest'
import {
  memoryStore,
  tool,
  UsageError,
  type PersistentAgentOptions,
  type RunResult,
  type Store,
} from '../../src/index.ts'
import { violations } from '../../src/journal/check.ts'
import { Run } from '../../src/run/run.ts'
import { createRun } from '../../src/run/begin.ts'
import { scriptedModel, type ScriptedReply } from '../../src/testing.ts'
import {
  agentOf,
  echo,
  entriesOf,
  goOn,
  HandTool,
  journalOf,
  must,
  onlyQuestion,
  output,
  plainTool,
  rested,
} from '../e2e/fixtures/bench.ts'
import { PersistentCodeAgent } from '../../src/persistent-code-agent.ts'
import { HandClock } from './hand-clock.ts'

/** Shorter than a lease, which nobody renews while the clock stands still. */
const TIME = 20_000

interface Bench {
  readonly store: Store
  readonly clock: HandClock
  readonly runId: string
  start(why: 'start' | 'resume'): Run
}

async function bench(
  script: readonly ScriptedReply[],
  options: Partial<PersistentAgentOptions>,
): Promise<Bench> {
  const clock = new HandClock()
  const store = memoryStore(clock)
  const agent = new PersistentCodeAgent({ store, model: scriptedModel(script), ...options })
  const definition = agent.definition()
  const runId = await createRun(store, definition, { task: 'x' })
  return { store, clock, runId, start: (why) => new Run({ store, definition, runId, why, clock }) }
}

describe('timeout', () => {
  test('a step that takes too long is cut, and the model gives its last word', async () => {
    const slow = new HandTool('slow')
    const { store, clock, runId, start } = await bench(
      ['let kept = 1\n0', 'kept = 2\nawait slow({ n: 1 })', { text: 'as far as I got' }],
      {
        tools: [slow.tool],
        timeout: '20s',
      },
    )
    const run = start('start')
    await slow.begun(1)
    clock.advance(TIME - 1)
    expect((await entriesOf(store, runId, 'step-killed')).length).toBe(0)
    clock.advance(1)
    const result = rested(await run.result(), 'completed')
    expect(result).toMatchObject({ output: 'as far as I got', reason: 'timeout' })
    const [killed] = await entriesOf(store, runId, 'step-killed')
    expect(killed).toMatchObject({
      step: 2,
      reason: 'timeout',
      message: expect.stringContaining('timeout of 20.0 s'),
    })
    expect(killed?.calls).toContain('slow (2.1) is still running')
    expect(violations(await journalOf(store, runId))).toEqual([])
  })

  test('a model that does not answer is left, and asked for its last word', async () => {
    const asked = Promise.withResolvers<undefined>()
    let turns = 0
    const { clock, start } = await bench(
      [
        async () => {
          if (turns++ > 0) return { text: 'in a hurry' }
          asked.resolve(undefined)
          return new Promise<never>(() => undefined)
        },
      ],
      { timeout: '20s' },
    )
    const run = start('start')
    await asked.promise
    clock.advance(TIME)
    expect(await run.result()).toMatchObject({ status: 'completed', output: 'in a hurry', reason: 'timeout' })
    expect(turns).toBe(2)
  })

  test.each([
    [
      'pause',
      {
        status: 'paused',
        message: 'Paused after 20.0 s of work (timeout). Resume it to grant as much again.',
      },
    ],
    [
      'fail',
      {
        status: 'failed',
        error: { code: 'LIMIT', message: 'The task was not done in 20.0 s of work (timeout).' },
      },
    ],
  ] as const)('onLimit: %s', async (onLimit, expected) => {
    const slow = new HandTool('slow', 'read')
    const { clock, start } = await bench(['finalAnswer(await slow({ n: 1 }))'], {
      tools: [slow.tool],
      timeout: '20s',
      onLimit,
      pauseGrace: 5,
    })
    const run = start('start')
    await slow.begun(1)
    clock.advance(TIME)
    await graceful(run, clock)
    expect(await run.result()).toMatchObject(expected)
    if (onLimit === 'fail') return
    slow.forget(1)
    const again = start('resume')
    await slow.begun(1)
    clock.advance(TIME - 1)
    slow.settle(1, 'done')
    expect(output(await again.result())).toBe('done')
  })

  test('a task that failed on its time can be tried again, with as much', async () => {
    const slow = new HandTool('slow', 'read')
    const { clock, start } = await bench(
      ['finalAnswer(await slow({ n: 1 }))', 'finalAnswer(await slow({ n: 2 }))'],
      {
        tools: [slow.tool],
        timeout: '20s',
        onLimit: 'fail',
        pauseGrace: 5,
      },
    )
    const run = start('start')
    await slow.begun(1)
    clock.advance(TIME)
    expect((await graceful(run, clock)).status).toBe('failed')
    slow.forget(1)
    const again = start('resume')
    await slow.begun(1)
    clock.advance(TIME - 1)
    slow.settle(1, 'in time')
    expect((await again.result()).status).toBe('completed')
  })

  test('what waits for people and timers, or rests, takes no time', async () => {
    const { store, clock, runId, start } = await bench(
      ['const a = await ask("?")\nawait sleep("2d")\nfinalAnswer(a)'],
      { timeout: '20s', onLimit: 'fail' },
    )
    const { id } = onlyQuestion(await start('start').result())
    clock.advance(30 * 86_400_000)
    await store.signal(runId, id, { kind: 'answer', question: id, decision: { type: 'respond', value: 7 } })
    rested(await start('resume').result(), 'paused')
    clock.advance(2 * 86_400_000)
    expect(output(await start('resume').result())).toBe(7)
  })

  test('is fresh for each task', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const slow = new HandTool('slow', 'read')
    const script = { 1: ['finalAnswer(await slow({ n: 1 }))'], 2: ['finalAnswer(await slow({ n: 2 }))'] }
    const agent = agentOf({ store, script, tools: [slow.tool], timeout: '20s', onLimit: 'fail' })
    for (const n of [1, 2]) {
      const run = await agent.start(`task ${n}`, n === 1 ? {} : { reset: false })
      await slow.begun(n)
      clock.advance(TIME - 1)
      slow.settle(n)
      expect(output(await run.result())).toBe(n)
    }
  })

  test.each([0, -1, 'soon'] as const)('%j is refused', (timeout) => {
    expect(() => agentOf({ timeout: timeout as never })).toThrow(UsageError)
  })
})

test('limits.callsInFlight: further calls wait their turn, and all come home', async () => {
  let [now, most] = [0, 0]
  const busy = plainTool('busy', async () => {
    most = Math.max(most, ++now)
    await turn()
    now--
    return 1
  })
  const agent = agentOf({
    tools: [busy],
    limits: { callsInFlight: 3 },
    script: [
      'const all = await Promise.all(Array.from({ length: 20 }, () => busy({})))\nfinalAnswer(all.length)',
    ],
  })
  expect(output(await agent.run('x'))).toBe(20)
  expect(most).toBe(3)
})

test('another attempt that has no place yet waits for one, not for the clock', async () => {
  const inner = memoryStore()
  let looks = 0
  const store: Store = {
    ...inner,
    signals: async (runId) => {
      looks++
      return inner.signals(runId)
    },
  }
  const slow = new HandTool('slow', 'read')
  let failed = 0
  const shaky = tool({
    name: 'shaky',
    description: 'Fails at first',
    effect: 'read',
    retry: { attempts: 2, backoff: 1 },
    execute: async () => {
      if (failed++ === 0) throw new Error('busy')
      return 'done'
    },
  })
  const agent = agentOf({
    store,
    tools: [slow.tool, shaky],
    limits: { callsInFlight: 1 },
    script: ['finalAnswer(await Promise.all([shaky({}), slow({ n: 1 })]))'],
  })
  const run = await agent.start('x')
  await slow.begun(1)
  const before = looks
  for (let turns = 0; turns < 200; turns++) await turn()
  expect(looks - before).toBeLessThan(5)
  slow.settle(1, 'free')
  expect(output(await run.result())).toEqual(['done', 'free'])
})

test('limits.entries: a journal that grows without end rests its run; resuming grants as many more', async () => {
  const store = memoryStore()
  const agent = agentOf({
    store,
    tools: [echo],
    limits: { entries: 40 },
    script: ['let n = 0\nfor (; n < 30; n++) await echo({ n })\nfinalAnswer(n)'],
  })
  let result = await agent.run('x')
  let rests = 0
  for (; result.status === 'paused'; rests++) {
    expect(result.message).toContain('Paused after 40 entries')
    result = await goOn(agent)
  }
  expect(output(result)).toBe(30)
  expect(rests).toBeGreaterThan(1)
  expect(violations(await journalOf(store, must(agent.runId)))).toEqual([])
})

test('limits.questions: a flood of questions rests the run; the answers that there are do not wake it', async () => {
  const agent = agentOf({
    limits: { questions: 3 },
    script: ['finalAnswer(await Promise.all([1, 2, 3, 4, 5].map((n) => ask(`${n}?`))))'],
  })
  const flooded = rested(await agent.run('x'), 'paused')
  expect(flooded.message).toContain('Paused after 3 questions')
  expect(flooded.questions).toHaveLength(5)
  for (const { id, message } of flooded.questions) await agent.answer(id, { type: 'respond', value: message })
  expect(output(await goOn(agent))).toEqual(['1?', '2?', '3?', '4?', '5?'])
})

/** The result of a run whose calls never come home: the clock goes on until their grace is over. */
async function graceful(run: Run, clock: HandClock): Promise<RunResult> {
  for (;;) {
    const result = await Promise.race([run.result(), turn()])
    if (result !== undefined) return result
    clock.advance(5)
  }
}

/** A turn of the event loop. */
function turn(): Promise<undefined> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(undefined))
  })
}
