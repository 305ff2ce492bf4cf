/** `maxCost`: no request goes out that might not fit, whoever of the family sends it and however often it crashes. */
import { describe, expect, test } from 'vitest'
import { memoryStore, PersistentCodeAgent, UsageError } from '../../src/index.ts'
import { violations } from '../../src/journal/check.ts'
import { scriptedModel, type Script } from '../../src/testing.ts'
import {
  again,
  agentOf,
  byLength as price,
  costing,
  deferred,
  entriesOf,
  goOn,
  journalOf,
  listeningModel,
  rested,
} from '../e2e/fixtures/bench.ts'

describe('maxCost', () => {
  test('the next request is not sent where it and a last answer do not fit', async () => {
    const { model, calls } = listeningModel([
      costing('let a = 1', 1),
      costing('let b = 2', 1),
      costing('let c = 3', 1),
      { text: 'as far as I got', usage: { inputTokens: 10, outputTokens: 10, cost: 0.5 } },
    ])
    const agent = new PersistentCodeAgent({ store: memoryStore(), model, price, maxCost: 4.5 })
    const result = rested(await agent.run('x'), 'completed')
    // 3 are spent: a step (1) and an answer after it (1) would be 5.
    expect(result).toMatchObject({ output: 'as far as I got', reason: 'maxCost', usage: { cost: 3.5 } })
    expect(calls.length).toBe(4)
    expect(calls.at(-1)?.canRun).toBe(false)
  })

  test('the run rests, and whoever resumes it grants as much again', async () => {
    const store = memoryStore()
    const script: Script = [costing('1', 1), costing('2', 1), costing('finalAnswer("done")', 1)]
    const given = { store, script, price, maxCost: 2.5, onLimit: 'pause' as const }
    const agent = agentOf(given)
    const paused = rested(await agent.run('x'), 'paused')
    expect(paused.message).toBe(
      'Paused after $2.00 (maxCost; another request does not fit). Resume it to grant as much again.',
    )
    expect(await goOn(agent)).toMatchObject({ status: 'completed', output: 'done', usage: { cost: 3 } })
    expect(violations(await journalOf(store, paused.runId))).toEqual([])
  })

  test('whoever resumes it may give it another budget, which is a fact', async () => {
    const store = memoryStore()
    const script = [costing('1', 1), costing('2', 1), costing('3', 1), costing('finalAnswer(4)', 1)]
    const given = { store, script, price, onLimit: 'pause' as const }
    const paused = rested(await agentOf({ ...given, maxCost: 2.5 }).run('x'), 'paused')
    const later = await again({ ...given, maxCost: 100, maxSteps: 50 })
    expect(await goOn(later)).toMatchObject({ status: 'completed', usage: { cost: 4 } })
    const [changed] = await entriesOf(store, paused.runId, 'options-changed')
    expect(changed?.options).toEqual({ maxCost: 100, maxSteps: 50 })
  })

  test('the task fails with LIMIT', async () => {
    const agent = agentOf({ script: [costing('1', 2)], price, maxCost: 2, onLimit: 'fail' })
    expect(await agent.run('x')).toMatchObject({ status: 'failed', error: { code: 'LIMIT' } })
  })

  test('where not even a last answer fits, nothing is asked', async () => {
    const { model, calls } = listeningModel([costing('1', 1)])
    const agent = new PersistentCodeAgent({ store: memoryStore(), model, price, maxCost: 0.5 })
    expect(await agent.run('x')).toMatchObject({
      status: 'failed',
      error: { code: 'LIMIT', message: expect.stringContaining('maxCost') },
    })
    expect(calls).toEqual([])
  })

  test('a reply that was cut may have been billed: its reservation counts', async () => {
    const asked = deferred()
    const script: Script = [
      costing('1', 1),
      async () => {
        asked.resolve()
        return deferred<string>().promise
      },
    ]
    const store = memoryStore()
    const given = { store, price, maxCost: 3.5, onLimit: 'pause', pauseGrace: 0 } as const
    const run = await agentOf({ ...given, script }).start('x')
    await asked.promise
    await run.pause()
    rested(await run.result(), 'paused')
    const script2: Script = [costing('1', 1), costing('2', 1), costing('finalAnswer(3)', 1)]
    const later = await again({ ...given, script: script2 })
    // 1 spent and 1 lost: one more request fits, and no other.
    const limited = rested(await goOn(later), 'paused')
    expect(limited).toMatchObject({ usage: { cost: 2 }, message: expect.stringContaining('$3.00') })
    expect(rested(await goOn(later), 'completed').output).toBe(3)
  })

  test('what the agents below spend counts for the limit above, while they are at work', async () => {
    const store = memoryStore()
    const { model, calls } = listeningModel([
      costing('1', 1),
      ({ canRun }) =>
        canRun ? costing('2', 1) : { text: 'two', usage: { inputTokens: 1, outputTokens: 1, cost: 1 } },
    ])
    const helper = new PersistentCodeAgent({ store, name: 'helper', description: 'Helps', model, price })
    const lead = agentOf({
      store,
      name: 'lead',
      managedAgents: [helper],
      script: [
        costing('const got = await helper("count"); got', 1),
        { text: 'not all of it', usage: { inputTokens: 1, outputTokens: 1, cost: 0.5 } },
      ],
      price,
      maxCost: 4.9,
    })
    const result = rested(await lead.run('x'), 'completed')
    // 1 above and 1 below: a second step below (1), an answer there (1) and one above (1) would be 5.
    expect(calls.map((call) => call.canRun)).toEqual([true, false])
    expect(result).toMatchObject({ reason: 'maxCost', usage: { cost: 3.5 } })
  })

  test('plans cost too: one that fails is tried again only where it fits', async () => {
    const usage = { inputTokens: 10, outputTokens: 10, cost: 1 }
    const { model, calls } = listeningModel([
      { text: 'the plan', usage },
      costing('1', 1),
      { error: Object.assign(new Error('busy'), { statusCode: 503 }), times: 9 },
    ])
    const given = {
      store: memoryStore(),
      model,
      price,
      maxCost: 3.5,
      onLimit: 'fail',
      planningInterval: 1,
    } as const
    const result = await new PersistentCodeAgent({ ...given, maxRetries: 0 }).run('x')
    // 2 are spent, and the next plan (1) fits; a step after it would not.
    expect(calls.map(({ canRun }) => canRun)).toEqual([false, true, false])
    expect(result).toMatchObject({ status: 'failed', usage: { cost: 2 } })
  })

  test('a price that is not known is asked for at construction, naming what to write', () => {
    const model = scriptedModel([], { provider: 'acme.chat', modelId: 'roadrunner-2' })
    const make = (): unknown => new PersistentCodeAgent({ store: memoryStore(), model, maxCost: 1 })
    expect(make).toThrow(UsageError)
    expect(make).toThrow('maxCost needs to know what acme.chat/roadrunner-2 costs.')
    expect(() => agentOf({ maxCost: 0 })).toThrow('maxCost must be USD above 0, not 0.')
  })

  test('a reply whose cost nobody knows rests the run', async () => {
    const agent = agentOf({ script: ['1', 'finalAnswer(1)'], maxCost: 1 })
    const paused = rested(await agent.run('x'), 'paused')
    expect(paused.message).toContain('nobody said what the last reply of the model cost')
  })
})
