/**
 * The limits of a task: turns of the model and driven time; and of a run: entries of its journal, questions to people.
 * Reaching one is a fact. What follows is the author's choice (`onLimit`) for a task's; the others always rest the run.
 *
 * Q1  Time counts while the run is driven and something of it is under way. Resting, and waiting for people, timers and
 *     agents (which have their own time), do not count (see `driven` in `journal/state.ts`).
 * Q2  Whoever resumes a run that rested on a limit grants it as much again.
 */
import { showDuration } from '../base/duration.ts'
import type { Fact } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { drivenUntil } from '../journal/view.ts'
import { killedFact } from './killed-fact.ts'

type Limit = 'maxSteps' | 'timeout'

/** The model is asked for the next step, or for the last word where the task's steps or its time are spent. */
export function thinkOrLimit(state: State, now: number): Fact {
  const limit = isOutOfTime(state, now)
    ? 'timeout'
    : state.task.turns < state.task.maxSteps
      ? undefined
      : 'maxSteps'
  if (limit === undefined)
    return { kind: 'model-called', step: state.stepCount + 1, attempt: 1, purpose: 'step' }
  return reached(state, limit, 1)
}

/** A further attempt of a turn. It is the same turn, unless its time is spent. */
export function thinkAgain(state: State, attempt: number, now: number): Fact {
  const { phase } = state
  const purpose = phase.at === 'thinking' ? phase.purpose : 'step'
  if (purpose === 'step' && isOutOfTime(state, now)) return reached(state, 'timeout', attempt)
  const limit = phase.at === 'thinking' && phase.limit !== undefined ? { limit: phase.limit } : {}
  return { kind: 'model-called', step: state.stepCount + 1, attempt, purpose, ...limit }
}

/** What a limit cuts short: a step that runs, a request that is under way, or the whole run. */
export function limitFacts(state: State, now: number): readonly Fact[] {
  const { entries, questions } = state.run.options
  if (state.seq - state.grantedAt >= entries)
    return [
      pause(
        `Paused after ${entries} entries of its journal (limits.entries). Resume it to grant as many more.`,
      ),
    ]
  if (state.asked > questions)
    return [
      pause(`Paused after ${questions} questions (limits.questions). Resume it to let it ask as many more.`),
    ]
  if (!isOutOfTime(state, now) || !isCuttable(state)) return []
  if (state.run.options.onLimit !== 'finish') return [reached(state, 'timeout', 1)]
  const message = `The task has taken longer than its timeout of ${timeoutOf(state)}.`
  if (state.phase.at === 'acting')
    return [killedFact(state, state.phase.step, { reason: 'timeout', message })]
  if (state.phase.at !== 'thinking') return []
  const { step, attempt, called } = state.phase
  if (!called) return [reached(state, 'timeout', attempt + 1)]
  return [{ kind: 'model-failed', step, attempt, error: { code: 'LIMIT', message }, retryAt: now }]
}

/** When the task's time is spent, if it counts on as it does now; ms since the epoch. */
export function timeIsUpAt(state: State): number | undefined {
  const { timeout } = state.run.options
  return timeout === undefined || !isCuttable(state) ? undefined : drivenUntil(state, timeout)
}

function isOutOfTime(state: State, now: number): boolean {
  const { timeout } = state.run.options
  return timeout !== undefined && (drivenUntil(state, timeout) ?? Infinity) <= now
}

/** The last word, and what comes after it, are not cut. */
function isCuttable({ phase }: State): boolean {
  return phase.at === 'acting' || (phase.at === 'thinking' && phase.purpose === 'step')
}

function reached(state: State, limit: Limit, attempt: number): Fact {
  const { maxSteps } = state.task
  const much = limit === 'maxSteps' ? `${maxSteps} steps (maxSteps)` : `${timeoutOf(state)} of work (timeout)`
  switch (state.run.options.onLimit) {
    case 'finish':
      return { kind: 'model-called', step: state.stepCount + 1, attempt, purpose: 'answer', limit }
    case 'pause':
      return pause(`Paused after ${much}. Resume it to grant as much again.`)
    case 'fail':
      return { kind: 'task-failed', code: 'LIMIT', message: `The task was not done in ${much}.` }
    default:
      return state.run.options.onLimit satisfies never
  }
}

function pause(message: string): Fact {
  return { kind: 'run-paused', cause: 'limit', message }
}

function timeoutOf({ run }: State): string {
  return showDuration(run.options.timeout ?? 0)
}
