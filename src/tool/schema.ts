/**
 * Schemas in the three forms that authors bring (Standard Schema, the AI SDK's `jsonSchema()`, JSON Schema itself),
 * read into one: a JSON Schema for the prompt and a check for the values.
 *
 * S1  What the check gives, not what it was given, is what the tool gets: defaults and transforms applied.
 * S2  What JSON Schema cannot say (a Date, a Map) is left open in the prompt, never refused; the check still holds.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { UsageError } from '../base/errors.ts'
import { parseJson, type Json } from '../base/json.ts'
import { describeIssues, type Checked, type Issue } from './issues.ts'
import { checkJsonSchema } from './json-schema.ts'
import { depthOf } from './stable.ts'

export type { Checked } from './issues.ts'

/** A JSON Schema as plain data. */
export type JsonSchema = { readonly [keyword: string]: Json }

/** A JSON Schema as people write it, or as the interfaces of other packages type it. */
export type JsonSchemaLike =
  | { readonly [keyword: string]: unknown }
  | {
      readonly type?: unknown
      readonly properties?: unknown
      readonly items?: unknown
      readonly enum?: unknown
      readonly anyOf?: unknown
      readonly oneOf?: unknown
      readonly allOf?: unknown
      readonly $ref?: unknown
    }

/** What the AI SDK's `jsonSchema()` and `zodSchema()` return; `lazySchema()` wraps it in a function. */
export interface AiSchema<Value = unknown> {
  readonly jsonSchema: unknown
  readonly _type?: Value
  readonly validate?: ((value: unknown) => AiValidation<Value> | PromiseLike<AiValidation<Value>>) | undefined
}

type AiValidation<Value> =
  | { readonly success: true; readonly value: Value }
  | { readonly success: false; readonly error: Error }

/** A schema whose check gives a `Value`. */
export type SchemaTo<Value> =
  | StandardSchemaV1<unknown, Value>
  | AiSchema<Value>
  | (() => AiSchema<Value>)
  | JsonSchemaLike

/** A schema whose check takes a `Value`. */
export type SchemaFrom<Value> =
  | StandardSchemaV1<Value>
  | AiSchema<Value>
  | (() => AiSchema<Value>)
  | JsonSchemaLike

export type Schema = SchemaTo<unknown>

/** A schema read. `check` rejects only for a schema that is itself invalid (`UsageError`). */
export interface ReadSchema {
  readonly jsonSchema: JsonSchema
  check(value: unknown, what: string): Promise<Checked>
}

/** Which side of the schema the prompt shows: what goes in for arguments, what comes out for results. */
export type Side = 'input' | 'output'

const AI_SCHEMA = Symbol.for('vercel.ai.schema')
const MAX_SCHEMA_CHARS = 1_000_000
const MAX_SCHEMA_DEPTH = 400

type Form =
  | { readonly is: 'standard'; readonly schema: StandardSchemaV1 & Partial<StandardJSONSchemaV1> }
  | { readonly is: 'ai'; readonly schema: AiSchema }
  | { readonly is: 'json'; readonly schema: object }

/** Sees that `schema` is of a form that can be read, without converting it: a lazy one may refer to what comes later. */
export function checkSchemaShape(schema: unknown, what: string): void {
  if (schema !== undefined && typeof schema !== 'function') formOf(schema, what)
  else if (typeof schema === 'function' && '~standard' in schema) formOf(schema, what)
}

/** @throws {UsageError} naming `what`. */
export function readSchema(schema: unknown, side: Side, what: string): ReadSchema {
  const form = formOf(schema, what)
  switch (form.is) {
    case 'standard':
      return { jsonSchema: plain(convert(form.schema, side), what), check: checkStandard(form.schema) }
    case 'ai': {
      const jsonSchema = plain(form.schema.jsonSchema, what)
      const { validate } = form.schema
      return {
        jsonSchema,
        check: validate === undefined ? checkJson(jsonSchema) : checkAi(validate.bind(form.schema)),
      }
    }
    case 'json': {
      const jsonSchema = plain(form.schema, what)
      return { jsonSchema, check: checkJson(jsonSchema) }
    }
    default:
      return form satisfies never
  }
}

