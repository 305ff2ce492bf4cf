/** Laws that hold for every history: whatever happens, in whatever order, early, late or twice. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Happening, PreparedCall } from '../../src/agent/happening.ts'
import type { Decision, Entry, Fact } from '../../src/journal/entry.ts'
import type { State } from '../../src/journal/shape.ts'
import { fold } from '../../src/journal/state.ts'
import { nextDue, viewOf } from '../../src/journal/view.ts'
import { askCall, kinds, Play, refusedCall, replied, reread, RUN, sleepCall, toolCall } from './play.ts'

/** Picks from what could happen now, and from what could not but may arrive all the same. */
type Pick = (limit: number) => number

interface Look {
  before(play: Play): void
  after(play: Play, facts: readonly Fact[]): void
}

const QUIET: Look = { before: () => undefined, after: () => undefined }

/** Plays a history out of numbers. */
function history(
  numbers: readonly number[],
  look: Look = QUIET,
  onLimit?: 'finish' | 'pause' | 'fail',
): Play {
  let place = 0
  const pick: Pick = (limit) => (numbers[place++] ?? 0) % limit
  const play = new Play({
    options: {
      maxSteps: 3,
      onUnknownOutcome: pick(2) === 0 ? 'ask' : 'tell',
      ...(onLimit && { onLimit }),
      ...(pick(2) === 0 ? {} : { planningInterval: 1 + pick(2) }),
    },
    setup: {
      callbacks: kinds(['one', 'two'].slice(pick(3)), ['plan'].slice(pick(2)), ['end'].slice(pick(2))),
      checks: ['strict'].slice(pick(2)),
      probes: new Set(pick(2) === 0 ? [] : ['probe']),
    },
  })
  const said: Happening[] = []
  const made = new Map<number, number>()
  play.decide()
  while (place < numbers.length) {
    look.before(play)
    const at = play.entries.length
    const kind = pick(20)
    if (kind === 0) play.crash()
    else if (kind === 1) play.resume()
    else if (kind === 2) {
      play.graceOver = pick(2) === 0
      play.busy = pick(4) === 0
      play.decide()
    } else {
      const echo = said[pick(said.length + 1)]
      const happening = kind === 3 && echo !== undefined ? echo : happens(play, made, pick)
      // A halt is told once: the guest's player sees to that.
      if (happening.kind !== 'guest-halted') said.push(happening)
      play.hear(happening)
    }
    look.after(play, play.entries.slice(at))
  }
  return play
}

