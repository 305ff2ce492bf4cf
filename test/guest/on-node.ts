/**
 * What Node says to programs of the corpus. Types are taken out by `tsc`; what Node reads itself stays as it was
 * written, and only decorators, which no engine has yet, are rewritten. Each program runs in a thread of its own, in
 * a process whose zone is UTC and whose language is English.
 */
import { execFileSync } from 'node:child_process'
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

function emit(dir: string, files: readonly string[], target: string): void {
  const sources = files.map((file) => join(dir, 'ts', `${file}.ts`))
  const options = [
    '--ignoreConfig',
    '--noCheck',
    '--module',
    'esnext',
    '--verbatimModuleSyntax',
    '--types',
    '',
  ]
  try {
    execFileSync(
      process.execPath,
      [
        tsc,
        ...options,
        '--target',
        target,
        '--outDir',
        join(dir, target),
        '--rootDir',
        join(dir, 'ts'),
        ...sources,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    )
  } catch (error) {
    // It emits all the same: a `return` at the top level is an error to it.
    const { stdout } = error as { readonly stdout: string }
    const faults = stdout
      .split('\n')
      .filter((line) => /error TS1\d{3}:/.test(line) && !line.includes('TS1108'))
    if (faults.length > 0) throw new Error(faults.join('\n'), { cause: error })
  }
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
  const { body } = treeOf(code)
  let text = code
  const last = body.findLast((each) => each.type !== 'ExportNamedDeclaration' || Boolean(each.declaration))
  for (const statement of body.toReversed()) {
    if (statement === last && statement.type === 'ExpressionStatement')
      text = `${text.slice(0, statement.start)}return ${text.slice(statement.start)}`
    if (statement.type !== 'ExportNamedDeclaration') continue
    const end = statement.declaration?.start ?? statement.end
    text = text.slice(0, statement.start) + text.slice(end)
  }
  return `export default async function () {\n${text}\n}\n`
}
