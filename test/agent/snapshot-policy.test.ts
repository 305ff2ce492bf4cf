/** When a snapshot is taken: never for little, always beside a long wait, and never so often that it costs more than it saves. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WAITS, whenReplayCosts, type Since } from '../../src/agent/snapshot-policy.ts'

const NOTHING: Since = { deliveries: 1, computing: 0, waited: 0, price: 0 }

test('what is worth a snapshot', () => {
  const cases: readonly (readonly [Partial<Since>, boolean])[] = [
    [{}, false],
    [{ deliveries: 127, computing: 199 }, false],
    [{ deliveries: 128 }, true],
    [{ computing: 200 }, true],
    [{ computing: 200, price: 10 }, true],
    [{ computing: 200, price: 11 }, false],
    [{ deliveries: 128, price: 100 }, false],
    [{ deliveries: 6_700, price: 100 }, true],
    [{ waited: WAITS }, true],
    [{ waited: WAITS, price: 10_000 }, true],
    [{ waited: WAITS - 1 }, false],
  ]
  for (const [since, taken] of cases)
    expect(whenReplayCosts({ ...NOTHING, ...since }), `${JSON.stringify(since)}`).toBe(taken)
})

test('whatever a snapshot costs, all of them cost at most a twentieth of what replay would', () => {
  const history = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(history, fc.double({ min: 0.1, max: 5_000, noNaN: true }), (computings, price) => {
      let since = NOTHING
      let [paid, replay] = [0, 0]
      for (const computing of computings) {
        since = { ...since, deliveries: since.deliveries + 1, computing: since.computing + computing }
        replay += computing + 0.3
        if (!whenReplayCosts(since)) continue
        paid += price
        since = { ...NOTHING, deliveries: 0, price }
      }
      // The first one's price is not known when it is taken.
      expect(paid - price).toBeLessThanOrEqual(replay / 20 + 1)
    }),
  )
})
