/**
 * JSON Schema as TypeScript, for the model to read.
 *
 * D1  It never throws and never hangs, whatever the schema: depth, size and comments are capped, what is over the
 *     cap is `unknown`. The text is a help; the check (schema.ts) is the law.
 * D2  The same schema gives the same text: fields stand in the schema's order.
 * D3  Nothing of a schema leaves its place: names and literals are quoted, a comment cannot be closed from inside.
 */
import type { Json } from '../base/json.ts'
import { callableName } from './name.ts'
import { comment, layOut, literal, propertyName, type Text } from './layout.ts'
import { notesOf } from './notes.ts'
import type { JsonSchema } from './schema.ts'

const MAX_DEPTH = 16
const MAX_NODES = 3_000
const MAX_LITERALS = 60
const MAX_MEMBERS = 300
const TS_TYPES: readonly Json[] = ['Date', 'bigint', 'Map<unknown, unknown>', 'Set<unknown>']

export interface Signature {
  readonly name: string
  readonly description: string
  readonly input: JsonSchema | undefined
  readonly output: JsonSchema | undefined
}

/** What a tool takes and gives, as TypeScript. */
export interface ToolTypes {
  readonly name: string
  /** Types that refer to themselves, by the names under which the others refer to them. */
  readonly aliases: readonly (readonly [name: string, body: string])[]
  /** Absent: it takes nothing that is known. */
  readonly input?: { readonly type: string; readonly optional: boolean }
  /** Absent: nothing is known of its result. */
  readonly output?: string
}

/**
 * `refund(input: { order: string }): Promise<unknown>`, with the description above it and, above that, the types
 * that refer to themselves.
 */
export function declarationOf(signature: Signature): string {
  const { name, description, input, output } = signature
  const { aliases, takes, gives } = textsOf(signature)
  const given: Text = takes === undefined ? '' : [hasDefault(input) ? 'input?: ' : 'input: ', takes]
  const notes = [description, noted('Input', input), noted('Result', output)].filter((note) => note !== '')
  return [
    ...aliases.map(([alias, body]) => layOut(['type ', alias, ' = ', body])),
    ...(notes.length === 0 ? [] : [comment(notes.join('\n'), 8_000)]),
    layOut([callableName(name), '(', given, '): Promise<', gives ?? 'unknown', '>']),
  ].join('\n')
}

/** The same types in pieces, for the type check. */
export function typesOf(signature: Omit<Signature, 'description'>): ToolTypes {
  const { aliases, takes, gives } = textsOf(signature)
  return {
    name: signature.name,
    aliases: aliases.map(([alias, body]) => [alias, layOut(body)] as const),
    ...(takes === undefined ? {} : { input: { type: layOut(takes), optional: hasDefault(signature.input) } }),
    ...(gives === undefined ? {} : { output: layOut(gives) }),
  }
}

function textsOf({ name, input, output }: Omit<Signature, 'description'>): {
  readonly aliases: readonly (readonly [string, Text])[]
  readonly takes: Text | undefined
  readonly gives: Text | undefined
} {
  const taken = new Set<string>()
  const given = input === undefined ? undefined : new Scope(input, capital(name), 'Input', taken)
  const back = output === undefined ? undefined : new Scope(output, capital(name), 'Output', taken)
  const takes = given?.type(input, 0)
  const gives = back?.type(output, 0)
  return { aliases: [...(given?.named() ?? []), ...(back?.named() ?? [])], takes, gives }
}

/** The types of one schema. `$ref` is resolved inside it only. */
class Scope {
  readonly #root: JsonSchema
  /** Names of types begin with the tool's, so that those of two tools differ. */
  readonly #prefix: string
  readonly #side: string
  readonly #taken: Set<string>
  /** Targets being written, and those found to contain themselves with the name they got. */
  readonly #open = new Set<Json>()
  readonly #names = new Map<Json, string>()
  readonly #bodies = new Map<string, Text>()
  readonly #pointers = new Map<Json, string>()
  #nodes = 0

  constructor(root: JsonSchema, prefix: string, side: string, taken: Set<string>) {
    this.#root = root
    this.#prefix = prefix
    this.#side = side
    this.#taken = taken
  }

