/** What README and docs say can be done, can be done. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { CodeAgent, tool } from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'
import { pages, proseOf, root } from './pages.ts'
import { isProgram, writePrograms, type Program } from './programs.ts'

// Many small processes; a machine may be busy.
vi.setConfig({ testTimeout: 120_000 })

const runFile = promisify(execFile)
const node = (args: readonly string[], cwd: string = root): Promise<{ stdout: string; stderr: string }> =>
  runFile(process.execPath, args, { cwd, env: { ...process.env, NO_COLOR: '1' } })

/** What a program says, whatever its exit code. */
async function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root }, (_error, stdout) => resolve(stdout))
  })
}

let folder = ''
let programs: readonly Program[] = []
beforeAll(() => {
  mkdirSync(join(root, '.pca'), { recursive: true })
  folder = mkdtempSync(join(root, '.pca', 'snippets-'))
  programs = writePrograms(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// ```ts

const snippets = pages.flatMap((page) => page.snippets.filter(({ kind }) => /^(?:ts|sh)\b/.test(kind)))

test(`of ${snippets.length} snippets, those in TypeScript are right, says tsc`, async () => {
  expect(programs.length).toBeGreaterThan(5)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const places = new Map(programs.map(({ file, at }) => [relative(root, file), at]))
  const output = await outputOf([tsc, '--pretty', 'false', '-p', folder])
  const faults = output
    .split('\n')
    .filter((line) => !/(^|\/)src\//.test(line) && line.includes('error TS'))
    .map((line) => line.replace(/^[^(]+/, (file) => places.get(file) ?? file))
  expect(faults).toEqual([])
})

/** What a page says that `node <program>` prints, word for word. */
function said(path: string, program: string): RegExp {
  const page = pages.find((it) => it.path === path)
  const shown = page?.snippets.find(({ text }) => text.startsWith(`$ node ${program}\n`))
  if (shown === undefined) throw new Error(`${path} does not say what ${program} prints.`)
  return new RegExp(`^${RegExp.escape(shown.text.slice(shown.text.indexOf('\n') + 1))}$`)
}

/** What a program prints, by page and place; a program that is not here prints nothing. */
const PRINTS: Readonly<Record<string, RegExp>> = {
  'README.md 1': /kind: 'approval'[\s\S]*Approve refund\?[\s\S]*tool: 'refund'/,
  'docs/pausing.md 1': /^ordered 5 nails\n$/,
  'docs/getting-started.md 2': said('docs/getting-started.md', 'run.ts'),
  'docs/getting-started.md 3': said('docs/getting-started.md', 'resume.ts'),
  'docs/journal.md 2': said('docs/journal.md', 'try.ts'),
  'docs/langgraph.md 1': /^completed\n$/,
  'docs/testing.md 2': /pass 1\n/,
  'docs/testing.md 3': /pass 1\n/,
  'docs/testing.md 4': /pass 1\n/,
  'docs/testing.md 6': /fail 0\n/,
  'docs/ui.md 1': /^200 true\n$/,
  'docs/ui.md 2': /^v1 true\n$/,
  'docs/events.md 1': /^true done\n$/,
}

test.for(pages.filter((page) => page.snippets.some(({ kind }) => isProgram(kind))).map(({ path }) => path))(
  'the programs of %s run',
  async (path) => {
    const own = programs.filter(({ page }) => page === path)
    for (const [index, { file, kind, at }] of own.entries()) {
      if (!isProgram(kind)) continue
      const { stdout, stderr } = await node([file], dirname(file))
      const prints = PRINTS[`${path} ${index + 1}`] ?? /^$/
      expect({ at, stdout, stderr }).toEqual({ at, stdout: expect.stringMatching(prints), stderr: '' })
    }
  },
)

test('what a model would write runs in the sandbox', async () => {
  const snippets = pages.flatMap((page) => page.snippets.filter(({ kind }) => kind === 'ts guest'))
  expect(snippets.length).toBeGreaterThan(0)
  for (const { text, at } of snippets) {
    const search = tool({
      name: 'search',
      description: 'Searches',
      inputSchema: z.object({ query: z.string() }),
      effect: 'read',
      execute: async () => [{ id: 'A-17' }, { id: 'A-31' }],
    })
    const lookup = tool({
      name: 'lookup',
      description: 'Looks up',
      inputSchema: z.object({ id: z.string() }),
      effect: 'read',
      execute: async ({ id }) => ({ id, amount: 40 }),
    })
    await using agent = new CodeAgent({
      model: scriptedModel([text, 'finalAnswer(1)']),
      tools: [search, lookup],
    })
    await agent.run('Try it')
    const step = agent.memory.steps[1]
    expect({ at, ...step }).not.toHaveProperty('error')
    expect({ at, ...step }).toMatchObject({
      at,
      output: 'found 2\n',
      value: expect.stringContaining('A-17'),
    })
  }
})

// ```sh

interface Scripts {
  readonly scripts: Readonly<Record<string, string>>
}
const { scripts }: Scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** The words of a command line, without its comment. */
function wordsOf(line: string): readonly string[] {
  return (line.match(/'[^']*'|"[^"]*"|#.*$|[^\s]+/g) ?? []).filter((word) => !word.startsWith('#'))
}

const helped = new Map<string, Promise<string>>()
/** What `pca … --help` says; rejects where there is no such command. */
function helpOf(...command: readonly string[]): Promise<string> {
  const key = command.join(' ')
  const known = helped.get(key)
  if (known !== undefined) return known
  const help = node([join(root, 'src/cli/main.ts'), ...command, '--help']).then(({ stdout }) => stdout)
  helped.set(key, help)
  return help
}

/** Every `pca …` of the pages: in snippets, and in code within the text. */
function commandsOf(): readonly { readonly words: readonly string[]; readonly at: string }[] {
  return pages.flatMap((page) => [
    ...page.snippets
      .filter(({ kind }) => kind === 'sh')
      .flatMap(({ text, at }) => text.split('\n').map((line) => ({ words: wordsOf(line), at }))),
    ...[...proseOf(page).matchAll(/`(pca [^`]+)`/g)].map(([, line = '']) => ({
      words: wordsOf(line.replaceAll(/[[\]]/g, '')),
      at: page.path,
    })),
  ])
}

test('every command exists, and so does every option', async () => {
  const commands = commandsOf().filter(({ words }) => words.length > 0)
  expect(commands.length).toBeGreaterThan(20)
  const faults: string[] = []
  for (const { words, at } of commands) {
    const [program = '', name = '', ...rest] = words
    const fault = `${at}: ${words.join(' ')}`
    if (program === 'npm') {
      if (!Object.hasOwn(scripts, name === 'run' ? (rest[0] ?? '') : name)) faults.push(fault)
      continue
    }
    const help = program === 'pca' ? await helpOf(name).catch(() => '') : ''
    const options = rest.filter((word) => word.startsWith('--'))
    if (!help.includes(`Usage: pca ${name}`) || options.some((option) => !help.includes(option)))
      faults.push(fault)
  }
  expect(faults).toEqual([])
})

test('every command of pca is in docs/cli.md', async () => {
  const help = await helpOf()
  const names = [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name)
  expect(names.length).toBeGreaterThan(8)
  const page = readFileSync(join(root, 'docs/cli.md'), 'utf8')
  for (const name of names) expect(page).toContain(`| \`pca ${name}`)
})

// The rest

test('docs/design.md knows every entry, and no other', () => {
  const source = readFileSync(join(root, 'src/journal/entry.ts'), 'utf8')
  const bodies = source.slice(source.indexOf('interface Bodies'), source.indexOf('export type EntryKind'))
  const kinds = [...bodies.matchAll(/^ {2}'([a-z-]+)':/gm)].map(([, kind]) => kind)
  const page = readFileSync(join(root, 'docs/design.md'), 'utf8')
  const told = [...page.slice(page.indexOf('## Entries')).matchAll(/^\| `([a-z-]+)`/gm)].map(
    ([, kind]) => kind,
  )
  expect(kinds.length).toBeGreaterThan(20)
  expect(new Set(told)).toEqual(new Set(kinds))
})

test('docs/design.md names the invariants that its files have', () => {
  const page = readFileSync(join(root, 'docs/design.md'), 'utf8')
  const rows = [...page.matchAll(/^\| ([A-Z])1–[A-Z](\d+): .* \| `(src\/[^`]+)` \|$/gm)]
  expect(rows.length).toBeGreaterThan(5)
  const stated = rows.map(([, letter = '', last = '', file = '']) => {
    const head = readFileSync(join(root, file), 'utf8').split('*/')[0] ?? ''
    const numbers = [...head.matchAll(new RegExp(`^ \\* ${letter}(\\d+) `, 'gm'))].map(([, number]) =>
      Number(number),
    )
    return { file, last: Number(last), found: Math.max(0, ...numbers) }
  })
  expect(stated.filter(({ last, found }) => last !== found)).toEqual([])
})

test('every promise is named in the README, with what proves it', () => {
  const [readme] = pages
  const design = readFileSync(join(root, 'docs/design.md'), 'utf8')
  const promised = [...design.matchAll(/^- \*\*(P\d+) /gm)].map(([, name]) => name)
  const rows = [...(readme?.text ?? '').matchAll(/^\| (P\d+) .*\]\((?:test|bench)\//gm)].map(
    ([, name]) => name,
  )
  expect(promised).toHaveLength(11)
  expect(rows).toEqual(promised)
})

test('no page names a place on the machine where it was written', () => {
  const naming = pages.filter(({ text }) => /(^|[\s`'"(])\/(work|root|home|tmp|Users)\//.test(text))
  expect(naming.map(({ path }) => path)).toEqual([])
})
