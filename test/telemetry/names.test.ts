import { describe, expect, test } from 'vitest'
import { chatAttributes, definedOnly, toolAttributes } from '../../src/telemetry/attributes.ts'
import { providerName } from '../../src/telemetry/names.ts'

describe('names of the conventions', () => {
  test.each([
    ['anthropic.messages', 'anthropic'],
    ['openai.responses', 'openai'],
    ['google.generative-ai', 'gcp.gemini'],
    ['google.vertex.chat', 'gcp.vertex_ai'],
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
    expect(definedOnly(chatAttributes('gateway/anthropic/claude'))).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'gateway',
      'gen_ai.request.model': 'anthropic/claude',
    })
    expect(definedOnly(chatAttributes('local', 2, 1))).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'local',
      'pca.step': 2,
      'pca.attempt': 1,
    })
  })

  test('a tool', () => {
    expect(definedOnly(toolAttributes('run_code'))).toEqual({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'run_code',
      'gen_ai.tool.type': 'function',
    })
  })
})
