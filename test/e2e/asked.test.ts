/**
 * What a callback, a check or the model asks a person: the run waits for the answer, whatever else happens to it, and the
 * answer reaches who asked, for what was asked about.
 */
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  AgentPausedException,
  drainDue,
  memoryStore,
  tool,
  type ActionStep,
  type CheckContext,
} from '../../src/index.ts'
import { violations } from '../../src/journal/check.ts'
import { auditRun } from '../../src/run/audit.ts'
import { sayTo } from '../../src/run/signal.ts'
import {
  again,
  agentOf,
  deferred,
  entriesOf,
  goOn,
  HandClock,
  HandTool,
  journalOf,
  onlyQuestion,
  output,
  PATIENT,
  promptText,
  rested,
} from './fixtures/bench.ts'

/** A check that lets pass what a person has said yes to. */
function signedBy(name: string, heard: unknown[]) {
  const check = (answer: unknown, { decisions }: CheckContext): boolean => {
    heard.push([name, answer, decisions.map((one) => (one.type === 'respond' ? one.value : one.type))])
    const decision = decisions.at(-1)
    if (decision === undefined)
      throw new AgentPausedException('Ask', { question: `${name}: send ${String(answer)}?` })
    return decision.type === 'respond' && decision.value === 'yes'
  }
  return Object.defineProperty(check, 'name', { value: name })
}

function asking(step: ActionStep): void {
  if (step.number === 1) throw new AgentPausedException('Look', { question: 'Good?' })
}

test.each(['asks', 'says yes'] as const)(
  'a check that %s about an answer that was given up meanwhile is not heard',
  async (how) => {
    const store = memoryStore()
    const [begun, go, mayAnswer] = [deferred(), deferred(), deferred()]
    const heard: unknown[] = []
    const agent = agentOf({
      store,
      finalAnswerChecks: [
        async function slowly(answer) {
          heard.push(answer)
          if (answer !== 1) return heard.length === 3
          begun.resolve()
          await go.promise
          if (how === 'asks') throw new AgentPausedException('Ask', { question: 'Send 1?' })
          return true
        },
      ],
      script: [
        'finalAnswer(1)',
        async () => {
          await mayAnswer.promise
          return 'finalAnswer(2)'
        },
        'finalAnswer(3)',
      ],
    })
    const run = await agent.start('x')
    await begun.promise
    await run.say('otherwise')
    await expect.poll(async () => (await entriesOf(store, run.id, 'output-refused')).length, PATIENT).toBe(1)
    go.resolve()
    mayAnswer.resolve()
    expect(output(await run.result())).toBe(3)
    expect(heard).toEqual([1, 2, 3])
    expect(await entriesOf(store, run.id, 'question-asked')).toEqual([])
  },
)

test('what is said while a person looks at an answer closes the question: it is not the answer any more', async () => {
  const heard: unknown[] = []
  const given = {
    store: memoryStore(),
    finalAnswerChecks: [signedBy('editor', heard)],
    script: ['finalAnswer(1)', 'finalAnswer(2)'],
  }
  const agent = agentOf(given)
  const first = onlyQuestion(await agent.run('x'))
  await agent.say('no, otherwise')
  const second = onlyQuestion(await goOn(agent))
  expect(second.message).toBe('editor: send 2?')
  await expect(agent.answer(first.id, { type: 'respond', value: 'yes' })).rejects.toThrow('no open question')
  await agent.answer(second.id, { type: 'respond', value: 'yes' })
  expect(output(await goOn(agent))).toBe(2)
  expect(heard).toEqual([
    ['editor', 1, []],
    ['editor', 2, []],
    ['editor', 2, ['yes']],
  ])
})

