import type { LanguageModelV4 } from '@ai-sdk/provider'
import { describe, expect, test } from 'vitest'
import type { Delta } from '../../src/model/ask.ts'
import { specUsage } from '../../src/model/usage.ts'
import { type Part, ask, call, fakeModel, finish, prompt, streaming, text } from './fake-models.ts'

describe('the request', () => {
  test("'tool' offers run_code and nothing else, and forces nothing", async () => {
    const model = streaming(call('{"code":"1"}'), finish('tool-calls'))
    await ask(model)
    const [options] = model.asked
    expect(options?.tools).toMatchObject([
      { type: 'function', name: 'run_code', inputSchema: { required: ['code'] } },
    ])
    expect(options).not.toHaveProperty('toolChoice')
    expect(options?.prompt).toBe(prompt)
  })

  test("'none' offers no tool", async () => {
    const model = streaming(...text('done'), finish())
    const reply = await ask(model, { format: 'none' })
    expect(model.asked[0]).not.toHaveProperty('tools')
    expect(reply).toMatchObject({ text: 'done' })
    expect(reply).not.toHaveProperty('code')
    expect(reply).not.toHaveProperty('mistake')
  })

  test('the tool is declared the same, byte for byte, in every request', async () => {
    const model = streaming(...text('x'), finish())
    await ask(model)
    await ask(model)
    expect(JSON.stringify(model.asked[0]?.tools)).toBe(JSON.stringify(model.asked[1]?.tools))
  })
})

