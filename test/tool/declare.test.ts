import { transformSync } from 'amaro'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { declarationOf } from '../../src/tool/declare.ts'
import { readSchema, type JsonSchema } from '../../src/tool/schema.ts'

const declare = (input: unknown, output?: unknown): string =>
  declarationOf({
    name: 'f',
    description: '',
    input: input as JsonSchema,
    output: output as JsonSchema | undefined,
  })
/** The input's type alone. */
const type = (schema: unknown): string =>
  declare(schema)
    .replace(/^f\(input: /, '')
    .replace(/\): Promise<unknown>$/, '')
const ofZod = (schema: z.ZodType): string => type(readSchema(schema, 'input', 'schema').jsonSchema)
/** Throws where the text is no TypeScript. */
const parse = (text: string): string =>
  transformSync(text.replace(/(^|\n)f\(/, '$1declare function f('), { mode: 'strip-only' }).code
const defs = (over: Record<string, unknown>, schema: Record<string, unknown>): Record<string, unknown> => ({
  ...schema,
  $defs: over,
})

describe('a type', () => {
  test.each<[unknown, string]>([
    [{}, 'unknown'],
    [{ type: 'string' }, 'string'],
    [{ type: 'null' }, 'null'],
    [{ type: 'boolean' }, 'boolean'],
    [{ type: 'integer' }, 'number'],
    [{ type: 'whatever' }, 'unknown'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ type: 'string', nullable: true }, 'string | null'],
    [{ const: 'a' }, "'a'"],
    [{ const: null }, 'null'],
    [{ const: 1.5 }, '1.5'],
    [{ const: "it's" }, String.raw`'it\'s'`],
    [{ const: 'a"\n\u2028' }, String.raw`'a"\n\u2028'`],
    [{ enum: ['a', 1, null, true] }, "'a' | 1 | null | true"],
    [{ enum: [] }, 'never'],
    [{ type: 'string', enum: ['a', null], nullable: true }, "'a' | null"],
    [{ not: {} }, 'never'],
    [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, 'string | number'],
    [{ oneOf: [{ type: 'string' }, { type: 'string' }] }, 'string'],
    [{ anyOf: [{ type: 'string' }, {}] }, 'unknown'],
    [{ anyOf: [{ type: 'string' }, false] }, 'string'],
    [
      { allOf: [{ type: 'object', properties: { a: {} } }, { anyOf: [{ type: 'string' }, { const: 1 }] }] },
      '{ a?: unknown } & (string | 1)',
    ],
    [{ type: 'array' }, 'unknown[]'],
    [{ type: 'array', items: { enum: [1, 2] } }, '(1 | 2)[]'],
    [
      {
        type: 'array',
        prefixItems: [{ type: 'string' }, { type: 'number' }],
        items: { type: 'boolean' },
        minItems: 1,
      },
      '[string, number?, ...boolean[]]',
    ],
    [{ items: [{ type: 'string' }], additionalItems: false }, '[string]'],
    [{ type: 'object' }, '{ [key: string]: unknown }'],
    [{ type: 'object', properties: {} }, '{}'],
    [{ type: 'object', additionalProperties: false }, '{}'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, '{ [key: string]: number }'],
    [{ patternProperties: { '^x': { type: 'number' } } }, '{ [key: string]: number }'],
    [
      { properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: true },
      '{ a: string; [key: string]: unknown }',
    ],
    [
      { properties: { 'a-b': {}, "it's": {}, '': {}, $ok: {} } },
      String.raw`{ 'a-b'?: unknown; 'it\'s'?: unknown; ''?: unknown; $ok?: unknown }`,
    ],
    [{ tsType: 'Date' }, 'Date'],
    [{ tsType: 'any; }' }, 'unknown'],
    [{ $ref: '#/$defs/a', $defs: { a: { type: 'string' } } }, 'string'],
    [{ $ref: '#/definitions/a~1b%20c', definitions: { 'a/b c': { type: 'string' } } }, 'string'],
    [{ $ref: 'https://example.com/x.json' }, 'unknown'],
    [{ $ref: '#/nowhere' }, 'unknown'],
    [{ $ref: '#/%' }, 'unknown'],
    [{ $ref: '#/constructor' }, 'unknown'],
    [{ $ref: '#/__proto__' }, 'unknown'],
  ])('%j is %s', (schema, expected) => {
    expect(type(schema)).toBe(expected)
    parse(declare(schema))
  })

  test('of Zod reads as the author wrote it', () => {
    expect(
      ofZod(
        z.object({ when: z.date(), many: z.set(z.string()), big: z.bigint().optional(), any: z.custom() }),
      ),
    ).toBe('{ when: Date; many: Set<unknown>; big?: bigint; any: unknown }')
    expect(
      ofZod(
        z.discriminatedUnion('is', [
          z.object({ is: z.literal('a') }),
          z.object({ is: z.literal('b'), n: z.int() }),
        ]),
      ),
    ).toBe("{ is: 'a' } | { is: 'b'; /** integer */ n: number }")
    expect(ofZod(z.partialRecord(z.enum(['a', 'b']), z.number()))).toBe('{ [key: string]: number }')
  })

  test('that contains itself gets a name', () => {
    const Node = z.object({
      value: z.string(),
      get kids() {
        return z.array(Node)
      },
    })
    const { jsonSchema } = readSchema(Node, 'input', 'schema')
    expect(declare(jsonSchema, jsonSchema)).toBe(
      'type FInput = { value: string; kids: FInput[] }\n' +
        'type FOutput = { value: string; kids: FOutput[] }\n' +
        'f(input: FInput): Promise<FOutput>',
    )
    const nested = defs(
      { tree: { properties: { kids: { items: { $ref: '#/$defs/tree' } } } } },
      { properties: { a: { $ref: '#/$defs/tree' }, b: { $ref: '#/$defs/tree' } } },
    )
    expect(declare(nested)).toBe(
      'type FTree = { kids?: FTree[] }\nf(input: { a?: FTree; b?: FTree }): Promise<unknown>',
    )
    expect(declare(nested, nested)).toContain('type FTree2 = ')
  })

  test.each([
    ['itself', { $ref: '#' }],
    ['each other', defs({ a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, { $ref: '#/$defs/a' })],
    ['itself in a union', { anyOf: [{ $ref: '#' }, { type: 'string' }] }],
  ])('that refers to %s alone ends', (_, schema) => {
    parse(declare(schema).replaceAll(/^type .*$/gm, ''))
  })
})

describe('the text', () => {
  test('carries what a type cannot say as comments', () => {
    const schema = {
      properties: {
        a: { type: 'integer', minimum: 1, maximum: 9, description: 'how\nmany', default: 3 },
        b: { type: 'string', format: 'email', minLength: 3, deprecated: true },
        c: { $ref: '#/$defs/c' },
        d: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER },
      },
      $defs: { c: { type: 'string', description: 'a colour' } },
    }
    expect(type(schema)).toBe(
      '{\n  /** how many; integer; >= 1; <= 9; default 3 */\n  a?: number\n' +
        '  /** deprecated; format email; length >= 3 */\n  b?: string\n' +
        '  /** a colour */\n  c?: string\n  /** integer */\n  d?: number\n}',
    )
  })

  test('goes over several lines where one is too long, inside out', () => {
    const inner = {
      type: 'object',
      properties: Object.fromEntries(
        ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta'].map((key) => [key, { type: 'string' }]),
      ),
    }
    expect(
      declare({
        type: 'object',
        properties: { short: { properties: { a: {} } }, list: { type: 'array', items: inner } },
        required: ['list'],
      }),
    ).toBe(
      [
        'f(input: {',
        '  short?: { a?: unknown }',
        '  list: {',
        '    alpha?: string',
        '    beta?: string',
        '    gamma?: string',
        '    delta?: string',
        '    epsilon?: string',
        '    zeta?: string',
        '    eta?: string',
        '  }[]',
        '}): Promise<unknown>',
      ].join('\n'),
    )
  })

  test('begins with the description, of one line or many', () => {
    const described = (description: string, input?: JsonSchema): string =>
      declarationOf({ name: 'f', description, input, output: undefined })
    expect(described('Does it')).toBe('/** Does it */\nf(): Promise<unknown>')
    expect(described('Does it\n\nwell ')).toBe('/**\n * Does it\n *\n * well\n */\nf(): Promise<unknown>')
    expect(described('Does it', { type: 'string', description: 'an id', default: 'x' })).toBe(
      '/**\n * Does it\n * Input: an id\n */\nf(input?: string): Promise<unknown>',
    )
  })

  test('says how to call what has no bare name', () => {
    const named = (name: string): string =>
      declarationOf({ name, description: '', input: undefined, output: undefined })
    expect(named('a-b')).toBe("tools['a-b'](): Promise<unknown>")
    expect(named('delete')).toBe('tools.delete(): Promise<unknown>')
  })

  // D3
  test('cannot be left from inside a comment, a name or a literal', () => {
    const evil = "*/ }): Promise<any>; evil(): void /* ' \\ \u2028 \u202E"
    const text = declare({
      description: evil,
      properties: {
        [evil]: { const: evil, description: evil, default: evil, format: evil },
        b: { enum: [evil, 1] },
      },
    })
    expect(
      parse(text)
        .replace(/^\/\*\*.*?\*\/$/ms, '')
        .replaceAll(/\s|;/g, ''),
    ).toBe('')
    expect(text).not.toMatch(/[\u2028\u202E]/)
  })

  test('keeps a property called __proto__', () => {
    const schema: unknown = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{}},"required":["__proto__"]}',
    )
    expect(type(schema)).toBe('{ __proto__: string; constructor?: unknown }')
  })
})

