/**
 * kill -9 anywhere. Reference programs run in real processes against a world outside (a ledger that counts effects, a
 * model's server); a process is killed at a named place of the library, others go on until the run is done, and a
 * judge compares ledger, commands and journal. This is a sample of seconds; `npm run test:crash` does the whole.
 *
 * `CRASH='serial / 0 commit-unwritten 3'` plays that one case: every failure names its own.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FAULT_POINTS } from '../../src/base/fault-point.ts'
import { byLot, doubleKills, lostReplies, onePerPoint, seeded } from './fixtures/cases.ts'
import { EXCUSED } from './fixtures/coverage.ts'
import { programs } from './fixtures/reference.ts'
import { World } from './fixtures/outside.ts'
import { caseOf, nameOf, recordAll, sweep, type Case, type Recording } from './fixtures/sweep.ts'

const ONE = process.env['CRASH'] ?? ''
const LANES = 2

let world: World
beforeAll(() => {
  world = new World()
})
afterAll(async () => world[Symbol.asyncDispose]())

/** What was found, each with the command that plays it again. */
async function complaints(
  cases: readonly Case[],
): Promise<{ readonly kills: number; readonly found: readonly string[] }> {
  const struck = await sweep(world, cases, { lanes: LANES })
  const found = struck.flatMap((one) =>
    one.found.map((what) => `${what}\n  CRASH='${nameOf(one.case)}' npm test -- test/crash/crash.test.ts`),
  )
  return { kills: struck.reduce((sum, one) => sum + one.kills, 0), found }
}

test.runIf(ONE.includes(' / '))(`one case: ${ONE}`, { timeout: 120_000 }, async () => {
  expect(await complaints([caseOf(ONE)])).toMatchObject({ found: [] })
})

describe.skipIf(ONE.includes(' / '))('killed', () => {
  let recordings: readonly Recording[]
  beforeAll(async () => {
    recordings = await recordAll(world, programs, LANES)
  }, 240_000)

  test('every fault point is passed by a program, or is excused with a reason', () => {
    const passed = new Set<string>(recordings.flatMap(({ hits }) => hits.map((hit) => hit.point)))
    const missed = Object.keys(FAULT_POINTS).filter((point) => !passed.has(point))
    expect(missed.toSorted()).toEqual(Object.keys(EXCUSED).toSorted())
  })

  test('at every fault point', { timeout: 240_000 }, async () => {
    const cases = onePerPoint(recordings, seeded(1))
    const { kills, found } = await complaints(cases)
    expect(found).toEqual([])
    expect(kills).toBeGreaterThan(cases.length * 0.8)
  })

  test('again in the middle of recovery', { timeout: 120_000 }, async () => {
    const { kills, found } = await complaints(doubleKills(recordings, 4, seeded(2)))
    expect(found).toEqual([])
    expect(kills).toBeGreaterThan(4)
  })

  test('not at all: the reply to a COMMIT is lost', { timeout: 120_000 }, async () => {
    expect(await complaints(lostReplies(recordings, 3, seeded(4)))).toEqual({ kills: 0, found: [] })
  })

  test('not at all: it stands still until another has done the run', { timeout: 120_000 }, async () => {
    const cases = ['serial / 0 stop commit-unwritten 6', 'child run / 0 stop commit-unwritten 9'].map(caseOf)
    expect(await complaints(cases)).toEqual({ kills: 2, found: [] })
  })

  test('at instants drawn by lot', { timeout: 120_000 }, async () => {
    const { kills, found } = await complaints(byLot(recordings, 4, seeded(3)))
    expect(found).toEqual([])
    expect(kills).toBeGreaterThan(2)
  })
})
