/** What models say that is not one good call, on the wires of real providers; and a change of model in mid-run. */
import { describe, expect, test } from 'vitest'
import { memoryStore, PersistentCodeAgent, tool, type PersistentAgentOptions } from '../../src/index.ts'
import { modelAt, type Provider } from '../model/fixtures/wire-models.ts'
import { WireServer, type Sent, type WireTurn } from '../model/fixtures/wire-server.ts'
import { agentOf, entriesOf, goOn, must, output, rested } from './fixtures/bench.ts'

const ALL = ['anthropic', 'openai', 'google', 'compatible'] as const

async function agentAt(server: WireServer, provider: Provider, more: Partial<PersistentAgentOptions> = {}) {
  const model = await modelAt(provider, server.url)
  return new PersistentCodeAgent({ model, store: memoryStore(), maxRetries: 0, pauseGrace: 1, ...more })
}

const FINISH: WireTurn = { code: ['finalAnswer("done")'] }

describe.each(ALL)('%s', (provider) => {
  test('several calls in one reply run as one program; each is answered', async () => {
    await using server = await WireServer.open([{ code: ['const a = 1', 'print(a + 1)'] }, FINISH])
    const agent = await agentAt(server, provider)
    expect(output(await agent.run('Go'))).toBe('done')
    expect(agent.memory.steps[1]).toMatchObject({ code: 'const a = 1\n;\nprint(a + 1)', output: '2\n' })
    const { text } = must(server.sent[1])
    expect(text).toContain('Its output is shown with the last call.')
    expect(text).toContain('Printed:')
  })

  test('a truncated reply never runs, and the model is told to write less', async () => {
    let ran = 0
    const pay = tool({ name: 'pay', description: 'Pays', execute: async () => void ran++ })
    const length = provider === 'google' ? 'MAX_TOKENS' : 'length'
    await using server = await WireServer.open([{ code: ['await pay({})'], finishReason: length }, FINISH])
    if (provider === 'openai') server.say(INCOMPLETE)
    const agent = await agentAt(server, provider, { tools: [pay] })
    expect(output(await agent.run('Go'))).toBe('done')
    expect(ran).toBe(0)
    expect(must(server.sent[1]).text).toContain('cut at the length limit, so nothing of it ran')
  })

  test('a reply that a content filter stopped never runs', async () => {
    let ran = 0
    const pay = tool({ name: 'pay', description: 'Pays', execute: async () => void ran++ })
    const filtered = provider === 'google' ? 'SAFETY' : 'content_filter'
    await using server = await WireServer.open([{ code: ['await pay({})'], finishReason: filtered }, FINISH])
    if (provider === 'anthropic') server.say(REFUSAL)
    if (provider === 'openai') server.say(FILTERED)
    const agent = await agentAt(server, provider, { tools: [pay] })
    expect(output(await agent.run('Go'))).toBe('done')
    expect(ran).toBe(0)
    expect(must(server.sent[1]).text).toContain('stopped by a content filter')
  })

  test.each([
    ['text', 'I add.\n```ts\nconst n = 20\n```'],
    ['json', '{"thoughts":"I add.","code":"const n = 20"}'],
  ] as const)(
    'code as %s: no tool is offered, what was said goes back, and the run goes on',
    async (actionFormat, said) => {
      const last =
        actionFormat === 'text'
          ? '```ts\nfinalAnswer(n + 1)\n```'
          : '{"thoughts":"","code":"finalAnswer(n + 1)"}'
      await using server = await WireServer.open([{ text: said }, { text: last }])
      const agent = await agentAt(server, provider, { actionFormat })
      expect(output(await agent.run('What is 20 and 1?'))).toBe(21)
      const [first, second] = server.sent
      expect(must(first).body).not.toHaveProperty('tools')
      expect(must(first).text).toContain(
        actionFormat === 'text' ? 'block that begins with ```ts' : 'Reply with one JSON object',
      )
      expect(must(first).text).not.toContain('Call run_code')
      expect(must(second).text).toContain(JSON.stringify(said).slice(1, -1))
      expect(must(second).text).toContain('New variables: n')
      if (actionFormat === 'json')
        expect(must(first).text).toMatch(
          /json_schema|responseJsonSchema|responseSchema|response_format|output_config|output_format|"json"/,
        )
    },
  )

  test('the forced last answer offers no tool, and the calls before it are told as text', async () => {
    await using server = await WireServer.open([
      { reasoning: 'hm', signature: 's1', code: ['const n = 20'] },
      { text: 'It is 21.' },
    ])
    const agent = await agentAt(server, provider, { maxSteps: 1 })
    expect(rested(await agent.run('What is 20 and 1?'), 'completed')).toMatchObject({
      output: 'It is 21.',
      reason: 'maxSteps',
    })
    const { body, text } = must(server.sent[1])
    expect(body).not.toHaveProperty('tools')
    expect(text).toContain('```ts\\nconst n = 20\\n```')
    expect(text).toContain('New variables: n')
    expect(text).not.toMatch(
      /tool_use|tool_result|function_call|functionCall|tool_calls|signature|encrypted_content":/i,
    )
  })
})

