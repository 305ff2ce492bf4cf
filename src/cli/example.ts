/** A value that fits a JSON Schema, for people who wonder what to write. */

type Schema = Readonly<Record<string, unknown>>

/** As good as it can be guessed: constants, choices and defaults as they are, else a small value of the type. */
export function exampleOf(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return null
  const { const: only, enum: choices, default: usual, examples, anyOf, oneOf, type } = schema as Schema
  if (only !== undefined) return only
  for (const list of [examples, choices])
    if (Array.isArray(list) && list.length > 0) return list[0] as unknown
  if (usual !== undefined) return usual
  for (const list of [anyOf, oneOf]) if (Array.isArray(list) && list.length > 0) return exampleOf(list[0])
  return ofType(Array.isArray(type) ? type[0] : type, schema as Schema)
}

function ofType(type: unknown, schema: Schema): unknown {
  switch (type) {
    case 'string':
      return schema['format'] === 'date' ? '2026-01-31' : 'text'
    case 'integer':
    case 'number':
      return Number(schema['minimum'] ?? 1)
    case 'boolean':
      return true
    case 'array':
      return [exampleOf(schema['items'] ?? { type: 'string' })]
    case 'object':
      return ofObject(schema)
    default:
      return schema['properties'] === undefined ? null : ofObject(schema)
  }
}

/** With what must be there; with all, where nothing must. */
function ofObject({ properties = {}, required }: Schema): unknown {
  const fields = Object.entries(Object(properties) as Schema)
  const needed = Array.isArray(required) && required.length > 0 ? new Set<unknown>(required) : undefined
  return Object.fromEntries(
    fields.filter(([name]) => needed?.has(name) ?? true).map(([name, of]) => [name, exampleOf(of)]),
  )
}
