/** Prompts and replies as messages of the GenAI conventions: the parts that agents here rarely see. */
import { expect, test } from 'vitest'
import type { LanguageModelV4Prompt, Reply } from '../../src/model/ask.ts'
import { instructionsTold, messagesTold, replyTold } from '../../src/run/transcript.ts'

test('a prompt: each part by its kind, and files without their bytes', () => {
  const prompt: LanguageModelV4Prompt = [
    { role: 'system', content: 'Be brief' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Look' },
        { type: 'file', mediaType: 'image/png', data: { type: 'data', data: new Uint8Array([1, 2, 3]) } },
      ],
    },
    {
      role: 'assistant',
      content: [
        { type: 'reasoning', text: 'hm' },
        { type: 'custom', kind: 'a.b' },
        { type: 'tool-call', toolCallId: 'c1', toolName: 'run_code', input: { code: '1' } },
      ],
    },
    {
      role: 'tool',
      content: [
        {
          type: 'tool-result',
          toolCallId: 'c1',
          toolName: 'run_code',
          output: { type: 'text', value: 'one' },
        },
      ],
    },
  ]
  expect(instructionsTold(prompt)).toEqual([{ type: 'text', content: 'Be brief' }])
  expect(messagesTold(prompt)).toEqual([
    {
      role: 'user',
      parts: [
        { type: 'text', content: 'Look' },
        { type: 'file', mime_type: 'image/png' },
      ],
    },
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', content: 'hm' },
        { type: 'custom' },
        { type: 'tool_call', id: 'c1', name: 'run_code', arguments: { code: '1' } },
      ],
    },
    {
      role: 'tool',
      parts: [{ type: 'tool_call_response', id: 'c1', response: { type: 'text', value: 'one' } }],
    },
  ])
})

test('a reply: arguments that are no JSON stand as the model wrote them', () => {
  const reply: Reply = {
    parts: [
      { type: 'text', text: 'I look' },
      { type: 'tool-call', toolCallId: 'c1', toolName: 'run_code', input: '{"code": ' },
      { type: 'tool-result', toolCallId: 'w1', toolName: 'web', result: [1] },
      { type: 'source', url: 'https://example.com' },
    ],
    text: 'I look',
    usage: { inputTokens: 1, outputTokens: 1 },
    tokens: {},
    finishReason: 'length',
  }
  expect(replyTold(reply)).toEqual([
    {
      role: 'assistant',
      parts: [
        { type: 'text', content: 'I look' },
        { type: 'tool_call', id: 'c1', name: 'run_code', arguments: '{"code": ' },
        { type: 'tool_call_response', id: 'w1', response: [1] },
        { type: 'source' },
      ],
      finish_reason: 'length',
    },
  ])
})