test('the audit tells which answers a person was asked about, what was decided by whom, and what came of it', async () => {
  const store = memoryStore()
  const given = {
    store,
    finalAnswerChecks: [signedBy('editor', [])],
    script: ['finalAnswer({ to: 1 })', 'finalAnswer({ to: 2 })'],
  }
  const agent = agentOf(given)
  const first = onlyQuestion(await agent.run('x'))
  await agent.answer(first.id, { type: 'respond', value: 'no' }, { by: 'ann' })
  const second = onlyQuestion(await goOn(agent))
  await agent.answer(second.id, { type: 'respond', value: 'yes' }, { by: 'bob' })
  await goOn(agent)
  const audited = await auditRun(store, agent.runId ?? '')
  expect(audited).toMatchObject([
    {
      tool: 'finalAnswer',
      step: 1,
      args: { to: 1 },
      questions: [{ question: first.id, decision: 'respond', by: 'ann', answer: 'no' }],
      outcome: { is: 'refused' },
    },
    {
      tool: 'finalAnswer',
      step: 2,
      args: { to: 2 },
      questions: [{ question: second.id, decision: 'respond', by: 'bob' }],
      outcome: { is: 'returned' },
    },
  ])
  expect(audited.every(({ digest, call }) => digest.length === 64 && call === undefined)).toBe(true)
})

test('a decision is for the check that asked: another one in its place asks itself', async () => {
  const heard: unknown[] = []
  const given = { store: memoryStore(), script: ['finalAnswer(1)'] }
  const checks = [signedBy('spelling', heard), signedBy('legal', heard)]
  const { id } = onlyQuestion(await agentOf({ ...given, finalAnswerChecks: checks }).run('x'))
  const other = await again({ ...given, finalAnswerChecks: checks.slice(1) })
  await other.answer(id, { type: 'respond', value: 'yes' })
  expect(onlyQuestion(await goOn(other)).message).toBe('legal: send 1?')
})

test('a fork takes over neither a sign-off nor the step without the question of its callback', async () => {
  const heard: unknown[] = []
  const store = memoryStore()
  const given = { store, finalAnswerChecks: [signedBy('editor', heard)], script: ['finalAnswer(1)'] }
  const agent = agentOf(given)
  const { id } = onlyQuestion(await agent.run('x'))
  await agent.answer(id, { type: 'respond', value: 'yes' })
  expect(output(await goOn(agent))).toBe(1)
  const [said] = await entriesOf(store, agent.runId ?? '', 'message-said')
  const fork = await agent.fork({ entry: said?.seq ?? 0 })
  expect(onlyQuestion(await goOn(fork)).message).toBe('editor: send 1?')

  const gated = { store, stepCallbacks: [asking], script: ['1', 'finalAnswer(2)'] }
  const other = agentOf(gated)
  await other.run('x')
  expect(onlyQuestion(await goOn(await other.fork({ step: 1 }))).message).toBe('Good?')
})

test('a call that is tried again while the run waits is tried by the clock, and the run rests again', async () => {
  const clock = new HandClock()
  const store = memoryStore(clock)
  const failed = deferred()
  let tries = 0
  const flaky = tool({
    name: 'flaky',
    description: 'Fails',
    effect: 'idempotent',
    inputSchema: z.object({}),
    retry: { attempts: 3, backoff: '1h' },
    execute: async () => {
      tries++
      throw new Error('down')
    },
  })
  const agent = agentOf({
    store,
    tools: [flaky],
    stepCallbacks: [
      async (step) => {
        await failed.promise
        asking(step)
      },
    ],
    script: ['flaky({}); 1', 'finalAnswer(2)'],
  })
  const run = await agent.start('x')
  await expect.poll(async () => (await entriesOf(store, run.id, 'call-failed')).length, PATIENT).toBe(1)
  failed.resolve()
  const { wakeAt } = rested(await run.result(), 'paused')
  expect(tries).toBe(1)
  clock.forward(Number(wakeAt) - clock.now())
  expect(await drainDue(store, [agent])).toMatchObject([{ status: 'paused' }])
  expect(tries).toBe(2)
  expect(await drainDue(store, [agent])).toEqual([])
})

