/** Forks: another run from the same past. What it shares, what it does not inherit, and what may be different in it. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  drainDue,
  memoryStore,
  tool,
  UsageError,
  type PersistentCodeAgent,
  type Store,
} from '../../src/index.ts'
import { violations } from '../../src/journal/check.ts'
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
  output,
  PATIENT,
  plainTool,
  rested,
} from './fixtures/bench.ts'

const SCRIPT = [
  'let n = 1\nconst up = () => ++n\nconst first = Math.random()\nawait echo({ n })',
  'up()\nawait echo({ n })',
  'finalAnswer([n, first, Math.random(), crypto.randomUUID()])',
]

async function idOf(agent: PersistentCodeAgent): Promise<string> {
  return must(agent.runId)
}

/** The entries without what a fork has of its own. */
async function told(store: Store, runId: string, upTo = Infinity): Promise<readonly unknown[]> {
  const entries = await journalOf(store, runId)
  return entries.slice(0, upTo).map((entry) => ({ ...entry, epoch: 0 }))
}

describe('a fork', () => {
  test('goes on from a step: variables as they were then, other randomness after it, the parent untouched', async () => {
    const store = memoryStore()
    const agent = agentOf({ store, script: SCRIPT, tools: [echo] })
    const [, first, luck] = output(await agent.run('count')) as [number, number, number]
    const before = await told(store, await idOf(agent))
    const twin = await agent.fork({ step: 1 })
    expect(twin.runId).not.toBe(agent.runId)
    expect(twin.memory.steps.filter((step) => step.kind === 'action')).toHaveLength(1)
    const result = rested(await goOn(twin), 'completed')
    const [n, sameFirst, otherLuck] = result.output as [number, number, number]
    expect([n, sameFirst]).toEqual([2, first])
    expect(otherLuck).not.toBe(luck)
    expect(result).toMatchObject({ stepCount: 3, resumedFrom: 'replay' })
    expect(result.traceparent.slice(0, 35)).not.toBe(
      rested(must(agent.result), 'completed').traceparent.slice(0, 35),
    )
    expect(await told(store, await idOf(agent))).toEqual(before)
  })

  test('two forks of one place have other luck, and each the same again when it is replayed', async () => {
    const store = memoryStore()
    const script = [
      'let a = Math.random()\n0',
      'const b = Math.random()\nawait sleep("1h")\nfinalAnswer([a, b, Math.random()])',
    ]
    const clock = new HandClock()
    const agent = agentOf({ store: memoryStore(clock), script })
    await agent.run('draw')
    const answers = new Set<string>()
    for (let turn = 0; turn < 2; turn++) {
      const twin = await agent.fork({ step: 1 })
      expect(rested(await goOn(twin), 'paused').wakeAt).toBeDefined()
      const { runId } = twin
      // The same fork, replayed from its journal alone.
      const copy = await twin.fork()
      const [one, other] = [rested(await goOn(twin), 'paused'), rested(await goOn(copy), 'paused')]
      expect(other.wakeAt).toEqual(one.wakeAt)
      clock.forward(3_600_000 * (turn + 1))
      const [a, b] = output(await goOn(twin)) as [number, number]
      const [a2, b2] = output(await goOn(copy)) as [number, number]
      expect([a2, b2]).toEqual([a, b])
      answers.add(String(b))
      expect(twin.runId).toBe(runId)
    }
    expect(answers.size).toBe(2)
    expect(store).toBeDefined()
  })

  test('of a stopped run shares all but the stop; of a completed one takes another task', async () => {
    const store = memoryStore()
    const agent = agentOf({
      store,
      script: { 1: ['let n = 1', 'finalAnswer(n)'], 2: ['finalAnswer(n + 1)'] },
    })
    expect(output(await agent.run('one'))).toBe(1)
    const after = await agent.fork()
    expect(rested(must(after.result), 'completed').output).toBe(1)
    expect(output(await after.run('two', { reset: false }))).toBe(2)
    const stopped = agentOf({ store, name: 'other', script: ['let n = 1\nawait ask("?")\nfinalAnswer(n)'] })
    await stopped.run('ask')
    await stopped.stop('enough')
    const twin = await stopped.fork()
    const question = onlyQuestion(must(twin.result))
    await twin.answer(question.id, { type: 'respond', value: 1 })
    expect(output(await goOn(twin))).toBe(1)
    expect(must(stopped.result).status).not.toBe('completed')
  })

  test('brings large values along, whole', async () => {
    const store = memoryStore()
    const big = tool({
      name: 'big',
      description: 'Much text',
      effect: 'read',
      execute: async () => 'ä'.repeat(50_000),
    })
    const options = {
      store,
      tools: [big],
      script: ['const text = await big({})\n0', 'finalAnswer(text.length)'],
    }
    const agent = agentOf(options)
    await agent.run('read')
    const twin = await agent.fork({ step: 1 })
    await store.remove(await idOf(agent))
    const other = await again({ ...options, runId: await idOf(twin) })
    expect(output(await goOn(other))).toBe(50_000)
  })
})

