/**
 * A step's TypeScript into the program that the engine runs. Done once per step; the program is journaled.
 *
 * P1  Nothing of a program that cannot be compiled runs. The error names line and column and shows the line.
 * P2  The parsers are loaded at the first use: a process that only resumes a run never needs them.
 */
import type { GuestError } from '../base/halt.ts'
import { rewrite } from './rewrite.ts'
import type { Program } from './sandbox.ts'
import { strip } from './strip.ts'
import type { SyntaxFault } from './strip.ts'
import { bindingNames, parseProgram } from './tree.ts'
import type { AnyNode, Tree } from './tree.ts'

export type Compiled =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly error: GuestError }

/** Names that a program may use but not declare at its top level. */
const LOCKED: { readonly [name: string]: string } = {
  tools: '`tools` holds the tools and cannot be declared again; choose another name',
  finalAnswer: '`finalAnswer` is the function that ends the task; choose another name for the variable',
  $r: '`$r` is reserved; choose another name',
}
const NO_IMPORT = 'Nothing can be imported here: use the tools and what the language has'
const MAX_SOURCE = 512 * 1024

/** Compiles the code of step `step`. */
export function compile(step: number, source: string): Compiled {
  const file = `step${step}.ts`
  if (source.length > MAX_SOURCE) {
    return refused(file, source, {
      message: `The code is longer than ${MAX_SOURCE} characters`,
      line: 1,
      column: 1,
    })
  }
  const stripped = strip(source)
  if (!stripped.ok) return refused(file, source, stripped.fault)
  const { code, map } = stripped
  const place = (offset: number): Omit<SyntaxFault, 'message'> => sourcePlace(code, offset, map)
  let tree: Tree
  try {
    tree = parseProgram(code)
  } catch (error) {
    return refused(file, source, parseFault(error, place))
  }
  const fault = forbidden(tree)
  if (fault !== undefined) return refused(file, source, { message: fault.message, ...place(fault.at) })
  const scripts = rewrite(code, tree)
  return { ok: true, program: { file, ...scripts, ...(map === undefined ? {} : { map }) } }
}

interface Forbidden {
  readonly message: string
  readonly at: number
}

/** What a program may not do at its top level, although it is well formed. */
function forbidden(tree: Tree): Forbidden | undefined {
  for (const statement of tree.body) {
    const imports = statement.type === 'ImportDeclaration' || statement.type === 'ExportAllDeclaration'
    if (imports || (statement.type === 'ExportNamedDeclaration' && statement.source)) {
      return { message: NO_IMPORT, at: statement.start }
    }
    const inner = 'declaration' in statement ? statement.declaration : statement
    for (const [name, at] of inner ? declared(inner) : []) {
      const message = Object.hasOwn(LOCKED, name) ? LOCKED[name] : undefined
      if (message !== undefined) return { message, at }
    }
  }
  return undefined
}

function declared(node: AnyNode): readonly (readonly [name: string, at: number])[] {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return node.id ? [[node.id.name, node.id.start]] : []
    case 'VariableDeclaration':
      return node.declarations.flatMap(({ id }) => bindingNames(id).map((name) => [name, id.start] as const))
    default:
      return []
  }
}

function parseFault(error: unknown, place: (offset: number) => Omit<SyntaxFault, 'message'>): SyntaxFault {
  if (!(error instanceof SyntaxError)) return { message: 'The code is nested too deeply', line: 1, column: 1 }
  const offset = 'pos' in error && typeof error.pos === 'number' ? error.pos : 0
  return { message: error.message.replace(/ \(\d+:\d+\)$/, ''), ...place(offset) }
}

/** Line and column, from 1, where the model wrote what stands at `offset` of the code. */
function sourcePlace(code: string, offset: number, map: Program['map']): Omit<SyntaxFault, 'message'> {
  const before = code.slice(0, offset).split('\n')
  const line = before.length
  const column = (before.at(-1) ?? '').length
  const segment = map?.[line - 1]?.findLast(([at]) => at <= column) ?? map?.[line - 1]?.[0]
  return segment === undefined
    ? { line, column: column + 1 }
    : { line: segment[1] + 1, column: segment[2] + 1 }
}

/** The error that the model reads (P1). */
function refused(file: string, source: string, { message, line, column }: SyntaxFault): Compiled {
  const where = `${file}:${line}:${column}`
  const shown = excerpt(source, line, column)
  const text = `${message} (${where})${shown === '' ? '' : `\n${shown}`}`
  return {
    ok: false,
    error: { name: 'SyntaxError', message: text, stack: `SyntaxError: ${text}\n    at ${where}` },
  }
}

/** The line, and a caret under the column; of a long line, the part around it. */
function excerpt(source: string, line: number, column: number): string {
  const text = source.split(/\r\n|[\n\r\u2028\u2029]/)[line - 1]
  if (text === undefined || text.trim() === '') return ''
  const from = Math.max(0, column - 1 - 80)
  const part = text.slice(from, from + 140)
  const label = `  ${line} | `
  const indent = part.slice(0, column - 1 - from).replace(/[^\t]/g, ' ')
  return `${label}${part}\n${' '.repeat(label.length - 2)}| ${indent}^`
}
