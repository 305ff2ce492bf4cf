import type { LanguageModelV2, LanguageModelV3, LanguageModelV4Prompt } from '@ai-sdk/provider'
import { describe, expect, test } from 'vitest'
import { modelName, resolveModel, type ModelGiven } from '../../src/model/resolve.ts'
import { memoryStore, PersistentCodeAgent } from '../../src/index.ts'
import { ask } from './fake-models.ts'

const V2_USAGE = {
  inputTokens: 7,
  outputTokens: 3,
  totalTokens: 10,
  cachedInputTokens: 5,
  reasoningTokens: 2,
}

function v2(parts: readonly object[], asked: unknown[] = []): LanguageModelV2 {
  return {
    specificationVersion: 'v2',
    provider: 'old',
    modelId: 'two',
    supportedUrls: {},
    doGenerate: async (options) => {
      asked.push(options)
      return { content: parts as never, finishReason: 'unknown', usage: V2_USAGE, warnings: [] }
    },
    doStream: async (options) => {
      asked.push(options)
      return { stream: ReadableStream.from(parts) as ReadableStream<never> }
    },
  }
}

function v3(parts: readonly object[], asked: unknown[] = []): LanguageModelV3 {
  return { ...v2(parts, asked), specificationVersion: 'v3', modelId: 'three' } as unknown as LanguageModelV3
}

const asked = (model: ModelGiven, more: Parameters<typeof ask>[1] = {}): ReturnType<typeof ask> =>
  ask(resolveModel(model), more)

const CALL = { type: 'tool-call', toolCallId: 'c', toolName: 'run_code', input: '{"code":"finalAnswer(1)"}' }

describe('V2', () => {
  test('finish reason and usage are read as they were written then', async () => {
    const reply = await asked(v2([CALL, { type: 'finish', finishReason: 'tool-calls', usage: V2_USAGE }]))
    expect(reply).toMatchObject({
      code: 'finalAnswer(1)',
      finishReason: 'tool-calls',
      usage: { inputTokens: 7, outputTokens: 3 },
      tokens: { cacheRead: 5, reasoning: 2 },
    })
  })

  test.each([
    ['length', /cut at the length limit/],
    ['content-filter', /content filter/],
  ])('%s is still %s', async (finishReason, mistake) => {
    const reply = await asked(v2([CALL, { type: 'finish', finishReason, usage: V2_USAGE }]))
    expect(reply.mistake).toMatch(mistake)
  })

  test('unknown is other', async () => {
    const reply = await asked(v2([CALL, { type: 'finish', finishReason: 'unknown', usage: {} }]))
    expect(reply).toMatchObject({ finishReason: 'other', usage: { inputTokens: 0, outputTokens: 0 } })
  })

  test('reasoning keeps its signature', async () => {
    const signed = { anthropic: { signature: 's' } }
    const reply = await asked(
      v2([
        { type: 'reasoning-start', id: 'r' },
        { type: 'reasoning-delta', id: 'r', delta: 'hm' },
        { type: 'reasoning-delta', id: 'r', delta: '', providerMetadata: signed },
        { type: 'reasoning-end', id: 'r' },
        CALL,
        { type: 'finish', finishReason: 'tool-calls', usage: V2_USAGE },
      ]),
    )
    expect(reply.parts[0]).toEqual({ type: 'reasoning', text: 'hm', providerMetadata: signed })
  })
})

describe('V2 and V3', () => {
  test.each([
    ['V2', v2],
    ['V3', v3],
  ] as const)(
    '%s: files cross in the way of the time, and what came later is not sent',
    async (_name, make) => {
      const sent: { prompt: unknown; reasoning?: unknown }[] = []
      const bytes = new Uint8Array([1, 2])
      const url = new URL('https://x.test/a.png')
      const prompt: LanguageModelV4Prompt = [
        { role: 'system', content: 'S' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'look' },
            { type: 'file', mediaType: 'image/png', data: { type: 'data', data: bytes } },
            { type: 'file', mediaType: 'image/png', data: { type: 'url', url } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'custom', kind: 'new.thing' },
            { type: 'text', text: 'ok' },
          ],
        },
      ]
      const finish =
        make === v2
          ? { type: 'finish', finishReason: 'stop', usage: V2_USAGE }
          : {
              type: 'finish',
              finishReason: { unified: 'stop', raw: 'stop' },
              usage: { inputTokens: { total: 7 }, outputTokens: { total: 3 } },
            }
      const model = make([{ type: 'file', mediaType: 'image/png', data: bytes }, finish], sent)
      const reply = await asked(model, { prompt, settings: { reasoning: 'high', temperature: 0.5 } })
      expect(reply.parts).toEqual([
        { type: 'file', mediaType: 'image/png', data: { type: 'data', data: bytes } },
      ])
      expect(reply.usage).toMatchObject({ inputTokens: 7, outputTokens: 3 })
      expect(sent[0]?.prompt).toMatchObject([
        { role: 'system', content: 'S' },
        { content: [{ type: 'text' }, { type: 'file', data: bytes }, { type: 'file', data: url }] },
        { content: [{ type: 'text', text: 'ok' }] },
      ])
      expect(sent[0]).toMatchObject({ temperature: 0.5, reasoning: undefined })
    },
  )

  test('an agent runs on them, under their names', async () => {
    const model = v2([CALL, { type: 'finish', finishReason: 'tool-calls', usage: V2_USAGE }])
    expect(modelName(resolveModel(model))).toBe('old/two')
    const agent = new PersistentCodeAgent({ model, store: memoryStore() })
    expect(await agent.run('Go')).toMatchObject({ status: 'completed', output: 1 })
  })
})