describe('what was under way when it was forked', () => {
  test.each(['once', 'keyed'] as const)('a %s call belongs to the parent', async (effect) => {
    const store = memoryStore()
    const hand = new HandTool('pay', effect)
    const script = [`const paid = await pay({ n: 1 }).catch((error) => error.name)\nfinalAnswer(paid)`]
    const agent = agentOf({ store, tools: [hand.tool], script })
    const run = await agent.start('pay')
    await hand.begun(1)
    const twin = await agent.fork()
    expect(output(await goOn(twin))).toBe('ForkedCallError')
    hand.settle(1, 'done')
    expect(output(await run.result())).toBe('done')
    expect(hand.started).toEqual([1])
  })

  test('a read is sent again, and so is an idempotent call', async () => {
    const store = memoryStore()
    const [both, gate] = [deferred(), deferred()]
    const sent: string[] = []
    const waiting = (name: string, effect: 'read' | 'idempotent') =>
      plainTool(
        name,
        async () => {
          if (sent.push(name) === 2) both.resolve()
          await gate.promise
          return 'x'
        },
        { effect },
      )
    const script = [`finalAnswer(await Promise.all([look({}), set({})]))`]
    const agent = agentOf({ store, tools: [waiting('look', 'read'), waiting('set', 'idempotent')], script })
    const run = await agent.start('look')
    await both.promise
    const twin = await agent.fork()
    const going = goOn(twin)
    await expect.poll(() => sent, PATIENT).toEqual(['look', 'set', 'look', 'set'])
    gate.resolve()
    expect(output(await going)).toEqual(['x', 'x'])
    expect(output(await run.result())).toEqual(['x', 'x'])
  })

  const sell = (sold: string[]): ReturnType<typeof tool> =>
    tool({
      name: 'sell',
      description: 'Sells',
      inputSchema: z.object({ n: z.number() }),
      needsApproval: true,
      execute: async ({ n }: { readonly n: number }, { idempotencyKey }) => {
        sold.push(idempotencyKey)
        return n * 10
      },
    })

  test('an approval is asked again: a word for the parent is no word for the fork', async () => {
    const store = memoryStore()
    const sold: string[] = []
    const agent = agentOf({ store, tools: [sell(sold)], script: ['finalAnswer(await sell({ n: 2 }))'] })
    const asked = onlyQuestion(await agent.run('sell'))
    const twin = await agent.fork()
    await agent.answer(asked.id, { type: 'approve' })
    const again = onlyQuestion(must(twin.result))
    expect(again.id).not.toBe(asked.id)
    expect(again).toMatchObject({ kind: 'approval', message: asked.message, call: asked.call })
    expect(onlyQuestion(await goOn(twin)).id).toBe(again.id)
    expect(sold).toEqual([])
    await twin.answer(again.id, { type: 'approve' })
    expect(output(await goOn(twin))).toBe(20)
    expect(output(await goOn(agent))).toBe(20)
    expect(new Set(sold).size).toBe(2)
  })

  test('an approval that was given and not used yet is asked again', async () => {
    const store = memoryStore()
    const sold: string[] = []
    const agent = agentOf({ store, tools: [sell(sold)], script: ['finalAnswer(await sell({ n: 2 }))'] })
    const asked = onlyQuestion(await agent.run('sell'))
    await agent.answer(asked.id, { type: 'approve' })
    await goOn(agent)
    const approved = must(
      (await journalOf(store, await idOf(agent))).find((entry) => entry.kind === 'question-answered'),
    )
    const twin = await agent.fork({ entry: approved.seq })
    expect(onlyQuestion(must(twin.result)).kind).toBe('approval')
    expect(onlyQuestion(await goOn(twin)).kind).toBe('approval')
    expect(sold).toHaveLength(1)
  })

  test('a sleep keeps its due time', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const agent = agentOf({ store, script: ['await sleep("1d")\nfinalAnswer(1)'] })
    const { wakeAt } = rested(await agent.run('sleep'), 'paused')
    clock.forward(1_000)
    const twin = await agent.fork()
    expect(rested(must(twin.result), 'paused').wakeAt).toEqual(wakeAt)
    clock.forward(86_400_000)
    expect(output(await goOn(twin))).toBe(1)
  })
})

