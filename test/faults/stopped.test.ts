/** C9: a process that is stopped, taken over and continued does nothing more, wherever it was stopped. */
import { test, vi, type ExpectStatic } from 'vitest'
import { sqliteStore } from '../../src/index.ts'
import { finish, lost } from './fixtures/check.ts'
import { ALL, Life, World } from './fixtures/world.ts'

/** Longer than the heartbeat's thread takes to start on a busy machine. */
const TTL = 4_000
/** For what surely comes. */
const PATIENT = { timeout: 60_000 }
vi.setConfig({ testTimeout: 120_000, maxConcurrency: 2 })

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function start(world: World, env: NodeJS.ProcessEnv = {}, ttl = TTL): Life {
  return new Life('worker.ts', [world.folder, world.file, '--ttl', String(ttl)], { env })
}

const by = (world: World, life: Life): number => world.effects().filter(({ pid }) => pid === life.pid).length

/** Until the lease of a process that stands still has ended. */
async function expired(world: World, expect: ExpectStatic): Promise<void> {
  await using store = sqliteStore(world.file)
  await expect.poll(() => store.due({ holder: 'me', isDead: () => false }, 1), PATIENT).toEqual(['run'])
}

test.concurrent.for(ALL ? [0.5, 1.5, 3] : [1.5])(
  'stopped for %d times the ttl while a tool runs',
  async (times, { expect }) => {
    using world = new World()
    // The other process must begin and end before the lease does.
    const ttl = times < 1 ? 5 * TTL : TTL
    await using zombie = start(world, { HOLD: 'yes' }, ttl)
    await expect.poll(() => world.effects().filter(({ tool }) => tool === 'look').length, PATIENT).toBe(3)
    // Not while it writes: then it would stand still with the file's lock (see below).
    await pass(500)
    zombie.signal('SIGSTOP')
    const before = by(world, zombie)
    await pass(ttl * times)
    await using other = start(world)
    const took = (await other.end()).lines
    zombie.signal('SIGCONT')
    world.mark('go')
    const { lines } = await zombie.end()
    if (times < 1) {
      expect(took.at(-2)).toMatch(/^error RUN_BUSY/)
      expect(lines.at(-1)).toContain('"status":"completed"')
    } else {
      expect(took.at(-1)).toContain('"status":"completed"')
      expect(lines.find((line) => !line.startsWith('entry ') && line !== 'open')).toMatch(/^error LEASE_LOST/)
      expect(by(world, zombie)).toBe(before)
    }
    expect(await lost(world, [...lines, ...took])).toEqual([])
    await finish(world)
  },
)

const WHERE = [
  ['before a once call is sent, its intent durable', 'effect-unsent 4', 0],
  ['after it was sent, before its result came', 'call-sent 3', 1],
  ['before its result is recorded', 'effect-settled 4', 1],
  // It holds the file's lock: nobody takes over before it goes on. What it commits then is older than the take-over.
  ['in its transaction, before the commit', 'transaction-unwritten 9', undefined],
] as const

test.concurrent.for(ALL ? WHERE : WHERE.filter((_, index) => index !== 1))(
  'stopped %s',
  async ([, point, pays], { expect }) => {
    using world = new World()
    await using zombie = start(world, { PCA_FAULT_POINT: `stop ${point}` })
    await expect.poll(() => zombie.isStopped(), PATIENT).toBe(true)
    const before = by(world, zombie)
    if (pays !== undefined) expect(world.effects().filter(({ tool }) => tool === 'pay')).toHaveLength(pays)
    if (pays !== undefined) await expired(world, expect)
    await using other = start(world)
    if (pays !== undefined) await other.end()
    else await pass(TTL * 1.5)
    zombie.signal('SIGCONT')
    const { lines } = await zombie.end()
    const took = (await other.end()).lines
    expect(took.filter((line) => !line.startsWith('entry '))).toEqual([
      'open',
      expect.stringMatching(/^rests/),
    ])
    expect(lines.find((line) => !line.startsWith('entry ') && line !== 'open')).toMatch(/^error LEASE_LOST/)
    expect(by(world, zombie)).toBe(before)
    expect(await lost(world, [...lines, ...took])).toEqual([])
    await finish(world)
  },
)
