/** Finds the program in a reply: in the arguments of a call, in fenced blocks, in JSON, or bare. */
import type { Json } from '../base/json.ts'
import { parsedInput } from './parts.ts'
import { readJson } from './repair.ts'

/** What stands between two pieces of code that run as one: safe also after a line without a semicolon. */
export const CODE_SEPARATOR = '\n;\n'

/** True for a text that compiles: the sandbox's word. */
export type Compiles = (text: string) => boolean

/** The code in a call's arguments; a fence around all of it is taken off. Undefined where there is none to be read. */
export function callCode(input: unknown, compiles: Compiles = () => false): string | undefined {
  const value = parsedInput(input)
  if (value === undefined && typeof input === 'string' && isBareProgram(input, compiles)) return input
  const code: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'code') : value
  return typeof code === 'string' ? (wholeFence(code) ?? code) : undefined
}

/** The code of `{ "thoughts": …, "code": … }`. Undefined where the text is no such thing. */
export function jsonCode(text: string): string | undefined {
  const value: Json | undefined = readJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const code: unknown = Reflect.get(value, 'code')
  return typeof code === 'string' ? (wholeFence(code) ?? code) : undefined
}

/** Code that a model wrote without any sign around it. Words and fences are none, though they may compile. */
export function isBareProgram(text: string, compiles: Compiles): boolean {
  const isCode = /[=(]/.test(text) && !/^\s*[{[]/.test(text) && !/^\s*(?:`{3}|~{3})/m.test(text)
  return isCode && compiles(text)
}

const OPENS = /^(`{3,}|~{3,})[ \t]*([\w+-]*)[^`]*$/
const TYPESCRIPT: ReadonlySet<string> = new Set([
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
  if (fence === undefined || language === undefined) return undefined
  if (language !== '' && !TYPESCRIPT.has(language.toLowerCase())) return undefined
  const closing = lines.findIndex((line, index) => index > 0 && line.trim().startsWith(fence))
  if (closing !== lines.length - 1 || lines.at(-1)?.trim() !== fence) return undefined
  return lines.slice(1, -1).join('\n')
}

/** A fenced block of a text. `language` is in small letters, `''` where none is named. */
export interface Fenced {
  readonly language: string
  readonly code: string
}

/** All fenced blocks of a text. The last one may lack its closing fence. */
export function fencesOf(text: string): readonly Fenced[] {
  const found: Fenced[] = []
  let open: { readonly fence: string; readonly language: string; readonly lines: string[] } | undefined
  for (const line of text.split(/\r?\n/)) {
    if (open === undefined) {
      const [, fence, language = ''] = OPENS.exec(line.trim()) ?? []
      if (fence !== undefined) open = { fence, language: language.toLowerCase(), lines: [] }
    } else if (line.trim().startsWith(open.fence) && /^(`+|~+)$/.test(line.trim())) {
      found.push({ language: open.language, code: open.lines.join('\n') })
      open = undefined
    } else open.lines.push(line)
  }
  if (open !== undefined) found.push({ language: open.language, code: open.lines.join('\n') })
  return found
}

/** The blocks that are meant to run, as one program: those of TypeScript; without any, those of no named language. */
export function fencedCode(text: string): string | undefined {
  const fences = fencesOf(text)
  const named = fences.filter(({ language }) => TYPESCRIPT.has(language))
  const meant = named.length > 0 ? named : fences.filter(({ language }) => language === '')
  return meant.length === 0 ? undefined : meant.map(({ code }) => code).join(CODE_SEPARATOR)
}
