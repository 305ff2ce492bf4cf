/** The laws of a whole journal: what a run of ours writes breaks none, and each breach is named with its law. */
import { describe, expect, test } from 'vitest'
import { violations, type Rule } from '../../src/journal/check.ts'
import { placed } from '../../src/journal/decode.ts'
import type { Entry, Fact } from '../../src/journal/entry.ts'
import { SEGMENT, STARTED } from '../agent/play.ts'

const TASK: Fact = { kind: 'task-added', task: 'a task', number: 1, maxSteps: 5 }
const CALLED: Fact = { kind: 'model-called', step: 1, attempt: 1, purpose: 'step' }
const usage = { inputTokens: 1, outputTokens: 1 }
const REPLIED: Fact = {
  kind: 'model-replied',
  step: 1,
  attempt: 1,
  parts: '[]',
  text: '',
  acts: true,
  usage,
  finishReason: 'stop',
}
const STEP: Fact = { kind: 'step-started', step: 1, source: '', program: '' }
const ENDED: Fact = { kind: 'step-ended', step: 1, printed: '', open: [] }
const DONE: Fact = { kind: 'task-completed', output: '1', reason: 'text', usage }
const FAILED: Fact = { kind: 'task-failed', code: 'MODEL', message: 'gone' }
const STOPPED: Fact = { kind: 'run-stopped', message: 'enough' }
const ALIVE = [STARTED, TASK, SEGMENT, CALLED, REPLIED, STEP] as const

function requested(call: string, more: Partial<Fact<'call-requested'>> = {}): Fact {
  return {
    kind: 'call-requested',
    call,
    tool: 'pay',
    sent: 's',
    input: '[]',
    effect: 'once',
    approval: 'never',
    ...more,
  }
}
const started = (call: string, attempt = 1, key = 'k'): Fact => ({ kind: 'call-started', call, attempt, key })
const returned = (call: string, attempt = 1): Fact => ({
  kind: 'call-returned',
  call,
  attempt,
  outcome: { ok: true, value: '1' },
})
const orphaned = (call: string, attempt = 1): Fact => ({
  kind: 'call-orphaned',
  call,
  attempt,
  outcome: { ok: true, value: '1' },
  why: 'late',
})
const withdrawn = (call: string): Fact => ({ kind: 'call-withdrawn', call, why: 'ended' })
const asked = (question: string, call: string, asks: 'approval' | 'unknownOutcome' | 'input'): Fact => ({
  kind: 'question-asked',
  question,
  asks,
  call,
  message: '?',
})
const approved = (question: string): Fact => ({
  kind: 'question-answered',
  question,
  decision: { type: 'approve' },
})
const rejected = (question: string): Fact => ({
  kind: 'question-answered',
  question,
  decision: { type: 'reject' },
})

function journal(...facts: readonly Fact[]): Entry[] {
  return facts.map((fact, index) => placed(fact, index + 1, 1_000 + index, index < 2 ? 0 : 1))
}

const sound: Readonly<Record<string, readonly Fact[]>> = {
  'a whole task': [...ALIVE, requested('1.1'), started('1.1'), returned('1.1'), ENDED, DONE],
  'a call that is sent again once a person said that it had not happened': [
    ...ALIVE,
    requested('1.1'),
    started('1.1'),
    SEGMENT,
    asked('q', '1.1', 'unknownOutcome'),
    approved('q'),
    started('1.1', 2),
    returned('1.1', 2),
  ],
  'a read that is sent again by itself': [
    ...ALIVE,
    requested('1.1', { effect: 'read' }),
    started('1.1'),
    SEGMENT,
    started('1.1', 2),
    returned('1.1', 2),
  ],
  'an approval': [
    ...ALIVE,
    requested('1.1', { approval: 'always' }),
    asked('q', '1.1', 'approval'),
    approved('q'),
    started('1.1'),
  ],
  'a late result of a withdrawn call, after the end': [
    ...ALIVE,
    requested('1.1'),
    started('1.1'),
    STOPPED,
    orphaned('1.1'),
  ],
  'a second try and a second task': [
    ...ALIVE,
    ENDED,
    FAILED,
    SEGMENT,
    { kind: 'run-retried', why: 'x' },
    DONE,
    SEGMENT,
    { ...TASK, number: 2 },
  ],
  'a model that is asked again by the next driver': [
    STARTED,
    TASK,
    SEGMENT,
    CALLED,
    SEGMENT,
    { ...CALLED, attempt: 2 },
    { ...REPLIED, attempt: 2 },
  ],
}

test.each(Object.entries(sound))('%s breaks no law, nor does any part of it', (_, facts) => {
  for (const [end] of facts.entries()) expect(violations(journal(...facts.slice(0, end + 1)))).toEqual([])
})

