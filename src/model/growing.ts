/**
 * Shows code while it is still being written: reads `{"code":"…"}` as it grows and gives the decoded text so far.
 *
 * For people to watch only. What runs is read from the complete call; here wrong JSON merely shows less.
 */

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }

/** A reader that is fed the chunks in order, cut anywhere, and returns what each adds to the text of `code`. */
export function growingCode(): (chunk: string) => string {
  let depth = 0
  let inString = false
  let isValue = false
  let key = ''
  let text = ''
  let escape = ''

  /** One character of a string, decoded; empty while an escape is incomplete. */
  const decoded = (char: string): string => {
    if (escape === '' && char !== '\\') return char
    escape += char
    if (escape === '\\' || (escape[1] === 'u' && escape.length < 6)) return ''
    const whole = escape
    escape = ''
    if (whole[1] === 'u') return String.fromCharCode(Number.parseInt(whole.slice(2), 16))
    return ESCAPES[char] ?? char
  }

  const inside = (char: string): string => {
    if (escape === '' && char === '"') {
      inString = false
      if (!isValue) key = text
      return ''
    }
    const added = decoded(char)
    if (depth === 1 && isValue && key === 'code') return added
    if (depth === 1 && !isValue) text += added
    return ''
  }

  const outside = (char: string): void => {
    if (char === '"') {
      inString = true
      text = ''
    } else if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') depth--
    else if (depth === 1 && char === ':') isValue = true
    else if (depth === 1 && char === ',') isValue = false
  }

  return (chunk) => {
    let shown = ''
    for (let at = 0; at < chunk.length; at++) {
      const char = chunk.charAt(at)
      if (inString) shown += inside(char)
      else outside(char)
    }
    return shown
  }
}
