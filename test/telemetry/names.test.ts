import { describe, expect, test } from 'vitest'
import { chatAttributes, replyAttributes, toolAttributes } from '../../src/telemetry/attributes.ts'
import { providerName } from '../../src/telemetry/names.ts'
import { tellableAttributes } from '../../src/telemetry/value.ts'

describe('names of the conventions', () => {
  test.each([
    ['anthropic.messages', 'anthropic'],
    ['openai.responses', 'openai'],
    ['google.generative-ai', 'gcp.gemini'],
    ['google.vertex.chat', 'gcp.vertex_ai'],
    ['vertex.anthropic.messages', 'gcp.vertex_ai'],
    ['amazon-bedrock', 'aws.bedrock'],
    ['azure.responses', 'azure.ai.openai'],
    ['mistral.chat', 'mistral_ai'],
    ['xai.chat', 'x_ai'],
    ['groq.chat', 'groq'],
    ['gateway', 'gateway'],
    ['', ''],
  ])('provider %j is %j', (provider, name) => {
    expect(providerName(provider)).toBe(name)
  })

  test('a model with slashes in its id, or without a provider', () => {
    expect(tellableAttributes(chatAttributes('gateway/anthropic/claude'))).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'gateway',
      'gen_ai.request.model': 'anthropic/claude',
    })
    const settings = { temperature: 0.2, maxOutputTokens: 9, stopSequences: ['END'], headers: { key: 's' } }
    expect(
      tellableAttributes(chatAttributes('local', { step: 2, attempt: 1, purpose: 'plan', settings })),
    ).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'local',
      'gen_ai.request.temperature': 0.2,
      'gen_ai.request.max_tokens': 9,
      'gen_ai.request.stop_sequences': ['END'],
      'pca.step': 2,
      'pca.attempt': 1,
      'pca.purpose': 'plan',
    })
  })

  test('a tool', () => {
    expect(tellableAttributes(toolAttributes('run_code'))).toEqual({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'run_code',
      'gen_ai.tool.type': 'function',
    })
  })

  test('a reply, and one whose tokens nobody counted', () => {
    const reply = {
      usage: { inputTokens: 5, outputTokens: 2, cost: 0.01 },
      tokens: { cacheRead: 3, cacheWrite: 1, reasoning: 1 },
      finishReason: 'stop',
      modelId: 'm2',
      responseId: 'r1',
    }
    expect(tellableAttributes(replyAttributes(reply))).toEqual({
      'gen_ai.usage.input_tokens': 5,
      'gen_ai.usage.output_tokens': 2,
      'gen_ai.usage.cache_read.input_tokens': 3,
      'gen_ai.usage.cache_creation.input_tokens': 1,
      'gen_ai.usage.reasoning.output_tokens': 1,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.model': 'm2',
      'gen_ai.response.id': 'r1',
      'pca.usage.cost': 0.01,
    })
    const uncounted = { usage: { inputTokens: 0, outputTokens: 0, uncounted: 1 }, finishReason: 'stop' }
    expect(tellableAttributes(replyAttributes(uncounted))).toEqual({
      'gen_ai.response.finish_reasons': ['stop'],
    })
  })
})
