/** Races in words: state × happening → facts, with the order and the clock in the test's hand. */
import { describe, expect, test } from 'vitest'
import { encode } from '../../src/base/codec.ts'
import { idempotencyKey, questionId } from '../../src/agent/derived-ids.ts'
import { viewOf } from '../../src/journal/view.ts'
import { prepareCall } from '../../src/agent/call.ts'
import { LargeValues } from '../../src/agent/large.ts'
import type { PreparedCall } from '../../src/agent/happening.ts'
import { NO_SECRETS } from '../../src/tool/secret.ts'
import {
  askCall,
  guestCall,
  kinds,
  NOON,
  Play,
  refusedCall,
  replied,
  SEGMENT,
  sleepCall,
  toolCall,
} from './play.ts'

const MARK = 'the mark of the run'
const large = new LargeValues(8_000, async () => '')

/** A play whose step 1 waits for these calls. */
function acting(...calls: readonly PreparedCall[]): Play {
  const play = new Play()
  play.act()
  if (calls.length > 0) play.waits(...calls)
  return play
}

describe('stop', () => {
  test('that arrives while a tool runs withdraws its call and keeps the late result as evidence', () => {
    const play = acting(toolCall('1.1'))
    play.signals({ kind: 'stop', reason: 'enough', by: 'ann' })
    expect(play.state.ended).toEqual({ status: 'stopped', message: 'enough' })
    expect(play.state.strays).toEqual([{ call: '1.1', tool: 'pay', attempt: 1 }])
    expect(play.returns('1.1')).toMatchObject([{ kind: 'call-orphaned', why: 'the run was stopped' }])
    expect(play.returns('1.1'), 'a second time').toEqual([])
  })

  test('that arrives while the model is asked: its reply changes nothing', () => {
    const play = new Play()
    play.decide()
    play.signals({ kind: 'stop', reason: 'enough' })
    expect(play.hear(replied(1, 1, { code: 'late' }))).toEqual([])
  })

  test('that arrives while a callback runs: the callback is not recorded and the next one not started', () => {
    const play = new Play({ setup: { callbacks: kinds(['one', 'two']) } })
    play.act()
    play.ends()
    play.signals({ kind: 'stop', reason: 'enough' })
    const returned = {
      kind: 'callback-returned',
      key: '',
      of: 'action',
      step: 1,
      index: 0,
      name: 'one',
    } as const
    expect(play.hear(returned)).toEqual([])
    expect(play.effects()).not.toContainEqual(expect.objectContaining({ do: 'callback' }))
  })

  test('in a batch behind an answer: the answer stands first, then the run ends', () => {
    const play = acting(askCall('1.1'))
    const answer = {
      kind: 'answer',
      question: play.question,
      decision: { type: 'respond', value: 7 },
    } as const
    const facts = play.signals(answer, { kind: 'stop', reason: 'enough' }, { kind: 'say', text: 'hello?' })
    expect(facts.map((fact) => fact.kind)).toEqual([
      'run-resumed',
      'question-answered',
      'call-returned',
      'run-stopped',
    ])
  })

  test('by a tool that another tool runs beside leaves that one as in flight', () => {
    const play = acting(toolCall('1.1'), toolCall('1.2', 'look'))
    const by = { call: '1.1', attempt: 1 }
    play.hear({ kind: 'interrupted', key: '', by, interruption: { is: 'stop', message: 'no' } })
    expect(play.state.ended?.status).toBe('stopped')
    expect(play.state.strays.map((stray) => stray.call)).toEqual(['1.1', '1.2'])
  })

  // R15: nothing follows `stopped` but evidence.
  test('a message or a divergence that comes after it is not written', () => {
    const play = new Play()
    play.signals({ kind: 'stop', reason: 'enough' })
    expect(play.signals({ kind: 'say', text: 'too late' })).toEqual([])
    expect(play.hear({ kind: 'diverged', message: 'differs' })).toEqual([])
  })
})

