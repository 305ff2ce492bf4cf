/** A write that is cut in half, and with it the process: what was acknowledged is stored, and the run goes on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { finish, lost, unannounced } from './fixtures/check.ts'
import { has, run } from './fixtures/disk.ts'
import { ALL, Life, World } from './fixtures/world.ts'

vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'pca-torn-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const shim = join(folder, 'torn.so')

/** The shim, compiled; or why there is none. */
function compiled(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux'
  try {
    has('gcc', '--version')
  } catch {
    return 'there is no gcc'
  }
  const source = join(import.meta.dirname, 'fixtures/torn.c')
  run('gcc', '-shared', '-fPIC', '-O1', '-o', shim, source, '-ldl')
  return undefined
}

const why = compiled()
const upTo = (count: number, step: number): readonly number[] =>
  Array.from({ length: Math.ceil(count / step) }, (_, index) => 1 + index * step)
/** Writes of the log, some 240 of them; and of the file, which begin when it is made. */
const POINTS: readonly (readonly [string, number])[] = ALL
  ? [...upTo(216, 4).map((n) => ['-wal', n] as const), ...upTo(12, 1).map((n) => ['.db', n] as const)]
  : [
      ['-wal', 101],
      ['.db', 1],
    ]

describe.skipIf(why !== undefined)(`torn${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  test.each(POINTS)('state.db…%s, write %i', async (path, at) => {
    using world = new World()
    const env = { LD_PRELOAD: shim, TORN_PATH: path, TORN_AT: String(at) }
    await using life = new Life('worker.ts', [world.folder, world.file], { env })
    const { lines, signal } = await life.end()
    expect([signal, ...lines.filter((line) => /^(error|rests)/.test(line))]).toEqual(['SIGKILL'])
    expect(await lost(world, lines)).toEqual([])
    expect(await unannounced(world)).toEqual([])
    await finish(world)
    expect(await lost(world, lines)).toEqual([])
  })
})
