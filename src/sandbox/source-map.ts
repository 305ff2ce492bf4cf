/** Reads the `mappings` of a version 3 source map with one source. */

/** Counted from 0: column of the generated line, line and column of the source. */
export type Segment = readonly [column: number, sourceLine: number, sourceColumn: number]

/** By generated line. */
export type SourceMap = readonly (readonly Segment[])[]

export function decodeMap(mappings: string): SourceMap {
  let sourceLine = 0
  let sourceColumn = 0
  return mappings.split(';').map((row) => {
    let column = 0
    const segments: Segment[] = []
    for (const field of row.split(',')) {
      const numbers = decodeVlq(field)
      const [first, , line, place] = numbers
      if (first === undefined) continue
      column += first
      if (line === undefined || place === undefined) continue
      sourceLine += line
      sourceColumn += place
      segments.push([column, sourceLine, sourceColumn])
    }
    return segments
  })
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function decodeVlq(text: string): readonly number[] {
  const numbers: number[] = []
  let value = 0
  let shift = 0
  for (const char of text) {
    const digit = DIGITS.indexOf(char)
    value += (digit & 31) * 2 ** shift
    shift += 5
    if ((digit & 32) !== 0) continue
    numbers.push((value & 1) === 1 ? -Math.floor(value / 2) : Math.floor(value / 2))
    value = 0
    shift = 0
  }
  return numbers
}
