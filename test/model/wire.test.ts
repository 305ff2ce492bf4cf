/** What goes along with a request, by provider. On the wires themselves: test/e2e/wire-replies.test.ts. */
import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import { describe, expect, test } from 'vitest'
import { wire } from '../../src/model/wire.ts'

const prompt: LanguageModelV4Prompt = [
  { role: 'system', content: 'S' },
  { role: 'user', content: [{ type: 'text', text: 'a' }], providerOptions: { pca: { task: 1 } } },
  { role: 'user', content: [{ type: 'text', text: 'b' }] },
]
const of = (provider: string, modelId = 'm'): { provider: string; modelId: string } => ({ provider, modelId })
const cacheControl = { type: 'ephemeral' }

describe('cache markers', () => {
  test.each(['anthropic', 'anthropic.messages', 'vertex.anthropic.messages'])('of %s', (provider) => {
    const [system, task, last] = wire(of(provider), prompt).prompt
    expect(system?.providerOptions).toEqual({ anthropic: { cacheControl } })
    expect(task).toBe(prompt[1])
    expect(last?.providerOptions).toEqual({ anthropic: { cacheControl } })
  })

  test('stand beside what a message carries already', () => {
    const [, task] = wire(of('anthropic'), prompt.slice(0, 2)).prompt
    expect(task?.providerOptions).toEqual({ pca: { task: 1 }, anthropic: { cacheControl } })
  })

  test("are the author's, who marks the request and not its last message", () => {
    const mine = { type: 'ephemeral', ttl: '1h' }
    const wired = wire(of('anthropic'), prompt, { anthropic: { cacheControl: mine } })
    expect(wired.prompt[0]?.providerOptions).toEqual({ anthropic: { cacheControl: mine } })
    expect(wired.prompt[2]).toBe(prompt[2])
    expect(wired.providerOptions).toEqual({ anthropic: { cacheControl: mine } })
  })

  test.each([of('gateway', 'anthropic/claude')])('go through the gateway too', (model) => {
    expect(wire(model, prompt).prompt[0]?.providerOptions).toEqual({ anthropic: { cacheControl } })
  })

  test.each(['openai', 'google', 'local.chat', 'misanthropic', 'bedrock'])('are not for %s', (provider) => {
    expect(wire(of(provider), prompt).prompt).toBe(prompt)
  })
})

describe('OpenAI keeps nothing', () => {
  test.each([of('openai'), of('openai.responses'), of('azure.responses'), of('gateway', 'openai/gpt')])(
    '%j',
    (model) => {
      expect(wire(model, prompt).providerOptions).toEqual({ openai: { store: false } })
      const mine = { openai: { store: true, user: 'u' }, other: { a: 1 } }
      expect(wire(model, prompt, mine).providerOptions).toEqual(mine)
    },
  )

  test('under the name that the author has used for Azure', () => {
    expect(wire(of('azure.responses'), prompt, { azure: { user: 'u' } }).providerOptions).toEqual({
      azure: { store: false, user: 'u' },
    })
  })

  test.each(['openai.chat', 'anthropic', 'google', 'xai.chat'])('%s is not asked', (provider) => {
    expect(wire(of(provider), prompt)).not.toHaveProperty('providerOptions')
  })
})
