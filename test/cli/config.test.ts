/** The config file, `pca config` and `pca init`. */
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AGENT, Place } from './fixtures/pca.ts'

function write(place: Place, config: unknown, name = 'pca.config.json'): void {
  writeFileSync(join(place.path, name), name.endsWith('json') ? JSON.stringify(config) : String(config))
}

type Rows = readonly { readonly setting: string; readonly value: string; readonly source: string }[]
const rowsOf = (last: Record<string, unknown>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (last['config'] as Rows).map(({ setting, value, source }) => [setting, `${value} | ${source}`]),
  )

test('flag before variable before config file before module before default; secrets are not shown', async () => {
  using place = new Place()
  write(place, { agent: AGENT, store: 'config.db', defaults: { maxSteps: 7, timeout: '1h' } })
  const env = { PCA_STATE_KEY: 'canary-canary', PCA_STORE: 'env.db' }
  const usual = await place.pca('config', '--json')
  expect(rowsOf(usual.last)).toMatchObject({
    store: 'config.db (not there yet) | pca.config.json',
    agent: `${AGENT} | pca.config.json`,
    model: `scripted/model | ${AGENT}`,
    'defaults.maxSteps': '7 | pca.config.json',
    'defaults.timeout': '1.0 h | pca.config.json',
    'defaults.maxCost': 'none | default',
    color: 'true | default',
  })
  const named = await place.start(['config', '--json'], { env }).ended
  expect(rowsOf(named.last)).toMatchObject({
    store: 'env.db (not there yet) | PCA_STORE',
    PCA_STATE_KEY: 'set, not shown | environment',
  })
  const { out } = await place.start(['config', '--store', 'flag.db'], { env }).ended
  expect(out).toMatch(/^store +flag\.db \(not there yet\) +--store$/m)
  expect(named.out + out).not.toContain('canary')
})

test('run, list and resume take agent, store and defaults from it', async () => {
  using place = new Place()
  write(
    place,
    `export default { agent: ${JSON.stringify(AGENT)}, store: 'own.db', defaults: { maxSteps: 2 } }`,
    'pca.config.ts',
  )
  expect((await place.pca('run', 'script:endless', '--id', 'r')).code).toBe(5)
  expect(place.bytes('own.db')).toBeDefined()
  expect((await place.pca('run', 'script:size', '--id', 's')).out).toContain('pca resume s\n')
  expect((await place.pca('list', '--json')).last).toMatchObject({
    runs: [{ runId: 's' }, { runId: 'r', stepCount: 2 }],
  })
  // Nobody started it on this machine: the config file says which code to trust with it.
  const elsewhere = { env: { PCA_STATE_DIR: join(place.path, 'elsewhere') } }
  expect((await place.start(['resume', 's', '--answer', 'XL'], elsewhere).ended).out).toBe('size XL\n')
})

test.for([
  [{ agnet: 'x' }, `there is no setting 'agnet'`],
  [{ defaults: { steps: 1 } }, `there is no setting 'defaults.steps'`],
  [{ store: 1 }, `'store' is a string, not a number`],
  [[], 'holds no settings'],
] as const)('a config that cannot be, %j, is exit 2', async ([config, says]) => {
  using place = new Place()
  write(place, config)
  expect(await place.pca('list')).toMatchObject({ code: 2, err: expect.stringContaining(says) })
})

test('a config that throws, and two of them, are exit 2', async () => {
  using place = new Place()
  write(place, 'throw new TypeError("no home")', 'pca.config.js')
  expect(await place.pca('list')).toMatchObject({
    code: 2,
    err: expect.stringContaining('TypeError: no home'),
  })
  write(place, {})
  expect(await place.pca('list')).toMatchObject({
    code: 2,
    err: expect.stringContaining('only one can count'),
  })
})

test('init: a starter that runs at once; it writes over nothing', async () => {
  using place = new Place()
  const { code, out } = await place.pca('init', 'my agent')
  expect({ code, out }).toEqual({
    code: 0,
    out: `Next:\n  cd 'my agent'\n  npm install\n  npx pca run "Refund the damaged orders"\n`,
  })
  const home = join(place.path, 'my agent')
  expect(readdirSync(home).toSorted()).toEqual([
    '.gitignore',
    'README.md',
    'agent.ts',
    'package.json',
    'pca.config.json',
    'tsconfig.json',
  ])
  expect(JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))).toMatchObject({
    name: 'my-agent',
    type: 'module',
  })
  install(home)
  const run = await place.start(['run', 'Refund the damaged orders', '--id', 'r'], { cwd: home }).ended
  expect(run.code).toBe(3)
  const id = /pca approve (q_\w+)\n/.exec(run.out)?.[1] ?? ''
  expect((await place.start(['approve', id], { cwd: home }).ended).code).toBe(0)
  expect(await place.start(['resume'], { cwd: home }).ended).toMatchObject({
    code: 0,
    out: '[\n  "40 for A-17",\n  "250 for A-31"\n]\n',
  })
  const before = readFileSync(join(home, 'agent.ts'), 'utf8')
  expect(await place.pca('init', 'my agent')).toMatchObject({
    code: 2,
    err: expect.stringContaining('nothing was written'),
  })
  expect(readFileSync(join(home, 'agent.ts'), 'utf8')).toBe(before)
})

/** As `npm install` would, from this checkout. */
function install(home: string): void {
  const source = join(import.meta.dirname, '..', '..', 'src')
  const own = join(home, '..', 'package')
  mkdirSync(own)
  const names = { '.': 'index', './testing': 'testing' }
  const exports = Object.fromEntries(Object.entries(names).map(([path, name]) => [path, `./${name}.ts`]))
  writeFileSync(
    join(own, 'package.json'),
    JSON.stringify({ name: 'persistent-code-agent', type: 'module', exports }),
  )
  for (const name of Object.values(names))
    writeFileSync(join(own, `${name}.ts`), `export * from ${JSON.stringify(join(source, `${name}.ts`))}\n`)
  mkdirSync(join(home, 'node_modules'))
  symlinkSync(own, join(home, 'node_modules', 'persistent-code-agent'))
}
