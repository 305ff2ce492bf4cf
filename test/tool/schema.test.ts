import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { UsageError } from '../../src/base/errors.ts'
import { showPath } from '../../src/tool/issues.ts'
import { checkSchemaShape, readSchema } from '../../src/tool/schema.ts'

const read = (schema: unknown) => readSchema(schema, 'input', 'inputSchema of x')
const check = (schema: unknown, value: unknown) => read(schema).check(value, 'The input of x')
const told = async (schema: unknown, value: unknown): Promise<string> => {
  const checked = await check(schema, value)
  return checked.ok ? '' : checked.message
}
/** A Standard Schema of another maker. */
const standard = (validate: (value: unknown) => unknown, more: object = {}): object => ({
  '~standard': {
    version: 1,
    vendor: 'other',
    validate,
    jsonSchema: { input: () => ({ type: 'string' }), output: () => ({}) },
    ...more,
  },
})

describe('a Standard Schema', () => {
  // S1
  test('gives what validation gives', async () => {
    const schema = z.object({ a: z.string().trim(), n: z.number().default(3), b: z.coerce.number() })
    await expect(check(schema, { a: ' x ', b: '7', more: 1 })).resolves.toEqual({
      ok: true,
      value: { a: 'x', n: 3, b: 7 },
    })
  })

  test('may be asynchronous', async () => {
    const schema = z.string().refine(async (text) => Promise.resolve(text !== 'taken'), 'is taken')
    await expect(check(schema, 'free')).resolves.toEqual({ ok: true, value: 'free' })
    expect(await told(schema, 'taken')).toBe(
      'The input of x is not valid:\n- (the whole): is taken, received string',
    )
  })

  test('is described by its input side for arguments and its output side for results', () => {
    const schema = z.object({ n: z.number().default(1) })
    expect(readSchema(schema, 'input', 'x').jsonSchema.required).toBeUndefined()
    expect(readSchema(schema, 'output', 'x').jsonSchema.required).toEqual(['n'])
  })

  test('names each field, what was expected and what came; five at most', async () => {
    const schema = z.object({
      order: z.string(),
      items: z.array(z.object({ id: z.number() })),
      u: z.union([z.string(), z.null()]),
    })
    expect(await told(schema, { order: 7, items: [{ id: 1 }, { id: 'b' }], u: 5 })).toBe(
      'The input of x is not valid:\n' +
        '- order: expected string, received number\n' +
        '- items[1].id: expected number, received string\n' +
        '- u: Invalid input, expected string or null, received number',
    )
    const many = await told(z.array(z.string()), [1, 2, 3, 4, 5, 6, 7])
    expect(many.split('\n')).toHaveLength(7)
    expect(many).toContain('- and 2 more')
    expect(await told(z.string(), undefined)).toContain('(the whole): expected string, received undefined')
  })

  test('of any maker is read', async () => {
    const key = standard(() => ({ issues: [{ message: 'is bad', path: [{ key: 'a' }, 0, Symbol('s')] }] }))
    expect(await told(key, { a: [new Date(0)] })).toBe(
      'The input of x is not valid:\n- a[0]["Symbol(s)"]: is bad, received undefined',
    )
    await expect(
      check(
        standard((value) => ({ value })),
        1,
      ),
    ).resolves.toEqual({ ok: true, value: 1 })
  })

  test('that throws says no', async () => {
    expect(
      await told(
        standard(() => {
          throw new Error('boom')
        }),
        1,
      ),
    ).toBe('The input of x is not valid:\n- (the whole): cannot be checked: boom')
    expect(
      await told(
        z.any().refine((value: { a: { b: number } }) => value.a.b > 1),
        {},
      ),
    ).toContain('cannot be checked')
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    const Node = z.object({
      get self() {
        return Node.optional()
      },
    })
    await expect(check(Node, cyclic)).resolves.toBeDefined()
  })

  // S2
  test('that JSON Schema cannot say is left open, in part or whole', async () => {
    const { jsonSchema } = read(z.object({ when: z.date().describe('the day'), name: z.string() }))
    expect(jsonSchema).toMatchObject({
      properties: { when: { description: 'the day' }, name: { type: 'string' } },
      required: ['when', 'name'],
    })
    await expect(check(z.object({ when: z.date() }), { when: new Date(0) })).resolves.toMatchObject({
      ok: true,
    })
    await expect(check(z.object({ when: z.date() }), { when: '1970' })).resolves.toMatchObject({ ok: false })
    const mute = standard(() => ({ value: 1 }), {
      jsonSchema: {
        input: () => {
          throw new Error('cannot')
        },
      },
    })
    expect(read(mute).jsonSchema).toEqual({ description: 'cannot be described' })
    expect(read(z.bigint().default(5n)).jsonSchema).toBeDefined()
  })

  test('that speaks only an older draft is asked for that', () => {
    const older = standard(() => ({ value: 1 }), {
      jsonSchema: {
        input: ({ target }: { target: string }) => {
          if (target !== 'draft-07') throw new Error('unknown target')
          return { type: 'number' }
        },
      },
    })
    expect(read(older).jsonSchema).toEqual({ type: 'number' })
  })

  test("may be a function: ArkType's are", async () => {
    const callable = Object.assign(
      () => 1,
      standard((value) => ({ value })),
    )
    expect(() => checkSchemaShape(callable, 'x')).not.toThrow()
    await expect(check(callable, 1)).resolves.toEqual({ ok: true, value: 1 })
    expect(read(callable).jsonSchema).toEqual({ type: 'string' })
  })
})

describe('what is no schema', () => {
  const cyclic: { properties?: unknown } = {}
  cyclic.properties = { cyclic }
  test.each([
    ['null', null],
    ['text', 'string'],
    ['a list', [{}]],
    ['a number', 1],
    ['true', true],
    ['a function that gives none', () => 5],
    ['a function that gives a function', () => () => ({})],
    ['a cyclic object', cyclic],
    ['types that are none', { type: ['string', 'date'] }],
    ['an object that hides itself', { toJSON: () => 'x' }],
    ['one too large', { description: 'x'.repeat(1_100_000) }],
  ])('%s is refused, by name', (_, schema) => {
    expect(() => read(schema)).toThrow(UsageError)
    expect(() => read(schema)).toThrow(/inputSchema of x/)
  })
})

test('AI SDK errors are read down to the issues in their cause', async () => {
  const issues = [{ message: 'expected number, received string', path: ['a'] }]
  const schema = {
    [Symbol.for('vercel.ai.schema')]: true,
    jsonSchema: {},
    validate: () => ({
      success: false,
      error: Object.assign(new Error('Type validation failed: Value: {"a":"secret"}'), { cause: { issues } }),
    }),
  }
  expect(await told(schema, { a: 'secret' })).toBe(
    'The input of x is not valid:\n- a: expected number, received string',
  )
})

test.each([
  [[], '(the whole)'],
  [['a'], 'a'],
  [['a', 0, 'b'], 'a[0].b'],
  [[3], '[3]'],
  [['a b'], '["a b"]'],
  [['x', '__proto__'], 'x.__proto__'],
  [['a\n'], String.raw`["a\n"]`],
])('the path %j reads %s', (path, text) => {
  expect(showPath(path)).toBe(text)
})