function happens(play: Play, made: Map<number, number>, pick: Pick): Happening {
  const effects = play.effects()
  const effect = effects[pick(effects.length + 2)]
  if (effect === undefined) return outside(play, made, pick)
  const { key } = effect
  switch (effect.do) {
    case 'think': {
      const { step, attempt } = effect.phase
      if (effect.phase.purpose === 'answer') return replied(step, attempt, { text: 'the last word' })
      const way = pick(8)
      if (effect.phase.purpose === 'plan' && way < 6) return replied(step, attempt, { text: 'a plan' })
      if (way === 3)
        return replied(step, attempt, { code: 'code', approval: pick(2) === 0 ? 'always' : 'judge' })
      if (way < 3) return replied(step, attempt, { code: 'code' })
      if (way === 4) return replied(step, attempt, { text: 'done' })
      if (way === 5) return replied(step, attempt, { mistake: 'no code' })
      const error = { code: 'MODEL', message: 'it broke' }
      return { kind: 'model-broke', key, step, attempt, error, ...(way === 6 ? { retryIn: 50 } : {}) }
    }
    case 'call': {
      const { id: call, attempt } = effect.call
      const by = { call, attempt }
      const way = pick(6)
      if (way === 0)
        return {
          kind: 'interrupted',
          key,
          by,
          interruption: { is: 'pause', pause: { message: 'hold', onAnswer: 'value' } },
        }
      if (way === 1) {
        const pause = {
          message: 'ask',
          question: { message: 'Which?' },
          onAnswer: pick(2) === 0 ? 'value' : 'call',
        } as const
        return { kind: 'interrupted', key, by, interruption: { is: 'pause', pause } }
      }
      const ok = way < 5
      const outcome = ok
        ? ({ ok, value: '["ok"]' } as const)
        : ({ ok, error: { name: 'Error', message: 'no' } } as const)
      return { kind: 'call-settled', key, call, attempt, outcome }
    }
    case 'judge': {
      const way = pick(3)
      const error = { name: 'Error', message: 'cannot judge' }
      return {
        kind: 'judged',
        key,
        call: effect.call.id,
        required: way === 0,
        ...(way === 2 ? { error } : {}),
      }
    }
    case 'judge-code': {
      const way = pick(3)
      const error = { name: 'Error', message: 'cannot judge' }
      const { step } = effect.phase
      return { kind: 'code-judged', key, step, required: way === 0, ...(way === 2 ? { error } : {}) }
    }
    case 'probe': {
      const said = (['happened', 'not', 'unknown'] as const)[pick(3)] ?? 'unknown'
      return {
        kind: 'probed',
        key,
        call: effect.call.id,
        said,
        ...(said === 'happened' ? { outcome: { ok: true, value: '["was"]' } as const } : {}),
      }
    }
    case 'callback': {
      const { of, step, index } = effect
      if (pick(4) > 0) return { kind: 'callback-returned', key, of, step, index, name: `c${index}` }
      const by = { callback: index, of, step, name: `c${index}` }
      return {
        kind: 'interrupted',
        key,
        by,
        interruption: { is: 'pause', pause: { message: 'hold', onAnswer: 'value' } },
      }
    }
    case 'check': {
      const refused = pick(3) === 0 ? { refused: 'no' } : {}
      return { kind: 'checked', key, review: effect.review, index: effect.index, name: 'strict', ...refused }
    }
    case 'wake':
      play.now = Math.max(play.now, effect.due)
      return { kind: 'woke', key }
    case 'grace':
      play.graceOver = true
      return { kind: 'grace-over', key }
    default:
      return effect satisfies never
  }
}

/** The guest, people, and the clock. */
function outside(play: Play, made: Map<number, number>, pick: Pick): Happening {
  const { state } = play
  const way = pick(10)
  if (way < 5 && state.phase.at === 'acting') {
    if (way === 0) return play.halted({ kind: 'killed', reason: 'memory', message: 'too much' }, [])
    const calls = newCalls(state, made, pick)
    const requests = calls.map((one) => one.call)
    const waits = calls.length > 0 || Object.keys(state.calls).length > 0
    if (way < 3 && waits) return play.halted({ kind: 'waiting', calls: requests, printed: '' }, calls)
    const open = [...Object.keys(state.calls), ...requests.map((call) => call.id)]
    const ending = way === 3 ? ({ kind: 'value' } as const) : ({ kind: 'answer', value: '[42]' } as const)
    return play.halted({ kind: 'ended', calls: requests, printed: '', output: '', ending, open }, calls)
  }
  const questions = Object.keys(state.questions)
  const question = questions[pick(questions.length + 1)] ?? 'q_nobody'
  const decision = DECISIONS[pick(DECISIONS.length)] ?? { type: 'approve' }
  if (way < 6) {
    return signalled({ kind: 'answer', question, decision }, { kind: 'answer', question, decision })
  }
  if (way === 6) {
    const one = { kind: 'say', text: 'hello' } as const
    const edit = { of: 'action', number: 1, patch: { output: 'less' } } as const
    return pick(3) === 0
      ? signalled({ kind: 'pause', reason: 'enough' }, one)
      : signalled(one, { kind: 'edit', edit })
  }
  if (way === 7)
    return pick(5) === 0 ? signalled({ kind: 'stop', reason: 'no more' }) : signalled({ kind: 'resume' })
  if (way === 8)
    return pick(8) === 0
      ? { kind: 'diverged', message: 'the replay differs' }
      : { kind: 'pause-asked', cause: 'requested', message: 'Ctrl-C' }
  const stray = state.strays[pick(3)]
  if (stray !== undefined)
    return { kind: 'call-settled', key: '', ...stray, outcome: { ok: true, value: '["late"]' } }
  play.now += pick(100)
  return { kind: 'woke', key: '' }
}

const DECISIONS: readonly Decision[] = [
  { type: 'approve' },
  { type: 'edit', args: {} },
  { type: 'reject', reason: 'no' },
  { type: 'respond', value: 7 },
]

