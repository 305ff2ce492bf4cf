/**
 * P3 and D3 under power loss: an ext4 is shut down without its log while a run is driven on it. What was acknowledged
 * is stored, no effect was had whose intent is gone, and the run goes on.
 */
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { acknowledged, finish, lost, unannounced } from './fixtures/check.ts'
import { canShutDown, ext4Disk, lacking } from './fixtures/disk.ts'
import { ALL, Life, World } from './fixtures/world.ts'

vi.setConfig({ testTimeout: 60_000 })

const why = lacking(['ext4 on a loop device that can be shut down', canShutDown])
/** How many entries are durable when the power fails: of 63 that the run has. */
const CUTS = ALL ? Array.from({ length: 60 }, (_, index) => index + 1) : [1, 17, 42]

/** A run whose disk loses its power once it has acknowledged `cut` entries. */
async function cutAfter(
  cut: number,
  ...args: readonly string[]
): Promise<{
  readonly world: World
  readonly lines: readonly string[]
  readonly over: AsyncDisposableStack
}> {
  const over = new AsyncDisposableStack()
  const disk = over.use(ext4Disk())
  const outside = over.use(new World())
  const world = new World(outside.folder, join(disk.path, 'state.db'))
  const life = over.use(new Life('worker.ts', [world.folder, world.file, ...args]))
  await expect.poll(() => acknowledged(life.lines).length, { interval: 1 }).toBeGreaterThanOrEqual(cut)
  // Stopped first: of a sync that is under way while it shuts down, this file system may say that it was done.
  life.signal('SIGSTOP')
  await expect.poll(() => life.isStopped(), { interval: 1 }).toBe(true)
  disk.shutDown()
  life.signal('SIGKILL')
  const { lines } = await life.end()
  disk.mountAgain()
  return { world, lines, over }
}

describe.skipIf(why !== undefined)(`the power fails${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  test.each(CUTS)('after %i entries', async (cut) => {
    const { world, lines, over } = await cutAfter(cut)
    await using _over = over
    expect(await lost(world, lines)).toEqual([])
    expect(await unannounced(world)).toEqual([])
    await finish(world)
    expect(await lost(world, lines)).toEqual([])
  })

  test('on commits that are not synced, which this notices', async () => {
    const { world, lines, over } = await cutAfter(20, '--plant', 'normal')
    await using _over = over
    expect((await lost(world, lines)).length).toBeGreaterThan(0)
    expect((await unannounced(world)).length).toBeGreaterThan(0)
  })
})
