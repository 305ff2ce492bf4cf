/** One checker for all tests of a file, with time enough for a busy machine. */
import { afterAll } from 'vitest'
import { z } from 'zod'
import { Checker } from '../../../src/sandbox/check/checker.ts'
import { TypeCheck, type PastStep } from '../../../src/sandbox/check/check.ts'
import type { ToolTypes } from '../../../src/sandbox/check/declarations.ts'
import { typesOf } from '../../../src/tool/declare.ts'
import { readSchema } from '../../../src/tool/schema.ts'

export const checker: Checker = new Checker({ warm: 20_000, cold: 25_000 })
afterAll(() => checker.end())

/** A tool's types, from schemas as authors write them. */
export function toolTypes(name: string, input?: unknown, output?: unknown): ToolTypes {
  return typesOf({
    name,
    input: input === undefined ? undefined : readSchema(input, 'input', name).jsonSchema,
    output: output === undefined ? undefined : readSchema(output, 'output', name).jsonSchema,
  })
}

const order = z.object({
  id: z.string(),
  total: z.number(),
  tags: z.array(z.string()),
  note: z.string().optional(),
})

export const tools: readonly ToolTypes[] = [
  toolTypes(
    'search',
    z.object({
      query: z.string(),
      limit: z.number().optional(),
      status: z.enum(['open', 'closed']).optional(),
      range: z.tuple([z.number(), z.number()]).optional(),
    }),
    z.array(order),
  ),
  toolTypes('refund', z.object({ order: z.string(), amount: z.number() })),
  toolTypes(
    'customer',
    z.object({ id: z.number() }),
    z.object({
      name: z.string(),
      orders: z.array(order),
      address: z.object({ city: z.string() }).nullable(),
    }),
  ),
  toolTypes(
    'pay',
    z.object({ amount: z.number() }),
    z.union([
      z.object({ ok: z.literal(true), receipt: z.string() }),
      z.object({ ok: z.literal(false), error: z.string() }),
    ]),
  ),
  toolTypes('anything', z.any()),
  toolTypes('bare'),
  toolTypes('note-down', z.object({ text: z.string() })),
  toolTypes('delete', z.object({ id: z.number() })),
]

/** What is said of `code`, after `before`: the first lines of each fault, without the place. */
export async function said(
  code: string,
  before: readonly (string | PastStep)[] = [],
): Promise<readonly string[]> {
  const message = await told(code, before)
  return message
    .split('\n')
    .slice(1)
    .filter((line) => / \(step\d+\.ts:\d+:\d+\)$/.test(line))
}

/** The whole of what is told; empty if the program may run. */
export async function told(code: string, before: readonly (string | PastStep)[] = []): Promise<string> {
  const past = before.map((each, i) =>
    typeof each === 'string' ? { step: i + 1, source: each, isWhole: true } : each,
  )
  const check = new TypeCheck(checker)
  const error = await check.check(past.length + 1, code, () => ({ tools, past, variables: ['given'] }))
  return error?.message ?? ''
}
