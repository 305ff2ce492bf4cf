/** What waits for one slow reader: bounded, in order, and honest about what is gone (B1, B2). */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Backlog } from '../../src/run/backlog.ts'
import type { LiveEvent } from '../../src/run/event.ts'

function text(delta: string, after = 1): LiveEvent {
  return { type: 'text', delta, run: 'r', after }
}

function all(backlog: Backlog): readonly LiveEvent[] {
  const taken: LiveEvent[] = []
  for (let next = backlog.take(); next !== undefined; next = backlog.take()) taken.push(next)
  return taken
}

test('neighbours of a kind become one; others, and those after another fact, do not', () => {
  const backlog = new Backlog()
  backlog.put(text('a'))
  backlog.put(text('b'))
  backlog.put({ type: 'code', delta: 'c', run: 'r', after: 1 })
  backlog.put(text('d'))
  backlog.put(text('e', 2))
  backlog.put({ type: 'log', call: '1.1', text: 'f', run: 'r', after: 2 })
  backlog.put({ type: 'log', call: '1.1', text: 'g', run: 'r', after: 2 })
  expect(
    all(backlog).map((event) => ('delta' in event ? event.delta : 'text' in event && event.text)),
  ).toEqual(['ab', 'c', 'd', 'e', 'f', 'g'])
})

test('the oldest go, once, and it says where', () => {
  const backlog = new Backlog()
  for (let after = 1; after <= 3_000; after++) backlog.put(text('x', after))
  const left = all(backlog)
  expect(left.length).toBeLessThanOrEqual(2_000)
  expect(left[0]).toMatchObject({ type: 'missed', run: 'r' })
  expect(left.filter(({ type }) => type === 'missed')).toHaveLength(1)
  expect(left.at(-1)).toEqual(text('x', 3_000))
  expect(left[0]?.after).toBe((left[1]?.after ?? 0) - 1)
})

test('whatever comes, it holds no more than so many characters, and what is left is in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ size: fc.integer({ min: 0, max: 90_000 }), step: fc.nat(1) }), { maxLength: 40 }),
      (puts) => {
        const backlog = new Backlog()
        let [after, put] = [1, 0]
        for (const { size, step } of puts) {
          after += step
          put += size
          backlog.put(text('x'.repeat(size), after))
        }
        const left = all(backlog)
        const chars = left.reduce((sum, event) => sum + ('delta' in event ? event.delta.length : 0), 0)
        expect(chars).toBeLessThanOrEqual(262_144)
        expect(left.map((event) => event.after)).toEqual(
          left.map((event) => event.after).toSorted((a, b) => a - b),
        )
        expect(left[0]?.type === 'missed').toBe(chars < put)
      },
    ),
  )
})
