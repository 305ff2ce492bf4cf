/**
 * The wire format of values, and the only door to devalue. What crosses into the guest, out of it, and into the
 * journal is this text. The guest has its own encoder and decoder (`sandbox/prelude/codec.js`): same value, same text.
 *
 * C1  Data survives: cycles and shared references, Date, Map, Set, RegExp, BigInt, binary data, URL, `undefined`,
 *     holes, NaN, -0, infinities, lone surrogates. An error comes back as an error (name, message, cause, errors).
 * C2  An instance of a class is data: its own enumerable fields, as a plain object. No class is ever revived.
 * C3  What has no plain form is refused by name of its path: functions, symbols, promises, weak collections,
 *     iterators, exotic host objects. Nothing is dropped silently.
 * C4  A key `__proto__` is an ordinary own key on both sides; on the wire it reads `\0__proto__`.
 */
import { types } from 'node:util'
import { DevalueError, parse, stringify } from 'devalue'
import { showBytes } from './duration.ts'
import { LimitError, StateCorruptError, UsageError } from './errors.ts'
import type { Encoded } from './halt.ts'

/**
 * The text of a value.
 * @throws {UsageError} naming the path of a part that cannot be written (C3), or if the value is nested too deeply.
 */
export function encode(value: unknown): Encoded {
  return written(value, READ)
}

/**
 * The text of a value that may be too large: writing it ends where that is certain.
 * @throws {LimitError} it takes more than `most` bytes. @throws {UsageError} as `encode` does.
 */
export function encodeWithin(value: unknown, most: number): Encoded {
  const text = written(value, counting(most))
  if (text.length * 3 > most && Buffer.byteLength(text) > most) throw tooLarge(most)
  return text
}

function written(value: unknown, operations: typeof READ): Encoded {
  try {
    return stringify(value, { Error: errorFields }, { operations })
  } catch (cause) {
    if (cause instanceof DevalueError) {
      throw new UsageError(`The value${path(cause)} cannot be encoded: ${reason(cause.value)}.`, { cause })
    }
    if (cause instanceof RangeError) throw new UsageError('The value is nested too deeply.', { cause })
    throw cause
  }
}

/**
 * The value of a text.
 * @throws {StateCorruptError} if the text was not made by `encode`.
 */
export function decode(text: Encoded): unknown {
  const errors = new WeakMap<object, Error>()
  try {
    return parse(text, { Error: (fields) => revive(fields, errors) }, { operations: WRITE })
  } catch (cause) {
    throw new StateCorruptError('A stored value is not readable.', { cause })
  }
}

function path(error: DevalueError): string {
  return error.path === '' ? '' : ` at ${error.path.replaceAll('\0', '')}`
}

function reason(value: unknown): string {
  if (typeof value === 'function') return 'it is a function'
  if (typeof value === 'symbol') return 'it is a symbol'
  if (types.isPromise(value)) return 'it is a Promise, which must be awaited first'
  const tag = tagOf(value)
  return tag === 'Object' ? 'it has symbol keys' : `it is a ${tag}`
}

// Errors: a custom type of devalue. Its payload is a plain object in this key order.

function errorFields(value: unknown): object | undefined {
  if (!Error.isError(value)) return undefined
  const name: unknown = value.name
  const message: unknown = value.message
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : '',
    ...(Object.hasOwn(value, 'cause') ? { cause: value.cause } : {}),
    ...('errors' in value && Array.isArray(value.errors) ? { errors: value.errors } : {}),
  }
}

const ERROR_CLASSES: { readonly [name: string]: new (message: string) => Error } = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

/** Makes the error of a payload once, also when the payload holds itself (then it is asked for twice). */
function revive(fields: unknown, known: WeakMap<object, Error>): Error {
  if (typeof fields !== 'object' || fields === null) throw new TypeError('An error without fields.')
  const { name, message } = fields as { readonly name?: unknown; readonly message?: unknown }
  if (typeof name !== 'string' || typeof message !== 'string') throw new TypeError('An error without a name.')
  const error = known.get(fields) ?? newError(name, message, 'errors' in fields)
  known.set(fields, error)
  if ('cause' in fields) define(error, 'cause', fields.cause)
  if ('errors' in fields) define(error, 'errors', fields.errors)
  return error
}

