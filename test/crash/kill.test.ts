/**
 * kill -9 at any instant. A child drives the run; it is killed at random, reproducible instants and started again
 * until the run is done. The world outside (ledger, model log) tells what really happened.
 */
import { describe, expect, test } from 'vitest'
import { output } from '../e2e/fixtures/bench.ts'
import { judge, Life, Scene, seeded } from './fixtures/killing.ts'

/** Kills per kind, over as many runs as that takes; and at most so many in one run. */
const KILLS = 20
const KILLS_PER_RUN = 10

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
  const life = new Life(scene)
  await life.line()
  const began = performance.now()
  const result = await life.result()
  if (result === undefined) throw new Error('The uninterrupted run gave no result')
  const took = performance.now() - began
  await judge(scene)
  return { took, result }
})()

test('uninterrupted, as all the others are measured by it', async () => {
  const { took, result } = await uninterrupted
  expect(output(result)).toEqual(EXPECTED)
  expect(took).toBeGreaterThan(0)
})

/** Processes one after another until the run is done; each but the last few is killed somewhere. */
async function survive(seed: number, snapshots: 'kept' | 'deleted'): Promise<Survived> {
  using scene = new Scene()
  const { took: full } = await uninterrupted
  const random = seeded(seed)
  const from: (string | undefined)[] = []
  for (let lives = 0, kills = 0; lives < 40; lives++) {
    await using life = new Life(scene)
    const result = await (kills < KILLS_PER_RUN
      ? life.killAfter(full * random() * (kills % 2 === 0 ? 1 : 0.5))
      : life.result())
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
      return { kills, from }
    }
  }
  throw new Error('The run does not come to its end')
}

interface Survived {
  readonly kills: number
  readonly from: readonly (string | undefined)[]
}

test.concurrent.each(['kept', 'deleted'] as const)(
  'killed at random until it is done, again and again, snapshots %s',
  { timeout: 120_000 },
  async (snapshots) => {
    const from: (string | undefined)[] = []
    for (let seed = 1, kills = 0; kills < KILLS; seed++) {
      const survived = await survive(seed, snapshots).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
      })
      kills += survived.kills
      from.push(...survived.from)
    }
    if (snapshots === 'deleted') expect(from).not.toContain('snapshot')
  },
)

/** Lives until the run is done; each question of a cut call is answered. */
async function finish(scene: Scene): Promise<readonly (string | undefined)[]> {
  const from: (string | undefined)[] = []
  for (let lives = 0; lives < 10; lives++) {
    const result = await new Life(scene).result()
    from.push(result?.resumedFrom)
    if (result?.status === 'paused') await scene.answer(result.questions)
    else {
      expect(result?.status === 'completed' && result.output).toEqual(EXPECTED)
      await judge(scene)
      return from
    }
  }
  throw new Error('The run does not come to its end')
}

/** A life that is killed while this tool runs; gives the call. */
async function killedIn(scene: Scene, tool: string): Promise<string | undefined> {
  await using life = new Life(scene, '--hold', tool)
  while (!life.last.startsWith('held')) expect(await life.line()).toBeDefined()
  const call = life.last.split(' ')[1]
  await life.kill()
  expect(scene.lines('ledger').filter((line) => line.call === call)).toHaveLength(1)
  return call
}

describe('killed in the middle of a tool', () => {
  test.each(['look', 'check', 'put'])(
    '%s: sent again under the same key',
    { timeout: 30_000 },
    async (tool) => {
      using scene = new Scene()
      const call = await killedIn(scene, tool)
      await finish(scene)
      const sent = scene.lines('ledger').filter((line) => line.call === call)
      expect(sent).toHaveLength(2)
      expect(new Set(sent.map((line) => line.key)).size).toBe(1)
      // What must not be sent without a word is announced durably before: so its attempts are counted.
      if (tool === 'put') expect(sent.map((line) => line.attempt)).toEqual([1, 2])
    },
  )

  test('pay (once): never sent again; a person says that it happened', { timeout: 30_000 }, async () => {
    using scene = new Scene()
    const call = await killedIn(scene, 'pay')
    const from = await finish(scene)
    expect(scene.answered).toHaveLength(1)
    expect(scene.lines('ledger').filter((line) => line.call === call)).toHaveLength(1)
    // The first process found no snapshot; the second goes on from the one that the first rested on.
    expect(from).toEqual(['replay', 'snapshot'])
  })

  test('and again while the next process recovers', { timeout: 30_000 }, async () => {
    using scene = new Scene()
    const { took: full } = await uninterrupted
    await killedIn(scene, 'open')
    for (const part of [0.1, 0.2, 0.3, 0.4]) {
      await using life = new Life(scene)
      await life.killAfter(full * part)
    }
    await finish(scene)
    expect(scene.answered).toHaveLength(1)
  })
})
