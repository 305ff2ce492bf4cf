/** Edits and their maps: D1–D3 of edits.ts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { layOut, type Edit, type Layout } from '../../src/sandbox/edits.ts'
import type { SourceMap } from '../../src/sandbox/source-map.ts'

/** Where a character of the layout came from, as the guest finds it: line and column, from 0. */
function originOf({ map }: Layout, line: number, column: number): readonly [number, number] {
  const row = map?.[line] ?? []
  const segment = row.findLast(([at]) => at <= column) ?? row[0]
  return segment === undefined ? [line, column] : [segment[1], segment[2] + Math.max(0, column - segment[0])]
}

function linesOf(text: string): readonly string[] {
  return text.split('\n')
}

const CODE = fc
  .array(fc.constantFrom('a', 'b', 'c', ' ', '\n', 'ü'), { maxLength: 40 })
  .map((chars) => chars.join(''))
const NEW = fc.array(fc.constantFrom('1', '2', '\n'), { maxLength: 6 }).map((chars) => chars.join(''))

/** Code and edits that do not overlap. */
const EDITED = CODE.chain((code) =>
  fc.array(fc.tuple(fc.nat(code.length), NEW), { maxLength: 8 }).map((cuts) => {
    const places = [...new Set(cuts.map(([at]) => at))].toSorted((a, b) => a - b)
    const edits: Edit[] = []
    for (let i = 0; i + 1 < places.length; i += 2) {
      const [start = 0, end = 0] = [places[i], places[i + 1]]
      edits.push({ start, end, pieces: [cuts[i]?.[1] ?? ''] })
    }
    return { code, edits }
  }),
)

test('every character that was not edited leads back to where it was', () => {
  fc.assert(
    fc.property(EDITED, ({ code, edits }) => {
      const laid = layOut(code, edits)
      const source = linesOf(code)
      for (const [line, text] of linesOf(laid.text).entries()) {
        for (const [column, char] of text.split('').entries()) {
          if ('12'.includes(char)) continue
          const [fromLine, fromColumn] = originOf(laid, line, column)
          expect(source[fromLine]?.[fromColumn]).toBe(char)
        }
      }
    }),
  )
})

test('D1: what stands outside of the edits is there, in order', () => {
  fc.assert(
    fc.property(EDITED, ({ code, edits }) => {
      let kept = ''
      let from = 0
      for (const { start, end, pieces } of edits) {
        kept += code.slice(from, start) + pieces.join('')
        from = end
      }
      expect(layOut(code, edits).text).toBe(kept + code.slice(from))
    }),
  )
})

test('D1: an edit within a range that moves, moves with it', () => {
  const laid = layOut('one two three', [
    { start: 0, end: 0, pieces: ['<', [8, 13], '>'] },
    { start: 7, end: 13, pieces: ['      '] },
    { start: 10, end: 11, pieces: ['R'] },
  ])
  expect(laid.text).toBe('<thRee>one two      ')
  expect(originOf(laid, 0, 1)).toEqual([0, 8])
  expect(originOf(laid, 0, 7)).toEqual([0, 0])
})

test('D2: through the map of the code', () => {
  const origin: SourceMap = [
    [[0, 4, 2]],
    [
      [0, 7, 0],
      [3, 9, 5],
    ],
  ]
  const laid = layOut('ab\ncdefg', [{ start: 0, end: 0, pieces: ['++'] }], origin)
  expect(originOf(laid, 0, 2)).toEqual([4, 2])
  expect(originOf(laid, 0, 3)).toEqual([4, 3])
  expect(originOf(laid, 1, 1)).toEqual([7, 1])
  expect(originOf(laid, 1, 4)).toEqual([9, 6])
})

test('D3: what stands where it stood has no row, and no map', () => {
  expect(layOut('a\nb\nc', []).map).toBeUndefined()
  expect(layOut('a\nb\nc', [{ start: 2, end: 3, pieces: ['x'] }]).map).toBeUndefined()
  const { map } = layOut('a\nbb\nc', [{ start: 2, end: 3, pieces: ['xx'] }])
  expect(map).toEqual([
    [],
    [
      [0, 1, 0],
      [2, 1, 1],
    ],
    [],
  ])
})
