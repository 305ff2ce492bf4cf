import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ToolError, UsageError } from '../../src/base/errors.ts'
import { tool, type ToolSpec } from '../../src/tool/tool.ts'
import { toolsOf, type GivenTools, type Tool, type ToolOptions } from '../../src/tool/tools.ts'
import { callWith } from './calls.ts'

const refund = tool({
  name: 'refund',
  description: 'Pay money back to a customer',
  inputSchema: z.object({ order: z.string(), amount: z.number().describe('in EUR') }),
  execute: ({ order, amount }) => `${amount} for ${order}`,
})
const weather = {
  description: 'Says the weather',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }: { city: string }) => `sunny in ${city}`,
}

function only(given: GivenTools, options?: ToolOptions): Tool {
  const [first] = toolsOf(given, options).values()
  if (first === undefined) throw new Error('no tool')
  return first
}
const one = (more: Partial<ToolSpec<unknown, unknown, unknown>>): Tool =>
  only([tool({ name: 'x', description: 'does x', execute: () => 1, ...more })])
/** As JavaScript would call it. */
const loosely = (given: unknown, options?: unknown) => () =>
  toolsOf(given as GivenTools, options as ToolOptions)

describe('the normal form', () => {
  test('has all that a run needs', async () => {
    const made = only([refund])
    expect(made).toMatchObject({
      name: 'refund',
      description: 'Pay money back to a customer',
      effect: 'once',
      effectDeclared: false,
      approval: 'never',
      outputSchema: undefined,
      inputSchema: { type: 'object', required: ['order', 'amount'] },
      declaration:
        '/** Pay money back to a customer */\n' +
        'refund(input: { order: string; /** in EUR */ amount: number }): Promise<unknown>',
    })
    expect(made.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(Object.keys(made)).not.toContain('timeout')
    await expect(made.execute({ order: 'A1', amount: 5 }, callWith())).resolves.toBe('5 for A1')
  })

  test('keeps the order given and is empty for nothing', () => {
    expect([...toolsOf([refund, { weather }]).keys()]).toEqual(['refund', 'weather'])
    expect([...toolsOf({ weather, refund }).keys()]).toEqual(['weather', 'refund'])
    expect(toolsOf([]).size + toolsOf({}).size).toBe(0)
  })

  test('turns durations into ms', () => {
    expect(one({ effect: 'read', timeout: '30s', retry: { attempts: 3, backoff: '1s' } })).toMatchObject({
      timeout: 30_000,
      retry: { attempts: 3, backoff: 1_000 },
    })
    expect(one({ retry: { attempts: 1 } }).retry).toEqual({ attempts: 1 })
  })

  test('a tool that may happen once has no retry, unless somebody says that it may', () => {
    const retry = { attempts: 3 }
    expect(() => one({ retry })).toThrow("its effect is 'once'")
    expect(() => one({ effect: 'once', retry })).toThrow(UsageError)
    expect(one({ effect: 'once', retry: { attempts: 1 } }).retry).toEqual({ attempts: 1 })
    expect(only([tool({ ...refund, retry })], { toolEffects: { refund: 'keyed' } }).retry).toEqual(retry)
  })

  test('a synchronous throw of execute is a rejection with the same error', async () => {
    const error = new ToolError('no')
    const made = one({
      execute: () => {
        throw error
      },
    })
    await expect(made.execute(1, callWith())).rejects.toBe(error)
  })

  test('takes primitives, and nothing', async () => {
    await expect(one({ inputSchema: z.string() }).checkInput('a')).resolves.toEqual({ ok: true, value: 'a' })
    const free = one({})
    await expect(free.checkInput(undefined)).resolves.toEqual({ ok: true, value: undefined })
    expect(free.declaration).toContain('x(): Promise<unknown>')
  })

  test('checks outputs, with defaults', async () => {
    const made = one({ outputSchema: z.object({ id: z.number(), note: z.string().default('-') }) })
    await expect(made.checkOutput({ id: 1 })).resolves.toEqual({ ok: true, value: { id: 1, note: '-' } })
    const wrong = await made.checkOutput({ id: 'one' })
    expect(wrong).toEqual({
      ok: false,
      message: 'The output of x is not valid:\n- id: expected number, received string',
    })
    expect(made.declaration).toContain('Promise<{ id: number; /** default "-" */ note: string }>')
  })

  test.each([
    [
      { happened: true, result: 1 },
      { happened: true, result: 1 },
    ],
    [
      { happened: true, result: undefined },
      { happened: true, result: undefined },
    ],
    [{ happened: false }, { happened: false }],
    [undefined, undefined],
    [null, undefined],
    [true, undefined],
    [{}, undefined],
    [{ happened: true }, undefined],
    [{ happened: 'yes', result: 1 }, undefined],
    [{ happened: 0 }, undefined],
  ])('a probe that says %j means %j', async (said, means) => {
    const made = one({ probe: () => said as undefined })
    await expect(made.probe?.(1, callWith())).resolves.toEqual(means)
  })
})

describe('the digest', () => {
  const base = { name: 'x', description: 'does x', execute: () => 1 }
  const digest = (more: object): string => only([tool({ ...base, ...more })]).digest

  test('is of name, description and schemas, and of nothing else', () => {
    const same = digest({ inputSchema: z.object({ a: z.string() }) })
    expect(digest({ inputSchema: z.object({ a: z.string() }), effect: 'read', timeout: 5 })).toBe(same)
    expect(digest({ inputSchema: z.object({ a: z.number() }) })).not.toBe(same)
    expect(digest({ outputSchema: z.object({ a: z.string() }) })).not.toBe(same)
    expect(digest({ inputSchema: z.object({ a: z.string() }), description: 'other' })).not.toBe(same)
  })

  test('does not depend on the order of keywords', () => {
    expect(digest({ inputSchema: { type: 'string', minLength: 1 } })).toBe(
      digest({ inputSchema: { minLength: 1, type: 'string' } }),
    )
  })

  test('does not change when the author changes the schema afterwards', () => {
    const inputSchema = { type: 'object', properties: { a: { type: 'string' } } }
    const made = one({ inputSchema })
    inputSchema.properties.a.type = 'number'
    expect(made.inputSchema).toEqual({ type: 'object', properties: { a: { type: 'string' } } })
  })
})

describe('AI SDK tools', () => {
  test('are called as the AI SDK calls them', async () => {
    const seen: unknown[] = []
    const made = only({ probe: { ...weather, execute: (...given: unknown[]) => seen.push(...given) } })
    const call = callWith({ context: { tenant: 't' } })
    await made.execute({ city: 'Rome' }, call)
    expect(seen).toEqual([
      { city: 'Rome' },
      expect.objectContaining({
        toolCallId: '1.1',
        messages: [],
        abortSignal: call.abortSignal,
        context: { tenant: 't' },
      }),
    ])
  })

  test('keep their this', async () => {
    const w = {
      ...weather,
      answer: 42,
      execute(this: { answer: number }) {
        return this.answer
      },
    }
    const made = only({ w })
    await expect(made.execute({}, callWith())).resolves.toBe(42)
  })

  test('of an async generator the last value counts', async () => {
    const made = only({
      w: {
        ...weather,
        execute: async function* () {
          yield 1
          yield 2
        },
      },
    })
    await expect(made.execute({}, callWith())).resolves.toBe(2)
    const none = only({ w: { ...weather, execute: async function* () {} } })
    await expect(none.execute({}, callWith())).resolves.toBeUndefined()
  })

  test('a generator that never ends is left when the call is aborted', async () => {
    const aborter = new AbortController()
    let closed = false
    const made = only({
      w: {
        ...weather,
        execute: async function* () {
          try {
            for (let i = 0; ; i++) {
              if (i === 3) aborter.abort(new Error('enough'))
              yield i
            }
          } finally {
            closed = true
          }
        },
      },
    })
    await expect(made.execute({}, callWith({ abortSignal: aborter.signal }))).rejects.toThrow('enough')
    expect(closed).toBe(true)
  })

  test('may describe themselves by a function of the context', () => {
    const described = {
      ...weather,
      description: ({ context }: { context: { unit?: string } }) => `in ${context.unit ?? 'K'}`,
    }
    expect(only({ w: described }).description).toBe('in K')
    expect(only({ w: described }, { context: { unit: 'C' } }).description).toBe('in C')
    expect(
      loosely({
        w: {
          ...weather,
          description: () => {
            throw new Error('x')
          },
        },
      }),
    ).toThrow(UsageError)
  })

  test('need no description', () => {
    expect(only({ w: { ...weather, description: undefined } }).declaration).toBe(
      'w(input: { city: string }): Promise<unknown>',
    )
  })

  test('get the context that their contextSchema makes of it', async () => {
    const scoped = {
      ...weather,
      contextSchema: z.object({ tenant: z.string() }),
      execute: (_: unknown, call: { context: unknown }) => call.context,
    }
    const made = only({ w: scoped })
    await expect(made.execute({}, callWith({ context: { tenant: 't', other: 1 } }))).resolves.toEqual({
      tenant: 't',
    })
    await expect(made.execute({}, callWith())).rejects.toThrow(/context of w/)
  })

  test('jsonSchema() objects are checked by their own validate, or by the schema', async () => {
    const mark = Symbol.for('vercel.ai.schema')
    const jsonSchema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] }
    const bare = { [mark]: true, jsonSchema, validate: undefined }
    const own = {
      [mark]: true,
      jsonSchema,
      validate: (value: unknown) => ({ success: true, value: { seen: value } }),
    }
    const strict = {
      [mark]: true,
      jsonSchema,
      validate: () => ({ success: false, error: new Error('never') }),
    }
    const check = (inputSchema: unknown): Promise<unknown> =>
      only({ w: { ...weather, inputSchema } }).checkInput({ a: 'x' })
    await expect(check(bare)).resolves.toEqual({
      ok: false,
      message: 'The input of w is not valid:\n- a: expected number, received string',
    })
    await expect(check(own)).resolves.toEqual({ ok: true, value: { seen: { a: 'x' } } })
    await expect(check(strict)).resolves.toMatchObject({
      ok: false,
      message: expect.stringContaining('never'),
    })
    await expect(check(() => own)).resolves.toMatchObject({ ok: true })
    expect(
      loosely({ w: { ...weather, inputSchema: { [mark]: true, jsonSchema: Promise.resolve({}) } } }),
    ).toThrow(/promise/)
  })

  test('without execute are refused by name', () => {
    expect(loosely({ remote: { inputSchema: z.object({}) } })).toThrow(/'remote' has no execute/)
    expect(loosely([{ remote: { inputSchema: z.object({}) } }])).toThrow(UsageError)
  })

  test('needsApproval is theirs: undefined means no', async () => {
    const judged = (said: unknown): Tool => only({ w: { ...weather, needsApproval: () => said } })
    const ask = async (made: Tool): Promise<unknown> =>
      typeof made.approval === 'function' ? made.approval({}, { context: 1 }) : made.approval
    await expect(ask(judged(true))).resolves.toEqual({ required: true })
    await expect(ask(judged(undefined))).resolves.toEqual({ required: false })
    await expect(ask(judged(Promise.resolve(false)))).resolves.toEqual({ required: false })
    await expect(ask(only({ w: { ...weather, needsApproval: true } }))).resolves.toBe('always')
  })
})

