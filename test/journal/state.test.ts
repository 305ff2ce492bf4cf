/** The fold, entry by entry: what each leaves behind, and what it must not touch (F1–F4). */
import { describe, expect, test } from 'vitest'
import { placed } from '../../src/journal/decode.ts'
import type { Fact } from '../../src/journal/entry.ts'
import type { State } from '../../src/journal/shape.ts'
import { fold } from '../../src/journal/state.ts'
import { nextDue, stepOf, viewOf } from '../../src/journal/view.ts'
import { NOON, OPTIONS, reread, RUN, SEGMENT, STARTED } from '../agent/play.ts'

const TASK: Fact = { kind: 'task-added', task: 'a task', number: 1, maxSteps: 5 }
const usage = { inputTokens: 10, outputTokens: 5 }

const request = (call: string, more: Partial<Fact<'call-requested'>> = {}): Fact => ({
  kind: 'call-requested',
  call,
  tool: 'pay',
  sent: 's',
  input: '[1]',
  digest: 'd',
  effect: 'once',
  approval: 'never',
  ...more,
})
const start = (call: string, attempt = 1): Fact => ({ kind: 'call-started', call, attempt, key: 'k' })
const back = (call: string, ok = true): Fact => ({
  kind: 'call-returned',
  call,
  attempt: 1,
  outcome: ok ? { ok, value: '[1]' } : { ok, error: { name: 'E', message: '' } },
})
const step = (number: number): Fact => ({ kind: 'step-started', step: number, source: '', program: '{}' })
const end = (number: number): Fact => ({ kind: 'step-ended', step: number, printed: '', open: [] })
const kill = (number: number): Fact => ({
  kind: 'step-killed',
  step: number,
  reason: 'memory',
  message: '',
  calls: '',
})
const ask = (question: string, call?: string, expiresAt?: number): Fact => ({
  kind: 'question-asked',
  question,
  asks: 'input',
  message: 'Which?',
  ...(call === undefined ? {} : { call }),
  ...(expiresAt === undefined ? {} : { expiresAt }),
})
const called = (attempt = 1): Fact => ({ kind: 'model-called', step: 1, attempt, purpose: 'step' })
const failed = (retryAt?: number): Fact => ({
  kind: 'model-failed',
  step: 1,
  attempt: 1,
  error: { code: 'MODEL', message: 'no' },
  ...(retryAt === undefined ? {} : { retryAt }),
})
const replied = (more: Partial<Fact<'model-replied'>> = {}): Fact => ({
  kind: 'model-replied',
  step: 1,
  attempt: 1,
  parts: '[]',
  text: '',
  acts: false,
  usage,
  finishReason: 'stop',
  ...more,
})

function stateOf(...facts: readonly Fact[]): State {
  let state: State | undefined
  for (const [index, fact] of [STARTED, TASK, ...facts].entries())
    state = fold(state, placed(fact, index + 1, NOON + index, 1), RUN)
  if (state === undefined) throw new Error('A journal has entries')
  return state
}

describe('a journal', () => {
  test('begins with run-started and has it nowhere else', () => {
    expect(() => fold(undefined, placed(TASK, 1, 0, 0), RUN)).toThrow(/begins with run-started/)
    expect(() => stateOf(STARTED)).toThrow(/only at the beginning/)
  })

  test('gives the place of its last entry', () => {
    expect(stateOf(called())).toMatchObject({ seq: 3, at: NOON + 2, createdAt: NOON, runId: RUN })
  })
})

describe('a segment (F4)', () => {
  test.each([
    ['once', { is: 'lost', probed: false }],
    ['read', { is: 'ready' }],
    ['idempotent', { is: 'ready' }],
    ['keyed', { is: 'ready' }],
  ] as const)('loses a %s call in flight: %j', (effect, at) => {
    expect(stateOf(step(1), request('1.1', { effect }), start('1.1'), SEGMENT).calls['1.1']).toMatchObject({
      at,
      attempt: 1,
    })
  })

  test('leaves what waits, what judges and what has not been sent', () => {
    const before = stateOf(
      step(1),
      request('1.1'),
      request('1.2', { approval: 'judge' }),
      request('1.3'),
      ask('q', '1.3'),
      request('1.4'),
      { kind: 'sleep-started', call: '1.4', due: 5 },
    )
    const after = fold(before, placed(SEGMENT, 99, NOON, 2), RUN)
    expect(after.calls).toEqual(before.calls)
    expect(after.questions).toEqual(before.questions)
  })

  test('forgets that the model was asked, not how often, nor when it may be asked again', () => {
    expect(stateOf(called(3), SEGMENT).phase).toMatchObject({ called: false, attempt: 3 })
    expect(stateOf(called(), failed(NOON + 500), SEGMENT).phase).toMatchObject({ retryAt: NOON + 500 })
  })
})

