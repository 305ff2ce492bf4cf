/** The story: told from narrative entries alone, once each. */
import { describe, expect, test } from 'vitest'
import { placed } from '../../src/journal/decode.ts'
import { NARRATIVE, type Entry, type Fact } from '../../src/journal/entry.ts'
import { newStory, tell, type Story } from '../../src/journal/story.ts'

const usage = { inputTokens: 3, outputTokens: 4 }
const facts: readonly Fact[] = [
  { kind: 'task-added', task: 'look', number: 1, maxSteps: 5 },
  { kind: 'model-called', step: 1, attempt: 1, purpose: 'step' },
  {
    kind: 'model-replied',
    step: 1,
    attempt: 1,
    parts: '[1]',
    text: 'I look.',
    acts: true,
    usage,
    finishReason: 'stop',
  },
  { kind: 'step-started', step: 1, source: 'look()', program: '{}' },
  {
    kind: 'call-requested',
    call: '1.1',
    tool: 'look',
    sent: 's',
    input: '[]',
    digest: 'd',
    effect: 'read',
    approval: 'never',
  },
  { kind: 'call-started', call: '1.1', attempt: 1, key: 'k' },
  { kind: 'call-returned', call: '1.1', attempt: 1, outcome: { ok: true, value: '[1]' } },
  { kind: 'step-ended', step: 1, printed: 'seen', open: [], answer: '[42]' },
  { kind: 'callbacks-ran', step: 1, index: 0, name: 'watch' },
  { kind: 'output-given', value: '[42]', reason: 'finalAnswer' },
  { kind: 'task-completed', output: '[42]', reason: 'finalAnswer', usage },
]
const entries: readonly Entry[] = facts.map((fact, index) => placed(fact, index + 1, 1_000 + index, 1))

function told(all: readonly Entry[]): Story {
  return all.reduce(tell, newStory())
}

describe('a story', () => {
  test('says what happened', () => {
    expect(told(entries).chapters).toMatchObject([
      { kind: 'task', number: 1, task: 'look' },
      {
        kind: 'action',
        number: 1,
        text: 'I look.',
        parts: '[1]',
        code: 'look()',
        printed: 'seen',
        answer: '[42]',
        usage,
        firstSeq: 4,
        lastSeq: 8,
        startedAt: 1_003,
        endedAt: 1_007,
      },
      { kind: 'finalAnswer', output: '[42]', reason: 'finalAnswer' },
    ])
  })

  test('is the same of the narrative entries alone', () => {
    const narrative = entries.filter((entry) => NARRATIVE.has(entry.kind))
    expect(narrative.length).toBeLessThan(entries.length)
    expect(told(narrative).chapters).toEqual(told(entries).chapters)
  })

  test('read up to any entry and then told on, with entries told twice, is the same', () => {
    for (const cut of entries.keys()) {
      const before = told(entries.slice(0, cut))
      expect(entries.reduce(tell, before).chapters, `cut at ${cut}`).toEqual(told(entries).chapters)
    }
  })

  test('shares nothing with another story', () => {
    const one = told(entries)
    const length = one.chapters.length
    told(entries)
    expect(one.chapters).toHaveLength(length)
    expect(newStory().chapters).toEqual([])
  })
})

// R6: what was said while the step ran stands behind it and takes nothing from it.
describe('an open step that somebody talks into', () => {
  const said: readonly Fact[] = [
    { kind: 'message-said', text: 'hurry' },
    { kind: 'tools-changed', tools: [], system: '', changed: ['look'] },
  ]
  const ends: readonly Fact[] = [
    { kind: 'step-ended', step: 1, printed: 'seen', open: [] },
    { kind: 'step-killed', step: 1, reason: 'timeout', message: 'too long', calls: '' },
  ]
  for (const say of said) {
    for (const end of ends) {
      test(`(${say.kind}) still has its end (${end.kind})`, () => {
        const all = [...facts.slice(0, 4), say, end].map((fact, index) => placed(fact, index + 1, 1_000, 1))
        const action = told(all).chapters.find((chapter) => chapter.kind === 'action')
        expect(action?.endedAt).toBe(1_000)
        expect(action?.lastSeq).toBe(6)
        expect(end.kind === 'step-ended' ? action?.printed : action?.killed?.reason).toBe(
          end.kind === 'step-ended' ? 'seen' : 'timeout',
        )
      })
    }
  }
})

test('a reply without code is a chapter of its own, a mistake says why', () => {
  const reply: Fact = {
    kind: 'model-replied',
    step: 1,
    attempt: 1,
    parts: '[]',
    text: 'hm',
    acts: false,
    mistake: 'no code',
    usage,
    finishReason: 'stop',
  }
  expect(told([placed(reply, 1, 0, 1)]).chapters).toEqual([
    { kind: 'reply', text: 'hm', parts: '[]', answered: false, mistake: 'no code' },
  ])
})

test('a task that failed and a run that was stopped are told', () => {
  const all: readonly Fact[] = [
    { kind: 'task-failed', code: 'MODEL', message: 'no' },
    { kind: 'run-stopped', message: 'enough' },
  ]
  expect(told(all.map((fact, index) => placed(fact, index + 1, 0, 1))).chapters).toEqual([
    { kind: 'failed', code: 'MODEL', message: 'no' },
    { kind: 'stopped', message: 'enough' },
  ])
})
