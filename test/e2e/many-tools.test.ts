/** A thousand tools: the prompt stays short, and the code finds those that it needs. */
import { expect, test } from 'vitest'
import { memoryStore, tool } from '../../src/index.ts'
import { agentOf, goOn, listeningModel, onlyQuestion, output, promptText } from './fixtures/bench.ts'
import { PersistentCodeAgent } from '../../src/persistent-code-agent.ts'

const NOUNS = ['order', 'invoice', 'customer', 'parcel', 'refund', 'ticket', 'user', 'ship', 'crate', 'route']
const VERBS = ['get', 'list', 'make', 'close', 'move', 'count', 'send', 'check', 'open', 'sort']
const tools = Array.from({ length: 1_000 }, (_none, n) => {
  const [noun, verb] = [NOUNS[n % 10] ?? '', VERBS[Math.floor(n / 10) % 10] ?? '']
  const place = Math.floor(n / 100)
  return tool({
    name: `${verb}_${noun}_${place}`,
    description: `Can ${verb} a ${noun} of warehouse ${place}. ${'It says more about that. '.repeat(20)}`,
    effect: 'read',
    inputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
    execute: ({ id }: { readonly id: string }) => `${verb} ${noun} ${place} ${id}`,
  }) as ReturnType<typeof tool>
})

const CODE = `const found = await tools.search('close invoice warehouse 7', 3)
const text = await tools.describe(found[0].name)
const done = await tools[found[0].name]({ id: 'x' })
finalAnswer({ names: found.map(({ name }) => name), text, done, keys: Object.keys(tools).length })`

test('the code looks a tool up, reads its declaration and calls it, in one step', async () => {
  const { model, calls } = listeningModel([CODE])
  const agent = new PersistentCodeAgent({ store: memoryStore(), model, tools })
  const given = output(await agent.run('Close the invoice')) as Record<string, unknown>
  expect(given).toMatchObject({ done: 'close invoice 7 x', keys: 1_000 })
  expect((given['names'] as string[])[0]).toBe('close_invoice_7')
  expect(given['names']).toHaveLength(3)
  expect(given['text']).toContain('close_invoice_7(input: { id: string })')
  const prompt = promptText(calls[0]?.prompt ?? [])
  expect(prompt).toContain('You have 1000 tools.')
  expect(prompt).toMatch(/and \d+ more\./)
  expect(prompt.length).toBeLessThan(8_000)
})

test('what was found is a fact: after a pause the code goes on with it', async () => {
  const store = memoryStore()
  const script = [
    `const found = await tools.search('send parcel', 1)\nawait ask('Go on?')\nfinalAnswer(found)`,
  ]
  const agent = agentOf({ store, script, tools })
  const question = onlyQuestion(await agent.run('t'))
  // The next process has other tools.
  const later = agentOf({ store, script, tools: tools.toReversed() })
  await later.resume()
  await later.answer(question.id, { type: 'respond', value: 'yes' })
  expect(output(await goOn(later))).toEqual([expect.objectContaining({ name: 'send_parcel_0' })])
})

test('what makes no sense is told to the code', async () => {
  const code = `const wrong = []
for (const ask of [() => tools.search(), () => tools.search('x', 0), () => tools.describe('nope'), () => tools.describe(['get_order_0', 7])])
  wrong.push(await ask().catch((error) => error.name + ': ' + error.message))
finalAnswer(wrong)`
  const agent = agentOf({ script: [code], tools, typeCheck: false })
  expect(output(await agent.run('t'))).toEqual([
    'TypeError: tools.search takes words, as one text.',
    'TypeError: The limit of tools.search is a number from 1.',
    'TypeError: There is no tool "nope". Find it with tools.search(words).',
    'TypeError: There is no tool 7. Find it with tools.search(words).',
  ])
})

test('a tool that is named like them has the name', async () => {
  const search = tool({ name: 'search', description: 'Searches', effect: 'read', execute: () => 'mine' })
  const agent = agentOf({ script: ['finalAnswer(await tools.search())'], tools: [search] })
  expect(output(await agent.run('t'))).toBe('mine')
})
