/**
 * TypeScript to JavaScript, by amaro. First by blanking (every character stays where it is); where the syntax has
 * effects (enum, namespace, parameter properties, `<T>x`) by reprinting, with a source map.
 *
 * amaro is loaded at the first use: a process that only resumes a run never needs it.
 */
import { createRequire } from 'node:module'
import type * as Amaro from 'amaro'
import { parseJson } from '../base/json.ts'
import { blank } from './edits.ts'
import { noModule } from './modules.ts'
import { decodeMap } from './source-map.ts'
import type { SyntaxFault } from './fault.ts'
import type { SourceMap } from './source-map.ts'

export type Stripped =
  /** `map`: from the code to the source, if the code was reprinted. */
  | { readonly ok: true; readonly code: string; readonly map?: SourceMap }
  | { readonly ok: false; readonly fault: SyntaxFault }

const load = createRequire(import.meta.url)
/** amaro reads modules, where a top-level `return` is an error; in a function it is none. One line, cut off again. */
const OPEN = 'async function $(){\n'
const CLOSE = '\n}'

export function strip(source: string): Stripped {
  const plain = attempt(source)
  if (plain.ok) return plain
  return /return/i.test(plain.fault.message)
    ? inFunction(source)
    : { ok: false, fault: told(source, plain.fault) }
}

/** `import type …` and the `export` before a declaration: a function cannot hold them, and nothing is lost. */
const NEEDLESS = new RegExp(
  [
    /import\s+(?:type\b[^'"]*|\{(?:\s*type\s[^,}'"]*,?)+\}\s*from\s*)(['"])[^'"\n]*\1;?/,
    /export\s*(?:type\s*)?\{[^}]*\}(?!\s*from);?/,
    /export(?:\s+default)?(?=\s)/,
  ]
    .map((each) => each.source)
    .join('|'),
  'y',
)
const MOST = 50

function inFunction(source: string): Stripped {
  let text = source
  for (let round = 0; ; round++) {
    const wrapped = attempt(OPEN + text + CLOSE)
    if (wrapped.ok) return unwrapped(wrapped)
    const fault = { ...wrapped.fault, line: wrapped.fault.line - 1 }
    if (!/'import', and 'export'/.test(fault.message)) return { ok: false, fault: told(source, fault) }
    const at = offsetOf(text, fault)
    NEEDLESS.lastIndex = at
    const found = NEEDLESS.exec(text)?.[0]
    if (found === undefined || round === MOST)
      return { ok: false, fault: { ...fault, message: importMessage(text, at) } }
    text = text.slice(0, at) + blank(found) + text.slice(at + found.length)
  }
}

function unwrapped(wrapped: Stripped & { readonly ok: true }): Stripped {
  const code = wrapped.code.trimEnd().split('\n').slice(1, -1).join('\n')
  if (wrapped.map === undefined) return { ok: true, code }
  const map = wrapped.map
    .slice(1)
    .map((row) => row.map(([at, line, column]) => [at, line - 1, column] as const))
  return { ok: true, code, map }
}

function importMessage(text: string, at: number): string {
  const name = /^(?:import|export)\b[^'"]*['"]([^'"\n]*)/.exec(text.slice(at, at + 2_000))?.[1]
  return name === undefined ? 'Nothing can be imported or exported here' : noModule(name)
}

function offsetOf(text: string, { line, column }: SyntaxFault): number {
  let at = 0
  for (let n = 1; n < line; n++) at = text.indexOf('\n', at) + 1
  return at + column - 1
}

/** Where an expression may begin, a tag: `<Name …`. */
const TAG = /(?:^|[=(,?:&|{[;>]|\breturn)\s*(<(?:>|[A-Za-z][\w.]*(?:\s+[\w-]+\s*=\s*["'{]|\s*\/?>)))/
const CLOSED = /<\/(?:[A-Za-z][\w.]*\s*)?>|\/>/
const NO_JSX =
  'JSX cannot be used here: there is nothing to show it. Build text with template strings, or plain objects'

/** Better words for code that is written for a page. */
function told(source: string, fault: SyntaxFault): SyntaxFault {
  if (!CLOSED.test(source)) return fault
  const lines = source.split('\n')
  for (let line = fault.line; line > 0 && line > fault.line - 30; line--) {
    const found = TAG.exec(lines[line - 1] ?? '')
    const tag = found?.[1]
    if (found === null || tag === undefined) continue
    return { message: NO_JSX, line, column: found.index + found[0].length - tag.length + 1 }
  }
  return fault
}

function attempt(source: string): Stripped {
  try {
    return { ok: true, code: amaro().transformSync(source, { mode: 'strip-only' }).code }
  } catch (error) {
    if (codeOf(error) !== 'UnsupportedSyntax') return { ok: false, fault: faultOf(error) }
  }
  try {
    const { code, map } = amaro().transformSync(source, { mode: 'transform', sourceMap: true })
    return { ok: true, code, map: mapOf(map) }
  } catch (error) {
    return { ok: false, fault: faultOf(error) }
  }
}

function amaro(): typeof Amaro {
  return load('amaro') as typeof Amaro
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}

/** amaro throws plain objects; anything else means that its own engine gave up, which a new one may not. */
function faultOf(error: unknown): SyntaxFault {
  if (typeof error === 'object' && error !== null && 'startLine' in error && 'startColumn' in error) {
    const message =
      'message' in error && typeof error.message === 'string' ? error.message : 'The code cannot be read'
    const { startLine, startColumn } = error
    if (typeof startLine === 'number' && typeof startColumn === 'number') {
      return { message: message.trim(), line: startLine, column: startColumn + 1 }
    }
  }
  forget()
  return { message: 'The code is nested too deeply or cannot be read', line: 1, column: 1 }
}

/** Its WebAssembly is broken after an overflow: the next use loads it anew. */
function forget(): void {
  const folder = load.resolve('amaro').replace(/[^/\\]+$/, '')
  for (const file of Object.keys(load.cache)) if (file.startsWith(folder)) delete load.cache[file]
}

function mapOf(text: string | undefined): SourceMap {
  const parsed: unknown = parseJson(text ?? '{}', 'The source map')
  const found =
    typeof parsed === 'object' && parsed !== null && 'mappings' in parsed ? parsed.mappings : undefined
  return typeof found === 'string' ? decodeMap(found) : []
}
