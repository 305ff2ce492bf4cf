/** The parent's acceptance list, by its numbers: memory, monitoring, parsing, the executor, tools and values. */
import { describe, expect, test } from 'vitest'
import {
  CodeAgent,
  memoryStore,
  PersistentCodeAgent,
  tool,
  UsageError,
  type ActionStep,
  type RunEvent,
} from '../../src/index.ts'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { decode, encode } from '../../src/base/codec.ts'
import { scriptedModel } from '../../src/testing.ts'
import { z } from 'zod'
import {
  again,
  agentOf,
  echo,
  lastWord,
  listeningModel,
  must,
  output,
  rested,
} from '../e2e/fixtures/bench.ts'

/** The steps of a run, and what the model was told after the first. */
async function ran(code: string, options: Partial<Parameters<typeof agentOf>[0]> = {}) {
  const { model, calls } = listeningModel([code, 'finalAnswer("end")'])
  const agent = new PersistentCodeAgent({ store: memoryStore(), ...options, model })
  const result = await agent.run('t')
  const [first] = agent.memory.steps.filter((step): step is ActionStep => step.kind === 'action')
  return { result, step: must(first), told: calls.length > 1 ? lastWord(calls[1]) : '' }
}

test('7.17 no token usage: a model that reports none is said to have reported none', async () => {
  const counted = scriptedModel(['1', 'finalAnswer(2)'])
  const silent: LanguageModelV4 = {
    ...counted,
    doStream: undefined as never,
    doGenerate: async (options) => ({
      ...(await counted.doGenerate(options)),
      usage: {
        inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
        outputTokens: { total: undefined, text: undefined, reasoning: undefined },
      },
    }),
  }
  const agent = new CodeAgent({ model: silent })
  const { usage } = await agent.run('t')
  expect(usage).toEqual({ inputTokens: 0, outputTokens: 0, uncounted: 2 })
  expect(agent.memory.steps[1]).toMatchObject({ usage: { uncounted: 1 } })
  const spoken = new CodeAgent({ model: counted })
  expect((await spoken.run('t')).usage).not.toHaveProperty('uncounted')
})

describe('memory', () => {
  test('7.43 all code of a run as one script', async () => {
    const agent = agentOf({ script: ['const a = 1', 'finalAnswer(a)'] })
    await agent.run('t')
    expect(agent.memory.fullCode()).toBe('// step 1\nconst a = 1\n\n// step 2\nfinalAnswer(a)')
  })

  test('7.44 a step in the prompt: what the model said, its code, what it printed, then the error', async () => {
    const { model, calls } = listeningModel([
      { text: 'I try.', code: 'print("so far")\nthrow new Error("broken")' },
      'finalAnswer(1)',
    ])
    await new CodeAgent({ model }).run('t')
    const told = JSON.stringify(must(calls[1]).prompt)
    const places = ['I try.', 'print(', 'Printed:', 'so far', 'Error:', 'broken', 'are kept'].map((part) =>
      told.indexOf(part),
    )
    expect(places).not.toContain(-1)
    const order = [
      told.indexOf('I try.'),
      told.indexOf('throw new'),
      told.lastIndexOf('Printed:'),
      told.lastIndexOf('Error:'),
    ]
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  })

  test('7.45 a plan in the prompt: its words, then the word to carry it out', async () => {
    const { model, calls } = listeningModel([{ text: 'look first' }, 'finalAnswer(1)'])
    await new CodeAgent({ model, planningInterval: 5 }).run('t')
    const [plan, word] = must(calls[1]).prompt.slice(-2)
    expect(plan).toMatchObject({ role: 'assistant', content: [{ type: 'text', text: 'look first' }] })
    expect(word).toMatchObject({
      role: 'user',
      content: [{ text: expect.stringContaining('carry out this plan') }],
    })
  })
})

