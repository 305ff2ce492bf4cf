/** How the runs of a family are named: a run that a call of an agent is has the caller's id and the call's. */
import type { CallId } from '../base/halt.ts'
import type { RunId } from '../journal/entry.ts'

/** The id of the run that a call of an agent is: the same in every process. */
export function childId(parent: RunId, call: CallId): RunId {
  return `${parent}.${call}`
}

/** True if `runId` is `ancestor`, or below it. */
export function isWithin(runId: RunId, ancestor: RunId): boolean {
  return runId === ancestor || runId.startsWith(`${ancestor}.`)
}