describe('a keyed call that was sent and is to be tried again', () => {
  test('belongs to the parent; the fork rests, whatever the clock says', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const keys: string[] = []
    const pay = tool({
      name: 'pay',
      description: 'Pays',
      effect: 'keyed',
      needsApproval: true,
      retry: { attempts: 3, backoff: '1h' },
      execute: async (_input, { idempotencyKey }) => {
        if (keys.push(idempotencyKey) === 1) throw new Error('busy')
        return 'paid'
      },
    })
    const options = {
      store,
      tools: [pay],
      script: ['finalAnswer(await pay({}).catch((error) => error.name))'],
    }
    const agent = agentOf(options)
    await agent.answer(onlyQuestion(await agent.run('pay')).id, { type: 'approve' })
    expect(rested(await goOn(agent), 'paused').wakeAt).toBeDefined()
    const twin = await agent.fork()
    clock.forward(3_600_000)
    const driven = await drainDue(store, [agent])
    expect(driven.map(({ runId }) => runId)).toEqual([agent.runId])
    expect(output(must(driven[0]))).toBe('paid')
    expect(output(await goOn(twin))).toBe('ForkedCallError')
    expect(new Set(keys).size).toBe(1)
  })
})

describe('an edit', () => {
  const asks = [
    'const size = await ask("Which size?", { type: "string" })\nconst got = await echo({ n: 3 })\nfinalAnswer([size, got])',
  ]

  test('of an answer', async () => {
    const store = memoryStore()
    const agent = agentOf({ store, tools: [echo], script: asks })
    const { id } = onlyQuestion(await agent.run('ask'))
    await agent.answer(id, { type: 'respond', value: 'S' })
    expect(output(await goOn(agent))).toEqual(['S', 3])
    const twin = await agent.fork({
      edit: { answer: { question: id, decision: { type: 'respond', value: 'L' } } },
    })
    expect(output(await goOn(twin))).toEqual(['L', 3])
    const wrong = agent.fork({ edit: { answer: { question: id, decision: { type: 'respond', value: 5 } } } })
    await expect(wrong).rejects.toThrow(UsageError)
  })

  test('of a result', async () => {
    const store = memoryStore()
    const agent = agentOf({
      store,
      tools: [echo],
      script: ['const got = await echo({ n: 3 })\nfinalAnswer([got, await echo({ n: 4 })])'],
    })
    await agent.run('look')
    const twin = await agent.fork({ edit: { result: { call: '1.1', value: { of: 'mine' } } } })
    expect(output(await goOn(twin))).toEqual([{ of: 'mine' }, 4])
  })

  test('of a call that was in doubt: what the person says happened', async () => {
    const store = memoryStore()
    const hand = new HandTool('pay')
    const agent = agentOf({ store, tools: [hand.tool], script: ['finalAnswer(await pay({ n: 1 }))'] })
    const run = await agent.start('pay')
    await hand.begun(1)
    const twin = await agent.fork({ edit: { result: { call: '1.1', value: 'paid' } } })
    expect(output(await goOn(twin))).toBe('paid')
    hand.settle(1, 'done')
    await run.result()
  })

  test('of the code', async () => {
    const store = memoryStore()
    const agent = agentOf({
      store,
      tools: [echo],
      script: ['let n = 5\n0', 'n = await echo({ n: 6 })\nnull.x', 'finalAnswer(n)'],
    })
    expect(output(await agent.run('code'))).toBe(6)
    const twin = await agent.fork({ step: 2, edit: { code: 'n = await echo({ n: 7 })' } })
    const result = rested(await goOn(twin), 'completed')
    expect(result).toMatchObject({ output: 7, stepCount: 3 })
    const action = twin.memory.steps.findLast((step) => step.kind === 'action' && step.number === 2)
    expect(action).toMatchObject({ code: 'n = await echo({ n: 7 })' })
    expect(violations(await journalOf(store, await idOf(twin)))).toEqual([])
    await expect(agent.fork({ step: 2, edit: { code: 'let = = 1' } })).rejects.toThrow('does not compile')
  })

  test.each([
    [{ step: 9 }, 'no finished step 9'],
    [{ entry: 0 }, 'there is no entry 0'],
    [{ entry: 9_999 }, 'there is no entry 9999'],
    [{ entry: 1.5 }, 'there is no entry 1.5'],
    [{ step: 1, entry: 4 }, 'not both'],
    [{ edit: { code: '1' } }, 'which step'],
    [{ step: 7, edit: { code: '1' } }, 'step 7'],
    [{ edit: { result: { call: '8.1', value: 1 } } }, 'never made the call 8.1'],
    [{ edit: { answer: { question: 'q_none', decision: { type: 'approve' } } } }, 'never asked'],
    [{ step: 1, edit: { result: { call: '1.1', value: 1 } } }, 'says itself'],
    [{ edit: {} as never }, 'one edit'],
    [{ runId: 'not an id' }, 'run id'],
  ] as const)('%j is refused', async (options, message) => {
    const store = memoryStore()
    const agent = agentOf({ store, tools: [echo], script: SCRIPT })
    await agent.run('count')
    await expect(agent.fork(options)).rejects.toThrow(message)
    await expect(agent.fork(options)).rejects.toThrow(UsageError)
    expect(await store.runs({}, 10)).toHaveLength(1)
  })

  test('an id that is taken', async () => {
    const agent = agentOf({ script: SCRIPT, tools: [echo] })
    await agent.run('count')
    await expect(agent.fork({ runId: await idOf(agent) })).rejects.toThrow('exists already')
  })
})

