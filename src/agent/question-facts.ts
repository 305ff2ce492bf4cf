/** Questions: how one is asked about a call, what its answer means, and what silence means. */
import type { CallId, GuestError } from '../base/halt.ts'
import type { CallOutcome, Decision, Fact, QuestionId } from '../journal/entry.ts'
import type { OpenQuestion, State } from '../journal/shape.ts'
import { nextDue } from '../journal/view.ts'
import { UNDEFINED, type Desk } from './desk.ts'
import { doubtId, questionId } from './next.ts'

/**
 * The open question of this id. Where a late result has put another question about its call in the place of one, an
 * answer that was accepted for that one counts.
 */
export function questionOf(state: State, id: QuestionId): OpenQuestion | undefined {
  return (
    state.questions[id] ??
    Object.values(state.questions).find((question) => {
      const call = state.calls[question.call ?? '']
      return question.kind === 'unknownOutcome' && call !== undefined && doubtId(state, call) === id
    })
  )
}

/** A person is asked whether a call may be sent. */
export function approvalQuestion(
  state: State,
  call: CallId,
  tool: string,
  message?: string,
  expiresAt?: number,
): Fact {
  return {
    kind: 'question-asked',
    question: questionId(state, call, 0),
    asks: 'approval',
    call,
    message: message ?? `Approve ${tool}?`,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

/** What a decision means for the question's call. */
export function answerFacts(
  state: State,
  question: OpenQuestion,
  decision: Decision,
  by: string | undefined,
  desk: Desk,
): readonly Fact[] {
  const answered = (more: object = {}): Fact => ({
    kind: 'question-answered',
    question: question.id,
    decision,
    ...(by === undefined ? {} : { by }),
    ...more,
  })
  if (question.kind === 'diverged') return [answered(), ...divergedFacts(state, decision)]
  const call = question.call === undefined ? undefined : state.calls[question.call]
  if (call === undefined) return [answered(), ...told(question, decision)]
  const checked = desk.checked?.(question.id)
  const returns = (outcome: CallOutcome): Fact => ({
    kind: 'call-returned',
    call: call.id,
    attempt: call.attempt,
    outcome,
  })
  switch (decision.type) {
    case 'approve':
      return [answered()]
    case 'edit': {
      if (checked === undefined || !('input' in checked)) {
        return [
          answered(),
          returns({ ok: false, error: rejection('the edited arguments do not fit the tool') }),
        ]
      }
      return [
        answered({ edited: { input: desk.stow(checked.input), digest: desk.digest(checked.input) } }),
        {
          kind: 'message-said',
          text: `A person changed the arguments of ${call.tool} (call ${call.id}) to ${JSON.stringify(decision.args)} and approved it so.`,
        },
      ]
    }
    case 'reject':
      return [answered(), returns({ ok: false, error: rejection(decision.reason) })]
    case 'respond':
      if (question.kind === 'input' && question.resumption?.onAnswer === 'call') return [answered()]
      if (checked !== undefined && 'outcome' in checked) return [answered(), returns(checked.outcome)]
      return [answered(), returns({ ok: true, value: desk.stow(desk.encode(decision.value)) })]
    default:
      return decision satisfies never
  }
}

/** A question that no call waits for was asked by a callback, a check or the model: the model hears the answer. */
function told(question: OpenQuestion, decision: Decision): readonly Fact[] {
  if (question.kind !== 'input') return []
  if (decision.type === 'respond') {
    const value = typeof decision.value === 'string' ? decision.value : JSON.stringify(decision.value)
    return [{ kind: 'message-said', text: `A person was asked: ${question.message}\nThe answer: ${value}` }]
  }
  return [
    { kind: 'message-said', text: `A person was asked: ${question.message}\nThe person would not answer.` },
  ]
}

/** A person decides over a replay that differs, or a run that was put aside: redo the step from its start, or stop. */
function divergedFacts(state: State, decision: Decision): readonly Fact[] {
  const poisoned = state.pause?.cause === 'poisoned'
  const why = poisoned ? 'its process ended again and again' : 'its replay differed from the journal'
  const { phase } = state
  // Without an open step there is nothing that could be undone; a run that was put aside may be tried again as it is.
  if (decision.type === 'reject' || (phase.at !== 'acting' && !poisoned))
    return [{ kind: 'run-stopped', message: `Stopped: ${why}.` }]
  if (phase.at !== 'acting') return [{ kind: 'run-resumed', why: 'a person decided to try it again' }]
  return [
    {
      kind: 'step-killed',
      step: phase.step,
      reason: 'trap',
      message: `${why}, so it was undone.`,
      calls: '',
    },
    { kind: 'run-resumed', why: 'a person decided to undo the step' },
  ]
}

function rejection(reason: string | undefined): GuestError {
  return {
    name: 'RejectedError',
    message: reason === undefined ? 'rejected by a person' : `rejected by a person: ${reason}`,
  }
}

/** Timers that are due, in the order of their due time; expired questions are answered `expired`, which means no. */
export function wokeFacts(state: State, now: number): readonly Fact[] {
  if (state.ended !== undefined || (nextDue(state) ?? Infinity) > now) return []
  const sleeps = Object.values(state.calls)
    .flatMap((call) => (call.at.is === 'sleeping' && call.at.due <= now ? [{ call, due: call.at.due }] : []))
    .toSorted((a, b) => a.due - b.due)
    .map(({ call }): Fact => ({
      kind: 'call-returned',
      call: call.id,
      attempt: 0,
      outcome: { ok: true, value: UNDEFINED },
    }))
  const expired = Object.values(state.questions)
    .filter((question) => question.expiresAt !== undefined && question.expiresAt <= now)
    .flatMap((question): readonly Fact[] => {
      const answered: Fact = {
        kind: 'question-answered',
        question: question.id,
        decision: { type: 'expired' },
      }
      if (question.call === undefined) return [answered]
      const error = { name: 'RejectedError', message: `nobody answered in time: ${question.message}` }
      return [
        answered,
        {
          kind: 'call-returned',
          call: question.call,
          attempt: state.calls[question.call]?.attempt ?? 0,
          outcome: { ok: false, error },
        },
      ]
    })
  return [...sleeps, ...expired]
}
