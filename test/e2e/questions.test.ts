/** People: approvals, questions, expiry, sleeping. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { memoryStore, PersistentCodeAgent, tool } from '../../src/index.ts'
import {
  again,
  agentOf,
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
  rested,
} from './fixtures/bench.ts'

/** A tool that a person must approve; keeps what it was sent. */
function payTool(more: object = {}) {
  const paid: number[] = []
  const pay = tool({
    name: 'pay',
    description: 'Pays',
    inputSchema: z.object({ amount: z.number().max(1_000), to: z.string().default('Ann') }),
    outputSchema: z.string(),
    needsApproval: ({ amount }) => amount > 10,
    execute: async ({ amount, to }) => {
      paid.push(amount)
      return `paid ${amount} to ${to}`
    },
    ...more,
  })
  return { pay, paid }
}

const PAY_50 =
  'let r\ntry { r = await pay({ amount: 50 }) } catch (e) { r = `${e.name}: ${e.message}` }\nfinalAnswer(r)'

describe('approval', () => {
  test('approve: the tool gets the very arguments that were shown', async () => {
    const { pay, paid } = payTool()
    const agent = agentOf({ tools: [pay], script: [PAY_50] })
    const question = onlyQuestion(await agent.run('Pay'))
    expect(question).toMatchObject({
      kind: 'approval',
      call: { tool: 'pay', args: { amount: 50, to: 'Ann' } },
    })
    expect(paid).toEqual([])
    await agent.answer(question.id, { type: 'approve' }, { by: 'ann' })
    expect(paid).toEqual([])
    expect(output(await goOn(agent))).toBe('paid 50 to Ann')
    expect(paid).toEqual([50])
  })

  test('edit: validated, and the edit is the approval; the model is told that a person changed them', async () => {
    const { pay, paid } = payTool()
    const { model, calls } = listeningModel(['const r = await pay({ amount: 50 })\nr', 'finalAnswer(r)'])
    const agent = new PersistentCodeAgent({ store: memoryStore(), model, tools: [pay] })
    const { id } = onlyQuestion(await agent.run('Pay'))
    await expect(agent.answer(id, { type: 'edit', args: { amount: 'many' } })).rejects.toMatchObject({
      code: 'USAGE',
    })
    await expect(agent.answer(id, { type: 'edit', args: { amount: 5_000 } })).rejects.toMatchObject({
      code: 'USAGE',
    })
    await agent.answer(id, { type: 'edit', args: { amount: 20, to: 'Bob' } })
    expect(output(await goOn(agent))).toBe('paid 20 to Bob')
    expect(paid).toEqual([20])
    expect(lastWord(calls[1])).toMatch(/person changed|changed by a person|edited/i)
  })

  test('reject: the code gets the reason as an error; the tool never runs', async () => {
    const { pay, paid } = payTool()
    const agent = agentOf({ tools: [pay], script: [PAY_50] })
    await agent.answer(onlyQuestion(await agent.run('Pay')).id, { type: 'reject', reason: 'too much' })
    expect(output(await goOn(agent))).toBe('RejectedError: rejected by a person: too much')
    expect(paid).toEqual([])
  })

  test('respond: the result is given and the tool does not run; it is checked against outputSchema', async () => {
    const { pay, paid } = payTool()
    const agent = agentOf({ tools: [pay], script: [PAY_50] })
    const { id } = onlyQuestion(await agent.run('Pay'))
    await expect(agent.answer(id, { type: 'respond', value: 7 })).rejects.toMatchObject({ code: 'USAGE' })
    await agent.answer(id, { type: 'respond', value: 'paid in cash' })
    expect(output(await goOn(agent))).toBe('paid in cash')
    expect(paid).toEqual([])
  })

  test('needsApproval true, an AI SDK style policy, and a judge that throws', async () => {
    const { pay, paid } = payTool({
      needsApproval: () => {
        throw new Error('the policy is down')
      },
    })
    const agent = agentOf({ tools: [pay], script: [PAY_50] })
    expect(output(await agent.run('x'))).toBe('Error: the policy is down')
    const other = agentOf({ tools: [pay], toolApproval: { pay: 'user-approval' }, script: [PAY_50] })
    expect(onlyQuestion(await other.run('x')).kind).toBe('approval')
    expect(paid).toEqual([])
  })

  test('the judge is asked when the call comes and when a person has decided, and its word stands in another process', async () => {
    let judged = 0
    const store = memoryStore()
    const { pay } = payTool({
      needsApproval: () => (judged++, { required: true, message: `Pay? (${judged})` }),
    })
    const agent = agentOf({ store, tools: [pay], script: [PAY_50] })
    expect(onlyQuestion(await agent.run('x')).message).toBe('Pay? (1)')
    const other = await again({ store, tools: [pay], script: [PAY_50] })
    await other.answer(must(other.questions[0]).id, { type: 'approve' })
    expect(output(await goOn(other))).toBe('paid 50 to Ann')
    expect(judged).toBe(2)
  })

  for (const first of [0, 1]) {
    test(`two at once in Promise.all; number ${first + 1} answered first and alone`, async () => {
      const { pay, paid } = payTool()
      const agent = agentOf({
        tools: [pay],
        script: [
          'const order = []\nawait Promise.all([20, 30].map(async (amount) => { await pay({ amount }); order.push(amount) }))\nfinalAnswer(order)',
        ],
      })
      const both = rested(await agent.run('x'), 'paused').questions
      expect(both).toHaveLength(2)
      await agent.answer(must(both[first]).id, { type: 'approve' })
      const left = onlyQuestion(await goOn(agent))
      expect(left.id).toBe(both[1 - first]?.id)
      expect(paid).toEqual([[20, 30][first]])
      await agent.answer(left.id, { type: 'approve' })
      expect(output(await goOn(agent))).toEqual(first === 0 ? [20, 30] : [30, 20])
    })
  }

  test('two answers before anybody drives: both in one go', async () => {
    const { pay, paid } = payTool()
    const agent = agentOf({
      tools: [pay],
      script: [
        'finalAnswer(await Promise.allSettled([pay({ amount: 20 }), pay({ amount: 30 })]).then((all) => all.map((one) => one.status)))',
      ],
    })
    const [one, two] = rested(await agent.run('x'), 'paused').questions
    await agent.answer(must(one).id, { type: 'reject' })
    await agent.answer(must(two).id, { type: 'approve' })
    expect(output(await goOn(agent))).toEqual(['rejected', 'fulfilled'])
    expect(paid).toEqual([30])
  })

  test('a sibling that needs no approval is not held up', async () => {
    const { pay } = payTool()
    const agent = agentOf({
      tools: [pay, echo],
      script: ['finalAnswer(await Promise.all([pay({ amount: 50 }), echo({ n: 2 })]))'],
    })
    const { runId } = await agent.run('x')
    expect(runId).toBe(agent.runId)
    await agent.answer(must(agent.questions[0]).id, { type: 'approve' })
    expect(output(await goOn(agent))).toEqual(['paid 50 to Ann', 2])
  })
})