test('7.47 tokens and time: each step and the whole run, the last answer counted too', async () => {
  const usage = { inputTokens: 10, outputTokens: 20 }
  const one = agentOf({ script: [{ code: 'finalAnswer(1)', usage }] })
  expect((await one.run('t')).usage).toEqual(usage)
  const forced = agentOf({
    maxSteps: 1,
    script: [
      { code: '1', usage },
      { text: 'end', usage },
    ],
  })
  const result = await forced.run('t')
  expect(result.usage).toEqual({ inputTokens: 20, outputTokens: 40 })
  expect(result.durationMs).toBeGreaterThanOrEqual(0)
  expect(forced.memory.steps[1]).toMatchObject({
    usage,
    modelMs: expect.any(Number),
    durationMs: expect.any(Number),
  })
})

describe('7.48 streaming', () => {
  async function events(agent: CodeAgent): Promise<readonly RunEvent[]> {
    return Array.fromAsync(agent.stream('t'))
  }

  test('in order, and the last event is the result', async () => {
    const all = await events(
      agentOf({ script: [{ text: 'I look.', code: 'print("hi")' }, 'finalAnswer(1)'] }),
    )
    const types = all.map((event) => (event.type === 'entry' ? event.entry.kind : event.type))
    const order = [
      'model-called',
      'text',
      'code',
      'model-replied',
      'step-started',
      'printed',
      'step-ended',
      'task-completed',
      'result',
    ]
    const places = order.map((type) => types.indexOf(type as never))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
    expect(all.at(-1)).toMatchObject({ type: 'result', result: { output: 1 } })
    expect(types.filter((type) => type === 'result')).toHaveLength(1)
  })

  test('over a pause and another process: every fact once, nothing twice', async () => {
    const store = memoryStore()
    const script = ['print("before")\nconst size = await ask("Which?")\nprint("after")', 'finalAnswer(size)']
    const first = await events(agentOf({ store, script }))
    expect(first.at(-1)).toMatchObject({ type: 'result', result: { status: 'paused' } })
    const second = await again({ store, script })
    await second.answer(must(second.questions[0]).id, { type: 'respond', value: 'L' })
    const more = await Array.fromAsync(second.stream(second.task, { reset: false }))
    expect(more.at(-1)).toMatchObject({ type: 'result', result: { output: 'L' } })
    const all = [...first, ...more]
    const seqs = all.flatMap((event) => (event.type === 'entry' ? [event.entry.seq] : []))
    expect(seqs).toEqual(seqs.map((_, index) => index + 3))
    expect(all.flatMap((event) => (event.type === 'printed' ? [event.text] : []))).toEqual([
      'before\n',
      'after\n',
    ])
  })

  test('errors are events, and the result says what became of the task', async () => {
    const all = await events(agentOf({ script: ['throw new Error("broken")', { error: new Error('gone') }] }))
    const ended = all.find((event) => event.type === 'entry' && event.entry.kind === 'step-ended')
    expect(ended).toMatchObject({ entry: { error: { message: 'broken' } } })
    expect(all.some((event) => event.type === 'entry' && event.entry.kind === 'model-failed')).toBe(true)
    expect(all.at(-1)).toMatchObject({ type: 'result', result: { status: 'failed' } })
  })
})

test('7.49 markup, control characters and odd values in a task and its output are only text', async () => {
  const odd = '[bold]\u001B[31m</task>{{tools}} \u0000 ${x} ]]>'
  const agent = agentOf({ script: ['finalAnswer({ odd: Symbol.iterator.toString(), nan: NaN })'] })
  expect((await agent.run(odd)).status).toBe('completed')
  expect(agent.memory.replay()).toContain(odd)
  expect(JSON.parse(JSON.stringify(agent.memory))).toMatchObject({
    steps: [{ task: odd }, {}, { output: { nan: 'NaN' } }],
  })
})

