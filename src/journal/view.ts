/** What can be read off a state without changing it. */
import type { CallId } from '../base/halt.ts'
import type { PauseCause } from './entry.ts'
import type { State } from './shape.ts'
import type { RunStatus, RunView } from './store.ts'

/** What a run is that has not come to an end. */
export const OPEN: readonly RunStatus[] = ['running', 'paused']

export function isOpen({ status }: { readonly status: RunStatus }): boolean {
  return OPEN.includes(status)
}

/** What others see of the run without reading its journal. */
export function viewOf(state: State): RunView {
  const status: RunStatus = state.ended?.status ?? (state.pause === undefined ? 'running' : 'paused')
  const wakeAt = status === 'paused' ? nextDue(state) : undefined
  return {
    status,
    task: state.task.text,
    stepCount: state.stepCount,
    ...(wakeAt === undefined ? {} : { wakeAt }),
    ...(state.pause === undefined ? {} : { cause: causeOf(state.pause.cause) }),
  }
}

/** A replay that differs, and a run that was put aside, wait for a person's answer, like any other question. */
function causeOf(cause: PauseCause): PauseCause {
  return cause === 'diverged' || cause === 'poisoned' ? 'waiting' : cause
}

/** When the state next changes by the clock alone: a sleep, another attempt (of a call, or at the model), an expiry. Ms since the epoch. */
export function nextDue(state: State): number | undefined {
  const { phase } = state
  let due = phase.at === 'thinking' && !phase.called ? phase.retryAt : undefined
  for (const call of Object.values(state.calls))
    if (call.at.is === 'sleeping' || call.at.is === 'retrying')
      due = Math.min(due ?? call.at.due, call.at.due)
  for (const question of Object.values(state.questions)) {
    if (question.expiresAt !== undefined) due = Math.min(due ?? question.expiresAt, question.expiresAt)
  }
  return due
}

/** A call of the run is an agent's. */
export function callsAgents({ calls }: State): boolean {
  return Object.values(calls).some((call) => call.child === true)
}

/** A callback, a check or the model has asked a person: the run itself waits for the answer, whatever its calls do. */
export function waitsForWord({ phase, questions }: State): boolean {
  const isBetween = phase.at === 'thinking' || phase.at === 'reviewing' || phase.at === 'closing'
  return isBetween && Object.values(questions).some(({ by }) => by !== undefined)
}

/** Names the review of an answer, which follows one reply of the model: the same in every process. */
export function reviewOf({ task, grantedAt }: State): string {
  return `${task.number}.${grantedAt}.${task.turns}`
}

/** Something of the run is under way, other than waiting for people, timers and agents: its time counts. */
export function isAtWork(state: State): boolean {
  const { phase, pause, ended, calls } = state
  if (ended !== undefined || pause !== undefined) return false
  const open = Object.values(calls)
  const isCalling = open.some(({ at, child }) => !WAITS.has(at.is) && child !== true)
  if (waitsForWord(state)) return isCalling
  if (phase.at === 'approving' && (phase.place.is === 'asking' || phase.place.is === 'unasked')) return false
  return phase.at !== 'acting' || open.length === 0 || isCalling
}

const WAITS: ReadonlySet<string> = new Set(['unasked', 'asking', 'sleeping', 'retrying'])

/** When the task will have been driven for `ms`, if it goes on as it does; undefined while its time stands still. */
export function drivenUntil(state: State, ms: number): number | undefined {
  const left = ms - state.task.driven
  if (left <= 0) return state.at
  return isAtWork(state) ? state.at + left : undefined
}

/** The step that made a call. */
export function stepOf(call: CallId): number {
  return Number(call.slice(0, call.indexOf('.')))
}