describe('pause', () => {
  test('between the reply and the first halt: the calls are requested, none is started', () => {
    const play = new Play()
    play.act()
    play.hear({ kind: 'pause-asked', cause: 'requested', message: 'Ctrl-C' })
    const facts = play.waits(toolCall('1.1'), sleepCall('1.2', 5))
    expect(facts.map((fact) => fact.kind)).toEqual(['call-requested', 'call-requested', 'sleep-started'])
    expect(play.effects().map((effect) => effect.do)).toEqual(['grace'])
    play.resume()
    expect(play.state.calls['1.1']?.at).toEqual({ is: 'started' })
  })

  test('that arrives while the tool runs keeps the result', () => {
    const play = acting(toolCall('1.1'))
    play.signals({ kind: 'pause', reason: 'lunch' })
    expect(play.returns('1.1')).toMatchObject([{ kind: 'call-returned', call: '1.1' }])
    expect(viewOf(play.state)).toMatchObject({ status: 'paused', cause: 'requested' })
  })

  test('while the model is asked keeps the reply, and its step starts', () => {
    const play = new Play()
    play.decide()
    play.signals({ kind: 'pause', reason: 'lunch' })
    const facts = play.hear(replied(1, 1, { code: 'code' }))
    expect(facts.map((fact) => fact.kind)).toEqual(['model-replied', 'step-started'])
  })

  test('a second one changes nothing', () => {
    const play = acting(toolCall('1.1'))
    play.signals({ kind: 'pause', reason: 'lunch' })
    expect(play.signals({ kind: 'pause', reason: 'again' })).toEqual([])
    expect(play.hear({ kind: 'pause-asked', cause: 'requested', message: 'Ctrl-C' })).toEqual([])
  })

  test('of a run that waits for a person makes it rest until somebody resumes it', () => {
    const play = acting(askCall('1.1'))
    expect(play.state.pause?.cause).toBe('waiting')
    play.signals({ kind: 'pause', reason: 'lunch' })
    expect(play.state.pause?.cause).toBe('requested')
    play.signals({ kind: 'answer', question: play.question, decision: { type: 'respond', value: 1 } })
    expect(play.state.pause?.cause, 'the answer alone does not lift it').toBe('requested')
    expect(play.state.calls).toEqual({})
  })

  test('by two tools at once: both awaits get undefined when the run goes on', () => {
    const play = acting(toolCall('1.1'), toolCall('1.2'))
    for (const call of ['1.1', '1.2'])
      play.hear({
        kind: 'interrupted',
        key: '',
        by: { call, attempt: 1 },
        interruption: { is: 'pause', pause: { message: 'hold', onAnswer: 'value' } },
      })
    const before = play.entries.length
    play.resume()
    expect(play.entries.slice(before)).toMatchObject([
      { kind: 'segment-started' },
      { kind: 'run-resumed' },
      { kind: 'call-returned', call: '1.1', outcome: { ok: true, value: encode(undefined) } },
      { kind: 'call-returned', call: '1.2', outcome: { ok: true, value: encode(undefined) } },
    ])
  })

  test('in callback 1 of 2 goes on with callback 2', () => {
    const play = new Play({ setup: { callbacks: kinds(['one', 'two']) } })
    play.act()
    play.ends()
    play.hear({
      kind: 'interrupted',
      key: '',
      by: { callback: 0, of: 'action', step: 1, name: 'one' },
      interruption: { is: 'pause', pause: { message: 'look', onAnswer: 'value' } },
    })
    expect(play.state.pause).toEqual({ cause: 'callback', message: 'look' })
    play.resume()
    expect(play.effects()).toMatchObject([{ do: 'callback', index: 1 }])
  })

  test('from the model: it is asked again after the pause, as a further attempt', () => {
    const play = new Play()
    play.decide()
    play.hear({
      kind: 'interrupted',
      key: '',
      by: { model: 'm', step: 1, attempt: 1 },
      interruption: { is: 'pause', pause: { message: 'budget', onAnswer: 'value' } },
    })
    play.resume()
    expect(play.state.phase).toMatchObject({ at: 'thinking', called: true, attempt: 2 })
  })

  // R16: the signals of a batch are in order.
  test('after a resume in one batch: it is paused', () => {
    const play = acting(toolCall('1.1'))
    play.signals({ kind: 'pause', reason: 'lunch' })
    play.signals({ kind: 'resume' }, { kind: 'pause', reason: 'no, really' })
    expect(play.state.pause).toEqual({ cause: 'requested', message: 'no, really' })
  })

  test('before a resume in one batch: it goes on', () => {
    const play = acting(toolCall('1.1'))
    play.signals({ kind: 'pause', reason: 'lunch' }, { kind: 'resume' })
    expect(play.state.pause).toBeUndefined()
  })
})

