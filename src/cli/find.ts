/** From what a person typed to the run or question that is meant: whole ids, or prefixes that fit only one. */
import { StateNotFoundError, UsageError } from '../base/errors.ts'
import type { QuestionRow, RunRow, Store } from '../journal/store.ts'
import { isOpen } from '../journal/view.ts'
import { counted, cut, oneLine } from './text.ts'

const PAGE = 500
const LISTED = 10

/** @throws {StateNotFoundError} none. @throws {UsageError} several, which are listed. */
export async function findRun(store: Store, given: string): Promise<RunRow> {
  const exact = await store.run(given)
  if (exact !== undefined) return exact
  const found = (await allRuns(store)).filter((row) => row.runId.startsWith(given))
  return onlyOne(found, `There is no run ${given}.`, `Several runs begin with ${given}`)
}

/** As `findRun`, by the ids alone: a run that cannot be read is found too. */
export function findId(ids: readonly string[], given: string): string {
  if (ids.includes(given)) return given
  const found = ids.filter((id) => id.startsWith(given))
  const [only] = found
  if (only === undefined) throw new StateNotFoundError(`There is no run ${given}.`)
  if (found.length > 1) throw several(`Several runs begin with ${given}`, found)
  return only
}

/** The run that is meant when nobody says which: the only unfinished one, else the only one. */
export async function findOnlyRun(store: Store, where: string): Promise<RunRow> {
  // An agent's run below another is meant by that one.
  const rows = (await allRuns(store)).filter((row) => row.rootRunId === row.runId)
  const open = rows.filter(isOpen)
  const meant = open.length > 0 ? open : rows
  return onlyOne(meant, `There is no run in ${where}.`, `There are several runs in ${where}; say which one`)
}

/** An open question. `undefined`: there is none that fits. @throws {UsageError} several, which are listed. */
export async function findQuestion(store: Store, given: string): Promise<QuestionRow | undefined> {
  const open = await store.questions({})
  const fitting = open.filter((row) => row.id.startsWith(given))
  const exact = fitting.find((row) => row.id === given)
  if (exact !== undefined || fitting.length === 0) return exact
  if (fitting.length === 1) return fitting[0]
  throw several(
    `Several questions begin with ${given}`,
    fitting.map((row) => `${row.id} of run ${row.runId}: ${oneLine(row.message)}`),
  )
}

export async function allRuns(store: Store): Promise<readonly RunRow[]> {
  const rows: RunRow[] = []
  for (;;) {
    const page = await store.runs({}, PAGE, rows.at(-1)?.runId)
    rows.push(...page)
    if (page.length < PAGE) return rows
  }
}

function onlyOne(found: readonly RunRow[], none: string, many: string): RunRow {
  const [only, second] = found
  if (only === undefined) throw new StateNotFoundError(none)
  if (second === undefined) return only
  throw several(
    many,
    found.map((row) => `${row.runId} (${row.status}): ${oneLine(row.task)}`),
  )
}

function several(many: string, candidates: readonly string[]): UsageError {
  const listed = candidates.slice(0, LISTED).map((candidate) => `\n  ${cut(candidate, 100)}`)
  const more = candidates.length > LISTED ? `\n  and ${counted(candidates.length - LISTED, 'other')}` : ''
  return new UsageError(`${many}:${listed.join('')}${more}`, {
    hint: 'Name one of them, by as many letters of its id as it takes.',
  })
}
