/**
 * What Node says to programs of the corpus. Types are taken out by `tsc`; what Node reads itself stays as it was
 * written, and only decorators, which no engine has yet, are rewritten. Each program runs in a thread of its own, in
 * a process whose zone is UTC and whose language is English.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as acorn from 'acorn'
import type { CorpusProgram } from './programs.ts'

const require = createRequire(import.meta.url)
const { parse } = require('acorn') as typeof acorn
const tsc = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc')
const runner = join(import.meta.dirname, 'fixtures', 'node-process.ts')

/** By name of the program, all that it says. */
export function onNode(programs: readonly CorpusProgram[]): ReadonlyMap<string, string> {
  const dir = mkdtempSync(join(tmpdir(), 'corpus-'))
  try {
    const files = programs.map((_program, index) => `program${index}`)
    mkdirSync(join(dir, 'ts'))
    for (const [index, { code }] of programs.entries())
      writeFileSync(join(dir, 'ts', `${files[index]}.ts`), code)
    emit(dir, files, 'esnext')
    const old = files.filter((file) => !isReadable(readFileSync(join(dir, 'esnext', `${file}.js`), 'utf8')))
    if (old.length > 0) emit(dir, old, 'es2024')
    mkdirSync(join(dir, 'run'))
    for (const file of files) {
      const from = join(dir, old.includes(file) ? 'es2024' : 'esnext', `${file}.js`)
      writeFileSync(join(dir, 'run', `${file}.mjs`), asFunction(readFileSync(from, 'utf8')))
    }
    const said = execFileSync(
      process.execPath,
      [runner, ...files.map((file) => join(dir, 'run', `${file}.mjs`))],
      {
        env: { TZ: 'UTC', LC_ALL: 'en_US.UTF-8' },
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      },
    )
    const texts = JSON.parse(said) as readonly string[]
    return new Map(programs.map(({ name }, index) => [name, texts[index] ?? '']))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const OPTIONS = ['--ignoreConfig', '--noCheck', '--module', 'esnext', '--moduleDetection', 'force']

/** Types out. Syntax that is newer than `target` becomes older. */
function emit(dir: string, files: readonly string[], target: string): void {
  const from = join(dir, 'ts')
  const sources = files.map((file) => join(from, `${file}.ts`))
  const to = ['--target', target, '--outDir', join(dir, target), '--rootDir', from]
  const { stdout } = spawnSync(process.execPath, [tsc, ...OPTIONS, ...to, ...sources], { encoding: 'utf8' })
  // It emits all the same what it complains of: a `return` at the top level is an error to it.
  const faults = stdout.split('\n').filter((line) => /error TS1\d{3}:/.test(line) && !line.includes('TS1108'))
  if (faults.length > 0) throw new Error(faults.join('\n'))
}

function isReadable(code: string): boolean {
  try {
    treeOf(code)
    return true
  } catch {
    return false
  }
}

function treeOf(code: string): acorn.Program {
  return parse(code, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    allowAwaitOutsideFunction: true,
    allowReturnOutsideFunction: true,
  })
}

/** A module whose default is the program as a function that gives the value of its last expression. */
function asFunction(code: string): string {
  let text = code.replace(/^#!.*/, '')
  const { body } = treeOf(text)
  const last = body.findLast((each) => each.type !== 'ExportNamedDeclaration' || Boolean(each.declaration))
  for (const statement of body.toReversed()) {
    const { start } = statement
    if (statement === last && statement.type === 'ExpressionStatement')
      text = cut(text, start, start, 'return ')
    if (!statement.type.startsWith('Export')) continue
    const declaration = 'declaration' in statement ? statement.declaration : undefined
    text = cut(text, start, declaration?.start ?? statement.end)
  }
  return `export default async function () {\n${text}\n}\n`
}

function cut(text: string, from: number, to: number, by = ''): string {
  return text.slice(0, from) + by + text.slice(to)
}
