/** A feed and its readers: every fact once, live events between the right facts, nobody held up (F1–F3, R1–R3). */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Happened } from '../../src/run/event.ts'
import { segmentEvents, storedEvents } from '../../src/run/events.ts'
import { Feed, Feeds, liveInto } from '../../src/run/feed.ts'
import { Reader } from '../../src/run/reader.ts'
import { RUN } from '../agent/play.ts'
import { logOf, say, shelf } from './shelf.ts'

/** A run that is driven by hand. */
async function driven() {
  const place = await shelf()
  const log = logOf(place)
  const feed = new Feed()
  const segment = feed.claim()
  feed.begin(segment, RUN, 2)
  const live = liveInto(feed, RUN, ['agent'])
  log.onCommitted((entries) => entries.forEach((entry) => live.committed(entry)))
  return {
    ...place,
    feed,
    segment,
    live,
    commit: async (count = 1) => {
      for (let n = 0; n < count; n++) log.record([say(`said ${log.state.seq + 1}`)])
      await log.flush()
    },
    delta: (text: string) => live.delta({ kind: 'text', text }),
    rest: () => feed.rest(segment, RUN, log.state.seq),
    seq: () => log.state.seq,
  }
}

function read({ store, feed }: Awaited<ReturnType<typeof driven>>, after: number): Reader {
  const reader = new Reader({ store, run: RUN, feed, family: false })
  reader.begin(after)
  return reader
}

/** `3` for a fact, `3:text` for what came after it. */
function told(events: readonly Happened[]): readonly (string | number)[] {
  return events.map((event) =>
    event.type === 'entry' ? event.seq : `${event.after}:${'delta' in event ? event.delta : event.type}`,
  )
}

async function allNow(reader: Reader): Promise<readonly Happened[]> {
  const events: Happened[] = []
  for (let event = await reader.next(); event !== undefined; event = await reader.next()) events.push(event)
  return events
}

describe('a reader', () => {
  test('gets facts and live events in their order', async () => {
    const run = await driven()
    using reader = read(run, 2)
    await run.commit()
    run.delta('a')
    run.delta('b')
    await run.commit(2)
    run.delta('c')
    expect(told(await allNow(reader))).toEqual([3, '3:ab', 4, 5, '5:c'])
  })

  test('that comes late gets every fact from its place on, and of the rest what was said since the last fact', async () => {
    const run = await driven()
    run.delta('gone')
    await run.commit(3)
    run.delta('still ')
    run.delta('here')
    using reader = read(run, 1)
    await reader.look()
    expect(told(await allNow(reader))).toEqual([2, 3, 4, 5, '5:still here'])
  })

  test('that sleeps costs what it costs, and misses no fact', async () => {
    const run = await driven()
    using reader = read(run, 2)
    for (let round = 0; round < 30; round++) {
      run.delta('x'.repeat(20_000))
      await run.commit(20)
    }
    const events = await allNow(reader)
    expect(events.flatMap((event) => (event.type === 'entry' ? [event.seq] : []))).toEqual(
      Array.from({ length: 600 }, (_, at) => at + 3),
    )
    expect(events.filter(({ type }) => type === 'missed')).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'text').length).toBeLessThanOrEqual(13)
  })

  test('reads what the feed has let go of from the store', async () => {
    const run = await driven()
    await run.commit(5)
    using reader = read(run, 2)
    // Kept from now on: the reader has to read 3 to 7 elsewhere.
    await run.commit(5)
    expect(run.feed.recent(RUN, 2)).toEqual([])
    expect(run.feed.recent(RUN, 7).map(({ seq }) => seq)).toEqual([8, 9, 10, 11, 12])
    expect(told(await allNow(reader))).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  })

  test('a feed that nobody hears keeps nothing', async () => {
    const run = await driven()
    await run.commit(5)
    expect(run.feed.recent(RUN, 6)).toEqual([])
  })
})

