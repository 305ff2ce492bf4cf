/** Approvals as data: what people decide once for many calls, programs that wait for a word, grants, and what must not meet. */
import { describe, expect, test } from 'vitest'
import { memoryStore, PersistentCodeAgent, tool, type Store } from '../../src/index.ts'
import { auditRun } from '../../src/run/audit.ts'
import {
  again,
  agentOf,
  entriesOf,
  goOn,
  HandClock,
  journalOf,
  lastWord,
  listeningModel,
  must,
  onlyQuestion,
  output,
  payTool,
  rested,
  type Given,
} from './fixtures/bench.ts'
import { violations } from '../../src/journal/check.ts'

const tried = (call: string): string =>
  `try { r.push(await ${call}) } catch (e) { r.push(e.name + ': ' + e.message) }`
const PAY_THRICE = `const r = []\n${tried('pay({ amount: 1 })')}\n${tried('pay({ amount: 2 })')}\n${tried('pay({ amount: 1 })')}\nfinalAnswer(r)`

async function lawful(store: Store, runId: string): Promise<void> {
  expect(violations(await journalOf(store, runId))).toEqual([])
}

describe('a decision that counts for later calls', () => {
  test('for the run: the next call is not asked about, and the journal says whose word it was', async () => {
    const { pay, paid } = payTool()
    const store = memoryStore()
    const agent = agentOf({ store, tools: [pay], script: [PAY_THRICE] })
    const question = onlyQuestion(await agent.run('Pay'))
    await agent.answer(question.id, { type: 'approve', remember: { scope: 'run' } }, { by: 'ann' })
    expect(output(await goOn(agent))).toEqual(['paid 1', 'paid 2', 'paid 1'])
    expect(paid).toEqual([1, 2, 1])
    const runId = must(agent.runId)
    expect(await entriesOf(store, runId, 'question-asked')).toHaveLength(1)
    expect((await entriesOf(store, runId, 'verdict-given')).map(({ rule }) => rule)).toEqual([
      question.id,
      question.id,
    ])
    await lawful(store, runId)
    expect(await agent.decisions()).toMatchObject([
      { question: question.id, says: 'approve', tool: 'pay', scope: 'run', sameArgs: false, by: 'ann' },
    ])
    // Another run has to ask.
    expect(
      onlyQuestion(await agentOf({ store, tools: [pay], script: [PAY_THRICE] }).run('Pay more')),
    ).toMatchObject({
      kind: 'approval',
    })
  })

  test('for the same arguments only', async () => {
    const { pay } = payTool()
    const agent = agentOf({ tools: [pay], script: [PAY_THRICE] })
    const first = onlyQuestion(await agent.run('Pay'))
    await agent.answer(first.id, { type: 'approve', remember: { scope: 'run', sameArgs: true } })
    const second = onlyQuestion(await goOn(agent))
    expect(second.call?.args).toEqual({ amount: 2 })
    await agent.answer(second.id, { type: 'reject', reason: 'not that' })
    expect(output(await goOn(agent))).toEqual(['paid 1', expect.stringContaining('not that'), 'paid 1'])
  })

  test('for the agent: in other runs too, in another process, until it is withdrawn', async () => {
    const { pay, paid } = payTool()
    const store = memoryStore()
    const given: Given = { store, name: 'cashier', tools: [pay], script: [PAY_THRICE] }
    const one = agentOf(given)
    const question = onlyQuestion(await one.run('Pay'))
    await one.answer(question.id, { type: 'approve', remember: { scope: 'agent' } })
    await goOn(one)
    const two = agentOf(given)
    expect(output(await two.run('Pay again'))).toEqual(['paid 1', 'paid 2', 'paid 1'])
    const stranger = agentOf({ ...given, name: 'stranger' })
    expect(rested(await stranger.run('Pay as another'), 'paused').questions).toHaveLength(1)
    await two.withdraw(question.id)
    expect(await two.decisions()).toEqual([])
    await expect(two.withdraw(question.id)).rejects.toThrow(/No remembered decision/)
    const three = agentOf(given)
    expect(rested(await three.run('Pay once more'), 'paused').questions).toHaveLength(1)
    expect(paid).toHaveLength(6)
  })

  test('a refusal is remembered too, and goes before an approval', async () => {
    const { pay, paid } = payTool()
    const agent = agentOf({ tools: [pay], script: [PAY_THRICE] })
    const question = onlyQuestion(await agent.run('Pay'))
    await agent.answer(question.id, { type: 'reject', reason: 'never', remember: { scope: 'run' } })
    const answers = output(await goOn(agent)) as readonly string[]
    expect(answers).toHaveLength(3)
    for (const answer of answers) expect(answer).toMatch(/^RejectedError: .*never/)
    expect(paid).toEqual([])
  })

  test('a tool that was declared otherwise since is asked about again', async () => {
    const store = memoryStore()
    const given: Given = { store, tools: [payTool().pay], script: [PAY_THRICE] }
    const one = agentOf(given)
    const question = onlyQuestion(await one.run('Pay'))
    await one.answer(question.id, { type: 'approve', remember: { scope: 'agent' } })
    const { pay, paid } = payTool({ description: 'Pays anybody' })
    const two = agentOf({ ...given, tools: [pay] })
    expect(rested(await two.run('Pay again'), 'paused').questions).toHaveLength(1)
    expect(paid).toEqual([])
  })

  test("no rule overrules the policy's refusal", async () => {
    const { pay, paid } = payTool({
      needsApproval: ({ amount }: { readonly amount: number }) => {
        if (amount > 1) throw new Error('too much')
        return true
      },
    })
    const agent = agentOf({ tools: [pay], script: [PAY_THRICE] })
    const question = onlyQuestion(await agent.run('Pay'))
    await agent.answer(question.id, { type: 'approve', remember: { scope: 'run' } })
    expect(output(await goOn(agent))).toEqual(['paid 1', 'Error: too much', 'paid 1'])
    expect(paid).toEqual([1, 1])
  })

  test.each([
    [{ type: 'approve', remember: 'run' }],
    [{ type: 'approve', remember: { scope: 'world' } }],
    [{ type: 'approve', remember: null }],
  ])('%j is refused, and the question stays open', async (decision) => {
    const agent = agentOf({ tools: [payTool().pay], script: [PAY_THRICE] })
    const question = onlyQuestion(await agent.run('Pay'))
    await expect(agent.answer(question.id, decision as never)).rejects.toMatchObject({ code: 'USAGE' })
    expect(onlyQuestion(await goOn(agent)).id).toBe(question.id)
  })

  test('what is no approval of a call cannot be remembered', async () => {
    const agent = agentOf({ script: [`finalAnswer(await ask('Which?'))`] })
    const question = onlyQuestion(await agent.run('Ask'))
    await expect(
      agent.answer(question.id, { type: 'reject', remember: { scope: 'run' } }),
    ).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('the policy is asked again when a person has decided', () => {
  test('and a stricter one, in another process, refuses what was approved', async () => {
    const store = memoryStore()
    const { pay, paid } = payTool({ needsApproval: async () => true })
    const given: Given = { store, tools: [pay], script: [PAY_THRICE] }
    const one = agentOf(given)
    const question = onlyQuestion(await one.run('Pay'))
    await one.answer(question.id, { type: 'approve' })
    const strict = payTool({
      needsApproval: async () => {
        throw new Error('not today')
      },
    })
    const two = await again({ ...given, tools: [strict.pay] })
    expect(output(await goOn(two))).toEqual(['Error: not today', 'Error: not today', 'Error: not today'])
    expect([...paid, ...strict.paid]).toEqual([])
    await lawful(store, must(two.runId))
  })

  test('edited arguments are what it is asked about', async () => {
    const judged: number[] = []
    const { pay, paid } = payTool({
      needsApproval: ({ amount }: { readonly amount: number }) => {
        judged.push(amount)
        if (amount === 13) throw new Error('13 is no amount')
        return true
      },
    })
    const agent = agentOf({
      tools: [pay],
      script: [`const r = []\n${tried('pay({ amount: 5 })')}\nfinalAnswer(r)`],
    })
    const question = onlyQuestion(await agent.run('Pay'))
    await agent.answer(question.id, { type: 'edit', args: { amount: 13 } })
    expect(output(await goOn(agent))).toEqual(['Error: 13 is no amount'])
    expect(judged).toEqual([5, 13])
    expect(paid).toEqual([])
  })

  test('one function for all tools speaks before their own word, or leaves it to them', async () => {
    const { pay, paid } = payTool()
    const free = tool({ name: 'free', description: 'Free', execute: async () => 'ok' })
    const seen: unknown[] = []
    const agent = agentOf({
      tools: [pay, free],
      context: { tenant: 't' },
      toolApproval: ({ toolName, input, context }) => {
        seen.push([toolName, input, context])
        return toolName === 'free' ? 'user-approval' : undefined
      },
      script: [`const r = []\n${tried('free()')}\n${tried('pay({ amount: 1 })')}\nfinalAnswer(r)`],
    })
    const first = onlyQuestion(await agent.run('Go'))
    expect(first.call?.tool).toBe('free')
    await agent.answer(first.id, { type: 'approve' })
    const second = onlyQuestion(await goOn(agent))
    expect(second.call?.tool).toBe('pay')
    await agent.answer(second.id, { type: 'approve' })
    expect(output(await goOn(agent))).toEqual(['ok', 'paid 1'])
    expect(paid).toEqual([1])
    expect(seen).toContainEqual(['pay', { amount: 1 }, { tenant: 't' }])
  })
})

describe('many questions', () => {
  const ALL = `const r = await Promise.allSettled([1, 2, 3, 4, 5].map((amount) => pay({ amount })))\nfinalAnswer(r.map((one) => one.value ?? one.reason.message))`

  test('no more are open at the same time than the limit; the others follow as people answer', async () => {
    const { pay, paid } = payTool()
    const store = memoryStore()
    const given: Given = { store, tools: [pay], limits: { openQuestions: 2 }, script: [ALL] }
    const agent = agentOf(given)
    let result = await agent.run('Pay all')
    const shown: number[] = []
    for (let round = 0; round < 3; round++) {
      const { questions } = rested(result, 'paused')
      shown.push(questions.length)
      await agent.answer(
        questions.map((question) => question.id),
        { type: 'approve' },
      )
      result = await goOn(round === 1 ? await again(given) : agent)
    }
    expect(shown).toEqual([2, 2, 1])
    expect(output(result)).toEqual([1, 2, 3, 4, 5].map((amount) => `paid ${amount}`))
    expect(paid.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5])
    await lawful(store, must(agent.runId))
  })

  test('a call whose question has to wait has all its time from the moment it is asked', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const { pay, paid } = payTool({ needsApproval: () => ({ required: true, expiresIn: '1h' }) })
    const agent = agentOf({
      store,
      tools: [pay],
      limits: { openQuestions: 1 },
      script: [
        `const r = await Promise.allSettled([1, 2].map((amount) => pay({ amount })))\nfinalAnswer(r.map((one) => one.value ?? one.reason.message))`,
      ],
    })
    const first = onlyQuestion(await agent.run('Pay'))
    clock.forward(3_600_001)
    const second = onlyQuestion(await goOn(agent))
    expect(second.id).not.toBe(first.id)
    expect(must(second.expiresAt).getTime()).toBe(clock.now() + 3_600_000)
    await agent.answer(second.id, { type: 'approve' })
    expect(output(await goOn(agent))).toEqual([expect.stringContaining('in time'), 'paid 2'])
    expect(paid).toEqual([2])
  })
})

describe('a program that a person approves', () => {
  const SCRIPT = ['const x = await pay({ amount: 1 })\nprint(x)', 'finalAnswer(x)']
  const free = (): ReturnType<typeof payTool> => payTool({ needsApproval: false })

  test('is shown before a line of it runs, and runs when it is approved, in another process', async () => {
    const { pay, paid } = free()
    const store = memoryStore()
    const given: Given = { store, tools: [pay], codeApproval: true, script: SCRIPT }
    const one = agentOf(given)
    const first = onlyQuestion(await one.run('Pay'))
    expect(first).toMatchObject({ kind: 'approval', call: { tool: 'run_code', args: { code: SCRIPT[0] } } })
    expect(paid).toEqual([])
    await one.answer(first.id, { type: 'approve' }, { by: 'ann' })
    const two = await again(given)
    const second = onlyQuestion(await goOn(two))
    expect(second.call?.args).toEqual({ code: SCRIPT[1] })
    expect(paid).toEqual([1])
    await two.answer(second.id, { type: 'approve' })
    expect(output(await goOn(await again(given)))).toBe('paid 1')
    expect(paid).toEqual([1])
    await lawful(store, must(one.runId))
  })

  test('that is refused does not run, and the model is told why', async () => {
    const { pay, paid } = free()
    const { model, calls } = listeningModel([SCRIPT[0] ?? '', `finalAnswer('gave up')`])
    const store = memoryStore()
    const agent = new PersistentCodeAgent({
      store,
      model,
      tools: [pay],
      codeApproval: (code, { step }) => ({ required: step === 1, message: `${code.length} characters` }),
    })
    const question = onlyQuestion(await agent.run('Pay'))
    expect(question.message).toBe(`${(SCRIPT[0] ?? '').length} characters`)
    await agent.answer(question.id, { type: 'reject', reason: 'no payments' })
    expect(output(await goOn(agent))).toBe('gave up')
    expect(paid).toEqual([])
    expect(lastWord(calls[1])).toContain('rejected by a person: no payments')
    expect(agent.memory.steps.filter((step) => step.kind === 'action')).toMatchObject([
      { number: 1, error: { name: 'RejectedError' } },
      { number: 2 },
    ])
    await lawful(store, must(agent.runId))
  })

  test('that a person has edited is the one that runs; the model is told', async () => {
    const { pay, paid } = free()
    const { model, calls } = listeningModel(SCRIPT)
    const agent = new PersistentCodeAgent({
      store: memoryStore(),
      model,
      tools: [pay],
      codeApproval: (_code, { step }) => step === 1,
    })
    const question = onlyQuestion(await agent.run('Pay'))
    await agent.answer(question.id, { type: 'edit', args: { code: 'const x = await pay({ amount: 7 })' } })
    expect(output(await goOn(agent))).toBe('paid 7')
    expect(paid).toEqual([7])
    expect(JSON.stringify(calls[1]?.prompt)).toContain('A person changed the program of step 1')
  })

  test.each([
    ['no program', { code: 'const = 1' }, /RejectedError|SyntaxError/],
    ['nothing', { code: '' }, undefined],
    ['other arguments', { source: '1' }, undefined],
  ])('edited to %s does not run', async (_, args, told) => {
    const { pay, paid } = free()
    const { model, calls } = listeningModel([SCRIPT[0] ?? '', `finalAnswer('next')`])
    const agent = new PersistentCodeAgent({
      store: memoryStore(),
      model,
      tools: [pay],
      codeApproval: (_code, { step }) => step === 1,
    })
    const question = onlyQuestion(await agent.run('Pay'))
    const answered = agent.answer(question.id, { type: 'edit', args })
    if (told === undefined) {
      await expect(answered).rejects.toMatchObject({ code: 'USAGE' })
      expect(onlyQuestion(await goOn(agent)).id).toBe(question.id)
    } else {
      await answered
      expect(output(await goOn(agent))).toBe('next')
      expect(JSON.stringify(calls[1]?.prompt)).toMatch(told)
    }
    expect(paid).toEqual([])
  })

  test('whose question expires does not run', async () => {
    const clock = new HandClock()
    const { pay, paid } = free()
    const agent = agentOf({
      store: memoryStore(clock),
      tools: [pay],
      codeApproval: (_code, { step }) => ({ required: step === 1, expiresIn: '1h' }),
      script: [SCRIPT[0] ?? '', `finalAnswer('next')`],
    })
    onlyQuestion(await agent.run('Pay'))
    clock.forward(3_600_001)
    expect(output(await goOn(agent))).toBe('next')
    expect(paid).toEqual([])
  })

  test('in a fork is asked about again', async () => {
    const { pay, paid } = free()
    const given: Given = { store: memoryStore(), tools: [pay], codeApproval: true, script: SCRIPT }
    const agent = agentOf(given)
    const question = onlyQuestion(await agent.run('Pay'))
    const twin = await agent.fork()
    await agent.answer(question.id, { type: 'approve' })
    const asked = onlyQuestion(await goOn(twin))
    expect(asked.id).not.toBe(question.id)
    expect(asked.call?.args).toEqual({ code: SCRIPT[0] })
    expect(paid).toEqual([])
  })

  test('that waits gives way to a person who interrupts', async () => {
    const { pay, paid } = free()
    const agent = agentOf({
      store: memoryStore(),
      tools: [pay],
      codeApproval: (_code, { step }) => step === 1,
      script: [SCRIPT[0] ?? '', `finalAnswer('heard')`],
    })
    onlyQuestion(await agent.run('Pay'))
    await agent.say('Stop that', { interrupt: true })
    expect(output(await goOn(agent))).toBe('heard')
    expect(paid).toEqual([])
  })
})

describe('grants', () => {
  const add = tool({ name: 'add', description: 'Adds', effect: 'read', execute: async () => 1 })
  const drop = tool({ name: 'drop', description: 'Drops', effect: 'read', execute: async () => 2 })

  test('a run calls no more than it was granted, in another process neither', async () => {
    const store = memoryStore()
    const script = [
      `const r = []\n${tried('add()')}\n${tried('tools.drop()')}\nprint(r)\nawait ask('go on?')`,
      'finalAnswer(r)',
    ]
    const given: Given = { store, tools: [add, drop], script, typeCheck: false }
    const agent = agentOf(given)
    const result = rested(await agent.run('Go', { grants: ['add'] }), 'paused')
    await agent.answer(must(result.questions[0]).id, { type: 'respond', value: 'yes' })
    const two = await again(given)
    const r = output(await goOn(two)) as readonly unknown[]
    expect(r[0]).toBe(1)
    expect(r[1]).toMatch(/^TypeError/)
    const [system] = await entriesOf(store, must(agent.runId), 'run-started')
    expect(system?.tools.map((one) => one.name)).toEqual(['add'])
  })

  test('an agent below has no more than its caller', async () => {
    const store = memoryStore()
    const below = agentOf({
      name: 'worker',
      description: 'Works',
      tools: [add, drop],
      typeCheck: false,
      script: [`const r = []\n${tried('add()')}\n${tried('tools.drop()')}\nfinalAnswer(r)`],
    })
    const agent = agentOf({
      store,
      managedAgents: [below],
      script: [`finalAnswer(await worker('work'))`],
    })
    const r = output(await agent.run('Go', { grants: ['worker', 'add'] })) as readonly unknown[]
    expect(r[0]).toBe(1)
    expect(r[1]).toMatch(/^TypeError/)
  })

  test('names that nobody has are refused, before anything is stored', async () => {
    const store = memoryStore()
    await expect(agentOf({ store, tools: [add] }).run('Go', { grants: ['sub'] })).rejects.toThrow(/'sub'/)
    expect(await store.runs({}, 10)).toEqual([])
  })
})

describe('private data, strangers and a way out', () => {
  const file = tool({
    name: 'file',
    description: 'Reads',
    effect: 'read',
    touches: ['private'],
    execute: async () => 'secret',
  })
  const page = tool({
    name: 'page',
    description: 'Gets',
    effect: 'read',
    touches: ['untrusted'],
    execute: async () => 'do it',
  })
  function mailTool() {
    const sent: unknown[] = []
    const mail = tool({
      name: 'mail',
      description: 'Sends',
      touches: ['outbound'],
      execute: async (input) => {
        sent.push(input)
        return 'sent'
      },
    })
    return { mail, sent }
  }

  test.each([
    ['file', 'page'],
    ['page', 'file'],
  ])('once %s and %s have been read, a person is asked before anything goes out', async (one, other) => {
    const { mail, sent } = mailTool()
    const store = memoryStore()
    const agent = agentOf({
      store,
      tools: [file, page, mail],
      script: [
        `await mail({ n: 0 })\nawait ${one}()\nawait mail({ n: 1 })\nawait ${other}()\nfinalAnswer(await mail({ n: 2 }))`,
      ],
    })
    const question = onlyQuestion(await agent.run('Go'))
    expect(question.message).toMatch(/private data and content from strangers/)
    expect(sent).toEqual([{ n: 0 }, { n: 1 }])
    await agent.answer(question.id, { type: 'approve' })
    expect(output(await goOn(agent))).toBe('sent')
    await lawful(store, must(agent.runId))
  })

  test("neither the tool's own policy nor a rule from before they met lets it through", async () => {
    const { mail, sent } = mailTool()
    const store = memoryStore()
    const given: Given = { store, tools: [file, page, mail], toolApproval: { mail: 'user-approval' } }
    const one = agentOf({ ...given, script: [`finalAnswer(await mail({ n: 0 }))`] })
    const question = onlyQuestion(await one.run('Mail'))
    await one.answer(question.id, { type: 'approve', remember: { scope: 'agent' } })
    await goOn(one)
    const script = [
      `await mail({ n: 1 })\nawait file()\nawait page()\nawait mail({ n: 2 })\nawait mail({ n: 3 })\nfinalAnswer('done')`,
    ]
    const two = agentOf({ ...given, script })
    const asked = onlyQuestion(await two.run('Read and mail'))
    expect(asked.call?.args).toEqual({ n: 2 })
    await two.answer(asked.id, { type: 'approve', remember: { scope: 'run' } })
    expect(output(await goOn(two))).toBe('done')
    expect(sent).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }])
  })

  test('what an agent below has read counts for its caller, and the other way round', async () => {
    const { mail, sent } = mailTool()
    const reader = (): PersistentCodeAgent =>
      agentOf({
        name: 'reader',
        description: 'Reads',
        tools: [page, mail],
        script: [`await page()\nawait mail({ from: 'below' })\nfinalAnswer('read')`],
      })
    const agent = agentOf({
      store: memoryStore(),
      tools: [file, mail],
      managedAgents: [reader()],
      script: [
        `await reader('first')\nawait file()\nawait mail({ from: 'above' })\nawait reader('second')\nfinalAnswer('done')`,
      ],
    })
    const above = onlyQuestion(await agent.run('Go'))
    expect(above.call?.args).toEqual({ from: 'above' })
    await agent.answer(above.id, { type: 'approve' })
    const below = onlyQuestion(await goOn(agent))
    expect(below).toMatchObject({ path: ['agent', 'reader'], call: { args: { from: 'below' } } })
    expect(sent).toEqual([{ from: 'below' }, { from: 'above' }])
  })

  test("the author may allow it: lethalCombination: 'allow'", async () => {
    const { mail } = mailTool()
    const script = [`await file()\nawait page()\nfinalAnswer(await mail({}))`]
    const agent = agentOf({ tools: [file, page, mail], lethalCombination: 'allow', script })
    expect(output(await agent.run('Go'))).toBe('sent')
  })
})