describe('answers', () => {
  test('two in one batch are two deliveries, in the order of their arrival', () => {
    const play = acting(askCall('1.1', 'A?'), askCall('1.2', 'B?'))
    const [a = '', b = ''] = Object.keys(play.state.questions)
    const facts = play.signals(
      { kind: 'answer', question: b, decision: { type: 'respond', value: 2 } },
      { kind: 'answer', question: a, decision: { type: 'respond', value: 1 } },
    )
    expect(facts.flatMap((fact) => (fact.kind === 'call-returned' ? [fact.call] : []))).toEqual([
      '1.2',
      '1.1',
    ])
  })

  test('two to one question: the first stands', () => {
    const play = acting(askCall('1.1'))
    const { question } = play
    const facts = play.signals(
      { kind: 'answer', question, decision: { type: 'respond', value: 1 } },
      { kind: 'answer', question, decision: { type: 'respond', value: 2 } },
    )
    expect(facts.map((fact) => fact.kind)).toEqual(['run-resumed', 'question-answered', 'call-returned'])
    expect(facts[2]).toMatchObject({ outcome: { value: encode(1) } })
  })

  test('to a question whose call is gone change nothing', () => {
    const play = acting(askCall('1.1'))
    const { question } = play
    play.ends()
    expect(play.state.questions).toEqual({})
    expect(play.signals({ kind: 'answer', question, decision: { type: 'respond', value: 1 } })).toEqual([])
  })

  test('after its expiry was recorded, an answer changes nothing', () => {
    const play = acting(askCall('1.1', 'Quick?', NOON + 50))
    const { question } = play
    play.wakes(NOON + 50)
    expect(play.signals({ kind: 'answer', question, decision: { type: 'respond', value: 1 } })).toEqual([])
  })

  // R14: an acknowledged answer is never lost.
  test('to a run that has failed meanwhile are kept for its retry', () => {
    const play = acting(askCall('1.1'))
    play.record([{ kind: 'task-failed', code: 'LIMIT', message: 'no' }])
    play.signals({
      kind: 'answer',
      question: play.question,
      decision: { type: 'respond', value: 1 },
    })
    play.record([{ kind: 'run-retried', why: 'again' }])
    expect(play.state.calls).toEqual({})
  })
})

describe('approval (P9)', () => {
  test('edited, then a crash: the edited bytes are sent, never the ones before', () => {
    const play = acting(toolCall('1.1', 'pay', { approval: 'always' }))
    play.signals({ kind: 'answer', question: play.question, decision: { type: 'edit', args: {} } })
    expect(play.state.calls['1.1']).toMatchObject({ at: { is: 'started' }, input: '["edited"]' })
    play.crash()
    // A `once` call: nobody knows whether it happened.
    expect(play.state.calls['1.1']).toMatchObject({ at: { is: 'asking' }, input: '["edited"]' })
    play.signals({ kind: 'answer', question: play.question, decision: { type: 'approve' } })
    expect(play.effects()).toMatchObject([
      { do: 'call', key: 'call:1.1:2', call: { input: '["edited"]', attempt: 2 } },
    ])
  })

  test('edited to what does not fit: the code gets an error and nothing is sent', () => {
    const play = acting(toolCall('1.1', 'pay', { approval: 'always' }))
    const { question } = play
    play.edited = undefined
    play.signals({ kind: 'answer', question, decision: { type: 'edit', args: 'nonsense' } })
    expect(play.kinds()).not.toContain('call-started')
    expect(play.state.calls).toEqual({})
  })

  test('rejected: the code gets the reason word for word', () => {
    const play = acting(toolCall('1.1', 'pay', { approval: 'always' }))
    const decision = { type: 'reject', reason: 'too much' } as const
    expect(play.signals({ kind: 'answer', question: play.question, decision })).toContainEqual(
      expect.objectContaining({
        kind: 'call-returned',
        outcome: { ok: false, error: { name: 'RejectedError', message: 'rejected by a person: too much' } },
      }),
    )
  })

  test('answered with a result: the tool does not run', () => {
    const play = acting(toolCall('1.1', 'pay', { approval: 'always' }))
    const decision = { type: 'respond', value: 'paid by hand' } as const
    play.signals({ kind: 'answer', question: play.question, decision })
    expect(play.kinds()).not.toContain('call-started')
  })

  test('expired means no', () => {
    const play = acting(toolCall('1.1', 'pay', { approval: 'judge' }))
    play.hear({ kind: 'judged', key: '', call: '1.1', required: true, expiresIn: 10 })
    play.wakes(NOON + 10)
    expect(play.kinds()).not.toContain('call-started')
    expect(play.entries).toContainEqual(
      expect.objectContaining({
        kind: 'call-returned',
        outcome: { ok: false, error: { name: 'RejectedError', message: expect.stringContaining('in time') } },
      }),
    )
  })

  test('a function that cannot judge sends nothing', () => {
    const play = acting(toolCall('1.1', 'pay', { approval: 'judge' }))
    play.hear({
      kind: 'judged',
      key: '',
      call: '1.1',
      required: false,
      error: { name: 'Error', message: 'db' },
    })
    expect(play.kinds()).not.toContain('call-started')
  })

  test('a second verdict on one call changes nothing', () => {
    const play = acting(toolCall('1.1', 'pay', { approval: 'judge' }))
    play.hear({ kind: 'judged', key: '', call: '1.1', required: true })
    expect(play.hear({ kind: 'judged', key: '', call: '1.1', required: false })).toEqual([])
    expect(play.state.calls['1.1']?.at.is).toBe('asking')
  })

  // R18
  test('that is asked for again is void: an answer to the question before changes nothing', () => {
    const play = acting(toolCall('1.1', 'pay', { approval: 'always' }))
    const { question } = play
    const message = 'Approve the new pay?'
    play.record([{ kind: 'question-asked', question: 'q_new', asks: 'approval', call: '1.1', message }])
    expect(play.signals({ kind: 'answer', question, decision: { type: 'approve' } })).toEqual([])
    expect(Object.keys(play.state.questions)).toEqual(['q_new'])
    play.signals({ kind: 'answer', question: 'q_new', decision: { type: 'approve' } })
    expect(play.state.calls['1.1']?.at).toEqual({ is: 'started' })
  })
})

