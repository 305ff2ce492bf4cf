/**
 * Changes to a program's text that leave its lines where they are, as far as they can, and know where every character
 * came from.
 *
 * D1  What nobody edits stays in order, and is not looked at again. Edits do not overlap, but one may lie within a range
 *     that another moves.
 * D2  The map of a layout names the source, not the code that was edited: it goes through the code's own map.
 * D3  A line that stands where it stood has no row; if all do, there is no map.
 */
import type { Segment, SourceMap } from './source-map.ts'

/** New text, or a range of the code that stands here now. */
export type Piece = string | readonly [start: number, end: number]

/** What stands in place of a range. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly pieces: readonly Piece[]
}

export interface Layout {
  readonly text: string
  readonly map?: SourceMap
}

/** Text of the code, by the offset where it stood; or new text. */
interface Chunk {
  readonly text: string
  readonly at: number | undefined
}

/** As many blanks as `text` has characters; line breaks stay. */
export function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}

/** The code with its edits. `origin`: where the code came from, if not from the source as it is. */
export function layOut(code: string, edits: readonly Edit[], origin?: SourceMap): Layout {
  if (edits.length === 0 && origin === undefined) return { text: code }
  const chunks: Chunk[] = []
  const sorted = edits.toSorted((a, b) => a.start - b.start || a.end - b.end)
  render(code, sorted, [0, code.length], chunks)
  const text = chunks.map((chunk) => chunk.text).join('')
  const map = mapOf(chunks, new Lines(code), origin)
  return map === undefined ? { text } : { text, map }
}

function render(
  code: string,
  edits: readonly Edit[],
  [start, end]: readonly [number, number],
  into: Chunk[],
): void {
  let from = start
  for (const edit of edits) {
    if (edit.start < from || edit.end > end) continue
    if (edit.start > from) into.push({ text: code.slice(from, edit.start), at: from })
    for (const piece of edit.pieces) {
      if (typeof piece === 'string') into.push({ text: piece, at: undefined })
      else
        render(
          code,
          edits.filter((one) => isWithin(one, piece)),
          piece,
          into,
        )
    }
    from = edit.end
  }
  if (from < end) into.push({ text: code.slice(from, end), at: from })
}

function isWithin(edit: Edit, [start, end]: readonly [number, number]): boolean {
  return edit.start >= start && edit.end <= end
}

/** Offsets as lines and columns, from 0. */
class Lines {
  readonly #starts: number[] = [0]
  #line = 0

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1)
  }

  /** Most questions go forward from the last one. */
  place(offset: number): readonly [line: number, column: number] {
    if ((this.#starts[this.#line] ?? 0) > offset) this.#line = 0
    while ((this.#starts[this.#line + 1] ?? Infinity) <= offset) this.#line++
    return [this.#line, offset - (this.#starts[this.#line] ?? 0)]
  }
}

function mapOf(chunks: readonly Chunk[], lines: Lines, origin: SourceMap | undefined): SourceMap | undefined {
  const rows: Segment[][] = [[]]
  let row: Segment[] = rows[0] ?? []
  let column = 0
  for (const { text, at } of chunks) {
    for (let from = 0; from <= text.length;) {
      const found = text.indexOf('\n', from)
      const end = found < 0 ? text.length : found
      if (at !== undefined) {
        const [line, start] = lines.place(at + from)
        segments(line, start, end - from, origin, (offset, place) => row.push([column + offset, ...place]))
      }
      column += end - from
      if (found < 0) break
      row = []
      rows.push(row)
      column = 0
      from = found + 1
    }
  }
  const kept = rows.map((each, line) => (isStill(each, line) ? [] : each))
  return kept.every((each) => each.length === 0) ? undefined : kept
}

/** Where a piece of one line of the code came from (D2). */
function segments(
  line: number,
  start: number,
  length: number,
  origin: SourceMap | undefined,
  add: (offset: number, place: readonly [line: number, column: number]) => void,
): void {
  const row = origin?.[line]
  if (row === undefined || row.length === 0) {
    add(0, [line, start])
    return
  }
  const before = row.findLast(([column]) => column <= start) ?? row[0]
  if (before !== undefined) add(0, [before[1], before[2] + Math.max(0, start - before[0])])
  for (const [column, sourceLine, sourceColumn] of row) {
    if (column > start && column < start + length) add(column - start, [sourceLine, sourceColumn])
  }
}

/** D3. */
function isStill(row: readonly Segment[], line: number): boolean {
  return row.every(([column, sourceLine, sourceColumn]) => column === sourceColumn && sourceLine === line)
}