test(
  'forked after any entry, a run comes to the answer of its parent, over the same past',
  { timeout: 60_000 },
  async () => {
    const store = memoryStore()
    const options = {
      store,
      tools: [echo],
      stepCallbacks: [() => undefined],
      script: [
        'const [a, b] = await Promise.all([echo({ n: 1 }), echo({ n: 2 })])\na + b',
        'const late = echo({ n: 3 })\nnull.x',
        'finalAnswer([a, b, await late, await Promise.race([echo({ n: 4 }), sleep("1h")])])',
      ],
    }
    const agent = agentOf(options)
    const answer = output(await agent.run('all'))
    const runId = await idOf(agent)
    const entries = await journalOf(store, runId)
    for (const { seq } of entries) {
      const twin = await agent.fork({ entry: seq })
      const forkId = await idOf(twin)
      const forked = must((await journalOf(store, forkId)).find((entry) => entry.kind === 'run-forked'))
      expect(await told(store, forkId, forked.seq - 1)).toEqual(await told(store, runId, forked.seq - 1))
      const result = must(twin.result).status === 'completed' ? must(twin.result) : await goOn(twin)
      expect(output(result), `forked after ${seq}`).toEqual(answer)
      expect(violations(await journalOf(store, forkId)), `forked after ${seq}`).toEqual([])
    }
  },
)
