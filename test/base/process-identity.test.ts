/** Death is only told where it is certain (D1–D3). */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { bootClock, describeHolder, holderOf, isDead, isSameBoot } from '../../src/base/process-identity.ts'

const MODULE = join(import.meta.dirname, '../../src/base/process-identity.ts')
const SAY = `import(${JSON.stringify(MODULE)}).then((m) => { console.log(m.holderOf()); setInterval(() => {}, 1000) })`

const READ = `import(${JSON.stringify(MODULE)}).then(({ bootClock }) => console.log(bootClock.boot + '\\n' + bootClock.now()))`
const run = promisify(execFile)

function change(holder: string, fields: object): string {
  return JSON.stringify({ ...(JSON.parse(holder) as object), ...fields })
}

/** Another process, and what it says of itself. */
async function other(): Promise<{ readonly holder: string; kill(): Promise<void> }> {
  const child = spawn(process.execPath, ['-e', SAY], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [holder] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    holder,
    async kill() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

test('this process is alive, and says the same of itself every time', () => {
  expect(holderOf()).toBe(holderOf())
  expect(isDead(holderOf())).toBe(false)
  expect(describeHolder(holderOf())).toBe(`pid ${process.pid} on this machine`)
})

test('another process is alive until it is killed', async () => {
  const { holder, kill } = await other()
  try {
    expect(isDead(holder)).toBe(false)
    expect(holder).not.toBe(holderOf())
    expect(describeHolder(holder)).toMatch(/^pid \d+ on this machine$/)
  } finally {
    await kill()
  }
  expect(isDead(holder)).toBe(true)
})

test('the boot clock goes forward, and is the same for all processes', async () => {
  const before = bootClock.now()
  const { stdout } = await run(process.execPath, ['-e', READ])
  const [boot = '', time = ''] = stdout.trim().split('\n')
  expect(isSameBoot(boot, bootClock.boot)).toBe(true)
  expect(Number(time)).toBeGreaterThan(before)
  expect(Number(time)).toBeLessThan(bootClock.now())
})

test('a boot without a name is guessed by host and second', () => {
  expect(isSameBoot('~1000 here', '~1009 here')).toBe(true)
  expect(isSameBoot('~1000 here', '~1011 here')).toBe(false)
  expect(isSameBoot('~1000 here', '~1000 there')).toBe(false)
  expect(isSameBoot('~1000 here', 'a boot')).toBe(false)
  expect(isSameBoot('a boot', 'another')).toBe(false)
})

describe.runIf(process.platform === 'linux')('on Linux', () => {
  test('a pid that was used again is another process', () => {
    expect(isDead(change(holderOf(), { start: '1' }))).toBe(true)
  })

  test('another boot of this very machine: nothing outlives its kernel', () => {
    const { machine } = JSON.parse(holderOf()) as { readonly machine: string }
    const earlier = change(holderOf(), { boot: 'earlier', machine: 'this one', start: '1' })
    // Only a process that knows its machine can tell.
    expect(isDead(change(earlier, { machine }))).toBe(machine !== '')
    expect(isDead(earlier)).toBe(false)
    expect(isDead(change(earlier, { machine, host: 'far' }))).toBe(false)
    expect(isDead(change(earlier, { machine, boot: 17 }))).toBe(false)
  })

  test('another boot, another container, another time namespace: nobody knows', () => {
    for (const fields of [{ boot: 'other' }, { space: 'pid:[1] time:[1]' }]) {
      const holder = change(holderOf(), { ...fields, pid: 4_000_000, host: 'far' })
      expect(isDead(holder)).toBe(false)
      expect(describeHolder(holder)).toBe('pid 4000000 on far (another machine or container)')
    }
  })

  test('a zombie is dead', async () => {
    // The shell's child ends, and `exec` leaves it a parent that never asks for it.
    const script = `node -e '${SAY.replaceAll("'", `'\\''`)}' & exec sleep 60`
    const path = `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`
    const parent = spawn('sh', ['-c', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PATH: path },
    })
    const [holder] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
    const { pid } = JSON.parse(holder) as { pid: number }
    expect(isDead(holder)).toBe(false)
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => isDead(holder)).toBe(true)
    expect(process.kill(pid, 0)).toBe(true)
    parent.kill('SIGKILL')
  })
})

test.each([
  '',
  'null',
  '[]',
  '{}',
  'ann',
  '{"pid":1}',
  '{"pid":-1}',
  `${'['.repeat(10_000)}`,
  '\0',
  change(holderOf(), { pid: 0 }),
  change(holderOf(), { pid: -1 }),
  change(holderOf(), { pid: 1.5 }),
  change(holderOf(), { pid: '1' }),
])('what we did not write proves nothing: %.40j', (holder) => {
  expect(isDead(holder)).toBe(false)
  expect(describeHolder(holder)).toBe('another process')
})
