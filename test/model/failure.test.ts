import { describe, expect, test } from 'vitest'
import { ModelError, isPersistentAgentError } from '../../src/base/errors.ts'
import { AgentPausedException, AgentStoppedException } from '../../src/base/interruption.ts'
import { ModelCallError, retryOf } from '../../src/model/failure.ts'
import { type Part, ask, call, fakeModel, finish, streaming, text, thrownBy } from './fake-models.ts'

const failing = (error: unknown) =>
  fakeModel(async () => {
    throw error
  })
const retryAfterOf = async (error: unknown) => retryOf(await thrownBy(ask(failing(error))))
const api = (statusCode: number, responseHeaders: unknown = {}, more: object = {}) =>
  Object.assign(new Error('Overloaded'), { name: 'AI_APICallError', statusCode, responseHeaders, ...more })

describe('every failure is a ModelError', () => {
  test('with its cause, and words that name the model', async () => {
    const cause = api(529)
    const error = await thrownBy(ask(failing(cause)))
    expect(error).toBeInstanceOf(ModelError)
    expect(isPersistentAgentError(error)).toBe(true)
    expect(error).toMatchObject({
      name: 'ModelError',
      code: 'MODEL',
      message: 'The model fake/model failed: Overloaded (status 529)',
      cause,
    })
  })

  test.each([
    ['text', 'no luck', /no luck/],
    ['an object', { type: 'error', error: { message: 'deep' } }, /deep/],
    ['nothing', undefined, /no reason/],
    ['null', null, /no reason/],
    ['an error without words', new RangeError(), /RangeError/],
    [
      'a hostile object',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('trap')
          },
          getPrototypeOf: () => null,
        },
      ),
      /no reason/,
    ],
  ])('also when it throws %s', async (_name, thrown, message) => {
    const error = await thrownBy(ask(failing(thrown)))
    expect(error).toBeInstanceOf(ModelCallError)
    expect(String(error)).toMatch(message)
    expect(retryOf(error).retryable).toBe(false)
  })
})