describe('crash (P4)', () => {
  test.each(['read', 'idempotent', 'keyed'] as const)('in a %s call: it is sent again', (effect) => {
    const play = acting(toolCall('1.1', 'look', { effect }))
    play.crash()
    const sent = play.entries.filter((entry) => entry.kind === 'call-started')
    expect(sent.map((entry) => entry.attempt)).toEqual([1, 2])
    // The key of a keyed call is durable before it is sent, and the same for every attempt.
    const call = play.state.calls['1.1']
    const key = effect === 'keyed' && call !== undefined ? idempotencyKey(play.state, call) : undefined
    expect(sent.map((entry) => entry.key)).toEqual([key, key])
  })

  test('in a once call: a person is asked, nothing is sent', () => {
    const play = acting(toolCall('1.1'))
    play.crash()
    expect(play.state.questions[play.question]).toMatchObject({ kind: 'unknownOutcome', call: '1.1' })
    expect(play.entries.filter((entry) => entry.kind === 'call-started')).toHaveLength(1)
  })

  test('twice in a once call: two questions, the ids differ, and the first is closed', () => {
    const play = acting(toolCall('1.1'))
    play.crash()
    const first = play.question
    play.signals({ kind: 'answer', question: first, decision: { type: 'approve' } })
    play.crash()
    expect(play.question).not.toBe(first)
  })

  test('while a person is asked about a crash: the same question stays open', () => {
    const play = acting(toolCall('1.1'))
    play.crash()
    const { question } = play
    play.crash()
    expect(play.question).toBe(question)
  })

  test('in a once call where the code is to be told: it gets UnknownOutcomeError, nobody is asked', () => {
    const play = new Play({ options: { onUnknownOutcome: 'tell' } })
    play.act()
    play.waits(toolCall('1.1'))
    play.crash()
    expect(play.kinds()).not.toContain('question-asked')
    expect(play.entries).toContainEqual(
      expect.objectContaining({
        kind: 'call-returned',
        outcome: { ok: false, error: expect.objectContaining({ name: 'UnknownOutcomeError' }) },
      }),
    )
  })

  test('a result of the attempt before the crash is no result of the attempt after it', () => {
    const play = acting(toolCall('1.1', 'look', { effect: 'read' }))
    play.crash()
    expect(play.returns('1.1', '["old"]', 1)).toEqual([])
    expect(play.returns('1.1', '["new"]', 2)).toMatchObject([{ kind: 'call-returned' }])
  })

  test("in an author's verdict: it is asked again", () => {
    const play = acting(toolCall('1.1', 'pay', { approval: 'judge' }))
    play.crash()
    expect(play.effects()).toMatchObject([{ do: 'judge', key: 'judge:1.1' }])
  })

  test('in a callback: it is run again, the ones before are not', () => {
    const play = new Play({ setup: { callbacks: kinds(['one', 'two']) } })
    play.act()
    play.ends()
    play.hear({ kind: 'callback-returned', key: '', of: 'action', step: 1, index: 0, name: 'one' })
    play.crash()
    expect(play.effects()).toMatchObject([{ do: 'callback', index: 1 }])
  })

  test('while the model is asked: it is asked again as a further attempt of the same turn', () => {
    const play = new Play({ options: { maxSteps: 1 } })
    play.decide()
    play.crash()
    expect(play.state.phase).toMatchObject({ attempt: 2, step: 1, purpose: 'step', called: true })
    expect(play.state.task.turns).toBe(0)
  })

  test('in a segment that wrote nothing but its start: nothing is sent twice', () => {
    const play = acting(toolCall('1.1'), sleepCall('1.2', 10_000))
    play.crash()
    const asked = play.question
    play.record([SEGMENT])
    play.crash()
    expect(play.question).toBe(asked)
    expect(play.entries.filter((entry) => entry.kind === 'call-started')).toHaveLength(1)
  })

  test('of a lost call with a probe: what it finds out settles it, or a person is asked', () => {
    for (const said of ['happened', 'not', 'unknown'] as const) {
      const play = new Play({ setup: { probes: new Set(['pay']) } })
      play.act()
      play.waits(toolCall('1.1'))
      play.crash()
      expect(play.effects()).toMatchObject([{ do: 'probe' }])
      play.hear({
        kind: 'probed',
        key: '',
        call: '1.1',
        said,
        ...(said === 'happened' ? { outcome: { ok: true, value: '["was"]' } as const } : {}),
      })
      expect(play.state.calls['1.1']?.at.is).toBe(
        { happened: undefined, not: 'started', unknown: 'asking' }[said],
      )
    }
  })
})

