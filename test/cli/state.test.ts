/** State files that cannot be used, and ids that fit several. */
import { randomBytes } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AGENT, Place } from './fixtures/pca.ts'

const READS = [['list'], ['show', 'r'], ['inbox']] as const
const WRITES = [
  ['resume', 'r'],
  ['work', '--once'],
  ['approve', 'q'],
  ['reject', 'q'],
  ['answer', 'q', '1'],
  ['pause', 'r'],
  ['stop', 'r'],
] as const

test.for([...READS, ...WRITES])(
  'a missing state file: pca %s is exit 2, names the path and makes none',
  async (args) => {
    using place = new Place()
    const { code, err, out } = await place.pca(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(place.file)
    expect(err).toContain('pca run')
    expect(readdirSync(place.path)).toEqual([])
  },
)

test.for([...READS, ...WRITES, ['run', AGENT, 'script:hello']])(
  'garbage: pca %s is exit 2, names the path and changes nothing',
  async (args) => {
    using place = new Place()
    writeFileSync(place.file, randomBytes(5_000))
    const before = place.bytes()
    const { code, err } = await place.pca(...args)
    expect(code).toBe(2)
    expect(err).toContain(place.file)
    expect(place.bytes()).toBe(before)
    expect(readdirSync(place.path)).toEqual(['agent_state.db'])
  },
)

test('a newer and a foreign file are refused as they are', async () => {
  using place = new Place()
  await place.run('r', 'hello')
  const db = new DatabaseSync(place.file)
  db.exec('PRAGMA user_version = 9999')
  db.close()
  const foreign = new DatabaseSync(join(place.path, 'foreign.db'))
  foreign.exec('CREATE TABLE cats (name TEXT)')
  foreign.close()
  const before = [place.bytes(), place.bytes('foreign.db')]
  for (const args of [['list'], ['resume', 'r'], ['run', AGENT, 'script:hello']]) {
    expect(await place.pca(...args, '--json')).toMatchObject({
      code: 2,
      last: {
        v: 1,
        error: {
          code: 'STATE_CORRUPT',
          message: expect.stringMatching(/agent_state\.db was written by a newer/),
          hint: expect.any(String),
        },
      },
    })
    expect(await place.pca(...args, '--store', 'foreign.db')).toMatchObject({
      code: 2,
      err: expect.stringContaining('another program'),
    })
  }
  expect([place.bytes(), place.bytes('foreign.db')]).toEqual(before)
})

test('an ambiguous prefix of a run lists the candidates; a whole id is never ambiguous', async () => {
  using place = new Place()
  for (const id of ['ab', 'abc', 'abd']) await place.run(id, 'hello')
  const { code, err } = await place.pca('show', 'a')
  expect(code).toBe(2)
  for (const id of ['ab', 'abc', 'abd']) expect(err).toContain(`\n  ${id} (completed): script:hello`)
  expect((await place.pca('show', 'ab')).code).toBe(0)
  expect((await place.pca('show', 'abd')).code).toBe(0)
  expect(await place.pca('show', 'x')).toMatchObject({
    code: 2,
    err: expect.stringContaining('There is no run x.'),
  })
})

test('resume without an id takes the only unfinished run, and lists them if there are several', async () => {
  using place = new Place()
  await place.run('done', 'hello')
  expect(await place.pca('resume')).toMatchObject({ code: 0 })
  await place.run('one', 'size')
  expect(await place.pca('resume', '--json')).toMatchObject({ code: 3, last: { runId: 'one' } })
  await place.run('two', 'size')
  const { code, err } = await place.pca('resume')
  expect(code).toBe(2)
  expect(err).toMatch(/one \(paused\)/)
  expect(err).not.toMatch(/done/)
})
