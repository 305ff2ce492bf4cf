/** Races of the driver, with the real sandbox: what arrives early, late, twice, or never. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { memoryStore } from '../../src/journal/memory.ts'
import type { EntryKind } from '../../src/journal/entry.ts'
import type { Store } from '../../src/journal/store.ts'
import { scriptedModel, type ScriptedReply } from '../../src/model/scripted.ts'
import { PersistentCodeAgent, type PersistentAgentOptions } from '../../src/persistent-code-agent.ts'
import { tool } from '../../src/tool/tool.ts'

/** A store whose time goes on, and is moved on by the test. */
function shelf(): { readonly store: Store; readonly time: { ahead: number } } {
  const time = { ahead: 0 }
  return { store: memoryStore({ now: () => Date.now() + time.ahead }), time }
}

function agentOf(
  store: Store,
  replies: readonly ScriptedReply[],
  more: Partial<PersistentAgentOptions> = {},
): PersistentCodeAgent {
  const agent = new PersistentCodeAgent({ store, model: scriptedModel(replies), pauseGrace: 50, ...more })
  onTestFinished(async () => agent.close())
  return agent
}

async function kindsOf(store: Store, runId = ''): Promise<readonly EntryKind[]> {
  return (await store.read(runId, 0, 1_000)).map((row) => row.kind)
}

/** A tool that returns when the test says so, and counts. */
function gated(name = 'slow', effect: 'read' | 'once' = 'once') {
  const gate = Promise.withResolvers<unknown>()
  const began = Promise.withResolvers<AbortSignal>()
  let calls = 0
  return {
    gate,
    began: began.promise,
    get calls() {
      return calls
    },
    tool: tool({
      name,
      description: 'Waits.',
      effect,
      execute: async (_input, { abortSignal }) => {
        calls++
        began.resolve(abortSignal)
        return gate.promise
      },
    }),
  }
}

/** In time, or not at all: a hang is a failure with a name. */
async function soon<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('It hangs')), 5_000)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

describe('stop', () => {
  // R1
  test('while the model thinks ends the run at once', async () => {
    const asked = Promise.withResolvers<undefined>()
    const never = new Promise<never>(() => undefined)
    const agent = agentOf(shelf().store, [
      () => {
        asked.resolve(undefined)
        return never
      },
    ])
    const run = await agent.start('think')
    await asked.promise
    await run.stop('enough')
    expect(await soon(run.result())).toMatchObject({ status: 'stopped', message: 'enough' })
  })

  test('while a tool runs that hears it: the tool is aborted, and the run is stopped', async () => {
    const aborted = Promise.withResolvers<string>()
    const listening = tool({
      name: 'listening',
      description: 'Waits.',
      execute: async (_input, { abortSignal }) =>
        new Promise((_resolve, reject) => {
          abortSignal.addEventListener('abort', () => {
            aborted.resolve('aborted')
            reject(new Error('aborted'))
          })
          began.resolve(undefined)
        }),
    })
    const began = Promise.withResolvers<undefined>()
    const { store } = shelf()
    const agent = agentOf(store, ['await tools.listening({})'], { tools: [listening] })
    const run = await agent.start('listen')
    await began.promise
    await run.stop('enough')
    expect(await soon(run.result())).toMatchObject({ status: 'stopped', inFlight: [] })
    expect(await aborted.promise).toBe('aborted')
    expect((await kindsOf(store, run.id)).at(-1)).toBe('call-orphaned')
  })

  test('while a tool runs that does not listen names it as in flight', async () => {
    const slow = gated()
    const agent = agentOf(shelf().store, ['await tools.slow({})'], { tools: [slow.tool] })
    const run = await agent.start('wait')
    await slow.began
    await run.stop('enough')
    expect(await soon(run.result())).toMatchObject({
      status: 'stopped',
      inFlight: [{ call: '1.1', tool: 'slow' }],
    })
  })

  test('while a callback never returns ends the run after the grace', async () => {
    const began = Promise.withResolvers<undefined>()
    const agent = agentOf(shelf().store, ['1'], {
      stepCallbacks: [
        async () => {
          began.resolve(undefined)
          return new Promise(() => undefined)
        },
      ],
    })
    const run = await agent.start('watch')
    await began.promise
    await run.stop('enough')
    expect(await soon(run.result())).toMatchObject({ status: 'stopped' })
  })

  test('while the guest computes does not wait for it', async () => {
    const agent = agentOf(shelf().store, ['while (true);'], { limits: { stepTimeout: '20s' } })
    const run = await agent.start('compute')
    await new Promise((resolve) => setTimeout(resolve, 100))
    await run.stop('enough')
    expect(await soon(run.result())).toMatchObject({ status: 'stopped' })
  })

  test('of a run that nobody drives is done when it is acknowledged', async () => {
    const { store } = shelf()
    const agent = agentOf(store, ['await ask("?")'])
    await agent.run('ask')
    await agent.stop('enough')
    expect((await store.run(agent.runId ?? ''))?.status).toBe('stopped')
    expect(await store.questions({})).toEqual([])
  })

  // R15
  test('is the end: the same task under the same id gives the stored result and writes nothing', async () => {
    const { store } = shelf()
    const agent = agentOf(store, ['await ask("?")'])
    await agent.run('ask', { runId: 'r1' })
    await agent.stop('enough')
    const before = await kindsOf(store, 'r1')
    expect(await soon(agent.run('ask', { runId: 'r1' }))).toMatchObject({ status: 'stopped' })
    expect(await kindsOf(store, 'r1')).toEqual(before)
  })
})