test('the audit tells what was proposed, decided, sent and returned', async () => {
  const { pay } = payTool()
  const store = memoryStore()
  const agent = agentOf({
    store,
    tools: [pay],
    codeApproval: (_code, { step }) => step === 1,
    script: [PAY_THRICE],
  })
  const program = onlyQuestion(await agent.run('Pay'))
  await agent.answer(program.id, { type: 'approve' }, { by: 'ann' })
  const first = onlyQuestion(await goOn(agent))
  await agent.answer(first.id, { type: 'edit', args: { amount: 9 } }, { by: 'bob' })
  const second = onlyQuestion(await goOn(agent))
  await agent.answer(second.id, { type: 'reject', reason: 'no', remember: { scope: 'run' } }, { by: 'cy' })
  await goOn(agent)
  const audit = await auditRun(store, must(agent.runId))
  expect(audit).toMatchObject([
    {
      tool: 'run_code',
      args: { code: PAY_THRICE },
      policy: [{ said: 'required' }, { said: 'again' }, { said: 'free' }],
      questions: [{ decision: 'approve', by: 'ann' }],
      outcome: { is: 'started' },
    },
    {
      tool: 'pay',
      args: { amount: 9 },
      questions: [{ kind: 'approval', decision: 'edit', by: 'bob' }],
      sent: [{ attempt: 1 }],
      outcome: { is: 'returned' },
    },
    {
      tool: 'pay',
      args: { amount: 2 },
      questions: [{ decision: 'reject', by: 'cy', reason: 'no' }],
      sent: [],
      outcome: { is: 'threw', error: expect.stringContaining('no') },
    },
    {
      tool: 'pay',
      questions: [],
      policy: [{ said: 'refused', decision: second.id }],
      sent: [],
      outcome: { is: 'threw' },
    },
  ])
})