  named(): readonly (readonly [string, Text])[] {
    return [...this.#bodies]
  }

  type(schema: Json | undefined, depth: number): Text {
    if (schema === false) return 'never'
    if (!isRecord(schema) || depth > MAX_DEPTH || ++this.#nodes > MAX_NODES) return 'unknown'
    if (this.#open.has(schema)) return this.#nameOf(schema)
    const known = this.#names.get(schema)
    if (known !== undefined) return known
    this.#open.add(schema)
    const body = this.#body(schema, depth)
    this.#open.delete(schema)
    const name = this.#names.get(schema)
    if (name === undefined) return body
    this.#bodies.set(name, body === name ? 'unknown' : body)
    return name
  }

  /** A name for a schema that contains itself: the last part of the pointer to it, or the root's. */
  #nameOf(schema: JsonSchema): string {
    const known = this.#names.get(schema)
    if (known !== undefined) return known
    const last = schema === this.#root ? '' : (this.#pointers.get(schema)?.split('/').at(-1) ?? '')
    const wanted = this.#prefix + (capital(last).slice(0, 40) || this.#side)
    let name = wanted
    for (let i = 2; this.#taken.has(name); i++) name = `${wanted}${i}`
    this.#taken.add(name)
    this.#names.set(schema, name)
    return name
  }

  #body(schema: JsonSchema, depth: number): Text {
    if (isRecord(schema.not) && Object.keys(schema.not).length === 0) return 'never'
    const whole = this.#whole(schema, depth)
    return schema.nullable === true && whole !== 'unknown' ? union([whole, 'null']) : whole
  }

  #whole(schema: JsonSchema, depth: number): Text {
    const { $ref, tsType, allOf, anyOf, oneOf } = schema
    if (typeof tsType === 'string' && TS_TYPES.includes(tsType)) return tsType
    if ('const' in schema) return literal(schema.const) ?? base(schema.const)
    if (isList(schema.enum)) return enumeration(schema.enum)
    const combined = $ref !== undefined || isList(allOf) || isList(anyOf) || isList(oneOf)
    const parts: Text[] = combined && isBareObject(schema) ? [] : [this.#base(schema, depth)]
    if (typeof $ref === 'string') parts.push(this.#reference($ref, depth))
    if (isList(allOf)) for (const part of allOf) parts.push(this.type(part, depth + 1))
    for (const choice of [anyOf, oneOf])
      if (isList(choice)) parts.push(union(choice.map((part) => this.type(part, depth + 1))))
    return intersection(parts)
  }

  #reference($ref: string, depth: number): Text {
    const target = this.#resolve($ref)
    if (target === undefined) return 'unknown'
    if (!this.#pointers.has(target)) this.#pointers.set(target, $ref)
    return this.type(target, depth + 1)
  }

  #resolve($ref: string): Json | undefined {
    if (!$ref.startsWith('#')) return undefined
    let here: Json | undefined = this.#root
    for (const part of $ref.slice(1).split('/').slice(1)) {
      const key = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')
      if (isList(here)) here = here[Number(key)]
      else here = isRecord(here) && Object.hasOwn(here, key) ? here[key] : undefined
    }
    return here
  }

  #base(schema: JsonSchema, depth: number): Text {
    const { type } = schema
    if (isList(type)) return union(type.map((one) => this.#ofType(one, schema, depth)))
    if (type !== undefined) return this.#ofType(type, schema, depth)
    if (isRecord(schema.properties) || isRecord(schema.patternProperties)) return this.#object(schema, depth)
    if (schema.items !== undefined || isList(schema.prefixItems)) return this.#array(schema, depth)
    return isRecord(schema.additionalProperties) ? this.#object(schema, depth) : 'unknown'
  }

  #ofType(type: Json, schema: JsonSchema, depth: number): Text {
    switch (type) {
      case 'object':
        return this.#object(schema, depth)
      case 'array':
        return this.#array(schema, depth)
      case 'integer':
        return 'number'
      case 'string':
      case 'number':
      case 'boolean':
      case 'null':
        return type
      default:
        return 'unknown'
    }
  }

  #object(schema: JsonSchema, depth: number): Text {
    const properties = isRecord(schema.properties) ? schema.properties : {}
    const required = new Set(isList(schema.required) ? schema.required : [])
    const all = Object.entries(properties)
    const members = all.slice(0, this.#nodes > MAX_NODES ? 0 : MAX_MEMBERS).map(([key, property]) => ({
      comment: notesOf(property, this.#named(property)),
      head: `${propertyName(key)}${required.has(key) ? '' : '?'}: `,
      type: this.type(property, depth + 1),
    }))
    const { additionalProperties: rest, patternProperties } = schema
    const open = isRecord(rest) || isRecord(patternProperties) || rest === true || all.length > members.length
    if (all.length === 0 && !open && (rest === false || isRecord(schema.properties))) return '{}'
    if (!open && members.length > 0) return { members }
    const values = isRecord(patternProperties) ? Object.values(patternProperties) : []
    const others = members.length > 0 ? [] : [...values, ...(isRecord(rest) ? [rest] : [])]
    const type = others.length === 0 ? 'unknown' : union(others.map((one) => this.type(one, depth + 1)))
    return { members: [...members, { comment: '', head: '[key: string]: ', type }] }
  }