describe('a failed task', () => {
  // R1
  test('does not wait for a tool that is still out', async () => {
    const slow = gated()
    const agent = agentOf(shelf().store, ['tools.slow({}); 1', { error: new Error('no'), times: 9 }], {
      tools: [slow.tool],
    })
    expect(await soon(agent.run('fail'))).toMatchObject({ status: 'failed' })
  })

  test('then a follow-up: what was in flight is in doubt, not sent again', async () => {
    const slow = gated()
    const { store } = shelf()
    const failing: ScriptedReply = { error: new Error('no'), times: 9 }
    const agent = new PersistentCodeAgent({
      store,
      pauseGrace: 50,
      tools: [slow.tool],
      model: scriptedModel({ 1: ['const p = tools.slow({}); 1', failing], 2: ['finalAnswer("on")'] }),
    })
    onTestFinished(async () => agent.close())
    expect(await soon(agent.run('fail'))).toMatchObject({ status: 'failed' })
    expect(await soon(agent.run('go on', { reset: false }))).toMatchObject({
      status: 'completed',
      output: 'on',
    })
    expect(slow.calls).toBe(1)
  })

  test('tries again what failed, when it is resumed', async () => {
    const agent = agentOf(shelf().store, [{ error: new Error('no') }, 'finalAnswer(42)'])
    expect(await soon(agent.run('try'))).toMatchObject({ status: 'failed' })
    expect(await soon(agent.run('try', { reset: false }))).toMatchObject({ status: 'completed', output: 42 })
  })
})

