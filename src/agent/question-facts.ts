/** Questions: how one is asked about a call, what its answer means, and what silence means. */
import type { GuestError } from '../base/halt.ts'
import type { CallOutcome, Decided, Decision, Fact, QuestionId } from '../journal/entry.ts'
import type { OpenQuestion, State } from '../journal/shape.ts'
import { nextDue } from '../journal/view.ts'
import { UNDEFINED, type CheckedAnswer, type Desk } from './desk.ts'
import { doubtId } from './derived-ids.ts'

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

/** A program that does not run: the model is told why, as of one that does not compile. */
export function unstarted(step: number, source: string, error: GuestError): readonly Fact[] {
  return [
    { kind: 'step-started', step, source },
    { kind: 'step-ended', step, printed: '', error, open: [] },
  ]
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
  const checked = desk.checked?.(question.id)
  if (call === undefined && question.kind === 'approval')
    return codeFacts(state, { answered, decision, checked, desk })
  if (call === undefined) return [answered(), ...told(question, decision)]
  const returns = (outcome: CallOutcome): Fact => ({
    kind: 'call-returned',
    call: call.id,
    attempt: call.attempt,
    outcome,
  })
  const judged: readonly Fact[] =
    checked?.judge === true
      ? [{ kind: 'verdict-given', call: call.id, about: 'approval', said: 'again' }]
      : []
  switch (decision.type) {
    case 'approve':
      return [answered(), ...judged]
    case 'edit': {
      if (checked?.input === undefined) {
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
        ...judged,
      ]
    }
    case 'reject':
      return [answered(), returns({ ok: false, error: rejection(decision.reason) })]
    case 'respond':
      if (question.kind === 'input' && question.resumption?.onAnswer === 'call') return [answered()]
      if (checked?.outcome !== undefined) return [answered(), returns(checked.outcome)]
      return [answered(), returns({ ok: true, value: desk.stow(desk.encode(decision.value)) })]
    default:
      return decision satisfies never
  }
}

/** What a decision means for the program that waits for it. */
function codeFacts(
  { phase }: State,
  given: {
    readonly answered: (more?: object) => Fact
    readonly decision: Decision
    readonly checked: CheckedAnswer | undefined
    readonly desk: Desk
  },
): readonly Fact[] {
  const { answered, decision, checked, desk } = given
  if (phase.at !== 'approving') return [answered()]
  const { step } = phase
  const judged: readonly Fact[] =
    checked?.judge === true ? [{ kind: 'code-judged', step, said: 'again' }] : []
  switch (decision.type) {
    case 'approve':
      return [answered(), ...judged]
    case 'edit': {
      const source = codeIn(decision.args) ?? ''
      const text = `A person changed the program of step ${step} before it ran.`
      const told: Fact = { kind: 'message-said', text }
      const { compiled } = checked ?? {}
      if (compiled?.ok !== true)
        return [
          answered(),
          told,
          ...unstarted(step, source, compiled?.error ?? rejection('it is no program')),
        ]
      const code = { source, program: compiled.program, digest: desk.digest(source) }
      return [answered({ code }), told, ...judged]
    }
    case 'reject':
    case 'respond': {
      const reason = decision.type === 'reject' ? decision.reason : undefined
      return [answered(), ...unstarted(step, phase.source, rejection(reason))]
    }
    default:
      return decision satisfies never
  }
}

/** The program in the arguments of an edit. */
export function codeIn(args: unknown): string | undefined {
  const code: unknown = typeof args === 'object' && args !== null && 'code' in args ? args.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** A question that no call waits for was asked by a callback, a check or the model: the model hears the answer. */
function told({ kind, message }: OpenQuestion, decision: Decided): readonly Fact[] {
  if (kind !== 'input') return []
  return [{ kind: 'message-said', text: `A person was asked: ${message}\n${saidTo(decision)}` }]
}

function saidTo(decision: Decided): string {
  if (decision.type === 'expired') return 'Nobody answered in time.'
  if (decision.type !== 'respond') return 'The person would not answer.'
  return `The answer: ${typeof decision.value === 'string' ? decision.value : JSON.stringify(decision.value)}`
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

function unheard({ message }: OpenQuestion): GuestError {
  return { name: 'RejectedError', message: `nobody answered in time: ${message}` }
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
      const decision = { type: 'expired' } as const
      const answered: Fact = { kind: 'question-answered', question: question.id, decision }
      const { phase } = state
      if (question.kind === 'approval' && question.call === undefined && phase.at === 'approving')
        return [answered, ...unstarted(phase.step, phase.source, unheard(question))]
      if (question.call === undefined) return [answered, ...told(question, decision)]
      const error = unheard(question)
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
