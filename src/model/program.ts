/** Finds the program in a reply: in the arguments of a call, or in a text that is one fenced block. */
import { parsedInput } from './parts.ts'

/** What stands between two pieces of code that run as one: safe also after a line without a semicolon. */
export const CODE_SEPARATOR = '\n;\n'

/** The code in a call's arguments; a fence around all of it is taken off. Undefined where there is none to be read. */
export function callCode(input: unknown): string | undefined {
  const value = parsedInput(input)
  const code: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'code') : value
  return typeof code === 'string' ? (wholeFence(code) ?? code) : undefined
}

const OPENS = /^(`{3,}|~{3,})[ \t]*([\w+-]*)[^`]*$/
const RUNS: ReadonlySet<string> = new Set([
  '',
  'ts',
  'typescript',
  'js',
  'javascript',
  'tsx',
  'jsx',
  'mts',
  'mjs',
])

/** The code of a text that is one fenced block of TypeScript (or of no named language) and nothing else. */
export function wholeFence(text: string): string | undefined {
  const lines = text.trim().split(/\r?\n/)
  const [, fence, language] = OPENS.exec(lines[0] ?? '') ?? []
  if (fence === undefined || language === undefined || !RUNS.has(language.toLowerCase())) return undefined
  const closing = lines.findIndex((line, index) => index > 0 && line.trim().startsWith(fence))
  if (closing !== lines.length - 1 || lines.at(-1)?.trim() !== fence) return undefined
  return lines.slice(1, -1).join('\n')
}
