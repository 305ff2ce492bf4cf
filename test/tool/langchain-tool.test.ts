/** LangChain's own tools, given in the list as they are. */
import { tool as langChainTool } from '@langchain/core/tools'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { toolsOf } from '../../src/tool/tools.ts'
import { agentOf, onlyQuestion, output } from '../e2e/fixtures/bench.ts'

const weather = langChainTool(async ({ city, days }) => `${city}: ${days} days of rain`, {
  name: 'weather',
  description: 'The weather of a city',
  schema: z.object({ city: z.string(), days: z.number().default(2) }),
})

test('LangChain: is called by the code, its input checked and its defaults applied', async () => {
  const script = [
    `const wrong = await weather({ city: 1 }).catch((error) => error.message)
finalAnswer([await weather({ city: 'Bern' }), wrong])`,
  ]
  const agent = agentOf({ script, tools: [weather], toolEffects: { weather: 'read' }, typeCheck: false })
  expect(output(await agent.run('t'))).toEqual(['Bern: 2 days of rain', expect.stringContaining('city')])
})

test('is declared to the model, happens once unless somebody says otherwise, and may need approval', async () => {
  const made = toolsOf([weather]).get('weather')
  expect(made?.declaration.replaceAll(/\s+/g, ' ')).toMatch(
    /weather\(input: \{ city: string;? .*days\?: number/,
  )
  expect(made).toMatchObject({ effect: 'once', effectDeclared: false, description: 'The weather of a city' })
  const script = [`finalAnswer(await weather({ city: 'Bern' }))`]
  const agent = agentOf({ script, tools: [weather], toolApproval: { weather: 'user-approval' } })
  expect(onlyQuestion(await agent.run('t')).call).toMatchObject({
    tool: 'weather',
    args: { city: 'Bern', days: 2 },
  })
})

test('sees the abort signal, and its error reaches the code', async () => {
  const fails = langChainTool(
    async (_input, config) => {
      if (!(config.signal instanceof AbortSignal)) throw new Error('no signal')
      throw new Error('out of rain')
    },
    { name: 'fails', description: 'Fails', schema: z.object({}) },
  )
  const agent = agentOf({
    script: ['finalAnswer(await fails({}).catch((error) => error.message))'],
    tools: [fails],
  })
  expect(output(await agent.run('t'))).toContain('out of rain')
})
