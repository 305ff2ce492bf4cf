/** Approvals under attack: H27 to H29, H38 and H44 of the threat model, and a state file that brings permissions along. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { memoryStore, PersistentCodeAgent, sqliteStore, type Decision } from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'
import { exportRun, importRuns } from '../../src/run/keep.ts'
import { scratch } from '../journal/fixtures/files.ts'
import {
  again,
  agentOf,
  entriesOf,
  goOn,
  HandClock,
  must,
  onlyQuestion,
  output,
  payTool,
  rested,
  type Given,
} from '../e2e/fixtures/bench.ts'

describe('H27: an approval is of one call, with its arguments, in its run', () => {
  test('other arguments, and the same arguments again, are asked about again', async () => {
    const { pay, paid } = payTool()
    const script = [
      'await pay({ amount: 1 })\nawait pay({ amount: 2 })\nawait pay({ amount: 1 })\nfinalAnswer(1)',
    ]
    const agent = agentOf({ tools: [pay], script })
    const seen: unknown[] = []
    let result = await agent.run('Pay')
    for (let round = 0; round < 3; round++) {
      const question = onlyQuestion(result)
      seen.push(question.call?.args)
      await agent.answer(question.id, { type: 'approve' })
      result = await goOn(agent)
    }
    expect(seen).toEqual([{ amount: 1 }, { amount: 2 }, { amount: 1 }])
    expect(paid).toEqual([1, 2, 1])
  })

  test('arguments that change after they were validated are not what is sent', async () => {
    const { pay, paid } = payTool()
    const script = [
      'const args = { amount: 1 }\nconst call = pay(args)\nargs.amount = 1000\nawait call\nfinalAnswer(args.amount)',
    ]
    const agent = agentOf({ tools: [pay], script })
    const question = onlyQuestion(await agent.run('Pay'))
    expect(question.call?.args).toEqual({ amount: 1 })
    await agent.answer(question.id, { type: 'approve' })
    expect(output(await goOn(agent))).toBe(1000)
    expect(paid).toEqual([1])
  })

  test("another run's question cannot be answered through this one, nor a fork's by its parent's answer", async () => {
    const { pay, paid } = payTool()
    const store = memoryStore()
    const given: Given = { store, tools: [pay], script: ['finalAnswer(await pay({ amount: 1 }))'] }
    const one = agentOf(given)
    const two = agentOf(given)
    const first = onlyQuestion(await one.run('Pay'))
    const second = onlyQuestion(await two.run('Pay too'))
    await expect(one.answer(second.id, { type: 'approve' })).rejects.toMatchObject({
      code: 'STATE_NOT_FOUND',
    })
    const twin = await one.fork()
    await one.answer(first.id, { type: 'approve' })
    expect(onlyQuestion(await goOn(twin)).id).not.toBe(first.id)
    expect(paid).toEqual([])
  })
})

describe('H28: what was approved is not sent any more', () => {
  const script = ['let r\ntry { r = await pay({ amount: 1 }) } catch (e) { r = e.message }\nfinalAnswer(r)']

  test('when its question has expired', async () => {
    const clock = new HandClock()
    const { pay, paid } = payTool({ needsApproval: () => ({ required: true, expiresIn: '1h' }) })
    const agent = agentOf({ store: memoryStore(clock), tools: [pay], script })
    const question = onlyQuestion(await agent.run('Pay'))
    clock.forward(3_600_000)
    await expect(agent.answer(question.id, { type: 'approve' })).rejects.toThrow(/expired/)
    expect(output(await goOn(agent))).toMatch(/in time/)
    expect(paid).toEqual([])
  })

  test('when the decision is repeated: it is used once', async () => {
    const { pay, paid } = payTool()
    const agent = agentOf({ tools: [pay], script })
    const question = onlyQuestion(await agent.run('Pay'))
    for (let times = 0; times < 3; times++) await agent.answer(question.id, { type: 'approve' })
    await goOn(agent)
    await agent.answer(question.id, { type: 'approve' })
    await goOn(agent)
    expect(paid).toEqual([1])
  })

  test('when the run was paused after the click, and the policy is stricter where it goes on', async () => {
    const { pay, paid } = payTool()
    const store = memoryStore()
    const one = agentOf({ store, tools: [pay], script })
    const question = onlyQuestion(await one.run('Pay'))
    await one.answer(question.id, { type: 'approve' })
    await one.pause()
    const two = await again({ store, tools: [pay], toolApproval: { pay: 'denied' }, script })
    expect(output(await goOn(two))).toMatch(/denied/)
    expect(paid).toEqual([])
  })

  test('when the remembered decision that would let it through was withdrawn', async () => {
    const { pay, paid } = payTool()
    const store = memoryStore()
    const given: Given = {
      store,
      tools: [pay],
      script: ['await ask("ready?")\nfinalAnswer(await pay({ amount: 1 }))'],
    }
    const one = agentOf({ store, tools: [pay], script: ['finalAnswer(await pay({ amount: 1 }))'] })
    const question = onlyQuestion(await one.run('First'))
    await one.answer(question.id, { type: 'approve', remember: { scope: 'agent' } })
    await goOn(one)
    const two = agentOf(given)
    const ready = onlyQuestion(await two.run('Second'))
    await one.withdraw(question.id)
    await two.answer(ready.id, { type: 'respond', value: 'yes' })
    expect(onlyQuestion(await goOn(two)).kind).toBe('approval')
    expect(paid).toEqual([1])
  })

  test('when its tool was declared otherwise meanwhile', async () => {
    const store = memoryStore()
    const one = agentOf({ store, tools: [payTool().pay], script })
    const question = onlyQuestion(await one.run('Pay'))
    const { pay, paid } = payTool({ description: 'Pays the stranger' })
    const two = await again({ store, tools: [pay], script })
    await two.answer(question.id, { type: 'approve' })
    const asked = onlyQuestion(await goOn(two))
    expect(asked.id).not.toBe(question.id)
    expect(paid).toEqual([])
  })
})

describe('H29: one decision', () => {
  const script = ['let r\ntry { r = await pay({ amount: 1 }) } catch (e) { r = e.message }\nfinalAnswer(r)']

  test('of many that race; the losers are told which one stands', async () => {
    const { pay, paid } = payTool()
    const store = memoryStore()
    const agent = agentOf({ store, tools: [pay], script })
    const question = onlyQuestion(await agent.run('Pay'))
    const decisions: readonly Decision[] = [
      { type: 'reject', reason: 'no' },
      { type: 'approve' },
      { type: 'edit', args: { amount: 9 } },
      { type: 'approve', remember: { scope: 'agent' } },
      { type: 'respond', value: 'by hand' },
    ]
    const settled = await Promise.allSettled(decisions.map(async (one) => agent.answer(question.id, one)))
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of settled)
      if (one.status === 'rejected')
        expect(one.reason).toMatchObject({ code: 'ALREADY_ANSWERED', winner: { type: 'reject' } })
    expect(await store.rules({})).toEqual([])
    expect(output(await goOn(agent))).toMatch(/no/)
    expect(paid).toEqual([])
  })

  test('none after a stop', async () => {
    const { pay, paid } = payTool()
    const agent = agentOf({ tools: [pay], script })
    const question = onlyQuestion(await agent.run('Pay'))
    await agent.stop('enough')
    await expect(
      agent.answer(question.id, { type: 'approve', remember: { scope: 'agent' } }),
    ).rejects.toMatchObject({ code: 'STATE_NOT_FOUND' })
    expect(await agent.decisions()).toEqual([])
    expect(rested(await goOn(agent), 'stopped').status).toBe('stopped')
    expect(paid).toEqual([])
  })
})

test('H38: an agent below cannot widen what it was given: tools, budget, approvals', async () => {
  const { pay, paid } = payTool()
  const worker = new PersistentCodeAgent({
    name: 'worker',
    description: 'Works',
    store: memoryStore(),
    model: scriptedModel([
      `const r = []
for (const name of ['pay', 'drop', 'answer', 'approve']) {
  try { r.push(await tools[name]({ amount: 1 })) } catch (e) { r.push(e.name) }
}
finalAnswer(r)`,
    ]),
    tools: [pay],
    typeCheck: false,
    maxCost: 1_000_000,
    price: () => 1,
  })
  const agent = new PersistentCodeAgent({
    store: memoryStore(),
    model: scriptedModel([
      `let r\ntry { r = await worker('go') } catch (e) { r = e.message }\nfinalAnswer(r)`,
    ]),
    managedAgents: [worker],
    maxCost: 5,
    price: () => 1,
  })
  // The child asks for its approval as its own question; nobody but a person can give it.
  const result = await agent.run('Go')
  expect(rested(result, 'paused').questions).toMatchObject([{ kind: 'approval', call: { tool: 'pay' } }])
  await agent.answer(onlyQuestion(result).id, { type: 'reject' })
  const done = await goOn(agent)
  expect(output(done)).toEqual(['RejectedError', 'TypeError', 'TypeError', 'TypeError'])
  expect(done.usage.cost).toBeLessThanOrEqual(5)
  expect(paid).toEqual([])
})

test('H44: a flood of approvals is held back, and then the run rests', async () => {
  const { pay, paid } = payTool()
  const store = memoryStore()
  const agent = agentOf({
    store,
    tools: [pay],
    limits: { openQuestions: 5, questions: 12 },
    script: [
      'const r = await Promise.allSettled(Array.from({ length: 50 }, (_, amount) => pay({ amount })))\nfinalAnswer(r.length)',
    ],
  })
  let result = await agent.run('Pay all')
  const asked: number[] = []
  while (result.status === 'paused' && result.questions.length > 0 && asked.length < 10) {
    asked.push(result.questions.length)
    await agent.answer(
      result.questions.map(({ id }) => id),
      { type: 'reject' },
    )
    const runId = must(agent.runId)
    if ((await entriesOf(store, runId, 'run-paused')).at(-1)?.cause === 'limit') break
    result = await goOn(agent)
  }
  expect(asked[0]).toBe(5)
  expect(Math.max(...asked)).toBeLessThanOrEqual(5)
  expect(
    (await entriesOf(store, must(agent.runId), 'run-paused')).some(({ cause }) => cause === 'limit'),
  ).toBe(true)
  expect(paid).toEqual([])
})

test('under a state key a remembered decision cannot be read, moved or brought back by who has only the file', async () => {
  using place = scratch()
  const { pay } = payTool()
  const script = ['finalAnswer(await pay({ amount: 1 }))']
  const stateKey = 'correct horse battery staple'
  const given: Given = { storagePath: place.file, stateKey, tools: [pay], script }
  {
    await using agent = agentOf(given)
    for (const runId of ['one', 'two']) {
      const question = onlyQuestion(await agent.run('Pay', { runId }))
      await agent.answer(
        question.id,
        { type: 'approve', remember: { scope: 'run' } },
        { by: 'ann of the accounting' },
      )
      await goOn(agent)
    }
    await agent.withdraw(must((await agent.decisions())[0]).question)
    expect(await agent.decisions()).toEqual([])
  }
  expect(readFileSync(place.file, 'latin1')).not.toMatch(/ann of the accounting|"approve"|declaration/)
  {
    await using stranger = sqliteStore(place.file, { stateKey: 'another one' })
    expect(await stranger.rules({})).toEqual([])
  }
  const edited = (sql: string): void => {
    const db = new DatabaseSync(place.file)
    db.exec(sql)
    db.close()
  }
  // Its row says that it stands again: it is sealed with its place.
  edited(`UPDATE inbox SET consumed = 1 WHERE kind = 'rule'`)
  await using store = sqliteStore(place.file, { stateKey })
  await expect(store.rules({})).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
})

test('a state file that is taken in brings no permissions along', async () => {
  using place = scratch()
  const { pay, paid } = payTool()
  const script = ['finalAnswer(await pay({ amount: 1 }))']
  await using mine = agentOf({ storagePath: join(place.path, 'mine.db'), tools: [pay], script })
  const question = onlyQuestion(await mine.run('Pay', { runId: 'run-1' }))
  await mine.answer(question.id, { type: 'approve', remember: { scope: 'agent' } })
  await goOn(mine)
  const taken = join(place.path, 'taken.db')
  {
    await using from = sqliteStore(join(place.path, 'mine.db'))
    await exportRun(from, 'run-1', join(place.path, 'out.db'))
    await using to = sqliteStore(taken)
    await importRuns(to, join(place.path, 'out.db'))
    expect(await to.rules({})).toEqual([])
    expect(await from.rules({})).toHaveLength(1)
  }
  await using theirs = agentOf({ storagePath: taken, tools: [pay], script })
  expect(onlyQuestion(await theirs.run('Pay again')).kind).toBe('approval')
  expect(paid).toEqual([1])
})
