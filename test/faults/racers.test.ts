/** Five processes resume one run at once: one drives it, the others are refused, and nothing is done twice. */
import { expect, test } from 'vitest'
import { sqliteStore } from '../../src/index.ts'
import { createRun } from '../../src/run/begin.ts'
import { racing } from './fixtures/racer.ts'
import { ALL, Life, World } from './fixtures/world.ts'

const ROUNDS = ALL ? 100 : 8
const RACERS = 5

test(`${RACERS} processes, ${ROUNDS} times`, { timeout: 30_000 + ROUNDS * 3_000 }, async () => {
  using world = new World()
  await using store = sqliteStore(world.file)
  const ids = Array.from({ length: ROUNDS }, (_, index) => `run-${index}`)
  for (const runId of ids) await createRun(store, racing(world).definition(), { task: 'go', runId })
  await using racers = new AsyncDisposableStack()
  const lives = Array.from({ length: RACERS }, () =>
    racers.use(new Life('racer.ts', [world.folder, world.file])),
  )
  await expect.poll(() => lives.every(({ lines }) => lines.includes('ready'))).toBe(true)
  for (const runId of ids) {
    const said = (): readonly string[] =>
      lives.flatMap(({ lines }) => lines.filter((line) => line.startsWith(`${runId} `)))
    for (const life of lives) life.say(runId)
    await expect.poll(() => said().length, { interval: 5 }).toBe(RACERS - 1)
    expect(said()).toEqual(Array.from({ length: RACERS - 1 }, () => `${runId} RUN_BUSY`))
    world.mark(`refused-${runId}`)
    await expect.poll(said, { interval: 5 }).toContain(`${runId} completed`)
  }
  expect(world.effects().map(({ run }) => run)).toEqual(ids)
  expect(new Set(world.effects().map(({ pid }) => pid)).size).toBeGreaterThan(1)
  const runs = await store.runs({}, ROUNDS + 1)
  expect(runs.map(({ status }) => status)).toEqual(ids.map(() => 'completed'))
})
