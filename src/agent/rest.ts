/** When a run that waits comes to rest, what it then waits for, and when it can go on. */
import type { Fact } from '../journal/entry.ts'
import type { OpenCall, State } from '../journal/shape.ts'
import { nextDue, waitsForWord } from '../journal/view.ts'
import { canAsk, isDiverged, isOutdated } from './asking.ts'
import type { AtHand } from './at-hand.ts'

/** Nothing is left but to wait: the run rests, unless what it waits for is near. */
export function restIfAllWait(state: State, atHand: AtHand): readonly Fact[] {
  const calls = Object.values(state.calls)
  if (calls.length === 0 && state.phase.at === 'acting') return [stuck(state.phase.step)]
  if (!calls.every((call) => waits(call) || atHand.atRest.has(call.id))) return []
  const due = firstDue(state, atHand)
  if (due !== undefined && due - atHand.now <= atHand.stay) return []
  return [{ kind: 'run-paused', cause: 'waiting', message: waitingFor(state, atHand) }]
}

/** The next attempt at the model is far off, and nothing else is under way. */
export function restIfFar(state: State, atHand: AtHand): readonly Fact[] {
  const isQuiet = Object.values(state.calls).every((call) => waits(call) || atHand.atRest.has(call.id))
  if (!isQuiet || !isFarFromModel(state, atHand)) return []
  return [{ kind: 'run-paused', cause: 'waiting', message: waitingFor(state, atHand) }]
}

/** For the model a process stays longer than for a tool: most of its troubles pass in seconds. */
const STAY_FOR_MODEL = 60_000

function isFarFromModel({ phase }: State, { now, stay }: AtHand): boolean {
  if (phase.at !== 'thinking' || phase.called || phase.retryAt === undefined) return false
  return phase.retryAt - now > Math.max(stay, STAY_FOR_MODEL)
}

/** The program waits, and no call is open that could settle what it waits for. */
function stuck(step: number): Fact {
  const error = {
    name: 'Error',
    message: 'The program waits for a promise that nothing can settle: no call is open.',
  }
  return { kind: 'step-ended', step, printed: '', error, open: [] }
}

/** The run rests on its open calls, and each of them waits: only an answer or a timer can wake it. */
export function onlyWaits(state: State): boolean {
  if (state.pause?.cause === 'diverged' || state.pause?.cause === 'poisoned') return isDiverged(state)
  const { phase } = state
  const isWaiting =
    waitsForWord(state) ||
    phase.at === 'acting' ||
    phase.at === 'approving' ||
    (phase.at === 'thinking' && !phase.called && phase.retryAt !== undefined)
  return state.pause?.cause === 'waiting' && isWaiting && Object.values(state.calls).every(waits)
}

function waits(call: OpenCall): boolean {
  const { is } = call.at
  return is === 'unasked' || is === 'asking' || is === 'sleeping' || is === 'retrying'
}

/** A run that rests because it waits has something to do again. */
export function canGoOn(state: State, atHand: AtHand): boolean {
  if (canAsk(state)) return true
  if (Object.values(state.calls).some((call) => !waits(call) && !atHand.atRest.has(call.id))) return true
  const due = firstDue(state, atHand)
  const isNear = due !== undefined && due - atHand.now <= atHand.stay
  if (waitsForWord(state)) return isNear || isOutdated(state)
  if (state.phase.at === 'approving')
    return isNear || (state.phase.place.is !== 'asking' && state.phase.place.is !== 'unasked')
  if (state.phase.at !== 'acting') return !isFarFromModel(state, atHand)
  // An answer that settled a call, or a timer that is near, leaves the guest with something to run.
  return !atHand.guestIdle || isNear
}

/** When the first of the state's timers, or of those of the agents that it called, is due. */
function firstDue(state: State, { atRest }: AtHand): number | undefined {
  const due = Math.min(
    nextDue(state) ?? Infinity,
    ...Array.from(atRest.values(), (child) => child.due ?? Infinity),
  )
  return due === Infinity ? undefined : due
}

/** What a resting run waits for, in words. */
function waitingFor(state: State, { atRest }: AtHand): string {
  const questions = Object.values(state.questions)
  const calls = Object.values(state.calls)
  const sleeping = calls.flatMap((call) => (call.at.is === 'sleeping' ? [call.at.due] : []))
  const retrying = calls.filter((call) => call.at.is === 'retrying')
  const parts: string[] = []
  const first = questions[0]
  if (first !== undefined)
    parts.push(
      questions.length === 1 ? first.message : `${questions.length} questions, the first: ${first.message}`,
    )
  if (sleeping.length > 0) parts.push(`sleeps until ${new Date(Math.min(...sleeping)).toISOString()}`)
  for (const { tool, attempt, at } of retrying)
    if (at.is === 'retrying')
      parts.push(`${tool} is tried again at ${new Date(at.due).toISOString()} (attempt ${attempt} failed)`)
  const { phase } = state
  if (phase.at === 'thinking' && phase.retryAt !== undefined)
    parts.push(
      `${state.run.model} is asked again at ${new Date(phase.retryAt).toISOString()} (attempt ${phase.attempt} failed)`,
    )
  for (const { message } of atRest.values()) parts.push(message.replace(': Paused:', ':'))
  return `Paused: ${parts.join('; ')}`
}
