/** Ids that follow from what they are about: the same in every process that comes to it. */
import type { CallId } from '../base/halt.ts'
import { derivedText } from '../base/id.ts'
import type { OpenCall, State } from '../journal/shape.ts'

/** The id of the n-th question about a call: the same in every process. */
export function questionId(state: State, call: CallId | undefined, n: number | string): string {
  return `q_${derivedText(10, state.runId, call ?? '', n)}`
}

/**
 * The idempotency key of a call: minted by what it is, the same for every attempt. A call that may be repeated can be sent
 * before it is durable, and after a crash its place may be another call's: the key is not.
 */
export function idempotencyKey({ runId, run }: State, { id, tool, sent }: OpenCall): string {
  return `${runId}-${id}-${derivedText(8, run.seed, id, tool, sent)}`
}

/** The id of the question whether a call that a crash cut had happened, as it is asked first. */
export function doubtId(state: State, call: OpenCall): string {
  return questionId(state, call.id, 100 + call.attempt)
}
