import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/base/errors.ts'
import { checkJsonSchema } from '../../src/tool/json-schema.ts'

const check = (schema: object, value: unknown) =>
  checkJsonSchema(schema as Record<string, unknown>, value, 'The input of x')
const lines = async (schema: object, value: unknown): Promise<readonly string[]> => {
  const checked = await check(schema, value)
  return checked.ok ? [] : checked.message.split('\n').slice(1)
}

describe('a value', () => {
  test('that fits comes back as it is', async () => {
    const value = { a: 1 }
    const checked = await check({ type: 'object' }, value)
    expect(checked).toEqual({ ok: true, value })
    expect(checked.ok && checked.value).toBe(value)
  })

  // J2
  test('gets the defaults, in a copy', async () => {
    const schema = {
      type: 'object',
      properties: { a: { default: { n: 1 } }, list: { items: { properties: { b: { default: 2 } } } } },
    }
    const value = { list: [{}] }
    await expect(check(schema, value)).resolves.toEqual({
      ok: true,
      value: { a: { n: 1 }, list: [{ b: 2 }] },
    })
    expect(value).toEqual({ list: [{}] })
    const again = await check(schema, {})
    expect(again).toEqual({ ok: true, value: { a: { n: 1 } } })
  })

  test('is told what is wrong, field by field', async () => {
    const schema = {
      type: 'object',
      required: ['id'],
      additionalProperties: false,
      properties: {
        id: { type: 'string' },
        n: { type: ['number', 'null'] },
        kind: { enum: ['a', 'b'] },
        c: { const: 5 },
        'odd/key~': { type: 'string' },
        list: { type: 'array', items: { type: 'string', minLength: 2 } },
      },
    }
    expect(await lines(schema, { n: 'x' })).toEqual([
      '- id: is missing, received undefined',
      '- n: expected number or null, received string',
    ])
    expect(await lines(schema, { id: '', kind: 'c', c: 4 })).toEqual([
      '- kind: expected one of "a", "b", received string',
      '- c: expected 5, received number',
    ])
    expect(await lines(schema, { id: '', more: 1 })).toEqual([
      '- more: is unknown: no such field, received number',
    ])
    expect(await lines(schema, { id: '', list: ['ok', 'x', null] })).toEqual([
      '- list[1]: must NOT have fewer than 2 characters, received string',
      '- list[2]: expected string, received null',
    ])
    expect(await lines(schema, { id: '', 'odd/key~': 1 })).toEqual([
      '- ["odd/key~"]: expected string, received number',
    ])
    expect(await lines(schema, 'text')).toEqual(['- (the whole): expected object, received string'])
  })

  test('has five faults told, and the rest counted', async () => {
    const told = await lines(
      { items: { type: 'string' } },
      Array.from({ length: 12 }, (_, i) => i),
    )
    expect(told).toHaveLength(6)
    expect(told.at(-1)).toBe('- and 7 more')
  })

  test('that is huge has its first fault told', async () => {
    const told = await lines(
      { items: { type: 'string' } },
      Array.from({ length: 200_000 }, (_, i) => i),
    )
    expect(told).toEqual(['- [0]: expected string, received number'])
  })

  test('is never shown in the message', async () => {
    const told = await check(
      { type: 'object', properties: { key: { type: 'number' } } },
      { key: 'sk-secret' },
    )
    expect(JSON.stringify(told)).not.toContain('sk-secret')
  })

  test('that is cyclic, too deep or not plain is not valid, and nothing breaks', async () => {
    const node = { type: 'object', properties: { next: { $ref: '#' } } }
    const cyclic: { next?: unknown } = {}
    cyclic.next = cyclic
    await expect(check(node, cyclic)).resolves.toMatchObject({
      ok: false,
      message: expect.stringContaining('cyclic'),
    })
    let deep: object = {}
    for (let i = 0; i < 100_000; i++) deep = { next: deep }
    await expect(check(node, deep)).resolves.toMatchObject({ ok: false })
    await expect(
      check({ type: 'object', properties: { f: { default: 1 } } }, { g: () => 1 }),
    ).resolves.toMatchObject({ ok: false })
  })

  test('has what it owns: nothing of Object counts, and __proto__ is a name', async () => {
    expect(await lines({ type: 'object', required: ['toString'] }, {})).toEqual([
      '- toString: is missing, received undefined',
    ])
    const value: unknown = JSON.parse('{"__proto__":{"polluted":true}}')
    const schema: object = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"object","default":{"polluted":1}}}}',
    )
    await check(schema, value)
    await check(schema, {})
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('of another kind than JSON is named as what it is', async () => {
    expect(await lines({ type: 'string' }, new Date(0))).toEqual([
      '- (the whole): expected string, received Date',
    ])
    expect(await lines({ type: 'number' }, Number.NaN)).toEqual([
      '- (the whole): expected number, received NaN',
    ])
    expect(await lines({ type: 'number' }, 1n)).toEqual(['- (the whole): expected number, received bigint'])
  })
})