describe('what is refused', () => {
  test.each([
    ['two of one name', [refund, refund], /Two tools are named 'refund'/],
    ['two of one name in two forms', [refund, { refund: weather }], /refund/],
    ['a tool under another name', { pay: refund }, /'refund' stands under the name 'pay'/],
    ['an AI SDK tool without a name', [weather], /no name/],
    ['a bad name', { 'a b': weather }, /name/],
    ['a reserved name', { tools: weather }, /tools/],
    ['null', [null], /no tool/],
    ['text', ['refund'], /no tool/],
    ['a list in a list', [[refund]], /no tool/],
    ['a tool that is null', { w: null }, /'w' is no tool/],
    ['a bad schema in a record', { w: { ...weather, inputSchema: 'x' } }, /inputSchema of the tool 'w'/],
    [
      'a lazy part that never came',
      [
        tool({
          name: 'x',
          description: 'x',
          inputSchema: z.lazy(() => {
            throw new ReferenceError('late')
          }),
          execute: () => 1,
        }),
      ],
      /late/,
    ],
  ])('%s', (_, given, message) => {
    expect(loosely(given)).toThrow(message)
  })

  test('an unmarked object with a name is checked like a definition', () => {
    expect(only([{ name: 'x', description: 'x', execute: () => 1 }] as GivenTools).name).toBe('x')
    expect(loosely([{ name: 'x', execute: () => 1 }])).toThrow(/description/)
  })
})

