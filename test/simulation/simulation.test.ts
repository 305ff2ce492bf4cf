/**
 * The deterministic simulation: production drivers and stores under every fault that a scenario can hold, judged after every
 * write. `SIM=all` runs 10 000 new seeds, `SIM=<seed>` one of them, with the smallest scenario that breaks like it.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { sqliteStore } from '../../src/journal/sqlite.ts'
import { UNSAID, type Scenario } from './scenario.ts'
import { shrink, simulateSeed, told } from './seeds.ts'
import { simulate, type Outcome } from './simulate.ts'

const wanted = process.env['SIM'] ?? ''
const isAll = wanted === 'all'
const [first, count] = isAll
  ? [Math.floor(Date.now() / 1000) % 1_000_000_000, 10_000]
  : /^\d+$/.test(wanted)
    ? [Number(wanted), 1]
    : [0, 250]
const LONG = 3_600_000

/** What must be reached, each at least ten times in 10 000 seeds. */
const REACHED: readonly string[] = JSON.parse(readFileSync(join(import.meta.dirname, 'reached.json'), 'utf8'))

interface Kept {
  readonly why: string
  readonly scenario: Omit<Scenario, keyof typeof UNSAID>
}
/** Scenarios that have broken a promise once. */
const kept: readonly Kept[] = JSON.parse(readFileSync(join(import.meta.dirname, 'kept.json'), 'utf8'))

const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pca-simulation-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
let files = 0

describe('scenarios that have broken a promise once', () => {
  test.each(kept)('$why', async (one) => {
    const scenario = { ...UNSAID, ...one.scenario }
    const outcome = await simulate(scenario)
    expect(outcome.violations.length === 0 ? '' : told({ seed: 0, scenario, outcome })).toBe('')
  })
})

test(
  `${count} seeds from ${first} keep every promise`,
  async () => {
    const coverage = new Map<string, number>()
    const broken: string[] = []
    const began = performance.now()
    for (let seed = first; seed < first + count; seed++) {
      const outcome = await simulateSeed(seed, simulate)
      for (const [what, times] of outcome.coverage) coverage.set(what, (coverage.get(what) ?? 0) + times)
      if (outcome.violations.length === 0) continue
      const smallest = await shrink(seed, simulate)
      broken.push(smallest === undefined ? `${seed}: ${outcome.violations[0]}` : told(smallest))
    }
    const minutes = (performance.now() - began) / 60_000
    if (isAll) console.log(report(coverage, broken.length, minutes))
    expect(broken.join('\n\n')).toBe('')
    if (isAll) expect(REACHED.filter((what) => (coverage.get(what) ?? 0) < 10)).toEqual([])
  },
  LONG,
)

test('a seed is a trace: twice the same, and another for another seed', async () => {
  const hashes = new Set<string>()
  for (let seed = first; seed < first + 15; seed++) {
    const [once, again] = [await simulateSeed(seed, simulate), await simulateSeed(seed, simulate)]
    expect(again.lines).toEqual(once.lines)
    hashes.add(once.hash)
  }
  expect(hashes.size).toBe(15)
})

test(
  'on SQLite every seed leaves the same trace as in memory',
  async () => {
    const onSqlite = (scenario: Scenario): Promise<Outcome> =>
      simulate(scenario, {
        store: ({ now }) => sqliteStore(join(directory, `${files++}.db`), { now }),
      })
    for (let seed = first; seed < first + (isAll ? 300 : 12); seed++) {
      const [memory, sqlite] = [await simulateSeed(seed, simulate), await simulateSeed(seed, onSqlite)]
      expect([`seed ${seed}`, ...sqlite.lines]).toEqual([`seed ${seed}`, ...memory.lines])
    }
  },
  LONG,
)

function report(coverage: ReadonlyMap<string, number>, broken: number, minutes: number): string {
  const rows = [...coverage].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return [
    ...rows.map(([what, times]) => `${String(times).padStart(8)}  ${what}`),
    `${count} seeds from ${first}, ${Math.round(count / minutes)} a minute, ${broken} violations`,
  ].join('\n')
}
