/** Generators as tools: what is told on the way, what the result is, and how they are left (G1, G2). */
import { describe, expect, test } from 'vitest'
import { tool } from '../../src/tool/tool.ts'
import { toolsOf, type GivenTools } from '../../src/tool/tools.ts'
import { deferred, must } from '../e2e/fixtures/bench.ts'
import { callWith } from './calls.ts'

type Execute = () => AsyncIterable<unknown> | Promise<unknown>

const ours = (execute: Execute): GivenTools => [
  tool({ name: 'job', description: 'Does a job', execute: execute as () => unknown }),
]
const theirs = (execute: Execute): GivenTools => ({ job: { description: 'Does a job', execute } })

async function executed(
  tools: GivenTools,
  abortSignal = new AbortController().signal,
): Promise<{ readonly told: readonly unknown[]; readonly result: PromiseSettledResult<unknown> }> {
  const told: unknown[] = []
  const made = must(toolsOf(tools).get('job'))
  const [result] = await Promise.allSettled([
    made.execute({}, callWith({ abortSignal }), (value) => told.push(value)),
  ])
  return { told, result }
}

describe('the result', () => {
  test('of ours is what it returns, and all that it yields is told', async () => {
    const job = ours(async function* () {
      yield 1
      yield 2
      return 3
    })
    expect(await executed(job)).toEqual({ told: [1, 2], result: { status: 'fulfilled', value: 3 } })
  })

  test('of an AI SDK tool is the last that it yields, which is told like the others', async () => {
    const job = theirs(async function* () {
      yield 1
      yield 2
      return 3
    })
    expect(await executed(job)).toEqual({ told: [1, 2], result: { status: 'fulfilled', value: 2 } })
  })

  test('is told as it comes, not at the end', async () => {
    const half = deferred()
    const told = deferred<unknown>()
    const made = must(
      toolsOf(
        ours(async function* () {
          yield 'half'
          await half.promise
          return 'whole'
        }),
      ).get('job'),
    )
    const result = made.execute({}, callWith(), (value) => told.resolve(value))
    expect(await told.promise).toBe('half')
    half.resolve()
    expect(await result).toBe('whole')
  })

  test('of a stream that is no generator is the stream, as before', async () => {
    const stream = new ReadableStream()
    expect((await executed(ours(async () => stream))).result).toMatchObject({ value: stream })
  })

  test('of a generator that a promise gives is that of the generator', async () => {
    const job = ours(async () =>
      (async function* () {
        yield 1
        return 2
      })(),
    )
    expect(await executed(job)).toEqual({ told: [1], result: { status: 'fulfilled', value: 2 } })
  })

  test('of one that throws is its error', async () => {
    const { told, result } = await executed(
      ours(async function* () {
        yield 1
        throw new Error('broken')
      }),
    )
    expect([told, result]).toMatchObject([[1], { reason: { message: 'broken' } }])
  })
})

describe.each([
  ['ours', ours],
  ['an AI SDK tool', theirs],
])('aborted, %s', (_, made) => {
  test('is told so where it waits, and what it yields then is told to nobody', async () => {
    const aborter = new AbortController()
    const waits = deferred()
    const on = deferred()
    const ended = deferred<string>()
    const job = made(async function* () {
      try {
        yield 1
        waits.resolve()
        await on.promise
        yield 2
        yield 3
      } finally {
        ended.resolve('left')
      }
    })
    const executing = executed(job, aborter.signal)
    await waits.promise
    aborter.abort(new Error('enough'))
    on.resolve()
    expect(await executing).toMatchObject({ told: [1], result: { reason: { message: 'enough' } } })
    expect(await ended.promise).toBe('left')
  })

  test('before it began: it is left, and nothing of it has run', async () => {
    let ran = false
    const job = made(async function* () {
      ran = true
      yield 1
    })
    const { told, result } = await executed(job, AbortSignal.abort(new Error('never')))
    expect([told, result, ran]).toMatchObject([[], { reason: { message: 'never' } }, false])
  })

  test('in the listener itself: the next value is not asked for', async () => {
    const aborter = new AbortController()
    let asked = 0
    const job = toolsOf(
      made(async function* () {
        for (;;) yield asked++
      }),
    )
    const executing = must(job.get('job')).execute({}, callWith({ abortSignal: aborter.signal }), () =>
      aborter.abort(new Error('seen enough')),
    )
    await expect(executing).rejects.toThrow('seen enough')
    expect(asked).toBe(1)
  })

  test('as it came to its end by itself: the result counts', async () => {
    const aborter = new AbortController()
    const waits = deferred()
    const on = deferred()
    const job = made(async function* () {
      yield 'paid'
      waits.resolve()
      await on.promise
      return 'paid'
    })
    const executing = executed(job, aborter.signal)
    await waits.promise
    aborter.abort(new Error('too late'))
    on.resolve()
    expect(await executing).toMatchObject({ result: { status: 'fulfilled', value: 'paid' } })
  })

  test('an iterator by hand that ends when it is left has no result', async () => {
    const aborter = new AbortController()
    const waits = deferred()
    const end = deferred<IteratorResult<unknown>>()
    const hand = {
      [Symbol.asyncIterator]: () => hand,
      next: () => {
        waits.resolve()
        return end.promise
      },
      return: async () => {
        end.resolve({ done: true, value: undefined })
        return { done: true as const, value: undefined }
      },
    }
    const executing = executed(
      theirs(() => hand),
      aborter.signal,
    )
    await waits.promise
    aborter.abort(new Error('enough'))
    expect(await executing).toMatchObject({ result: { reason: { message: 'enough' } } })
  })
})
