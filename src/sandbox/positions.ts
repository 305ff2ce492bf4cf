/**
 * What the guest needs to tell positions as the model wrote them. A pure function of the program: it becomes a part of
 * the heap.
 */
import { hintsFor } from './modules.ts'
import type { PositionMap, Program } from './sandbox.ts'

const WIDE = /[^\p{ASCII}]/u

interface Script {
  /** Lines whose columns differ in bytes (the engine's) and in characters, by number from 1. */
  readonly wide: Readonly<Record<number, string>>
  readonly map?: PositionMap
}

/**
 * JSON for the guest: `{ lines, hints, body?, hoisted? }`. The lines are the source's, `hints` what there is in place
 * of the modules that it asks for. The scripts are there if something is to be known of their positions.
 */
export function positionsOf({ source, body, declarations, map, declarationsMap }: Program): string {
  const text = (source ?? body).replace(/\r\n?/g, '\n')
  return JSON.stringify({
    lines: text.split('\n'),
    hints: hintsFor(text),
    body: scriptOf(body, map),
    hoisted: scriptOf(declarations, declarationsMap),
  })
}

function scriptOf(code: string, map: PositionMap | undefined): Script | undefined {
  const wide: Record<number, string> = {}
  if (WIDE.test(code)) {
    for (const [index, line] of code.split('\n').entries()) if (WIDE.test(line)) wide[index + 1] = line
  } else if (map === undefined) return undefined
  return { wide, ...(map === undefined ? {} : { map }) }
}