describe('a change of model in mid-run', () => {
  const TURNS: readonly WireTurn[] = [
    {
      reasoning: 'secret thoughts',
      signature: 's1',
      redacted: ['hidden-1'],
      text: 'First I count.',
      code: ['const n = 20'],
    },
    { reasoning: 'other thoughts', signature: 's2', code: ['const m = n + 1'] },
    { code: ['finalAnswer(m)'] },
  ]

  test.each(ALL.flatMap((one) => ALL.filter((other) => other !== one).map((other) => [one, other] as const)))(
    'from %s to %s: the text and the pairs stay, what the other thought does not',
    async (from, to) => {
      await using server = await WireServer.open(TURNS)
      const store = memoryStore()
      const first = await agentAt(server, from, { store })
      const run = await first.start('What is 20 and 1?')
      await server.requests(1)
      server.hang()
      await server.requests(2)
      await run.pause('another model')
      rested(await run.result(), 'paused')
      const second = await (await agentAt(server, to, { store })).resume()
      expect(output(await goOn(second))).toBe(21)
      const { text } = must(server.sent[2])
      expect(text).toContain('First I count.')
      expect(text).toContain('const n = 20')
      expect(text).toContain('New variables: n')
      expect(text).not.toMatch(/secret thoughts|s1"|hidden-1/)
      expect(text).toMatch(/tool_use|function_call|functionCall|tool_calls/)
      // What the second model thought itself goes back to it.
      expect(must(server.sent[3]).text).toMatch(/other thoughts/)
      const [changed] = await entriesOf(store, must(second.runId), 'options-changed')
      expect(changed?.model).toMatch(new RegExp(`^${NAMES[to]}`))
    },
  )

  test('back to the first one: it gets its own thoughts, and not those of the second', async () => {
    await using server = await WireServer.open([...TURNS.slice(0, 2), { code: ['finalAnswer(m)'] }])
    const store = memoryStore()
    const stop = async (provider: Provider, requests: number): Promise<void> => {
      const agent = await agentAt(server, provider, { store })
      const isFirst = requests === 1
      const run = await (isFirst ? agent.start('Go') : (await agent.resume()).start('Go', { reset: false }))
      await server.requests(requests)
      server.hang()
      await server.requests(requests + 1)
      await run.pause()
      await run.result()
    }
    await stop('anthropic', 1)
    await stop('google', 3)
    expect(output(await goOn(await (await agentAt(server, 'anthropic', { store })).resume()))).toBe(21)
    const { text } = must(server.sent.at(-1))
    expect(text).toContain('"signature":"s1"')
    expect(text).toContain('"data":"hidden-1"')
    expect(text).not.toMatch(/other thoughts|s2"/)
  })

  test('with another format: the calls become text, and the prompt says the new way', async () => {
    await using server = await WireServer.open([
      { reasoning: 'hm', signature: 's1', code: ['const n = 20'] },
      { text: '```ts\nfinalAnswer(n + 1)\n```' },
    ])
    const store = memoryStore()
    const first = await agentAt(server, 'anthropic', { store })
    const run = await first.start('What is 20 and 1?')
    await server.requests(1)
    server.hang()
    await server.requests(2)
    await run.pause()
    await run.result()
    const second = await (await agentAt(server, 'compatible', { store, actionFormat: 'text' })).resume()
    expect(output(await goOn(second))).toBe(21)
    const { body, text } = must(server.sent[2])
    expect(body).not.toHaveProperty('tools')
    expect(text).not.toContain('Call run_code')
    expect(text).toContain('block that begins with ```ts')
    expect(text).toContain('```ts\\nconst n = 20\\n```')
  })
})

const NAMES: Readonly<Record<Provider, string>> = {
  anthropic: 'anthropic/claude',
  openai: 'openai/gpt',
  google: 'google/gemini',
  compatible: 'local.chat/deepseek',
}

describe('what goes along with a request', () => {
  const asked = async (provider: Provider, more: Partial<PersistentAgentOptions>): Promise<Sent> => {
    await using server = await WireServer.open([FINISH])
    await (await agentAt(server, provider, more)).run('Go')
    return must(server.sent[0])
  }

  test('settings, by the name that each provider has for them', async () => {
    const modelSettings = { maxOutputTokens: 777, topP: 0.5 }
    expect((await asked('anthropic', { modelSettings })).body).toMatchObject({ max_tokens: 777, top_p: 0.5 })
    expect((await asked('openai', { modelSettings: { maxOutputTokens: 777 } })).body).toMatchObject({
      max_output_tokens: 777,
    })
    expect((await asked('google', { modelSettings })).body).toMatchObject({
      generationConfig: { maxOutputTokens: 777, topP: 0.5 },
    })
    expect((await asked('compatible', { modelSettings })).body).toMatchObject({ max_tokens: 777, top_p: 0.5 })
  })

  test("a provider's own options", async () => {
    const anthropic = { thinking: { type: 'enabled', budgetTokens: 2048 } }
    expect((await asked('anthropic', { providerOptions: { anthropic } })).body).toMatchObject({
      thinking: { type: 'enabled', budget_tokens: 2048 },
    })
    const openai = { promptCacheKey: 'mine', store: true }
    expect((await asked('openai', { providerOptions: { openai } })).body).toMatchObject({
      prompt_cache_key: 'mine',
      store: true,
    })
  })

  test('they stay with the run, also when its next process does not give them again', async () => {
    await using server = await WireServer.open([{ code: ['const n = 20'] }, FINISH])
    const store = memoryStore()
    const providerOptions = { anthropic: { thinking: { type: 'enabled', budgetTokens: 2048 } } }
    const run = await (await agentAt(server, 'anthropic', { store, providerOptions })).start('Go')
    await server.requests(1)
    server.hang()
    await server.requests(2)
    await run.pause()
    await run.result()
    const second = await (await agentAt(server, 'anthropic', { store })).resume()
    expect(output(await goOn(second))).toBe('done')
    expect(must(server.sent[2]).body).toMatchObject({ thinking: { budget_tokens: 2048 } })
    const third = await (await agentAt(server, 'anthropic', { store, providerOptions })).resume()
    await goOn(third)
    expect(await entriesOf(store, must(third.runId), 'options-changed')).toEqual([])
  })

  test('Anthropic is told where the cache may end: after the system prompt, and after the last message', async () => {
    const { body, text } = await asked('anthropic', {})
    expect(body['system']).toMatchObject([{ type: 'text', cache_control: { type: 'ephemeral' } }])
    expect(text.match(/cache_control/g)).toHaveLength(2)
    for (const other of ['openai', 'google', 'compatible'] as const)
      expect((await asked(other, {})).text).not.toMatch(/cache_?control/i)
  })

  test('OpenAI keeps nothing for us: what it thought comes and goes encrypted', async () => {
    expect((await asked('openai', {})).body).toMatchObject({
      store: false,
      include: ['reasoning.encrypted_content'],
    })
  })
})

describe('replies that cannot be used', () => {
  test('are told, each; five in a row fail the task, and whoever goes on tries again', async () => {
    const script = [...Array.from({ length: 5 }, () => ({ text: ' ' })), 'finalAnswer(1)']
    const store = memoryStore()
    const agent = agentOf({ store, script })
    const { error } = rested(await agent.run('Go'), 'failed')
    expect(error.code).toBe('MODEL')
    expect(error.message).toMatch(
      /^5 replies of scripted\/model in a row could not be used.*was empty\. Call run_code/,
    )
    const again = await agentOf({ store, script }).resume()
    expect(output(await goOn(again))).toBe(1)
  })

  test('with a good one between them are not in a row', async () => {
    const bad = Array.from({ length: 4 }, () => ({ text: ' ' }))
    expect(output(await agentOf({ script: [...bad, '1', ...bad, 'finalAnswer(1)'] }).run('Go'))).toBe(1)
  })

  test('a last word of nothing is asked for again', async () => {
    const silent = agentOf({ maxSteps: 1, maxRetries: 1, maxRetryWait: 1, script: ['1', { text: '' }] })
    const { error } = rested(await silent.run('Go'), 'failed')
    expect(error.message).toMatch(/scripted\/model gave no answer in words/)
  })

  test('calls of our tools as if they were its own are understood', async () => {
    const search = tool({
      name: 'search',
      description: 'Finds',
      effect: 'read',
      execute: async () => ['a', 'b'],
    })
    await using server = await WireServer.open([{}, FINISH])
    server.say(
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'search', arguments: '{"query":"x"}' } }] }, finish_reason: 'tool_calls' }] })}\n\ndata: [DONE]\n\n`,
    )
    const agent = await agentAt(server, 'compatible', { tools: [search] })
    expect(output(await agent.run('Go'))).toBe('done')
    expect(agent.memory.steps[1]).toMatchObject({
      code: 'await tools["search"]({"query":"x"})',
      value: "[ 'a', 'b' ]",
    })
    expect(must(server.sent[1]).text).toContain('"tool_call_id":"c1"')
  })
})

const REFUSAL = events([
  {
    type: 'message_start',
    message: {
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [],
      usage: { input_tokens: 1, output_tokens: 1 },
    },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'await pay' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'refusal' }, usage: { output_tokens: 1 } },
  { type: 'message_stop' },
] as readonly { readonly type: string }[])

const RESPONSE = { id: 'r', object: 'response', created_at: 1, model: 'gpt-5', output: [] }
const CREATED = { type: 'response.created', response: { ...RESPONSE, status: 'in_progress' } }

function incomplete(reason: string): { readonly type: string } {
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 }
  const response = { ...RESPONSE, status: 'incomplete', incomplete_details: { reason }, usage }
  return { type: 'response.incomplete', response } as { readonly type: string }
}

function events(all: readonly { readonly type: string }[]): string {
  return all.map((data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`).join('')
}

const FILTERED = events([CREATED, incomplete('content_filter')])

const CALL = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'run_code' }
const INCOMPLETE = events([
  CREATED,
  {
    type: 'response.output_item.added',
    output_index: 0,
    item: { ...CALL, arguments: '', status: 'in_progress' },
  },
  {
    type: 'response.function_call_arguments.delta',
    item_id: 'fc_1',
    output_index: 0,
    delta: '{"code":"await pay({})"',
  },
  incomplete('max_output_tokens'),
] as readonly { readonly type: string }[])
