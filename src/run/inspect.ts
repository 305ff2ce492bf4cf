/** Looking at a stored run: no tools, no model, no guest code runs. */
import { memoryOf, type Memory, type MemoryDesk } from '../agent/memory.ts'
import { StateNotFoundError, UsageError } from '../base/errors.ts'
import type { HeapSize } from '../base/halt.ts'
import type { Entry, RunId, Stored } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { fold } from '../journal/state.ts'
import { viewOf } from '../journal/view.ts'
import type { RunFilter, RunRow, Store } from '../journal/store.ts'
import { storedIn, tell, newStory, type ActionChapter, type Chapter, type Story } from '../journal/story.ts'
import { CallBook } from './call-book.ts'
import { readBlob } from './blob.ts'
import { claimant } from './lease.ts'
import { checkAsked, checkWhole, readJournal, readStory, recover } from './recover.ts'
import { openQuestions, type Question } from './result.ts'
import { readVariables, variablesOf, type Variable } from './variables.ts'

/** A run as lists show it. */
export interface RunSummary {
  readonly runId: RunId
  readonly status: RunRow['status']
  readonly agent: string
  readonly task: string
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly stepCount: number
  /** How many questions are open. */
  readonly questions: number
  readonly wakeAt?: Date
  /** The id of the state key without which its task is not shown; absent where it is. */
  readonly lockedBy?: string
  /** It was being driven, and nobody drives it any more: the process died, or its lease is over. */
  readonly leftBehind?: true
}

/** Every run of a store, newest first. */
export async function listRuns(store: Store, filter: RunFilter = {}): Promise<readonly RunSummary[]> {
  const runs: RunSummary[] = []
  const open = new Map<RunId, number>()
  for (const question of await store.questions({}))
    open.set(question.runId, (open.get(question.runId) ?? 0) + 1)
  for (let cursor: RunId | undefined; ;) {
    const page = await store.runs(filter, PAGE, cursor)
    runs.push(...page.map((row) => summary(row, open.get(row.runId) ?? 0)))
    if (page.length < PAGE) return await withLeft(store, runs)
    cursor = page.at(-1)?.runId
  }
}

const PAGE = 200

async function withLeft(store: Store, runs: readonly RunSummary[]): Promise<readonly RunSummary[]> {
  if (!runs.some(({ status }) => status === 'running')) return runs
  const due = await dueIn(store)
  return runs.map((run) =>
    run.status === 'running' && due.has(run.runId) ? { ...run, leftBehind: true } : run,
  )
}

/** Of those that are running: nobody drives them. */
async function dueIn(store: Store): Promise<ReadonlySet<RunId>> {
  return new Set(await store.due(claimant, Number.MAX_SAFE_INTEGER))
}

function summary(row: RunRow, questions: number): RunSummary {
  const { runId, status, agent, task, stepCount, createdAt, updatedAt, wakeAt, lockedBy } = row
  return {
    runId,
    status,
    agent,
    task,
    stepCount,
    questions,
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
    ...(wakeAt === undefined ? {} : { wakeAt: new Date(wakeAt) }),
    ...(lockedBy === undefined ? {} : { lockedBy }),
  }
}

/**
 * The memory of a stored run: its closed steps with their calls. With a `state`: up to there.
 * @throws {StateCorruptError} there is a hole in its story.
 */
export async function readMemory(
  store: Store,
  runId: RunId,
  state?: State,
  edit?: MemoryDesk['edit'],
): Promise<Memory> {
  const story = await readStory(store, runId, state?.seq)
  if (state !== undefined) checkWhole(story, state)
  const desk: MemoryDesk | undefined =
    edit === undefined ? undefined : { edit, messagesOf: async (step) => readMessages(store, runId, step) }
  return memoryAt(store, runId, story, desk)
}

/** The prompt from which a step of a stored run came. */
async function readMessages(
  store: Store,
  runId: RunId,
  step: Parameters<MemoryDesk['messagesOf']>[0],
): ReturnType<MemoryDesk['messagesOf']> {
  // Who only looks at runs has no need of models.
  const { messagesBefore } = await import('../agent/messages.ts')
  const { state } = await recover(store, runId)
  const { chapters } = await readStory(store, runId, state.seq)
  const texts = new Map<string, string>()
  for (const stored of [state.run.system, ...chapters.flatMap(storedIn)])
    if (typeof stored !== 'string' && !texts.has(stored.blob))
      texts.set(stored.blob, await readBlob(store, runId, stored.blob))
  const text = (stored: Stored): string =>
    typeof stored === 'string' ? stored : (texts.get(stored.blob) ?? '')
  return messagesBefore(step, { system: text(state.run.system), chapters, text })
}

async function memoryAt(store: Store, runId: RunId, { chapters }: Story, desk?: MemoryDesk): Promise<Memory> {
  const texts = new Map<string, string>()
  const load = async (stored: Stored): Promise<void> => {
    if (typeof stored !== 'string' && !texts.has(stored.blob))
      texts.set(stored.blob, await readBlob(store, runId, stored.blob))
  }
  for (const chapter of chapters) if (chapter.kind === 'finalAnswer') await load(chapter.output)
  const book = new CallBook(store, runId)
  await book.all(chapters.filter(isClosed))
  return memoryOf(
    chapters,
    (stored) => (typeof stored === 'string' ? stored : (texts.get(stored.blob) ?? '')),
    (action) => book.known(action),
    desk,
  )
}

