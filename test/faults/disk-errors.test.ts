/**
 * W5: a read, write or sync of the file fails once. The store writes nothing more and says so, no effect is had without
 * its durable intent, and another process goes on.
 */
import { describe, expect, test, vi } from 'vitest'
import { finish, lost, unannounced } from './fixtures/check.ts'
import { has, lacking } from './fixtures/disk.ts'
import { ALL, Life, World } from './fixtures/world.ts'

vi.setConfig({ testTimeout: 60_000 })

const canInject = (): void =>
  has('strace', '-qq', '-o', '/dev/null', '-e', 'inject=fsync:error=EIO:when=1', 'true')
const why = lacking(['strace that may inject errors', canInject])

const range = (from: number, to: number, step: number): readonly number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step)
/** The n-th call of each that the log or the file gets; a run makes some 60 syncs, 290 writes. */
const POINTS: readonly (readonly [string, string, number])[] = ALL
  ? [
      ...range(1, 56, 2).map((n) => ['fsync', '-wal', n] as const),
      ...range(1, 220, 8).map((n) => ['pwrite64', '-wal', n] as const),
      ...range(1, 8, 1).map((n) => ['pwrite64', '', n] as const),
      ...range(1, 3, 1).map((n) => ['fsync', '', n] as const),
      ...range(1, 21, 4).map((n) => ['pread64', '', n] as const),
    ]
  : [
      ['fsync', '-wal', 20],
      ['pwrite64', '-wal', 150],
    ]

describe.skipIf(why !== undefined)(`EIO${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  test.each(POINTS)('at %s of state.db%s, the %ith', async (call, end, at) => {
    using world = new World()
    const inject = [
      '-P',
      `${world.file}${end}`,
      '-e',
      `trace=${call}`,
      '-e',
      `inject=${call}:error=EIO:when=${at}`,
    ]
    await using life = new Life('worker.ts', [world.folder, world.file], {
      under: ['strace', '-f', '-qq', '-o', '/dev/null', ...inject],
    })
    const { lines } = await life.end()
    const said = lines
      .filter((line) => !line.startsWith('entry '))
      .map((line) => line.split(' ').slice(0, 2).join(' '))
    // Where it is opened, there is nothing that could write more; where the log is brought into the file, nothing is lost.
    expect([
      ['error STORE_FAILED'],
      ['error USAGE'],
      ['error STATE_CORRUPT'],
      ['open', 'error STORE_FAILED', 'after STORE_FAILED'],
      ['open', expect.stringMatching(/^rests/)],
    ]).toContainEqual(said)
    if (!ALL) expect(said).toEqual(['open', 'error STORE_FAILED', 'after STORE_FAILED'])
    expect(await unannounced(world)).toEqual([])
    expect(await lost(world, lines)).toEqual([])
    await finish(world)
    expect(await lost(world, lines)).toEqual([])
  })
})
