/**
 * The plan of the house is only as good as the linter that holds it: plants a breach of each rule in a copy of the
 * house (outside the repository), and sees the real linter or the real compiler refuse it, and nothing else.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { layers } from '../../oxlint.config.ts'

const root = join(import.meta.dirname, '..', '..')

/** A file to plant, and the rule that must refuse it; `undefined`: nothing may. */
interface Plant {
  readonly says: string
  readonly file: string
  readonly code: string
  readonly rule: string | undefined
}

const imports = 'eslint(no-restricted-imports)'
const properties = 'eslint(no-restricted-properties)'
const cycle = 'import(no-cycle)'
const wallClock = 'house(no-wall-clock)'

const plants: readonly Plant[] = [
  {
    says: 'an import of a layer below',
    file: 'src/run/down.ts',
    code: `import { one } from '../base/one.ts'\nexport const two: number = one`,
    rule: undefined,
  },
  {
    says: 'an import of a layer above',
    file: 'src/base/up.ts',
    code: `import { two } from '../run/down.ts'\nexport const three: number = two`,
    rule: imports,
  },
  {
    says: 'a type import of a layer above',
    file: 'src/journal/up-type.ts',
    code: `import type { Three } from '../agent/three.ts'\nexport type Four = Three`,
    rule: imports,
  },
  {
    says: 'a re-export of a layer above',
    file: 'src/base/up-export.ts',
    code: `export { two } from '../run/down.ts'`,
    rule: imports,
  },
  {
    says: 'a dynamic import of a layer above',
    file: 'src/base/up-late.ts',
    code: `export const late = (): Promise<unknown> => import('../run/down.ts')`,
    rule: imports,
  },
  {
    says: 'a type import written inline',
    file: 'src/base/up-inline.ts',
    code: `export type Late = import('../agent/three.ts').Three`,
    rule: 'typescript(consistent-type-imports)',
  },
  {
    says: 'an import of a neighbour',
    file: 'src/tool/neighbour.ts',
    code: `import type { Four } from '../journal/up-type.ts'\nexport type Five = Four`,
    rule: imports,
  },
  {
    says: 'an import of the classes from a layer',
    file: 'src/run/up-class.ts',
    code: `import type { CodeAgent } from '../code-agent.ts'\nexport type Six = CodeAgent`,
    rule: imports,
  },
  {
    says: 'an import of index.ts from inside',
    file: 'src/persistent-code-agent.ts',
    code: `export { CodeAgent } from './index.ts'`,
    rule: imports,
  },
  {
    says: 'an import of index.ts from the command line',
    file: 'src/cli/list.ts',
    code: `export { CodeAgent as Agent } from '../index.ts'`,
    rule: undefined,
  },
  {
    says: 'one end of a cycle of type imports',
    file: 'src/agent/chicken.ts',
    code: `import type { Egg } from './egg.ts'\nexport type Chicken = { readonly lays: Egg }`,
    rule: cycle,
  },
  {
    says: 'the other end of it',
    file: 'src/agent/egg.ts',
    code: `import type { Chicken } from './chicken.ts'\nexport type Egg = { readonly from: Chicken }`,
    rule: cycle,
  },
  {
    says: 'a dependency through its door',
    file: 'src/sandbox/engine.ts',
    code: `export type { QuickJS } from 'quickjs-wasi'`,
    rule: undefined,
  },
  {
    says: 'a dependency past its door',
    file: 'src/sandbox/backdoor.ts',
    code: `export type { QuickJS } from 'quickjs-wasi'`,
    rule: imports,
  },
  {
    says: 'a built-in module past its door',
    file: 'src/agent/zip.ts',
    code: `export { deflateSync } from 'node:zlib'`,
    rule: imports,
  },
  {
    says: 'a layer above, through a file that is a door',
    file: 'src/sandbox/compile.ts',
    code: `export { two } from '../run/down.ts'`,
    rule: imports,
  },
  {
    says: 'JSON.parse outside of json.ts',
    file: 'src/tool/parse.ts',
    code: `export const parse = (text: string): unknown => JSON.parse(text)`,
    rule: properties,
  },
  {
    says: 'Date.now below the classes',
    file: 'src/run/now.ts',
    code: `export const now = (): number => Date.now()`,
    rule: properties,
  },
  {
    says: 'new Date() below the classes',
    file: 'src/agent/date.ts',
    code: `export const date = (): Date => new Date()`,
    rule: wallClock,
  },
  {
    says: 'new Date(ms) below the classes',
    file: 'src/agent/show.ts',
    code: `export const show = (ms: number): string => new Date(ms).toISOString()`,
    rule: undefined,
  },
  {
    says: 'a timer below the classes',
    file: 'src/journal/timer.ts',
    code: `export const later = (f: () => void): unknown => setTimeout(f, 1)`,
    rule: 'eslint(no-restricted-globals)',
  },
  {
    says: 'a timer in the clock',
    file: 'src/base/clock.ts',
    code: `export const later = (f: () => void): unknown => setTimeout(f, 1)`,
    rule: undefined,
  },
  {
    says: 'an any in src',
    file: 'src/model/any.ts',
    code: `export const anything: any = 1`,
    rule: 'typescript(no-explicit-any)',
  },
  {
    says: 'an any in a test',
    file: 'test/any.test.ts',
    code: `export const anything: any = 1`,
    rule: 'typescript(no-explicit-any)',
  },
  {
    says: 'a non-null assertion',
    file: 'src/model/sure.ts',
    code: `export const first = (list: readonly string[]): string => list[0]!`,
    rule: 'typescript(no-non-null-assertion)',
  },
  {
    says: 'a promise that nobody waits for',
    file: 'src/model/floating.ts',
    code: `export function start(work: () => Promise<void>): void {\n  work()\n}`,
    rule: 'typescript(no-floating-promises)',
  },
  {
    says: 'a case that nobody thought of',
    file: 'src/model/cases.ts',
    code: `export function name(it: 'a' | 'b'): void {\n  switch (it) {\n    case 'a':\n      throw new Error(it)\n  }\n}`,
    rule: 'typescript(switch-exhaustiveness-check)',
  },
  { says: 'an enum', file: 'src/model/enum.ts', code: `export enum Colour {\n  Red,\n}`, rule: 'TS1294' },
  {
    says: 'an index that may miss',
    file: 'src/model/index-of.ts',
    code: `export const first = (list: readonly string[]): string => list[0]`,
    rule: 'TS2322',
  },
  {
    says: 'undefined for an optional field',
    file: 'src/model/optional.ts',
    code: `export const it: { readonly a?: 1 } = { a: undefined }`,
    rule: 'TS2375',
  },
  // What the plants above import.
  { says: 'a file to import', file: 'src/base/one.ts', code: `export const one = 1`, rule: undefined },
  { says: 'a type to import', file: 'src/agent/three.ts', code: `export type Three = 3`, rule: undefined },
  {
    says: 'a class to import',
    file: 'src/code-agent.ts',
    code: `export class CodeAgent {}`,
    rule: undefined,
  },
  {
    says: 'a public list',
    file: 'src/index.ts',
    code: `export { CodeAgent } from './code-agent.ts'`,
    rule: undefined,
  },
]

