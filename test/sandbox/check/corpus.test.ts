/** T1, on the corpus: no program that runs well is refused, whether its tools declare their results or not. */
import { describe, expect, test } from 'vitest'
import { TypeCheck } from '../../../src/sandbox/check/check.ts'
import type { ToolTypes } from '../../../src/sandbox/check/declarations.ts'
import { EXCEPTIONS } from '../../guest/exceptions.ts'
import { areas, corpus } from '../../guest/programs.ts'
import { toolNames } from '../../guest/tools.ts'
import { checker } from './kit.ts'

const row =
  '{ id: number; customerId: number; sku: string; quantity: number; amount: number; ' +
  "status: 'paid' | 'open' | 'refunded' | 'damaged'; placedAt: string; note?: string }"

/** What the tools of the corpus take and give: the closer, the harder. */
const TYPES: Readonly<Record<string, readonly [input: string, output?: string]>> = {
  fetchRows: [
    '{ page?: number; size?: number }',
    `{ rows: ${row}[]; page: number; next: number | null; total: number }`,
  ],
  lookup: ['{ id: number }', '{ id: number; name: string; city: string; tier: string; since: Date }'],
  search: [
    '{ query: string; limit?: number }',
    '{ id: number; sku: string; status: string; score: number }[]',
  ],
  readFile: ['{ path: string }', 'string'],
  getWeather: [
    '{ city: string }',
    '{ city: string; temperature: number; unit: string; conditions: string[] } | null',
  ],
  getRates: ['{ base?: string }', 'Map<unknown, unknown>'],
  flaky: ['{ key: string }', '{ key: string; attempt: number }'],
  slow: ['{ ms: number; value?: unknown; error?: string }'],
}

const declared: readonly ToolTypes[] = toolNames.map((name) => {
  const [input, output] = TYPES[name] ?? []
  return {
    name,
    aliases: [],
    ...(input === undefined ? {} : { input: { type: input, optional: false } }),
    ...(output === undefined ? {} : { output }),
  }
})
const undeclared: readonly ToolTypes[] = toolNames.map((name) => ({ name, aliases: [] }))

/** Those that end without an error in the guest. */
const programs = corpus().filter(({ name, expected }) => {
  const exception = EXCEPTIONS[name]
  if (exception !== undefined && 'open' in exception) return false
  return !/^! /m.test(exception?.says ?? expected)
})

test('most programs of the corpus run well', () => {
  expect(programs.length).toBeGreaterThan(corpus().length / 2)
})

describe.each(areas())('%s', (area) => {
  const own = programs.filter((program) => program.area === area)
  test.each([
    ['with declared results', declared],
    ['with results that nobody declared', undeclared],
  ])('%s', async (_how, tools) => {
    const check = new TypeCheck(checker)
    const refused: string[] = []
    for (const { name, code } of own) {
      const error = await check.check(1, code, () => ({ tools, past: [], variables: [] }))
      if (error !== undefined) refused.push(`${name}: ${error.message}`)
    }
    expect(refused).toEqual([])
  })
})
