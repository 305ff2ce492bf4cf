/**
 * What the guest needs to tell positions as the model wrote them: the lines (to name what was called), the lines whose
 * columns differ in bytes (the engine's) and in characters, and the source map where the program was reprinted.
 */
import { blank } from './rewrite.ts'
import type { Program } from './sandbox.ts'

const WIDE = /[^\p{ASCII}]/u

/** JSON for the guest: `{ lines, wide, shift, map? }`. `shift`: characters put before the first line. */
export function positionsOf(program: Program): string {
  const lines = merge(program.body.split('\n'), program.declarations.split('\n'))
  const wide: Record<number, string> = {}
  for (const [index, line] of lines.entries()) if (WIDE.test(line)) wide[index + 1] = line
  const shift = /^\$step:\{/.exec(program.body)?.[0].length ?? 0
  return JSON.stringify({ lines, wide, shift, map: program.map })
}

/** The two scripts are the same text with different parts blanked; a blank of either takes as many bytes. */
function merge(body: readonly string[], declarations: readonly string[]): readonly string[] {
  return body.map((line, index) => {
    const other = declarations[index] ?? ''
    if (other === '' || other === blank(other)) return line
    let merged = ''
    for (let i = 0; i < Math.max(line.length, other.length); i++) {
      const char = other[i] ?? ' '
      merged += char === blank(char) ? (line[i] ?? char) : char
    }
    return merged
  })
}
