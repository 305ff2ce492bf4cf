/**
 * The limits of a task: turns of the model, driven time and money; and of a run: entries of its journal, questions to people.
 * Reaching one is a fact. What follows is the author's choice (`onLimit`) for a task's; the others always rest the run.
 *
 * Q1  Time counts while the run is driven and something of it is under way. Resting, and waiting for people, timers and
 *     agents (which have their own time), do not count (see `driven` in `journal/state.ts`).
 * Q2  Whoever resumes a run that rested on a limit grants it as much again.
 */
import { showDuration } from '../base/duration.ts'
import type { Fact, TaskLimit } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { drivenUntil } from '../journal/view.ts'
import { fits, requestCost, spentBy, type Purse } from './budget.ts'
import { isSummaryDue } from './context.ts'
import { killedFact } from './killed-fact.ts'

/** What is asked of the clock and of the purse. */
export interface Means {
  readonly now: number
  readonly purse: Purse
  /** Tokens that the model takes in one request, where that is known. Asked where it matters: it may take a while. */
  readonly window: () => number | undefined
}

/** The model is asked for the next step, or for the last word where the task's steps, time or money are spent. */
export function thinkOrLimit(state: State, means: Means): Fact {
  const limit = reachedBy(state, means)
  if (limit === undefined) return request(state, 1, { purpose: purposeOf(state, means) }, means)
  return reached(state, limit, 1, means)
}

function purposeOf(state: State, { window }: Means): Asked['purpose'] {
  if (isSummaryDue(state, window)) return 'summary'
  return isPlanDue(state) ? 'plan' : 'step'
}

/** A plan comes before the first turn of a task, and again after every `planningInterval` turns. */
function isPlanDue({ task, run }: State): boolean {
  const { planningInterval } = run.options
  return (
    planningInterval !== undefined && task.turns % planningInterval === 0 && task.plannedAt !== task.turns
  )
}

/** A further attempt of a turn. It is the same turn, unless its time or its money is spent. */
export function thinkAgain(state: State, attempt: number, means: Means): Fact {
  const { phase } = state
  const { purpose, limit } = phase.at === 'thinking' ? phase : { purpose: 'step' as const }
  if (purpose !== 'answer') {
    const spent = reachedBy(state, means)
    if (spent === 'timeout' || spent === 'maxCost') return reached(state, spent, attempt, means)
  }
  return request(state, attempt, { purpose, ...(limit === undefined ? {} : { limit }) }, means)
}

function reachedBy(state: State, { now, purse }: Means): TaskLimit | undefined {
  if (isOutOfTime(state, now)) return 'timeout'
  if (state.task.turns >= state.task.maxSteps) return 'maxSteps'
  return isUncounted(state, purse) || !fits(state, 'step', purse) ? 'maxCost' : undefined
}

/** Nobody knows what has been spent. */
function isUncounted({ money }: State, { left }: Purse): boolean {
  return money.isUnknown && left !== Infinity
}

type Asked = Pick<Fact<'model-called'>, 'purpose' | 'limit'>

/** The request, with what it reserves. The last word is not asked for either where it does not fit. */
function request(state: State, attempt: number, asked: Asked, { purse }: Means): Fact {
  if (asked.purpose === 'answer' && !fits(state, 'answer', purse))
    return {
      kind: 'task-failed',
      code: 'LIMIT',
      message: 'The budget (maxCost) is spent; not even a last answer fits.',
    }
  const reserved = purse.left === Infinity ? {} : { reserved: requestCost(state, purse.price) }
  return { kind: 'model-called', step: state.stepCount + 1, attempt, ...asked, ...reserved }
}

/** What a limit cuts short: a step that runs, a request that is under way, or the whole run. */
export function limitFacts(state: State, means: Means): readonly Fact[] {
  const { now } = means
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
  if (state.run.options.onLimit !== 'finish') return [reached(state, 'timeout', 1, means)]
  const message = `The task has taken longer than its timeout of ${timeoutOf(state)}.`
  if (state.phase.at === 'acting')
    return [killedFact(state, state.phase.step, { reason: 'timeout', message })]
  if (state.phase.at !== 'thinking') return []
  const { step, attempt, called } = state.phase
  if (!called) return [reached(state, 'timeout', attempt + 1, means)]
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
  return phase.at === 'acting' || (phase.at === 'thinking' && phase.purpose !== 'answer')
}

function reached(state: State, limit: TaskLimit, attempt: number, means: Means): Fact {
  const { onLimit } = state.run.options
  if (limit === 'maxCost' && isUncounted(state, means.purse))
    return pause(
      'Paused: nobody said what the last reply of the model cost, so maxCost cannot be kept. Give the agent a price.',
    )
  const much = muchOf(state, limit)
  switch (onLimit) {
    case 'finish':
      return request(state, attempt, { purpose: 'answer', limit }, means)
    case 'pause':
      return pause(`Paused after ${much}. Resume it to grant as much again.`)
    case 'fail':
      return { kind: 'task-failed', code: 'LIMIT', message: `The task was not done in ${much}.` }
    default:
      return onLimit satisfies never
  }
}

function muchOf(state: State, limit: TaskLimit): string {
  switch (limit) {
    case 'maxSteps':
      return `${state.task.maxSteps} steps (maxSteps)`
    case 'timeout':
      return `${timeoutOf(state)} of work (timeout)`
    case 'maxCost':
      return `${dollars(spentBy(state))} (maxCost; another request does not fit)`
    default:
      return limit satisfies never
  }
}

function dollars(amount: number): string {
  return `$${amount.toFixed(amount < 0.1 ? 4 : 2)}`
}

function pause(message: string): Fact {
  return { kind: 'run-paused', cause: 'limit', message }
}

function timeoutOf({ run }: State): string {
  return showDuration(run.options.timeout ?? 0)
}