describe('answers', () => {
  test('the first decision wins; the same again is harmless, another is told the winner', async () => {
    const agent = agentOf({ script: ['finalAnswer(await ask("?"))'] })
    const { id } = onlyQuestion(await agent.run('x'))
    await agent.answer(id, { type: 'respond', value: { b: 1, a: 2 } })
    await agent.answer(id, { type: 'respond', value: { b: 1, a: 2 } })
    await agent.answer(id, { type: 'respond', value: { a: 2, b: 1 } })
    const other = agent.answer(id, { type: 'reject' })
    await expect(other).rejects.toMatchObject({
      code: 'ALREADY_ANSWERED',
      winner: { type: 'respond', value: { b: 1, a: 2 } },
    })
    expect(output(await goOn(agent))).toEqual({ b: 1, a: 2 })
    await agent.answer(id, { type: 'respond', value: { b: 1, a: 2 } })
    await expect(agent.answer(id, { type: 'reject' })).rejects.toMatchObject({ code: 'ALREADY_ANSWERED' })
  })

  test('an unknown question, and a decision that the kind does not know', async () => {
    const agent = agentOf({ script: ['finalAnswer(await ask("?"))'] })
    const { id } = onlyQuestion(await agent.run('x'))
    await expect(agent.answer('q_nothing', { type: 'approve' })).rejects.toMatchObject({
      code: 'STATE_NOT_FOUND',
    })
    await expect(agent.answer(id, { type: 'approve' })).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('an answer given while a sibling still runs is heard before the sibling ends', async () => {
    const store = memoryStore()
    const slow = new HandTool()
    const agent = agentOf({
      store,
      tools: [slow.tool, echo],
      script: ['finalAnswer(await Promise.all([ask("?").then((n) => echo({ n })), slow({ n: 1 })]))'],
    })
    const run = await agent.start('x')
    await slow.begun(1)
    const other = await again({ store })
    await other.answer(must(other.questions[0]).id, { type: 'respond', value: 9 })
    await expect.poll(async () => (await entriesOf(store, run.id, 'call-returned')).length, PATIENT).toBe(2)
    slow.settle(1)
    expect(output(await run.result())).toEqual([9, 1])
  })
})

describe('ask() in the code', () => {
  test('its schema is checked; a wrong answer is refused and the question stays open', async () => {
    const agent = agentOf({
      script: ['finalAnswer(await ask("Size?", { type: "string", enum: ["S", "L"] }))'],
    })
    const question = onlyQuestion(await agent.run('x'))
    expect(question).toMatchObject({ kind: 'input', message: 'Size?', schema: { enum: ['S', 'L'] } })
    expect(question.call).toBeUndefined()
    await expect(agent.answer(question.id, { type: 'respond', value: 'M' })).rejects.toMatchObject({
      code: 'USAGE',
    })
    expect(agent.questions).toHaveLength(1)
    await agent.answer(question.id, { type: 'respond', value: 'L' })
    expect(output(await goOn(agent))).toBe('L')
  })

  test('asked wrongly, the code gets an error', async () => {
    const agent = agentOf({
      script: [
        'let n = []\nfor (const q of [undefined, 7, { message: "" }]) try { await ask(q) } catch (e) { n.push(e.name) }\nfinalAnswer(n)',
      ],
    })
    expect(output(await agent.run('x'))).toHaveLength(3)
  })

  test('expiry: nobody answered, the code gets an error when somebody drives', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const agent = agentOf({
      store,
      script: [
        'let r\ntry { r = await ask({ message: "Quick?", expiresAt: new Date(Date.now() + 60_000).toISOString() }) } catch (e) { r = e.name }\nfinalAnswer(r)',
      ],
    })
    const result = rested(await agent.run('x'), 'paused')
    expect(result.wakeAt).toEqual(new Date(clock.now() + 60_000))
    const { id, expiresAt } = onlyQuestion(result)
    expect(expiresAt).toEqual(result.wakeAt)
    clock.forward(60_000)
    await expect(agent.answer(id, { type: 'respond', value: 'late' })).rejects.toMatchObject({
      code: 'USAGE',
    })
    expect(output(await goOn(agent))).toBe('RejectedError')
  })

  test('an answer in time stands, also when the run goes on after the expiry', async () => {
    const clock = new HandClock()
    const agent = agentOf({
      store: memoryStore(clock),
      script: [
        'let r\ntry { r = await ask({ message: "Quick?", expiresAt: Date.now() + 60_000 }) } catch (e) { r = e.name }\nfinalAnswer(r)',
      ],
    })
    const { id } = onlyQuestion(await agent.run('x'))
    clock.forward(59_999)
    await agent.answer(id, { type: 'respond', value: 'in time' })
    clock.forward(1_000_000)
    expect(output(await goOn(agent))).toBe('in time')
  })

  test('an approval expires: the tool does not run', async () => {
    const clock = new HandClock()
    const { pay, paid } = payTool({ needsApproval: () => ({ required: true, expiresIn: '1h' }) })
    const agent = agentOf({ store: memoryStore(clock), tools: [pay], script: [PAY_50] })
    const { expiresAt } = onlyQuestion(await agent.run('x'))
    expect(expiresAt).toEqual(new Date(clock.now() + 3_600_000))
    clock.forward(3_600_001)
    expect(output(await goOn(agent))).toMatch(/^RejectedError: nobody answered in time/)
    expect(paid).toEqual([])
  })
})

describe('sleep()', () => {
  test('a short one is slept in the process', async () => {
    const agent = agentOf({ script: ['const t = Date.now()\nawait sleep(20)\nfinalAnswer(Date.now() - t)'] })
    expect(output(await agent.run('x'))).toBeGreaterThanOrEqual(20)
  })

  test('a long one rests with wakeAt; resumed too early it rests again and writes nothing', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const agent = agentOf({ store, script: ['const a = 7\nawait sleep("2d")\nfinalAnswer(a)'] })
    const first = rested(await agent.run('x'), 'paused')
    expect(first.wakeAt).toEqual(new Date(clock.now() + 2 * 86_400_000))
    expect(first.questions).toEqual([])
    clock.forward(86_400_000)
    const before = (await journalOf(store, first.runId)).length
    expect(rested(await goOn(agent), 'paused').wakeAt).toEqual(first.wakeAt)
    expect((await journalOf(store, first.runId)).length).toBe(before)
    clock.forward(86_400_000)
    expect(output(await goOn(agent))).toBe(7)
  })

  test('several wake in the order of their due time', async () => {
    const clock = new HandClock()
    const agent = agentOf({
      store: memoryStore(clock),
      script: [
        'const o = []\nawait Promise.all([3, 1, 2].map((h) => sleep(`${h}h`).then(() => o.push(h))))\nfinalAnswer(o)',
      ],
    })
    rested(await agent.run('x'), 'paused')
    clock.forward(10 * 3_600_000)
    expect(output(await goOn(agent))).toEqual([1, 2, 3])
  })

  test('one that is raced and lost is withdrawn with its step', async () => {
    const clock = new HandClock()
    const agent = agentOf({
      store: memoryStore(clock),
      tools: [echo],
      script: [
        'const w = await Promise.race([echo({ n: 1 }), sleep("9d").then(() => "late")])\nw',
        'finalAnswer(w)',
      ],
    })
    expect(output(await agent.run('x'))).toBe(1)
  })

  test('a wait that was withdrawn with its step: awaited later, that step fails, and the run goes on', async () => {
    const { model, calls } = listeningModel([
      'const p = sleep("9d")\nawait echo({ n: 1 })',
      'await p',
      'finalAnswer("on")',
    ])
    const agent = new PersistentCodeAgent({ store: memoryStore(), model, tools: [echo] })
    expect(output(await agent.run('x'))).toBe('on')
    expect(lastWord(calls[2])).toMatch(/nothing can settle/)
  })

  test('a duration that is none, or beyond time, is an error of the code', async () => {
    const agent = agentOf({
      script: [
        'const e = []\nfor (const d of ["soon", -1, 1e300, NaN]) try { await sleep(d) } catch (x) { e.push(d) }\nfinalAnswer(e.length)',
      ],
    })
    expect(output(await agent.run('x'))).toBe(4)
  })
})

test('a tool cannot be approved by the code that calls it', async () => {
  const { pay, paid } = payTool()
  const agent = agentOf({
    tools: [pay, plainTool('echo', (input) => input)],
    script: [
      'let n = 0\ntry { await pay({ amount: 50, approved: true, needsApproval: false }) } finally { n++ }\nfinalAnswer(n)',
    ],
  })
  expect(onlyQuestion(await agent.run('x')).kind).toBe('approval')
  expect(paid).toEqual([])
})
