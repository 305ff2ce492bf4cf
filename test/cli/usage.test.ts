/** Help, mistakes, colour. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Place } from './fixtures/pca.ts'

const manifest: { readonly version: string } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'),
)

test('-V prints the version; --help lists the commands in groups, and only those that exist', async () => {
  using place = new Place()
  expect(await place.pca('-V')).toMatchObject({ code: 0, out: `${manifest.version}\n` })
  const { code, out } = await place.pca('--help')
  expect(code).toBe(0)
  const commands = [...out.matchAll(/^ {2}([a-z]+) .*/gm)].map((line) => line[1])
  expect(commands).toEqual([
    'run',
    'resume',
    'work',
    'fork',
    'list',
    'show',
    'logs',
    'doctor',
    'config',
    'init',
    'inbox',
    'approve',
    'reject',
    'answer',
    'decisions',
    'withdraw',
    'audit',
    'pause',
    'stop',
    'say',
    'verify',
    'export',
    'import',
    'backup',
    'rm',
    'prune',
    'rekey',
  ])
  for (const group of ['Drive:', 'Look:', 'Decide:', 'Halt:']) expect(out).toContain(`\n${group}\n`)
  expect((await place.pca('run', '-h')).out).toContain('--store <path>')
})

test.for([[], ['fly'], ['list', '--fast'], ['show'], ['list', 'extra'], ['approve']])(
  'pca %s is exit 2, on stderr',
  async (args) => {
    using place = new Place()
    const { code, out, err } = await place.pca(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(args.length === 0 ? /^Usage: pca/ : /^error: .+\n(.*\n)*.*pca (--help|inbox)/)
  },
)

test('with --json a mistake is an object too; it may stand anywhere', async () => {
  using place = new Place()
  for (const args of [
    ['--json', 'fly'],
    ['fly', '--json'],
    ['list', '--fast', '--json'],
  ]) {
    expect(await place.pca(...args)).toMatchObject({
      code: 2,
      err: '',
      last: {
        v: 1,
        error: { code: 'USAGE', message: expect.stringContaining('unknown'), hint: expect.any(String) },
      },
    })
  }
})

test('global options stand before or after the command', async () => {
  using place = new Place()
  await place.run('r', 'hello', '--store', 'x.db')
  for (const args of [
    ['--json', '--store', 'x.db', 'list'],
    ['list', '--json', '--store', 'x.db'],
    ['--store=x.db', 'list', '--json'],
  ]) {
    expect((await place.pca(...args)).last).toMatchObject({ v: 1, runs: [{ runId: 'r' }] })
  }
})

test('no colour where there is no terminal', async () => {
  using place = new Place()
  const { out, err } = await place.start(
    ['run', join(import.meta.dirname, 'fixtures', 'agent.ts'), 'script:refund'],
    { env: { FORCE_COLOR: '1' } },
  ).ended
  expect(out + err).not.toContain('\u001b')
})
