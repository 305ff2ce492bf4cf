/** Commands: what they say, how they end, and what they leave behind. */
import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { shell } from '../../src/toolbox.ts'
import { scratch } from '../journal/fixtures/files.ts'
import { call } from './call.ts'

/** What nobody has buried yet is dead too. */
function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('gives both streams and the exit code, in its folder', async () => {
  using dir = scratch()
  const ran = await call(shell({ cwd: dir.path }), 'pwd; echo oh >&2; exit 3')
  expect(ran).toEqual({ exitCode: 3, signal: null, stdout: `${dir.path}\n`, stderr: 'oh\n' })
})

test('the environment holds no secrets', async () => {
  using dir = scratch()
  process.env['PCA_TEST_SECRET'] = 'hush'
  try {
    const { stdout } = (await call(shell({ cwd: dir.path }), 'env')) as { stdout: string }
    expect(stdout).toContain('PATH=')
    expect(stdout).not.toContain('hush')
  } finally {
    delete process.env['PCA_TEST_SECRET']
  }
})

test('keeps head and tail of a flood', async () => {
  using dir = scratch()
  const tool = shell({ cwd: dir.path, maxOutput: 20 })
  const { stdout } = (await call(
    tool,
    'printf first; head -c 5000000 /dev/zero | tr "\\0" x; printf last',
  )) as {
    stdout: string
  }
  expect(stdout).toMatch(/^firstxxxxx\n… 4999989 characters cut …\nxxxxxxlast$/)
})

test('a command that takes too long is ended, with all that it started', async () => {
  using dir = scratch()
  const tool = shell({ cwd: dir.path, timeout: 300 })
  // Neither the command nor what it has put into the background listens to SIGTERM.
  const command = `trap "" TERM; sleep 60 & echo "$$ $!"; sleep 60`
  const error: unknown = await call(tool, command).catch((thrown: unknown) => thrown)
  const [, parent = '', child = ''] =
    /ended after 0.3 s. Until then it had printed:\n(\d+) (\d+)/.exec(String(error)) ?? []
  expect(Number(child)).toBeGreaterThan(0)
  for (const pid of [parent, child]) await expect.poll(() => isAlive(pid)).toBe(false)
}, 20_000)

test('an abort ends it', async () => {
  using dir = scratch()
  const stop = new AbortController()
  const running = call(shell({ cwd: dir.path }), 'sleep 30', { abortSignal: stop.signal })
  stop.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
})

test('what it leaves in the background does not hold it up', async () => {
  using dir = scratch()
  const ran = await call(shell({ cwd: dir.path }), 'sleep 30 & echo done')
  expect(ran).toMatchObject({ exitCode: 0, stdout: 'done\n' })
})

test('a person approves, and sees the command', () => {
  using dir = scratch()
  const judge = shell({ cwd: dir.path }).needsApproval as (command: string) => unknown
  expect(judge('rm -rf x')).toEqual({ required: true, message: `Run this in ${dir.path}?\n$ rm -rf x` })
  const some = shell({ cwd: dir.path, needsApproval: (command) => !command.startsWith('git status') })
  expect((some.needsApproval as typeof judge)('git status')).toMatchObject({ required: false })
})

test('is refused on Windows, where there is no /bin/sh', () => {
  const platform = vi.spyOn(process, 'platform', 'get').mockReturnValue('win32')
  try {
    expect(() => shell({ cwd: '.' })).toThrow(/not there on Windows/)
  } finally {
    platform.mockRestore()
  }
})
