/** A chat in which a check asks about the answer: a question that is closed by what was said is no part to answer any more. */
import { expect, test } from 'vitest'
import { createChatHandler } from '../../src/ai-sdk.ts'
import { AgentPausedException, memoryStore, type CheckContext } from '../../src/index.ts'
import { again, agentOf, goOn, HandTool, onlyQuestion, PATIENT } from '../e2e/fixtures/bench.ts'
import { Client } from './fixtures/client.ts'

function editor(answer: unknown, { decisions }: CheckContext): boolean {
  const decision = decisions.at(-1)
  if (decision === undefined) throw new AgentPausedException('Ask', { question: `Send ${String(answer)}?` })
  return decision.type === 'respond' && decision.value === 'yes'
}

test('said elsewhere, between two requests: the next message answers the question that is open', async () => {
  const given = {
    store: memoryStore(),
    finalAnswerChecks: [editor],
    script: ['finalAnswer(1)', 'finalAnswer(2)'],
  }
  const handler = createChatHandler({ agent: agentOf(given) })
  const client = new Client(() => handler, { id: 'c1' })
  await client.sendMessage({ text: 'x' })
  const other = await again({ ...given, runId: 'chat_c1' })
  await other.say('otherwise')
  expect(onlyQuestion(await goOn(other)).message).toBe('Send 2?')
  await client.sendMessage({ text: 'yes' })
  expect(client.sent.map(({ status }) => status)).toEqual([200, 200])
  expect((await given.store.run('chat_c1'))?.status).toBe('completed')
})

test('said while the message streams: its part ends, and the new one is answered', async () => {
  const store = memoryStore()
  const slow = new HandTool()
  const agent = agentOf({
    store,
    tools: [slow.tool],
    finalAnswerChecks: [editor],
    script: ['void slow({ n: 1 })\nfinalAnswer(1)', 'finalAnswer(2)'],
  })
  const handler = createChatHandler({ agent })
  const client = new Client(() => handler, { id: 'c1' })
  const sent = client.sendMessage({ text: 'x' })
  await slow.begun(1)
  await expect.poll(async () => (await store.questions({})).length, PATIENT).toBe(1)
  await agent.say('otherwise')
  await expect
    .poll(async () => (await store.questions({})).map(({ message }) => message), PATIENT)
    .toEqual(['Send 2?'])
  slow.settle(1)
  await sent
  expect(client.tools('ask').map(({ state }) => state)).toEqual(['output-error', 'input-available'])
  await client.sendMessage({ text: 'yes' })
  expect((await store.run('chat_c1'))?.status).toBe('completed')
})