  /** The description of what a property refers to is as good as its own. */
  #named(property: Json): Json | undefined {
    return isRecord(property) && typeof property.$ref === 'string' ? this.#resolve(property.$ref) : undefined
  }

  #array(schema: JsonSchema, depth: number): Text {
    const { items, prefixItems } = schema
    const first = isList(prefixItems) ? prefixItems : isList(items) ? items : undefined
    if (first === undefined) return array(this.type(items, depth + 1))
    const rest = isList(prefixItems) ? items : schema.additionalItems
    const least = typeof schema.minItems === 'number' ? schema.minItems : first.length
    const texts = first.map((item, i): Text => {
      const type = this.type(item, depth + 1)
      return i < least ? type : [enclosed(type), '?']
    })
    if (isRecord(rest)) texts.push(['...', array(this.type(rest, depth + 1))])
    return ['[', ...texts.flatMap((text, i): Text[] => (i === 0 ? [text] : [', ', text])), ']']
  }
}

function noted(what: string, schema: JsonSchema | undefined): string {
  return typeof schema?.description === 'string' ? `${what}: ${schema.description}` : ''
}

function hasDefault(schema: JsonSchema | undefined): boolean {
  return isRecord(schema) && Object.hasOwn(schema, 'default')
}

function enumeration(values: readonly Json[]): Text {
  const literals = values.slice(0, MAX_LITERALS).map(literal)
  if (values.length <= MAX_LITERALS && literals.every((text) => text !== undefined)) return union(literals)
  const types = union([...new Set(values.map(base))])
  const some = literals.filter((text) => text !== undefined).slice(0, 8)
  return [comment(`one of ${values.length}: ${some.join(', ')}, …`, 400), ' ', enclosed(types)]
}

/** The type of a value that is too long to stand as a literal. */
function base(value: Json | undefined): string {
  if (value === null) return 'null'
  return typeof value === 'object' ? 'unknown' : typeof value
}

/** `type: 'object'` and no more, beside a `$ref` or a choice, says nothing that they do not. */
function isBareObject(schema: JsonSchema): boolean {
  return schema.type === 'object' && !isRecord(schema.properties) && !isRecord(schema.patternProperties)
}

/** `tree-node` as `TreeNode`. */
function capital(name: string): string {
  const parts = name.split(/[^A-Za-z0-9]+/).map((part) => part.replace(/^./, (first) => first.toUpperCase()))
  return parts.join('').replace(/^(?=\d)/, 'T')
}

function union(choices: readonly Text[]): Text {
  const parts = choices.flatMap((choice) => (isUnion(choice) ? choice.parts : [choice]))
  if (parts.includes('unknown')) return 'unknown'
  const kept = parts.filter(
    (part, i) => part !== 'never' && (typeof part !== 'string' || parts.indexOf(part) === i),
  )
  if (kept.length === 0) return 'never'
  if (kept.length === 1) return kept[0] ?? 'never'
  return { join: ' | ', parts: kept }
}

function intersection(parts: readonly Text[]): Text {
  const kept = parts.filter(
    (part, i) => part !== 'unknown' && (typeof part !== 'string' || parts.indexOf(part) === i),
  )
  if (kept.length === 0) return 'unknown'
  return kept.length === 1 ? (kept[0] ?? 'unknown') : { join: ' & ', parts: kept.map(enclosed) }
}

function array(item: Text): Text {
  return [enclosed(item), '[]']
}

function isUnion(text: Text): text is { readonly join: ' | '; readonly parts: readonly Text[] } {
  return typeof text === 'object' && 'join' in text && text.join === ' | '
}

/** Brackets around what would fall apart without. */
function enclosed(text: Text): Text {
  return typeof text === 'object' && 'join' in text ? ['(', text, ')'] : text
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function isRecord(value: Json | undefined): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}
