/** Names that a tool may have: what the model's code can call, without hiding what it needs. */
import { UsageError } from '../base/errors.ts'

/** The guest's own words. `then` would make `tools` a promise. */
const OWN = new Set(['tools', 'finalAnswer', 'ask', 'sleep', 'print', 'then', '__proto__'])

/** A bare tool name is a global of the guest: it must not hide one that programs rely on. */
const GLOBALS = new Set(
  (
    'globalThis undefined NaN Infinity console Object Function Array Number Boolean String Symbol BigInt Math JSON ' +
    'Date RegExp Promise Proxy Reflect Map Set WeakMap WeakSet WeakRef Error TypeError RangeError Iterator Intl ' +
    'ArrayBuffer DataView Uint8Array structuredClone setTimeout queueMicrotask eval arguments'
  ).split(' '),
)

const KEYWORDS = new Set(
  (
    'await async break case catch class const continue debugger default delete do else enum export extends false ' +
    'finally for function if implements import in instanceof interface let new null package private protected ' +
    'public return static super switch this throw true try typeof var void while with yield'
  ).split(' '),
)

/** @throws {UsageError} for a name that is no identifier (`-` apart), too long, or taken. */
export function checkToolName(name: unknown): string {
  if (typeof name !== 'string' || name === '')
    throw new UsageError('A tool has no name.', { hint: "Give it one: tool({ name: 'lookup', … })." })
  const shown = JSON.stringify(name.slice(0, 80))
  if (!/^[A-Za-z_$][\w$-]{0,127}$/.test(name))
    throw new UsageError(
      `A tool's name is 1 to 128 letters, digits, '_' or '-', and begins with a letter: ${shown}.`,
    )
  if (name.startsWith('$') || OWN.has(name) || GLOBALS.has(name))
    throw new UsageError(`${shown} cannot be a tool's name: the model's code needs it for something else.`)
  return name
}

/** How the model's code writes it: `refund`, `tools.delete`, `tools['a-b']`. */
export function callableName(name: string): string {
  if (name.includes('-')) return `tools['${name}']`
  return KEYWORDS.has(name) ? `tools.${name}` : name
}
