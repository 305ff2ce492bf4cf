import { describe, expect, test } from 'vitest'
import { takeTurn, type RateLimit } from '../../src/model/rate.ts'
import { HandClock } from '../run/hand-clock.ts'

let models = 0

/** A line of its own, and what has been let through. */
function line(limit: RateLimit) {
  const clock = new HandClock()
  const model = `test/${++models}`
  const through: [string, number][] = []
  const ask = async (name: string, tokens = 0, abortSignal = new AbortController().signal) => {
    const turn = await takeTurn(model, limit, tokens, { clock, abortSignal })
    through.push([name, clock.now()])
    return turn
  }
  /** All that can happen without time has happened. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) await Promise.resolve()
  }
  return { clock, through, ask, settle }
}

describe('requests per minute', () => {
  test('those beyond wait for their turn, first come first served', async () => {
    const { clock, through, ask, settle } = line({ requestsPerMinute: 2 })
    for (const name of ['a', 'b', 'c', 'd', 'e']) void ask(name)
    await settle()
    expect(through).toEqual([
      ['a', 0],
      ['b', 0],
    ])
    clock.advance(59_999)
    await settle()
    expect(through).toHaveLength(2)
    clock.advance(1)
    await settle()
    expect(through.slice(2)).toEqual([
      ['c', 60_000],
      ['d', 60_000],
    ])
    clock.advance(60_000)
    await settle()
    expect(through.at(-1)).toEqual(['e', 120_000])
  })

  test('the minute is any minute, not the one on the clock', async () => {
    const { clock, through, ask, settle } = line({ requestsPerMinute: 1 })
    clock.advance(50_000)
    void ask('a')
    await settle()
    clock.advance(20_000)
    void ask('b')
    await settle()
    expect(through).toEqual([['a', 50_000]])
    clock.advance(40_000)
    await settle()
    expect(through.at(-1)).toEqual(['b', 110_000])
  })

  test('who gives up is out at once, and those behind keep their order', async () => {
    const { clock, through, ask, settle } = line({ requestsPerMinute: 1 })
    const gone = new AbortController()
    void ask('a')
    const second = ask('b', 0, gone.signal)
    void ask('c')
    await settle()
    gone.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
    clock.advance(60_000)
    await settle()
    expect(through).toEqual([
      ['a', 0],
      ['c', 60_000],
    ])
  })
})

describe('tokens per minute', () => {
  test('are guessed before, and known after', async () => {
    const { clock, through, ask, settle } = line({ tokensPerMinute: 100 })
    const turn = await ask('a', 60)
    void ask('b', 60)
    await settle()
    expect(through).toHaveLength(1)
    turn.tokens = 40
    void ask('c', 10)
    clock.advance(60_000)
    await settle()
    expect(through.map(([name]) => name)).toEqual(['a', 'b', 'c'])
  })

  test('a request larger than a minute goes alone', async () => {
    const { clock, through, ask, settle } = line({ tokensPerMinute: 100 })
    await ask('a', 1)
    void ask('huge', 1_000)
    void ask('b', 1)
    await settle()
    clock.advance(60_000)
    await settle()
    expect(through).toEqual([
      ['a', 0],
      ['huge', 60_000],
    ])
    clock.advance(60_000)
    await settle()
    expect(through.at(-1)).toEqual(['b', 120_000])
  })
})