function isClosed(chapter: Chapter): chapter is ActionChapter {
  return chapter.kind === 'action' && chapter.endedAt !== undefined
}

/** A run as it stood: now, or when a past step had ended. */
export interface Inspection {
  readonly runId: RunId
  readonly status: RunRow['status']
  readonly agent: string
  readonly task: string
  readonly stepCount: number
  /** Why it rests, or how it ended, in words; absent while it is driven, and of a run that is completed. */
  readonly reason?: string
  /** When it can go on by itself. */
  readonly wakeAt?: Date
  readonly leftBehind?: true
  readonly memory: Memory
  /** The guest's memory at the end of the last step: all of it (which never shrinks), and what was in use, in bytes. */
  readonly heap?: HeapSize
  /** The variables of the code: what the steps told of them; with `values`, what they hold. */
  readonly variables: readonly Variable[]
  /** Where values are told: the last entry that the heap knows of. */
  readonly heapAt?: number
  /** The calls that were open. */
  readonly calls: readonly {
    readonly id: string
    readonly tool: string
    readonly waits: string
    readonly attempts: number
  }[]
  /** Those that are open: of now with all that a person needs to answer, of a past step with what the journal says. */
  readonly questions: readonly InspectedQuestion[]
}

export type InspectedQuestion = Pick<Question, 'id' | 'kind' | 'message'> & Partial<Question>

export interface InspectOptions {
  /** As it stood when this step had ended; absent: now. */
  readonly step?: number
  /** What the variables hold now, read from the stored heap. */
  readonly values?: boolean
}

/**
 * @throws {StateNotFoundError} no such run. @throws {UsageError} the run has no such step, or values of a past step were
 * asked for.
 */
export async function inspectRun(
  store: Store,
  runId: RunId,
  { step, values = false }: InspectOptions = {},
): Promise<Inspection> {
  if (values && step !== undefined)
    throw new UsageError('Only the newest heap is kept: there are no values of a past step.', {
      hint: 'Leave out `step`, or `values`.',
    })
  const entries = await readJournal(store, runId)
  const end =
    step === undefined
      ? undefined
      : entries.find(
          (entry) => (entry.kind === 'step-ended' || entry.kind === 'step-killed') && entry.step === step,
        )
  if (step !== undefined && end === undefined)
    throw new UsageError(`Run ${runId} has no finished step ${step}.`)
  let state: State | undefined
  let story = newStory()
  let heap: HeapSize | undefined
  for (const entry of entries) {
    if (end !== undefined && entry.seq > end.seq) break
    state = fold(state, entry, runId)
    story = tell(story, entry)
    if (entry.kind === 'step-ended' && entry.heap !== undefined) heap = entry.heap
  }
  if (state === undefined) throw new StateNotFoundError(`Run ${runId} has no entries.`)
  if (step === undefined) await checkAsked(store, state)
  const calls = Object.values(state.calls).map((call) => ({
    id: call.id,
    tool: call.tool,
    waits: call.at.is,
    attempts: call.attempt,
  }))
  return {
    runId,
    agent: state.run.agent,
    task: state.task.text,
    stepCount: state.stepCount,
    ...(await standing(store, state, step)),
    calls,
    memory: await memoryAt(store, runId, story),
    ...(heap === undefined ? {} : { heap }),
    ...(await variablesAt(store, runId, { entries, end, values })),
    questions:
      step === undefined
        ? await openQuestions(store, runId)
        : Object.values(state.questions).map(({ id, kind, message }) => ({ id, kind, message })),
  }
}

async function variablesAt(
  store: Store,
  runId: RunId,
  { entries, end, values }: { entries: readonly Entry[]; end: Entry | undefined; values: boolean },
): Promise<Pick<Inspection, 'variables' | 'heapAt'>> {
  const upTo = end === undefined ? entries : entries.filter(({ seq }) => seq <= end.seq)
  const { variables, heapAt } = values ? await readVariables(store, runId, upTo) : variablesOf(upTo)
  return { variables, ...(heapAt === undefined ? {} : { heapAt }) }
}

/** How the run stands, in words too. */
async function standing(
  store: Store,
  state: State,
  step: number | undefined,
): Promise<Pick<Inspection, 'status' | 'reason' | 'wakeAt' | 'leftBehind'>> {
  const { status, wakeAt } = viewOf(state)
  const reason = reasonOf(state)
  const isLeft = status === 'running' && step === undefined && (await dueIn(store)).has(state.runId)
  return {
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(wakeAt === undefined ? {} : { wakeAt: new Date(wakeAt) }),
    ...(isLeft ? { leftBehind: true } : {}),
  }
}

function reasonOf({ ended, pause }: State): string | undefined {
  if (ended === undefined) return pause?.message
  if (ended.status === 'completed') return undefined
  return ended.status === 'failed' ? `${ended.code}: ${ended.message}` : ended.message
}
