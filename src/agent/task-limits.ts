/** Limits that a task brings along, in place of its agent's: they are the run's own, and stay when it is resumed. */
import type { Duration } from '../base/duration.ts'
import { UsageError } from '../base/errors.ts'
import type { Definition } from './definition.ts'
import { priceOf } from './define.ts'
import { dataOptions, type AgentOptions } from './options.ts'

export interface TaskLimits {
  /** USD that the run may cost, with all agents that it calls. */
  readonly maxCost?: number
  /** How long the task may be driven. */
  readonly timeout?: Duration
}

/** The definition with the task's own limits. @throws {UsageError} naming the one that cannot be. */
export function withLimits(
  definition: Definition,
  given: AgentOptions,
  { maxCost, timeout }: TaskLimits,
): Definition {
  if (maxCost === undefined && timeout === undefined) return definition
  if (maxCost !== undefined) priceOf({ ...given, maxCost }, definition.model)
  const own = dataOptions({
    ...(maxCost === undefined ? {} : { maxCost }),
    ...(timeout === undefined ? {} : { timeout }),
  })
  const ofTask = Object.keys(own) as ('maxCost' | 'timeout')[]
  return { ...definition, options: { ...definition.options, ...own, ofTask } }
}

/** @throws {UsageError} a run that exists is given limits. */
export function onlyOfNewRun({ maxCost, timeout }: TaskLimits): void {
  if (maxCost !== undefined || timeout !== undefined)
    throw new UsageError(
      'maxCost and timeout are of a new run: one that exists keeps those that it began with.',
    )
}
