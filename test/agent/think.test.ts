/** One request: its turn where requests are limited, its silence, and what comes of its failure. */
import { describe, expect, test } from 'vitest'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { think, type ThinkRoom } from '../../src/agent/think.ts'
import { templatesOf } from '../../src/agent/templates.ts'
import type { Phase } from '../../src/journal/shape.ts'
import { ModelCallError } from '../../src/model/failure.ts'
import { scriptedModel } from '../../src/model/scripted.ts'
import { NO_SECRETS } from '../../src/tool/secret.ts'
import { call, fakeModel, finish, streaming } from '../model/fake-models.ts'
import { HandClock } from '../run/hand-clock.ts'
import { STARTED } from './play.ts'

const PHASE: Extract<Phase, { at: 'thinking' }> = {
  at: 'thinking',
  step: 1,
  attempt: 1,
  purpose: 'step',
  called: true,
}

function roomOf(
  model: LanguageModelV4,
  clock: HandClock,
  options: Partial<ThinkRoom['run']['options']> = {},
  name = 'fake/model',
): ThinkRoom {
  return {
    model,
    run: { ...STARTED, model: name, options: { ...STARTED.options, ...options } },
    system: 'S',
    chapters: [{ kind: 'task', number: 1, task: 'Go' }],
    stepsLeft: 5,
    text: (stored) => (typeof stored === 'string' ? stored : ''),
    templates: templatesOf(),
    tools: new Map(),
    clock,
    abortSignal: new AbortController().signal,
    carrier: () => ({}),
    price: () => undefined,
    secrets: NO_SECRETS,
    codeApproval: 'never',
    compiles: () => false,
    compile: async () => ({ ok: true, program: '{}' }),
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve()
}

describe('a request', () => {
  test('waits for its turn before it goes out', async () => {
    const clock = new HandClock()
    const model = streaming(call('{"code":"1"}'), finish('tool-calls'))
    const room = roomOf(model, clock, { rateLimit: { requestsPerMinute: 1 } }, 'fake/limited')
    expect((await think(PHASE, 'k', room)).kind).toBe('model-answered')
    const second = think(PHASE, 'k', room)
    await settle()
    expect(model.asked).toHaveLength(1)
    clock.advance(60_000)
    await settle()
    expect(model.asked).toHaveLength(2)
    await second
  })

  test('counts against the limit what its reply has counted', async () => {
    const clock = new HandClock()
    const model = scriptedModel([{ code: '1', usage: { inputTokens: 900, outputTokens: 50 } }])
    const room = roomOf(model, clock, { rateLimit: { tokensPerMinute: 960 } }, 'fake/counted')
    await think(PHASE, 'k', room)
    let isThrough = false
    void think(PHASE, 'k', room).then(() => (isThrough = true))
    await settle()
    // Some tokens of prompt: they would have fitted beside a guess, not beside the count.
    expect(isThrough).toBe(false)
    clock.advance(60_000)
    await expect.poll(() => isThrough).toBe(true)
  })

  test('is given up when nothing comes for too long, and what it had begun is cancelled', async () => {
    const clock = new HandClock()
    let isCancelled = false
    const silent = fakeModel(
      () =>
        new ReadableStream({
          start: (controller) => controller.enqueue({ type: 'stream-start', warnings: [] }),
          cancel: () => void (isCancelled = true),
        }),
    )
    const asked = think(PHASE, 'k', roomOf(silent, clock))
    await settle()
    clock.advance(299_999)
    await settle()
    expect(isCancelled).toBe(false)
    clock.advance(1)
    expect(await asked).toMatchObject({
      kind: 'model-broke',
      error: { code: 'MODEL', message: 'The model fake/model sent nothing for 5 min (modelIdleTimeout).' },
      retryIn: expect.any(Number),
    })
    expect(isCancelled).toBe(true)
    expect(silent.asked[0]?.abortSignal?.aborted).toBe(true)
  })

  test('is not given up while something comes', async () => {
    const clock = new HandClock()
    const { promise, resolve } = Promise.withResolvers<ReadableStreamDefaultController>()
    const slow = fakeModel(() => new ReadableStream({ start: resolve }))
    const asked = think(PHASE, 'k', roomOf(slow, clock))
    const stream = await promise
    for (let i = 0; i < 5; i++) {
      clock.advance(299_000)
      stream.enqueue({ type: 'text-delta', id: 't', delta: 'x' })
      await settle()
    }
    stream.enqueue(finish())
    stream.close()
    expect(await asked).toMatchObject({ kind: 'model-answered', reply: { text: 'xxxxx' } })
    expect(clock.pending).toBe(0)
  })
})

test('the same attempt of the same run waits as long, whoever asks', async () => {
  const failing = fakeModel(async () => {
    throw new ModelCallError('busy', { retryable: true })
  })
  const [one, other] = await Promise.all(
    [new HandClock(), new HandClock()].map(async (clock) => think(PHASE, 'k', roomOf(failing, clock))),
  )
  expect(one).toEqual(other)
  expect(one).toMatchObject({ kind: 'model-broke', retryIn: expect.any(Number) })
})
