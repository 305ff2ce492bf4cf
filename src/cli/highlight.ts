/** TypeScript in colour, for reading only: comments, words of the language, text, numbers and what is called. */
import type { Paint, Pen } from './screen.ts'
import { cut, safe, widthOf } from './text.ts'

type Kind = 'comment' | 'text' | 'number' | 'word' | 'call' | 'plain'

interface Piece {
  readonly kind: Kind
  readonly text: string
}

const PAINTS: Readonly<Record<Kind, Paint | undefined>> = {
  comment: 'dim',
  text: 'green',
  number: 'yellow',
  word: 'magenta',
  call: 'cyan',
  plain: undefined,
}

const WORDS: ReadonlySet<string> = new Set(
  (
    'as async await break case catch class const continue default delete do else export extends false finally for ' +
    'function if import in instanceof interface let new null of return satisfies static super switch this throw ' +
    'true try type typeof undefined var void while yield'
  ).split(' '),
)

/** One token after the other; whatever is none of these is a plain character. An open quote ends with its line. */
const TOKEN =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<text>'(?:\\.|[^'\\\n])*'?|"(?:\\.|[^"\\\n])*"?|`(?:\\[\s\S]|[^`\\])*`?)|(?<number>(?<![\w$])(?:0[xob][\da-f_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:e[+-]?\d+)?)n?)|(?<name>[\p{ID_Start}$_][\p{ID_Continue}$]*)|(?<plain>[\s\S])/giu

/** The lines of `code`, each at most `columns` wide, safe for a terminal. */
export function highlighted(code: string, columns: number, paint: Pen['paint']): readonly string[] {
  return linesOf(piecesOf(safe(code).replaceAll('\t', '  '))).map((line) =>
    cutTo(line, columns)
      .map(({ kind, text }) => {
        const color = PAINTS[kind]
        return color === undefined ? text : paint(color, text)
      })
      .join(''),
  )
}

function piecesOf(code: string): readonly Piece[] {
  return [...code.matchAll(TOKEN)].map((found): Piece => {
    const text = found[0]
    const { comment, text: quoted, number, name } = found.groups ?? {}
    if (comment !== undefined) return { kind: 'comment', text }
    if (quoted !== undefined) return { kind: 'text', text }
    if (number !== undefined) return { kind: 'number', text }
    if (name === undefined) return { kind: 'plain', text }
    // A property may have any name.
    if (WORDS.has(text) && code[found.index - 1] !== '.') return { kind: 'word', text }
    return { kind: /^\s*\(/.test(code.slice(found.index + text.length)) ? 'call' : 'plain', text }
  })
}

function linesOf(pieces: readonly Piece[]): readonly (readonly Piece[])[] {
  const lines: Piece[][] = [[]]
  for (const { kind, text } of pieces) {
    for (const [at, part] of text.split('\n').entries()) {
      if (at > 0) lines.push([])
      if (part !== '') lines.at(-1)?.push({ kind, text: part })
    }
  }
  return lines
}

/** The pieces that fit; what is cut off leaves an ellipsis. */
function cutTo(line: readonly Piece[], columns: number): readonly Piece[] {
  if (widthOf(line.map(({ text }) => text).join('')) <= columns) return line
  const kept: Piece[] = []
  let left = columns - 1
  for (const { kind, text } of line) {
    const width = widthOf(text)
    if (width > left) {
      // Something follows, so it does not fit whole.
      return [...kept, { kind, text: cut(`${text}  `, left + 1) }]
    }
    kept.push({ kind, text })
    left -= width
  }
  return kept
}
