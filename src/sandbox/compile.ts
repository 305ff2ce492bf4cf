/**
 * A step's TypeScript into the program that the engine runs. Done once per step; the program is journaled.
 *
 * P1  Nothing of a program that cannot be compiled runs. The error names line and column and shows the line.
 * P2  The parsers are loaded at the first use: a process that only resumes a run never needs them.
 */
import type { GuestError } from '../base/halt.ts'
import { faultError, type SyntaxFault } from './fault.ts'
import { forbidden } from './forbidden.ts'
import { rewrite } from './rewrite.ts'
import type { Program } from './sandbox.ts'
import type { SourceMap } from './source-map.ts'
import { strip } from './strip.ts'
import { parseProgram } from './tree.ts'

export type Compiled =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly error: GuestError }

const TOO_DEEP = 'The code is nested too deeply'
const MAX_SOURCE = 512 * 1024
type Place = Omit<SyntaxFault, 'message'>

/** Compiles the code of step `step`. `tools`: the names of those that it has, for what it is told. */
export function compile(step: number, given: string, tools: readonly string[] = []): Compiled {
  const file = `step${step}.ts`
  // The language knows no other line break, not even in a template.
  const source = given.replace(/\r\n?/g, '\n')
  const refused = (fault: SyntaxFault): Compiled => ({ ok: false, error: faultError(file, source, fault) })
  if (source.length > MAX_SOURCE) {
    return refused({ message: `The code is longer than ${MAX_SOURCE} characters`, line: 1, column: 1 })
  }
  const stripped = strip(source)
  if (!stripped.ok) return refused(stripped.fault)
  const { code, map } = stripped
  const place = (offset: number): Place => sourcePlace(code, offset, map)
  try {
    const { tree, classes } = parseProgram(code)
    const found = forbidden({ code, tree, isReprinted: map !== undefined, tools })
    if ('message' in found) return refused({ message: found.message, ...place(found.at) })
    const scripts = rewrite({ code, tree, classes, ...(map === undefined ? {} : { map }), ...found })
    return { ok: true, program: { file, ...scripts, source } }
  } catch (error) {
    return refused(parseFault(error, place))
  }
}

function parseFault(error: unknown, place: (offset: number) => Place): SyntaxFault {
  if (error instanceof RangeError) return { message: TOO_DEEP, line: 1, column: 1 }
  if (!(error instanceof SyntaxError)) throw error
  const offset = 'pos' in error && typeof error.pos === 'number' ? error.pos : 0
  if (/stack space/.test(error.message)) return { message: TOO_DEEP, ...place(offset) }
  return { message: error.message.replace(/ \(\d+:\d+\)$/, ''), ...place(offset) }
}

/** Line and column, from 1, where the model wrote what stands at `offset` of the code. */
export function sourcePlace(code: string, offset: number, map: SourceMap | undefined): Place {
  const before = code.slice(0, offset).split('\n')
  const line = before.length
  const column = (before.at(-1) ?? '').length
  const segment = map?.[line - 1]?.findLast(([at]) => at <= column) ?? map?.[line - 1]?.[0]
  return segment === undefined
    ? { line, column: column + 1 }
    : { line: segment[1] + 1, column: segment[2] + Math.max(0, column - segment[0]) + 1 }
}
