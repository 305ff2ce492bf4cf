/** Planning: a plan before the first turn and every so many; journaled, remembered, and never asked for twice. */
import { describe, expect, test } from 'vitest'
import { AgentPausedException, memoryStore, UsageError, type PlanningStep } from '../../src/index.ts'
import {
  agentOf,
  again,
  entriesOf,
  goOn,
  journalOf,
  must,
  output,
  plainTool,
  promptText,
  rested,
} from './fixtures/bench.ts'
import type { ScriptedCall } from '../../src/testing.ts'

/** A script of steps with plans in between, that keeps what it was asked. */
function planned(...replies: readonly (string | { readonly text: string })[]): {
  readonly script: readonly ((call: ScriptedCall) => string | { readonly text: string })[]
  readonly calls: ScriptedCall[]
} {
  const calls: ScriptedCall[] = []
  return {
    calls,
    script: replies.map((reply) => (call: ScriptedCall) => {
      calls.push(call)
      return reply
    }),
  }
}

const PLAN = { text: '1. look\n2. tell' }
const OTHER = { text: '1. tell' }

test('a plan comes before step 1 and after every k turns, and the model is offered no tools for it', async () => {
  const { script, calls } = planned(PLAN, 'const a = 1', 'const b = 2', OTHER, 'finalAnswer(a + b)')
  const agent = agentOf({ planningInterval: 2, script })
  expect(output(await agent.run('Add'))).toBe(3)
  expect(calls.map(({ canRun }) => canRun)).toEqual([false, true, true, false, true])
  expect(agent.memory.steps.map(({ kind }) => kind)).toEqual([
    'task',
    'planning',
    'action',
    'action',
    'planning',
    'action',
    'finalAnswer',
  ])
  const plans = agent.memory.steps.filter((step): step is PlanningStep => step.kind === 'planning')
  expect(plans).toMatchObject([
    { number: 1, plan: PLAN.text, usage: { outputTokens: 4 } },
    { number: 2, plan: OTHER.text },
  ])
  expect(agent.memory.replay()).toContain(`Plan 2:\n${OTHER.text}`)
})

test('the first request asks for a plan, a later one to write it anew; a plan stands once in what follows', async () => {
  const { script, calls } = planned(PLAN, 'const a = 1', OTHER, 'finalAnswer(a)')
  await agentOf({ planningInterval: 1, maxSteps: 7, script }).run('Look')
  const [first, step, second, last] = calls.map(({ prompt }) => promptText(prompt))
  expect(first).toContain('Before you act')
  expect(second).toContain('write the plan anew')
  expect(second).toContain('You have 6 steps left')
  // Neither request is told again, and a plan is not repeated by the one that asks for the next.
  for (const text of [step, last]) expect(text).not.toMatch(/Before you act|write the plan anew/)
  for (const text of [step, second, last]) expect(must(text).split('1. look')).toHaveLength(2)
  expect(step).toContain('Now carry out this plan')
  // The prefix stays: what the plan was made from is the beginning of what its step is asked with.
  const common = must(calls[0]).prompt.slice(0, -1)
  expect(must(calls[1]).prompt.slice(0, common.length)).toEqual(common)
})

test('a follow-up task begins with a plan of its own, a retried request does not make two', async () => {
  const store = memoryStore()
  const agent = agentOf({
    store,
    planningInterval: 5,
    script: {
      1: [{ error: Object.assign(new Error('busy'), { statusCode: 503 }) }, PLAN, 'finalAnswer(1)'],
      2: [OTHER, 'finalAnswer(2)'],
    },
  })
  const { runId } = await agent.run('First')
  expect(output(await agent.run('Second', { reset: false }))).toBe(2)
  const made = await entriesOf(store, runId, 'plan-made')
  expect(made.map(({ plan, attempt }) => [plan, attempt])).toEqual([
    [PLAN.text, 2],
    [OTHER.text, 1],
  ])
})