/** An error with this name; a built-in class where the name is one, otherwise `Error` with an own `name`. */
function newError(name: string, message: string, aggregate: boolean): Error {
  const Class = Object.hasOwn(ERROR_CLASSES, name) ? ERROR_CLASSES[name] : undefined
  const error = aggregate ? new AggregateError([], message) : new (Class ?? Error)(message)
  if (error.name !== name) define(error, 'name', name)
  // Where it was decoded is nobody's business.
  define(error, 'stack', message === '' ? name : `${name}: ${message}`)
  return error
}

function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false })
}

// How devalue looks at values.

const SUPPORTED = new Set(['URL', 'URLSearchParams'])

/** What a value is by its internal slots, where the engine tells, otherwise by its tag. */
function tagOf(value: unknown): string {
  if (Array.isArray(value)) return 'Array'
  if (types.isMap(value)) return 'Map'
  if (types.isSet(value)) return 'Set'
  if (types.isDate(value)) return 'Date'
  if (types.isRegExp(value)) return 'RegExp'
  if (types.isArrayBuffer(value)) return 'ArrayBuffer'
  if (types.isDataView(value)) return 'DataView'
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  if (types.isTypedArray(value) || types.isBoxedPrimitive(value) || SUPPORTED.has(tag)) return tag
  if (tag.startsWith('Temporal.')) return tag
  return tag === 'Object' || tag === 'Arguments' ? 'Object' : `${tag}, which has no plain form`
}

/** `__proto__`, `\0__proto__`, …: the keys that get one more `\0` on the wire, so that every key has a form (C4). */
const PROTO_KEY = /^\0*__proto__$/

function escapeKey(key: string): string {
  return PROTO_KEY.test(key) ? `\0${key}` : key
}

function unescapeKey(key: string): string {
  return key.charCodeAt(0) === 0 && PROTO_KEY.test(key) ? key.slice(1) : key
}

const READ = {
  tagOf,
  isThenable: () => false,
  shapeOf(value: object) {
    if (tagOf(value) !== 'Object') return { kind: 'not-plain' as const }
    for (const key of Object.getOwnPropertySymbols(value)) {
      if (Object.getOwnPropertyDescriptor(value, key)?.enumerable) return { kind: 'symbol-keys' as const }
    }
    const kind = Object.getPrototypeOf(value) === null ? ('null-proto' as const) : ('plain' as const)
    return { kind, keys: Object.keys(value).map(escapeKey) }
  },
  get(value: Record<string | number, unknown>, key: string | number): unknown {
    return value[typeof key === 'string' ? unescapeKey(key) : key]
  },
}

/** The same, giving up once what was written so far takes more than `most` bytes. */
function counting(most: number): typeof READ {
  let left = most
  const spend = (bytes: number): void => {
    left -= bytes
    if (left < 0) throw tooLarge(most)
  }
  return {
    ...READ,
    toPrimitive(value: unknown) {
      spend(typeof value === 'string' ? value.length + 2 : 1)
      return value
    },
    tagOf(value: unknown) {
      spend(types.isAnyArrayBuffer(value) ? Math.ceil((value.byteLength * 4) / 3) : 2)
      return tagOf(value)
    },
    get(value: Record<string | number, unknown>, key: string | number) {
      spend(typeof key === 'string' ? key.length + 3 : 1)
      return READ.get(value, key)
    },
  } as typeof READ
}

function tooLarge(most: number): LimitError {
  return new LimitError(`The value takes more than ${showBytes(most)}.`)
}

const WRITE = {
  set(target: Record<string | number, unknown>, key: string | number, value: unknown): void {
    if (typeof key === 'string' && key.charCodeAt(0) === 0) {
      const name = unescapeKey(key)
      Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true })
    } else {
      target[key] = value
    }
  },
}
