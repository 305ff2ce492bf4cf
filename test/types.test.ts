/** What the compiler knows of an agent: the output follows from its schema. */
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import {
  CodeAgent,
  PersistentCodeAgent,
  tool,
  type RunEvent,
  type RunResult,
  type ToolDefinition,
} from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const model = scriptedModel([])

test('outputSchema: the output of a completed result, after conversions', async () => {
  const agent = new PersistentCodeAgent({
    model,
    outputSchema: z.object({ total: z.number(), day: z.string().transform((day) => new Date(day)) }),
  })
  type Total = { total: number; day: Date }
  expectTypeOf(agent).toEqualTypeOf<PersistentCodeAgent<Total>>()
  expectTypeOf(agent.run).returns.resolves.toEqualTypeOf<RunResult<Total>>()
  expectTypeOf(agent.result).toEqualTypeOf<RunResult<Total> | undefined>()
  type Completed = Extract<Awaited<ReturnType<typeof agent.run>>, { status: 'completed' }>
  expectTypeOf<Completed['output']>().toEqualTypeOf<Total>()
  type Paused = Extract<Awaited<ReturnType<typeof agent.run>>, { status: 'paused' }>
  expectTypeOf<Paused>().not.toHaveProperty('output')
  expectTypeOf(agent.start)
    .returns.resolves.toHaveProperty('result')
    .returns.resolves.toEqualTypeOf<RunResult<Total>>()
  expectTypeOf(agent.stream).returns.toEqualTypeOf<AsyncGenerator<RunEvent<Total>, void, undefined>>()
})

test('without a schema, and with JSON Schema, the output is unknown', () => {
  const plain = new CodeAgent({ model })
  expectTypeOf(plain).toEqualTypeOf<CodeAgent>()
  type Plain = Extract<Awaited<ReturnType<typeof plain.run>>, { status: 'completed' }>
  expectTypeOf<Plain['output']>().toEqualTypeOf<unknown>()
  const json = new CodeAgent({ model, outputSchema: { type: 'number' } })
  type Json = Extract<Awaited<ReturnType<typeof json.run>>, { status: 'completed' }>
  expectTypeOf<Json['output']>().toEqualTypeOf<unknown>()
})

test("a tool's input and output follow from its schemas", () => {
  tool({
    name: 'add',
    description: 'Adds',
    inputSchema: z.object({ a: z.number(), b: z.number().default(1) }),
    outputSchema: z.number(),
    execute: (input) => {
      expectTypeOf(input).toEqualTypeOf<{ a: number; b: number }>()
      return input.a + input.b
    },
  })
})

test("a tool's output is what execute returns, also from a promise or a generator", () => {
  const more = { name: 'job', description: 'Does a job' }
  const plain = tool({ ...more, execute: () => 7 })
  const later = tool({ ...more, execute: async () => 'done' })
  const steps = tool({
    ...more,
    execute: async function* () {
      yield { percent: 50 }
      return new Date(0)
    },
  })
  expectTypeOf(plain).toEqualTypeOf<ToolDefinition<unknown, number>>()
  expectTypeOf(later).toEqualTypeOf<ToolDefinition<unknown, string>>()
  expectTypeOf(steps).toEqualTypeOf<ToolDefinition<unknown, Date>>()
})

test('a callback knows the kind of step that it looks at', () => {
  void new CodeAgent({
    model,
    stepCallbacks: {
      action: (step) => expectTypeOf(step.code).toEqualTypeOf<string>(),
      planning: (step) => expectTypeOf(step.plan).toEqualTypeOf<string>(),
      finalAnswer: (step) => expectTypeOf(step.output).toEqualTypeOf<unknown>(),
      all: (step) => expectTypeOf(step.kind).toEqualTypeOf<'action' | 'planning' | 'finalAnswer'>(),
    },
  })
})