function formOf(schema: unknown, what: string): Form {
  if (isObject(schema) && '~standard' in schema) return { is: 'standard', schema: standardOf(schema, what) }
  if (typeof schema === 'function') return formOf(built(schema as () => unknown, what), what)
  if (!isObject(schema) || Array.isArray(schema))
    throw new UsageError(`${what} is no schema.`, {
      hint: 'Give a Zod (or other Standard Schema) or a JSON Schema object.',
    })
  if (isAiSchema(schema)) return { is: 'ai', schema }
  if ('_def' in schema || 'parse' in schema || 'safeParse' in schema)
    throw new UsageError(`${what} is no Standard Schema.`, { hint: 'Update its library: Zod 4.2 or later.' })
  const { type } = schema as { readonly type?: unknown }
  if (type !== undefined && !isTypeName(type) && !(Array.isArray(type) && type.every(isTypeName)))
    throw new UsageError(
      `${what} is no JSON Schema: its type is ${String(JSON.stringify(type)).slice(0, 60)}.`,
    )
  return { is: 'json', schema }
}

function built(make: () => unknown, what: string): unknown {
  const schema = make()
  if (typeof schema === 'function' && !('~standard' in schema)) throw new UsageError(`${what} is no schema.`)
  return schema
}

function standardOf(schema: object, what: string): StandardSchemaV1 & Partial<StandardJSONSchemaV1> {
  const standard: unknown = '~standard' in schema ? schema['~standard'] : undefined
  if (!isObject(standard) || !('validate' in standard) || typeof standard.validate !== 'function')
    throw new UsageError(`${what} cannot validate: its '~standard' has no validate function.`)
  if (!('jsonSchema' in standard) || !isObject(standard.jsonSchema)) {
    const vendor =
      'vendor' in standard && typeof standard.vendor === 'string' ? standard.vendor : 'its library'
    const hint =
      vendor === 'valibot'
        ? "Wrap it: toStandardJsonSchema(schema) from '@valibot/to-json-schema'."
        : `Use a version of ${vendor} that implements Standard JSON Schema (Zod 4.2 or later, ArkType 2.2 or later).`
    throw new UsageError(`${what} cannot be shown to the model: ${vendor} gives no JSON Schema for it.`, {
      hint,
    })
  }
  return schema as StandardSchemaV1 & Partial<StandardJSONSchemaV1>
}

/** S2: where one library cannot say a part it says the rest; where it cannot say anything, anything goes. */
function convert(schema: StandardSchemaV1 & Partial<StandardJSONSchemaV1>, side: Side): unknown {
  const { vendor } = schema['~standard']
  const converter: StandardJSONSchemaV1.Converter | undefined = schema['~standard'].jsonSchema
  for (const target of ['draft-2020-12', 'draft-07']) {
    try {
      return converter?.[side]({ target, libraryOptions: TOLERANT[vendor] })
    } catch (cause) {
      // A lazy part that is not there yet, or a library that refuses: the value is checked all the same.
      if (cause instanceof ReferenceError) throw cause
    }
  }
  return { description: 'cannot be described' }
}

const TOLERANT: Readonly<Record<string, Record<string, unknown>>> = {
  zod: {
    unrepresentable: ({
      zodSchema,
    }: {
      readonly zodSchema?: { readonly _zod?: { readonly def?: { readonly type?: string } } }
    }) => leftOpen(zodSchema?._zod?.def?.type ?? ''),
  },
  arktype: {
    fallback: ({ base, code }: { readonly base: object; readonly code: string }) => ({
      ...base,
      ...leftOpen(code),
    }),
  },
}

/** `tsType` is read by declare.ts, which knows these few and no others. */
function leftOpen(type: string): { readonly tsType?: string; readonly description?: string } {
  const tsType = { date: 'Date', bigint: 'bigint', map: 'Map<unknown, unknown>', set: 'Set<unknown>' }[type]
  return tsType === undefined ? {} : { tsType }
}

