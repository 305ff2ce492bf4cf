/** Pausing: from a tool, a callback, a check, the model, from outside; and what goes on afterwards. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  AgentPausedException,
  AgentStoppedException,
  drainDue,
  memoryStore,
  tool,
  type ActionStep,
  type CheckContext,
  type RunEvent,
} from '../../src/index.ts'
import type { ScriptedCall } from '../../src/testing.ts'
import {
  agentOf,
  again,
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
  PATIENT,
  onlyQuestion,
  output,
  plainTool,
  promptText,
  rested,
} from './fixtures/bench.ts'
import { PersistentCodeAgent } from '../../src/index.ts'

describe('a tool pauses', () => {
  test('without a question: the await gets undefined when the run goes on, and the tool ran once', async () => {
    let ran = 0
    const agent = agentOf({
      tools: [
        plainTool('pause_agent', () => {
          ran++
          throw new AgentPausedException('Back on Monday')
        }),
      ],
      script: [
        'const before = 1\nconst got = await pause_agent({})\nfinalAnswer([before, got === undefined])',
      ],
    })
    const first = rested(await agent.run('Pause'), 'paused')
    expect(first).toMatchObject({ message: 'Back on Monday', questions: [], inFlight: [], stepCount: 1 })
    expect(output(await goOn(agent))).toEqual([1, true])
    expect(ran).toBe(1)
    expect(agent.memory.steps.filter((step) => step.kind === 'task')).toHaveLength(1)
  })

  test('whatever the code catches, also where a wrapper made it the cause of another error', async () => {
    const agent = agentOf({
      tools: [
        plainTool('wrapped', () => {
          throw new Error('wrapped', { cause: new AgentPausedException('inside') })
        }),
      ],
      script: [
        'let r = "none"\ntry { r = await wrapped({}) } catch (e) { r = "caught" }\nfinalAnswer(String(r))',
      ],
    })
    expect(rested(await agent.run('Pause'), 'paused').message).toBe('inside')
    expect(output(await goOn(agent))).toBe('undefined')
  })

  test('with a question: the answer becomes the value of the await', async () => {
    let ran = 0
    const agent = agentOf({
      tools: [
        plainTool('size', () => {
          ran++
          throw new AgentPausedException('Ask', {
            question: { message: 'Which size?', schema: { type: 'string' } },
          })
        }),
      ],
      script: ['const s = await size({})\nfinalAnswer(s + "!")'],
    })
    const question = onlyQuestion(await agent.run('Pause'))
    expect(question).toMatchObject({ kind: 'input', message: 'Which size?', schema: { type: 'string' } })
    expect(question.call).toMatchObject({ tool: 'size', args: {} })
    // Without an answer it rests again at once, and the journal does not grow.
    const still = onlyQuestion(await goOn(agent))
    expect(still.id).toBe(question.id)
    await agent.answer(question.id, { type: 'respond', value: 'L' })
    expect(agent.questions).toEqual([])
    expect(output(await goOn(agent))).toBe('L!')
    expect(ran).toBe(1)
  })

  test('a run that waits and is resumed without an answer writes nothing', async () => {
    const store = memoryStore()
    const agent = agentOf({ store, script: ['finalAnswer(await ask("Well?"))'] })
    const { runId } = await agent.run('Ask')
    const before = (await journalOf(store, runId)).length
    onlyQuestion(await goOn(agent))
    expect((await journalOf(store, runId)).length).toBe(before)
  })

  test("onAnswer 'call': execute runs again under the same id and key, with the answer and its state", async () => {
    const seen: unknown[] = []
    const agent = agentOf({
      tools: [
        tool({
          name: 'book',
          description: 'Books',
          inputSchema: z.object({ to: z.string() }),
          execute: async ({ to }, { answer, state, toolCallId, idempotencyKey, attempt }) => {
            seen.push({ to, answer, state, toolCallId, idempotencyKey, attempt })
            if (answer === undefined)
              throw new AgentPausedException('Seat?', {
                question: 'Which seat?',
                onAnswer: 'call',
                state: { held: new Map([['seat', 7]]) },
              })
            return `${to} ${JSON.stringify(answer)}`
          },
        }),
      ],
      script: ['finalAnswer(await book({ to: "Rome" }))'],
    })
    const question = onlyQuestion(await agent.run('Book'))
    await agent.answer(question.id, { type: 'respond', value: '12A' })
    expect(output(await goOn(agent))).toBe('Rome "12A"')
    expect(seen).toHaveLength(2)
    const [first, second] = seen as { toolCallId: string; idempotencyKey: string; attempt: number }[]
    expect(second).toMatchObject({
      answer: '12A',
      state: { held: new Map([['seat', 7]]) },
      toolCallId: first?.toolCallId,
      idempotencyKey: first?.idempotencyKey,
    })
    expect([first?.attempt, second?.attempt]).toEqual([1, 2])
  })

  test('ask() of a tool waits for a person and goes on in the tool', async () => {
    const agent = agentOf({
      tools: [
        tool({
          name: 'careful',
          description: 'Asks first',
          execute: async (_input, { ask }) => `said ${String(await ask('Sure?'))}`,
        }),
      ],
      script: ['finalAnswer(await careful({}))'],
    })
    await agent.answer(onlyQuestion(await agent.run('x')).id, { type: 'respond', value: 'yes' })
    expect(output(await goOn(agent))).toBe('said yes')
  })

  test('rejecting its question throws in the code', async () => {
    const agent = agentOf({
      tools: [
        plainTool('size', () => {
          throw new AgentPausedException('Ask', { question: 'Which size?' })
        }),
      ],
      script: ['let r\ntry { r = await size({}) } catch (e) { r = e.message }\nfinalAnswer(r)'],
    })
    await agent.answer(onlyQuestion(await agent.run('x')).id, { type: 'reject', reason: 'not now' })
    expect(output(await goOn(agent))).toBe('rejected by a person: not now')
  })

  test('the answer to its question is checked against its outputSchema', async () => {
    const agent = agentOf({
      tools: [
        tool({
          name: 'age',
          description: 'Age',
          outputSchema: z.number(),
          execute: async (): Promise<number> => {
            throw new AgentPausedException('Ask', { question: 'How old?' })
          },
        }),
      ],
      script: ['finalAnswer((await age({})) + 1)'],
    })
    const { id } = onlyQuestion(await agent.run('x'))
    await expect(agent.answer(id, { type: 'respond', value: 'old' })).rejects.toMatchObject({ code: 'USAGE' })
    await agent.answer(id, { type: 'respond', value: 41 })
    expect(output(await goOn(agent))).toBe(42)
  })

  test('a pause in one call keeps the result of its sibling that lands in the grace', async () => {
    const slow = new HandTool()
    const paused = deferred()
    const agent = agentOf({
      tools: [
        slow.tool,
        plainTool('pause_agent', async () => {
          await slow.begun(1)
          paused.resolve()
          throw new AgentPausedException('Now')
        }),
      ],
      script: ['finalAnswer(await Promise.all([slow({ n: 1 }), pause_agent({})]))'],
    })
    const run = agent.run('Both')
    await paused.promise
    slow.settle(1, 'kept')
    expect(rested(await run, 'paused').inFlight).toEqual([])
    expect(output(await goOn(agent))).toEqual(['kept', undefined])
    expect(slow.started).toEqual([1])
  })

  test('two tools pause at once: one rest, both awaits go on', async () => {
    let ran = 0
    const agent = agentOf({
      tools: [
        plainTool('p', () => {
          ran++
          throw new AgentPausedException(`Pause ${ran}`)
        }),
      ],
      script: ['finalAnswer((await Promise.all([p({}), p({})])).length)'],
    })
    rested(await agent.run('x'), 'paused')
    expect(output(await goOn(agent))).toBe(2)
    expect(ran).toBe(2)
  })

  test('a pause with a question leaves its siblings running until all wait', async () => {
    const slow = new HandTool()
    const agent = agentOf({
      tools: [
        slow.tool,
        plainTool('q', () => {
          throw new AgentPausedException('Ask', { question: 'Go?' })
        }),
      ],
      script: [
        'const order = []\nawait Promise.all([slow({ n: 1 }).then(() => order.push("slow")), q({}).then(() => order.push("q"))])\nfinalAnswer(order)',
      ],
    })
    const run = agent.run('x')
    await slow.begun(1)
    slow.settle(1)
    const question = onlyQuestion(await run)
    await agent.answer(question.id, { type: 'respond', value: 1 })
    expect(output(await goOn(agent))).toEqual(['slow', 'q'])
  })
})

describe('callbacks, checks and the model pause', () => {
  test('callback 2 of 3 pauses: 1 and 2 are not run again, 3 is, for the first time', async () => {
    const ran: string[] = []
    let pauses = 1
    const agent = agentOf({
      stepCallbacks: [
        function one(step, { attempt }) {
          ran.push(`one:${step.number}:${attempt}`)
        },
        function two(step, { attempt }) {
          ran.push(`two:${step.number}:${attempt}`)
          if (pauses-- > 0) throw new AgentPausedException('Look at this')
        },
        function three(step, { attempt }) {
          ran.push(`three:${step.number}:${attempt}`)
        },
      ],
      script: ['1 + 1', 'finalAnswer("done")'],
    })
    expect(rested(await agent.run('x'), 'paused')).toMatchObject({ message: 'Look at this', stepCount: 1 })
    expect(output(await goOn(agent))).toBe('done')
    expect(ran).toEqual(['one:1:1', 'two:1:1', 'three:1:1', 'one:2:1', 'two:2:1', 'three:2:1'])
  })

  test('a callback sees its step, with calls, and the memory', async () => {
    const seen: unknown[] = []
    const agent = agentOf({
      tools: [echo],
      stepCallbacks: [
        (step, { memory, agent: own }) =>
          void seen.push([
            step.number,
            step.output,
            step.value,
            step.calls.map((call) => [call.tool, call.status]),
            memory.steps.length,
            own,
          ]),
      ],
      script: ['print("hi")\nawait echo({ n: 3 })', 'finalAnswer(0)'],
    })
    await agent.run('x')
    expect(seen[0]).toEqual([1, 'hi\n', '3', [['echo', 'returned']], 2, agent])
  })

  test('by kind: each hears of its own, all of every kind after it, and the answer before the task ends', async () => {
    const heard: string[] = []
    const store = memoryStore()
    const agent = agentOf({
      store,
      planningInterval: 9,
      stepCallbacks: {
        action: (step) => void heard.push(`action ${step.number}`),
        planning: [(step) => void heard.push(`plan ${step.plan}`)],
        finalAnswer: async (step, { memory }) => {
          heard.push(`answer ${String(step.output)} ${step.reason} ${memory.steps.at(-1)?.kind}`)
        },
        all: (step) => void heard.push(`all ${step.kind}`),
      },
      script: [{ text: 'think' }, '1', 'finalAnswer(2)'],
    })
    const { runId } = await agent.run('x')
    expect(heard).toEqual([
      'plan think',
      'all planning',
      'action 1',
      'all action',
      'action 2',
      'all action',
      'answer 2 finalAnswer finalAnswer',
      'all finalAnswer',
    ])
    const kinds = (await journalOf(store, runId)).map(({ kind }) => kind)
    expect(kinds.slice(-3)).toEqual(['callbacks-ran', 'callbacks-ran', 'task-completed'])
  })

  test('callback 1 of the final answer pauses: the run is not completed, and goes on with 2', async () => {
    const ran: string[] = []
    const given = {
      store: memoryStore(),
      stepCallbacks: {
        finalAnswer: [
          () => {
            ran.push('one')
            throw new AgentPausedException('A person looks at the answer')
          },
          () => void ran.push('two'),
        ],
      },
      script: ['finalAnswer(7)'],
    }
    expect(rested(await agentOf(given).run('x'), 'paused').message).toBe('A person looks at the answer')
    expect(output(await goOn(await again(given)))).toBe(7)
    expect(ran).toEqual(['one', 'two'])
  })

  test.each([
    [{ plan: () => 1 }, /no kind of step 'plan'/],
    [{ action: 'log' }, /callback 1 is no function/],
    [['log'], /callback 1 is no function/],
  ])('stepCallbacks %j are refused at construction', (stepCallbacks, message) => {
    expect(() => agentOf({ stepCallbacks: stepCallbacks as never })).toThrow(message)
  })

  test('a callback stops the run', async () => {
    const agent = agentOf({
      stepCallbacks: [
        () => {
          throw new AgentStoppedException('Enough')
        },
      ],
      script: ['1', '2'],
    })
    expect(rested(await agent.run('x'), 'stopped').message).toBe('Enough')
  })

  test('a check pauses once and is asked again when the run goes on', async () => {
    let asked = 0
    const agent = agentOf({
      finalAnswerChecks: [
        () => {
          if (asked++ === 0) throw new AgentPausedException('A person looks')
          return true
        },
      ],
      script: ['finalAnswer(7)'],
    })
    expect(rested(await agent.run('x'), 'paused').message).toBe('A person looks')
    expect(output(await goOn(agent))).toBe(7)
    expect(asked).toBe(2)
  })

  test('a callback asks: without an answer the run rests again, with one it is due, and the model hears it', async () => {
    const store = memoryStore()
    const ran: string[] = []
    const given = {
      store,
      stepCallbacks: {
        action: [
          (step: ActionStep) => {
            ran.push(`one ${step.number}`)
            if (step.number === 1) throw new AgentPausedException('Look at it', { question: 'Is it good?' })
          },
          (step: ActionStep) => void ran.push(`two ${step.number}`),
        ],
      },
      script: [
        '1',
        ({ prompt }: ScriptedCall) => `finalAnswer(${JSON.stringify(promptText(prompt).includes('very'))})`,
      ],
    }
    const paused = rested(await agentOf(given).run('x'), 'paused')
    expect(paused).toMatchObject({ message: 'Look at it', stepCount: 1 })
    const { kind, message, id } = onlyQuestion(paused)
    expect({ kind, message }).toEqual({ kind: 'input', message: 'Is it good?' })
    const segments = async (): Promise<number> =>
      (await journalOf(store, paused.runId)).filter((entry) => entry.kind === 'segment-started').length
    const other = await again(given)
    expect(rested(await goOn(other), 'paused').questions).toHaveLength(1)
    expect(await segments()).toBe(1)
    expect(ran).toEqual(['one 1'])
    expect(await drainDue(store, [other])).toEqual([])
    await other.answer(id, { type: 'respond', value: 'very' })
    expect(await drainDue(store, [other])).toMatchObject([{ status: 'completed', output: true }])
    expect(ran).toEqual(['one 1', 'two 1', 'one 2', 'two 2'])
  })

  test('nobody answers a callback in time: the model hears that, and the run goes on by the clock', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const agent = agentOf({
      store,
      stepCallbacks: [
        (step) => {
          const question = { message: 'Is it good?', expiresAt: clock.now() + 60_000 }
          if (step.number === 1) throw new AgentPausedException('Look at it', { question })
        },
      ],
      script: ['1', ({ prompt }) => `finalAnswer(${promptText(prompt).includes('Nobody answered in time')})`],
    })
    expect(rested(await agent.run('x'), 'paused').wakeAt).toEqual(new Date(clock.now() + 60_000))
    clock.forward(60_000)
    expect(await drainDue(store, [agent])).toMatchObject([{ status: 'completed', output: true }])
  })

  test('a person is asked about the answer: the check hears each decision, and a no goes to the model', async () => {
    const heard: unknown[] = []
    const store = memoryStore()
    const given = {
      store,
      finalAnswerChecks: [
        () => true,
        function person(answer: unknown, { decisions }: CheckContext) {
          heard.push([answer, decisions])
          const decision = decisions.at(-1)
          if (decision === undefined)
            throw new AgentPausedException('Ask', { question: `Is ${String(answer)} right?` })
          return decision.type === 'respond' && decision.value === 'yes'
        },
        () => true,
      ],
      script: ['finalAnswer(1)', 'finalAnswer(2)'],
    }
    const first = onlyQuestion(await agentOf(given).run('x'))
    const other = await again(given)
    await other.answer(first.id, { type: 'respond', value: 'no' })
    const second = onlyQuestion(await goOn(other))
    expect(second.message).toBe('Is 2 right?')
    await other.answer(second.id, { type: 'respond', value: 'yes' })
    expect(output(await goOn(await again(given)))).toBe(2)
    expect(heard).toEqual([
      [1, []],
      [1, [{ type: 'respond', value: 'no' }]],
      [2, []],
      [2, [{ type: 'respond', value: 'yes' }]],
    ])
  })

  test('the model pauses and is asked again when the run goes on', async () => {
    let asked = 0
    const agent = agentOf({
      script: [
        () => {
          if (asked++ === 0) throw new AgentPausedException('Quota until noon')
          return 'finalAnswer(1)'
        },
      ],
    })
    expect(rested(await agent.run('x'), 'paused')).toMatchObject({
      message: 'Quota until noon',
      stepCount: 0,
    })
    expect(output(await goOn(agent))).toBe(1)
    expect(asked).toBe(2)
  })
})

describe('pause() from outside', () => {
  test('while a tool runs: the result that lands in the grace is kept, and delivered after resume only', async () => {
    const store = memoryStore()
    const slow = new HandTool()
    const other = new HandTool('other')
    const agent = agentOf({
      store,
      tools: [slow.tool, other.tool],
      script: ['const a = await slow({ n: 1 })\nconst b = await other({ n: 2 })\nfinalAnswer([a, b])'],
    })
    const run = await agent.start('x')
    await slow.begun(1)
    await agent.pause('Lunch')
    slow.settle(1, 'soup')
    const result = rested(await run.result(), 'paused')
    expect(result).toMatchObject({ message: 'Lunch', inFlight: [] })
    expect(other.started).toEqual([])
    const resumed = agent.run(agent.task, { reset: false })
    await other.begun(2)
    other.settle(2, 'bread')
    expect(output(await resumed)).toEqual(['soup', 'bread'])
    expect(slow.started).toEqual([1])
  })

  test('while the model thinks: its reply is kept and not asked for again', async () => {
    let asked = 0
    const [thinking, mayReply] = [deferred(), deferred()]
    const agent = agentOf({
      script: [
        async () => {
          asked++
          thinking.resolve()
          await mayReply.promise
          return 'finalAnswer(1)'
        },
      ],
    })
    const run = await agent.start('x')
    await thinking.promise
    await run.pause()
    mayReply.resolve()
    rested(await run.result(), 'paused')
    expect(output(await goOn(agent))).toBe(1)
    expect(asked).toBe(1)
  })

  test('pause() acknowledged twice, and on a resting run, is harmless', async () => {
    const agent = agentOf({ script: ['finalAnswer(await ask("?"))'] })
    const question = onlyQuestion(await agent.run('x'))
    await agent.pause('once')
    await agent.pause('twice')
    expect(rested(await goOn(agent), 'paused').questions).toHaveLength(1)
    await agent.answer(question.id, { type: 'respond', value: 5 })
    expect(output(await goOn(agent))).toBe(5)
  })

  test('an abort signal pauses at the next safe point; its reason is the message', async () => {
    const slow = new HandTool()
    const agent = agentOf({ tools: [slow.tool], script: ['finalAnswer(await slow({ n: 1 }))'] })
    const abort = new AbortController()
    const run = agent.run('x', { abortSignal: abort.signal })
    await slow.begun(1)
    abort.abort('Deploy')
    slow.settle(1)
    expect(rested(await run, 'paused').message).toBe('Deploy')
    expect(output(await goOn(agent))).toBe(1)
  })

  test('a signal that is aborted already pauses before the model is asked', async () => {
    const { model, calls } = listeningModel(['finalAnswer(1)'])
    const agent = new PersistentCodeAgent({ store: memoryStore(), model })
    rested(await agent.run('x', { abortSignal: AbortSignal.abort() }), 'paused')
    expect(calls).toHaveLength(0)
    expect(output(await goOn(agent))).toBe(1)
  })

  test('pauseGrace over: what still flies is named and aborted; a read is sent again on resume', async () => {
    const slow = new HandTool('slow', 'read')
    const agent = agentOf({
      tools: [slow.tool],
      pauseGrace: 5,
      script: ['finalAnswer(await slow({ n: 1 }))'],
    })
    const run = await agent.start('x')
    await slow.begun(1)
    await run.pause()
    expect(rested(await run.result(), 'paused').inFlight).toEqual([{ call: '1.1', tool: 'slow' }])
    expect(slow.aborted).toEqual([1])
    slow.settle(1, 'too late')
    slow.forget(1)
    const resumed = goOn(agent)
    await slow.begun(1)
    slow.settle(1, 'second')
    expect(output(await resumed)).toBe('second')
    expect(slow.started).toEqual([1, 1])
  })

  test('pauseGrace over with a once call: on resume a person is asked, the call is not sent again', async () => {
    const slow = new HandTool()
    const agent = agentOf({
      tools: [slow.tool],
      pauseGrace: 5,
      script: ['finalAnswer(await slow({ n: 1 }))'],
    })
    const run = await agent.start('x')
    await slow.begun(1)
    await run.pause()
    rested(await run.result(), 'paused')
    const question = onlyQuestion(await goOn(agent))
    expect(question).toMatchObject({ kind: 'unknownOutcome', call: { tool: 'slow', args: { n: 1 } } })
    expect(slow.started).toEqual([1])
    await agent.answer(question.id, { type: 'respond', value: 'it happened' })
    expect(output(await goOn(agent))).toBe('it happened')
  })

  test("onUnknownOutcome 'tell': the code gets UnknownOutcomeError", async () => {
    const slow = new HandTool()
    const agent = agentOf({
      tools: [slow.tool],
      pauseGrace: 5,
      onUnknownOutcome: 'tell',
      script: ['let r\ntry { r = await slow({ n: 1 }) } catch (e) { r = e.name }\nfinalAnswer(r)'],
    })
    const run = await agent.start('x')
    await slow.begun(1)
    await run.pause()
    rested(await run.result(), 'paused')
    expect(output(await goOn(agent))).toBe('UnknownOutcomeError')
    expect(slow.started).toEqual([1])
  })

  test('a probe answers in place of a person', async () => {
    for (const [said, expected, sent] of [
      [{ happened: true, result: 'found' }, 'found', 1],
      [{ happened: false }, 'sent again', 2],
    ] as const) {
      const begun = deferred()
      let ran = 0
      const pay = tool({
        name: 'pay',
        description: 'Pays',
        probe: async () => said,
        execute: async (): Promise<unknown> => {
          if (++ran === 1) {
            begun.resolve()
            return new Promise(() => undefined)
          }
          return 'sent again'
        },
      })
      const agent = agentOf({ tools: [pay], pauseGrace: 5, script: ['finalAnswer(await pay({}))'] })
      const run = await agent.start('x')
      await begun.promise
      await run.pause()
      rested(await run.result(), 'paused')
      expect(output(await goOn(agent))).toBe(expected)
      expect(ran).toBe(sent)
    }
  })

  test('paused in the middle of computing in the guest: the run goes on with what it had', async () => {
    const agent = agentOf({
      tools: [echo],
      script: ['let n = 0\nfor (let i = 0; i < 40; i++) n += await echo({ n: i })\nfinalAnswer(n)'],
    })
    const run = await agent.start('x')
    let pauses = 0
    let result = await (async () => {
      await run.pause()
      pauses++
      return run.result()
    })()
    while (result.status === 'paused') {
      const next = await agent.start(agent.task, { reset: false })
      if (pauses++ < 4) await next.pause()
      result = await next.result()
    }
    expect(output(result)).toBe(780)
    expect(pauses).toBeGreaterThan(1)
  })
})

describe('stream()', () => {
  test('facts in order, the result last; nothing runs before the first next()', async () => {
    const { model, calls } = listeningModel(['print("a")\nawait echo({ n: 1 })\nfinalAnswer(1)'])
    const agent = new PersistentCodeAgent({ store: memoryStore(), model, tools: [echo] })
    const stream = agent.stream('x')
    expect(agent.runId).toBeUndefined()
    const events: RunEvent[] = []
    for await (const event of stream) events.push(event)
    expect(calls).toHaveLength(1)
    const seqs = events.flatMap((event) => (event.type === 'entry' ? [event.entry.seq] : []))
    expect(seqs).toEqual(seqs.map((_, index) => must(seqs[0]) + index))
    expect(seqs[0]).toBe(3)
    expect(events.flatMap((event) => (event.type === 'printed' ? [event.text] : [])).join('')).toBe('a\n')
    expect(events.flatMap((event) => (event.type === 'code' ? [event.delta] : [])).join('')).toContain(
      'finalAnswer(1)',
    )
    const last = must(events.at(-1))
    expect(last.type === 'result' && output(last.result)).toBe(1)
  })

  test('leaving early pauses, and resolves when that is durable', async () => {
    const slow = new HandTool()
    const agent = agentOf({ tools: [slow.tool], script: ['finalAnswer(await slow({ n: 1 }))'] })
    for await (const event of agent.stream('x')) {
      if (event.type === 'entry' && event.entry.kind === 'call-started') {
        void slow.begun(1).then(() => slow.settle(1))
        break
      }
    }
    expect(agent.result?.status).toBe('paused')
    expect(output(await goOn(agent))).toBe(1)
    expect(slow.started).toEqual([1])
  })

  test("onAbandon 'continue' lets it run", async () => {
    const agent = agentOf({ script: ['finalAnswer(1)'] })
    const stream = agent.stream('x', { onAbandon: 'continue' })
    await stream.next()
    await stream.return()
    await expect.poll(() => agent.result?.status, PATIENT).toBe('completed')
  })

  test('a stored result is the only event of a finished run', async () => {
    const agent = agentOf({ script: ['finalAnswer(1)'] })
    await agent.run('x')
    const events: string[] = []
    for await (const event of agent.stream(agent.task, { reset: false })) events.push(event.type)
    expect(events).toEqual(['result'])
  })
})

describe('stop', () => {
  test('AgentStoppedException from a tool: final; a sibling in flight sees its signal, its late result is kept as evidence', async () => {
    const store = memoryStore()
    const slow = new HandTool()
    const agent = agentOf({
      store,
      tools: [
        slow.tool,
        plainTool('stop_agent', async () => {
          await slow.begun(1)
          throw new AgentStoppedException('Enough')
        }),
      ],
      script: ['await Promise.all([slow({ n: 1 }), stop_agent({})])'],
    })
    const run = agent.run('x')
    await expect.poll(() => slow.aborted, PATIENT).toEqual([1])
    slow.settle(1, 'late')
    const result = rested(await run, 'stopped')
    expect(result.message).toBe('Enough')
    expect((await entriesOf(store, result.runId, 'call-orphaned')).map((entry) => entry.call)).toEqual([
      '1.1',
    ])
    expect(await entriesOf(store, result.runId, 'call-returned')).toEqual([])
    expect(rested(await goOn(agent), 'stopped').message).toBe('Enough')
    await expect(agent.run('another', { reset: false })).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('stop() while a tool runs that never hears: stopped after the grace, the call named', async () => {
    const slow = new HandTool()
    const agent = agentOf({ tools: [slow.tool], pauseGrace: 5, script: ['await slow({ n: 1 })'] })
    const run = await agent.start('x')
    await slow.begun(1)
    await agent.stop('Now')
    const result = rested(await run.result(), 'stopped')
    expect(result).toMatchObject({ message: 'Now', inFlight: [{ call: '1.1', tool: 'slow' }] })
    expect(slow.aborted).toEqual([1])
  })

  test('stop() of a resting run is durable when it resolves; its questions are closed', async () => {
    const store = memoryStore()
    const agent = agentOf({ store, script: ['await ask("?")'] })
    const { id } = onlyQuestion(await agent.run('x'))
    await agent.stop('No')
    const other = await again({ store })
    expect(other.result?.status).toBe('stopped')
    expect(other.questions).toEqual([])
    await expect(agent.answer(id, { type: 'respond', value: 1 })).rejects.toMatchObject({
      code: 'STATE_NOT_FOUND',
    })
  })

  test('a stop beats a pause that came before it', async () => {
    const slow = new HandTool()
    const agent = agentOf({ tools: [slow.tool], script: ['await slow({ n: 1 })'] })
    const run = await agent.start('x')
    await slow.begun(1)
    await agent.pause()
    await agent.stop('Final')
    slow.settle(1)
    expect(rested(await run.result(), 'stopped').message).toBe('Final')
  })
})

test('a pause and a stop reach a run through the store of another process', async () => {
  const store = memoryStore()
  const slow = new HandTool()
  const agent = agentOf({ store, tools: [slow.tool], script: ['finalAnswer(await slow({ n: 1 }))'] })
  const run = await agent.start('x')
  await slow.begun(1)
  const other = await again({ store, runId: run.id })
  await other.pause('From elsewhere')
  slow.settle(1)
  expect(rested(await run.result(), 'paused').message).toBe('From elsewhere')
})

test('say() reaches the model before its next step', async () => {
  const { model, calls } = listeningModel(['await slow({ n: 1 })', 'finalAnswer(1)'])
  const slow = new HandTool()
  const agent = new PersistentCodeAgent({ store: memoryStore(), model, tools: [slow.tool] })
  const run = await agent.start('x')
  await slow.begun(1)
  await run.say('Mind the step')
  slow.settle(1)
  rested(await run.result(), 'completed')
  expect(JSON.stringify(calls[1]?.prompt)).toContain('Mind the step')
  expect(lastWord(calls[1])).toContain('Mind the step')
})
