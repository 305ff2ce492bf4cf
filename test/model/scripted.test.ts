import type { LanguageModelV4, LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider'
import { describe, expect, test } from 'vitest'
import { type Delta, promptPartsOf, retryOf, toolCallIdsOf } from '../../src/model/ask.ts'
import type { Clock } from '../../src/base/clock.ts'
import { type ScriptedCall, scriptedModel } from '../../src/model/scripted.ts'
import { ask, thrownBy } from './fake-models.ts'

const task = (number: number, words = 'do it'): LanguageModelV4Message => ({
  role: 'user',
  content: [{ type: 'text', text: `Task:\n${words}` }],
  providerOptions: { pca: { task: number } },
})
const said = (words: string): LanguageModelV4Message => ({
  role: 'assistant',
  content: [{ type: 'text', text: words }],
})
const user = (words: string): LanguageModelV4Message => ({
  role: 'user',
  content: [{ type: 'text', text: words }],
})

/** Asks, as a run would: each reply goes into the next prompt, with a result for each call. */
async function converse(
  model: () => LanguageModelV4,
  turns: number,
  start: LanguageModelV4Prompt,
): Promise<readonly (string | undefined)[]> {
  const prompt = [...start]
  const got: (string | undefined)[] = []
  for (let turn = 0; turn < turns; turn++) {
    const reply = await ask(model(), { prompt })
    got.push(reply.code ?? reply.text)
    prompt.push({ role: 'assistant', content: promptPartsOf(reply.parts) })
    const content = toolCallIdsOf(reply.parts).map((ref) => ({
      type: 'tool-result' as const,
      ...ref,
      output: { type: 'text' as const, value: 'ok' },
    }))
    prompt.push(content.length > 0 ? { role: 'tool', content } : user('go on'))
  }
  return got
}

describe('which reply comes', () => {
  const script = ['a()', 'b()', { text: 'done' }]

  test('is told by the prompt alone: one instance, or a new one for each request', async () => {
    const one = scriptedModel(script)
    expect(await converse(() => one, 3, [task(1)])).toEqual(['a()', 'b()', 'done'])
    expect(await converse(() => scriptedModel(script), 3, [task(1)])).toEqual(['a()', 'b()', 'done'])
  })

  test('the same prompt gives the same reply, again and again', async () => {
    const prompt = [task(1), said('x')]
    const replies = [
      await ask(scriptedModel(script), { prompt }),
      await ask(scriptedModel(script), { prompt }),
    ]
    expect(replies[0]).toEqual(replies[1])
    expect(replies[0]?.code).toBe('b()')
  })

  test('counts from the last task; what a person says in between is no task', async () => {
    const prompt = [task(1), said('1'), said('2'), task(2), user('hurry'), said('3'), user('well?')]
    expect((await ask(scriptedModel(script), { prompt })).code).toBe('b()')
  })

  test('may differ from task to task', async () => {
    const model = scriptedModel({ 1: ['first()'], 2: ['second()'] })
    expect((await ask(model, { prompt: [task(1)] })).code).toBe('first()')
    expect((await ask(model, { prompt: [task(1), said('x'), task(2)] })).code).toBe('second()')
    await expect(ask(model, { prompt: [task(3)] })).rejects.toThrow(
      /0 replies for task 3, and the model was asked for reply 1/,
    )
  })

  test('a prompt without a marked task is one task', async () => {
    expect((await ask(scriptedModel(script), { prompt: [user('x'), said('y')] })).code).toBe('b()')
  })

  test('running out says so, and is not tried again', async () => {
    const error = await thrownBy(ask(scriptedModel(['a()']), { prompt: [task(1), said('x')] }))
    expect(error).toMatchObject({
      name: 'ModelError',
      message:
        'The model scripted/model failed: The script has 1 reply for task 1, and the model was asked for reply 2.',
    })
    expect(retryOf(error).retryable).toBe(false)
  })
})

describe('a reply', () => {
  test('as a function of the call', async () => {
    const calls: ScriptedCall[] = []
    const model = scriptedModel([
      async (call) => (calls.push(call), `n(${call.replies})`),
      (call) => ({ text: `task ${call.task}` }),
    ])
    expect((await ask(model, { prompt: [task(4)] })).code).toBe('n(0)')
    expect((await ask(model, { prompt: [task(4), said('x')] })).text).toBe('task 4')
    expect(calls).toMatchObject([{ replies: 0, task: 4, canRun: true, prompt: [task(4)] }])
  })

  test('with reasoning, text and code; the signature survives the way back', async () => {
    const reply = await ask(scriptedModel([{ reasoning: 'hm', text: 'so', code: 'x()' }]), {
      prompt: [task(1)],
    })
    expect(reply).toMatchObject({
      text: 'so',
      code: 'x()',
      finishReason: 'tool-calls',
      responseId: 'response-1-1',
      modelId: 'model',
    })
    expect(promptPartsOf(reply.parts)).toEqual([
      { type: 'reasoning', text: 'hm', providerOptions: { scripted: { signature: 'signature-1-1' } } },
      { type: 'text', text: 'so' },
      { type: 'tool-call', toolCallId: 'call-1-1', toolName: 'run_code', input: { code: 'x()' } },
    ])
  })

  test('is the same from doGenerate', async () => {
    const model = scriptedModel([{ reasoning: 'hm', text: 'so', code: 'x()', usage: { cost: 2 } }])
    const streamed = await ask(model, { prompt: [task(1)] })
    const generating = { ...model, doStream: () => Promise.reject(new Error('not supported')) }
    expect(await ask(generating, { prompt: [task(1)] })).toEqual(streamed)
  })

  test('code is streamed', async () => {
    const deltas: Delta[] = []
    const code = 'const answer = await tools.search({ query: "x" })\nfinalAnswer(answer)'
    await ask(scriptedModel([code]), { prompt: [task(1)], onDelta: (delta) => deltas.push(delta) })
    expect(deltas.length).toBeGreaterThan(3)
    expect(deltas.map((delta) => delta.text).join('')).toBe(code)
  })

  test('code where no tool is offered is a text', async () => {
    const reply = await ask(scriptedModel(['x()']), { prompt: [task(1)], format: 'none' })
    expect(reply).toMatchObject({ text: '```ts\nx()\n```', finishReason: 'stop' })
    expect(reply).not.toHaveProperty('mistake')
  })

  test('may be cut, and may name its usage', async () => {
    const reply = await ask(
      scriptedModel([{ code: 'x()', finishReason: 'length', usage: { inputTokens: 5, cost: 0.5 } }]),
      { prompt: [task(1)] },
    )
    expect(reply).toMatchObject({
      finishReason: 'length',
      mistake: expect.stringMatching(/cut/),
      usage: { inputTokens: 5, outputTokens: 1, cost: 0.5 },
    })
  })

  test('uses about a token for four characters', async () => {
    const long = await ask(scriptedModel(['x'.repeat(400)]), { prompt: [task(1, 'y'.repeat(4_000))] })
    expect(long.usage.outputTokens).toBe(100)
    expect(long.usage.inputTokens).toBeGreaterThanOrEqual(1_000)
    expect(long.usage.inputTokens).toBeLessThan(1_100)
  })
})

describe('an error', () => {
  const overloaded = Object.assign(new Error('Overloaded'), { statusCode: 529 })
  const prompt = [task(1)]

  test('is thrown once, and the reply after it is for the request that is sent again', async () => {
    const model = scriptedModel([{ error: overloaded }, 'a()', 'b()'])
    const error = await thrownBy(ask(model, { prompt }))
    expect(error).toMatchObject({ cause: overloaded, retryable: true })
    expect((await ask(model, { prompt })).code).toBe('a()')
    expect((await ask(model, { prompt: [...prompt, said('x')] })).code).toBe('b()')
  })

  test('may come several times, in the middle, and from a function', async () => {
    const model = scriptedModel([
      'a()',
      { error: overloaded, times: 2 },
      () => ({ error: new Error('never') }),
    ])
    const later = [...prompt, said('x')]
    await expect(ask(model, { prompt: later })).rejects.toThrow(/Overloaded/)
    await expect(ask(model, { prompt: later })).rejects.toThrow(/Overloaded/)
    await expect(ask(model, { prompt: later })).rejects.toThrow(/never/)
    await expect(ask(model, { prompt: later })).rejects.toThrow(/never/)
    expect((await ask(model, { prompt })).code).toBe('a()')
  })

  test('comes to each run of its own', async () => {
    const model = scriptedModel([{ error: overloaded }, 'a()'])
    await expect(ask(model, { prompt: [task(1, 'one')] })).rejects.toThrow(/Overloaded/)
    await expect(ask(model, { prompt: [task(1, 'two')] })).rejects.toThrow(/Overloaded/)
    expect((await ask(model, { prompt: [task(1, 'one')] })).code).toBe('a()')
  })

  test('thrown by onCall is the model’s', async () => {
    await expect(
      ask(
        scriptedModel(['a()'], {
          onCall: () => {
            throw overloaded
          },
        }),
        { prompt },
      ),
    ).rejects.toThrow(/Overloaded/)
  })
})

describe('options', () => {
  test('names, and onCall for every request', async () => {
    let count = 0
    const model = scriptedModel(['a()'], { provider: 'anthropic', modelId: 'claude', onCall: () => count++ })
    expect(model).toMatchObject({ provider: 'anthropic', modelId: 'claude', specificationVersion: 'v4' })
    expect((await ask(model, { prompt: [task(1)] })).modelId).toBe('claude')
    await ask(model, { prompt: [task(1)] })
    expect(count).toBe(2)
  })

  test('delay waits on the clock, and an abort ends it', async () => {
    const due: (() => void)[] = []
    const clock: Clock = {
      now: () => 0,
      after: (ms, onDue) => void due.push(() => (expect(ms).toBe(50), onDue())),
    }
    const model = scriptedModel(['a()'], { delay: 50, clock })
    const asking = ask(model, { prompt: [task(1)] })
    await Promise.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    expect(due).toHaveLength(1)
    due[0]?.()
    expect((await asking).code).toBe('a()')

    const abort = new AbortController()
    const cut = thrownBy(ask(model, { prompt: [task(1)], abortSignal: abort.signal }))
    abort.abort('enough')
    expect(await cut).toBe('enough')
  })
})
