/** The system prompt: short, byte-stable, and it says what the answer must look like. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { define } from '../../src/agent/options.ts'
import { systemPrompt } from '../../src/agent/prompt.ts'
import { scriptedModel } from '../../src/model/scripted.ts'
import { tool } from '../../src/tool/tool.ts'

const today = Date.UTC(2026, 10, 23, 23, 59)
const model = scriptedModel([])

test('without tools it stays below 600 tokens (4 characters each), since every request pays for it', () => {
  expect(systemPrompt({ instructions: '', tools: [], today }).length / 4).toBeLessThan(600)
})

test('the same parts give the same bytes, on any time of the same day', () => {
  const parts = { instructions: 'Be brief.', tools: [], today }
  expect(systemPrompt(parts)).toBe(systemPrompt({ ...parts, today: Date.UTC(2026, 10, 23) }))
  expect(systemPrompt(parts)).toContain('Today is 2026-11-23 (UTC).')
  expect(systemPrompt(parts)).toMatch(/Instructions:\nBe brief\.$/)
})

test('tools stand in it as TypeScript', () => {
  const lookup = tool({
    name: 'lookup',
    description: 'Finds a customer',
    inputSchema: z.object({ id: z.string().describe('like C-17') }),
    outputSchema: z.object({ name: z.string() }),
    execute: async () => ({ name: 'Ann' }),
  })
  const { tools } = define({ model, tools: [lookup] }, undefined)
  const prompt = systemPrompt({ instructions: '', tools: [...tools.values()], today })
  expect(prompt).toContain('/** Finds a customer */')
  expect(prompt).toContain('like C-17')
  expect(prompt).toContain('Promise<{ name: string }>')
})

test('an outputSchema is told as what finalAnswer takes: defaults may be left out', () => {
  const outputSchema = z.object({ total: z.number(), note: z.string().default('none') })
  const { answer } = define({ model, outputSchema }, undefined)
  const prompt = systemPrompt({ instructions: '', tools: [], answer, today })
  expect(prompt).toMatch(
    /The answer must fit:\n\n\/\*\* Ends the task\. \*\/\nfinalAnswer\(input: \{ total: number;.*note\?: string \}\): never/,
  )
  expect(systemPrompt({ instructions: '', tools: [], today })).not.toContain('The answer must fit')
})
