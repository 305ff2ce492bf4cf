/** A step's program as it is journaled: compiled once, with what it brings along. */
import type { State } from '../journal/shape.ts'
import type { Program } from '../sandbox/sandbox.ts'

/**
 * JSON of the program: its variables (the task's arguments and the output of the task before, until a step was given
 * them) and what the guest forgets.
 */
export function programOf({ task, forgotten }: State, program: Program): string {
  const args = task.argsGiven ? undefined : task.additionalArgs
  const given = {
    // Large ones stand with their task already.
    ...(args === undefined ? {} : typeof args === 'string' ? { variables: args } : { args }),
    ...(task.argsGiven || task.lastOutput === undefined ? {} : { lastOutput: task.lastOutput }),
    ...(forgotten.length === 0 ? {} : { forget: forgotten }),
  }
  // The source stands beside it, in `step-started`.
  return JSON.stringify({ ...program, source: undefined, ...given })
}