test('the model asks while a call is in flight: it is asked anew with the answer, and with what was said meanwhile', async () => {
  const store = memoryStore()
  const slow = new HandTool()
  const prompts: string[] = []
  const agent = agentOf({
    store,
    tools: [slow.tool],
    script: [
      'slow({ n: 1 }); 1',
      ({ prompt }) => {
        prompts.push(promptText(prompt))
        if (prompts.length === 1) throw new AgentPausedException('Key', { question: 'Which key?' })
        return 'finalAnswer(2)'
      },
    ],
  })
  const run = await agent.start('x')
  await slow.begun(1)
  await expect.poll(async () => (await store.questions({})).length, PATIENT).toBe(1)
  const [question] = await store.questions({})
  await run.say('HURRY', { interrupt: true })
  await run.answer(question?.id ?? '', { type: 'respond', value: 'SESAME' })
  await expect.poll(() => prompts.length, PATIENT).toBe(2)
  slow.settle(1)
  expect(output(await run.result())).toBe(2)
  expect(prompts.at(-1)).toMatch(/HURRY[^]*SESAME/)
  expect(violations(await journalOf(store, run.id))).toEqual([])
})

test('the model asks, a person interrupts, the call comes home: the run rests', async () => {
  const store = memoryStore()
  const slow = new HandTool()
  let asked = 0
  const agent = agentOf({
    store,
    tools: [slow.tool],
    script: [
      'slow({ n: 1 }); 1',
      () => {
        if (asked++ === 0) throw new AgentPausedException('Key', { question: 'Which key?' })
        return 'finalAnswer(2)'
      },
    ],
  })
  const run = await agent.start('x')
  await slow.begun(1)
  await expect.poll(async () => (await store.questions({})).length, PATIENT).toBe(1)
  await run.say('hurry', { interrupt: true })
  await expect.poll(async () => (await entriesOf(store, run.id, 'message-said')).length, PATIENT).toBe(1)
  slow.settle(1)
  const { id } = onlyQuestion(await run.result())
  await agent.answer(id, { type: 'reject' })
  expect(output(await goOn(agent))).toBe(2)
})

test('an agent below asks: its caller rests with it, and both go on when it is answered', async () => {
  const store = memoryStore()
  const helper = agentOf({
    store,
    name: 'helper',
    description: 'Helps',
    stepCallbacks: [asking],
    script: ['1', 'finalAnswer(7)'],
  })
  const agent = agentOf({ store, managedAgents: [helper], script: ['finalAnswer(await helper("do"))'] })
  const { id } = onlyQuestion(await agent.run('x'))
  expect(await drainDue(store, [agent])).toEqual([])
  await agent.answer(id, { type: 'respond', value: 'yes' })
  expect(await drainDue(store, [agent])).toMatchObject([{ status: 'completed', output: 7 }])
})

test('with wait, the process stays until the question expires', async () => {
  const store = memoryStore()
  const agent = agentOf({
    store,
    stepCallbacks: [
      (step) => {
        const expiresAt = Date.now() + 50
        if (step.number === 1)
          throw new AgentPausedException('Look', { question: { message: 'Good?', expiresAt } })
      },
    ],
    script: ['1', 'finalAnswer(2)'],
  })
  expect(output(await agent.run('x', { wait: true }))).toBe(2)
})

test('a word said at rest makes a run due whose answer a person looks at, also below another', async () => {
  const store = memoryStore()
  const checks = { finalAnswerChecks: [signedBy('editor', [])] }
  const agent = agentOf({ store, ...checks, script: ['finalAnswer(1)', 'finalAnswer(2)'] })
  await agent.run('x')
  await agent.say('otherwise')
  expect(await drainDue(store, [agent])).toMatchObject([
    { status: 'paused', questions: [{ message: 'editor: send 2?' }] },
  ])

  const helper = agentOf({
    store,
    name: 'helper',
    description: 'Helps',
    ...checks,
    script: ['finalAnswer(7)', 'finalAnswer(8)'],
  })
  const lead = agentOf({
    store,
    name: 'lead',
    managedAgents: [helper],
    script: ['finalAnswer(await helper("do"))'],
  })
  const { runId } = await lead.run('y')
  await sayTo(store, `${runId}.1.1`, 'otherwise')
  expect(await drainDue(store, [lead])).toMatchObject([
    { status: 'paused', questions: [{ message: 'editor: send 8?' }] },
  ])
})

