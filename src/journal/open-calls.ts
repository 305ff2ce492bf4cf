/** What the facts make of a run's open calls: where each is, from `call-requested` to `call-returned` (F3, see `state.ts`). */
import type { CallId } from '../base/halt.ts'
import { without } from '../base/without.ts'
import { addUsage } from './account.ts'
import type { Entry, Touch } from './entry.ts'
import type { CallPlace, OpenCall, State } from './shape.ts'
import { stepOf } from './view.ts'

const RECENT = 20

export function placeAfter(entry: Entry<'verdict-given'>): CallPlace {
  if (entry.said === 'unknown') return { is: 'lost', probed: true }
  if (entry.said === 'again') return { is: 'judging' }
  return entry.said === 'required' ? unasked(entry) : { is: 'ready' }
}

export function unasked({
  message,
  expiresIn,
}: Pick<Entry<'verdict-given'>, 'message' | 'expiresIn'>): Extract<CallPlace, { is: 'unasked' }> {
  return {
    is: 'unasked',
    ...(message === undefined ? {} : { message }),
    ...(expiresIn === undefined ? {} : { expiresIn }),
  }
}

/** What a call that is sent may bring into the run. */
export function touchedBy(state: State, id: CallId): State {
  const name = state.calls[id]?.tool
  return withTouched(state, state.run.tools.find((tool) => tool.name === name)?.touches)
}

function withTouched(state: State, touches: readonly Touch[] | undefined): State {
  const before = state.touched ?? []
  const more = (touches ?? []).filter((touch) => touch !== 'outbound' && !before.includes(touch))
  return more.length === 0 ? state : { ...state, touched: [...before, ...more] }
}

export function lostOrReady(call: OpenCall, quarantine: number | undefined): OpenCall {
  if (call.at.is !== 'started') return call
  if (call.effect !== 'once') return { ...call, at: { is: 'ready' } }
  return {
    ...call,
    at: { is: 'lost', probed: false, ...(quarantine === undefined ? {} : { until: quarantine }) },
  }
}

export function settle(state: State, entry: Entry<'call-returned'>): State {
  const call = state.calls[entry.call]
  if (call === undefined) return state
  const recent = [...state.settled.recent, { call: call.id, tool: call.tool, ok: entry.outcome.ok }].slice(
    -RECENT,
  )
  const settled = { count: state.settled.count + 1, recent }
  const usage = entry.usage === undefined ? state.usage : addUsage(state.usage, entry.usage)
  const after = {
    ...withTouched(state, entry.touched),
    questions: call.at.is === 'asking' ? without(state.questions, call.at.question) : state.questions,
    calls: without(state.calls, entry.call),
    settled,
    usage,
  }
  const { phase } = state
  if (phase.at !== 'acting') return { ...after, held: [...state.held, call.id] }
  return stepOf(call.id) === phase.step
    ? after
    : { ...after, phase: { ...phase, late: [...phase.late, call.id] } }
}

export function withdraw(state: State, id: CallId, isCut = false): State {
  const call = state.calls[id]
  if (call === undefined) return state
  const stray =
    call.at.is === 'started'
      ? [{ call: id, tool: call.tool, attempt: call.attempt, ...(isCut ? { cut: true as const } : {}) }]
      : []
  const questions = call.at.is === 'asking' ? without(state.questions, call.at.question) : state.questions
  return { ...state, questions, calls: without(state.calls, id), strays: [...state.strays, ...stray] }
}

export function atPlace(state: State, id: CallId, at: CallPlace): State {
  return changeCall(state, id, (call) => ({ ...call, at }))
}

export function changeCall(state: State, id: CallId, change: (call: OpenCall) => OpenCall): State {
  const call = state.calls[id]
  return call === undefined ? state : putCall(state, change(call))
}

export function putCall(state: State, call: OpenCall): State {
  return { ...state, calls: { ...state.calls, [call.id]: call } }
}

export function mapCalls(calls: State['calls'], change: (call: OpenCall) => OpenCall): State['calls'] {
  return Object.fromEntries(Object.entries(calls).map(([id, call]) => [id, change(call)]))
}
