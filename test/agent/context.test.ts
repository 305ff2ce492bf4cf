/** What of a long story is told: old outputs short, in batches; a summary in place of what it covers (W1–W4). */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSummaryDue, shortened, summarisedUpTo, toldOf } from '../../src/agent/context.ts'
import { toMessages } from '../../src/agent/messages.ts'
import { encode } from '../../src/base/codec.ts'
import { placed } from '../../src/journal/decode.ts'
import type { Entry, Fact } from '../../src/journal/entry.ts'
import { newStory, tell, type Chapter } from '../../src/journal/story.ts'
import { Play } from './play.ts'

const usage = { inputTokens: 1, outputTokens: 1 }

function turn(step: number, printed: string, more: object = {}): readonly Fact[] {
  const parts = encode([
    { type: 'tool-call', toolCallId: `c${step}`, toolName: 'run_code', input: '{"code":"1"}' },
  ])
  return [
    {
      kind: 'model-replied',
      step,
      attempt: 1,
      parts,
      text: '',
      acts: true,
      usage,
      finishReason: 'tool-calls',
    },
    { kind: 'step-started', step, source: `code ${step}`, program: '{}' },
    { kind: 'step-ended', step, printed, open: [], ...more },
  ]
}
const task = (number: number): Fact => ({ kind: 'task-added', task: `task ${number}`, number, maxSteps: 5 })
const said = (text: string): Fact => ({ kind: 'message-said', text })
const compacted = (upTo: number, summary: string): Fact => ({
  kind: 'context-compacted',
  step: upTo + 6,
  attempt: 1,
  upTo,
  summary,
  left: 10,
  usage,
  finishReason: 'stop',
})
const planned: Fact = {
  kind: 'plan-made',
  step: 1,
  attempt: 1,
  parts: encode([{ type: 'text', text: 'the plan' }]),
  plan: 'the plan',
  usage,
  finishReason: 'stop',
}

function chaptersOf(facts: readonly Fact[]): readonly Chapter[] {
  return facts.map((fact, index): Entry => placed(fact, index + 1, 1_000 + index, 1)).reduce(tell, newStory())
    .chapters
}

function steps(from: number, to: number, printed = 'x'.repeat(5_000)): readonly Fact[] {
  return Array.from({ length: to - from + 1 }, (_, index) =>
    turn(from + index, `out ${from + index} ${printed}`),
  ).flat()
}

function prompt(facts: readonly Fact[], window?: number): string {
  const text = (stored: unknown): string => String(stored)
  return JSON.stringify(toMessages('system', chaptersOf(facts), text, { window }))
}

describe('old outputs', () => {
  test('are shortened to their ends, and say how to read the rest', () => {
    const text = prompt([task(1), ...steps(1, 60)])
    expect(text).toContain('await history.step(1).output has them')
    expect(text).toContain('out 1 xxx')
    expect(text).not.toContain('history.step(41).output')
    expect(text.match(/characters are left out/g)).toHaveLength(40)
  })

  test('grow old in batches: between two of them what one prompt said, the next one says again (W1)', () => {
    let changes = 0
    let before = ''
    for (let last = 1; last <= 100; last++) {
      const now = prompt([task(1), ...steps(1, last)]).slice(0, -1)
      if (!now.startsWith(before)) changes++
      before = now
    }
    expect(changes).toBe(4)
  })

  test('stay whole where they are short', () => {
    expect(prompt([task(1), ...steps(1, 60, 'short')])).not.toContain('left out')
  })

  test('of one step may not fill the window, however new', () => {
    const text = prompt([task(1), ...turn(1, 'x'.repeat(50_000))], 8_000)
    expect(text).toContain('await history.step(1).output')
    expect(text.length).toBeLessThan(4_000)
  })

  test('a text is only cut where that makes it shorter, and at whole characters', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 2_000 }),
        fc.integer({ min: 1, max: 800 }),
        (text, chars) => {
          const cut = shortened(text, chars, 7)
          expect(cut.length).toBeLessThanOrEqual(Math.max(text.length, chars + 120))
          expect(cut.isWellFormed()).toBe(text.isWellFormed() || cut.isWellFormed())
          if (text.length <= chars) expect(cut).toBe(text)
        },
      ),
    )
  })
})