describe('a killed step', () => {
  test('drops its calls and its questions; results that come later are evidence', () => {
    const play = acting(toolCall('1.1'), askCall('1.2'), sleepCall('1.3', 1_000))
    play.killed()
    expect([play.state.calls, play.state.questions]).toEqual([{}, {}])
    expect(play.state.strays).toEqual([{ call: '1.1', tool: 'pay', attempt: 1 }])
    expect(play.returns('1.1', '["ok"]', 1)).toMatchObject([
      { kind: 'call-orphaned', why: 'the call had been withdrawn' },
    ])
  })

  test('keeps the calls of earlier steps', () => {
    const play = acting(toolCall('1.1'))
    play.ends()
    play.act()
    play.waits(toolCall('2.1', 'look'))
    play.killed()
    expect(Object.keys(play.state.calls)).toEqual(['1.1'])
    expect(play.returns('1.1')).toMatchObject([{ kind: 'call-returned' }])
  })

  test('tells the model what became of its calls', () => {
    const play = acting(toolCall('1.1'), toolCall('1.2', 'look'))
    play.returns('1.1')
    play.killed()
    const kill = play.entries.find((entry) => entry.kind === 'step-killed')
    expect(kill?.calls).toBe('pay (1.1) returned, look (1.2) is still running')
  })

  test('a kill that is told twice, or of a step before, changes nothing', () => {
    const play = acting()
    const again = play.halted({ kind: 'killed', reason: 'timeout', message: 'too long' }, [])
    play.hear(again)
    expect(play.hear(again)).toEqual([])
  })
})

describe('the end of a step', () => {
  test('withdraws sleeps and asks, its tool calls stay open', () => {
    const play = acting(toolCall('1.1'), sleepCall('1.2', 60_000), askCall('1.3'))
    play.ends()
    expect(Object.keys(play.state.calls)).toEqual(['1.1'])
    expect(play.state.questions).toEqual({})
    const end = play.entries.find((entry) => entry.kind === 'step-ended')
    expect(end?.open).toEqual(['1.1'])
  })

  test('with calls made in its last moment: they are requested, asked and withdrawn in one commit', () => {
    const play = new Play()
    play.act()
    const calls = [toolCall('1.1'), askCall('1.2')]
    const from = play.entries.length
    play.ends({ open: ['1.1', '1.2'] }, calls)
    expect(play.kinds(from).slice(0, 5)).toEqual([
      'call-requested',
      'call-requested',
      'question-asked',
      'call-withdrawn',
      'step-ended',
    ])
  })

  test('told while the run is paused is recorded; nothing follows from it until it goes on', () => {
    const play = acting()
    play.hear({ kind: 'pause-asked', cause: 'requested', message: 'Ctrl-C' })
    play.ends()
    expect(play.kinds().at(-1)).toBe('step-ended')
    play.resume()
    expect(play.kinds().at(-1)).toBe('model-called')
  })
})

describe('the answer', () => {
  test('waits for what was started, withdraws what was not', () => {
    const play = acting(toolCall('1.1'), toolCall('1.2', 'pay', { approval: 'always' }))
    play.answers('[42]')
    expect(Object.keys(play.state.calls)).toEqual(['1.1'])
    expect(play.state.phase.at).toBe('closing')
    play.returns('1.1')
    expect(play.state.ended).toEqual({ status: 'completed', output: '[42]', reason: 'finalAnswer' })
  })

  test('stops waiting when the grace is over; the late result is evidence', () => {
    const play = acting(toolCall('1.1'))
    play.answers('[42]')
    play.graceOver = true
    play.decide()
    expect(play.state.ended?.status).toBe('completed')
    expect(play.returns('1.1', '["ok"]', 1)).toMatchObject([{ kind: 'call-orphaned' }])
  })

  test('a crash between the answer and the end: what was started is not sent again', () => {
    const play = acting(toolCall('1.1', 'look', { effect: 'read' }))
    play.answers('[42]')
    play.crash()
    expect(play.entries.filter((entry) => entry.kind === 'call-started')).toHaveLength(1)
    expect(play.state.ended?.status).toBe('completed')
    expect(play.state.questions).toEqual({})
  })

  test('refused by a check: the model is asked again, and the checks begin anew', () => {
    const play = new Play({ setup: { checks: ['one', 'two'] } })
    play.act()
    play.answers('[41]')
    play.hear({ kind: 'checked', key: '', review: play.review, index: 0, name: 'one' })
    play.hear({ kind: 'checked', key: '', review: play.review, index: 1, name: 'two', refused: 'not 42' })
    expect(play.state.phase).toMatchObject({ at: 'thinking', step: 2 })
    play.act()
    play.answers('[42]')
    expect(play.effects()).toMatchObject([{ do: 'check', index: 0, answer: { value: '[42]' } }])
  })

  test('as a check made it is what the next check and the caller get', () => {
    const play = new Play({ setup: { checks: ['shape', 'two'] } })
    play.act()
    play.answers('["42"]')
    play.hear({ kind: 'checked', key: '', review: play.review, index: 0, name: 'shape', value: '[42]' })
    expect(play.effects()).toMatchObject([{ do: 'check', index: 1, answer: { value: '[42]' } }])
    play.hear({ kind: 'checked', key: '', review: play.review, index: 1, name: 'two' })
    expect(play.state.ended).toMatchObject({ output: '[42]' })
  })
})

