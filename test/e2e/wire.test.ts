/**
 * Real providers' packages against servers that speak their wire formats: what the model thought goes back as it came,
 * also in another process; and the prompt grows at its end only.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { memoryStore, PersistentCodeAgent } from '../../src/index.ts'
import { modelAt, PROVIDERS, type Provider } from '../model/fixtures/wire-models.ts'
import { WireServer, type Sent, type WireTurn } from '../model/fixtures/wire-server.ts'
import { must, output } from './fixtures/bench.ts'

const TURNS: readonly WireTurn[] = [
  {
    reasoning: 'I keep the first number.',
    signature: 'signature-1',
    redacted: ['hidden-1'],
    code: ['const n = 20'],
  },
  { reasoning: 'Now I add one.', signature: 'signature-2', code: ['finalAnswer(n + 1)'] },
]

/** The messages of a request, without the marks of where a cache may end: they are no part of what is cached. */
function messagesOf({ body }: Sent): readonly unknown[] {
  const messages = (body['messages'] ?? body['input'] ?? body['contents']) as readonly unknown[]
  return JSON.parse(
    JSON.stringify(messages, (key, value: unknown) => (key === 'cache_control' ? undefined : value)),
  )
}

/** All of a request but its messages. */
function frameOf({ body }: Sent): object {
  const messages = new Set(['messages', 'input', 'contents'])
  return Object.fromEntries(Object.entries(body).filter(([name]) => !messages.has(name)))
}

/** aimock's encrypted reasoning names the item that it belongs to. */
function isEncrypted(id: unknown, content: unknown): boolean {
  return Buffer.from(String(content), 'base64').toString() === `aimock-encrypted-reasoning:${String(id)}`
}

/** What the provider must get back of the first reply. */
const BACK: Readonly<Record<Provider, readonly object[]>> = {
  anthropic: [
    { type: 'redacted_thinking', data: 'hidden-1' },
    { type: 'thinking', thinking: 'I keep the first number.', signature: 'signature-1' },
    { type: 'tool_use', id: 'call_1_1', name: 'run_code', input: { code: 'const n = 20' } },
  ],
  openai: [
    {
      type: 'reasoning',
      id: expect.stringMatching(/^rs/),
      encrypted_content: expect.stringMatching(/^.+$/),
      summary: [{ type: 'summary_text', text: 'I keep the first number.' }],
    },
    { type: 'function_call', call_id: 'call_1_1', name: 'run_code', arguments: '{"code":"const n = 20"}' },
  ],
  google: [
    { text: 'I keep the first number.', thought: true },
    { functionCall: { name: 'run_code', args: { code: 'const n = 20' } }, thoughtSignature: 'signature-1' },
  ],
  compatible: [
    {
      role: 'assistant',
      reasoning_content: 'I keep the first number.',
      tool_calls: [{ id: 'call_1_1', function: { arguments: '{"code":"const n = 20"}' } }],
    },
  ],
}

/** The parts of the first reply in a later request. */
function repliedIn(provider: Provider, sent: Sent): unknown {
  const messages = messagesOf(sent) as readonly { readonly content?: unknown; readonly parts?: unknown }[]
  if (provider === 'anthropic') return messages[1]?.content
  if (provider === 'google') return messages[1]?.parts
  return messages.slice(2, provider === 'openai' ? 4 : 3)
}

