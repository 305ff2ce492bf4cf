/** The simulation with the real sandbox: fewer seeds, the same promises. `SIM=all` runs 100 new ones. */
import { expect, test } from 'vitest'
import { realGuests } from './real-guest.ts'
import type { Program } from './program.ts'
import type { Scenario } from './scenario.ts'
import { shrink, simulateSeed, told } from './seeds.ts'
import { simulate, type Outcome } from './simulate.ts'

const isAll = process.env['SIM'] === 'all'
const [first, count] = isAll ? [Math.floor(Date.now() / 1000) % 1_000_000_000, 100] : [0, 12]
const LONG = 3_600_000

/** A guest that computes for ever costs real time: here it asks. */
function patient(program: Program): Program {
  const strands = program.strands.map((items) =>
    items.map((item) => (item.do === 'spin' ? { do: 'ask' as const } : item)),
  )
  return { ...program, strands }
}

async function simulateReal(scenario: Scenario): Promise<Outcome> {
  const scripts = scenario.scripts.map((programs) => programs.map(patient))
  return simulate({ ...scenario, scripts }, { guests: realGuests })
}

test(
  `${count} seeds from ${first} keep every promise in the real sandbox`,
  async () => {
    const broken: string[] = []
    const began = performance.now()
    for (let seed = first; seed < first + count; seed++) {
      const { violations } = await simulateSeed(seed, simulateReal)
      if (violations.length === 0) continue
      const smallest = await shrink(seed, simulateReal)
      broken.push(smallest === undefined ? `${seed}: ${violations[0]}` : told(smallest))
    }
    const minutes = (performance.now() - began) / 60_000
    if (isAll)
      console.log(`${count} seeds from ${first} in the real sandbox, ${Math.round(count / minutes)} a minute`)
    expect(broken.join('\n\n')).toBe('')
  },
  LONG,
)

test('a seed is a trace there too', { timeout: LONG }, async () => {
  const [once, again] = [await simulateSeed(2, simulateReal), await simulateSeed(2, simulateReal)]
  expect(once.lines.some((line) => line.endsWith('guest runs'))).toBe(true)
  expect(again.lines).toEqual(once.lines)
})
