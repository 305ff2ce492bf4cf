/**
 * Code that means harm, and what is done to what is stored (H1–H23, H41, H42): the model is told clearly, the process
 * lives and stays small, and the next step finds the heap from before. `npm run bench -- --only hostile` prints them.
 */
import { describe, expect, test } from 'vitest'
import { session } from '../../sandbox/session.ts'
import { ATTACKS } from './attacks.ts'
import { findings } from './scan.ts'
import { secretsStored, SPECIALS } from './special.ts'
import { attacked } from './victim.ts'

/** By how much the process may grow while a step runs that may have 32 MB; a thread and its engine are in it. */
const MOST = 200 * 2 ** 20

const atFirst = process.memoryUsage.rss()

describe('code that means harm', () => {
  for (const { id, about, code, sees, gets } of ATTACKS) {
    test(`${id} ${about}`, async () => {
      const seen = await attacked(code)
      expect(seen.saw).toMatch(sees)
      expect(seen.goesOn).toBe(true)
      expect(seen.grew).toBeLessThan(MOST)
      if (gets !== undefined) expect(seen.inputs).toEqual([gets, gets])
    })
  }
})

describe('what is stored, who reads, time and chance', () => {
  for (const { id, about, run } of SPECIALS) {
    test(`${id} ${about}`, async () => {
      expect(await run()).toMatchObject({ holds: true, goesOn: true })
    })
  }
})

test('H21: the search finds what is there: in a result, in a heap that holds it', async () => {
  expect(await secretsStored(true)).toBeGreaterThan(0)
  const secret = 'a-secret-of-the-heap-0123456789'
  await using guest = await session({}, {})
  const kept = async (): Promise<number> => {
    const { packed } = await guest.sandbox.snapshot(1, false)
    return await findings([(await packed).links.at(-1)?.payload ?? new Uint8Array()], secret)
  }
  await guest.step(`let held = ${JSON.stringify(secret.split(''))}.join('')`)
  expect(await kept()).toBe(1)
})

test('after all of them the process is not much larger', () => {
  expect(process.memoryUsage.rss() - atFirst).toBeLessThan(2 * MOST)
})

test('every threat to the guest has a row', () => {
  const ids = new Set([...ATTACKS, ...SPECIALS].map((each) => each.id))
  const all = [...Array.from({ length: 23 }, (_, index) => index + 1), 41, 42].map((number) => `H${number}`)
  expect([...ids].toSorted()).toEqual(all.toSorted())
})
