/** Issue 7, Shows 3: the client code of the package `ai` drives runs against a handler in this process. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createChatHandler } from '../../src/ai-sdk.ts'
import { memoryStore, PersistentCodeAgent, tool, type Store } from '../../src/index.ts'
import { createRun } from '../../src/run/begin.ts'
import { answerQuestion } from '../../src/run/signal.ts'
import { scriptedModel, type Script } from '../../src/testing.ts'
import { agentOf, echo, HandTool, must, PATIENT, type Given } from '../e2e/fixtures/bench.ts'
import { Client } from './fixtures/client.ts'

function paying(): { readonly paid: string[]; readonly refund: ReturnType<typeof tool> } {
  const paid: string[] = []
  const refund = tool({
    name: 'refund',
    description: 'Pays money back',
    inputSchema: z.object({ order: z.string(), amount: z.number() }),
    needsApproval: ({ amount }) => amount > 100,
    execute: async ({ order, amount }) => {
      paid.push(order)
      return `refunded ${amount} for ${order}`
    },
  })
  return { paid, refund }
}

const REFUND = ['const how = await refund({ order: "A-1", amount: 250 })\nfinalAnswer(how)']

function chatOn(given: Given, more = {}): { readonly client: Client; readonly agent: PersistentCodeAgent } {
  const agent = agentOf({ store: memoryStore(), ...given })
  const handler = createChatHandler({ agent, ...more })
  return { agent, client: new Client(() => handler, { id: 'c1' }) }
}

describe('an approval', () => {
  test('is asked for, given by the client, and the run goes on to its end', async () => {
    const { paid, refund } = paying()
    const { client } = chatOn({ tools: [refund], script: REFUND })
    await client.sendMessage({ text: 'Refund order A-1' })
    expect(client.status).toBe('ready')
    expect(client.tool('refund')).toMatchObject({
      state: 'approval-requested',
      input: { order: 'A-1', amount: 250 },
      approval: { id: expect.stringMatching(/^q_/) },
    })
    expect(paid).toEqual([])
    await client.decide('refund', true)
    await client.settled(2)
    expect(client.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
    expect(client.tool('refund')).toMatchObject({ state: 'output-available', output: 'refunded 250 for A-1' })
    expect(client.tool('run_code').state).toBe('output-available')
    expect(client.text()).toBe('refunded 250 for A-1')
    expect(client.last.metadata).toMatchObject({ runId: 'chat_c1', status: 'completed', stepCount: 1 })
    expect(paid).toEqual(['A-1'])
    expect(client.sent.map(({ method, status }) => [method, status])).toEqual([
      ['POST', 200],
      ['POST', 200],
    ])
  })

  test('that is denied does not happen, and the code is told why', async () => {
    const { paid, refund } = paying()
    const script = [
      'try { await refund({ order: "A-1", amount: 250 }) } catch (error) { finalAnswer(error.message) }',
    ]
    const { client } = chatOn({ tools: [refund], script })
    await client.sendMessage({ text: 'Refund' })
    await client.decide('refund', false, 'too much')
    await client.settled(2)
    expect(client.tool('refund')).toMatchObject({ state: 'output-denied', approval: { approved: false } })
    expect(client.text()).toContain('too much')
    expect(paid).toEqual([])
  })

  test('two at once: the client sends both decisions together', async () => {
    const { paid, refund } = paying()
    const script = [
      `const both = await Promise.allSettled(['A', 'B'].map((order) => refund({ order, amount: 250 })))
       finalAnswer(both.map(({ status }) => status).join())`,
    ]
    const { client } = chatOn({ tools: [refund], script })
    await client.sendMessage({ text: 'Refund' })
    for (const { approval } of client.tools('refund'))
      await client.addToolApprovalResponse({ id: must(approval).id, approved: true })
    await client.settled(2)
    expect(paid.toSorted()).toEqual(['A', 'B'])
    expect(client.text()).toBe('fulfilled,fulfilled')
  })

  test('one after the other: each is asked for, and sent, by itself', async () => {
    const { paid, refund } = paying()
    const script = [
      'await refund({ order: "A", amount: 200 })\nfinalAnswer(await refund({ order: "B", amount: 300 }))',
    ]
    const { client } = chatOn({ tools: [refund], script })
    await client.sendMessage({ text: 'Refund' })
    await client.decide('refund', true)
    await client.settled(2)
    expect(client.tools('refund').map(({ state }) => state)).toEqual([
      'output-available',
      'approval-requested',
    ])
    await client.decide('refund', true)
    await client.settled(3)
    expect(paid).toEqual(['A', 'B'])
    expect(client.messages).toHaveLength(2)
  })

  test('after a restart: another agent on the same file goes on where the message stands', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pca-chat-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const storagePath = join(folder, 'chats.db')
    const { paid, refund } = paying()
    const making = () =>
      new PersistentCodeAgent({ storagePath, model: scriptedModel(REFUND), tools: [refund] })
    let agent = making()
    let handler = createChatHandler({ agent })
    const client = new Client(() => handler, { id: 'c1' })
    await client.sendMessage({ text: 'Refund order A-1' })
    const before = client.last.parts
    await agent.close()
    agent = making()
    onTestFinished(async () => agent.close())
    handler = createChatHandler({ agent })
    await client.decide('refund', true)
    await client.settled(2)
    expect(paid).toEqual(['A-1'])
    expect(client.text()).toBe('refunded 250 for A-1')
    expect(client.messages).toHaveLength(2)
    expect(client.last.parts.slice(0, 3).map(({ type }) => type)).toEqual(
      before.slice(0, 3).map(({ type }) => type),
    )
  })

  test('that was recorded before the server died is given again, and counts once', async () => {
    const { paid, refund } = paying()
    const { agent, client } = chatOn({ tools: [refund], script: REFUND })
    await client.sendMessage({ text: 'Refund order A-1' })
    const { id } = must(client.tool('refund').approval)
    // As if the process had ended between the answer and what comes of it.
    await answerQuestion(await agent.store(), 'chat_c1', id, { type: 'approve' }, 'chat')
    await client.decide('refund', true)
    await client.settled(2)
    expect(paid).toEqual(['A-1'])
    expect(client.text()).toBe('refunded 250 for A-1')
  })

  test('of an agent below is asked for here, and answered here', async () => {
    const { paid, refund } = paying()
    const clerk = agentOf({ name: 'clerk', description: 'Pays', tools: [refund], script: REFUND })
    const { client } = chatOn({
      managedAgents: [clerk],
      script: ['finalAnswer(await clerk({ task: "Refund order A-1" }))'],
    })
    await client.sendMessage({ text: 'Refund' })
    expect(client.tool('clerk').state).toBe('input-available')
    expect(client.tool('refund')).toMatchObject({ toolCallId: '1.1.1.1', state: 'approval-requested' })
    await client.decide('refund', true)
    await client.settled(2)
    expect(paid).toEqual(['A-1'])
    expect(client.tool('clerk').state).toBe('output-available')
    expect(client.text()).toBe('refunded 250 for A-1')
  })

  test('that somebody else has given, with other arguments, is seen when the chat is opened again', async () => {
    const { paid, refund } = paying()
    const { agent, client } = chatOn({ tools: [refund], script: REFUND })
    await client.sendMessage({ text: 'Refund order A-1' })
    const [question] = (await agent.run(agent.task, { reset: false }).then(() => agent)).questions
    await agent.answer(must(question).id, { type: 'edit', args: { order: 'A-1', amount: 150 } })
    const run = await agent.continue('chat_c1')
    await client.resumeStream()
    await run.result()
    await client.settled(2)
    expect(paid).toEqual(['A-1'])
  })
})

describe('a program that a person approves', () => {
  test('is the part of its step: approved, it runs', async () => {
    const { client } = chatOn({ codeApproval: true, script: ['print("ran")\nfinalAnswer("done")'] })
    await client.sendMessage({ text: 'Go' })
    expect(client.tool('run_code')).toMatchObject({
      state: 'approval-requested',
      input: { code: 'print("ran")\nfinalAnswer("done")' },
    })
    await client.decide('run_code', true)
    await client.settled(2)
    expect(client.tools('run_code')).toHaveLength(1)
    expect(client.tool('run_code')).toMatchObject({ state: 'output-available', output: { printed: 'ran\n' } })
    expect(client.text()).toBe('done')
  })

  test('denied, it does not run, also where code is not shown otherwise', async () => {
    const script: Script = ['print("ran")\nfinalAnswer("done")', { text: 'As you like.' }]
    const { client } = chatOn({ codeApproval: true, script }, { sendCode: false })
    await client.sendMessage({ text: 'Go' })
    await client.decide('run_code', false, 'not so')
    await client.settled(2)
    expect(client.tool('run_code').state).toBe('output-denied')
    expect(client.text()).toBe('As you like.')
  })
})

describe('a question', () => {
  const ASKS = ['const size = await ask("Which size?", { type: "number" })\nfinalAnswer("size " + size)']

  test('is a part of its own, which the client answers with an output', async () => {
    const { client } = chatOn({ script: ASKS })
    await client.sendMessage({ text: 'Order shoes' })
    const part = client.tool('ask')
    expect(part).toMatchObject({
      state: 'input-available',
      input: { message: 'Which size?', schema: { type: 'number' } },
    })
    await client.addToolOutput({ tool: 'ask', toolCallId: part.toolCallId, output: 42 })
    await client.settled(2)
    expect(client.text()).toBe('size 42')
    expect(client.messages).toHaveLength(2)
    expect(client.tool('ask')).toMatchObject({ state: 'output-available', output: 42 })
  })

  test('that is alone is answered by what the person writes', async () => {
    const { client, agent } = chatOn({ script: ASKS })
    await client.sendMessage({ text: 'Order shoes' })
    await client.sendMessage({ text: '42' })
    expect(client.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant'])
    expect(client.text()).toBe('size 42')
    expect(agent.runId).toBe('chat_c1')
    const events = await Array.fromAsync(agent.events())
    expect(
      events.some(
        (event) =>
          event.type === 'entry' &&
          event.entry.kind === 'question-answered' &&
          event.entry.by === 'chat, in words',
      ),
    ).toBe(true)
  })

  test('an answer that does not fit is refused, and the question stays open', async () => {
    const { client } = chatOn({ script: ASKS })
    await client.sendMessage({ text: 'Order shoes' })
    await client.sendMessage({ text: 'large' })
    expect([client.status, client.sent.at(-1)?.status]).toEqual(['error', 400])
    expect(client.error?.message).toContain('schema')
    await client.sendMessage({ text: '43' })
    expect(client.text()).toBe('size 43')
  })

  test('that is not asked any more, since the code went on, is closed', async () => {
    const { client } = chatOn({
      tools: [echo],
      script: ['void ask("Still there?")\nawait echo({ n: 1 })\nfinalAnswer("never mind")'],
    })
    await client.sendMessage({ text: 'Go' })
    expect(client.tool('ask')).toMatchObject({
      state: 'output-error',
      errorText: 'It is not asked any more.',
    })
    expect(client.text()).toBe('never mind')
  })

  test('beside an approval: the client sends when both are answered', async () => {
    const { paid, refund } = paying()
    const script = [
      'const [how, why] = await Promise.all([refund({ order: "A", amount: 200 }), ask("Why?")])\nfinalAnswer(how + ": " + why)',
    ]
    const { client } = chatOn({ tools: [refund], script })
    await client.sendMessage({ text: 'Refund' })
    await client.decide('refund', true)
    expect(client.sent).toHaveLength(1)
    await client.addToolOutput({ tool: 'ask', toolCallId: client.tool('ask').toolCallId, output: 'broken' })
    await client.settled(2)
    expect(client.text()).toBe('refunded 200 for A: broken')
    expect(paid).toEqual(['A'])
  })

  test('beside an approval, answered first: the run goes on as far as it can, and the approval is sent later', async () => {
    const { paid, refund } = paying()
    const script = [
      'const [how, why] = await Promise.all([refund({ order: "A", amount: 200 }), ask("Why?")])\nfinalAnswer(how + ": " + why)',
    ]
    const { client } = chatOn({ tools: [refund], script })
    await client.sendMessage({ text: 'Refund' })
    await client.addToolOutput({ tool: 'ask', toolCallId: client.tool('ask').toolCallId, output: 'broken' })
    await client.settled(2)
    expect(client.tool('refund').state).toBe('approval-requested')
    await client.decide('refund', true)
    await client.settled(3)
    expect(client.text()).toBe('refunded 200 for A: broken')
    expect(paid).toEqual(['A'])
  })
})

describe('a message', () => {
  test('to a finished run is a follow-up, though it reads like the one before', async () => {
    const script: Script = ['globalThis.n = (globalThis.n ?? 0) + 1\nfinalAnswer("turn " + globalThis.n)']
    const { client } = chatOn({ script })
    await client.sendMessage({ text: 'again' })
    await client.sendMessage({ text: 'again' })
    expect(client.messages.map((message) => client.text(message))).toEqual([
      'again',
      'turn 1',
      'again',
      'turn 2',
    ])
    expect(new Set(client.messages.map(({ id }) => id)).size).toBe(4)
  })

  test('in place of an approval rejects the call, and the model hears it', async () => {
    const { paid, refund } = paying()
    const heard: string[] = []
    const script: Script = [
      'try { await refund({ order: "A", amount: 200 }) } catch (error) { print(error.message) }',
      async ({ prompt }) => {
        heard.push(JSON.stringify(prompt))
        return 'finalAnswer("as you like")'
      },
    ]
    const { client } = chatOn({ tools: [refund], script })
    await client.sendMessage({ text: 'Refund' })
    await client.sendMessage({ text: 'No, send a voucher' })
    expect(paid).toEqual([])
    expect(heard.join()).toContain('No, send a voucher')
    expect(heard.join()).toContain('written a message instead')
    expect(client.text()).toBe('as you like')
    expect(client.messages).toHaveLength(4)
  })

  test('while the run is at work elsewhere is heard there, and told here', async () => {
    const store = memoryStore()
    const slow = new HandTool()
    const script: Script = [
      'print(await slow({ n: 1 }))',
      async ({ prompt }) =>
        `finalAnswer(${JSON.stringify(JSON.stringify(prompt).includes('Hurry'))} ? 'I hurry' : 'deaf')`,
    ]
    const agents = [1, 2].map(() => agentOf({ store, tools: [slow.tool], script }))
    const [here, there] = agents.map((agent) => createChatHandler({ agent }))
    const first = new Client(() => must(there), { id: 'c1' })
    const sending = first.sendMessage({ text: 'Go' })
    await slow.begun(1)
    const second = new Client(() => must(here), { id: 'c1' })
    const saying = second.sendMessage({ text: 'Hurry' })
    await expect
      .poll(async () => (await store.signals('chat_c1')).length + second.messages.length, PATIENT)
      .toBeGreaterThan(1)
    slow.settle(1)
    await Promise.all([sending, saying])
    expect(second.text()).toBe('I hurry')
    expect(first.text()).toBe('I hurry')
    expect(second.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
  })

  test('that comes when the run has just ended is its next task', async () => {
    const store = memoryStore()
    const slow = new HandTool()
    const script = ['finalAnswer("did " + await slow({ n: 1 }))']
    const first = agentOf({ store, tools: [slow.tool], script })
    const run = await first.start('Go', { runId: 'chat_c1' })
    await slow.begun(1)
    // The run ends between the look at it and the message.
    const signal: Store['signal'] = async (...given) => {
      slow.settle(1, 'one')
      await run.result()
      slow.forget(1)
      return store.signal(...given)
    }
    const agent = agentOf({ store: { ...store, signal }, tools: [slow.tool], script })
    const handler = createChatHandler({ agent })
    const client = new Client(() => handler, { id: 'c1' })
    const sending = client.sendMessage({ text: 'Once more' })
    await expect.poll(() => slow.started.length, PATIENT).toBe(2)
    slow.settle(1, 'two')
    await sending
    expect(client.text()).toBe('did two')
    expect(agent.task).toBe('Once more')
  })

  test('a second page that leaves does not pause what the first one drives', async () => {
    const store = memoryStore()
    const slow = new HandTool()
    const agents = [1, 2].map(() =>
      agentOf({ store, tools: [slow.tool], script: ['finalAnswer("got " + await slow({ n: 1 }))'] }),
    )
    const [here, there] = agents.map((agent) => createChatHandler({ agent }))
    const first = new Client(() => must(there), { id: 'c1' })
    const sending = first.sendMessage({ text: 'Go' })
    await slow.begun(1)
    const second = new Client(() => must(here), { id: 'c1', messages: first.messages })
    const following = second.sendMessage()
    await expect.poll(() => second.sent.length, PATIENT).toBe(1)
    await second.stop()
    await following
    slow.settle(1, 5)
    await sending
    expect(first.text()).toBe('got 5')
    expect(first.last.metadata).toMatchObject({ status: 'completed' })
  })

  test('that somebody else says to the run stands in the message, where it was heard', async () => {
    const slow = new HandTool()
    const script = ['print(await slow({ n: 1 }))', 'finalAnswer("done")']
    const { agent, client } = chatOn({ tools: [slow.tool], script })
    const sending = client.sendMessage({ text: 'Go' })
    await slow.begun(1)
    await agent.say('Mind the gap', { by: 'bob' })
    slow.settle(1)
    await sending
    const types = client.last.parts.map(({ type }) => type)
    expect(types).toContain('steering-message')
    expect(JSON.stringify(client.last.parts)).toContain('Mind the gap')
    expect(client.text()).toBe('done')
  })

  test('with an image: the model sees it', async () => {
    const heard: string[] = []
    const script: Script = [
      async ({ prompt }) => {
        heard.push(JSON.stringify(prompt))
        return 'finalAnswer("seen")'
      },
    ]
    const { client } = chatOn({ script })
    const url = 'data:image/png;base64,iVBORw0KGgo='
    await client.sendMessage({ text: 'Look', files: [{ type: 'file', mediaType: 'image/png', url }] })
    expect(client.text()).toBe('seen')
    expect(heard.join()).toContain('image/png')
  })

  test('a run that failed: the client is told its code, and regenerating tries again', async () => {
    let fails = true
    const script: Script = [
      async () => (fails ? { error: new Error('secret of the server') } : 'finalAnswer("well")'),
    ]
    const { client } = chatOn({ script })
    await client.sendMessage({ text: 'Go' })
    expect(client.error?.message).toBe('The run failed (MODEL).')
    fails = false
    await client.regenerate()
    expect([client.status, client.text()]).toEqual(['ready', 'well'])
    expect(JSON.stringify(client.messages)).not.toContain('secret')
  })
})

describe('a reader that leaves', () => {
  const slowly = (slow: HandTool): Given => ({
    tools: [slow.tool],
    pauseGrace: 0,
    script: ['print("before")\nconst n = await slow({ n: 1 })\nfinalAnswer("got " + n)'],
  })

  test('stop pauses the run; sending nothing goes on', async () => {
    const slow = new HandTool('slow', 'read')
    const { agent, client } = chatOn(slowly(slow))
    const sending = client.sendMessage({ text: 'Go' })
    await slow.begun(1)
    await client.stop()
    await sending
    await expect
      .poll(async () => (await (await agent.store()).run('chat_c1'))?.status, PATIENT)
      .toBe('paused')
    slow.forget(1)
    const going = client.sendMessage()
    await slow.begun(1)
    slow.settle(1, 7)
    await going
    expect(client.text()).toBe('got 7')
    expect(client.messages).toHaveLength(2)
  })

  test('reconnects in the middle, and has the whole message once', async () => {
    const slow = new HandTool()
    const { agent, client } = chatOn(slowly(slow), { onDisconnect: 'continue' })
    const sending = client.sendMessage({ text: 'Go' })
    await slow.begun(1)
    await expect.poll(() => client.messages.length, PATIENT).toBe(2)
    await client.stop()
    await sending
    const resuming = client.resumeStream()
    await expect.poll(() => client.status, PATIENT).toBe('streaming')
    slow.settle(1, 8)
    await resuming
    expect(client.text()).toBe('got 8')
    expect(client.messages).toHaveLength(2)
    expect(client.tools('slow')).toHaveLength(1)
    expect(client.tools('run_code')).toHaveLength(1)
    expect(agent.result?.status).toBe('completed')
  })

  test('a page that is opened anew gets the message that is under way', async () => {
    const slow = new HandTool()
    const agent = agentOf({ store: memoryStore(), ...slowly(slow) })
    const handler = createChatHandler({ agent, onDisconnect: 'continue' })
    const first = new Client(() => handler, { id: 'c1' })
    const sending = first.sendMessage({ text: 'Go' })
    await slow.begun(1)
    const second = new Client(() => handler, { id: 'c1' })
    const resuming = second.resumeStream()
    await expect.poll(() => second.messages.length, PATIENT).toBe(1)
    slow.settle(1, 9)
    await Promise.all([sending, resuming])
    expect(second.last).toEqual(first.last)
    expect(second.text()).toBe('got 9')
  })

  test('a page that is opened while the run waits shows what it waits for, and can answer', async () => {
    const { paid, refund } = paying()
    const agent = agentOf({ store: memoryStore(), tools: [refund], script: REFUND })
    const handler = createChatHandler({ agent })
    const first = new Client(() => handler, { id: 'c1' })
    await first.sendMessage({ text: 'Refund' })
    const second = new Client(() => handler, { id: 'c1' })
    await second.resumeStream()
    expect(second.last).toEqual(first.last)
    await second.decide('refund', true)
    await second.settled(2)
    expect(paid).toEqual(['A-1'])
    expect(second.text()).toBe('refunded 250 for A-1')
  })

  test('a run whose process died is nothing to wait for: 204, until somebody goes on with it', async () => {
    const { agent, client } = chatOn({ script: ['finalAnswer("well")'] })
    const store = await agent.store()
    await createRun(store, agent.definition(), { task: 'Go', runId: 'chat_c1' })
    await client.resumeStream()
    expect(client.sent.at(-1)).toMatchObject({ method: 'GET', status: 204 })
    await client.sendMessage()
    expect(client.text()).toBe('well')
  })

  test('nothing is under way: 204', async () => {
    const { client } = chatOn({ script: ['finalAnswer("x")'] })
    await client.resumeStream()
    await client.sendMessage({ text: 'Go' })
    await client.resumeStream()
    expect(client.sent.map(({ method, status }) => [method, status])).toEqual([
      ['GET', 204],
      ['POST', 200],
      ['GET', 204],
    ])
    expect(client.messages).toHaveLength(2)
  })
})