// D1
describe('a hostile schema', () => {
  const quick = (schema: unknown): string => {
    const from = performance.now()
    const text = declare(schema)
    expect(performance.now() - from).toBeLessThan(2_000)
    return text
  }

  test('as deep as the stack ends in unknown', () => {
    let deep: object = {}
    for (let i = 0; i < 50_000; i++) deep = { type: 'object', properties: { a: deep } }
    expect(quick(deep)).toContain('unknown')
  })

  test('that doubles at each level stays small', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        `d${i}`,
        {
          type: 'object',
          properties: { l: { $ref: `#/$defs/d${i + 1}` }, r: { $ref: `#/$defs/d${i + 1}` } },
        },
      ]),
    )
    expect(quick({ $ref: '#/$defs/d0', $defs }).length).toBeLessThan(300_000)
  })

  test('of many values or fields says how many, or leaves the rest open', () => {
    const values = Array.from({ length: 20_000 }, (_, i) => `value ${i}`)
    const text = quick({ enum: values })
    expect(text).toMatch(/one of 20000: 'value 0', .*… \*\/ string/)
    expect(text.length).toBeLessThan(600)
    const properties = Object.fromEntries(values.map((value) => [value, { type: 'string' }]))
    const fields = quick({ type: 'object', properties })
    expect(fields).toContain('[key: string]: unknown')
    expect(fields.length).toBeLessThan(20_000)
  })

  test('with an endless description is cut', () => {
    expect(
      quick({
        properties: { a: { description: 'x'.repeat(1e6), default: 'y'.repeat(1e6), const: 'z'.repeat(1e6) } },
      }).length,
    ).toBeLessThan(2_000)
  })
})