describe('the model', () => {
  test('that failed for good leaves the phase for whoever tries again', () => {
    const state = stateOf(called(4), failed(), { kind: 'task-failed', code: 'MODEL', message: 'no' })
    expect(state.ended).toMatchObject({ status: 'failed', code: 'MODEL', phase: { at: 'thinking' } })
    const retried = fold(state, placed({ kind: 'run-retried', why: '' }, 99, NOON, 1), RUN)
    expect(retried.phase).toMatchObject({ at: 'thinking', called: false, attempt: 0 })
    expect(retried.ended).toBeUndefined()
  })

  test('pays for every reply, a mistake too', () => {
    const state = stateOf(replied(), replied({ mistake: 'no code', usage: { ...usage, cost: 0.5 } }))
    expect(state.usage).toEqual({ inputTokens: 20, outputTokens: 10, cost: 0.5 })
    expect(state.task.turns).toBe(2)
  })

  test('whose cost is not known costs nothing that could be taken for a price', () => {
    expect(stateOf(replied()).usage).not.toHaveProperty('cost')
  })
})

describe('a call (F3)', () => {
  test('is there from its request to its result, and no longer', () => {
    expect(Object.keys(stateOf(step(1), request('1.1'), start('1.1')).calls)).toEqual(['1.1'])
    expect(stateOf(step(1), request('1.1'), start('1.1'), back('1.1')).calls).toEqual({})
  })

  test('that is not there changes nothing when it returns, starts or is withdrawn', () => {
    const before = stateOf(step(1))
    for (const fact of [back('9.9'), start('9.9'), { kind: 'sleep-started', call: '9.9', due: 1 } as const])
      expect(fold(before, placed(fact, 99, NOON, 1), RUN)).toEqual({ ...before, seq: 99, at: NOON })
  })

  test('asks one question at a time', () => {
    const state = stateOf(step(1), request('1.1'), ask('q1', '1.1'), ask('q2', '1.1'))
    expect(Object.keys(state.questions)).toEqual(['q2'])
    expect(state.calls['1.1']?.at).toEqual({ is: 'asking', question: 'q2' })
  })

  test('withdrawn while it asks takes its question with it', () => {
    const state = stateOf(step(1), request('1.1'), ask('q1', '1.1'), {
      kind: 'call-withdrawn',
      call: '1.1',
      why: 'ended',
    })
    expect([state.questions, state.strays]).toEqual([{}, []])
  })

  test('edited keeps what the guest had sent, for replay', () => {
    const state = stateOf(step(1), request('1.1'), ask('q', '1.1'), {
      kind: 'question-answered',
      question: 'q',
      decision: { type: 'edit', args: {} },
      edited: { input: '[2]', digest: 'd2' },
    })
    expect(state.calls['1.1']).toMatchObject({ sent: 's', input: '[2]', digest: 'd2', at: { is: 'ready' } })
  })

  test('belongs to the step in its id', () => {
    expect([stepOf('1.1'), stepOf('12.345')]).toEqual([1, 12])
  })
})

describe('a killed step', () => {
  test('takes its own calls, the ones of step 11 are not those of step 1', () => {
    const state = stateOf(step(1), request('1.1'), end(1), step(11), request('11.1'), kill(11))
    expect(Object.keys(state.calls)).toEqual(['1.1'])
  })

  test('undoes what it had heard of earlier steps: the guest forgets those calls', () => {
    const state = stateOf(step(1), request('1.1'), start('1.1'), end(1), step(2), back('1.1'), kill(2))
    expect(state.forgotten).toContain('1.1')
    expect(state.held).toEqual([])
  })

  test('undoes what was held for its start too', () => {
    const state = stateOf(step(1), request('1.1'), start('1.1'), end(1), back('1.1'), step(2), kill(2))
    expect(state.forgotten).toContain('1.1')
  })

  // R36
  test('undoes its forgetting: the next step forgets again', () => {
    const gone: Fact = { kind: 'call-withdrawn', call: '1.1', why: 'ended' }
    const state = stateOf(step(1), request('1.1', { tool: '$sleep' }), gone, end(1), step(2), kill(2))
    expect(state.forgotten).toContain('1.1')
  })
})