describe('parts come back verbatim', () => {
  test("Anthropic's signature on an empty reasoning-delta is kept", async () => {
    const reply = await ask(
      streaming(
        { type: 'reasoning-start', id: '0' },
        { type: 'reasoning-delta', id: '0', delta: 'think' },
        {
          type: 'reasoning-delta',
          id: '0',
          delta: '',
          providerMetadata: { anthropic: { signature: 'sig' } },
        },
        { type: 'reasoning-end', id: '0' },
        call('{"code":"1"}'),
        finish('tool-calls'),
      ),
    )
    expect(reply.parts).toEqual([
      { type: 'reasoning', text: 'think', providerMetadata: { anthropic: { signature: 'sig' } } },
      { type: 'tool-call', toolCallId: 'c1', toolName: 'run_code', input: '{"code":"1"}' },
    ])
  })

  test('a wholly empty part with metadata is kept, one without is not', async () => {
    const reply = await ask(
      streaming(
        { type: 'reasoning-start', id: 'a', providerMetadata: { anthropic: { redactedData: 'xx' } } },
        { type: 'reasoning-end', id: 'a' },
        { type: 'text-start', id: 'b' },
        { type: 'text-end', id: 'b' },
        { type: 'text-start', id: 'c' },
        { type: 'text-delta', id: 'c', delta: '', providerMetadata: { google: { thoughtSignature: 's' } } },
        { type: 'text-end', id: 'c' },
        ...text('hello', 'd'),
        finish(),
      ),
    )
    expect(reply.parts).toEqual([
      { type: 'reasoning', text: '', providerMetadata: { anthropic: { redactedData: 'xx' } } },
      { type: 'text', text: '', providerMetadata: { google: { thoughtSignature: 's' } } },
      { type: 'text', text: 'hello' },
    ])
    expect(reply.text).toBe('hello')
  })

  test('metadata of start, deltas and end is merged by provider and key, the later one wins', async () => {
    const reply = await ask(
      streaming(
        {
          type: 'reasoning-start',
          id: 'r',
          providerMetadata: { openai: { itemId: 'rs_1', reasoningEncryptedContent: null } },
        },
        { type: 'reasoning-delta', id: 'r', delta: 'hm', providerMetadata: { other: { a: 1 } } },
        {
          type: 'reasoning-end',
          id: 'r',
          providerMetadata: { openai: { reasoningEncryptedContent: 'enc' } },
        },
        ...text('ok'),
        finish(),
      ),
    )
    expect(reply.parts[0]).toEqual({
      type: 'reasoning',
      text: 'hm',
      providerMetadata: { openai: { itemId: 'rs_1', reasoningEncryptedContent: 'enc' }, other: { a: 1 } },
    })
  })

  test('interleaved blocks stand where they began; an id that is used again is a new block', async () => {
    const reply = await ask(
      streaming(
        { type: 'text-start', id: '1' },
        { type: 'reasoning-start', id: '1' },
        { type: 'text-delta', id: '1', delta: 'he' },
        { type: 'reasoning-delta', id: '1', delta: 'why' },
        { type: 'custom', kind: 'anthropic.message_start', providerMetadata: { anthropic: { x: true } } },
        { type: 'text-delta', id: '1', delta: 'llo' },
        { type: 'text-end', id: '1' },
        { type: 'reasoning-end', id: '1' },
        ...text(' world', '1'),
        finish(),
      ),
    )
    expect(reply.parts).toEqual([
      { type: 'text', text: 'hello' },
      { type: 'reasoning', text: 'why' },
      { type: 'custom', kind: 'anthropic.message_start', providerMetadata: { anthropic: { x: true } } },
      { type: 'text', text: ' world' },
    ])
    expect(reply.text).toBe('hello world')
  })

  test('a delta without a start begins a block', async () => {
    const reply = await ask(
      streaming(
        { type: 'text-delta', id: 'x', delta: 'a' },
        { type: 'text-delta', id: 'x', delta: 'b' },
        finish(),
      ),
    )
    expect(reply.parts).toEqual([{ type: 'text', text: 'ab' }])
  })

  test('files, sources, citations and provider-executed pairs are kept; URLs become text, bytes stay bytes', async () => {
    const reply = await ask(
      streaming(
        { type: 'file', mediaType: 'image/png', data: { type: 'data', data: new Uint8Array([1, 2]) } },
        { type: 'file', mediaType: 'image/png', data: { type: 'url', url: new URL('https://x.test/a.png') } },
        { type: 'source', sourceType: 'url', id: 's', url: 'https://x.test' },
        {
          type: 'tool-call',
          toolCallId: 'w',
          toolName: 'web_search',
          input: '{"q":"x"}',
          providerExecuted: true,
        },
        {
          type: 'tool-result',
          toolCallId: 'w',
          toolName: 'web_search',
          result: { part: 1 },
          preliminary: true,
        },
        { type: 'tool-result', toolCallId: 'w', toolName: 'web_search', result: { hits: 1 } },
        { type: 'text-start', id: 't' },
        { type: 'text-delta', id: 't', delta: 'see' },
        {
          type: 'text-end',
          id: 't',
          citations: [{ source: { type: 'source', sourceType: 'url', id: 's', url: 'https://x.test' } }],
        },
        finish(),
      ),
    )
    expect(reply.parts.map((part) => part.type)).toEqual([
      'file',
      'file',
      'source',
      'tool-call',
      'tool-result',
      'text',
    ])
    expect(reply.parts[0]).toEqual({
      type: 'file',
      mediaType: 'image/png',
      data: { type: 'data', data: new Uint8Array([1, 2]) },
    })
    expect(reply.parts[1]).toEqual({
      type: 'file',
      mediaType: 'image/png',
      data: { type: 'url', url: 'https://x.test/a.png' },
    })
    expect(reply.parts[4]).toMatchObject({ result: { hits: 1 } })
    expect(reply.parts[5]).toMatchObject({ citations: [{ source: { id: 's' } }] })
    // A provider's own call is not ours to run: this reply is an answer.
    expect(reply).toMatchObject({ text: 'see' })
    expect(reply).not.toHaveProperty('mistake')
  })

  test('what could not be stored is made plain', async () => {
    const odd = { when: new Date(0), gone: undefined, url: new URL('https://x.test/') }
    const reply = await ask(
      streaming(
        { type: 'custom', kind: 'a.b', providerMetadata: { p: odd as never } },
        ...text('t'),
        finish(),
      ),
    )
    expect(reply.parts[0]).toEqual({
      type: 'custom',
      kind: 'a.b',
      providerMetadata: { p: { when: '1970-01-01T00:00:00.000Z', url: 'https://x.test/' } },
    })
  })

  test('an empty or repeated call id gets a new one, or no provider could pair the results', async () => {
    const reply = await ask(
      streaming(
        call('{"code":"1"}', ''),
        call('{"code":"2"}', 'a'),
        call('{"code":"3"}', 'a'),
        finish('tool-calls'),
      ),
    )
    const ids = reply.parts.map((part) => (part.type === 'tool-call' ? part.toolCallId : ''))
    expect(new Set(ids).size).toBe(3)
    expect(ids[1]).toBe('a')
    expect(ids).not.toContain('')
  })
})

