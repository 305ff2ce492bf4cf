/** What the model's code can do, what it is told, and how a task ends. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  memoryStore,
  PersistentCodeAgent,
  tool,
  ToolError,
  type PersistentAgentOptions,
} from '../../src/index.ts'
import type { Script } from '../../src/testing.ts'
import {
  PATIENT,
  agentOf,
  echo,
  entriesOf,
  goOn,
  HandTool,
  lastWord,
  listeningModel,
  output,
  plainTool,
  promptText,
  rested,
} from './fixtures/bench.ts'

/** An agent, and what its model hears. */
function listening(script: Script, options: Partial<PersistentAgentOptions> = {}) {
  const { model, calls } = listeningModel(script)
  return { calls, agent: new PersistentCodeAgent({ store: memoryStore(), ...options, model }) }
}

describe('calls', () => {
  test('Promise.all runs at once; results are delivered in the order of their arrival', async () => {
    const slow = new HandTool()
    const agent = agentOf({
      tools: [slow.tool],
      script: [
        'const order = []\nconst all = await Promise.all([1, 2, 3].map((n) => slow({ n }).then((v) => (order.push(v), v))))\nfinalAnswer({ all, order })',
      ],
    })
    const run = agent.run('x')
    await Promise.all([1, 2, 3].map((n) => slow.begun(n)))
    for (const n of [2, 3, 1]) slow.settle(n)
    expect(output(await run)).toEqual({ all: [1, 2, 3], order: [2, 3, 1] })
  })

  test('race: the loser stays open, is told, and its result is there in the next step', async () => {
    const slow = new HandTool()
    const { agent, calls } = listening(
      [
        'const loser = slow({ n: 2 })\nconst winner = await Promise.race([slow({ n: 1 }), loser])\nwinner',
        'const late = await loser\nfinalAnswer([winner, late])',
      ],
      { tools: [slow.tool] },
    )
    const run = agent.run('x')
    await Promise.all([slow.begun(1), slow.begun(2)])
    slow.settle(1, 'first')
    await expect.poll(() => calls.length, PATIENT).toBe(2)
    expect(lastWord(calls[1])).toMatch(/Still running: calls 1\.1/)
    slow.settle(2, 'second')
    expect(output(await run)).toEqual(['first', 'second'])
    expect(slow.started).toEqual([2, 1])
  })

  test('a result that comes between two steps is delivered at the next one and starts what hangs on it', async () => {
    const slow = new HandTool()
    const agent = agentOf({
      tools: [slow.tool, echo],
      script: [
        'const got = []\nvoid slow({ n: 1 }).then(async (v) => { got.push(v); got.push(await echo({ n: 5 })) })\n"on"',
        async () => {
          slow.settle(1, 'between')
          await Promise.resolve()
          return 'while (got.length < 2) await echo({ n: 0 })\nfinalAnswer(got)'
        },
      ],
    })
    expect(output(await agent.run('x'))).toEqual(['between', 5])
  })

  test('calls that nobody awaited at finalAnswer: the task ends when they have settled', async () => {
    const store = memoryStore()
    const slow = new HandTool()
    const agent = agentOf({ store, tools: [slow.tool], script: ['slow({ n: 1 })\nfinalAnswer("done")'] })
    const run = agent.run('x')
    await slow.begun(1)
    slow.settle(1)
    const result = await run
    expect(output(result)).toBe('done')
    expect((await entriesOf(store, result.runId, 'call-returned')).map((entry) => entry.call)).toEqual([
      '1.1',
    ])
    expect(agent.memory.steps.at(1)).toMatchObject({ calls: [{ id: '1.1', status: 'returned' }] })
  })

  test('one that never comes home is aborted after the grace', async () => {
    const slow = new HandTool()
    const agent = agentOf({
      tools: [slow.tool],
      pauseGrace: 5,
      script: ['slow({ n: 1 })\nfinalAnswer("done")'],
    })
    expect(output(await agent.run('x'))).toBe('done')
    expect(slow.aborted).toEqual([1])
  })

  test('a wrong argument type is an error of the code, and the tool does not run', async () => {
    const slow = new HandTool()
    const { agent, calls } = listening(['await slow({ n: "one" })', 'finalAnswer(0)'], { tools: [slow.tool] })
    await agent.run('x')
    expect(lastWord(calls[1])).toMatch(/TypeError: slow: .*\bn\b/s)
    expect(slow.started).toEqual([])
  })

  test('ToolError word for word; another error by name and message, without paths or a stack', async () => {
    const agent = agentOf({
      tools: [
        plainTool('a', () => {
          throw new ToolError('Out of stock: see /a/b/c')
        }),
        plainTool('b', () => {
          throw new RangeError(`no such file ${import.meta.filename}:3`)
        }),
      ],
      script: [
        'const e = []\nfor (const f of [a, b]) try { await f({}) } catch (x) { e.push(`${x.name}: ${x.message}`, x instanceof Error) }\nfinalAnswer(e)',
      ],
    })
    expect(output(await agent.run('x'))).toEqual([
      'ToolError: Out of stock: see /a/b/c',
      true,
      'RangeError: no such file <path>',
      true,
    ])
  })

  test('a result that its outputSchema does not allow is an error of the code', async () => {
    const bad = tool({
      name: 'bad',
      description: 'Lies',
      outputSchema: z.number(),
      execute: async () => 'text' as unknown as number,
    })
    const agent = agentOf({
      tools: [bad],
      script: ['let r\ntry { r = await bad({}) } catch (e) { r = e.name }\nfinalAnswer(r)'],
    })
    expect(output(await agent.run('x'))).toBe('ToolError')
  })

  test('a tool that never ends is failed at its timeout', async () => {
    const stuck = tool({
      name: 'stuck',
      description: 'Hangs',
      timeout: 10,
      execute: () => new Promise<void>(() => undefined),
    })
    const agent = agentOf({
      tools: [stuck],
      script: ['let r\ntry { await stuck({}) } catch (e) { r = e.name }\nfinalAnswer(r)'],
    })
    expect(output(await agent.run('x'))).toBe('ToolError')
  })

  test('rich values go both ways', async () => {
    const agent = agentOf({
      tools: [plainTool('same', (input) => input)],
      script: [
        'const v = { d: new Date(5), m: new Map([[1, new Set([2n])]]), u: undefined, n: null, b: new Uint8Array([1, 2]), x: -0 }\nconst r = await same(v)\nfinalAnswer(r)',
      ],
    })
    expect(output(await agent.run('x'))).toEqual({
      d: new Date(5),
      m: new Map([[1, new Set([2n])]]),
      u: undefined,
      n: null,
      b: new Uint8Array([1, 2]),
      x: -0,
    })
  })

  test('a large argument and a large result pass', async () => {
    const agent = agentOf({
      tools: [plainTool('same', (input) => input)],
      script: ['const s = "x".repeat(300_000)\nconst r = await same({ s })\nfinalAnswer(r.s.length)'],
    })
    expect(output(await agent.run('x'))).toBe(300_000)
    const big = agentOf({
      tools: [plainTool('same', (input) => input)],
      script: ['finalAnswer("y".repeat(100_000))'],
    })
    expect(output(await big.run('x'))).toHaveLength(100_000)
  })
})