function signalled(
  ...signals: readonly Extract<Happening, { kind: 'signalled' }>['rows'][number]['signal'][]
): Happening {
  return { kind: 'signalled', rows: signals.map((signal, index) => ({ key: `${index}`, at: 0, signal })) }
}

/** Call ids of a step never come twice. */
function newCalls(state: State, made: Map<number, number>, pick: Pick): readonly PreparedCall[] {
  const step = state.stepCount
  return Array.from({ length: pick(3) }, () => {
    const ordinal = (made.get(step) ?? 0) + 1
    made.set(step, ordinal)
    const id = `${step}.${ordinal}`
    switch (pick(8)) {
      case 0:
        return askCall(id)
      case 1:
        return askCall(id, 'Until when?', state.at + 60)
      case 2:
        return sleepCall(id, 40)
      case 3:
        return refusedCall(id)
      case 4:
        return toolCall(id, 'look', { effect: 'read' })
      case 5:
        return toolCall(id, 'pay', { approval: 'always' })
      case 6:
        return toolCall(id, 'pay', { approval: 'judge', effect: 'keyed' })
      default:
        return toolCall(id, 'probe')
    }
  })
}

const numbers = fc.array(fc.nat(1_000), { minLength: 20, maxLength: 300, size: 'max' })

test('the histories reach every kind of entry that a driver writes', () => {
  const seen = new Set<string>()
  for (const all of fc.sample(numbers, { numRuns: 600, seed: 1 }))
    for (const kind of history(all, QUIET, 'fail').kinds()) seen.add(kind)
  expect([...seen].toSorted()).toEqual(WRITTEN)
})

const WRITTEN = [
  'call-orphaned',
  'call-requested',
  'call-returned',
  'call-started',
  'call-withdrawn',
  'callbacks-ran',
  'check-passed',
  'code-judged',
  'code-proposed',
  'memory-edited',
  'message-said',
  'model-called',
  'model-failed',
  'model-replied',
  'output-given',
  'output-refused',
  'plan-made',
  'question-answered',
  'question-asked',
  'run-paused',
  'run-resumed',
  'run-started',
  'run-stopped',
  'segment-started',
  'sleep-started',
  'step-ended',
  'step-killed',
  'step-started',
  'task-added',
  'task-completed',
  'task-failed',
  'verdict-given',
]

function forAll(holds: (numbers: readonly number[]) => void, numRuns = 600): void {
  fc.assert(fc.property(numbers, holds), { numRuns, endOnFailure: true })
}

function foldAll(from: State | undefined, entries: readonly Entry[]): State | undefined {
  let state = from
  for (const entry of entries) state = fold(state, entry, RUN)
  return state
}

describe('fold', () => {
  test('from any checkpoint in between gives the state of the whole journal, through JSON too', () => {
    forAll((all) => {
      const { entries, state } = history(all)
      let before: State | undefined
      for (const [index, entry] of entries.entries()) {
        before = fold(before, entry, RUN)
        if (index % 7 === 0) expect(foldAll(reread(before), entries.slice(index + 1))).toEqual(state)
      }
      expect(before).toEqual(state)
    }, 200)
  })

  test('the state is plain JSON: a round trip loses nothing', () => {
    forAll((all) => {
      history(all, { ...QUIET, after: ({ state }) => expect(reread(state)).toEqual(state) })
    }, 100)
  })

  test('the entries never change what they are folded into', () => {
    forAll((all) => {
      const { entries } = history(all)
      let state: State | undefined
      for (const entry of entries) {
        const text = JSON.stringify(state)
        const after = fold(state, entry, RUN)
        expect(JSON.stringify(state)).toBe(text)
        state = after
      }
    }, 60)
  })
})

describe('decide', () => {
  test('comes to an end, in few rounds', () => {
    for (const onLimit of ['finish', 'pause', 'fail'] as const)
      forAll((all) => {
        expect(history(all, QUIET, onLimit).rounds).toBeLessThan(8)
      }, 200)
  })

  test('adds nothing to a run that is paused by somebody, or that has ended', () => {
    forAll((all) => {
      history(all, {
        ...QUIET,
        after: (play) => {
          const { pause, ended } = play.state
          if (ended === undefined && (pause === undefined || pause.cause === 'waiting')) return
          const before = play.entries.length
          play.decide()
          expect(play.kinds(before)).toEqual([])
        },
      })
    })
  })
})

