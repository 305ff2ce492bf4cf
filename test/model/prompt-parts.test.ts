import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ReplyPart, plain, replyPartsOf, toolCallIdsOf } from '../../src/model/parts.ts'
import { promptPartsOf } from '../../src/model/prompt-parts.ts'
import { ask, call, finish, streaming, text } from './fake-models.ts'

describe('the assistant message of a reply', () => {
  test('metadata becomes options, the order is kept, input is parsed', async () => {
    const { parts } = await ask(
      streaming(
        { type: 'reasoning-start', id: 'r' },
        {
          type: 'reasoning-delta',
          id: 'r',
          delta: '',
          providerMetadata: { anthropic: { signature: 'sig' } },
        },
        { type: 'custom', kind: 'anthropic.compaction', providerMetadata: { anthropic: { content: 'c' } } },
        ...text('I look.'),
        { ...call('{"code":"1"}'), providerMetadata: { google: { thoughtSignature: 't' } } } as never,
        finish('tool-calls'),
      ),
    )
    expect(promptPartsOf(parts)).toEqual([
      { type: 'reasoning', text: '', providerOptions: { anthropic: { signature: 'sig' } } },
      { type: 'custom', kind: 'anthropic.compaction', providerOptions: { anthropic: { content: 'c' } } },
      { type: 'text', text: 'I look.' },
      {
        type: 'tool-call',
        toolCallId: 'c1',
        toolName: 'run_code',
        input: { code: '1' },
        providerOptions: { google: { thoughtSignature: 't' } },
      },
    ])
  })

  test('files go back with their bytes, and URLs as URLs', () => {
    const parts = replyPartsOf([
      { type: 'file', mediaType: 'image/png', data: { type: 'data', data: new Uint8Array([7]) } },
      { type: 'reasoning-file', mediaType: 'image/png', data: { type: 'data', data: 'aGk=' } },
      {
        type: 'file',
        mediaType: 'text/plain',
        data: { type: 'url', url: new URL('gs://b/A'), originalUrl: 'gs://b/A' },
      },
    ])
    const [bytes, reasoning, url] = promptPartsOf(parts)
    expect(bytes).toEqual({
      type: 'file',
      mediaType: 'image/png',
      data: { type: 'data', data: new Uint8Array([7]) },
    })
    expect(reasoning).toEqual({
      type: 'reasoning-file',
      mediaType: 'image/png',
      data: { type: 'data', data: 'aGk=' },
    })
    expect(url).toEqual({
      type: 'file',
      mediaType: 'text/plain',
      data: { type: 'url', url: new URL('gs://b/A'), originalUrl: 'gs://b/A' },
    })
  })

  test("a provider's own call goes back with its result, and is not ours to answer", () => {
    const parts = replyPartsOf([
      { type: 'tool-call', toolCallId: 'w', toolName: 'web', input: '{"q":1}', providerExecuted: true },
      { type: 'tool-result', toolCallId: 'w', toolName: 'web', result: { hits: [] } },
      { type: 'tool-result', toolCallId: 'v', toolName: 'web', result: 'text' },
      { type: 'tool-result', toolCallId: 'u', toolName: 'web', result: { e: 1 }, isError: true },
      { type: 'source', sourceType: 'url', id: 's', url: 'https://x.test' },
      { type: 'tool-call', toolCallId: 'c', toolName: 'run_code', input: '{}' },
      { type: 'tool-call', toolCallId: 'd', toolName: 'other', input: '{}' },
    ])
    expect(promptPartsOf(parts)).toEqual([
      { type: 'tool-call', toolCallId: 'w', toolName: 'web', input: { q: 1 }, providerExecuted: true },
      {
        type: 'tool-result',
        toolCallId: 'w',
        toolName: 'web',
        output: { type: 'json', value: { hits: [] } },
      },
      { type: 'tool-result', toolCallId: 'v', toolName: 'web', output: { type: 'text', value: 'text' } },
      {
        type: 'tool-result',
        toolCallId: 'u',
        toolName: 'web',
        output: { type: 'error-json', value: { e: 1 } },
      },
      { type: 'tool-call', toolCallId: 'c', toolName: 'run_code', input: {} },
      { type: 'tool-call', toolCallId: 'd', toolName: 'other', input: {} },
    ])
    expect(toolCallIdsOf(parts)).toEqual([
      { toolCallId: 'c', toolName: 'run_code' },
      { toolCallId: 'd', toolName: 'other' },
    ])
  })

  test.each([
    ['malformed', '{"code":"1', { malformed: '{"code":"1' }],
    ['a list', '[1]', { malformed: '[1]' }],
    ['a number', '1', { malformed: '1' }],
    ['bare text', '"1 + 1"', { code: '1 + 1' }],
    ['empty', '', {}],
  ])('input that is %s becomes an object, as providers want it', (_name, input, expected) => {
    expect(
      promptPartsOf([{ type: 'tool-call', toolCallId: 'c', toolName: 'run_code', input }]),
    ).toMatchObject([{ input: expected }])
  })

  test('is never empty and never bare reasoning', () => {
    const empty = [{ type: 'text', text: '(empty reply)' }]
    expect(promptPartsOf([])).toEqual(empty)
    expect(promptPartsOf([{ type: 'reasoning', text: 'hm', providerMetadata: { a: { s: 1 } } }])).toEqual(
      empty,
    )
    expect(promptPartsOf([{ type: 'source', url: 'x' }])).toEqual(empty)
    // Anthropic's stream begins with such a part: alone it makes no message.
    const begun: ReplyPart = { type: 'custom', kind: 'anthropic.message_start' }
    expect(promptPartsOf([begun, { type: 'text', text: ' ' }])).toEqual([begun, ...empty])
  })

  test('for another model, what only the first one understands is left out', () => {
    const parts: readonly ReplyPart[] = [
      { type: 'reasoning', text: 'r', providerMetadata: { a: { s: 1 } } },
      { type: 'custom', kind: 'a.b' },
      { type: 'text', text: '', providerMetadata: { a: { s: 1 } } },
      { type: 'text', text: 'hi', providerMetadata: { a: { id: 1 } } },
      {
        type: 'file',
        mediaType: 'image/png',
        data: { type: 'data', data: 'x' },
        providerMetadata: { a: { id: 2 } },
      },
      { type: 'tool-call', toolCallId: 'w', toolName: 'web', input: '{}', providerExecuted: true },
      { type: 'tool-result', toolCallId: 'w', toolName: 'web', result: 1 },
      {
        type: 'tool-call',
        toolCallId: 'c',
        toolName: 'run_code',
        input: '{"code":"1"}',
        providerMetadata: { a: { id: 3 } },
      },
    ]
    expect(promptPartsOf(parts, { foreign: true })).toEqual([
      { type: 'text', text: 'hi' },
      { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'x' } },
      { type: 'tool-call', toolCallId: 'c', toolName: 'run_code', input: { code: '1' } },
    ])
    expect(promptPartsOf([{ type: 'reasoning', text: 'r' }], { foreign: true })).toEqual([
      { type: 'text', text: '(empty reply)' },
    ])
  })

  test('is the same after the parts have been stored as JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), fc.string(), (values, words) => {
        const parts = replyPartsOf([
          { type: 'reasoning', text: '', providerMetadata: { p: values } },
          { type: 'text', text: words, providerMetadata: { p: values } },
        ])
        const stored: readonly ReplyPart[] = JSON.parse(JSON.stringify(parts))
        expect(JSON.stringify(promptPartsOf(stored))).toBe(JSON.stringify(promptPartsOf(parts)))
        expect(JSON.parse(JSON.stringify(parts[1]))).toEqual(
          JSON.parse(JSON.stringify({ type: 'text', text: words, providerMetadata: { p: values } })),
        )
      }),
    )
  })
})

describe('plain', () => {
  test('copies: what a provider changes afterwards changes nothing', () => {
    const bytes = new Uint8Array([1])
    const given = { deep: { list: [1] }, bytes }
    const copy = plain(given)
    given.deep.list.push(2)
    bytes[0] = 9
    expect(copy).toEqual({ deep: { list: [1] }, bytes: new Uint8Array([1]) })
  })

  test('a Buffer becomes bytes of its own', () => {
    const copy = plain(Buffer.from('hi'))
    expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype)
    expect(copy).toEqual(new Uint8Array([104, 105]))
  })

  test('a __proto__ key stays a key', () => {
    const copy = plain(JSON.parse('{"__proto__":{"evil":true}}'))
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"evil":true}}')
  })

  test('leaves out what is no data, and keeps places in lists', () => {
    expect(plain({ f: () => 1, u: undefined, s: Symbol('x'), n: 1n, list: [undefined, 1] })).toEqual({
      n: '1',
      list: [null, 1],
    })
  })
})
