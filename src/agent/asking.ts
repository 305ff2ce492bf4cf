/**
 * Who is asked when, and what waits for the answer. Calls and programs that need a person's word wait their turn, so that no
 * more questions are open at the same time than people want to see.
 */
import type { Fact } from '../journal/entry.ts'
import type { OpenCall, Phase, State } from '../journal/shape.ts'
import { questionId } from './derived-ids.ts'

/** How many more questions of the code and its calls may be put to people now. */
export function roomToAsk({ questions, run }: State): number {
  const open = Object.values(questions).filter(({ kind }) => kind === 'approval' || kind === 'input')
  return (run.options.openQuestions ?? OPEN_QUESTIONS) - open.length
}

const OPEN_QUESTIONS = 20

/** The question whether a call may be sent. */
export function approvalOf(
  state: State,
  { id, tool }: Pick<OpenCall, 'id' | 'tool'>,
  { message, expiresIn }: { readonly message?: string; readonly expiresIn?: number },
  now: number,
): Fact {
  return {
    kind: 'question-asked',
    question: questionId(state, id, 0),
    asks: 'approval',
    call: id,
    message: message ?? `Approve ${tool}?`,
    ...(expiresIn === undefined ? {} : { expiresAt: now + expiresIn }),
  }
}

/** A program that may start does; one that a person must approve is asked about. Undefined: it waits. */
export function approvingFacts(
  state: State,
  { step, source, program, place }: Extract<Phase, { at: 'approving' }>,
  now: number,
): readonly Fact[] | undefined {
  switch (place.is) {
    case 'judging':
      return []
    case 'approved':
      return [{ kind: 'step-started', step, source, program }]
    case 'unasked': {
      if (roomToAsk(state) <= 0) return undefined
      const { message = `Run this program (step ${step})?`, expiresIn } = place
      const question = questionId(state, undefined, `code ${step}`)
      const expiresAt = expiresIn === undefined ? {} : { expiresAt: now + expiresIn }
      return [{ kind: 'question-asked', question, asks: 'approval', message, ...expiresAt }]
    }
    case 'asking':
      return undefined
    default:
      return place satisfies never
  }
}

/** A person is asked about an answer that does not know what was said since: it does not stand, whatever they decide. */
export function isOutdated({ phase, questions, steered }: State): boolean {
  const isAsked = Object.values(questions).some(({ by }) => by === 'check')
  return isAsked && steered === true && phase.at === 'reviewing' && phase.answer !== undefined
}

/** Something waits to be asked about, and may be. */
export function canAsk(state: State): boolean {
  const { phase, calls } = state
  const isUnasked =
    Object.values(calls).some(({ at }) => at.is === 'unasked') ||
    (phase.at === 'approving' && phase.place.is === 'unasked')
  return isUnasked && roomToAsk(state) > 0
}

/** The replay differs from the journal, or the run was put aside: nothing is dispatched until a person has decided. */
export function isDiverged(state: State): boolean {
  return Object.values(state.questions).some((question) => question.kind === 'diverged')
}
