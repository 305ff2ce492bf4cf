import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { faultPoint, FAULT_POINTS } from '../../src/base/fault-point.ts'

const program = join(import.meta.dirname, 'fixtures', 'strikes.ts')

function passes(plan: string | undefined) {
  const env: NodeJS.ProcessEnv = { ...process.env }
  delete env['PCA_FAULT_POINT']
  const given = plan === undefined ? env : { ...env, PCA_FAULT_POINT: plan }
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program], {
    env: given,
    encoding: 'utf8',
  })
  return { status, signal, got: stdout.trim().split('\n').length, stderr }
}

test('without the variable nothing happens', () => {
  expect(passes(undefined)).toMatchObject({ status: 0, signal: null, got: 3 })
  expect(passes('')).toMatchObject({ status: 0, signal: null, got: 3 })
})

test('kill: the process dies at the n-th hit of that name, and of no other', () => {
  expect(passes('kill effect-unsent 2')).toMatchObject({ signal: 'SIGKILL', got: 2 })
  expect(passes('kill commit-unwritten 3')).toMatchObject({ signal: 'SIGKILL', got: 3 })
  expect(passes('kill commit-unwritten 4')).toMatchObject({ status: 0, signal: null, got: 3 })
})

test('throw: an error that names the point', () => {
  const thrown = passes('throw effect-unsent 2')
  expect(thrown).toMatchObject({ status: 1, got: 2 })
  expect(thrown.stderr).toContain('The fault point effect-unsent')
})

test('stop: the process stands still until it is continued', { timeout: 30_000 }, async () => {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, PCA_FAULT_POINT: 'stop effect-unsent 1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const state = (): string => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.charAt(0) ?? ''
  await expect.poll(state).toBe('T')
  child.kill('SIGCONT')
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(0)
})

test('hang: the process stands still for good', { timeout: 30_000 }, async () => {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, PCA_FAULT_POINT: 'hang commit-unwritten 1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  expect(line).toBe('1\n')
  expect(child.exitCode).toBeNull()
  child.kill('SIGKILL')
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
})

test('list: a line for every hit, with what it is about', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pca-hits-'))
  try {
    const file = join(folder, 'hits of this run')
    expect(passes(`list ${file}`)).toMatchObject({ status: 0, got: 3 })
    expect(readFileSync(file, 'utf8')).toBe('effect-unsent once\ncommit-unwritten \n'.repeat(3))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.each(['kill nowhere 1', 'kill effect-unsent', 'kill effect-unsent 0', 'throw effect-unsent one'])(
  'a plan that could never strike is refused: %s',
  (plan) => {
    expect(passes(plan)).toMatchObject({ status: 1 })
  },
)

/** Every line of src that calls `faultPoint`, as text. */
function calls(): string {
  const src = join(import.meta.dirname, '..', '..', 'src')
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('fault-point.ts'),
  )
  return files
    .flatMap((name) => readFileSync(join(src, name), 'utf8').match(/faultPoint\([^\n]*/g) ?? [])
    .join('\n')
}

describe('the list', () => {
  const placed = calls()
  test.each(Object.keys(FAULT_POINTS))('%s is a place in the code', (name) => {
    expect(placed).toContain(`'${name}'`)
  })
})

test('where it is not asked for, it costs next to nothing', () => {
  const times = Array.from({ length: 100 }, () => {
    const began = performance.now()
    for (let n = 0; n < 10_000; n++) faultPoint('effect-unsent', 'once')
    return ((performance.now() - began) / 10_000) * 1e6
  })
  // The machine may be busy with something else; that cannot make it faster than it is.
  const nanoseconds = Math.min(...times)
  // A commit takes some 300 000 ns. Measured: 1 to 5 ns.
  expect(nanoseconds).toBeLessThan(50)
})
