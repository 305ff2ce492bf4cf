/** Runs: several tasks in one, several of one agent, and what a second driver or another definition may do. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { CodeAgent, drainDue, memoryStore, PersistentCodeAgent, tool } from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'
import { scratch } from '../journal/fixtures/files.ts'
import {
  again,
  agentOf,
  deferred,
  echo,
  entriesOf,
  goOn,
  HandClock,
  HandTool,
  journalOf,
  lastWord,
  listeningModel,
  must,
  onlyQuestion,
  output,
  plainTool,
  rested,
} from './fixtures/bench.ts'

describe('tasks of one run', () => {
  test('a follow-up task keeps variables, memory and step numbers', async () => {
    const agent = agentOf({
      script: {
        1: ['let n = 1\nconst up = () => ++n\n0', 'finalAnswer(n)'],
        2: ['finalAnswer(up())'],
        3: ['finalAnswer(up())'],
      },
    })
    expect(output(await agent.run('one'))).toBe(1)
    const { runId } = agent
    const second = rested(await agent.run('two', { reset: false }), 'completed')
    expect(second).toMatchObject({ output: 2, stepCount: 3, runId })
    expect(agent.task).toBe('two')
    expect(agent.memory.steps.map((step) => (step.kind === 'action' ? step.number : step.kind))).toEqual([
      'task',
      1,
      2,
      'finalAnswer',
      'task',
      3,
      'finalAnswer',
    ])
    expect(rested(await agent.run('three', { reset: false }), 'completed').output).toBe(3)
  })

  test('in another process too', async () => {
    const store = memoryStore()
    const script = {
      1: ['const keep = { n: 5, next() { return ++this.n } }\nfinalAnswer(0)'],
      2: ['finalAnswer(keep.next())'],
    }
    await agentOf({ store, script }).run('one')
    const other = await again({ store, script })
    expect(rested(await other.run('two', { reset: false }), 'completed')).toMatchObject({
      output: 6,
      resumedFrom: 'snapshot',
    })
  })

  test('a completed run gives its stored result and does nothing', async () => {
    const store = memoryStore()
    const { model, calls } = listeningModel(['finalAnswer({ when: new Date(7) })'])
    const agent = new PersistentCodeAgent({ store, model })
    const first = await agent.run('x')
    const before = await journalOf(store, first.runId)
    expect(output(await goOn(agent))).toEqual({ when: new Date(7) })
    expect(await journalOf(store, first.runId)).toEqual(before)
    expect(calls).toHaveLength(1)
  })

  test('another task on an unfinished run is a UsageError', async () => {
    const agent = agentOf({ script: ['await ask("?")'] })
    await agent.run('x')
    await expect(agent.run('y', { reset: false })).rejects.toMatchObject({ code: 'USAGE' })
    expect(agent.task).toBe('x')
    expect(agent.questions).toHaveLength(1)
  })

  test('on a failed run a follow-up is taken', async () => {
    const agent = agentOf({ script: { 1: [{ error: new Error('bad') }], 2: ['finalAnswer(2)'] } })
    rested(await agent.run('x'), 'failed')
    expect(output(await agent.run('y', { reset: false }))).toBe(2)
  })

  test('a call that was withdrawn when the task ended: awaited in the next task, that step fails, and the run goes on', async () => {
    const slow = new HandTool()
    const agent = agentOf({
      tools: [slow.tool],
      pauseGrace: 5,
      script: { 1: ['const p = slow({ n: 1 })\nfinalAnswer(1)'], 2: ['await p', 'finalAnswer("on")'] },
    })
    rested(await agent.run('x'), 'completed')
    expect(output(await agent.run('y', { reset: false }))).toBe('on')
  })

  test('reset is the default: a new run', async () => {
    const agent = agentOf({ script: ['finalAnswer(1)'] })
    const [one, two] = [await agent.run('x'), await agent.run('x')]
    expect(one.runId).not.toBe(two.runId)
    expect(agent.runId).toBe(two.runId)
  })

  test('the same run id and task again is the same run: nothing is written, the result is given', async () => {
    const store = memoryStore()
    const { model, calls } = listeningModel(['finalAnswer(1)'])
    const agent = new PersistentCodeAgent({ store, model })
    await agent.run('x', { runId: 'order-7' })
    const before = (await journalOf(store, 'order-7')).length
    expect(output(await agent.run('x', { runId: 'order-7' }))).toBe(1)
    expect(calls).toHaveLength(1)
    expect((await journalOf(store, 'order-7')).length).toBe(before)
    await expect(agent.run('y', { runId: 'order-7' })).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('the same run id again on a stopped run writes nothing either', async () => {
    const store = memoryStore()
    const agent = agentOf({ store, script: ['await ask("?")'] })
    await agent.run('x', { runId: 'r' })
    await agent.stop('No')
    const before = (await journalOf(store, 'r')).length
    expect(rested(await agent.run('x', { runId: 'r' }), 'stopped').message).toBe('No')
    expect((await journalOf(store, 'r')).length).toBe(before)
  })

  test('a task that is none, and reset: false without a run', async () => {
    const agent = agentOf({})
    await expect(agent.run(' ')).rejects.toMatchObject({ code: 'USAGE' })
    await expect(agent.run('x', { reset: false })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(agent.pause()).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('several runs of one agent', () => {
  test('two at once do not meet', async () => {
    const slow = new HandTool()
    const agent = agentOf({
      tools: [slow.tool],
      script: [
        ({ prompt }) =>
          JSON.stringify(prompt).includes('task-a')
            ? 'const n = await slow({ n: 1 })\nfinalAnswer(n)'
            : 'const n = await slow({ n: 2 })\nfinalAnswer(n)',
      ],
    })
    const [one, two] = [await agent.start('task-a'), await agent.start('task-b')]
    await Promise.all([slow.begun(1), slow.begun(2)])
    slow.settle(2, 'b')
    slow.settle(1, 'a')
    expect([output(await one.result()), output(await two.result())]).toEqual(['a', 'b'])
    expect(agent.runId).toBe(two.id)
    expect(agent.result?.runId).toBe(two.id)
  })

  test('close() pauses every run that it drives', async () => {
    const slow = new HandTool()
    const other = agentOf({
      tools: [slow.tool, echo],
      pauseGrace: 5,
      script: [
        ({ prompt }) =>
          `finalAnswer(await slow({ n: ${JSON.stringify(prompt).includes('task-a') ? 1 : 2} }))`,
      ],
    })
    const [one, two] = [await other.start('task-a'), await other.start('task-b')]
    await Promise.all([slow.begun(1), slow.begun(2)])
    const results = Promise.allSettled([one.result(), two.result()])
    await other.close()
    expect(
      (await results).map((result) =>
        result.status === 'fulfilled' ? result.value.status : String(result.reason),
      ),
    ).toEqual(['paused', 'paused'])
  })

  test('a second driver of the same run is refused, and the first goes on', async () => {
    const store = memoryStore()
    const slow = new HandTool()
    const given = { store, tools: [slow.tool], script: ['finalAnswer(await slow({ n: 1 }))'] }
    const agent = agentOf(given)
    const run = await agent.start('x')
    await slow.begun(1)
    const other = await again(given)
    await expect(goOn(other)).rejects.toMatchObject({ code: 'RUN_BUSY' })
    await expect(goOn(agent)).rejects.toMatchObject({ code: 'RUN_BUSY' })
    slow.settle(1)
    expect(output(await run.result())).toBe(1)
    expect(output(await goOn(other))).toBe(1)
  })

  test('drainDue drives what is answered or due, and nothing else', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const agent = agentOf({
      store,
      script: [
        ({ prompt }) =>
          JSON.stringify(prompt).includes('sleepy')
            ? 'await sleep("1h")\nfinalAnswer("slept")'
            : 'finalAnswer(await ask("?"))',
      ],
    })
    await agent.run('sleepy')
    const asked = onlyQuestion(await agent.run('asking'))
    expect(await drainDue(store, [agent])).toEqual([])
    await agent.answer(asked.id, { type: 'respond', value: 'said' })
    expect((await drainDue(store, [agent])).map(output)).toEqual(['said'])
    clock.forward(3_600_000)
    expect((await drainDue(store, [agent])).map(output)).toEqual(['slept'])
  })
})

describe('resumed with something changed', () => {
  const script = ['const a = await ask("?")\nfinalAnswer(await echo({ n: a }))']
  async function waiting() {
    const store = memoryStore()
    const agent = agentOf({ store, tools: [echo], script })
    const { runId } = await agent.run('x')
    await agent.answer(must(agent.questions[0]).id, { type: 'respond', value: 4 })
    return { store, runId }
  }

  test('a missing tool: UsageError naming it, before anything is written', async () => {
    const { store, runId } = await waiting()
    const before = (await journalOf(store, runId)).length
    const other = await again({ store, script })
    await expect(goOn(other)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('echo') as string,
    })
    expect((await journalOf(store, runId)).length).toBe(before)
    expect(output(await goOn(await again({ store, tools: [echo], script })))).toBe(4)
  })

  test('a refusal leaves the file as it was, byte for byte', async () => {
    using place = scratch()
    const agent = agentOf({ storagePath: place.file, tools: [echo], script })
    await agent.run('x')
    await agent.close()
    const before = readFileSync(place.file)
    for (const given of [{ tools: [] }, { tools: [echo], name: 'other' }]) {
      const refused = PersistentCodeAgent.resumeExecution(place.file, {
        ...given,
        model: scriptedModel(script),
      }).then(async (other) => {
        await using bound = other
        return await goOn(bound)
      })
      await expect(refused).rejects.toMatchObject({ code: 'USAGE' })
      expect(readFileSync(place.file).equals(before)).toBe(true)
    }
  })

  test('another name: UsageError; no name: the run’s own', async () => {
    const store = memoryStore()
    await agentOf({ store, name: 'billing', script: ['finalAnswer(await ask("?"))'] }).run('x')
    await expect(again({ store, name: 'other' })).rejects.toMatchObject({ code: 'USAGE' })
    const other = await again({ store, script: ['finalAnswer(await ask("?"))'] })
    await other.answer(must(other.questions[0]).id, { type: 'respond', value: 1 })
    expect(output(await goOn(other))).toBe(1)
  })

  test('another declaration is journaled and told; an open call keeps what it had', async () => {
    const store = memoryStore()
    const old = tool({
      name: 'f',
      description: 'Old',
      needsApproval: true,
      inputSchema: z.object({ n: z.number() }),
      execute: async ({ n }) => `old ${n}`,
    })
    const made = tool({
      name: 'f',
      description: 'New',
      needsApproval: true,
      inputSchema: z.object({ n: z.number(), m: z.number().default(1) }),
      execute: async (input) => `new ${JSON.stringify(input)}`,
    })
    const { runId } = await agentOf({
      store,
      tools: [old],
      script: ['const r = await f({ n: 1 })\nr', 'finalAnswer(r)'],
    }).run('x')
    const { model, calls } = listeningModel(['', 'finalAnswer(r)'])
    const other = await new PersistentCodeAgent({ store, tools: [made], model }).resume()
    const stale = must(other.questions[0])
    // Its approval is void: it was given for another declaration, if it was given at all.
    const fresh = onlyQuestion(await goOn(other))
    expect(fresh.id).not.toBe(stale.id)
    expect(fresh.call?.args).toEqual({ n: 1 })
    await other.answer(fresh.id, { type: 'approve' })
    expect(output(await goOn(other))).toBe('new {"n":1}')
    expect(await entriesOf(store, runId, 'tools-changed')).toMatchObject([{ changed: ['f'] }])
    expect(JSON.stringify(calls[0]?.prompt)).toContain('These tools have changed: f')
  })

  test('another model is allowed and journaled', async () => {
    const { store, runId } = await waiting()
    const other = await new PersistentCodeAgent({
      store,
      tools: [echo],
      model: scriptedModel(script, { modelId: 'newer' }),
    }).resume()
    expect(output(await goOn(other))).toBe(4)
    expect(await entriesOf(store, runId, 'options-changed')).toMatchObject([{ model: 'scripted/newer' }])
  })

  test('data options are stored; one that is given again wins', async () => {
    const store = memoryStore()
    const script = ['1', 'await ask("?")', '3', 'finalAnswer(4)']
    await agentOf({ store, maxSteps: 3, onLimit: 'fail', script }).run('x')
    const other = await again({ store, maxSteps: 9, script })
    await other.answer(must(other.questions[0]).id, { type: 'respond', value: 1 })
    expect(output(await goOn(other))).toBe(4)
  })

  test('without a model it can be read, not driven', async () => {
    using place = scratch()
    const agent = agentOf({ storagePath: place.file, script: ['await ask("?")'] })
    await agent.run('x')
    await agent.close()
    await using reader = await PersistentCodeAgent.resumeExecution(place.file)
    expect(reader.questions).toHaveLength(1)
    expect(reader.memory.steps[0]).toMatchObject({ task: 'x' })
    await expect(goOn(reader)).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('context is given again and never stored', async () => {
    const store = memoryStore()
    const seen: unknown[] = []
    const tools = [
      tool({
        name: 'use',
        description: 'Uses',
        execute: async (_input, { context }) => {
          seen.push(context)
        },
      }),
    ]
    const script = ['await use({})\nawait ask("?")\nawait use({})\nfinalAnswer(1)']
    const { runId } = await agentOf({ store, tools, context: { secret: 'hunter2' }, script }).run('x')
    const other = await again({ store, tools, context: { secret: 'hunter3' }, script })
    await other.answer(must(other.questions[0]).id, { type: 'respond', value: 1 })
    await goOn(other)
    expect(seen).toEqual([{ secret: 'hunter2' }, { secret: 'hunter3' }])
    expect(JSON.stringify(await journalOf(store, runId))).not.toMatch(/hunter/)
  })
})

describe('memory', () => {
  test('typed, frozen, and plain as JSON', async () => {
    const agent = agentOf({
      tools: [echo],
      script: [
        'print("p")\nawait echo({ n: 2 })',
        {
          text: 'Now.',
          code: 'const c = { m: new Map([[1, 2n]]) }\nc.self = c\nfinalAnswer({ m: c.m, d: new Date(0) })',
        },
      ],
    })
    await agent.run('Count')
    const { memory } = agent
    expect(memory.steps.map((step) => step.kind)).toEqual(['task', 'action', 'action', 'finalAnswer'])
    expect(memory.steps[1]).toMatchObject({
      number: 1,
      code: 'print("p")\nawait echo({ n: 2 })',
      output: 'p\n',
      value: '2',
      calls: [{ id: '1.1', tool: 'echo', status: 'returned', attempts: 1 }],
    })
    expect(Object.isFrozen(memory)).toBe(true)
    expect(Object.isFrozen(memory.steps)).toBe(true)
    expect(memory.fullCode()).toContain('// step 1\nprint("p")')
    expect(memory.fullCode()).toContain('// step 2')
    expect(memory.replay()).toMatch(
      /Task 1: Count[\s\S]*Step 1[\s\S]*Printed:\np[\s\S]*Now\.[\s\S]*Final answer/,
    )
    const json = JSON.parse(JSON.stringify(memory)) as { steps: unknown[] }
    expect(json.steps.at(-1)).toEqual({
      kind: 'finalAnswer',
      output: { m: [[1, '2']], d: '1970-01-01T00:00:00.000Z' },
      reason: 'finalAnswer',
    })
  })

  test('a word from outside during a step does not blind the model', async () => {
    const slow = new HandTool()
    const { model, calls } = listeningModel(['await slow({ n: 1 })\nprint("seen")', 'finalAnswer(1)'])
    const agent = new PersistentCodeAgent({ store: memoryStore(), model, tools: [slow.tool] })
    const run = await agent.start('x')
    await slow.begun(1)
    await run.say('hurry')
    slow.settle(1)
    await run.result()
    expect(JSON.stringify(calls[1]?.prompt)).toContain('seen')
    expect(agent.memory.steps[1]).toMatchObject({ output: 'seen\n' })
    expect(lastWord(calls[1])).not.toContain('still running')
  })
})

test('a CodeAgent keeps its runs in memory and pauses all the same', async () => {
  const agent = new CodeAgent({ model: scriptedModel(['finalAnswer(await ask("?"))']) })
  await agent.answer(onlyQuestion(await agent.run('x')).id, { type: 'respond', value: 2 })
  expect(output(await goOn(agent as PersistentCodeAgent))).toBe(2)
})

test('nothing of a run is left when its agent is closed: the store is given back', async () => {
  const begun = deferred()
  const agent = agentOf({
    pauseGrace: 5,
    tools: [
      plainTool('hang', () => {
        begun.resolve()
        return new Promise(() => undefined)
      }),
    ],
    script: ['await hang({})'],
  })
  const run = await agent.start('x')
  await begun.promise
  await agent.close()
  rested(await run.result(), 'paused')
})