describe.each(PROVIDERS)('%s', (provider) => {
  test('what was thought goes back as it came, and the prompt grows at its end only', async () => {
    await using server = await WireServer.open(TURNS)
    const model = await modelAt(provider, server.url)
    const agent = new PersistentCodeAgent({
      model,
      store: memoryStore(),
      modelSettings: { reasoning: 'medium' },
    })
    expect(output(await agent.run('What is 20 and 1?'))).toBe(21)
    const [first, second] = server.sent
    expect(server.sent).toHaveLength(2)
    expect(repliedIn(provider, must(second))).toMatchObject(BACK[provider])
    if (provider === 'openai') {
      const [reasoning] = repliedIn(provider, must(second)) as readonly {
        id: string
        encrypted_content: string
      }[]
      expect(isEncrypted(reasoning?.id, reasoning?.encrypted_content)).toBe(true)
    }
    const before = messagesOf(must(first))
    expect(messagesOf(must(second)).slice(0, before.length)).toEqual(before)
    expect(JSON.stringify(frameOf(must(second)))).toBe(JSON.stringify(frameOf(must(first))))
  })

  test('of many steps, with mistakes, errors and answers in between, each request begins with the one before', async () => {
    await using server = await WireServer.open([
      { reasoning: 'One.', signature: 's1', code: ['print("a".repeat(500))'] },
      { text: '' },
      { reasoning: 'Two.', signature: 's2', code: ['throw new Error("no")'] },
      { code: ['let a = 1', 'a + 1'] },
      { code: ['const x: number ='] },
      { text: 'Is it 2?' },
      { reasoning: 'Three.', signature: 's3', code: ['finalAnswer(a + 1)'] },
    ])
    let asked = 0
    const isLast = (): boolean => ++asked > 1
    const model = await modelAt(provider, server.url)
    const agent = new PersistentCodeAgent({ model, store: memoryStore(), finalAnswerChecks: [isLast] })
    expect(output(await agent.run('What is 1 and 1?'))).toBe(2)
    expect(server.sent).toHaveLength(7)
    for (const [index, sent] of server.sent.slice(1).entries()) {
      const before = messagesOf(must(server.sent[index]))
      expect(messagesOf(sent).slice(0, before.length)).toEqual(before)
      expect(JSON.stringify(frameOf(sent))).toBe(JSON.stringify(frameOf(must(server.sent[index]))))
    }
  })

  test('also after its process was killed, in another one', async () => {
    await using server = await WireServer.open(TURNS)
    const folder = mkdtempSync(join(tmpdir(), 'pca-wire-'))
    try {
      const file = join(folder, 'state.db')
      const killed = actor('start', provider, server.url, file)
      await server.requests(1)
      // The second request is never answered: the process dies while it waits.
      server.hang()
      await Promise.race([server.requests(2), ended(killed)])
      killed.process.kill('SIGKILL')
      await ended(killed)
      const resumed = actor('resume', provider, server.url, file)
      await ended(resumed)
      expect(JSON.parse(resumed.said())).toMatchObject({ status: 'completed', output: 21, stepCount: 2 })
      expect(server.sent).toHaveLength(3)
      const [, second, third] = server.sent
      expect(repliedIn(provider, must(third))).toMatchObject(BACK[provider])
      // Nothing of the request tells that it was another process that sent it.
      expect(must(third).text).toBe(must(second).text)
      await expect(transcript(provider, server.sent)).toMatchFileSnapshot(`transcripts/wire-${provider}.txt`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

/** For people: who sent what, without the system prompt. */
function transcript(provider: Provider, [first, second, third]: readonly Sent[]): string {
  const told = (sent: Sent | undefined): string =>
    JSON.stringify(messagesOf(must(sent)).filter(isSaid), undefined, 2)
      .replaceAll(/"rs[-_][\w-]+"/g, '"rs-…"')
      .replaceAll(/("encrypted_content": "\w{36})[^"]*/g, '$1…')
  return [
    `${provider}, ${must(first).path}`,
    `Process 1 is given the task. Its request 1:\n${told(first)}`,
    `The model thinks, and calls run_code: ${must(TURNS[0]).code?.join()}\nProcess 1 runs it. Its request 2:\n${told(second)}`,
    'The model has not answered: process 1 is killed (SIGKILL). Process 2 opens the file and goes on. Its request 1:',
    must(third).text === must(second).text ? '(byte for byte that of process 1)' : told(third),
    `The model thinks, and calls run_code: ${must(TURNS[1]).code?.join()}\nProcess 2 runs it. Its output: 21\n`,
  ].join('\n\n')
}

function isSaid(message: unknown): boolean {
  const role: unknown = Reflect.get(Object(message), 'role')
  return role !== 'system' && role !== 'developer'
}

interface Actor {
  readonly process: ChildProcess
  readonly said: () => string
  readonly end: Promise<unknown>
}

function actor(...args: readonly string[]): Actor {
  const process = spawn(globalThis.process.execPath, [ACTOR, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  process.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  return { process, said: () => said, end: once(process, 'close') }
}

const ACTOR = join(import.meta.dirname, 'fixtures', 'wire-actor.ts')

async function ended({ end }: Actor): Promise<void> {
  await end
}