test('tokens of plans count, and turns do not: two steps and two plans fit in maxSteps 2', async () => {
  const { script } = planned(PLAN, 'const a = 1', OTHER, 'finalAnswer(a)')
  const agent = agentOf({ planningInterval: 1, maxSteps: 2, script })
  const result = rested(await agent.run('Look'), 'completed')
  expect(result).toMatchObject({ output: 1, reason: 'finalAnswer', stepCount: 2 })
  const counted = agent.memory.steps.flatMap((step) => ('usage' in step ? [step.usage.outputTokens] : []))
  expect(counted).toHaveLength(4)
  expect(result.usage.outputTokens).toBe(counted.reduce((a, b) => a + b, 0))
})

describe('a process that ends', () => {
  test('after a plan: another one goes on with it, and asks for none', async () => {
    const { script, calls } = planned(PLAN, 'finalAnswer(7)')
    const store = memoryStore()
    const given = {
      store,
      planningInterval: 3,
      script,
      stepCallbacks: {
        planning: () => {
          throw new AgentPausedException('A person reads the plan')
        },
      },
    }
    expect(rested(await agentOf(given).run('Look'), 'paused').message).toBe('A person reads the plan')
    const second = await again(given)
    expect(second.memory.steps.at(-1)).toMatchObject({ kind: 'planning', plan: PLAN.text })
    expect(output(await goOn(second))).toBe(7)
    expect(calls).toHaveLength(2)
  })

  test('anywhere: what is journaled is never asked for again', async () => {
    const { script } = planned(PLAN, 'const a = 1', OTHER, 'finalAnswer(a)')
    const store = memoryStore()
    const agent = agentOf({ store, planningInterval: 1, script })
    const { runId } = await agent.run('Look')
    const entries = await journalOf(store, runId)
    for (const [index, entry] of entries.entries()) {
      if (entry.kind === 'run-started' || index === entries.length - 1) continue
      const { script: rest, calls } = planned(PLAN, 'const a = 1', OTHER, 'finalAnswer(a)')
      const twin = await agentOf({ store, planningInterval: 1, script: rest }).resume({ runId })
      const fork = await twin.fork({ entry: entry.seq })
      expect(output(await goOn(fork))).toBe(1)
      const known = entries
        .slice(0, index + 1)
        .filter(({ kind }) => kind === 'plan-made' || kind === 'model-replied').length
      expect(calls.length).toBe(4 - known)
    }
  })
})

test.each([0, -1, 1.5, '3'])('planningInterval %s is refused at construction', (planningInterval) => {
  expect(() => agentOf({ planningInterval: planningInterval as number })).toThrow(UsageError)
})

test.each(['tool', 'text', 'json'] as const)(
  'in the %s format a plan is words, and its step is code',
  async (actionFormat) => {
    const code = 'finalAnswer(6 * 7)'
    const reply = actionFormat === 'json' ? { text: JSON.stringify({ thoughts: 'now', code }) } : code
    const { script, calls } = planned(PLAN, reply)
    const agent = agentOf({ planningInterval: 3, actionFormat, script })
    expect(output(await agent.run('Look'))).toBe(42)
    expect(agent.memory.steps.map(({ kind }) => kind)).toEqual(['task', 'planning', 'action', 'finalAnswer'])
    expect(must(calls[0]).canRun).toBe(false)
    expect(promptText(must(calls[1]).prompt)).toContain(PLAN.text.split('\n')[0])
  },
)

test('a reply that is no plan is taken for what its words are, and nothing of it runs', async () => {
  const ran: string[] = []
  const agent = agentOf({
    planningInterval: 9,
    tools: [plainTool('act', () => void ran.push('act'))],
    script: [{ text: '', finishReason: 'content-filter' }, 'finalAnswer(1)'],
  })
  expect(output(await agent.run('Look'))).toBe(1)
  expect(agent.memory.steps[1]).toMatchObject({ kind: 'planning', plan: '' })
  const coder = agentOf({
    planningInterval: 9,
    tools: [plainTool('act', () => void ran.push('act'))],
    script: [{ text: 'I begin at once.\n```ts\nawait act({})\n```' }, 'finalAnswer(2)'],
  })
  expect(output(await coder.run('Look'))).toBe(2)
  expect(ran).toEqual([])
})
