/** Values in a few words for the model: what they are and how large, not what is in them. */
import type { ToldVariable } from '../base/halt.ts'

const KEYS = 6

/** Type and size, in the words that the guest has for its variables (`sandbox/prelude/variables.js`). */
export function typeOf(value: unknown): string {
  if (typeof value === 'string') return `string of ${value.length} characters`
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) return `array of ${value.length}${rowOf(value[0])}`
  if (value instanceof Map) return `Map of ${value.size}`
  if (value instanceof Set) return `Set of ${value.size}`
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`
  return isRecord(value) ? keysOf(value) : Object.prototype.toString.call(value).slice(8, -1)
}

/** `rows (array of 500 { id, cents }), total (42)`. */
export function variablesText(variables: readonly Pick<ToldVariable, 'name' | 'type'>[]): string {
  return variables.map(({ name, type }) => `${name} (${type})`).join(', ')
}

function rowOf(row: unknown): string {
  return isRecord(row) ? ` ${keysOf(row)}` : ''
}

function keysOf(value: object): string {
  const keys = Object.keys(value)
  if (keys.length === 0) return '{}'
  const more = keys.length > KEYS ? `, … ${keys.length} keys` : ''
  return `{ ${keys.slice(0, KEYS).join(', ')}${more} }`
}

function isRecord(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const above: unknown = Object.getPrototypeOf(value)
  return above === Object.prototype || above === null
}