describe('trying again', () => {
  test.each([
    [408, true],
    [409, true],
    [429, true],
    [500, true],
    [503, true],
    [529, true],
    [400, false],
    [401, false],
    [404, false],
    [413, false],
  ])('status %i: %s', async (status, retryable) => {
    expect((await retryAfterOf(api(status))).retryable).toBe(retryable)
  })

  test('what the error says of itself goes before its status', async () => {
    expect((await retryAfterOf(api(500, {}, { isRetryable: false }))).retryable).toBe(false)
    expect((await retryAfterOf(api(400, {}, { isRetryable: true }))).retryable).toBe(true)
  })

  test.each([
    ['fetch failed', new TypeError('fetch failed')],
    ['a reset connection', Object.assign(new Error('x'), { code: 'ECONNRESET' })],
    [
      'a timeout of undici, as a cause',
      new Error('x', { cause: Object.assign(new Error('y'), { code: 'UND_ERR_HEADERS_TIMEOUT' }) }),
    ],
    ['a timeout signal of the provider', new DOMException('late', 'TimeoutError')],
  ])('%s may pass', async (_name, error) => {
    expect((await retryAfterOf(error)).retryable).toBe(true)
  })

  test.each<[string, unknown, number | undefined]>([
    ['ms', { 'retry-after-ms': '1500', 'retry-after': '9' }, 1_500],
    ['seconds', { 'retry-after': '2' }, 2_000],
    ['half seconds, in capitals', { 'Retry-After': '0.5' }, 500],
    [
      'a date, against the reply’s own',
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' },
      30_000,
    ],
    [
      'a date that has passed',
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT', date: 'Wed, 21 Oct 2026 07:29:00 GMT' },
      0,
    ],
    ['a date alone', { 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT' }, undefined],
    ['nonsense', { 'retry-after': 'soon', 'retry-after-ms': '-5' }, undefined],
    ['no headers', undefined, undefined],
  ])('retry-after in %s', async (_name, headers, retryAfter) => {
    expect((await retryAfterOf(api(429, headers))).retryAfter).toBe(retryAfter)
  })

  test('retryOf of anything', () => {
    expect(retryOf(undefined)).toEqual({ retryable: false })
    expect(retryOf(new Error('x'))).toEqual({ retryable: false })
    expect(retryOf(new ModelCallError('x', { retryable: true, retryAfter: 5 }))).toEqual({
      retryable: true,
      retryAfter: 5,
    })
    // Another copy of the package.
    expect(retryOf({ retryable: true, retryAfter: 7 })).toEqual({ retryable: true, retryAfter: 7 })
  })
})

describe('a stream that breaks', () => {
  test('without finish', async () => {
    const error = await thrownBy(ask(streaming(...text('half'), call('{"code":"1"}'))))
    expect(error).toMatchObject({
      name: 'ModelError',
      retryable: true,
      message: expect.stringMatching(/without finishing/),
    })
  })

  test('with no part at all', async () => {
    expect(retryOf(await thrownBy(ask(streaming()))).retryable).toBe(true)
  })

  test.each<[string, unknown, boolean]>([
    ['that says nothing about retrying', { type: 'overloaded_error', message: 'Overloaded' }, true],
    ['an Error', new Error('cut'), true],
    ['that may be tried again, in its words', api(529), true],
    ['that must not be tried again', api(400, {}, { isRetryable: false }), false],
  ])('with an error part %s', async (_name, error, retryable) => {
    const thrown = await thrownBy(ask(streaming(...text('half'), { type: 'error', error })))
    expect(thrown).toMatchObject({ name: 'ModelError', cause: error, retryable })
  })

  test('because the stream itself fails', async () => {
    const parts = function* (): Generator<Part> {
      yield* text('half')
      throw new Error('socket hang up')
    }
    const thrown = await thrownBy(ask(fakeModel(() => ReadableStream.from(parts()))))
    expect(thrown).toMatchObject({
      name: 'ModelError',
      retryable: true,
      message: expect.stringMatching(/socket hang up/),
    })
  })

  test.each(['error', 'interrupted'] as const)('that finishes with %s', async (reason) => {
    expect(retryOf(await thrownBy(ask(streaming(...text('half'), finish(reason))))).retryable).toBe(true)
  })

  test('after its finish changes nothing', async () => {
    const parts = function* (): Generator<Part> {
      yield* text('whole')
      yield finish()
      throw new Error('late')
    }
    expect((await ask(fakeModel(() => ReadableStream.from(parts())))).text).toBe('whole')
    expect((await ask(streaming(...text('whole'), finish(), { type: 'error', error: 'late' }))).text).toBe(
      'whole',
    )
  })
})

describe('an abort', () => {
  const reason = new Error('paused')

  test('before the request: the model is not asked', async () => {
    const model = streaming(...text('x'), finish())
    expect(await thrownBy(ask(model, { abortSignal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(model.asked).toEqual([])
  })

  test('while a deaf model opens its stream; the late stream is let go', async () => {
    const abort = new AbortController()
    const opened = Promise.withResolvers<ReadableStream<Part>>()
    const cancelled = Promise.withResolvers<unknown>()
    const asking = thrownBy(
      ask(
        fakeModel(() => opened.promise),
        { abortSignal: abort.signal },
      ),
    )
    abort.abort(reason)
    expect(await asking).toBe(reason)
    opened.resolve(new ReadableStream({ cancel: cancelled.resolve }))
    await cancelled.promise
  })

  test('in mid-stream of a deaf model; its stream is let go', async () => {
    const abort = new AbortController()
    const cancelled = Promise.withResolvers<unknown>()
    const started = Promise.withResolvers<void>()
    const stream = new ReadableStream<Part>({
      start: (controller) => controller.enqueue({ type: 'text-delta', id: 't', delta: 'so' }),
      cancel: cancelled.resolve,
    })
    const asking = thrownBy(
      ask(
        fakeModel(() => stream),
        { abortSignal: abort.signal, onDelta: () => started.resolve() },
      ),
    )
    await started.promise
    abort.abort(reason)
    expect(await asking).toBe(reason)
    await cancelled.promise
  })

  test('of an endless stream that is always ready', async () => {
    const abort = new AbortController()
    const endless = new ReadableStream<Part>({
      pull: (controller) => controller.enqueue({ type: 'text-delta', id: 't', delta: 'x' }),
    })
    let count = 0
    const onDelta = (): void => {
      if (++count === 50) abort.abort(reason)
    }
    expect(
      await thrownBy(
        ask(
          fakeModel(() => endless),
          { abortSignal: abort.signal, onDelta },
        ),
      ),
    ).toBe(reason)
    expect(count).toBe(50)
  })

  test("the model's own way of saying so is not what is thrown", async () => {
    const abort = new AbortController()
    const model = fakeModel(
      ({ abortSignal }) =>
        new Promise((_resolve, reject) => {
          abortSignal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
        }),
    )
    const asking = thrownBy(ask(model, { abortSignal: abort.signal }))
    abort.abort(reason)
    expect(await asking).toBe(reason)
  })

  test('that comes after the finish does not throw the reply away', async () => {
    const abort = new AbortController()
    const stream = new ReadableStream<Part>({
      start(controller) {
        for (const part of [...text('whole'), finish()]) controller.enqueue(part)
      },
      pull: () => void setImmediate(() => abort.abort(reason)),
    })
    expect(
      (
        await ask(
          fakeModel(() => stream),
          { abortSignal: abort.signal },
        )
      ).text,
    ).toBe('whole')
  })

  test('leaves no listener behind', async () => {
    const { signal } = new AbortController()
    let listening = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...given: Parameters<typeof add>) => (listening++, add(...given))
    signal.removeEventListener = (...given: Parameters<typeof remove>) => (listening--, remove(...given))
    await ask(streaming(...text('x'), finish()), { abortSignal: signal })
    expect(listening).toBe(0)
  })
})

describe('an interruption passes untouched', () => {
  const paused = new AgentPausedException('wait')
  const stopped = new AgentStoppedException('enough')
  const named = Object.assign(new Error('other copy'), { name: 'AgentPausedException' })
  const wrapped = new Error('middleware failed', { cause: paused })

  test.each([
    ['pause', paused],
    ['stop', stopped],
    ['by name', named],
    ['wrapped', wrapped],
  ])('%s, thrown by doStream', async (_name, error) => {
    expect(await thrownBy(ask(failing(error)))).toBe(error)
  })

  test('as an error part, and thrown by the stream', async () => {
    expect(await thrownBy(ask(streaming({ type: 'error', error: paused })))).toBe(paused)
    const parts = function* (): Generator<Part> {
      yield* text('x')
      throw stopped
    }
    expect(await thrownBy(ask(fakeModel(() => ReadableStream.from(parts()))))).toBe(stopped)
  })
})