const broken: Readonly<Record<string, readonly [Rule, RegExp, readonly Entry[]]>> = {
  'no entries': ['J1', /no entries/, []],
  'no beginning': ['J1', /begins with task-added/, journal(TASK)],
  'two beginnings': ['J1', /starts again/, journal(STARTED, TASK, STARTED)],
  'a gap': ['J1', /Entry 4 follows entry 2/, journal(...ALIVE).toSpliced(2, 1)],
  'an epoch that goes back': [
    'J1',
    /Epoch 0/,
    journal(...ALIVE).map((entry) => (entry.seq === 6 ? { ...entry, epoch: 0 } : entry)),
  ],
  'a time that goes back': [
    'J1',
    /time/,
    journal(...ALIVE).map((entry) => (entry.seq === 6 ? { ...entry, at: 1 } : entry)),
  ],
  'two results': [
    'J2',
    /had been returned/,
    journal(...ALIVE, requested('1.1'), started('1.1'), returned('1.1'), returned('1.1')),
  ],
  'a result of nothing': ['J2', /nobody asked for/, journal(...ALIVE, returned('1.1'))],
  'a result of an attempt that never was': [
    'J2',
    /Attempt 2 .* returns/,
    journal(...ALIVE, requested('1.1'), started('1.1'), returned('1.1', 2)),
  ],
  'a result after the call was withdrawn': [
    'J2',
    /had been withdrawn/,
    journal(...ALIVE, requested('1.1'), started('1.1'), withdrawn('1.1'), returned('1.1')),
  ],
  'a result after its step was killed': [
    'J2',
    /had been withdrawn/,
    journal(
      ...ALIVE,
      requested('1.1'),
      started('1.1'),
      { kind: 'step-killed', step: 1, reason: 'timeout', message: '', calls: '' },
      returned('1.1'),
    ),
  ],
  'two late results': [
    'J2',
    /waits for none/,
    journal(...ALIVE, requested('1.1'), started('1.1'), STOPPED, orphaned('1.1'), orphaned('1.1')),
  ],
  'a late result of a call that was never sent': [
    'J2',
    /waits for none/,
    journal(...ALIVE, requested('1.1'), STOPPED, orphaned('1.1', 0)),
  ],
  'a once call that is sent twice': [
    'J2',
    /without a word/,
    journal(...ALIVE, requested('1.1'), started('1.1'), SEGMENT, started('1.1', 2)),
  ],
  'a skipped attempt': [
    'J2',
    /Attempt 2 .* follows attempt 0/,
    journal(...ALIVE, requested('1.1'), started('1.1', 2)),
  ],
  'a reply to nothing': ['J2', /not open/, journal(STARTED, TASK, SEGMENT, REPLIED)],
  'two replies': ['J2', /not open/, journal(...ALIVE, ENDED, REPLIED)],
  'two questions to the model at once': ['J2', /asked again/, journal(STARTED, TASK, CALLED, CALLED)],
  'a skipped step': ['J2', /Step 3 follows step 1/, journal(...ALIVE, ENDED, { ...STEP, step: 3 })],
  'a step inside a step': ['J2', /has not ended/, journal(...ALIVE, { ...STEP, step: 2 })],
  'a step that ends twice': ['J2', /not under way/, journal(...ALIVE, ENDED, ENDED)],
  'the same call asked for twice': ['J2', /twice/, journal(...ALIVE, requested('1.1'), requested('1.1'))],
  'the same call with other arguments': [
    'J3',
    /other arguments/,
    journal(...ALIVE, requested('1.1'), requested('1.1', { sent: 'other' })),
  ],
  'another idempotency key': [
    'J3',
    /idempotency key/,
    journal(
      ...ALIVE,
      requested('1.1', { effect: 'keyed' }),
      started('1.1'),
      SEGMENT,
      started('1.1', 2, 'other'),
    ),
  ],
  'two outcomes': ['J5', /two outcomes/, journal(...ALIVE, ENDED, DONE, FAILED)],
  'something after the end of the run': ['J5', /the end of the run/, journal(...ALIVE, STOPPED, SEGMENT)],
  'a step after the end of the task': ['J5', /the end of its task/, journal(...ALIVE, ENDED, DONE, CALLED)],
  'a retry of what did not fail': [
    'J5',
    /not failed/,
    journal(...ALIVE, ENDED, DONE, { kind: 'run-retried', why: '' }),
  ],
  'a task in the middle of a task': [
    'J5',
    /before the last one ended/,
    journal(...ALIVE, { ...TASK, number: 2 }),
  ],
  'a skipped task': ['J5', /Task 3/, journal(...ALIVE, ENDED, DONE, { ...TASK, number: 3 })],
  'two decisions': [
    'J6',
    /had been closed/,
    journal(...ALIVE, requested('1.1'), asked('q', '1.1', 'input'), approved('q'), rejected('q')),
  ],
  'a decision on nothing': ['J6', /never asked/, journal(...ALIVE, approved('q'))],
  'a decision on a question that a newer one replaced': [
    'J6',
    /had been closed/,
    journal(
      ...ALIVE,
      requested('1.1', { approval: 'always' }),
      asked('q1', '1.1', 'approval'),
      asked('q2', '1.1', 'approval'),
      approved('q1'),
    ),
  ],
  'a question about a call that is over': [
    'J6',
    /not open/,
    journal(...ALIVE, requested('1.1'), withdrawn('1.1'), asked('q', '1.1', 'approval')),
  ],
  'a question that is asked twice': [
    'J6',
    /asked twice/,
    journal(...ALIVE, requested('1.1'), asked('q', '1.1', 'input'), asked('q', '1.1', 'input')),
  ],
  'a call that is sent without its approval': [
    'J6',
    /without its approval/,
    journal(...ALIVE, requested('1.1', { approval: 'always' }), started('1.1')),
  ],
  'a call that is sent though a person said no': [
    'J6',
    /without its approval/,
    journal(
      ...ALIVE,
      requested('1.1', { approval: 'judge' }),
      asked('q', '1.1', 'approval'),
      rejected('q'),
      started('1.1'),
    ),
  ],
  'a reply that earns money': [
    'J8',
    /below zero/,
    journal(STARTED, TASK, CALLED, { ...REPLIED, usage: { ...usage, cost: -1 } }),
  ],
}

describe('each breach is seen, and only it', () => {
  test.each(Object.entries(broken))('%s', (_, [rule, what, entries]) => {
    const found = violations(entries)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ rule, what: expect.stringMatching(what) })
  })
})