describe('usage and names', () => {
  const withUsage = (usage: unknown, providerMetadata?: unknown): Part =>
    ({
      type: 'finish',
      finishReason: { unified: 'stop', raw: 'stop' },
      usage,
      ...(providerMetadata === undefined ? {} : { providerMetadata }),
    }) as Part

  test('the totals, and who answered', async () => {
    const reply = await ask(
      streaming({ type: 'response-metadata', id: 'r1', modelId: 'm1' }, ...text('x'), finish()),
    )
    expect(reply).toMatchObject({
      usage: { inputTokens: 7, outputTokens: 3 },
      finishReason: 'stop',
      responseId: 'r1',
      modelId: 'm1',
    })
    expect(reply.usage).not.toHaveProperty('cost')
  })

  test.each([
    ['missing', undefined, { inputTokens: 0, outputTokens: 0, uncounted: 1 }],
    ['empty', {}, { inputTokens: 0, outputTokens: 0, uncounted: 1 }],
    [
      'of parts only',
      { inputTokens: { noCache: 5, cacheRead: 2 }, outputTokens: { text: 1, reasoning: 4 } },
      { inputTokens: 7, outputTokens: 5 },
    ],
    [
      'nonsense',
      { inputTokens: { total: Number.NaN }, outputTokens: { total: -1 } },
      { inputTokens: 0, outputTokens: 0 },
    ],
  ])('usage that is %s', async (_name, usage, expected) => {
    expect((await ask(streaming(...text('x'), withUsage(usage)))).usage).toEqual(expected)
  })

  test('cached and reasoning tokens are told apart', async () => {
    const reply = await ask(
      streaming(
        ...text('x'),
        withUsage({
          inputTokens: { total: 9, cacheRead: 4, cacheWrite: 1 },
          outputTokens: { total: 2, reasoning: 1 },
        }),
      ),
    )
    expect(reply.tokens).toEqual({ cacheRead: 4, cacheWrite: 1, reasoning: 1 })
  })

  test.each([
    ['AI Gateway, as text', {}, { gateway: { cost: '0.25' } }, 0.25],
    ['OpenRouter', {}, { openrouter: { usage: { cost: 0.5 } } }, 0.5],
    ['the raw usage', { raw: { cost: 0.125 } }, undefined, 0.125],
    ['no price at all', { raw: { cost: 'x' } }, { gateway: { cost: '' } }, undefined],
  ])('cost from %s', async (_name, usage, metadata, cost) => {
    expect((await ask(streaming(...text('x'), withUsage(usage, metadata)))).usage.cost).toBe(cost)
  })
})

