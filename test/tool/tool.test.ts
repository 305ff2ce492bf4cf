import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { UsageError } from '../../src/base/errors.ts'
import {
  isToolDefinition,
  tool,
  type Ask,
  type ToolCallOptions,
  type ToolDefinition,
} from '../../src/tool/tool.ts'

const refund = tool({
  name: 'refund',
  description: 'Pay money back to a customer',
  inputSchema: z.object({ order: z.string(), amount: z.number() }),
  needsApproval: ({ amount }) => amount > 100,
  execute: async ({ order, amount }) => `refunded ${amount} for ${order}`,
})

const base = { name: 'x', description: 'does x', execute: () => 1 }
/** As JavaScript would call it. */
const loosely = (spec: unknown) => () => tool(spec as Parameters<typeof tool>[0])

describe('a definition', () => {
  test('is what was given, frozen and marked', () => {
    expect(refund.name).toBe('refund')
    expect(Object.isFrozen(refund)).toBe(true)
    expect(isToolDefinition(refund)).toBe(true)
    expect(isToolDefinition({ ...base })).toBe(false)
  })

  test.each(['lookup', '_x', 'a-b', 'delete', 'await', 'constructor', 'a$b', 'x'.repeat(128), 'fetch'])(
    'may be named %s',
    (name) => {
      expect(tool({ ...base, name }).name).toBe(name)
    },
  )

  test.each([
    '',
    ' ',
    'a b',
    '1a',
    '-a',
    'a.b',
    'é',
    "a'b",
    'a\nb',
    'x'.repeat(129),
    '$ask',
    '$',
    'tools',
    'finalAnswer',
    'ask',
    'sleep',
    'print',
    'then',
    '__proto__',
    'Promise',
    'console',
    undefined,
    7,
  ])('may not be named %j', (name) => {
    expect(loosely({ ...base, name })).toThrow(UsageError)
  })

  test.each([
    ['no description', { description: undefined }],
    ['an empty description', { description: '  ' }],
    ['no execute', { execute: undefined }],
    ['an effect that is none', { effect: 'twice' }],
    ['an effect that Object has', { effect: 'constructor' }],
    ['a timeout that is none', { timeout: 'soon' }],
    ['a timeout of nothing', { timeout: 0 }],
    ['a negative timeout', { timeout: -1 }],
    ['no attempts', { retry: { attempts: 0 } }],
    ['half an attempt', { retry: { attempts: 1.5 } }],
    ['retry as a number', { retry: 3 }],
    ['retry as null', { retry: null }],
    ['a backoff that is none', { retry: { attempts: 2, backoff: 'later' } }],
    ['a probe that is none', { probe: true }],
    ['needsApproval in words', { needsApproval: 'yes' }],
    ['a schema that is null', { inputSchema: null }],
    ['a schema that is text', { inputSchema: 'string' }],
    ['a schema that is a list', { outputSchema: [] }],
    ['a schema of an unknown type', { inputSchema: { type: 'date' } }],
    ['a Zod 3 schema', { inputSchema: { _def: {}, parse: () => 1 } }],
    ['a schema that cannot validate', { inputSchema: { '~standard': {} } }],
  ])('is refused with %s', (_, wrong) => {
    expect(loosely({ ...base, ...wrong })).toThrow(UsageError)
  })

  test('says what to do about a schema without JSON Schema', () => {
    const bare = { '~standard': { version: 1, vendor: 'valibot', validate: () => ({ value: 1 }) } }
    expect(loosely({ ...base, inputSchema: bare })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('toStandardJsonSchema') }),
    )
  })

  test('does not convert its schema yet: a lazy part may refer to what comes later', () => {
    const early = tool({ ...base, inputSchema: z.object({ part: z.lazy(() => late) }) })
    const late: z.ZodType<string> = z.string()
    expect(early.name).toBe('x')
  })
})

describe('types', () => {
  test('input and output follow from the schema and from execute', () => {
    expectTypeOf(refund).toEqualTypeOf<ToolDefinition<{ order: string; amount: number }, string>>()
  })

  test('execute gets what validation gives: defaults and transforms applied', () => {
    tool({
      ...base,
      inputSchema: z.object({
        size: z.number().default(3),
        when: z.string().transform((text) => new Date(text)),
      }),
      execute: (input) => {
        expectTypeOf(input).toEqualTypeOf<{ size: number; when: Date }>()
      },
    })
  })

  test('execute must give what the output schema takes', () => {
    const outputSchema = z.object({ id: z.number(), note: z.string().default('') })
    const fine = tool({ ...base, outputSchema, execute: () => Promise.resolve({ id: 1 }) })
    expectTypeOf(fine).toExtend<ToolDefinition<unknown, { id: number; note?: string | undefined }>>()
    // @ts-expect-error -- id is a number
    tool({ ...base, outputSchema, execute: () => Promise.resolve({ id: 'one' }) })
  })

  test('a raw JSON Schema leaves the input to the author', () => {
    const raw = tool({ ...base, inputSchema: { type: 'string' }, execute: (input: string) => input.length })
    expectTypeOf(raw).toEqualTypeOf<ToolDefinition<string, number>>()
    tool({
      ...base,
      inputSchema: { type: 'string' },
      execute: (input) => {
        expectTypeOf(input).toBeUnknown()
      },
    })
  })

  test('context is what the author says it is', () => {
    const scoped = tool({
      ...base,
      inputSchema: z.object({ id: z.string() }),
      execute: ({ id }, { context }: ToolCallOptions<{ tenant: string }>) => context.tenant + id,
    })
    expectTypeOf(scoped).toEqualTypeOf<ToolDefinition<{ id: string }, string, { tenant: string }>>()
  })

  test('a call brings its key, its signal and a way to ask', () => {
    tool({
      ...base,
      execute: (_, call) => {
        expectTypeOf(call.idempotencyKey).toBeString()
        expectTypeOf(call.abortSignal).toEqualTypeOf<AbortSignal>()
        expectTypeOf(call.ask).toEqualTypeOf<Ask>()
      },
    })
  })

  test("a probe speaks of the tool's own output", () => {
    tool({ ...base, execute: () => 'id', probe: () => ({ happened: true, result: 'id' }) })
    tool({ ...base, execute: () => 'id', probe: async () => undefined })
    // @ts-expect-error -- the result of a call that happened is what execute gives
    tool<unknown, string>({ ...base, execute: () => 'id', probe: () => ({ happened: true, result: 1 }) })
  })

  test('tools of any input stand in one list', () => {
    const list: readonly ToolDefinition[] = [refund, tool(base)]
    expect(list).toHaveLength(2)
  })

  test('needsApproval sees the validated input and the context', () => {
    tool({
      ...base,
      inputSchema: z.object({ amount: z.number().default(1) }),
      needsApproval: ({ amount }, { context }) => {
        expectTypeOf(amount).toBeNumber()
        expectTypeOf(context).toBeUnknown()
        return { required: true, message: 'Really?', expiresIn: '1h' }
      },
    })
  })
})

test('a field that there is not is refused: a misspelled approval would approve everything', () => {
  const spec = { name: 'pay', description: 'Pays', execute: async () => 'paid' }
  const [misspelled, plural] = [
    { ...spec, needsAproval: true },
    { ...spec, effects: 'read' },
  ]
  expect(() => tool(misspelled)).toThrow(/'pay' has a field 'needsAproval'/)
  expect(() => tool(plural)).toThrow(UsageError)
  // What a tool was made of makes a tool again.
  expect(tool(tool({ ...spec, effect: 'read' }))).toMatchObject({ name: 'pay', effect: 'read' })
})