describe('a schema', () => {
  test.each([
    ['an unknown type', { type: 'date' }],
    ['properties that are none', { properties: 5 }],
    ['a negative length', { minLength: -1 }],
    ['a pattern that is none', { pattern: '(' }],
    ['a reference to nowhere', { $ref: '#/$defs/none' }],
    ['a reference to another host', { $ref: 'http://127.0.0.1:9/schema.json' }],
    ['a reference to the meta-schema', { $ref: 'https://json-schema.org/draft/2020-12/schema' }],
    ['an asynchronous one', { $async: true, type: 'string' }],
    ['one too large', { enum: Array.from({ length: 100_000 }, (_, i) => `value number ${i}`) }],
  ])('is refused with %s', async (_, schema) => {
    await expect(check(schema, 'x')).rejects.toThrow(UsageError)
    await expect(check(schema, 'x')).rejects.toThrow(/The input of x/)
  })

  test('that is cyclic, too deep or no object is refused', async () => {
    const cyclic: { not?: unknown } = {}
    cyclic.not = cyclic
    await expect(check(cyclic, 1)).rejects.toThrow(UsageError)
    let deep: object = {}
    for (let i = 0; i < 200; i++) deep = { items: deep }
    await expect(check(deep, 1).then((checked) => checked.ok)).resolves.toBe(true)
    for (let i = 0; i < 2_000; i++) deep = { items: deep }
    await expect(check(deep, 1)).rejects.toThrow(/too deep/)
    for (let i = 0; i < 60_000; i++) deep = { items: deep }
    await expect(check(deep, 1)).rejects.toThrow(UsageError)
    await expect(check([] as object, 1)).rejects.toThrow(UsageError)
  })

  // J1
  test('may have the id of another, and sees nothing of it', async () => {
    await expect(check({ $id: 'urn:test:one', type: 'string' }, 'x')).resolves.toMatchObject({ ok: true })
    await expect(check({ $id: 'urn:test:one', type: 'number' }, 'x')).resolves.toMatchObject({ ok: false })
    await expect(check({ $ref: 'urn:test:one' }, 'x')).rejects.toThrow(UsageError)
  })

  test('may be of any draft that is in use', async () => {
    const tuple = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      items: [{ type: 'string' }],
      additionalItems: false,
    }
    await expect(check(tuple, ['x', 1])).resolves.toMatchObject({ ok: false })
    await expect(check({ items: [{ type: 'string' }] }, [1])).resolves.toMatchObject({ ok: false })
    await expect(check({ prefixItems: [{ type: 'string' }] }, [1])).resolves.toMatchObject({ ok: false })
    await expect(
      check({ $schema: 'https://json-schema.org/draft/2019-09/schema', type: 'string' }, 'x'),
    ).resolves.toMatchObject({ ok: true })
    await expect(check({ $schema: 'https://example.com/mine', type: 'string' }, 'x')).resolves.toMatchObject({
      ok: true,
    })
  })

  // J3
  test('may use formats and keywords that nobody knows, silently', async () => {
    await expect(
      check({ type: 'string', format: 'moon-phase', 'x-ui': { a: 1 }, tsType: 'Date' }, 'x'),
    ).resolves.toMatchObject({ ok: true })
  })

  test('may have a pattern that is no Unicode pattern', async () => {
    await expect(check({ pattern: String.raw`^a\-b$` }, 'a-b')).resolves.toMatchObject({ ok: true })
    await expect(check({ pattern: String.raw`^\p{L}+$` }, 'é')).resolves.toMatchObject({ ok: true })
  })

  test('may say nullable as OpenAPI does', async () => {
    await expect(check({ type: 'string', nullable: true }, null)).resolves.toMatchObject({ ok: true })
    await expect(check({ nullable: true, allOf: [{}] }, null)).resolves.toMatchObject({ ok: true })
  })

  test('that refers to itself is fine', async () => {
    const tree = {
      type: 'object',
      properties: { kids: { type: 'array', items: { $ref: '#' } } },
      required: ['kids'],
    }
    expect(await lines(tree, { kids: [{ kids: [] }, {}] })).toEqual([
      '- kids[1].kids: is missing, received undefined',
    ])
  })
})

test('law: whatever the schema and the value, it checks or refuses with UsageError', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(
        fc.constantFrom(
          'type',
          'properties',
          'items',
          'enum',
          'const',
          'required',
          '$ref',
          '$id',
          'pattern',
          'nullable',
          'default',
          'anyOf',
        ),
        fc.jsonValue(),
      ),
      fc.anything(),
      async (schema, value) => {
        try {
          const checked = await check(schema, value)
          expect(typeof checked.ok).toBe('boolean')
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
        }
      },
    ),
    { numRuns: 300 },
  )
})