describe('pause', () => {
  test('while a tool runs keeps its result for the resume', async () => {
    const slow = gated()
    const { store } = shelf()
    const agent = agentOf(store, ['finalAnswer(await tools.slow({}))'], {
      tools: [slow.tool],
      pauseGrace: '5s',
    })
    const run = await agent.start('wait')
    await slow.began
    await run.pause('lunch')
    slow.gate.resolve('here')
    expect(await soon(run.result())).toMatchObject({ status: 'paused', message: 'lunch', inFlight: [] })
    expect(await soon(agent.run('wait', { reset: false }))).toMatchObject({
      status: 'completed',
      output: 'here',
    })
    expect(slow.calls).toBe(1)
  })

  test('longer than a once call stays away names it, and asks about it on resume', async () => {
    const slow = gated()
    const agent = agentOf(shelf().store, ['await tools.slow({})'], { tools: [slow.tool] })
    const run = await agent.start('wait')
    await slow.began
    await run.pause('lunch')
    expect(await soon(run.result())).toMatchObject({ inFlight: [{ call: '1.1', tool: 'slow' }] })
    const resumed = await soon(agent.run('wait', { reset: false }))
    expect(resumed).toMatchObject({ status: 'paused', questions: [{ kind: 'unknownOutcome' }] })
    expect(slow.calls).toBe(1)
  })

  test('by the abort signal before anything began rests before the model is asked', async () => {
    let asked = 0
    const agent = agentOf(shelf().store, [
      () => {
        asked++
        return 'finalAnswer(1)'
      },
    ])
    const result = await soon(agent.run('go', { abortSignal: AbortSignal.abort('Ctrl-C') }))
    expect([result.status, asked]).toEqual(['paused', 0])
    expect(await soon(agent.run('go', { reset: false }))).toMatchObject({ output: 1 })
  })

  test('asked for while nobody drives rests the run; answers do not wake it, a resume does', async () => {
    const { store } = shelf()
    const agent = agentOf(store, ['finalAnswer(await ask("?"))'])
    await agent.run('ask')
    await agent.pause('lunch')
    const [question] = agent.questions
    await agent.answer(question?.id ?? '', { type: 'respond', value: 7 })
    expect(await store.due({ holder: 'x', isDead: () => false }, 10)).toEqual([])
    expect(await soon(agent.run('ask', { reset: false }))).toMatchObject({ output: 7 })
  })
})

describe('signals', () => {
  // R34: acknowledged is acknowledged.
  test('a pause from elsewhere that comes while a resume takes the run is not lifted by it', async () => {
    const { store, time } = shelf()
    const first = agentOf(store, ['finalAnswer(await ask("?"))'])
    await first.run('ask', { runId: 'r1' })
    await first.pause('lunch')
    const claiming: Store = {
      ...store,
      claim: async (...args) => {
        const lease = await store.claim(...args)
        time.ahead += 5
        await store.signal('r1', 'pause_late', { kind: 'pause', reason: 'no, really' })
        time.ahead += 5
        return lease
      },
    }
    const other = agentOf(claiming, [])
    await other.resume()
    expect(await soon(other.run('ask', { reset: false }))).toMatchObject({
      status: 'paused',
      message: 'no, really',
    })
  })

  test('a pause from before the resume does not rest the run again (R22)', async () => {
    const { store, time } = shelf()
    const agent = agentOf(store, ['await ask("?")', 'finalAnswer(1)'])
    await agent.run('ask', { runId: 'r1' })
    await store.signal('r1', 'pause_1', { kind: 'pause', reason: 'lunch' })
    await agent.answer(agent.questions[0]?.id ?? '', { type: 'respond', value: 1 })
    time.ahead += 5
    expect(await soon(agent.run('ask', { reset: false }))).toMatchObject({ status: 'completed' })
  })

  test('a message that is read before its commit is told once', async () => {
    const slow = gated('slow', 'read')
    const { store } = shelf()
    const agent = agentOf(store, ['await tools.slow({})', 'finalAnswer(1)'], { tools: [slow.tool] })
    const run = await agent.start('talk')
    await slow.began
    await Promise.all([run.say('a'), run.say('b'), run.say('c')])
    slow.gate.resolve(1)
    await soon(run.result())
    expect((await kindsOf(store, run.id)).filter((kind) => kind === 'message-said')).toHaveLength(3)
  })
})