describe('limits', () => {
  test('finish: a last call of the model answers, and no check may refuse it', () => {
    const play = new Play({ options: { maxSteps: 1 }, setup: { checks: ['strict'] } })
    play.act()
    play.ends()
    expect(play.state.phase).toMatchObject({ at: 'thinking', purpose: 'answer' })
    play.hear({
      kind: 'model-answered',
      step: 2,
      attempt: 1,
      key: '',
      reply: {
        parts: '[]',
        text: 'enough',
        usage: { inputTokens: 1, outputTokens: 1 },
        finishReason: 'stop',
        answer: { value: '["enough"]', reason: 'maxSteps' },
      },
    })
    expect(play.state.ended).toEqual({ status: 'completed', output: '["enough"]', reason: 'maxSteps' })
  })

  test('a crash in the last call of the model: it is a last call again', () => {
    const play = new Play({ options: { maxSteps: 1 } })
    play.act()
    play.ends()
    play.crash()
    expect(play.state.phase).toMatchObject({ purpose: 'answer', attempt: 2, called: true })
  })

  test('pause: who resumes grants another round', () => {
    const play = new Play({ options: { maxSteps: 1, onLimit: 'pause' } })
    play.act()
    play.ends()
    expect(play.state.pause?.cause).toBe('limit')
    play.resume()
    expect(play.state.phase).toMatchObject({ at: 'thinking', step: 2, purpose: 'step' })
    play.reply({ code: 'code' })
    play.ends()
    expect(play.state.pause?.cause).toBe('limit')
  })

  test('fail: a retry grants as much again, and fails again', () => {
    const play = new Play({ options: { maxSteps: 2, onLimit: 'fail' } })
    for (let step = 0; step < 2; step++) {
      play.act()
      play.ends()
    }
    expect(play.state.ended).toMatchObject({ status: 'failed', code: 'LIMIT' })
    play.record([{ kind: 'run-retried', why: 'again' }])
    play.decide()
    expect(play.state.phase).toMatchObject({ at: 'thinking', step: 3, purpose: 'step' })
    play.reply({ code: 'code' })
    play.ends()
    expect(play.state.ended).toBeUndefined()
    play.reply({ code: 'code' })
    play.ends()
    expect(play.state.ended).toMatchObject({ status: 'failed', code: 'LIMIT' })
  })

  test('a mistake of the model costs a turn but no step number', () => {
    const play = new Play({ options: { maxSteps: 2 } })
    play.decide()
    play.reply({ mistake: 'no code' })
    expect(play.state.phase).toMatchObject({ step: 1, attempt: 1, purpose: 'step' })
    play.reply({ mistake: 'no code' })
    expect(play.state.phase).toMatchObject({ step: 1, purpose: 'answer' })
  })
})

