/** JSON text that is the same for the same data: keys in the order of their code units. */
import type { Json } from '../base/json.ts'

export function stableJson(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isList(value)) return `[${value.map(stableJson).join(',')}]`
  const keys = Object.keys(value).sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${stableJson(value[key] ?? null)}`).join(',')}}`
}

/** How deep lists and objects are nested in `value`. It needs no stack. */
export function depthOf(value: Json): number {
  let depth = 0
  let level: readonly Json[] = [value]
  for (; level.length > 0; depth++)
    level = level.flatMap((part) => (typeof part === 'object' && part !== null ? Object.values(part) : []))
  return depth - 1
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