test('what a person looked at for a check that has passed is looked at again in a fork', async () => {
  const store = memoryStore()
  const given = {
    store,
    outputSchema: z.number().transform((n) => `${n}!`),
    finalAnswerChecks: [signedBy('legal', []), signedBy('boss', [])],
    script: ['finalAnswer(1)'],
  }
  const agent = agentOf(given)
  const legal = onlyQuestion(await agent.run('x'))
  expect(legal.message).toBe('legal: send 1!?')
  await agent.answer(legal.id, { type: 'respond', value: 'yes' })
  expect(onlyQuestion(await goOn(agent)).message).toBe('boss: send 1!?')
  expect(await auditRun(store, agent.runId ?? '')).toMatchObject([{ args: '1!' }])
  const fork = await agent.fork()
  const [boss] = fork.questions
  await fork.answer(boss?.id ?? '', { type: 'respond', value: 'yes' })
  expect(onlyQuestion(await goOn(fork)).message).toBe('legal: send 1!?')
})

test('an edit of a question that was closed meanwhile signs nothing off', async () => {
  const store = memoryStore()
  const given = {
    store,
    finalAnswerChecks: [
      function editor(_answer: unknown, { decisions }: CheckContext) {
        if (decisions.length === 0) throw new AgentPausedException('Ask', { question: 'Send it?' })
        return true
      },
    ],
    script: ['finalAnswer(1)', 'finalAnswer(2)'],
  }
  const agent = agentOf(given)
  const first = onlyQuestion(await agent.run('x'))
  await agent.say('otherwise')
  onlyQuestion(await goOn(agent))
  const edit = { answer: { question: first.id, decision: { type: 'respond', value: 'yes' } as const } }
  await expect(agent.fork({ edit })).rejects.toThrow('cannot be answered in a fork')
})

test('a fork after an answer has what the model was told of it', async () => {
  const store = memoryStore()
  const prompts: string[] = []
  const agent = agentOf({
    store,
    stepCallbacks: [asking],
    script: [
      '1',
      ({ prompt }) => {
        prompts.push(promptText(prompt))
        return 'finalAnswer(2)'
      },
    ],
  })
  const { id } = onlyQuestion(await agent.run('x'))
  await agent.answer(id, { type: 'respond', value: 'SESAME' })
  await goOn(agent)
  const [answered] = await entriesOf(store, agent.runId ?? '', 'question-answered')
  await goOn(await agent.fork({ entry: answered?.seq ?? 0 }))
  expect(prompts.map((prompt) => prompt.includes('SESAME'))).toEqual([true, true])
})

test('the time of a task stands still while the run waits for a person', async () => {
  const clock = new HandClock()
  const agent = agentOf({
    store: memoryStore(clock),
    timeout: '1m',
    onLimit: 'fail',
    stepCallbacks: [asking],
    script: ['1', 'finalAnswer(2)'],
  })
  const run = await agent.start('x', { wait: true })
  const { id } = onlyQuestion(await run.result())
  clock.forward(3_600_000)
  await agent.answer(id, { type: 'respond', value: 'yes' })
  expect(output(await goOn(agent))).toBe(2)
})

test.each([true, false])(
  'questions of the model are no failures and cost nothing (with a question: %s)',
  async (asks) => {
    const store = memoryStore()
    let asked = 0
    const agent = agentOf({
      store,
      maxRetries: 1,
      maxCost: 1,
      price: () => 0.4,
      script: [
        () => {
          asked++
          if (asked <= 3)
            throw new AgentPausedException('Key', asks ? { question: `Which key ${asked}?` } : {})
          if (asked === 4)
            throw Object.assign(new Error('overloaded'), { statusCode: 529, isRetryable: true })
          return 'finalAnswer(2)'
        },
      ],
    })
    let result = await agent.run('x')
    for (let round = 0; round < 3; round++) {
      if (asks) await agent.answer(onlyQuestion(result).id, { type: 'respond', value: 'k' })
      result = await goOn(agent)
    }
    expect(rested(result, 'completed')).toMatchObject({ output: 2, usage: { cost: 0.4 } })
    expect(violations(await journalOf(store, result.runId))).toEqual([])
  },
)