describe('time', () => {
  // R4
  test('an answer that was accepted in time counts, though the run is driven after the expiry', async () => {
    const { store, time } = shelf()
    const pay = tool({
      name: 'pay',
      description: 'Pays.',
      needsApproval: () => ({ required: true, expiresIn: 5_000 }),
      execute: async () => 'paid',
    })
    const agent = agentOf(store, ['finalAnswer(await tools.pay({}).catch((e) => e.message))'], {
      tools: [pay],
    })
    await agent.run('pay')
    await agent.answer(agent.questions[0]?.id ?? '', { type: 'approve' })
    time.ahead += 10_000
    expect(await soon(agent.run('pay', { reset: false }))).toMatchObject({ output: 'paid' })
  })

  test('nobody answered in time: the code is told, nothing is paid', async () => {
    const { store, time } = shelf()
    const slow = gated('pay')
    const agent = agentOf(store, ['finalAnswer(await tools.pay({}).catch((e) => e.message))'], {
      tools: [slow.tool],
      toolApproval: { pay: 'user-approval' },
    })
    await agent.run('pay')
    time.ahead += 10_000_000
    expect(await soon(agent.run('pay', { reset: false }))).toMatchObject({ status: 'paused' })
    expect(slow.calls).toBe(0)
  })

  test('of a sleep passes while no process lives', async () => {
    const { store, time } = shelf()
    const agent = agentOf(store, ['await sleep("2d"); finalAnswer("woken")'])
    const resting = await soon(agent.run('sleep'))
    expect(resting).toMatchObject({ status: 'paused', wakeAt: expect.any(Date) })
    const before = await kindsOf(store, agent.runId)
    await soon(agent.run('sleep', { reset: false }))
    expect(await kindsOf(store, agent.runId), 'too early changes nothing').toEqual(before)
    time.ahead += 2 * 86_400_000
    expect(await soon(agent.run('sleep', { reset: false }))).toMatchObject({ output: 'woken' })
  })

  // R5
  test('that no calendar holds costs a step, not the run', async () => {
    const agent = agentOf(shelf().store, ['await sleep(1e300)', 'finalAnswer("on")'])
    expect(await soon(agent.run('sleep'))).toMatchObject({ status: 'completed', output: 'on' })
  })
})

describe('what a step leaves behind', () => {
  // R2
  test.each([
    ['a sleep that a later step awaits', 'const p = sleep("1h"); 1', 'await p'],
    ['a sleep, and a later step awaits nothing', 'sleep("1h"); 1', 'await new Promise(() => {})'],
    ['a lost race', 'await Promise.race([tools.quick({}), sleep("1h")])', 'await new Promise(() => {})'],
    ['a question', 'const p = ask("?"); 1', 'await p'],
    ['a timer', 'setTimeout(() => 1, 3_600_000); 1', 'await new Promise(() => {})'],
  ])('%s: the later step fails, the run goes on', async (_, first, second) => {
    const quick = tool({ name: 'quick', description: 'Is quick.', effect: 'read', execute: async () => 1 })
    const agent = agentOf(shelf().store, [first, second, 'finalAnswer("on")'], { tools: [quick] })
    expect(await soon(agent.run('leave'))).toMatchObject({ status: 'completed', output: 'on' })
  })

  test('a tool call that a later step awaits is still its call', async () => {
    const slow = gated()
    const agent = agentOf(
      shelf().store,
      [
        'const p = tools.slow({}); 1',
        () => {
          slow.gate.resolve('late')
          return 'finalAnswer(await p)'
        },
      ],
      { tools: [slow.tool] },
    )
    expect(await soon(agent.run('leave'))).toMatchObject({ output: 'late' })
  })

  // R3
  test('an effect of a continuation is had once, though the step that it ran in is killed', async () => {
    const first = gated('first', 'read')
    let paid = 0
    const pay = tool({
      name: 'pay',
      description: 'Pays.',
      execute: async () => ++paid,
    })
    const agent = agentOf(
      shelf().store,
      [
        'tools.first({}).then(() => tools.pay({})); 1',
        async () => {
          first.gate.resolve(1)
          await new Promise((resolve) => setTimeout(resolve, 50))
          return 'await sleep(30); while (true);'
        },
        'await sleep(30); 1',
        'finalAnswer(1)',
      ],
      { tools: [first.tool, pay], limits: { stepTimeout: 300 } },
    )
    await soon(agent.run('pay'))
    expect(paid).toBe(1)
  })

  // R9
  test('a call of a killed step does not hold a run that waits', async () => {
    const slow = gated()
    const agent = agentOf(
      shelf().store,
      ['tools.slow({}); await sleep(30); while (true);', 'await ask("?")'],
      {
        tools: [slow.tool],
        limits: { stepTimeout: 200 },
      },
    )
    expect(await soon(agent.run('ask'))).toMatchObject({ status: 'paused', questions: [{ message: '?' }] })
  })
})