describe('what does not grow (F2)', () => {
  test('closed steps and settled calls leave nothing but a few numbers', () => {
    const size = (steps: number): number => {
      const facts = Array.from({ length: steps }, (_, index): readonly Fact[] => {
        const number = index + 1
        const calls = Array.from({ length: 30 }, (__, call) => `${number}.${call + 1}`)
        return [
          replied({ acts: true }),
          step(number),
          ...calls.flatMap((call) => [request(call), start(call), back(call)]),
          end(number),
        ]
      })
      return JSON.stringify(stateOf(...facts.flat())).length
    }
    expect(size(50) - size(5)).toBeLessThan(100)
  })

  test('the newest settled calls are remembered for the open step only, and not all of them', () => {
    const calls = Array.from({ length: 30 }, (_, call) => `1.${call + 1}`)
    const facts = calls.flatMap((call) => [request(call), back(call, call !== '1.30')])
    const { settled } = stateOf(step(1), ...facts)
    expect([settled.count, settled.recent.length]).toEqual([30, 20])
    expect(settled.recent.at(-1)).toEqual({ call: '1.30', tool: 'pay', ok: false })
    expect(stateOf(step(1), ...facts, end(1), step(2)).settled).toEqual({ count: 0, recent: [] })
  })
})

describe('options and tools', () => {
  test("changed are the run's from then on; the steps of the task that runs, too", () => {
    const state = stateOf({
      kind: 'options-changed',
      options: { maxSteps: 9, pauseGrace: 1 },
      model: 'other',
    })
    expect(state.run.options).toEqual({ ...OPTIONS, maxSteps: 9, pauseGrace: 1 })
    expect([state.run.model, state.task.maxSteps]).toEqual(['other', 9])
  })

  test('of the run never change because a task has its own number of steps', () => {
    const state = stateOf({ ...TASK, number: 2, maxSteps: 1 })
    expect([state.task.maxSteps, state.run.options.maxSteps]).toEqual([1, OPTIONS.maxSteps])
  })
})

describe('a pause', () => {
  test('with a carrier moves the run under it, one without leaves it', () => {
    const traceparent = '00-99999999999999999999999999999999-1111111111111111-01'
    const paused: Fact = { kind: 'run-paused', cause: 'requested', message: 'lunch' }
    expect(stateOf(paused).run.traceparent).toBe(STARTED.traceparent)
    expect(stateOf({ ...paused, traceparent, tracestate: 'a=b' }).run).toMatchObject({
      traceparent,
      tracestate: 'a=b',
    })
  })

  test('ends with the task, however it ends', () => {
    const paused: Fact = { kind: 'run-paused', cause: 'requested', message: 'lunch' }
    for (const over of [
      { kind: 'task-completed', output: '[1]', reason: 'text', usage },
      { kind: 'task-failed', code: 'LIMIT', message: '' },
      { kind: 'run-stopped', message: '' },
    ] as const) {
      const state = stateOf(paused, over)
      expect(state.pause).toBeUndefined()
      expect(viewOf(state)).not.toHaveProperty('wakeAt')
    }
  })

  test('on the step limit grants a round to who resumes it, another pause does not', () => {
    const paused = (cause: 'limit' | 'requested'): Fact => ({ kind: 'run-paused', cause, message: '' })
    const resumed: Fact = { kind: 'run-resumed', why: '' }
    expect(stateOf(replied(), paused('limit'), resumed).task.turns).toBe(0)
    expect(stateOf(replied(), paused('requested'), resumed).task.turns).toBe(1)
  })
})

describe('the next moment of its own', () => {
  test('is the earliest sleep or expiry', () => {
    const state = stateOf(
      step(1),
      request('1.1'),
      { kind: 'sleep-started', call: '1.1', due: 50 },
      request('1.2'),
      ask('q', '1.2', 40),
      request('1.3'),
      { kind: 'sleep-started', call: '1.3', due: 60 },
    )
    expect(nextDue(state)).toBe(40)
  })

  test('is none where nothing is timed', () => {
    expect(nextDue(stateOf(step(1), request('1.1'), ask('q', '1.1')))).toBeUndefined()
  })
})

test('a follow-up task goes on with the numbers, and has its own turns', () => {
  const state = stateOf(
    replied(),
    step(1),
    end(1),
    { kind: 'task-completed', output: '[1]', reason: 'text', usage },
    {
      ...TASK,
      number: 2,
      task: 'more',
    },
  )
  expect(state).toMatchObject({ stepCount: 1, task: { number: 2, text: 'more', turns: 0 } })
  expect(state.phase).toMatchObject({ at: 'thinking', step: 2, attempt: 0 })
  expect(state.ended).toBeUndefined()
})

test('an answer that is a key of every object is a key like any other', () => {
  const state = reread(stateOf(step(1), request('1.1'), ask('__proto__', '1.1'), ask('constructor')))
  expect(Object.keys(state.questions).toSorted()).toEqual(['__proto__', 'constructor'])
})