describe('steps', () => {
  test('variables, functions and classes stay; what is printed and the last value are told', async () => {
    const { agent, calls } = listening([
      'let n = 1\nfunction up() { return ++n }\nclass P { #x = n; get x() { return this.#x } }\nprint("hello")\nup()',
      'up()\nfinalAnswer([n, new P().x])',
    ])
    expect(output(await agent.run('x'))).toEqual([3, 3])
    expect(lastWord(calls[1])).toMatch(/hello/)
    expect(lastWord(calls[1])).toMatch(/Value:\n2/)
  })

  test('a step that throws keeps what was set before; the model is told name, message and place', async () => {
    const { agent, calls } = listening(['let a = 5\na = 6\nnull.x', 'finalAnswer(a)'])
    expect(output(await agent.run('x'))).toBe(6)
    expect(lastWord(calls[1])).toMatch(/TypeError/)
    expect(lastWord(calls[1])).not.toMatch(/file:|\/work\//)
    expect(agent.memory.steps[1]).toMatchObject({ kind: 'action', number: 1, error: { name: 'TypeError' } })
  })

  test('code that does not parse costs a step and is told', async () => {
    const { agent, calls } = listening(['const a = = 1', 'finalAnswer(1)'])
    expect(rested(await agent.run('x'), 'completed').stepCount).toBe(2)
    expect(lastWord(calls[1])).toMatch(/SyntaxError/)
  })

  test('an await that nothing can settle fails the step at once', async () => {
    const { agent, calls } = listening(['await new Promise(() => {})', 'finalAnswer(1)'])
    expect(output(await agent.run('x'))).toBe(1)
    expect(lastWord(calls[1])).toMatch(/Error/)
  })

  test('a step cut by its limit: the heap is as before, results of its calls are told', async () => {
    const { agent, calls } = listening(
      ['let kept = 1', 'kept = 2\nawait echo({ n: 1 })\nfor (;;) {}', 'finalAnswer(kept)'],
      { tools: [echo], limits: { stepTimeout: 150 } },
    )
    expect(output(await agent.run('x'))).toBe(1)
    expect(lastWord(calls[2])).toMatch(/limit \(timeout\)/)
    expect(lastWord(calls[2])).toMatch(/echo \(2\.1\) returned/)
  })

  test('a call of a killed step that is still out: told, and its late result is evidence', async () => {
    const store = memoryStore()
    const slow = new HandTool()
    const { agent, calls } = listening(
      ['slow({ n: 1 })\nawait echo({ n: 1 })\nfor (;;) {}', 'finalAnswer(1)'],
      { store, tools: [echo, slow.tool], limits: { stepTimeout: 150 } },
    )
    const run = agent.run('x')
    await expect.poll(() => calls.length, PATIENT).toBe(2)
    expect(lastWord(calls[1])).toMatch(/slow \(1\.1\) is still running/)
    slow.settle(1)
    const { runId } = await run
    expect(await entriesOf(store, runId, 'call-returned')).toHaveLength(1)
    expect(slow.started).toEqual([1])
  })

  test('finalAnswer in a finally, un-awaited, and only the first counts', async () => {
    const agent = agentOf({
      script: ['try { throw new Error("x") } finally { finalAnswer(1); finalAnswer(2) }'],
    })
    expect(output(await agent.run('x'))).toBe(1)
  })

  test('the bare name may be shadowed, tools.x stays', async () => {
    const agent = agentOf({
      tools: [echo],
      script: [
        'const shadow = 1\nconst r = await tools.echo({ n: 2 })\nr',
        'const echo = 5\nfinalAnswer([echo, await tools.echo({ n: 3 })])',
      ],
    })
    expect(output(await agent.run('x'))).toEqual([5, 3])
  })
})

describe('additionalArgs', () => {
  test('are variables of the first step and stay; the prompt names them, not their contents', async () => {
    const { agent, calls } = listening([
      'const sum = rows.reduce((a, b) => a + b, 0)\nsum',
      'finalAnswer({ sum, who, since: since.getFullYear() })',
    ])
    const result = await agent.run('Sum', {
      additionalArgs: { rows: [1, 2, 3], who: 'Ann', since: new Date('2026-03-01') },
    })
    expect(output(result)).toEqual({ sum: 6, who: 'Ann', since: 2026 })
    expect(promptText(calls[0]?.prompt ?? [])).toMatch(/rows/)
  })

  test('of a follow-up task come beside the old ones, and may replace them', async () => {
    const agent = agentOf({ script: { 1: ['finalAnswer(a)'], 2: ['finalAnswer([a, b])'] } })
    expect(output(await agent.run('one', { additionalArgs: { a: 1 } }))).toBe(1)
    expect(output(await agent.run('two', { reset: false, additionalArgs: { a: 2, b: 3 } }))).toEqual([2, 3])
  })

  test('survive a first step that does not compile', async () => {
    const agent = agentOf({ script: ['const a = = 1', 'finalAnswer(x)'] })
    expect(output(await agent.run('x', { additionalArgs: { x: 4 } }))).toBe(4)
  })

  test('survive a first step that is killed', async () => {
    const agent = agentOf({ limits: { stepTimeout: 100 }, script: ['for (;;) {}', 'finalAnswer(x)'] })
    expect(output(await agent.run('x', { additionalArgs: { x: 4 } }))).toBe(4)
  })

  test('a name that cannot be a variable, or a value that cannot be kept, is refused before the run exists', async () => {
    const agent = agentOf({ script: ['finalAnswer(1)'] })
    for (const additionalArgs of [{ 'a b': 1 }, { f: () => 1 }, { class: 1 }])
      await expect(agent.run('x', { additionalArgs })).rejects.toMatchObject({ code: 'USAGE' })
    expect(agent.runId).toBeUndefined()
  })
})

describe('how a task ends', () => {
  test('a reply in words is the answer', async () => {
    const agent = agentOf({ script: [{ text: 'Forty-two.' }] })
    expect(rested(await agent.run('x'), 'completed')).toMatchObject({
      output: 'Forty-two.',
      reason: 'text',
      stepCount: 0,
    })
  })

  test('a reply that cannot be used is told, and takes a turn', async () => {
    const { agent, calls } = listening([{ text: '', finishReason: 'stop' }, 'finalAnswer(1)'])
    expect(output(await agent.run('x'))).toBe(1)
    expect(calls).toHaveLength(2)
  })

  test('maxSteps, finish: a last call without tools answers; it is not checked', async () => {
    const { agent, calls } = listening(['1', '2', { text: 'So far: 2' }], {
      maxSteps: 2,
      finalAnswerChecks: [() => false],
    })
    expect(rested(await agent.run('x'), 'completed')).toMatchObject({
      output: 'So far: 2',
      reason: 'maxSteps',
      stepCount: 2,
    })
    expect(calls.map((call) => call.canRun)).toEqual([true, true, false])
  })

  test('maxSteps, pause: resuming grants another round', async () => {
    const agent = agentOf({ maxSteps: 1, onLimit: 'pause', script: ['1', '2', 'finalAnswer(3)'] })
    expect(rested(await agent.run('x'), 'paused').stepCount).toBe(1)
    expect(rested(await goOn(agent), 'paused').stepCount).toBe(2)
    expect(output(await goOn(agent))).toBe(3)
  })

  test('maxSteps, fail: a typed failure; trying again grants one turn', async () => {
    const agent = agentOf({ maxSteps: 1, onLimit: 'fail', script: ['1', 'finalAnswer(2)'] })
    expect(rested(await agent.run('x'), 'failed').error.code).toBe('LIMIT')
    expect(output(await goOn(agent))).toBe(2)
  })

  test('maxSteps of the task beats the agent’s', async () => {
    const agent = agentOf({ maxSteps: 1, onLimit: 'fail', script: ['1', '2', 'finalAnswer(3)'] })
    expect(output(await agent.run('x', { maxSteps: 3 }))).toBe(3)
  })

  test('a check that says false, or throws, is told; a better answer is accepted', async () => {
    const asked: unknown[] = []
    const { agent, calls } = listening(['finalAnswer(1)', 'finalAnswer(2)', 'finalAnswer(3)'], {
      finalAnswerChecks: [
        function large(answer) {
          asked.push(answer)
          return answer !== 1
        },
        function odd(answer) {
          if (answer === 2) throw new Error('two is even')
        },
      ],
    })
    expect(output(await agent.run('x'))).toBe(3)
    expect(asked).toEqual([1, 2, 3])
    expect(lastWord(calls[1])).toMatch(/large.*false/s)
    expect(lastWord(calls[2])).toMatch(/odd.*two is even/s)
  })

  test('outputSchema: told what does not fit; defaults and conversions apply', async () => {
    const { agent, calls } = listening(['finalAnswer({ n: "1" })', 'finalAnswer({ n: 1 })'], {
      outputSchema: z.object({ n: z.number(), unit: z.string().default('kg') }),
    })
    expect(output(await agent.run('x'))).toEqual({ n: 1, unit: 'kg' })
    expect(lastWord(calls[1])).toMatch(/outputSchema/)
  })

  test('undefined, null and false are answers too', async () => {
    for (const value of [undefined, null, false, 0, '']) {
      const agent = agentOf({ script: [`finalAnswer(${value === '' ? '""' : String(value)})`] })
      expect(output(await agent.run('x'))).toBe(value)
    }
  })
})

describe('a model that throws', () => {
  test('retryable: asked again, told nothing', async () => {
    const { agent, calls } = listening([
      {
        error: Object.assign(new Error('busy'), {
          isRetryable: true,
          responseHeaders: { 'retry-after-ms': '1' },
        }),
        times: 2,
      },
      'finalAnswer(1)',
    ])
    expect(output(await agent.run('x'))).toBe(1)
    expect(calls).toHaveLength(3)
  })

  test('not retryable: failed, with a code; run on it tries again', async () => {
    const agent = agentOf({ script: [{ error: new Error('bad key') }, 'finalAnswer(1)'] })
    const failed = rested(await agent.run('x'), 'failed')
    expect(failed.error).toMatchObject({
      code: 'MODEL',
      message: expect.stringContaining('bad key') as string,
    })
    expect(output(await goOn(agent))).toBe(1)
  })

  test('failed with a call in flight that never hears: the run rests after the grace', async () => {
    const slow = new HandTool()
    const agent = agentOf({
      tools: [slow.tool],
      pauseGrace: 5,
      script: ['void slow({ n: 1 })\n1', { error: new Error('bad key') }, 'finalAnswer(1)'],
    })
    rested(await agent.run('x'), 'failed')
    expect(slow.started).toEqual([1])
  })

  test('stopped while the model thinks, though it never answers', async () => {
    const agent = agentOf({ pauseGrace: 5, script: [() => new Promise<never>(() => undefined)] })
    const run = await agent.start('x')
    await run.stop('Enough')
    rested(await run.result(), 'stopped')
  })
})
