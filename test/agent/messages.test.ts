/** The story as messages: a prefix that never changes, every tool call answered, a killed step told (M1–M3). */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encode } from '../../src/base/codec.ts'
import { observation, toMessages } from '../../src/agent/messages.ts'
import { placed } from '../../src/journal/decode.ts'
import type { Entry, Fact } from '../../src/journal/entry.ts'
import { newStory, tell, type ActionChapter, type Chapter } from '../../src/journal/story.ts'

const text = (stored: ActionChapter['parts']): string => (typeof stored === 'string' ? stored : '')
const usage = { inputTokens: 1, outputTokens: 1 }

function parts(step: number, calls = 1): string {
  return encode([
    { type: 'text', text: `step ${step}` },
    ...Array.from({ length: calls }, (_, call) => ({
      type: 'tool-call',
      toolCallId: `c${step}-${call}`,
      toolName: 'run_code',
      input: '{"code":"1"}',
    })),
  ])
}

const replied = (step: number, calls = 1): Fact => ({
  kind: 'model-replied',
  step,
  attempt: 1,
  parts: parts(step, calls),
  text: `step ${step}`,
  acts: true,
  usage,
  finishReason: 'tool-calls',
})
const started = (step: number): Fact => ({ kind: 'step-started', step, source: 'code', program: '{}' })
const ended = (step: number, more: object = {}): Fact => ({
  kind: 'step-ended',
  step,
  printed: `out ${step}`,
  open: [],
  ...more,
})
const killed = (step: number, calls = ''): Fact => ({
  kind: 'step-killed',
  step,
  reason: 'timeout',
  message: 'too long',
  calls,
})
const task = (number: number): Fact => ({ kind: 'task-added', task: `task ${number}`, number, maxSteps: 5 })
const mistaken: Fact = {
  kind: 'model-replied',
  step: 1,
  attempt: 1,
  parts: encode([{ type: 'text', text: 'hm' }]),
  text: 'hm',
  acts: false,
  mistake: 'Call run_code.',
  usage,
  finishReason: 'stop',
}
const answered: Fact = {
  kind: 'model-replied',
  step: 1,
  attempt: 1,
  parts: encode([{ type: 'text', text: '42' }]),
  text: '42',
  acts: false,
  answer: { value: encode('42'), reason: 'text' },
  usage,
  finishReason: 'stop',
}
const said: Fact = { kind: 'message-said', text: 'hurry' }

function chaptersOf(...facts: readonly Fact[]): readonly Chapter[] {
  return facts.map((fact, index): Entry => placed(fact, index + 1, 1_000 + index, 1)).reduce(tell, newStory())
    .chapters
}

function prompt(...facts: readonly Fact[]): readonly { readonly role: string; readonly content: unknown }[] {
  return toMessages('system', chaptersOf(...facts), text)
}

/** One turn: what the model did, and what came of it. */
const turns: Readonly<Record<string, (step: number) => readonly Fact[]>> = {
  ends: (step) => [replied(step), started(step), ended(step)],
  'is killed': (step) => [replied(step), started(step), killed(step, 'pay (1.1) returned')],
  fails: (step) => [replied(step), started(step), ended(step, { error: { name: 'Error', message: 'no' } })],
  'has two calls': (step) => [replied(step, 2), started(step), ended(step)],
  'is a mistake': () => [mistaken],
  'is refused': (step) => [
    replied(step),
    started(step),
    ended(step, { answer: encode(1) }),
    { kind: 'output-refused', check: 'strict', why: 'too small' },
  ],
  'is talked into': (step) => [replied(step), started(step), said, ended(step)],
  'is followed by another task': (step) => [
    replied(step),
    started(step),
    ended(step, { answer: encode(1) }),
    { kind: 'output-given', value: encode(1), reason: 'finalAnswer' },
    { kind: 'task-completed', output: encode(1), reason: 'finalAnswer', usage },
    task(2),
  ],
}

const story = fc
  .array(fc.constantFrom(...Object.values(turns)), { minLength: 1, maxLength: 8 })
  .map((all) => [[task(1)], ...all.map((turn, index) => turn(index + 1))])

describe('the prefix', () => {
  test('is byte-stable: what one prompt said, the next one says again', () => {
    fc.assert(
      fc.property(story, (all) => {
        let before = ''
        for (const index of all.keys()) {
          const now = JSON.stringify(prompt(...all.slice(0, index + 1).flat())).slice(0, -1)
          expect(now.startsWith(before)).toBe(true)
          before = now
        }
      }),
    )
  })

  test('is the same in a process that read the story anew', () => {
    const facts = Object.values(turns).flatMap((turn, index) => turn(index + 1))
    expect(JSON.stringify(prompt(task(1), ...facts))).toBe(JSON.stringify(prompt(task(1), ...facts)))
  })
})

describe('every tool call', () => {
  test('is answered by a result right behind it, whatever became of its step', () => {
    fc.assert(
      fc.property(story, (all) => {
        const messages = prompt(...all.flat())
        for (const [index, message] of messages.entries()) {
          if (message.role !== 'assistant') continue
          const calls = idsOf(message.content, 'tool-call')
          const next = messages[index + 1]
          if (calls.length > 0) expect(idsOf(next?.content, 'tool-result')).toEqual(calls)
          else expect(next?.role).not.toBe('tool')
        }
      }),
    )
  })

  test('of one reply is answered, the output with the last one', () => {
    const results = JSON.stringify(prompt(task(1), ...(turns['has two calls']?.(1) ?? [])).at(-1))
    expect(results.match(/out 1/g)).toHaveLength(1)
    expect(results.indexOf('out 1')).toBeGreaterThan(results.indexOf('c1-1'))
  })
})