test('law: whatever happens, facts come once and in order, and what is live stands between the right ones', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('commit' as const), count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ do: fc.constant('say' as const), chars: fc.integer({ min: 1, max: 60_000 }) }),
    fc.record({ do: fc.constant('join' as const), back: fc.integer({ min: 0, max: 6 }) }),
    fc.record({ do: fc.constant('read' as const), who: fc.nat(5), count: fc.integer({ min: 1, max: 8 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const run = await driven()
      const readers: { readonly reader: Reader; readonly from: number; readonly heard: Happened[] }[] = []
      let said = 0
      for (const it of steps) {
        if (it.do === 'commit') await run.commit(it.count)
        else if (it.do === 'say') run.delta(`<${(said += 1)}>${'x'.repeat(it.chars)}`)
        else if (it.do === 'join') {
          const from = Math.max(0, run.seq() - it.back)
          readers.push({ reader: read(run, from), from, heard: [] })
        } else {
          const who = readers[it.who % Math.max(readers.length, 1)]
          for (let n = 0; n < it.count; n++) {
            const event = await who?.reader.next()
            if (event !== undefined) who?.heard.push(event)
          }
        }
      }
      for (const { reader, from, heard } of readers) {
        heard.push(...(await allNow(reader)))
        let at = from
        const numbers: number[] = []
        for (const event of heard) {
          if (event.type === 'entry') expect(event.seq).toBe((at += 1))
          else expect(event.after).toBe(at)
          if ('delta' in event)
            numbers.push(...[...event.delta.matchAll(/<(\d+)>/g)].map(([, n]) => Number(n)))
        }
        expect(at).toBe(run.seq())
        // No live event twice, or before an older one.
        expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b))
        reader[Symbol.dispose]()
      }
    }),
    { numRuns: 60 },
  )
})

describe('events of a time of driving', () => {
  test('end where it rests, with what was written on the way there', async () => {
    const run = await driven()
    const events = segmentEvents({ ...run, run: RUN }, run.segment, {})
    await run.commit(2)
    run.delta('last')
    run.rest()
    expect(told(await Array.fromAsync(events))).toEqual([3, 4, '4:last'])
  })

  test('end where it broke off', async () => {
    const run = await driven()
    const events = segmentEvents({ ...run, run: RUN }, run.segment, {})
    await run.commit()
    run.feed.rest(run.segment, RUN)
    expect(told(await Array.fromAsync(events))).toEqual([3])
  })

  test('are none where nothing was driven', async () => {
    const { store } = await shelf()
    const feed = new Feed()
    const segment = feed.claim()
    const events = segmentEvents({ store, run: RUN, feed }, segment, {})
    const all = Array.fromAsync(events)
    feed.rest(segment, RUN)
    expect(await all).toEqual([])
  })

  test('where nothing was driven, but a place was given: what others did after it', async () => {
    const { store } = await shelf()
    const feed = new Feed()
    const segment = feed.claim()
    const all = Array.fromAsync(segmentEvents({ store, run: RUN, feed }, segment, { after: 1 }))
    feed.rest(segment, RUN)
    expect(told(await all)).toEqual([2])
  })

  test('another one who could not drive ends only its own', async () => {
    const run = await driven()
    const events = segmentEvents({ ...run, run: RUN }, run.segment, {})
    const other = run.feed.claim()
    run.feed.rest(other, RUN)
    await run.commit()
    run.rest()
    expect(told(await Array.fromAsync(events))).toEqual([3])
  })

  test('an abort signal ends them, also while they wait', async () => {
    const run = await driven()
    const stop = new AbortController()
    const events = segmentEvents({ ...run, run: RUN }, run.segment, { abortSignal: stop.signal })
    await run.commit()
    expect((await events.next()).value).toMatchObject({ seq: 3 })
    const next = events.next()
    stop.abort()
    expect(await next).toMatchObject({ done: true })
    expect(run.feed.isIdle).toBe(false)
    run.rest()
    expect(run.feed.isIdle).toBe(true)
  })
})

test('of a stored run, without following: what is there, and no result while it is driven', async () => {
  const run = await driven()
  await run.commit(2)
  const events = await Array.fromAsync(storedEvents({ store: run.store, run: RUN }, { after: 1 }))
  expect(events.map((event) => (event.type === 'entry' ? event.seq : event.type))).toEqual([2, 3, 4])
})

test('feeds that nobody uses are let go of', () => {
  const feeds = new Feeds()
  const one = feeds.of('a')
  const segment = one.claim()
  feeds.of('b')
  expect(feeds.of('a')).toBe(one)
  one.rest(segment, 'a')
  feeds.of('b')
  expect(feeds.of('a')).not.toBe(one)
})
