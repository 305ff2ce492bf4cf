/** What sort of value a type, as TypeScript writes it, stands for. Enough to say that two have no value in common. */

export type Kind = 'string' | 'number' | 'boolean' | 'bigint' | 'array' | 'object' | 'function'

/** The kinds of its alternatives; `undefined` if that cannot be told. */
export function kindsOf(type: string): readonly Kind[] | undefined {
  const kinds = alternatives(type).map(kindOf)
  return kinds.every((kind) => kind !== undefined) ? kinds : undefined
}

/** Its literals, if it has no other alternatives. */
export function literalsOf(type: string): readonly string[] | undefined {
  const parts = alternatives(type)
  return parts.every(isLiteral) ? parts : undefined
}

function kindOf(type: string): Kind | undefined {
  if (type === 'string' || type === 'number' || type === 'boolean' || type === 'bigint') return type
  if (type === 'true' || type === 'false') return 'boolean'
  if (/^["']/.test(type)) return 'string'
  if (/^-?\d[\d_]*n$/.test(type)) return 'bigint'
  if (/^-?[\d.]/.test(type)) return 'number'
  if (type.endsWith('[]') || type.startsWith('[') || /^(?:readonly |Array<)/.test(type)) return 'array'
  if (/^(?:\{|Declared<|Date$|Promise<|Map<|Set<)/.test(type)) return 'object'
  return /^\(.*\) => /.test(type) ? 'function' : undefined
}

function isLiteral(type: string): boolean {
  return /^(?:"[^]*"|'[^]*'|-?\d[\d_.e+-]*n?|true|false)$/.test(type)
}

/** The parts of a union, cut where its bars stand outside all brackets and quotes. What follows an arrow is one. */
export function alternatives(type: string): readonly string[] {
  const parts: string[] = []
  let depth = 0
  let quote = ''
  let from = 0
  for (let i = 0; i < type.length; i++) {
    const char = type.charAt(i)
    if (quote !== '') {
      if (char === '\\') i++
      else if (char === quote) quote = ''
    } else if (char === '"' || char === "'" || char === '`') quote = char
    else if (char === '=' && depth === 0 && type.charAt(i + 1) === '>') break
    else if ('([{<'.includes(char)) depth++
    else if (')]}'.includes(char) || (char === '>' && type.charAt(i - 1) !== '=')) depth--
    else if (char === '|' && depth === 0) {
      parts.push(type.slice(from, i).trim())
      from = i + 1
    }
  }
  return [...parts, type.slice(from).trim()]
}
