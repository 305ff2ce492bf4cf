/** Tools that tell of their progress: people see it as it comes, the journal keeps the result alone, and a kill in the middle loses nothing else. */
import { describe, expect, test } from 'vitest'
import { AgentStoppedException, memoryStore, tool, type RunEvent } from '../../src/index.ts'
import {
  agentOf,
  again,
  deferred,
  entriesOf,
  goOn,
  journalOf,
  must,
  output,
  rested,
} from './fixtures/bench.ts'

const more = { name: 'job', description: 'Does a job in parts' }
const script = ['finalAnswer(await job({}))']

test('what is yielded is an event of its call; no fact and no prompt knows of it', async () => {
  const store = memoryStore()
  const agent = agentOf({
    store,
    script,
    tools: [
      tool({
        ...more,
        execute: async function* () {
          yield { done: 'a third' }
          yield { done: 'two thirds' }
          return 'all'
        },
      }),
    ],
  })
  const events: RunEvent[] = []
  for await (const event of agent.stream('Do it')) events.push(event)
  expect(events.filter((event) => event.type === 'progress')).toMatchObject([
    { type: 'progress', call: '1.1', value: { done: 'a third' } },
    { type: 'progress', call: '1.1', value: { done: 'two thirds' } },
  ])
  const kinds = events.map((event) => (event.type === 'entry' ? event.entry.kind : event.type))
  expect(kinds.indexOf('call-started')).toBeLessThan(kinds.indexOf('progress'))
  expect(kinds.lastIndexOf('progress')).toBeLessThan(kinds.indexOf('call-returned'))
  expect(output(must(agent.result))).toBe('all')
  expect(JSON.stringify(await journalOf(store, must(agent.runId)))).not.toContain('third')
})

test('the same of an AI SDK tool, whose last value is its result', async () => {
  const agent = agentOf({
    script,
    tools: {
      job: {
        description: 'Does a job in parts',
        execute: async function* () {
          yield 'loading'
          yield 'sunny'
        },
      },
    },
  })
  const told: unknown[] = []
  for await (const event of agent.stream('Do it')) if (event.type === 'progress') told.push(event.value)
  expect(told).toEqual(['loading', 'sunny'])
  expect(output(must(agent.result))).toBe('sunny')
})

describe('a generator is left', () => {
  const endless = (left: () => void, waits: () => Promise<void>): ReturnType<typeof tool> =>
    tool({
      ...more,
      timeout: '1h',
      execute: async function* (_input, { abortSignal }) {
        try {
          const aborted = deferred()
          abortSignal.addEventListener('abort', () => aborted.resolve(), { once: true })
          yield 'begun'
          await waits()
          await aborted.promise
          yield 'too late'
          return 'never'
        } finally {
          left()
        }
      },
    })

  test('when its run is stopped', async () => {
    const left = deferred()
    const begun = deferred()
    const agent = agentOf({ script, tools: [endless(left.resolve, async () => begun.resolve())] })
    const run = await agent.start('Do it')
    await begun.promise
    await run.stop()
    await left.promise
    rested(await run.result(), 'stopped')
  })

  test('when a tool beside it stops the run', async () => {
    const left = deferred()
    const begun = deferred()
    const stop = tool({
      name: 'halt',
      description: 'Stops',
      execute: async () => {
        await begun.promise
        throw new AgentStoppedException('enough')
      },
    })
    const agent = agentOf({
      script: ['await Promise.all([job({}), halt({})])'],
      tools: [endless(left.resolve, async () => begun.resolve()), stop],
    })
    rested(await agent.run('Do it'), 'stopped')
    await left.promise
  })

  test('when its time is over: the code is told, and the generator may tidy up', async () => {
    const left = deferred()
    const agent = agentOf({
      script: ['finalAnswer(await job({}).catch((error) => error.message))'],
      tools: [{ ...endless(left.resolve, async () => undefined), timeout: 5 }],
    })
    expect(output(await agent.run('Do it'))).toMatch(/^job did not return within 5 ms/)
    await left.promise
  })
})

test('left where it was when the run paused without it, it is sent again as its effect says; one result counts', async () => {
  const store = memoryStore()
  const half = deferred()
  let attempts = 0
  const given = {
    store,
    script,
    pauseGrace: 0,
    tools: [
      tool({
        ...more,
        effect: 'read',
        execute: async function* () {
          yield ++attempts
          if (attempts === 1) await half.promise
          return `read ${attempts}`
        },
      }),
    ],
  }
  const run = await agentOf(given).start('Do it')
  const told: unknown[] = []
  for await (const event of run.events()) {
    if (event.type === 'progress') await run.pause()
    if (event.type === 'progress') told.push(event.value)
    if (event.type === 'result') rested(event.result, 'paused')
  }
  half.resolve()
  const second = await again(given)
  expect(output(await goOn(second))).toBe('read 2')
  expect(told).toEqual([1])
  expect(await entriesOf(store, run.id, 'call-returned')).toHaveLength(1)
})
