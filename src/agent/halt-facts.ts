/** What a halt of the guest means. */
import type { Encoded } from '../base/halt.ts'
import type { Fact } from '../journal/entry.ts'
import type { OpenCall, State } from '../journal/shape.ts'
import type { Desk } from './desk.ts'
import type { Happening, PreparedCall } from './happening.ts'
import { killedFact } from './killed-fact.ts'
import { questionId } from './derived-ids.ts'
import { combinationOf } from './combination.ts'

/** The facts of a halt: new calls, and how the step ended, if it did. A halt of a step that is over changes nothing. */
export function haltFacts(
  state: State,
  happening: Extract<Happening, { kind: 'guest-halted' }>,
  desk: Desk,
): readonly Fact[] {
  if (state.ended !== undefined) return []
  const { halt, step } = happening
  const here = state.phase.at === 'acting' && state.phase.step === step
  if (halt.kind === 'killed') return here ? [killedFact(state, step, halt)] : []
  const requested = happening.calls.flatMap((prepared) => requestFacts(state, prepared, desk))
  // Nothing is sent any more for a step that is about to end.
  const isCut = here && state.phase.at === 'acting' && state.phase.interrupted === true
  const cut = happening.calls.filter((prepared) => isCut && prepared.is !== 'settled')
  const dropped = cut.map(({ call }): Fact => ({ kind: 'call-withdrawn', call: call.id, why: 'interrupted' }))
  if (halt.kind === 'waiting' || !here) return [...requested, ...dropped]
  const { ending } = halt
  const made = happening.calls
    .filter((prepared) => prepared.is !== 'settled')
    .map((prepared) => prepared.call)
  const known = [
    ...Object.values(state.calls).map(({ id, tool }) => ({ id, tool })),
    ...made.map(({ id, name }) => ({ id, tool: name })),
  ]
  // Sleeps and asks end with the program that made them; tools go on.
  const withdrawn = isCut
    ? dropped
    : known
        .filter((call) => call.tool.startsWith('$'))
        .map((call): Fact => ({ kind: 'call-withdrawn', call: call.id, why: 'ended' }))
  const running = new Set(known.filter((call) => !call.tool.startsWith('$')).map((call) => call.id))
  return [
    ...requested,
    ...withdrawn,
    {
      kind: 'step-ended',
      step,
      printed: halt.output,
      open: isCut ? [] : halt.open.filter((call) => running.has(call)),
      ...(ending.kind === 'value' && ending.shown !== undefined ? { shown: ending.shown } : {}),
      ...(ending.kind === 'error' ? { error: ending.error } : {}),
      ...(ending.kind === 'answer' ? { answer: desk.stow(ending.value) } : {}),
      ...(halt.variables === undefined ? {} : { variables: halt.variables }),
      ...(halt.moreVariables === undefined ? {} : { moreVariables: halt.moreVariables }),
      ...(halt.pins === undefined ? {} : { pins: halt.pins }),
      ...(halt.heap === undefined ? {} : { heap: halt.heap }),
    },
  ]
}

function requestFacts(state: State, prepared: PreparedCall, desk: Desk): readonly Fact[] {
  const { id, name } = prepared.call
  const request = (
    input: Encoded,
    effect: OpenCall['effect'],
    approval: 'never' | 'always' | 'judge',
    child?: true,
  ): Fact => ({
    kind: 'call-requested',
    call: id,
    tool: name,
    sent: prepared.sent,
    input: desk.stow(input),
    ...(input === prepared.call.input ? {} : { digest: desk.digest(input) }),
    effect,
    approval,
    ...(child === undefined ? {} : { child }),
  })
  switch (prepared.is) {
    case 'tool': {
      // Whether it is the third of three that must not meet is for the judge to say.
      const approval = combinationOf(state, name) === undefined ? prepared.approval : 'judge'
      return [request(prepared.input, prepared.effect, approval, prepared.child)]
    }
    case 'ask':
      return [
        request(prepared.call.input, 'read', 'never'),
        {
          kind: 'question-asked',
          question: questionId(state, id, 0),
          asks: 'input',
          call: id,
          ...prepared.question,
        },
      ]
    case 'sleep':
      return [
        request(prepared.call.input, 'read', 'never'),
        { kind: 'sleep-started', call: id, due: desk.now + prepared.ms },
      ]
    case 'settled': {
      const { outcome } = prepared
      const stowed =
        outcome.ok && typeof outcome.value === 'string'
          ? { ...outcome, value: desk.stow(outcome.value) }
          : outcome
      return [
        request(prepared.call.input, 'read', 'never'),
        { kind: 'call-returned', call: id, attempt: 0, outcome: stowed },
      ]
    }
    default:
      return prepared satisfies never
  }
}