describe('next', () => {
  test('starts nothing but a grace where the run is paused by somebody, or has ended', () => {
    forAll((all) => {
      history(all, {
        ...QUIET,
        after: (play) => {
          const { pause, ended } = play.state
          if (ended === undefined && (pause === undefined || pause.cause === 'waiting')) return
          expect(play.effects().filter((effect) => effect.do !== 'grace')).toEqual([])
        },
      })
    })
  })

  test('no effect without the fact that announces it, and no key twice', () => {
    forAll((all) => {
      history(all, {
        ...QUIET,
        after: (play) => {
          const effects = play.effects()
          expect(new Set(effects.map((effect) => effect.key)).size).toBe(effects.length)
          expect(effects.filter((effect) => !announced(play, effect))).toEqual([])
        },
      })
    })
  })
})

function announced(play: Play, effect: ReturnType<Play['effects']>[number]): boolean {
  const facts: readonly Fact[] = play.entries
  switch (effect.do) {
    case 'think':
      return facts.some(
        (fact) =>
          fact.kind === 'model-called' &&
          fact.step === effect.phase.step &&
          fact.attempt === effect.phase.attempt,
      )
    case 'call':
      return facts.some(
        (fact) =>
          fact.kind === 'call-started' &&
          fact.call === effect.call.id &&
          fact.attempt === effect.call.attempt,
      )
    case 'judge-code':
      return facts.some((fact) => fact.kind === 'code-proposed' && fact.step === effect.phase.step)
    case 'judge':
    case 'probe':
      return facts.some((fact) => fact.kind === 'call-requested' && fact.call === effect.call.id)
    case 'callback':
      return facts.some((fact) => {
        if (effect.of === 'planning') return fact.kind === 'plan-made' && fact.step === effect.step
        if (effect.of === 'finalAnswer') return fact.kind === 'output-given'
        return (fact.kind === 'step-ended' || fact.kind === 'step-killed') && fact.step === effect.step
      })
    case 'check':
      return play.state.phase.at === 'reviewing' && play.state.phase.answer === effect.answer
    case 'wake':
    case 'grace':
      return true
    default:
      return effect satisfies never
  }
}

describe('a stopped run', () => {
  test('accepts nothing but the late results of what was in flight', () => {
    forAll((all) => {
      const { entries } = history(all)
      const stop = entries.findIndex((entry) => entry.kind === 'run-stopped')
      if (stop < 0) return
      const after = entries.slice(stop + 1).map((entry) => entry.kind)
      // The history's own crashes and resumes write their segments whatever the status is.
      expect(after.filter((kind) => kind !== 'segment-started' && kind !== 'call-orphaned')).toEqual([])
    }, 2_000)
  })

  test('shows no question and no call', () => {
    forAll((all) => {
      const { state } = history(all)
      if (state.ended?.status === 'stopped') expect([state.calls, state.questions]).toEqual([{}, {}])
    })
  })
})

