/** A disk that gets full in the middle of a run: refused by a typed error, and it goes on when there is room. */
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { finish, lost, unannounced } from './fixtures/check.ts'
import { canMount, lacking, smallDisk } from './fixtures/disk.ts'
import { ALL, Life, World } from './fixtures/world.ts'

vi.setConfig({ testTimeout: 60_000 })

const why = lacking(['tmpfs that may be mounted', canMount])
const SIZES = ALL ? ['256k', '288k', '320k', '352k', '384k', '448k', '512k', '640k'] : ['320k', '448k']

describe.skipIf(why !== undefined)(`a full disk${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  test.each(SIZES)('of %s: another process goes on when there is room', async (size) => {
    using disk = smallDisk(size)
    using outside = new World()
    using world = new World(outside.folder, join(disk.path, 'state.db'))
    await using life = new Life('worker.ts', [world.folder, world.file, '--bytes', '30000'])
    const { lines } = await life.end()
    const said = lines.filter((line) => !line.startsWith('entry '))
    expect(said[1]).toMatch(/^error LIMIT .*full\. Nothing was written; make room and resume\./)
    expect(await unannounced(world)).toEqual([])
    expect(await lost(world, lines)).toEqual([])
    disk.grow('32m')
    await finish(world)
    expect(await lost(world, lines)).toEqual([])
  })

  test.each(SIZES)('of %s: the same process goes on, with the same store', async (size) => {
    using disk = smallDisk(size)
    using outside = new World()
    using world = new World(outside.folder, join(disk.path, 'state.db'))
    await using life = new Life('worker.ts', [world.folder, world.file, '--bytes', '30000', '--stay'])
    await expect.poll(() => life.lines.some((line) => line.startsWith('after '))).toBe(true)
    expect(life.lines.find((line) => line.startsWith('error '))).toMatch(/^error LIMIT /)
    disk.grow('32m')
    world.mark('room')
    const { lines } = await life.end()
    expect(lines.at(-1)).toMatch(/^rests /)
    expect(await lost(world, lines)).toEqual([])
    await finish(world)
  })

  test('there from the start: no run, and a typed error', async () => {
    using disk = smallDisk('16k')
    using outside = new World()
    await using life = new Life('worker.ts', [outside.folder, join(disk.path, 'state.db')])
    const { lines } = await life.end()
    expect(lines.at(-1)).toMatch(/^error (LIMIT|STORE_FAILED|USAGE) /)
    expect(outside.effects()).toEqual([])
  })
})
