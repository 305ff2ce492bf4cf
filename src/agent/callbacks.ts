/** Step callbacks as authors give them: a list for actions, or lists by the kind of step. */
import { UsageError } from '../base/errors.ts'
import type { CallbackKind } from '../journal/entry.ts'
import type { CallbackContext, Definition, NamedCallback } from './definition.ts'
import type { ActionStep, FinalAnswerStep, PlanningStep, WatchedStep } from './memory.ts'

export type StepCallback<Step extends WatchedStep = ActionStep> = (
  step: Step,
  context: CallbackContext,
) => unknown

type OneOrMore<T> = T | readonly T[]

/** Callbacks by the kind of step; those of `all` look at every kind, after the others. */
export interface StepCallbacks {
  /** Once a step's program has ended and its end is durable. */
  readonly action?: OneOrMore<StepCallback>
  /** Once a plan is durable, before its first step. */
  readonly planning?: OneOrMore<StepCallback<PlanningStep>>
  /** Once the answer has passed its checks and no call is under way, before the task is completed. */
  readonly finalAnswer?: OneOrMore<StepCallback<FinalAnswerStep>>
  readonly all?: OneOrMore<StepCallback<WatchedStep>>
}

const KINDS: readonly CallbackKind[] = ['action', 'planning', 'finalAnswer']

/** @throws {UsageError} a kind that does not exist, or something that is no function. */
export function callbacksOf(
  given: readonly StepCallback[] | StepCallbacks | undefined,
): Definition['callbacks'] {
  const isList = given === undefined || Array.isArray(given)
  const byKind = (isList ? { action: given } : given) as Readonly<Record<string, unknown>>
  const unknown = Object.keys(byKind).find((kind) => kind !== 'all' && !KINDS.some((one) => one === kind))
  if (unknown !== undefined)
    throw new UsageError(`stepCallbacks: there is no kind of step '${unknown}'.`, {
      hint: `The kinds are ${KINDS.join(', ')} and all.`,
    })
  const named = (kind: string): readonly NamedCallback[] => {
    const some = byKind[kind] ?? []
    return (Array.isArray(some) ? some : [some]).map((run: unknown, index) => ({
      name: nameOf(run, kind === 'action' ? `callback ${index + 1}` : `${kind} callback ${index + 1}`),
      // The kind of step is the one that it was given for.
      run: run as NamedCallback['run'],
    }))
  }
  const all = named('all')
  return {
    action: [...named('action'), ...all],
    planning: [...named('planning'), ...all],
    finalAnswer: [...named('finalAnswer'), ...all],
  }
}

/** @throws {UsageError} it is no function. */
export function nameOf(run: unknown, otherwise: string): string {
  if (typeof run !== 'function') throw new UsageError(`${otherwise} is no function.`)
  return run.name === '' ? otherwise : run.name
}
