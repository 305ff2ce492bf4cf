/**
 * A person interrupts: the message is said, and what the run is in the middle of comes to its end, so that the model
 * hears it next.
 *
 * X1  A step that runs is ended by a delivery of its own, where its program waits: the heap is still a function of the
 *     journal. Variables stay as they are then.
 * X2  Every open call is withdrawn, sent or not, of whatever step: a promise that came true later would let the program
 *     go on behind the model's back. Tools see their abort signal; what they still bring is evidence.
 * X3  The model is told of each call what may have become of it.
 */
import type { Fact } from '../journal/entry.ts'
import type { OpenCall, Phase, State } from '../journal/shape.ts'
import { unstarted } from './question-facts.ts'

/** The facts beside the message. */
export function interruptFacts(state: State, now: number): readonly Fact[] {
  const { phase } = state
  if (state.ended !== undefined) return []
  if (phase.at === 'thinking' && phase.called) {
    const { step, attempt } = phase
    const error = { code: 'INTERRUPTED', message: 'A person interrupted the request.' }
    return [{ kind: 'model-failed', step, attempt, error, retryAt: now }]
  }
  const resumed: readonly Fact[] =
    state.pause?.cause === 'waiting' ? [{ kind: 'run-resumed', why: 'a person interrupted the step' }] : []
  if (phase.at === 'approving') return [...resumed, ...refusedFacts(phase)]
  if (phase.at !== 'acting' || phase.interrupted === true) return []
  const calls = Object.values(state.calls)
  return [
    ...resumed,
    { kind: 'step-interrupted', step: phase.step, calls: calls.map(wordsOf).join('; ') },
    ...calls.map((call): Fact => ({ kind: 'call-withdrawn', call: call.id, why: 'interrupted' })),
  ]
}

/** A program that waited for approval does not run. Its question is closed with it: nobody has decided it. */
function refusedFacts({ step, source }: Extract<Phase, { at: 'approving' }>): readonly Fact[] {
  return unstarted(step, source, { name: 'RejectedError', message: 'a person interrupted before it ran' })
}

/** X3. */
function wordsOf({ id, tool, at, effect, attempt }: OpenCall): string {
  const name = tool === '$ask' ? 'ask' : tool === '$sleep' ? 'sleep' : tool
  const call = `${name} (${id})`
  const wasSent = at.is === 'started' || at.is === 'lost' || at.is === 'parked' || attempt > 0
  if (tool.startsWith('$')) return `${call} waits no more`
  if (!wasSent) return `${call} was not sent`
  return effect === 'read'
    ? `${call} was cut`
    : `${call} was cut: whether it happened is not known, look before you send it again`
}