describe('deltas', () => {
  const watch = async (...parts: readonly Part[]): Promise<readonly Delta[]> => {
    const deltas: Delta[] = []
    await ask(streaming(...parts), { onDelta: (delta) => deltas.push(delta) })
    return deltas
  }
  const codeOf = (deltas: readonly Delta[]): string =>
    deltas.map((delta) => (delta.kind === 'code' ? delta.text : '')).join('')
  const begun = (id: string): Part => ({ type: 'tool-input-start', id, toolName: 'run_code' })
  const grown = (id: string, delta: string): Part => ({ type: 'tool-input-delta', id, delta })

  test('text, reasoning and code as they arrive; empty ones are not shown', async () => {
    expect(
      await watch(
        { type: 'reasoning-start', id: 'r' },
        { type: 'reasoning-delta', id: 'r', delta: 'hm' },
        { type: 'reasoning-delta', id: 'r', delta: '', providerMetadata: { a: { s: 1 } } },
        ...text('so'),
        begun('c1'),
        grown('c1', '{"co'),
        grown('c1', 'de":"let a'),
        grown('c1', ' = 1"}'),
        call('{"code":"let a = 1"}'),
        finish('tool-calls'),
      ),
    ).toEqual([
      { kind: 'reasoning', text: 'hm' },
      { kind: 'text', text: 'so' },
      { kind: 'code', text: 'let a' },
      { kind: 'code', text: ' = 1' },
    ])
  })

  test('a call that was not streamed is shown whole', async () => {
    expect(await watch(call('{"code":"1 + 1"}'), finish('tool-calls'))).toEqual([
      { kind: 'code', text: '1 + 1' },
    ])
  })

  test('the code deltas of several calls, joined, are the code of the reply', async () => {
    const parts = [
      begun('a'),
      grown('a', '{"code":"let x = 1'),
      grown('a', '"}'),
      call('{"code":"let x = 1"}', 'a'),
      call('{"code":"x"}', 'b'),
      finish('tool-calls'),
    ]
    expect(codeOf(await watch(...parts))).toBe((await ask(streaming(...parts))).code)
  })

  test('calls that are written at the same time are shown one after the other', async () => {
    const parts = [
      begun('a'),
      begun('b'),
      grown('a', '{"code":"a1;'),
      grown('b', '{"code":"b1;'),
      grown('a', 'a2"}'),
      grown('b', 'b2"}'),
      call('{"code":"a1;a2"}', 'a'),
      call('{"code":"b1;b2"}', 'b'),
      finish('tool-calls'),
    ]
    expect(codeOf(await watch(...parts))).toBe((await ask(streaming(...parts))).code)
  })

  test('raw text input and the calls of other tools', async () => {
    const raw: Part = { type: 'tool-input-start', id: 'c1', toolName: 'run_code', inputEncoding: 'text' }
    expect(
      codeOf(await watch(raw, grown('c1', 'let "a"'), call('"let \\"a\\""'), finish('tool-calls'))),
    ).toBe('let "a"')
    const other: Part = { type: 'tool-input-start', id: 'c1', toolName: 'other' }
    expect(
      codeOf(
        await watch(other, grown('c1', '{"code":"no"}'), call('{"code":"no"}', 'c1', 'other'), finish()),
      ),
    ).toBe('')
  })

  test('a watcher that throws changes nothing', async () => {
    const reply = await ask(streaming(...text('x'), finish()), {
      onDelta: () => {
        throw new Error('watcher')
      },
    })
    expect(reply.text).toBe('x')
  })
})

describe('a model that cannot stream', () => {
  const generating = (doStream: unknown): LanguageModelV4 => ({
    specificationVersion: 'v4',
    provider: 'fake',
    modelId: 'g',
    supportedUrls: {},
    doGenerate: async () => ({
      content: [
        { type: 'reasoning', text: 'r', providerMetadata: { p: { signature: 's' } } },
        { type: 'text', text: 'hi' },
        { type: 'tool-call', toolCallId: 'c', toolName: 'run_code', input: '{"code":"1"}' },
      ],
      finishReason: { unified: 'tool-calls', raw: 'x' },
      usage: specUsage(1, 2),
      warnings: [],
      response: { id: 'i', modelId: 'm' },
    }),
    doStream: doStream as LanguageModelV4['doStream'],
  })

  test.each([
    ['has no doStream', undefined],
    [
      'says it is not supported',
      async () => {
        throw Object.assign(new Error("'streaming' functionality not supported."), {
          name: 'AI_UnsupportedFunctionalityError',
        })
      },
    ],
    [
      'says it is not implemented, at once',
      () => {
        throw new Error('Not implemented')
      },
    ],
  ])('%s', async (_name, doStream) => {
    const deltas: Delta[] = []
    const reply = await ask(generating(doStream), { onDelta: (delta) => deltas.push(delta) })
    expect(reply).toMatchObject({
      code: '1',
      text: 'hi',
      usage: { inputTokens: 1, outputTokens: 2 },
      responseId: 'i',
      modelId: 'm',
    })
    expect(reply.parts.map((part) => part.type)).toEqual(['reasoning', 'text', 'tool-call'])
    expect(deltas.map((delta) => delta.kind)).toEqual(['reasoning', 'text', 'code'])
  })

  test('any other failure of doStream is a failure', async () => {
    await expect(
      ask(
        fakeModel(() => {
          throw new Error('no')
        }),
      ),
    ).rejects.toThrow('The model fake/model failed: no')
  })
})
