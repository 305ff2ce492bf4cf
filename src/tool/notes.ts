/** What a field's comment says: its description, then what its type cannot say. */
import type { Json } from '../base/json.ts'
import { comment } from './layout.ts'
import type { JsonSchema } from './schema.ts'

/** A whole comment, or nothing; `referred` is what the field's `$ref` leads to. */
export function notesOf(schema: Json, referred?: Json): string {
  if (!isRecord(schema)) return ''
  const { description, format, minimum, maximum, minLength, maxLength, minItems, maxItems } = schema
  const said =
    typeof description === 'string' ? description : isRecord(referred) ? referred.description : undefined
  const notes = [
    ...(typeof said === 'string' ? [said.trim()] : []),
    ...(schema.deprecated === true ? ['deprecated'] : []),
    ...(schema.type === 'integer' ? ['integer'] : []),
    ...(typeof format === 'string' && format !== said ? [`format ${format}`] : []),
    ...bounds('', minimum, maximum),
    ...bounds('length ', minLength, maxLength),
    ...bounds('items ', schema.prefixItems === undefined ? minItems : undefined, maxItems),
    ...('default' in schema ? [`default ${shortJson(schema.default)}`] : []),
  ]
  return notes.length === 0
    ? ''
    : comment(
        notes
          .filter((note) => note !== '')
          .join('; ')
          .replaceAll(/\s+/g, ' '),
        1_000,
      )
}

function bounds(what: string, least: Json | undefined, most: Json | undefined): readonly string[] {
  const from =
    typeof least === 'number' && Math.abs(least) < Number.MAX_SAFE_INTEGER ? [`${what}>= ${least}`] : []
  const to = typeof most === 'number' && Math.abs(most) < Number.MAX_SAFE_INTEGER ? [`${what}<= ${most}`] : []
  return [...from, ...to]
}

function shortJson(value: Json | undefined): string {
  const text = JSON.stringify(value ?? null)
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}

function isRecord(value: Json | undefined): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