describe('laws', () => {
  const keyword = fc.constantFrom(
    'type',
    'properties',
    'items',
    'prefixItems',
    'enum',
    'const',
    'required',
    '$ref',
    'anyOf',
    'oneOf',
    'allOf',
    'not',
    'nullable',
    'additionalProperties',
    'patternProperties',
    'description',
    'default',
    'format',
    'minimum',
    'minItems',
    'tsType',
    '$defs',
  )
  const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.jsonValue(),
      fc.dictionary(
        keyword,
        fc.oneof(fc.jsonValue(), fc.constantFrom('object', 'array', 'string', '#', '#/$defs/a')),
      ),
      fc.record(
        {
          properties: fc.dictionary(fc.string(), tie('schema')),
          items: tie('schema'),
          anyOf: fc.array(tie('schema')),
          description: fc.string({ unit: 'binary' }),
          enum: fc.array(fc.jsonValue()),
          $ref: fc.constantFrom('#', '#/$defs/a', '#/properties/a'),
          $defs: fc.record({ a: tie('schema') }),
          type: fc.constantFrom('object', 'array', 'string'),
        },
        { requiredKeys: [] },
      ),
    ),
  }))
  const record = schema.filter(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  )

  // D1, D2
  test('any JSON at all has a text, and always the same', () => {
    fc.assert(
      fc.property(schema, (value) => declare(value) === declare(structuredClone(value))),
      { numRuns: 500 },
    )
  })

  // D3
  test('the text of any schema is TypeScript', () => {
    fc.assert(
      fc.property(record, record, (input, output) => {
        parse(declare(input, output))
      }),
      { numRuns: 400 },
    )
  })
})