describe('a summary', () => {
  const past = [task(1), planned, said('in euros'), ...steps(1, 20, '')]

  test('takes the place of the steps that it covers, never of task, plan, and what people said (W2)', () => {
    const text = prompt([...past, compacted(15, 'found: 42')])
    for (const kept of ['task 1', 'the plan', 'in euros', 'found: 42', 'Steps 1 to 15', 'out 16', 'out 20'])
      expect(text).toContain(kept)
    for (const covered of ['out 1 ', 'out 15 ']) expect(text).not.toContain(covered)
  })

  test('stands where the steps stood, and the steps after it go on', () => {
    const text = prompt([...past, compacted(15, 'found: 42'), ...steps(21, 22, '')])
    const order = ['task 1', 'in euros', 'found: 42', 'out 16', 'out 20', 'out 21', 'out 22'].map((word) =>
      text.indexOf(word),
    )
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(order).not.toContain(-1)
  })

  test('keeps what was pinned, each once, and takes in the summary before it', () => {
    const pinned = turn(2, 'two', { pins: ['never pay twice', 'never pay twice', 'ids are text'] })
    const facts = [task(1), ...turn(1, 'one'), ...pinned, ...steps(3, 20, '')]
    const text = prompt([...facts, compacted(10, 'first'), ...steps(21, 30, ''), compacted(25, 'second')])
    expect(text.match(/never pay twice/g)).toHaveLength(1)
    expect(text).toContain('- ids are text')
    expect(text).toContain('second')
    expect(text).not.toContain('first')
  })

  test('leaves every tool call with its result', () => {
    const chapters = chaptersOf([...past, compacted(15, 'found'), ...steps(21, 22, '')])
    const messages = toMessages('system', chapters, String)
    for (const [index, { role }] of messages.entries())
      if (role === 'tool') expect(messages[index - 1]?.role).toBe('assistant')
  })

  test('is the same for whoever reads the journal anew (W4)', () => {
    const facts = [...past, compacted(15, 'found'), ...steps(21, 50)]
    expect(prompt(facts, 100_000)).toBe(prompt(facts, 100_000))
    expect(toldOf(chaptersOf(facts), undefined).length).toBeLessThan(chaptersOf(facts).length)
  })
})

describe('when it is due', () => {
  function after(count: number, tokens: number, contextWindow?: number): Play {
    const play = new Play({ options: contextWindow === undefined ? {} : { contextWindow } })
    play.state = { ...play.state, stepCount: count, prompt: { tokens, chars: 0 } }
    return play
  }
  const unknown = (): undefined => undefined

  test('the window is known, it is nearly full, and there is something to summarise', () => {
    expect(isSummaryDue(after(30, 90_000, 100_000).state, unknown)).toBe(true)
    expect(isSummaryDue(after(30, 60_000, 100_000).state, unknown)).toBe(false)
    expect(isSummaryDue(after(8, 90_000, 100_000).state, unknown)).toBe(false)
    expect(isSummaryDue(after(30, 90_000).state, unknown)).toBe(false)
    expect(isSummaryDue(after(30, 90_000).state, () => 100_000)).toBe(true)
  })

  test('nobody is asked for the window where the prompt is small', () => {
    const asked = (): never => {
      throw new Error('asked')
    }
    expect(isSummaryDue(after(30, 1_000).state, asked)).toBe(false)
    expect(isSummaryDue(after(3, 90_000).state, asked)).toBe(false)
  })

  test('not again for the steps that it covers, nor at once after one that failed', () => {
    const play = after(30, 90_000, 100_000)
    const covered = { ...play.state, summarised: { upTo: summarisedUpTo(30) } }
    expect(isSummaryDue(covered, unknown)).toBe(false)
    expect(isSummaryDue({ ...covered, stepCount: 35 }, unknown)).toBe(true)
    const failed = { ...play.state, summarised: { triedAt: 30 } }
    expect(isSummaryDue({ ...failed, stepCount: 39 }, unknown)).toBe(false)
    expect(isSummaryDue({ ...failed, stepCount: 40 }, unknown)).toBe(true)
  })

  test('the journal says what is covered, what is left, and that one could not be had', () => {
    const play = after(30, 90_000, 100_000)
    const called: Fact = { kind: 'model-called', step: 31, attempt: 1, purpose: 'summary' }
    play.record([called, compacted(25, 'found')])
    expect(play.state).toMatchObject({ summarised: { upTo: 25 }, prompt: { tokens: 0, chars: 10 } })
    expect(play.state.phase).toMatchObject({ at: 'thinking', purpose: 'step', called: false })
    const error = { code: 'MODEL', message: 'no' }
    play.record([called, { kind: 'model-failed', step: 31, attempt: 1, error }])
    expect(play.state.summarised).toEqual({ upTo: 25, triedAt: 30 })
    expect(play.state.phase).toMatchObject({ at: 'thinking', purpose: 'step', called: false })
  })
})