describe('what the model is told', () => {
  // R6
  test('the output of a step that somebody talked into', async () => {
    const slow = gated('slow', 'read')
    let seen = ''
    const agent = agentOf(
      shelf().store,
      [
        'print("OUTPUT", await tools.slow({}))',
        ({ prompt }) => {
          seen = JSON.stringify(prompt)
          return 'finalAnswer(1)'
        },
      ],
      { tools: [slow.tool] },
    )
    const run = await agent.start('talk')
    await slow.began
    await run.say('hurry')
    await new Promise((resolve) => setTimeout(resolve, 20))
    slow.gate.resolve('here')
    await soon(run.result())
    expect(seen).toContain('OUTPUT here')
    expect(seen).toContain('hurry')
  })
})

describe('a store that fails', () => {
  test('on its third append ends the driving, and the run goes on from what is durable', async () => {
    const { store } = shelf()
    let appends = 0
    const failing: Store = {
      ...store,
      append: async (lease, write) => {
        if (++appends === 3) throw new Error('disk full')
        return store.append(lease, write)
      },
    }
    let paid = 0
    const pay = tool({ name: 'pay', description: 'Pays.', effect: 'keyed', execute: async () => ++paid })
    const replies = ['const x = await tools.pay({}); 1', 'finalAnswer(x)']
    const agent = new PersistentCodeAgent({ store: failing, model: scriptedModel(replies), tools: [pay] })
    await expect(soon(agent.run('pay', { runId: 'r1' }))).rejects.toThrow('disk full')
    const other = agentOf(store, replies, { tools: [pay] })
    await other.resume({ runId: 'r1' })
    expect(await soon(other.run('pay', { reset: false }))).toMatchObject({ status: 'completed' })
    expect(paid).toBeLessThanOrEqual(2)
  })

  test('on every one of its appends, one after the other: the run always comes through, a once call at most once', async () => {
    for (let fatal = 1; fatal < 12; fatal++) {
      const { store } = shelf()
      let appends = 0
      const failing: Store = {
        ...store,
        append: async (lease, write) => {
          if (++appends === fatal) throw new Error('power loss')
          return store.append(lease, write)
        },
      }
      let paid = 0
      const pay = tool({ name: 'pay', description: 'Pays.', execute: async () => ++paid })
      const replies = ['let x = 0; for (let i = 0; i < 2; i++) x += await tools.pay({}); x', 'finalAnswer(x)']
      const options = { model: scriptedModel(replies), tools: [pay], onUnknownOutcome: 'tell' } as const
      const agent = new PersistentCodeAgent({ store: failing, ...options })
      const first = await soon(agent.run('pay', { runId: 'r1' })).catch(() => undefined)
      if (first?.status === 'completed') break
      const other = new PersistentCodeAgent({ store, ...options })
      await other.resume({ runId: 'r1' })
      const { status } = await soon(other.run('pay', { reset: false }))
      expect([fatal, status]).toEqual([fatal, 'completed'])
      expect(paid).toBeLessThanOrEqual(2)
    }
  })
})

describe('two at once', () => {
  test('that resume a waiting run with nothing new both get its questions, and write nothing', async () => {
    const { store } = shelf()
    const agent = agentOf(store, ['await ask("?")'])
    await agent.run('ask')
    const before = await kindsOf(store, agent.runId)
    const others = [agentOf(store, []), agentOf(store, [])]
    const results = await Promise.all(
      others.map(async (other) => {
        await other.resume()
        return soon(other.run('ask', { reset: false }))
      }),
    )
    expect(results.map((result) => result.status)).toEqual(['paused', 'paused'])
    expect(await kindsOf(store, agent.runId)).toEqual(before)
  })

  test('that drive one run: one does, the other hears RunBusyError', async () => {
    const slow = gated()
    const { store } = shelf()
    const agent = agentOf(store, ['finalAnswer(await tools.slow({}))'], { tools: [slow.tool] })
    const run = await agent.start('wait')
    await slow.began
    const other = agentOf(store, [], { tools: [slow.tool] })
    await other.resume()
    await expect(soon(other.run('wait', { reset: false }))).rejects.toMatchObject({ code: 'RUN_BUSY' })
    slow.gate.resolve(1)
    expect(await soon(run.result())).toMatchObject({ status: 'completed' })
  })
})
