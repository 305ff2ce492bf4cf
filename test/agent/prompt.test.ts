/** The system prompt: short, byte-stable, every line of it explained, and it says what the answer must look like. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { define } from '../../src/agent/define.ts'
import { systemPrompt, type PromptParts } from '../../src/agent/prompt.ts'
import { fill, templatesOf } from '../../src/agent/templates.ts'
import { UsageError } from '../../src/base/errors.ts'
import { scriptedModel } from '../../src/model/scripted.ts'
import { tool } from '../../src/tool/tool.ts'

const today = Date.UTC(2026, 10, 23, 23, 59)
const model = scriptedModel([])
const lookup = tool({
  name: 'lookup',
  description: 'Finds a customer',
  inputSchema: z.object({ id: z.string().describe('like C-17') }),
  outputSchema: z.object({ name: z.string() }),
  execute: async () => ({ name: 'Ann' }),
})

function prompt(parts: Partial<PromptParts> = {}): string {
  return systemPrompt({ templates: templatesOf(), instructions: '', tools: [], today, ...parts })
}

describe('the text', () => {
  test('is what it is: a change of it is meant', async () => {
    await expect(`${prompt()}\n`).toMatchFileSnapshot('prompt.txt')
  })

  test('has at most 600 tokens without tools, since every request pays for it', () => {
    for (const count of [countO200k, countCl100k]) expect(count(prompt())).toBeLessThanOrEqual(600)
  })

  const page = readFileSync(join(import.meta.dirname, '../../docs/prompt.md'), 'utf8')

  test('is explained line by line', () => {
    const quoted = page.matchAll(/^> (.*)$/gm)
    const lines = templatesOf()
      .system.split('\n')
      .filter((line) => line !== '')
    expect(Array.from(quoted, ([, line]) => line)).toEqual(lines)
  })

  test('has the number of tokens that its page says', () => {
    const [, said] = /\((\d+) tokens without tools/.exec(page) ?? []
    expect(Number(said)).toBe(countO200k(prompt()))
  })

  test('is the same bytes for the same parts, at any time of the same day', () => {
    const parts = { instructions: 'Be brief.' }
    expect(prompt(parts)).toBe(prompt({ ...parts, today: Date.UTC(2026, 10, 23) }))
    expect(prompt(parts)).toContain('Today is 2026-11-23 (UTC).')
    expect(prompt(parts)).toMatch(/Instructions:\nBe brief\.$/)
  })

  test('has the tools as TypeScript, with what they return', () => {
    const { tools } = define({ model, tools: [lookup] }, undefined)
    const text = prompt({ tools: [...tools.values()] })
    expect(text).toContain('/** Finds a customer */')
    expect(text).toContain('like C-17')
    expect(text).toContain('Promise<{ name: string }>')
  })

  test('tells an outputSchema as what finalAnswer takes: defaults may be left out', () => {
    const outputSchema = z.object({ total: z.number(), note: z.string().default('none') })
    const { answer } = define({ model, outputSchema }, undefined)
    expect(prompt({ answer })).toMatch(
      /The answer must fit:\n\n\/\*\* Ends the task\. \*\/\nfinalAnswer\(input: \{ total: number;.*note\?: string \}\): never/,
    )
    expect(prompt()).not.toContain('The answer must fit')
  })
})

describe('a template', () => {
  const system = 'S {{acting}}\n\n{{today}}\n\n{{tools}}\n\n{{answer}}\n\n{{instructions}}'

  test('takes the place of the text, paragraph by paragraph', () => {
    const { templates, instructions } = define(
      { model, promptTemplates: { system }, instructions: 'Be brief.' },
      undefined,
    )
    expect(prompt({ templates, instructions })).toMatch(
      /^S Call run_code[^\n]*\n\n2026-11-23\n\nThere are no tools, only the language\.\n\nInstructions:\nBe brief\.$/,
    )
    expect(prompt({ templates })).toMatch(/the language\.$/)
  })

  test('is not looked for in what is filled in', () => {
    expect(prompt({ instructions: 'Say {{tools}} and $& twice' })).toMatch(/Say \{\{tools\}\} and \$& twice$/)
    const templates = templatesOf({ finalAnswer: '{{task}}, {{limit}}' })
    expect(fill(templates, 'finalAnswer', { task: '{{limit}}', limit: 'time' })).toBe('{{limit}}, time')
  })

  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ system: `${system} {{user}}` }, /system has a placeholder \{\{user\}\} that is not known/],
    [{ system: system.replace('{{tools}}', '') }, /system lacks the placeholder \{\{tools\}\}/],
    [{ system: system.replace('{{answer}}', '{{ answer }}') }, /\{\{ answer \}\} that is not known/],
    [{ system: '' }, /system must be a text, and not empty/],
    [{ system: 7 }, /system must be a text/],
    [{ sytem: system }, /there is no template 'sytem'/],
    [{ finalAnswer: '{{tools}}' }, /finalAnswer has a placeholder \{\{tools\}\} that is not known/],
  ]
  test.for(wrong)('that cannot be is refused when the agent is made: %j', ([promptTemplates, message]) => {
    const make = (): unknown => define({ model, promptTemplates }, undefined)
    expect(make).toThrow(UsageError)
    expect(make).toThrow(message)
  })

  test('is named with what it may have', () => {
    try {
      templatesOf({ finalAnswer: '{{tools}}' })
    } catch (error) {
      expect(error).toMatchObject({ hint: 'It may have: {{limit}}, {{task}}.' })
    }
    expect.assertions(1)
  })
})