describe('calls (P4, J2)', () => {
  test('each is requested once, and has one result or none', () => {
    forAll((all) => {
      const requested = new Set<string>()
      const closed = new Set<string>()
      for (const entry of history(all).entries) {
        if (entry.kind === 'call-requested') {
          expect(requested.has(entry.call), `${entry.call} was requested twice`).toBe(false)
          requested.add(entry.call)
        }
        if (entry.kind === 'call-returned') {
          expect(requested.has(entry.call)).toBe(true)
          expect(closed.has(entry.call), `${entry.call} has two results`).toBe(false)
          closed.add(entry.call)
        }
        if (entry.kind === 'call-started') expect(closed.has(entry.call)).toBe(false)
      }
    })
  })

  test('a once call that a crash cut is sent again only on a word: a person, its probe, or an answer for it', () => {
    forAll((all) => {
      const word = new Set<string>()
      const asked = new Map<string, string | undefined>()
      const effects = new Map<string, string>()
      for (const entry of history(all).entries) {
        if (entry.kind === 'call-requested') effects.set(entry.call, entry.effect)
        if (entry.kind === 'question-asked') asked.set(entry.question, entry.call)
        if (entry.kind === 'question-answered') word.add(asked.get(entry.question) ?? '')
        if (entry.kind === 'verdict-given' && entry.said === 'not') word.add(entry.call)
        if (entry.kind === 'call-started' && entry.attempt > 1 && effects.get(entry.call) === 'once') {
          expect(word.has(entry.call), `${entry.call} was sent again`).toBe(true)
          word.delete(entry.call)
        }
      }
    })
  })

  test('one that needs approval is never started before somebody approved or edited it', () => {
    forAll((all) => {
      const needs = new Map<string, string>()
      for (const entry of history(all).entries) {
        if (entry.kind === 'question-asked' && entry.asks === 'approval')
          needs.set(entry.call ?? '', entry.question)
        if (entry.kind === 'question-answered' && ['approve', 'edit'].includes(entry.decision.type))
          for (const [call, question] of needs) if (question === entry.question) needs.delete(call)
        if (entry.kind === 'call-started') expect(needs.has(entry.call)).toBe(false)
      }
    })
  })

  test('a program that needs approval never starts before somebody approved or edited it', () => {
    forAll((all) => {
      let needs: string | undefined
      for (const entry of history(all).entries) {
        if (entry.kind === 'question-asked' && entry.asks === 'approval' && entry.call === undefined)
          needs = entry.question
        if (entry.kind === 'question-answered' && entry.question === needs)
          if (['approve', 'edit'].includes(entry.decision.type)) needs = undefined
        if (entry.kind !== 'step-started') continue
        if (entry.program !== undefined) expect(needs).toBe(undefined)
        needs = undefined
      }
    })
  })

  test('nothing is started while the run is paused by somebody', () => {
    forAll((all) => {
      let state: State | undefined
      for (const entry of history(all).entries) {
        if (entry.kind === 'call-started' || entry.kind === 'model-called')
          expect(state?.pause?.cause ?? 'none').toBe('none')
        state = fold(state, entry, RUN)
      }
    })
  })
})

describe('questions (J6)', () => {
  test('each is asked once and answered at most once', () => {
    forAll((all) => {
      const asked = new Set<string>()
      const answered = new Set<string>()
      for (const entry of history(all).entries) {
        if (entry.kind === 'question-asked') {
          expect(asked.has(entry.question), `${entry.question} was asked twice`).toBe(false)
          asked.add(entry.question)
        }
        if (entry.kind === 'question-answered') {
          expect(answered.has(entry.question), `${entry.question} was answered twice`).toBe(false)
          answered.add(entry.question)
        }
      }
    })
  })

  test('each open one belongs to a call that waits for it', () => {
    forAll((all) => {
      history(all, {
        ...QUIET,
        after: ({ state }) => {
          for (const { id, call, kind } of Object.values(state.questions))
            if (kind !== 'diverged' && call !== undefined)
              expect(state.calls[call ?? '']?.at).toEqual({ is: 'asking', question: id })
          for (const { at } of Object.values(state.calls))
            if (at.is === 'asking') expect(state.questions[at.question]).toBeDefined()
        },
      })
    })
  })
})

describe('what others see', () => {
  test('the status is the fold, and a paused run says when it wakes', () => {
    forAll((all) => {
      history(all, {
        ...QUIET,
        after: ({ state }) => {
          const view = viewOf(state)
          const resting = state.pause === undefined ? 'running' : 'paused'
          expect(view.status).toBe(state.ended?.status ?? resting)
          expect(view.stepCount).toBe(state.stepCount)
          expect(view.wakeAt).toBe(view.status === 'paused' ? nextDue(state) : undefined)
        },
      })
    }, 100)
  })

  test('a run that rests on waiting has nothing that could go on', () => {
    forAll((all) => {
      history(all, {
        ...QUIET,
        after: ({ state }) => {
          if (state.pause?.cause !== 'waiting' || state.ended !== undefined) return
          for (const { at } of Object.values(state.calls)) expect(['asking', 'sleeping']).toContain(at.is)
        },
      })
    })
  })
})
