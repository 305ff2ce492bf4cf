/**
 * How a fork begins: the facts that stand between a copied past and the fork's own life.
 *
 * F1  What the parent has sent and may not be sent twice stays the parent's: such a call fails in the fork with
 *     ForkedCallError. What may be sent again is sent again.
 * F2  Nobody's word is inherited: what waits for a person, or was approved and not sent yet, is asked again.
 * F3  A fork begins at rest: somebody resumes it.
 */
import type { CallId } from '../base/halt.ts'
import type { Entry, Fact, RunId } from '../journal/entry.ts'
import type { OpenCall, OpenQuestion, State } from '../journal/shape.ts'
import { foldFacts } from './folding.ts'
import { questionId } from './derived-ids.ts'
import { isDiverged } from './asking.ts'

export interface ForkBegun {
  readonly from: { readonly run: RunId; readonly seq: number }
  readonly seed: string
  readonly traceparent: string
  readonly tracestate?: string
  readonly edited?: 'answer' | 'result' | 'code'
}

/** The facts of a fork whose folded past is `state`. `past` are the copied entries; `spared` is a call that an edit settles. */
export function forkFacts(
  state: State,
  past: readonly Entry[],
  begun: ForkBegun,
  now: number,
  spared?: CallId,
): readonly Fact[] {
  const forked: Fact = { kind: 'run-forked', ...begun }
  const after = foldFacts(state, [forked], now)
  const judged = approvalsOf(past)
  const calls = Object.values(after.calls)
    .filter((call) => call.id !== spared)
    .flatMap((call) => callFacts(after, call, judged, now))
  const others = Object.values(after.questions)
    .filter((question) => question.call === undefined)
    .flatMap((question) => askAgain(after, question, now))
  return [forked, ...calls, ...others, ...codeFacts(after)]
}

/** F2, for a program that was approved and has not started. */
function codeFacts(state: State): readonly Fact[] {
  const { phase } = state
  return phase.at === 'approving' && phase.approved === true && phase.place.is === 'approved'
    ? [asked(state, `Run this program (step ${phase.step})?`, 'approval', undefined)]
    : []
}

/** F3. A run that was put aside stays so: its question decides. */
export function restFacts(state: State, from: ForkBegun['from']): readonly Fact[] {
  if (state.ended !== undefined || isDiverged(state)) return []
  const message = `Forked from run ${from.run} at entry ${from.seq}. Resume it to go on.`
  const rest: Fact = { kind: 'run-paused', cause: 'requested', message }
  if (state.pause === undefined) return [rest]
  return state.pause.cause === 'waiting' ? [{ kind: 'run-resumed', why: 'it was forked' }, rest] : []
}

function callFacts(
  state: State,
  call: OpenCall,
  judged: ReadonlyMap<string, Entry<'question-asked'>>,
  now: number,
): readonly Fact[] {
  const { at } = call
  switch (at.is) {
    case 'asking': {
      const question = state.questions[at.question]
      if (question === undefined) return []
      return question.kind === 'unknownOutcome'
        ? [closed(question), parents(state, call)]
        : askAgain(state, question, now)
    }
    case 'ready':
    case 'started':
    case 'lost':
    case 'retrying': {
      if (call.attempt > 0 && mayNotBeRepeated(call)) return [parents(state, call)]
      const approval = judged.get(call.id)
      return approval === undefined ? [] : [asked(state, approval.message, 'approval', call.id)]
    }
    case 'judging':
    case 'unasked':
    case 'sleeping':
    case 'parked':
      return []
    default:
      return at satisfies never
  }
}

/** Sent by the fork it would be another one: under another key, or as another run. */
function mayNotBeRepeated({ effect, child }: OpenCall): boolean {
  return effect === 'once' || effect === 'keyed' || child === true
}

/** F1. */
function parents(state: State, call: OpenCall): Fact {
  const message = `${call.tool} (call ${call.id}) was under way when run ${state.runId} was forked: its outcome belongs to the run before.`
  const error = { name: 'ForkedCallError', message }
  return { kind: 'call-returned', call: call.id, attempt: call.attempt, outcome: { ok: false, error } }
}

/** F2. */
function askAgain(state: State, question: OpenQuestion, now: number): readonly Fact[] {
  const { call, kind, message, schema, expiresAt, resumption, by, asker } = question
  const again: Fact = {
    ...asked(state, message, kind, call, question.id),
    ...(schema === undefined ? {} : { schema }),
    ...(expiresAt === undefined || expiresAt <= now ? {} : { expiresAt }),
    ...(resumption === undefined ? {} : { resumption }),
    ...(by === undefined ? {} : { by }),
    ...(asker === undefined ? {} : { asker }),
  }
  return call === undefined ? [closed(question), again] : [again]
}

function closed(question: OpenQuestion): Fact {
  return { kind: 'question-answered', question: question.id, decision: { type: 'expired' }, by: 'fork' }
}

/** The id that a question of the run before has in a fork. `seq`: of `run-forked`. */
export function forkedId(state: State, seq: number, call: string | undefined, before: string): string {
  // Several may be open that no call asks.
  return questionId(state, call, `fork ${seq}${call === undefined ? before : ''}`)
}

function asked(
  state: State,
  message: string,
  asks: OpenQuestion['kind'],
  call: string | undefined,
  before = '',
): Fact<'question-asked'> {
  const question = forkedId(state, state.seq, call, before)
  return { kind: 'question-asked', question, asks, message, ...(call === undefined ? {} : { call }) }
}

/** The approvals that were asked for, by their calls: a decision on one was a decision in another run. */
function approvalsOf(past: readonly Entry[]): ReadonlyMap<string, Entry<'question-asked'>> {
  return new Map(
    past.flatMap((entry) =>
      entry.kind === 'question-asked' && entry.asks === 'approval' && entry.call !== undefined
        ? [[entry.call, entry]]
        : [],
    ),
  )
}