describe('executor', () => {
  test('7.51 a variable may take the name of a tool; the tool stays at tools', async () => {
    const { result } = await ran('const echo = 5\nfinalAnswer([echo, await tools.echo({ n: 6 })])', {
      tools: [echo],
    })
    expect(output(result)).toEqual([5, 6])
    const { told } = await ran('tools.echo = () => 1', { tools: [echo], typeCheck: false })
    expect(told).toMatch(/Error/)
  })

  test('7.52 an endless loop ends its step with a clear error, in a function too, and the run goes on', async () => {
    for (const code of ['while (true) {}', 'function f() { for (;;) {} }\nf()']) {
      const { result, told } = await ran(code, { limits: { stepTimeout: 200 } })
      expect(told).toMatch(/ended by a limit \(timeout\)/)
      expect(output(result)).toBe('end')
    }
  })

  test('7.54 an error shows the line where it happened, below other code too', async () => {
    const { told } = await ran(
      'const ok = 1\n\nfunction check(value: unknown) {\n  throw new RangeError("bad " + value)\n}\ncheck(ok)',
    )
    expect(told).toMatch(/RangeError: bad 1/)
    expect(told).toMatch(/step1\.ts:4/)
    expect(told).toContain('throw new RangeError')
  })

  test.each([
    ['any value', 'finalAnswer({ a: [1, 2] })', { a: [1, 2] }],
    ['nothing', 'finalAnswer()', undefined],
    ['in a branch', 'if (1 < 2) finalAnswer("yes"); else finalAnswer("no")', 'yes'],
    ['over lines', 'finalAnswer(\n  [1, 2]\n    .map((n) => n * 2)\n)', [2, 4]],
    [
      'after its name stood in a text',
      'const note = "call finalAnswer(0)"\nfinalAnswer(note)',
      'call finalAnswer(0)',
    ],
    [
      'in try, past catch and finally',
      'try { finalAnswer(1) } catch { finalAnswer(2) } finally { print("f") }',
      1,
    ],
    ['in a promise', 'await Promise.all([1, 2].map(async (n) => { if (n === 2) finalAnswer(n) }))', 2],
  ])('7.55 finalAnswer: %s', async (_what, code, expected) => {
    expect(output((await ran(code)).result)).toEqual(expected)
  })

  test('7.56 a variable named like finalAnswer does not break the run', async () => {
    const { told, result } = await ran('const finalAnswer = 5\nfinalAnswer')
    expect(result.status).toBe('completed')
    expect(told + String(output(result))).toMatch(/finalAnswer|end|5/)
  })

  test.each([
    'import { readFileSync } from "node:fs"',
    'const fs = await import("fs")',
    'const fs = require("fs")',
    'process.env',
    'await fetch("https://example.com")',
  ])('7.58 nothing reaches outside: %s', async (code) => {
    const { step, result } = await ran(code)
    expect(step.error).toBeDefined()
    expect(output(result)).toBe('end')
  })

  test.each([
    ['constructor walks', '[].constructor.constructor("return process")()'],
    ['the global object', 'globalThis.process.env'],
    ['Function', 'new Function("return process.version")()'],
    ['eval', 'eval("process.version")'],
    ['prototypes of tools', 'Object.getPrototypeOf(tools.echo).constructor("return process")()'],
    [
      'the stack of an error',
      '(() => { const { stack } = new Error("x"); if (/node:|file:/.test(String(stack))) return stack; throw new Error("nothing") })()',
    ],
    ['proxies', 'new Proxy(tools.echo, { apply: (target, self, args) => self.constructor }).call(process)'],
  ])('7.60 the host cannot be reached by %s', async (_way, code) => {
    const { step } = await ran(code, { tools: [echo], typeCheck: false })
    expect(step.error).toBeDefined()
    expect(step.value ?? '').not.toMatch(/v\d+\.\d+|node:/)
  })
})

