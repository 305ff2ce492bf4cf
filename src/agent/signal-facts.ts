/** What signals mean: each is folded before the next is looked at, in the order in which they were accepted. */
import type { Fact, MemoryEdit } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import type { Signal } from '../journal/store.ts'
import { UNDEFINED, type Desk } from './desk.ts'
import { foldFacts } from './folding.ts'
import { interruptFacts } from './interrupt-facts.ts'
import { isDiverged } from './asking.ts'
import { inDoubt } from './next.ts'
import { answerFacts, questionOf } from './question-facts.ts'

/** The facts of a batch of signals. One that has nothing to say to the state any more is no more than read. */
export function signalFacts(state: State, signals: readonly Signal[], desk: Desk): readonly Fact[] {
  let folded = state
  return signals.flatMap((signal) => {
    const facts = oneSignal(folded, signal, desk)
    folded = foldFacts(folded, facts, desk.now)
    return facts
  })
}

function oneSignal(state: State, signal: Signal, desk: Desk): readonly Fact[] {
  const over = state.ended?.status === 'stopped' || state.ended?.status === 'completed'
  const by = 'by' in signal && signal.by !== undefined ? { by: signal.by } : {}
  switch (signal.kind) {
    case 'stop':
      return over ? [] : [{ kind: 'run-stopped', message: signal.reason, ...by }]
    case 'pause':
      if (state.ended !== undefined) return []
      return pauseFacts(state, { kind: 'run-paused', cause: 'requested', message: signal.reason })
    case 'resume':
      return state.ended === undefined && state.pause !== undefined
        ? resumeFacts(state, 'a person resumed it')
        : []
    case 'say':
      return state.ended?.status === 'stopped'
        ? []
        : [{ kind: 'message-said', text: signal.text, steers: true, ...by }]
    case 'interrupt': {
      if (state.ended?.status === 'stopped') return []
      const said: Fact = { kind: 'message-said', text: signal.text, steers: true, ...by }
      return isDiverged(state) ? [said] : [said, ...interruptFacts(state, desk.now)]
    }
    case 'edit':
      return state.ended?.status === 'stopped' ? [] : [editFact(signal.edit, desk)]
    case 'child':
      return []
    case 'late':
      return lateFacts(state, signal)
    case 'answer': {
      // A failed task can be tried again, and its questions with it.
      const question = over ? undefined : questionOf(state, signal.question)
      return question === undefined ? [] : answerFacts(state, question, signal.decision, signal.by, desk)
    }
    default:
      return signal satisfies never
  }
}

/** Images are kept beside the entries. */
function editFact(edit: MemoryEdit, desk: Desk): Fact {
  const { images } = edit.patch
  const patch = typeof images === 'string' ? { ...edit.patch, images: desk.stow(images) } : edit.patch
  return { kind: 'memory-edited', ...edit, patch }
}

/**
 * A result that came when its driver had come to rest, and nobody has driven the run since, is the result. One from a
 * driver that had lost the run is evidence: whoever is to decide about the call is told, by a new question if one is open.
 */
function lateFacts(state: State, late: Extract<Signal, { kind: 'late' }>): readonly Fact[] {
  const { call: id, attempt, outcome, shown, segment } = late
  const why = 'it came from a process that drove the run no more'
  const orphaned: Fact = { kind: 'call-orphaned', call: id, attempt, outcome, why, shown }
  const call = state.calls[id]
  if (call === undefined) return []
  if (call.attempt !== attempt) return [orphaned]
  const isLost = call.at.is === 'lost'
  const isNewest = segment === state.segments - 1
  if (isLost && isNewest && call.at.until === undefined)
    return [{ kind: 'call-returned', call: id, attempt, outcome }]
  const question = call.at.is === 'asking' ? state.questions[call.at.question] : undefined
  if (question?.kind !== 'unknownOutcome') return isLost ? [orphaned] : []
  return [orphaned, inDoubt(state, { ...call, late: shown })]
}

/** The run pauses, unless a pause stands already; one that only waits gives way. */
export function pauseFacts(state: State, ...paused: readonly Fact[]): readonly Fact[] {
  return state.pause === undefined || state.pause.cause === 'waiting' ? paused : []
}

/** The run goes on: calls whose tool paused it return `undefined` now. */
export function resumeFacts(state: State, why: string): readonly Fact[] {
  const parked = Object.values(state.calls).filter((call) => call.at.is === 'parked')
  return [
    { kind: 'run-resumed', why },
    ...parked.map((call): Fact => ({
      kind: 'call-returned',
      call: call.id,
      attempt: call.attempt,
      outcome: { ok: true, value: UNDEFINED },
    })),
  ]
}
