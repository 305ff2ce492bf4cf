/**
 * Values against JSON Schema: the only door to ajv, which is loaded at the first check and not before.
 *
 * J1  A schema sees itself only: an instance of ajv each, no ids shared, nothing ever fetched.
 * J2  The value given is not touched: defaults go into a copy.
 * J3  Formats and unknown keywords are notes for people, not rules.
 */
import type { Ajv, AnySchemaObject, ErrorObject, Options, ValidateFunction } from 'ajv'
import { UsageError } from '../base/errors.ts'
import { parseJson, type Json } from '../base/json.ts'
import { describeIssues, type Checked, type Issue } from './issues.ts'
import { depthOf } from './stable.ts'

type AjvClass = new (options: Options) => Ajv

interface Compiled {
  readonly validate: ValidateFunction
  /** The same, naming every fault: for values small enough that the list stays short. */
  readonly explain: () => ValidateFunction
  readonly hasDefaults: boolean
}

const SMALL = 10_000
const MAX_CHARS = 1_000_000
const MAX_DEPTH = 400

const OPTIONS: Options = {
  strict: false,
  strictNumbers: true,
  logger: false,
  validateFormats: false,
  useDefaults: true,
  ownProperties: true,
  meta: false,
  validateSchema: false,
}

/**
 * Says whether `value` fits `schema`; the value that comes back has the schema's defaults.
 * @throws {UsageError} naming `what`, if the schema itself is invalid or refers to something outside itself.
 */
export async function checkJsonSchema(
  schema: Readonly<Record<string, unknown>>,
  value: unknown,
  what: string = 'The value',
): Promise<Checked> {
  const { validate, explain, hasDefaults } = await compiled(schema, what)
  try {
    const copy = hasDefaults ? structuredClone(value) : value
    if (validate(copy)) return { ok: true, value: copy }
    const teller = size(value) < SMALL ? explain() : validate
    if (teller !== validate) teller(structuredClone(value))
    return {
      ok: false,
      message: describeIssues(
        (teller.errors ?? []).map((e) => issueOf(e)),
        value,
        what,
      ),
    }
  } catch (error) {
    // Cyclic or too deep for the stack, or nothing that can be copied.
    const why = error instanceof RangeError ? 'it is cyclic or nested too deeply' : 'it is not plain data'
    return {
      ok: false,
      message: describeIssues([{ path: [], message: `cannot be checked: ${why}` }], value, what),
    }
  }
}

const cache = new WeakMap<object, Promise<Compiled>>()

function compiled(schema: Readonly<Record<string, unknown>>, what: string): Promise<Compiled> {
  const known = cache.get(schema)
  if (known !== undefined) return known
  const made = compile(schema, what)
  cache.set(schema, made)
  return made
}

async function compile(schema: Readonly<Record<string, unknown>>, what: string): Promise<Compiled> {
  const text = textOf(schema, what)
  const json = parseJson(text, what)
  if (depthOf(json) > MAX_DEPTH) throw new UsageError(`${what} has a schema that is nested too deeply.`)
  const own = withoutBareNullable(json) as AnySchemaObject
  const named = dialectsOf(typeof own.$schema === 'string' ? own.$schema : '')
  delete own.$schema
  let first: unknown
  for (const [dialect, unicodeRegExp] of named.flatMap((one) => [
    [one, true] as const,
    [one, false] as const,
  ])) {
    try {
      const Class = await dialect()
      const meta = (metas.get(Class) ??
        metas.set(Class, new Class({ ...OPTIONS, meta: true })).get(Class)) as Ajv
      if (!meta.validateSchema(own)) throw new Error(meta.errorsText(meta.errors, { dataVar: 'schema' }))
      const make = (allErrors: boolean): ValidateFunction =>
        new Class({ ...OPTIONS, unicodeRegExp, allErrors }).compile(own)
      const validate = make(false)
      if ('$async' in validate) throw new Error('it is asynchronous')
      let explain: ValidateFunction | undefined
      return { validate, explain: () => (explain ??= make(true)), hasDefaults: text.includes('"default":') }
    } catch (cause) {
      first ??= cause
    }
  }
  const why = first instanceof Error ? first.message : String(first)
  throw new UsageError(`${what} has a schema that is no valid JSON Schema: ${why.slice(0, 300)}.`, {
    cause: first,
  })
}

const metas = new Map<AjvClass, Ajv>()

/** Interop: the class is a named export of some builds and the default's property of others. */
const dialects = {
  '2020-12': async (): Promise<AjvClass> => (await import('ajv/dist/2020.js')).Ajv2020,
  '2019-09': async (): Promise<AjvClass> => (await import('ajv/dist/2019.js')).Ajv2019,
  'draft-07': async (): Promise<AjvClass> => (await import('ajv')).Ajv,
}

/** An unnamed dialect is the newest that reads the schema. */
function dialectsOf(named: string): readonly (() => Promise<AjvClass>)[] {
  if (named.includes('draft-0')) return [dialects['draft-07']]
  if (named.includes('2019-09')) return [dialects['2019-09']]
  return [dialects['2020-12'], dialects['draft-07']]
}

/** OpenAPI's `nullable` beside no `type` says nothing, but ajv refuses it. */
function withoutBareNullable(schema: Json): Json {
  if (typeof schema !== 'object' || schema === null) return schema
  if (Array.isArray(schema)) return schema.map(withoutBareNullable)
  const bare = 'nullable' in schema && !('type' in schema)
  const kept = Object.entries(schema).filter(
    ([key, value]) => !(bare && key === 'nullable' && typeof value === 'boolean'),
  )
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutBareNullable(value)]))
}

function textOf(schema: unknown, what: string): string {
  let text: string | undefined
  try {
    text = JSON.stringify(schema)
  } catch (cause) {
    throw new UsageError(`${what} has a schema that is cyclic or nested too deeply.`, { cause })
  }
  if (text === undefined || !/^(?:\{|true$|false$)/.test(text))
    throw new UsageError(`${what} has a schema that is no JSON Schema object.`)
  if (text.length > MAX_CHARS)
    throw new UsageError(`${what} has a schema of ${text.length} characters: too large.`)
  return text
}

function issueOf(error: ErrorObject): Issue {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const { params } = error as { readonly params: Readonly<Record<string, unknown>> }
  switch (error.keyword) {
    case 'type':
      return { path, message: `expected ${[params.type].flat().join(' or ')}` }
    case 'required':
      return { path: [...path, String(params.missingProperty)], message: 'is missing, received undefined' }
    case 'additionalProperties':
      return { path: [...path, String(params.additionalProperty)], message: 'is unknown: no such field' }
    case 'enum':
      return { path, message: `expected one of ${literals(params.allowedValues)}` }
    case 'const':
      return { path, message: `expected ${JSON.stringify(params.allowedValue)}` }
    default:
      return { path, message: error.message ?? error.keyword }
  }
}

function literals(values: unknown): string {
  const texts = Array.isArray(values) ? values.map((value: Json) => JSON.stringify(value)) : []
  return texts.length <= 12 ? texts.join(', ') : `${texts.slice(0, 12).join(', ')}, … (${texts.length})`
}

/** How many values are in `value`, counted up to SMALL. */
function size(value: unknown): number {
  const queue: unknown[] = [value]
  let count = 0
  for (let next = queue.pop(); count < SMALL; next = queue.pop()) {
    count++
    if (typeof next === 'object' && next !== null) for (const part of Object.values(next)) queue.push(part)
    if (queue.length === 0) break
  }
  return count
}
