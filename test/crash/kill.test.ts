/**
 * kill -9 at any instant. A child drives the run; it is killed at random, reproducible instants and started again
 * until the run is done. The world outside (ledger, model log) tells what really happened.
 */
import { describe, expect, test } from 'vitest'
import { output } from '../e2e/fixtures/bench.ts'
import { judge, Life, Scene, seeded } from './fixtures/killing.ts'

/** Kills per run, and runs per kind. */
const KILLS = 6
const SEEDS = [1, 2, 3, 4]

const EXPECTED = {
  sum: 120,
  calls: 4,
  three: [40, 50, 60],
  winner: 80,
  late: 70,
  opened: 90,
  order: ['winner', 'loser'],
  looked: 24_150,
  more: [10, 10, 10, 20, 20, 20],
  next: 3,
  seen: [
    [10, 10],
    [20, 20],
    [30, 30],
    [60, 60],
  ],
}

const uninterrupted = (async () => {
  using scene = new Scene()
  const began = performance.now()
  const result = await new Life(scene).result()
  if (result === undefined) throw new Error('The uninterrupted run gave no result')
  expect(output(result)).toEqual(EXPECTED)
  await judge(scene)
  return performance.now() - began
})()

test('uninterrupted, as all the others are measured by it', async () => {
  expect(await uninterrupted).toBeGreaterThan(0)
})

async function killed(seed: number, snapshots: 'kept' | 'deleted'): Promise<readonly (string | undefined)[]> {
  using scene = new Scene()
  const full = await uninterrupted
  const random = seeded(seed)
  const from: (string | undefined)[] = []
  for (let lives = 0, kills = 0; lives < 40; lives++) {
    await using life = new Life(scene)
    const result = await (kills < KILLS ? life.killAfter(full * (0.25 + 0.75 * random())) : life.result())
    if (snapshots === 'deleted') scene.forgetSnapshots()
    if (result === undefined) {
      kills++
      continue
    }
    from.push(result.resumedFrom)
    if (result.status === 'paused') await scene.answer(result.questions)
    else {
      expect(output(result)).toEqual(EXPECTED)
      await judge(scene)
      if (kills > 0) return from
    }
  }
  throw new Error('The run does not come to its end')
}

describe.each(['kept', 'deleted'] as const)('killed at random, snapshots %s', (snapshots) => {
  test.each(SEEDS)('seed %i', { timeout: 60_000 }, async (seed) => {
    const from = await killed(seed, snapshots)
    if (snapshots === 'deleted') expect(from).not.toContain('snapshot')
  })
})

describe('killed in the middle of a tool', () => {
  for (const [held, kind] of [
    ['pay', 'once'],
    ['look', 'read'],
    ['check', 'idempotent'],
    ['put', 'keyed'],
  ] as const) {
    test(`a ${kind} one`, { timeout: 30_000 }, async () => {
      using scene = new Scene()
      await using first = new Life(scene, '--hold', held)
      while (!first.last.startsWith('held')) expect(await first.line()).toBeDefined()
      const call = first.last.split(' ')[1]
      await first.kill()
      const sent = scene.lines('ledger').filter((line) => line.call === call)
      expect(sent).toHaveLength(1)
      const result = await new Life(scene).result()
      const again = scene.lines('ledger').filter((line) => line.call === call)
      if (kind !== 'once') {
        expect(again.map((line) => line.attempt)).toEqual([1, 2])
        expect(new Set(again.map((line) => line.key)).size).toBe(1)
        expect(result?.status).toBe('completed')
        return judge(scene)
      }
      expect(again).toHaveLength(1)
      if (result?.status !== 'paused') throw new Error(`Not paused: ${JSON.stringify(result)}`)
      expect(result.questions).toMatchObject([
        { kind: 'unknownOutcome', call: { tool: 'pay', args: { n: 1 } } },
      ])
      await scene.answer(result.questions)
      const last = await new Life(scene).result()
      expect(last?.status === 'completed' && last.output).toEqual(EXPECTED)
      expect(last?.resumedFrom).toBe('snapshot')
      await judge(scene)
    })
  }
})

test('killed again while it recovers', { timeout: 30_000 }, async () => {
  using scene = new Scene()
  const full = await uninterrupted
  await using first = new Life(scene, '--hold', 'open')
  while (!first.last.startsWith('held')) expect(await first.line()).toBeDefined()
  await first.kill()
  for (const part of [0.3, 0.4, 0.5, 0.55, 0.6]) {
    await using life = new Life(scene)
    await life.killAfter(full * part)
  }
  const result = await new Life(scene).result()
  if (result?.status !== 'paused') throw new Error(`Not paused: ${JSON.stringify(result)}`)
  await scene.answer(result.questions)
  const last = await new Life(scene).result()
  expect(last?.status === 'completed' && last.output).toEqual(EXPECTED)
  await judge(scene)
})