function checkStandard(schema: StandardSchemaV1): ReadSchema['check'] {
  return (value, what) =>
    guarded(what, async () => {
      const result = await schema['~standard'].validate(value)
      return result.issues === undefined
        ? { ok: true, value: result.value }
        : { ok: false, message: describeIssues(result.issues.map(issueOf), value, what) }
    })
}

function checkAi(validate: NonNullable<AiSchema['validate']>): ReadSchema['check'] {
  return (value, what) =>
    guarded(what, async () => {
      const result = await validate(value)
      if (result.success) return { ok: true, value: result.value }
      return { ok: false, message: describeIssues(issuesIn(result.error), value, what) }
    })
}

function checkJson(jsonSchema: JsonSchema): ReadSchema['check'] {
  return (value, what) => checkJsonSchema(jsonSchema, value, what)
}

/** A check that throws says no: the author's refinement met a value that it did not expect. */
async function guarded(what: string, check: () => Promise<Checked>): Promise<Checked> {
  try {
    return await check()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return {
      ok: false,
      message: describeIssues([{ path: [], message: `cannot be checked: ${why}` }], undefined, what),
    }
  }
}

function issueOf(issue: StandardSchemaV1.Issue): Issue {
  const path = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part))
  return { path, message: issue.message, alternatives: alternativesOf(issue) }
}

/** Zod's union says only 'Invalid input'; its branches say what would do. */
function alternativesOf(issue: object): readonly string[] {
  if (!('errors' in issue) || !Array.isArray(issue.errors)) return []
  const firsts: readonly unknown[] = issue.errors.map((branch: unknown) =>
    Array.isArray(branch) ? (branch as readonly unknown[])[0] : undefined,
  )
  const expected = firsts.flatMap((first) =>
    isObject(first) && 'expected' in first && typeof first.expected === 'string' ? [first.expected] : [],
  )
  return expected.length === firsts.length ? [...new Set(expected)] : []
}

/** AI SDK validators wrap a Standard Schema's issues in the error's cause. */
function issuesIn(error: unknown): readonly Issue[] {
  for (let at: unknown = error, depth = 0; isObject(at) && depth < 4; depth++) {
    const issues: unknown = Array.isArray(at) ? at : 'issues' in at ? at.issues : undefined
    if (Array.isArray(issues) && issues.length > 0 && issues.every(isIssue)) return issues.map(issueOf)
    at = 'cause' in at ? at.cause : undefined
  }
  return [{ path: [], message: error instanceof Error ? error.message : 'is not valid' }]
}

function isIssue(value: unknown): value is StandardSchemaV1.Issue {
  return isObject(value) && 'message' in value && typeof value.message === 'string'
}

/** An own copy as plain JSON: nothing of the author's changes it later. */
function plain(schema: unknown, what: string): JsonSchema {
  if (isObject(schema) && 'then' in schema && typeof schema.then === 'function')
    throw new UsageError(`${what} is a promise of a JSON Schema.`, {
      hint: 'Await it before you define the tool.',
    })
  let text: string | undefined
  try {
    text = JSON.stringify(schema, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
  } catch (cause) {
    throw new UsageError(`${what} is no JSON Schema: it is cyclic or nested too deeply.`, { cause })
  }
  if (text === undefined || !text.startsWith('{')) throw new UsageError(`${what} is no JSON Schema object.`)
  if (text.length > MAX_SCHEMA_CHARS)
    throw new UsageError(`${what} is too large: ${text.length} characters of JSON Schema.`)
  const json = parseJson(text, what)
  if (depthOf(json) > MAX_SCHEMA_DEPTH) throw new UsageError(`${what} is nested too deeply.`)
  return json as JsonSchema
}

function isAiSchema(schema: object): schema is AiSchema {
  return AI_SCHEMA in schema && 'jsonSchema' in schema
}

function isTypeName(value: unknown): boolean {
  return ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'].includes(value as string)
}

function isObject(value: unknown): value is object {
  return (
    (typeof value === 'object' && value !== null) || (typeof value === 'function' && '~standard' in value)
  )
}
