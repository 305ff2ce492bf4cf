/** What `npm start` writes to the screen. Colour where it is a terminal that wants it (NO_COLOR, FORCE_COLOR). */
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

export function bold(text: string): string {
  return styled('bold', text)
}

export function dim(text: string): string {
  return styled('dim', text)
}

export function good(text: string): string {
  return styled('green', text)
}

export function bad(text: string): string {
  return styled(['bold', 'red'], text)
}

export function say(text: string = ''): void {
  process.stdout.write(text === '' ? '\n' : `${text.replaceAll(/^(?=.)/gm, '   ')}\n`)
}

export function heading(text: string): void {
  process.stdout.write(`\n${bold(text)}\n`)
}

/** Code with line numbers; `marked` (from 1) is pointed at. */
export function code(source: string, marked?: number): string {
  const lines = source.split('\n')
  const width = String(lines.length).length
  return lines
    .map((line, index) => {
      const number = String(index + 1).padStart(width)
      return marked === index + 1 ? styled('yellow', `> ${number}  ${line}`) : `  ${dim(number)}  ${line}`
    })
    .join('\n')
}

/** Some lines of code around the one that is pointed at. */
export function codeAround(source: string, marked: number): string {
  const lines = code(source, marked).split('\n')
  return lines.slice(Math.max(0, marked - 2), marked + 1).join('\n')
}

/** The line (from 1) in which `source` first says `text`. */
export function lineOf(source: string, text: string): number {
  return source.slice(0, Math.max(0, source.indexOf(text))).split('\n').length
}

/** Rows in columns, the first of them the head. `mark` says which rows stand out. */
export function table(
  rows: readonly (readonly string[])[],
  mark: (row: readonly string[]) => boolean,
): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? []
  return rows
    .map((row, index) => {
      const line = row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()
      if (index === 0) return dim(line)
      return mark(row) ? styled('yellow', line) : line
    })
    .join('\n')
}
