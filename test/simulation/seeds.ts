/** Seeds: a number is a scenario, and a scenario that breaks a promise is made smaller until nothing can be left out. */
import fc from 'fast-check'
import { scenarios, type Scenario } from './scenario.ts'
import type { Outcome } from './simulate.ts'

export type Simulate = (scenario: Scenario) => Promise<Outcome>

export interface Broken {
  readonly seed: number
  readonly scenario: Scenario
  readonly outcome: Outcome
}

/** Most attempts to make a scenario smaller. */
const ATTEMPTS = 400

/** The scenario of a seed, simulated. */
export async function simulateSeed(seed: number, simulate: Simulate): Promise<Outcome> {
  let outcome: Outcome | undefined
  await fc.check(
    fc.asyncProperty(scenarios, async (scenario) => {
      outcome = await simulate(scenario)
    }),
    { seed, numRuns: 1 },
  )
  if (outcome === undefined) throw new Error(`Seed ${seed} has no scenario`)
  return outcome
}

/** The smallest scenario that was found to break a promise in place of the seed's own, in a way that looks like `seen`. */
export async function shrink(
  seed: number,
  simulate: Simulate,
  seen: RegExp = /./,
): Promise<Broken | undefined> {
  let attempts = 0
  let broken: Broken | undefined
  await fc.check(
    fc.asyncProperty(scenarios, async (scenario) => {
      if (broken !== undefined && ++attempts > ATTEMPTS) return true
      const outcome = await simulate(scenario)
      // fast-check goes on from what failed last: each is smaller than the one before.
      if (!isSeen(outcome, seen)) return true
      broken = { seed, scenario, outcome }
      return false
    }),
    { seed, numRuns: 1 },
  )
  return broken
}

/** Whether a promise is broken in a way that looks like `seen`. */
export function isSeen({ violations }: Outcome, seen: RegExp): boolean {
  return violations.some((violation) => seen.test(violation))
}

/** For people: what broke, how to see it again, and how it came to it. */
export function told({ seed, scenario, outcome }: Broken): string {
  const lines = outcome.lines.filter((line) => !/ (timer|replied|hint|due|the judge looks)$/.test(line))
  return [
    ...outcome.violations,
    `Again: SIM=${seed} npx vitest run test/simulation/simulation.test.ts`,
    `Smallest scenario: ${JSON.stringify(scenario)}`,
    ...lines.slice(-40).map((line) => `  ${line.slice(0, 200)}`),
  ].join('\n')
}
