/** What is published, as its users have it: packed, installed in an empty folder with scripts blocked, and used. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pages } from '../docs/pages.ts'

const root = join(import.meta.dirname, '..', '..')
const place = mkdtempSync(join(tmpdir(), 'pca-packed-'))
const app = join(place, 'app')

interface Packed {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

/** Bytes. Who installs it waits for the first, and has the second. */
const BUDGET = { packed: 2_500_000, unpacked: 9_000_000 }

let packed: Packed
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }

/** The npm of this Node; `NPM_CLI` names another one (its npm-cli.js). */
function npm(cwd: string, ...args: readonly string[]): string {
  const given = process.env['NPM_CLI']
  const cli =
    given ?? join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js')
  const own = spawnSync(process.execPath, [cli, '--version']).status === 0
  return own
    ? execFileSync(process.execPath, [cli, ...args], {
        cwd,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    : execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function node(...args: readonly string[]): { readonly code: number | null; readonly out: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: app, encoding: 'utf8' })
  return { code: status, out: `${stdout}${stderr}` }
}

beforeAll(() => {
  const from = join(place, 'package')
  mkdirSync(from)
  for (const name of ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'llms.txt', 'docs', 'src'])
    cpSync(join(root, name), join(from, name), { recursive: true })
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(
    process.execPath,
    [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', join(from, 'dist')],
    {
      cwd: root,
    },
  )
  // A list up to npm 11, a record from npm 12 on.
  const made = JSON.parse(npm(from, 'pack', '--ignore-scripts', '--json')) as Readonly<Record<string, Packed>>
  const [only] = Object.values(made)
  if (only === undefined) throw new Error('Nothing was packed')
  packed = only
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  npm(app, 'install', ...quiet, join(from, packed.filename), 'zod@4')
}, 180_000)

afterAll(() => rmSync(place, { recursive: true, force: true }))

test('it holds what users need, and nothing of ours', () => {
  const paths = packed.files.map(({ path }) => path)
  for (const path of [
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'dist/index.js',
    'dist/index.d.ts',
    'llms.txt',
    'docs/pausing.md',
    'docs/pictures/loop.svg',
  ])
    expect(paths).toContain(path)
  const strange = paths.filter(
    (path) =>
      !/^(?:dist|src|docs)\/|^(?:package\.json|README\.md|CHANGELOG\.md|LICENSE|llms\.txt)$/.test(path),
  )
  expect(strange).toEqual([])
  expect(paths.filter((path) => /\.test\.|node_modules|\.db$|\.env/.test(path))).toEqual([])
})

test('it is as small as it is said to be', () => {
  expect(packed.size).toBeLessThan(BUDGET.packed)
  expect(packed.unpackedSize).toBeLessThan(BUDGET.unpacked)
})

test('publint finds nothing', async () => {
  const { messages } = await publint({ pkgDir: join(place, 'package'), strict: true })
  expect(messages.map((message) => formatMessage(message, manifest))).toEqual([])
})

test('its types are found by every way to resolve them but that of CommonJS before Node 20', async () => {
  const tarball = readFileSync(join(place, 'package', packed.filename))
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)))
  if (!analysis.types) throw new Error('There are no types in it.')
  // `require` gets ES modules (require(esm)), and resolvers that know no exports see the main entry alone.
  const known = new Set(['CJSResolvesToESM'])
  const found = analysis.problems.filter(
    (problem) =>
      !known.has(problem.kind) && !(problem.kind === 'NoResolution' && problem.resolutionKind === 'node10'),
  )
  expect(found).toEqual([])
})

test("the README's first example runs in an empty folder", () => {
  const first = pages.find(({ path }) => path === 'README.md')?.snippets.find(({ kind }) => kind === 'ts')
  expect(first?.text).toContain('new PersistentCodeAgent')
  // The only substitution: what a provider's model would say.
  const model = `import { scriptedModel } from 'persistent-code-agent/testing'
const model = scriptedModel(["finalAnswer(await refund({ order: 'A-31', amount: 250 }))"])
Object.assign(globalThis, { AI_SDK_DEFAULT_PROVIDER: { languageModel: () => model } })
`
  writeFileSync(join(app, 'model.ts'), model)
  writeFileSync(join(app, 'first.ts'), `import './model.ts'\n${first?.text}\nawait agent.close()\n`)
  const { code, out } = node('first.ts')
  expect(out).toMatch(/kind: 'approval'/)
  expect(code).toBe(0)
  writeFileSync(
    join(app, 'later.ts'),
    `import './model.ts'
import { PersistentCodeAgent, tool } from 'persistent-code-agent'
import { z } from 'zod'
const refund = tool({
  name: 'refund', description: 'Pay money back to a customer',
  inputSchema: z.object({ order: z.string(), amount: z.number() }),
  needsApproval: ({ amount }) => amount > 100,
  execute: async ({ order, amount }) => \`refunded \${amount} for \${order}\`,
})
const agent = await PersistentCodeAgent.resumeExecution('./agent_state.db', { model: 'anthropic/claude-sonnet-5', tools: [refund] })
for (const question of agent.questions) await agent.answer(question.id, { type: 'approve' })
console.log((await agent.run(agent.task, { reset: false })).output)
await agent.close()
`,
  )
  expect(node('later.ts').out).toContain('refunded 250 for A-31')
})

test('every entry point can be imported, and required', () => {
  const names = ['', '/testing', '/toolbox', '/ai-sdk', '/mcp'].map((name) => `persistent-code-agent${name}`)
  const imports = names.map((name) => `console.log(Object.keys(await import('${name}')).length > 0)`)
  writeFileSync(join(app, 'all.mjs'), imports.join('\n'))
  const requires = names.map((name) => `console.log(Object.keys(require('${name}')).length > 0)`)
  writeFileSync(join(app, 'all.cjs'), requires.join('\n'))
  for (const file of ['all.mjs', 'all.cjs']) expect(node(file)).toEqual({ code: 0, out: 'true\n'.repeat(5) })
})

test('the command line is there, and its doctor is content', () => {
  const pca = join(app, 'node_modules', 'persistent-code-agent', 'dist', 'cli', 'main.js')
  expect(node(pca, '--version').out.trim()).toBe(manifest.version)
  const { code, out } = node(pca, 'doctor')
  expect(out).toMatch(/Sandbox\s+goes on from a stored heap/)
  expect(code).toBe(0)
})