describe('time', () => {
  test('timers that are due together return in the order of their due time', () => {
    const play = acting(sleepCall('1.1', 3_000), sleepCall('1.2', 1_000), sleepCall('1.3', 2_000))
    const facts = play.wakes(NOON + 5_000)
    expect(facts.flatMap((fact) => (fact.kind === 'call-returned' ? [fact.call] : []))).toEqual([
      '1.2',
      '1.3',
      '1.1',
    ])
  })

  test('a wake that comes early, or twice, changes nothing', () => {
    const play = acting(sleepCall('1.1', 3_000))
    expect(play.wakes(NOON + 2_999)).toEqual([])
    play.wakes(NOON + 3_000)
    expect(play.wakes(NOON + 3_000)).toEqual([])
  })

  test('a timer that is near is waited for in the process, a far one lets the run rest', () => {
    for (const [ms, cause] of [
      [1_000, undefined],
      [1_001, 'waiting'],
    ] as const) {
      const play = new Play()
      play.stay = 1_000
      play.act()
      play.waits(sleepCall('1.1', ms))
      expect(play.state.pause?.cause).toBe(cause)
    }
  })

  test('a run does not rest while one call can still go on, or while the guest computes', () => {
    expect(acting(sleepCall('1.1', 60_000), toolCall('1.2')).state.pause).toBeUndefined()
    const play = new Play()
    play.act()
    play.busy = true
    play.waits(sleepCall('1.1', 60_000))
    expect(play.state.pause).toBeUndefined()
    play.busy = false
    play.decide()
    expect(play.state.pause?.cause).toBe('waiting')
  })

  test('a resting run with nothing new stays at rest, however often it is looked at', () => {
    const play = acting(askCall('1.1'))
    const before = play.entries.length
    play.decide()
    play.wakes(play.now + 5)
    expect(play.kinds(before)).toEqual([])
  })

  // R5: what the model writes never brings the host down.
  test.each([1e300, '99999999999999w', 8.64e15, 0, 0.5])(
    'a sleep of %s does not bring the host down',
    async (duration) => {
      const play = new Play()
      play.act()
      const call = await prepareCall(guestCall('1.1', '$sleep', duration), 'sent', {
        tools: new Map(),
        managed: new Map(),
        secrets: NO_SECRETS,
        mark: MARK,
        large,
        chapters: async () => [],
        isRuled: async () => false,
      })
      expect(() => play.waits(call)).not.toThrow()
    },
  )

  test.each([8.64e15, 1e300, 'never', {}, -1])(
    'nor does a question that expires at %s',
    async (expiresAt) => {
      const play = new Play()
      play.act()
      const question = [{ message: 'Which?', expiresAt }]
      const call = await prepareCall(guestCall('1.1', '$ask', question), 'sent', {
        tools: new Map(),
        managed: new Map(),
        secrets: NO_SECRETS,
        mark: MARK,
        large,
        chapters: async () => [],
        isRuled: async () => false,
      })
      expect(() => play.waits(call)).not.toThrow()
      expect(() => play.wakes(NOON + 1)).not.toThrow()
    },
  )
})

describe('a tool that asks', () => {
  const ask = (call: string, attempt: number, onAnswer: 'value' | 'call'): Parameters<Play['hear']>[0] => ({
    kind: 'interrupted',
    key: '',
    by: { call, attempt },
    interruption: {
      is: 'pause',
      pause: { message: 'ask', question: { message: 'Which?' }, onAnswer, state: '["kept"]' },
    },
  })

  test('and takes the answer as its result does not run again', () => {
    const play = acting(toolCall('1.1'))
    play.hear(ask('1.1', 1, 'value'))
    play.signals({ kind: 'answer', question: play.question, decision: { type: 'respond', value: 'M' } })
    expect(play.state.calls).toEqual({})
    expect(play.entries.filter((entry) => entry.kind === 'call-started')).toHaveLength(1)
  })

  test('and wants the answer itself runs again with it and with what it kept, under the same id', () => {
    const play = acting(toolCall('1.1'))
    play.hear(ask('1.1', 1, 'call'))
    play.signals({ kind: 'answer', question: play.question, decision: { type: 'respond', value: 'M' } })
    expect(play.state.calls['1.1']).toMatchObject({ at: { is: 'started' }, attempt: 2 })
    expect(JSON.stringify(play.state.calls['1.1'])).toContain('"M"')
    expect(JSON.stringify(play.state.calls['1.1'])).toContain('kept')
  })

  test('a second time asks a second question', () => {
    const play = acting(toolCall('1.1'))
    play.hear(ask('1.1', 1, 'call'))
    const first = play.question
    play.signals({ kind: 'answer', question: first, decision: { type: 'respond', value: 'M' } })
    play.hear(ask('1.1', 2, 'call'))
    expect(play.question).not.toBe(first)
  })

  test('after its attempt is over asks nobody', () => {
    const play = acting(toolCall('1.1'))
    play.returns('1.1')
    expect(play.hear(ask('1.1', 1, 'value'))).toEqual([])
  })

  test('while its sibling runs: the run does not rest, then it does', () => {
    const play = acting(toolCall('1.1'), toolCall('1.2'))
    play.hear(ask('1.1', 1, 'value'))
    expect(play.state.pause).toBeUndefined()
    play.returns('1.2')
    play.waits()
    expect(play.state.pause?.cause).toBe('waiting')
  })
})