describe('toolEffects', () => {
  test('say what a tool cannot say, and what it said otherwise', () => {
    expect(only({ weather }, { toolEffects: { weather: 'read' } })).toMatchObject({
      effect: 'read',
      effectDeclared: true,
    })
    expect(one({ effect: 'keyed' })).toMatchObject({ effect: 'keyed', effectDeclared: true })
    const told = only([tool({ name: 'x', description: 'x', effect: 'read', execute: () => 1 })], {
      toolEffects: { x: 'once' },
    })
    expect(told.effect).toBe('once')
  })

  test('of no tool or no effect are refused', () => {
    expect(loosely({ weather }, { toolEffects: { wether: 'read' } })).toThrow(/toolEffects names 'wether'/)
    expect(loosely({ weather }, { toolEffects: { weather: 'twice' } })).toThrow(UsageError)
    expect(loosely({ weather }, { toolApproval: { wether: 'denied' } })).toThrow(
      /toolApproval names 'wether'/,
    )
    expect(loosely({ weather }, { toolApproval: { weather: 'maybe' } })).toThrow(UsageError)
  })

  test('are looked up as own properties', () => {
    expect(only({ constructor: weather })).toMatchObject({ effect: 'once', approval: 'never' })
  })
})

test('making tools and text loads no validator: only a check does', () => {
  const script = `
    import { createRequire } from 'node:module'
    import { tool } from ${JSON.stringify(new URL('../../src/tool/tool.ts', import.meta.url).href)}
    import { toolsOf } from ${JSON.stringify(new URL('../../src/tool/tools.ts', import.meta.url).href)}
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('/ajv/'))
    const [one] = toolsOf([tool({ name: 'x', description: 'x', inputSchema: { type: 'string' }, execute: () => 1 })]).values()
    const before = loaded()
    const checked = await one.checkInput(1)
    console.log(JSON.stringify([before, loaded(), checked.ok]))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
  })
  expect(JSON.parse(stdout)).toEqual([false, true, false])
})
