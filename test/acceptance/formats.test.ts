/** The parent's acceptance list, by its numbers: code in text and in JSON. */
import { expect, test } from 'vitest'
import { memoryStore, PersistentCodeAgent } from '../../src/index.ts'
import { lastWord, listeningModel, output } from '../e2e/fixtures/bench.ts'

/** Runs replies that are texts, in a format. */
async function said(actionFormat: 'text' | 'json', ...texts: readonly string[]) {
  const { model, calls } = listeningModel(texts.map((text) => ({ text })))
  const agent = new PersistentCodeAgent({ store: memoryStore(), model, actionFormat })
  const result = await agent.run('t')
  return { result, calls, agent }
}

const fence = (code: string, language = 'ts'): string => `\`\`\`${language}\n${code}\n\`\`\``

test('7.37 a last block that is not closed is taken as it stands, if it compiles', async () => {
  const { result } = await said('text', 'I answer.\n```ts\nfinalAnswer(1)\n')
  expect(output(result)).toBe(1)
})

test('7.40 structured output: { thoughts, code } is read', async () => {
  const { result, agent } = await said(
    'json',
    JSON.stringify({ thoughts: 'I add.', code: 'finalAnswer(1 + 1)' }),
  )
  expect(output(result)).toBe(2)
  expect(agent.memory.steps[1]).toMatchObject({ code: 'finalAnswer(1 + 1)' })
})

test.each([
  ['one block', `I look.\n\n${fence('finalAnswer(1)')}`, 1],
  ['several, joined in order', `${fence('const a = 1')}\nand then\n${fence('finalAnswer(a + 1)')}`, 2],
  ['a block of no named language', fence('finalAnswer(3)', ''), 3],
  ['bare code', 'finalAnswer(4)', 4],
])('7.50 code in text: %s', async (_what, text, expected) => {
  expect(output((await said('text', text)).result)).toBe(expected)
})

test('7.50 code in text: where there is none, the model is told what to write', async () => {
  const { result, calls } = await said('text', 'I would rather not.', fence('finalAnswer(5)'))
  expect(lastWord(calls[1])).toMatch(/no program in your reply.*begins with ```ts/)
  expect(output(result)).toBe(5)
})