describe('a divergence', () => {
  const diverged = { kind: 'diverged', message: 'it differs' } as const

  test('asks a person and dispatches nothing', () => {
    const play = acting(askCall('1.1'))
    play.hear(diverged)
    expect(play.state.pause?.message).toBe('it differs')
    expect(play.effects().map((effect) => effect.do)).toEqual(['grace'])
    expect(Object.values(play.state.questions).map((question) => question.kind)).toContain('diverged')
  })

  test('that is told again after a resume asks no second question (R13)', () => {
    const play = acting(toolCall('1.1', 'pay', { approval: 'always' }))
    play.hear(diverged)
    play.resume()
    play.hear(diverged)
    const open = Object.values(play.state.questions).filter((question) => question.kind === 'diverged')
    expect(open).toHaveLength(1)
  })

  test('answered with redo: the step is begun again', () => {
    const play = acting(toolCall('1.1'))
    play.hear(diverged)
    const question = Object.values(play.state.questions).find((one) => one.kind === 'diverged')?.id ?? ''
    play.signals({ kind: 'answer', question, decision: { type: 'approve' } })
    expect(play.kinds()).toContain('step-killed')
    expect(play.state.ended).toBeUndefined()
  })

  test('answered with no: the run is stopped', () => {
    const play = acting(toolCall('1.1'))
    play.hear(diverged)
    const question = Object.values(play.state.questions).find((one) => one.kind === 'diverged')?.id ?? ''
    play.signals({ kind: 'answer', question, decision: { type: 'reject' } })
    expect(play.state.ended?.status).toBe('stopped')
  })
})

describe('a program that waits for what nobody can settle', () => {
  test('ends with an error, and the run goes on (R2)', () => {
    const play = acting(toolCall('1.1'))
    play.returns('1.1')
    play.busy = true
    play.waits()
    expect(play.state.phase.at, 'while the guest computes it may still ask').toBe('acting')
    play.busy = false
    play.decide()
    const end = play.entries.find((entry) => entry.kind === 'step-ended')
    expect(end?.error?.message).toMatch(/nothing can settle/)
    expect(play.state.phase).toMatchObject({ at: 'thinking', step: 2 })
  })
})

describe('a refused call', () => {
  test('fails in the code, is never dispatched, and does not hold the run', () => {
    const play = new Play()
    play.act()
    const facts = play.waits(refusedCall('1.1'))
    expect(facts.map((fact) => fact.kind)).toEqual(['call-requested', 'call-returned'])
    expect(play.effects()).toEqual([])
  })
})

describe('ids', () => {
  test('of questions are the same in every process, and differ by call and by turn', () => {
    const { state } = new Play()
    const ids = [questionId(state, '1.1', 0), questionId(state, '1.1', 1), questionId(state, '1.2', 0)]
    expect(new Set(ids).size).toBe(3)
    expect(questionId(new Play().state, '1.1', 0)).toBe(ids[0])
  })

  test('keys differ between runs with the same calls, and between calls that come to the same place', () => {
    const play = acting(toolCall('1.1'))
    const { state } = play
    const call = state.calls['1.1']
    if (call === undefined) throw new Error('The call is open')
    const other = { ...state, run: { ...state.run, seed: 'another' } }
    const keys = [
      idempotencyKey(state, call),
      idempotencyKey(other, call),
      idempotencyKey(state, { ...call, id: '1.11' }),
      idempotencyKey(state, { ...call, tool: 'sell' }),
      idempotencyKey(state, { ...call, sent: 'other arguments' }),
    ]
    expect(new Set(keys).size).toBe(keys.length)
    expect(idempotencyKey(state, { ...call, attempt: 7, input: 'edited', digest: 'edited' })).toBe(keys[0])
  })
})

test('a plan that fails until the time is up is asked for no more: the last word is', () => {
  const play = new Play({ options: { planningInterval: 1, timeout: 500, maxSteps: 5 } })
  play.decide()
  expect(play.state.phase).toMatchObject({ at: 'thinking', purpose: 'plan', attempt: 1 })
  const error = { code: 'MODEL', message: 'busy' }
  play.hear({ kind: 'model-broke', key: '', step: 1, attempt: 1, error, retryIn: 600 })
  play.wakes(NOON + 700)
  expect(play.state.phase).toMatchObject({ at: 'thinking', purpose: 'answer', limit: 'timeout' })
  expect(play.kinds()).not.toContain('plan-made')
})

test('a plan that is under way when the time is up gives way to the last word, and its late reply is none', () => {
  const play = new Play({ options: { planningInterval: 1, timeout: 500, maxSteps: 5 } })
  play.decide()
  play.wakes(NOON + 700)
  expect(play.state.phase).toMatchObject({ at: 'thinking', purpose: 'answer', limit: 'timeout', attempt: 2 })
  expect(play.hear(replied(1, 1, { text: 'a late plan' }))).toEqual([])
})
