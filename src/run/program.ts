/** A step's program as it is journaled: compiled once, with what it brings along. */
import type { State } from '../journal/shape.ts'
import type { Stored } from '../journal/entry.ts'
import type { Program } from '../sandbox/sandbox.ts'

/**
 * JSON of the program: its variables (the task's arguments and the output of the task before, until a step was given
 * them) and what the guest forgets.
 */
export async function programOf(
  { task, forgotten }: State,
  program: Program,
  text: (stored: Stored) => Promise<string>,
): Promise<string> {
  const args = task.argsGiven ? undefined : task.additionalArgs
  const given = {
    ...(args === undefined ? {} : { variables: await text(args) }),
    ...(task.argsGiven || task.lastOutput === undefined ? {} : { lastOutput: task.lastOutput }),
    ...(forgotten.length === 0 ? {} : { forget: forgotten }),
  }
  // The source stands beside it, in `step-started`.
  return JSON.stringify({ ...program, source: undefined, ...given })
}
