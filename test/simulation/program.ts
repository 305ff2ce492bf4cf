/**
 * What the simulated model writes: programs of a few strands that run at once, each a row of calls, sleeps and questions.
 * The same program is TypeScript for the real sandbox, and carries itself as data for the fake one (`fake-guest.ts`).
 */

export type Item =
  | {
      readonly do: 'call'
      readonly tool: ToolName | typeof HELPER
      /** Whether its error is caught. */ readonly caught: boolean
    }
  | { readonly do: 'sleep'; readonly ms: number }
  | { readonly do: 'ask' }
  /** Computes for ever: the step is killed. */
  | { readonly do: 'spin' }

export const TOOLS = [
  'read',
  'idempotent',
  'keyed',
  'once',
  'probed',
  'approved',
  'judged',
  'pausing',
] as const
export type ToolName = (typeof TOOLS)[number]
/** An agent that is called like a tool: a run of its own. */
export const HELPER = 'helper'

export interface Program {
  readonly strands: readonly (readonly Item[])[]
  /** The program goes on when all strands are done, or the first of them. */
  readonly join: 'all' | 'race'
  readonly end: 'value' | 'answer' | 'throw'
}

const MARK = '/*simulated:'

/** As TypeScript. What was heard before is an argument of every call: another order would be another call (J3). */
export function sourceOf(program: Program): string {
  const strands = program.strands.map(
    (items, index) => `async () => {${items.map((item) => ` ${statementOf(item, index)}`).join(';')} }`,
  )
  const joined = program.join === 'all' ? 'all' : 'race'
  const ending = {
    value: 'heard.length',
    answer: 'finalAnswer(heard.length)',
    throw: `throw new Error('thrown')`,
  }
  return [
    `${MARK}${JSON.stringify(program)}*/`,
    'var heard: unknown[] = globalThis.heard ??= []',
    `await Promise.${joined}([${strands.join(', ')}].map((strand) => strand()))`,
    ending[program.end],
  ].join('\n')
}

/** The program that a compiled source carries. */
export function programIn(body: string): Program {
  const from = body.indexOf(MARK) + MARK.length
  return JSON.parse(body.slice(from, body.indexOf('*/', from)))
}

function statementOf(item: Item, strand: number): string {
  switch (item.do) {
    case 'call': {
      const input =
        item.tool === HELPER ? `'Help with ' + heard.length` : `{ strand: ${strand}, heard: heard.join() }`
      const call = `tools.${item.tool}(${input})`
      return `heard.push(await ${call}${item.caught ? '.catch((error) => error.name)' : ''})`
    }
    case 'sleep':
      return `await sleep(${item.ms}); heard.push('slept')`
    case 'ask':
      return `heard.push(await ask('Which?'))`
    case 'spin':
      return 'for (;;);'
    default:
      return item satisfies never
  }
}
