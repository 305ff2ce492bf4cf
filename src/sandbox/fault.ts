/** A program that cannot be compiled, as the model reads of it: what is wrong, where, the line, and a caret. */
import type { GuestError } from '../base/halt.ts'

/** Where and why the source cannot be read. Line and column count from 1. */
export interface SyntaxFault {
  readonly message: string
  readonly line: number
  readonly column: number
}

export function faultError(file: string, source: string, { message, line, column }: SyntaxFault): GuestError {
  const where = `${file}:${line}:${column}`
  const shown = excerpt(source, line, column)
  const text = `${message} (${where})${shown === '' ? '' : `\n${shown}`}`
  return { name: 'SyntaxError', message: text, stack: `SyntaxError: ${text}\n    at ${where}` }
}

/** The line, and a caret under the column; of a long line, the part around it. */
export function excerpt(source: string, line: number, column: number): string {
  const text = source.split('\n', line)[line - 1]
  if (text === undefined || text.trim() === '') return ''
  const from = Math.max(0, column - 1 - 80)
  const part = text.slice(from, from + 140)
  const label = `  ${line} | `
  const indent = part.slice(0, column - 1 - from).replace(/[^\t]/g, ' ')
  return `${label}${part}\n${' '.repeat(label.length - 2)}| ${indent}^`
}
