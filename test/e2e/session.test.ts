/** What the model knows of its session: variables after each step, and what a follow-up task finds. */
import { expect, test } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import {
  agentOf,
  again,
  entriesOf,
  goOn,
  HandTool,
  lastWord,
  listeningModel,
  output,
  rested,
} from './fixtures/bench.ts'
import { PersistentCodeAgent } from '../../src/index.ts'

test('after each step the model is told which variables are new or changed', async () => {
  const { model, calls } = listeningModel([
    'const rows = [{ id: 1 }, { id: 2 }]; let total = 0',
    'total = rows.length',
    'null.x',
    'finalAnswer(total)',
  ])
  const agent = new PersistentCodeAgent({ store: memoryStore(), model, typeCheck: false })
  expect(output(await agent.run('Count'))).toBe(2)
  expect(lastWord(calls[1])).toContain('New variables: total (number), rows (array of 2 { id }).')
  expect(lastWord(calls[2])).toContain('Changed variables: total (number).')
  expect(lastWord(calls[2])).not.toContain('rows')
  expect(lastWord(calls[3])).not.toContain('ariables:')
})

test('a follow-up task finds the variables and the last output, as a value', async () => {
  const store = memoryStore()
  const { model, calls } = listeningModel({
    1: ['const rows = [1, 2, 3]; finalAnswer(new Map([["sum", 6n]]))'],
    2: ['finalAnswer([rows.length, lastOutput.get("sum"), extra])'],
    3: ['finalAnswer(lastOutput)'],
  })
  const agent = new PersistentCodeAgent({ store, model })
  await agent.run('Sum')
  const second = await agent.run('Go on', { reset: false, additionalArgs: { extra: 'x' } })
  expect(output(second)).toEqual([3, 6n, 'x'])
  const told = lastWord(calls[1])
  expect(told).toContain('Your variables are still there: rows (array of 3).')
  expect(told).toContain("Your last answer is in lastOutput: Map(1) { 'sum' => 6n }")
  expect(output(await agent.run('And again', { reset: false }))).toEqual([3, 6n, 'x'])
})

test('an answer in words is the last output too; after a failed task there is none', async () => {
  const agent = agentOf({
    script: {
      1: [{ text: 'Seven.' }],
      2: ['throw new Error(lastOutput)', { error: new Error('gone') }],
      3: ['finalAnswer(typeof lastOutput)'],
    },
  })
  await agent.run('How many?')
  rested(await agent.run('Fail', { reset: false }), 'failed')
  expect(agent.memory.steps.find((step) => step.kind === 'action')).toMatchObject({
    error: { message: 'Seven.' },
  })
  // The variable of the second task is still a variable.
  expect(output(await agent.run('Go on', { reset: false }))).toBe('string')
})

test('the last output is there after a crash in the middle of the follow-up, and after a replay', async () => {
  const store = memoryStore()
  const slow = new HandTool('slow', 'read')
  const script = {
    1: ['finalAnswer({ due: 5 })'],
    2: ['const got = await slow({ n: 1 }); finalAnswer([lastOutput.due, got])'],
  }
  const first = agentOf({ store, tools: [slow.tool], script })
  await first.run('One')
  const left = first.start('Two', { reset: false })
  await slow.begun(1)
  await (await left).pause()
  slow.settle(1, 'late')
  rested(await (await left).result(), 'paused')
  const second = await again({ store, tools: [slow.tool], script })
  expect(output(await goOn(second))).toEqual([5, 'late'])
})

test('a step that was killed is given the last output again', async () => {
  const agent = agentOf({
    limits: { callsPerStep: 1 },
    tools: [new HandTool('any', 'read').tool],
    script: { 1: ['finalAnswer(1)'], 2: ['for (;;) any({ n: 1 })', 'finalAnswer(lastOutput)'] },
  })
  await agent.run('One')
  expect(output(await agent.run('Two', { reset: false }))).toBe(1)
})

test('a large output stands once in the journal, and is a handle for the code', async () => {
  const store = memoryStore()
  const agent = agentOf({
    store,
    limits: { memory: '15MB' },
    script: {
      1: ['finalAnswer(Array.from({ length: 23_000 }, (_, n) => "row " + n + "-".repeat(70)))'],
      2: ['finalAnswer([lastOutput.length, await lastOutput.get(22_999)])'],
    },
  })
  const { runId } = await agent.run('Much')
  expect(output(await agent.run('Read', { reset: false }))).toEqual([23_000, `row 22999${'-'.repeat(70)}`])
  const started = await entriesOf(store, runId, 'step-started')
  expect(started.at(-1)?.program?.length).toBeLessThan(2_000)
})

test('without a model: options that there are not are named, and so is what is missing', async () => {
  const given = { modle: 'anthropic/claude-sonnet-5' } as unknown as ConstructorParameters<
    typeof PersistentCodeAgent
  >[0]
  expect(() => new PersistentCodeAgent(given)).toThrow(/There is no option 'modle'/)
  expect(() => new PersistentCodeAgent(undefined as unknown as typeof given)).toThrow(/made of options/)
  await using agent = new PersistentCodeAgent({ store: memoryStore() } as unknown as typeof given)
  await expect(agent.run('t')).rejects.toThrow(/This agent has no model/)
})