describe('the linter and the compiler', () => {
  /** The rules and errors that refused each file. */
  const refusals = new Map<string, Set<string>>()
  let house: string

  beforeAll(() => {
    house = mkdtempSync(join(tmpdir(), 'pca-house-'))
    for (const file of ['oxlint.config.ts', 'tools/lint', 'tsconfig.json', 'package.json', '.gitignore']) {
      cpSync(join(root, file), join(house, file), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'), 'dir')
    for (const { file, code } of plants) {
      mkdirSync(dirname(join(house, file)), { recursive: true })
      writeFileSync(join(house, file), `${code}\n`)
    }
    for (const [file, rule] of [...lint(house), ...compile(house)]) {
      refusals.set(file, (refusals.get(file) ?? new Set()).add(rule))
    }
  })

  afterAll(() => rmSync(house, { recursive: true, force: true }))

  for (const { says, file, rule } of plants) {
    test(`${rule === undefined ? 'allow' : 'refuse'} ${says}`, () => {
      expect([...(refusals.get(file) ?? [])]).toEqual(rule === undefined ? [] : [rule])
    })
  }
})

/** Runs a tool of node_modules in `folder`, and gives what it prints. */
function run(folder: string, tool: string, ...args: readonly string[]): string {
  const options = { cwd: folder, encoding: 'utf8' } as const
  return spawnSync(process.execPath, [join(root, 'node_modules', tool), ...args], options).stdout
}

type Refusal = readonly [file: string, rule: string]

function lint(folder: string): Refusal[] {
  const report: { diagnostics: { filename: string; code: string }[] } = JSON.parse(
    run(folder, 'oxlint/bin/oxlint', '-f', 'json'),
  )
  return report.diagnostics.map(({ filename, code }) => [filename, code])
}

function compile(folder: string): Refusal[] {
  const lines = run(folder, 'typescript/bin/tsc', '--pretty', 'false').matchAll(
    /^(\S+)\(\d+,\d+\): error (TS\d+)/gm,
  )
  return [...lines].map(([, file = '', code = '']) => [file, code])
}

test('every file and folder of src stands on a floor', () => {
  const names = layers.flat()
  expect(readdirSync(join(root, 'src')).filter((name) => !names.includes(name))).toEqual([])
})