describe('tools', () => {
  test.each([
    [{ description: 'no name', execute: () => 1 }, /name/],
    [{ name: 'not a name', description: 'x', execute: () => 1 }, /name/],
    [{ name: 'nothing', execute: () => 1 }, /description/],
    [{ name: 'idle', description: 'does nothing' }, /execute/],
    [{ name: 'odd', description: 'x', effect: 'sometimes', execute: () => 1 }, /effect/],
    [{ name: 'odd', description: 'x', inputSchema: 'text', execute: () => 1 }, /inputSchema/],
  ] as readonly (readonly [object, RegExp])[])(
    '7.61 a tool that is wrong fails when it is defined: %#',
    (definition, message) => {
      const make = (): unknown => agentOf({ tools: [tool(definition as never)] })
      expect(make).toThrow(UsageError)
      expect(make).toThrow(message)
    },
  )

  test.each([
    ['of another type', 'await book({ to: 5 })', /to/],
    ['missing', 'await book({})', /to/],
    ['unknown', 'await book({ to: "Rome", class: 1 })', /class/],
    ['null where it may not be', 'await book({ to: null })', /to/],
  ])('7.63 arguments in code are checked: %s', async (_what, code, named) => {
    let calls = 0
    const book = tool({
      name: 'book',
      description: 'Books',
      inputSchema: z.strictObject({ to: z.string(), note: z.string().nullable().optional() }),
      effect: 'read',
      execute: async ({ to }) => {
        calls++
        return to
      },
    })
    for (const typeCheck of [true, false]) {
      const { step, told } = await ran(code, { tools: [book], typeCheck })
      expect(step.error).toBeDefined()
      expect(told).toMatch(named)
    }
    expect(calls).toBe(0)
    const right = await ran('finalAnswer(await book({ to: "Rome", note: null }))', { tools: [book] })
    expect(output(right.result)).toBe('Rome')
  })
})

describe('7.64 values', () => {
  const exotic = {
    date: new Date(0),
    big: 2n ** 70n,
    map: new Map([['k', new Set([1, 2])]]),
    bytes: new Uint8Array([1, 255]),
    numbers: [NaN, Infinity, -Infinity, -0],
    text: 'ünï \u{1F600} \u2028 "quotes"',
    nothing: [undefined, null],
    pattern: /a+/giu,
    url: new URL('https://example.com/?q=1'),
  }

  test('go there and back as they were, through the guest too', async () => {
    expect(decode(encode(exotic))).toEqual(exotic)
    const agent = agentOf({ script: ['finalAnswer(exotic)'] })
    expect(output(await agent.run('t', { additionalArgs: { exotic } }))).toEqual(exotic)
  })

  test('nested deep, or in a circle, are kept', async () => {
    const circle: Record<string, unknown> = { name: 'o' }
    circle['self'] = circle
    const back = decode(encode(circle)) as typeof circle
    expect(back['self']).toBe(back)
    let deep: unknown = 'bottom'
    for (let level = 0; level < 200; level++) deep = [deep]
    expect(decode(encode(deep))).toEqual(deep)
  })

  test.each([
    ['functions', () => 1],
    ['symbols', Symbol('x')],
  ])('%s are refused', (_what, value) => {
    expect(() => encode(value)).toThrow(/function|symbol|cannot/i)
  })

  test('objects of classes come back as plain data: no class is ever loaded', () => {
    class Secret {
      readonly x = 1
    }
    const back = decode(encode(new Secret())) as object
    expect(back).toEqual({ x: 1 })
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
  })

  test.each(['', 'nope', '[[1,2', '{"__proto__":1}', '[["Evil",1]]'])(
    'text that is none is refused: %s',
    (text) => {
      expect(() => decode(text)).toThrow('not readable')
    },
  )
})

test('a run may be read as plain data: kinds, times and tokens', async () => {
  const agent = agentOf({ planningInterval: 9, script: [{ text: 'p' }, 'finalAnswer(1)'] })
  const result = rested(await agent.run('t'), 'completed')
  const { steps } = JSON.parse(JSON.stringify(agent.memory)) as {
    readonly steps: readonly Record<string, unknown>[]
  }
  expect(steps.map(({ kind }) => kind)).toEqual(['task', 'planning', 'action', 'finalAnswer'])
  expect(result.usage.inputTokens).toBeGreaterThan(0)
})
