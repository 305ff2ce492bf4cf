/**
 * JSON as models write it, where it has only one meaning. What could mean two things is left to the model.
 *
 * J1  A string that is not closed is never closed here: it may be half a program.
 * J2  Text that is JSON already is never touched.
 */
import { type Json, parseJson } from '../base/json.ts'

const FENCE = /^\s*```(?:json)?[ \t]*\r?\n([\s\S]*?)\r?\n?```\s*$/
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** The value of JSON text, repaired if need be; undefined where it is none. */
export function readJson(text: string): Json | undefined {
  return parsed(text) ?? repaired(FENCE.exec(text)?.[1] ?? text)
}

function parsed(text: string): Json | undefined {
  try {
    return parseJson(text, 'What a model wrote')
  } catch {
    return undefined
  }
}

/**
 * Repairs: a fence around all of it, line breaks and tabs in a string, a backslash that escapes nothing (`\d`, `\$`),
 * a comma before a closing bracket, brackets that are missing at the end.
 */
function repaired(text: string): Json | undefined {
  const open: string[] = []
  const out: string[] = []
  let isString = false
  /** Where in `out` the last comma stands, if only white space has come since. */
  let comma: number | undefined
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (isString && char === '\\') {
      const isEscape = /^\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/.test(text.slice(at, at + 6))
      out.push(isEscape ? char + text.charAt(++at) : '\\\\')
      continue
    }
    if (char === '"') isString = !isString
    if (isString && char < ' ') {
      out.push(SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
      continue
    }
    if (!isString && (char === '{' || char === '[')) open.push(char === '{' ? '}' : ']')
    if (!isString && (char === '}' || char === ']')) {
      if (open.pop() !== char) return undefined
      if (comma !== undefined) out[comma] = ''
    }
    if (!isString && char === ',') comma = out.length
    else if (char.trim() !== '') comma = undefined
    out.push(char)
  }
  // J1
  return isString ? undefined : parsed(out.join('') + open.toReversed().join(''))
}
