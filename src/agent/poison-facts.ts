/** A run that kills its process again and again is put aside before its guest is opened: a person decides. */
import type { Fact } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { questionId } from './derived-ids.ts'
import { isDiverged } from './asking.ts'

/** So many holders may be lost without the run getting anywhere. */
const MOST_DEATHS = 3

/** The facts that put the run aside; none where it may be driven. `deaths`: holders lost since it last got somewhere. */
export function poisonFacts(state: State, deaths: number): readonly Fact[] {
  if (deaths < MOST_DEATHS || state.ended !== undefined || isDiverged(state)) return []
  const message = `The process that drove this run ended ${deaths} times before it got anywhere, ${whereOf(state)}. ${choiceOf(state)}`
  const question = questionId(state, undefined, state.seq)
  return [
    { kind: 'question-asked', question, asks: 'diverged', message },
    { kind: 'run-paused', cause: 'poisoned', message },
  ]
}

function whereOf(state: State): string {
  if (state.phase.at !== 'acting') return `after step ${state.stepCount}`
  const open = Object.values(state.calls)
    .filter(({ at }) => at.is === 'started' || at.is === 'lost' || at.is === 'ready')
    .map((call) => `${call.tool} (${call.id})`)
  return `in step ${state.phase.step}${open.length === 0 ? '' : ` with ${open.join(', ')} open`}`
}

function choiceOf(state: State): string {
  const again = state.phase.at === 'acting' ? 'undo the step and go on' : 'try again'
  return `Approve to ${again}, reject to stop.`
}
