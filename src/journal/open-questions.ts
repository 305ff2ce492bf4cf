/** What the facts make of a run's open questions, and of the calls, programs and checks that wait for them. */
import { without } from '../base/without.ts'
import type { Entry } from './entry.ts'
import { atPlace, changeCall, unasked } from './open-calls.ts'
import type { OpenCall, OpenQuestion, Phase, State } from './shape.ts'

export function askQuestion(state: State, entry: Entry<'question-asked'>): State {
  const question: OpenQuestion = {
    id: entry.question,
    kind: entry.asks,
    message: entry.message,
    createdAt: entry.at,
    ...(entry.call === undefined ? {} : { call: entry.call }),
    ...(entry.schema === undefined ? {} : { schema: entry.schema }),
    ...(entry.expiresAt === undefined ? {} : { expiresAt: entry.expiresAt }),
    ...(entry.resumption === undefined ? {} : { resumption: entry.resumption }),
    ...(entry.by === undefined ? {} : { by: entry.by }),
    ...(entry.asker === undefined ? {} : { asker: entry.asker }),
  }
  // A call asks one question at a time: a newer one takes the place of the one before.
  const others = Object.values(state.questions).filter(
    (one) => entry.call === undefined || one.call !== entry.call,
  )
  const asked = { ...state, questions: Object.fromEntries([...others, question].map((one) => [one.id, one])) }
  if (entry.call !== undefined) return atPlace(asked, entry.call, { is: 'asking', question: question.id })
  const { phase } = state
  if (question.kind === 'approval' && phase.at === 'approving')
    return { ...asked, phase: { ...phase, place: { is: 'asking', question: question.id } } }
  return question.by === 'model' && phase.at === 'thinking' ? { ...asked, phase: notAsked(phase) } : asked
}

/** The model has paused in place of a reply: nothing went out. It is asked anew, and hears all that was said meanwhile. */
export function notAsked(phase: Extract<Phase, { at: 'thinking' }>): Phase {
  return { ...without(phase, 'since', 'reserved'), called: false, asked: (phase.asked ?? 0) + 1 }
}

/** Nobody waits any more for what these have asked. */
export function closedOf(state: State, by: (by: OpenQuestion['by']) => boolean): State {
  const left = Object.values(state.questions).filter((question) => !by(question.by))
  return { ...state, questions: Object.fromEntries(left.map((question) => [question.id, question])) }
}

export function answerQuestion(state: State, entry: Entry<'question-answered'>): State {
  const question = state.questions[entry.question]
  if (question === undefined) return state
  const closed = { ...state, questions: without(state.questions, entry.question) }
  if (question.by === 'check') return { ...closed, phase: heardByCheck(state.phase, question, entry) }
  if (question.call === undefined) return { ...closed, phase: approvedCode(state.phase, entry) }
  return changeCall(closed, question.call, (call) => answeredCall(call, question, entry))
}

/** The check that has asked is asked again, and told. */
function heardByCheck(
  phase: Phase,
  { asker = '' }: OpenQuestion,
  { decision, by }: Entry<'question-answered'>,
): Phase {
  // A fork closes its parent's questions, and asks them anew.
  const isClosed = decision.type === 'expired' && by !== undefined
  return phase.at === 'reviewing' && !isClosed
    ? {
        ...phase,
        decisions: [...(phase.decisions ?? []), { index: phase.checksPassed, check: asker, decision }],
      }
    : phase
}

/** A program that was approved may start; one that was refused is followed by what becomes of its step. */
function approvedCode(phase: Phase, { question, decision, code }: Entry<'question-answered'>): Phase {
  if (phase.at !== 'approving' || phase.place.is !== 'asking' || phase.place.question !== question)
    return phase
  return decision.type === 'approve' || decision.type === 'edit'
    ? { ...phase, ...code, approved: true, place: { is: 'approved' } }
    : phase
}

/** A program that does not run takes its question with it, if that is still open. */
export function closedWith(state: State): State {
  const { phase } = state
  return phase.at === 'approving' && phase.place.is === 'asking'
    ? { ...state, questions: without(state.questions, phase.place.question) }
    : state
}

export function codePlaceAfter(entry: Entry<'code-judged'>): Extract<Phase, { at: 'approving' }>['place'] {
  if (entry.said === 'again') return { is: 'judging' }
  return entry.said === 'free' ? { is: 'approved' } : unasked(entry)
}

/** Where the answer leaves the call; one that settles it is followed by `call-returned` in the same commit. */
function answeredCall(call: OpenCall, question: OpenQuestion, entry: Entry<'question-answered'>): OpenCall {
  const approved = question.kind === 'approval' ? { approved: true as const } : {}
  const ready: OpenCall = { ...call, ...approved, at: { is: 'ready' } }
  if (entry.edited !== undefined) return { ...ready, input: entry.edited.input, digest: entry.edited.digest }
  const { decision } = entry
  if (question.kind === 'input' && question.resumption?.onAnswer === 'call' && decision.type === 'respond') {
    const { state } = question.resumption
    const values = [...(call.answered?.values ?? []), decision.value]
    return { ...ready, answered: { values, ...(state === undefined ? {} : { state }) } }
  }
  return ready
}
