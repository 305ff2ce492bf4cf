/** The only door to `JSON.parse`. */
import { StateCorruptError } from './errors.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * Reads JSON text that comes from outside. A `__proto__` key stays an ordinary own key: `JSON.parse` defines it so.
 * @throws {StateCorruptError} naming `what`, if the text is no JSON.
 */
export function parseJson(text: string, what: string): Json {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new StateCorruptError(`${what} is not readable as JSON.`, { cause })
  }
}
