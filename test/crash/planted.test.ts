/**
 * The self-test of the harness: protocol bugs are planted in the processes of a play, and the judge must find something.
 * A sample; `npm run test:crash` hunts them all.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hunt } from './fixtures/hunt.ts'
import { plantOf, plants } from './fixtures/plants.ts'
import { World } from './fixtures/outside.ts'

const SRC = join(import.meta.dirname, '..', '..', 'src')

test('there are fourteen, each with a name of its own', () => {
  expect(new Set(plants.map(({ name }) => name)).size).toBe(14)
})

describe.each(plants.map((plant) => ({ name: plant.name, plant })))('$name', ({ plant }) => {
  test('each fragment stands in the source, once', () => {
    for (const { file, from, to } of plant.edits) {
      const text = readFileSync(join(SRC, file), 'utf8')
      expect(text.split(from).length - 1, `${file}: ${from}`).toBe(1)
      expect(to).not.toBe(from)
    }
    expect(plant.edits).not.toEqual([])
    expect(plant.cases).not.toEqual([])
  })
})

describe('caught', () => {
  let world: World
  beforeAll(() => {
    world = new World()
  })
  afterAll(async () => world[Symbol.asyncDispose]())

  test.each(['blind retry', 'a key for each attempt', 'one approval for all', 'no fence'])(
    '%s',
    { timeout: 60_000 },
    async (name) => {
      expect(await hunt(world, plantOf(name))).toMatchObject({ caught: true })
    },
  )
})