function idsOf(content: unknown, type: string): readonly string[] {
  return (content as readonly { readonly type: string; readonly toolCallId: string }[])
    .filter((part) => part.type === type)
    .map((part) => part.toolCallId)
}

describe('the model is told', () => {
  const told = (...facts: readonly Fact[]): string => JSON.stringify(prompt(task(1), ...facts).at(-1))

  test('what a step printed, the value it has, and its error', () => {
    const error = { name: 'TypeError', message: 'no', stack: 'TypeError: no\n    at step1.ts:1:2' }
    const text = told(replied(1), started(1), ended(1, { shown: '42', error }))
    for (const part of ['out 1', '42', 'TypeError: no', 'step1.ts:1:2', 'before the error are kept'])
      expect(text).toContain(part)
    expect(text.match(/TypeError: no/g)).toHaveLength(1)
  })

  test('that a step was killed, what its calls did, and that its variables are gone', () => {
    const text = told(replied(1), started(1), killed(1, 'pay (1.1) returned'))
    for (const part of ['timeout', 'too long', 'pay (1.1) returned', 'as they were before the step'])
      expect(text).toContain(part)
  })

  test('which variables are new, which have changed, and how many more', () => {
    const variables = [
      { name: 'rows', type: 'array of 2 { id }', isNew: true },
      { name: 'total', type: 'number' },
    ]
    const text = told(replied(1), started(1), ended(1, { variables, moreVariables: 3 }))
    expect(text).toContain('New variables: rows (array of 2 { id }).')
    expect(text).toContain('Changed variables: total (number). And 3 more.')
    expect(told(replied(1), started(1), ended(1))).not.toContain('variables')
  })

  test('what a follow-up task finds: variables, the newest last, and the last output', () => {
    const first = ended(1, {
      variables: [
        { name: 'a', type: 'number', isNew: true },
        { name: 'b', type: 'Set of 1' },
      ],
    })
    const second = ended(2, { variables: [{ name: 'a', type: 'Map of 2' }], answer: encode({ due: 3 }) })
    const over: Fact = { kind: 'task-completed', output: encode({ due: 3 }), reason: 'finalAnswer', usage }
    const before = [replied(1), started(1), first, replied(2), started(2), second, over]
    const text = told(...before, task(2))
    expect(text).toContain('Your variables are still there: b (Set of 1), a (Map of 2).')
    expect(text).toContain('Your last answer is in lastOutput: { due: 3 }')
    const long: Fact = { ...over, output: encode('x'.repeat(5_000)) }
    expect(told(...before.slice(0, -1), long, task(2))).toContain('lastOutput: string of 5000 characters')
    const failed: Fact = { kind: 'task-failed', code: 'LIMIT', message: 'no' }
    expect(told(...before.slice(0, -1), failed, task(2))).not.toContain('lastOutput')
    const many = Array.from({ length: 50 }, (_, n) => ({ name: `v${n}`, type: 'number' }))
    const all = told(replied(1), started(1), ended(1, { variables: many }), over, task(2))
    expect(all).toContain('v49 (number), and 10 older ones.')
    expect(all).not.toContain('v9 (')
    // Journals from before the guest told them.
    expect(told(replied(1), started(1), ended(1), over, task(2))).not.toContain('variables')
  })

  test('which calls still run', () => {
    expect(told(replied(1), started(1), ended(1, { open: ['1.1'] }))).toContain('Still running: calls 1.1')
  })

  // R6: a message must not take the step's output away.
  test('the output of a step that somebody talked into', () => {
    const messages = JSON.stringify(prompt(task(1), ...(turns['is talked into']?.(1) ?? [])))
    expect(messages).toContain('out 1')
    expect(messages).toContain('hurry')
    expect(messages).not.toContain('still running')
  })

  test('the output of a step while the tools were changed', () => {
    const tools: Fact = { kind: 'tools-changed', tools: [], system: 'new', changed: ['pay'] }
    const messages = JSON.stringify(prompt(task(1), replied(1), started(1), tools, ended(1)))
    expect(messages).toContain('out 1')
  })

  test('that a step printed nothing, that it still runs', () => {
    const [, action] = chaptersOf(task(1), replied(1), started(1))
    expect(action?.kind === 'action' && observation(action)).toBe('(the step is still running)')
    expect(told(replied(1), started(1), { ...ended(1), printed: '' } as Fact)).toContain('printed nothing')
  })

  test('its last word alone, at the end, when its steps are spent', () => {
    const messages = toMessages('system', chaptersOf(task(1), mistaken), text, { last: 'Answer now.' })
    expect(messages.at(-1)).toEqual({ role: 'user', content: [{ type: 'text', text: 'Answer now.' }] })
  })

  test('of its own answer in words, and why it was refused', () => {
    const messages = prompt(task(1), answered, { kind: 'output-refused', check: 'strict', why: 'a number' })
    expect(messages.map((message) => message.role)).toEqual(['system', 'user', 'assistant', 'user'])
    expect(JSON.stringify(messages.at(-1))).toContain('a number')
  })

  test('which variables a task sets, not what is in them', () => {
    const args = encode({ rows: [1, 2, 3], secret: 'hunter2' })
    const messages = JSON.stringify(prompt({ ...task(1), additionalArgs: args } as Fact))
    expect(messages).toContain('rows: array of 3')
    expect(messages).not.toContain('hunter2')
  })
})
