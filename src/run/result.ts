/** How a run looks when it rests: the typed result (P7), made from the state alone. */
import { decode } from '../base/codec.ts'
import { parseJson } from '../base/json.ts'
import type { OutputReason, QuestionKind, RunId, Usage } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { callsAgents, nextDue } from '../journal/view.ts'
import type { QuestionRow, Store } from '../journal/store.ts'
import { plain } from '../agent/memory.ts'
import { readBlob } from './blob.ts'
import { newsIn, pathOf } from './family.ts'

/** What a person can answer. */
export interface Question {
  readonly id: string
  readonly kind: QuestionKind
  readonly message: string
  /** The call that waits: its tool, the exact validated arguments, and their digest. */
  readonly call?: { readonly tool: string; readonly args: unknown; readonly digest: string }
  /** JSON Schema of the answer's value. */
  readonly schema?: unknown
  readonly createdAt: Date
  readonly expiresAt?: Date
  /** Where a managed agent asks: the names of the agents from the run's own down to it. */
  readonly path?: readonly string[]
  /** The id of the state key without which its words are not shown; absent where they are. */
  readonly lockedBy?: string
}

/** A call that was in flight when the run came to rest: it may still land. */
export interface CallInfo {
  readonly call: string
  readonly tool: string
}

interface Common {
  readonly runId: RunId
  /** Action steps of the whole run. */
  readonly stepCount: number
  readonly usage: Usage
  /** How long this process drove the run for this result, in ms. */
  readonly durationMs: number
  /** W3C trace context: all segments of the run share its trace id. */
  readonly traceparent: string
  /** How this process got the heap, if the run was resumed. */
  readonly resumedFrom?: 'snapshot' | 'replay'
}

export type RunResult<Output = unknown> = Common &
  (
    | { readonly status: 'completed'; readonly output: Output; readonly reason: OutputReason }
    | {
        readonly status: 'paused'
        readonly message: string
        readonly questions: readonly Question[]
        readonly wakeAt?: Date
        readonly inFlight: readonly CallInfo[]
      }
    | { readonly status: 'stopped'; readonly message: string; readonly inFlight: readonly CallInfo[] }
    | { readonly status: 'failed'; readonly error: { readonly code: string; readonly message: string } }
  )

export interface Driven {
  readonly durationMs: number
  readonly inFlight: readonly CallInfo[]
  readonly resumedFrom?: 'snapshot' | 'replay'
}

/** The result of a run at rest. */
export async function resultOf(store: Store, state: State, driven: Driven): Promise<RunResult> {
  const common: Common = {
    runId: state.runId,
    stepCount: state.stepCount,
    usage: state.usage,
    durationMs: Math.round(driven.durationMs),
    traceparent: state.run.traceparent,
    ...(driven.resumedFrom === undefined ? {} : { resumedFrom: driven.resumedFrom }),
  }
  const { ended } = state
  if (ended === undefined) {
    const wakeAt = await firstDue(store, state)
    return {
      ...common,
      status: 'paused',
      message: state.pause?.message ?? 'The run was cut and can be resumed.',
      questions: await openQuestions(store, state.runId),
      inFlight: driven.inFlight,
      ...(wakeAt === undefined ? {} : { wakeAt: new Date(wakeAt) }),
    }
  }
  switch (ended.status) {
    case 'completed': {
      const text =
        typeof ended.output === 'string'
          ? ended.output
          : await readBlob(store, state.runId, ended.output.blob)
      return { ...common, status: 'completed', output: decode(text), reason: ended.reason }
    }
    case 'failed':
      return { ...common, status: 'failed', error: { code: ended.code, message: ended.message } }
    case 'stopped':
      return { ...common, status: 'stopped', message: ended.message, inFlight: driven.inFlight }
    default:
      return ended satisfies never
  }
}

/** When the run, or an agent's below it, may go on by itself. */
async function firstDue(store: Store, state: State): Promise<number | undefined> {
  const own = nextDue(state)
  if (!callsAgents(state)) return own
  const { due } = (await newsIn(store, state.runId)).of(state.runId)
  return own === undefined || due === undefined ? (own ?? due) : Math.min(own, due)
}

/** The open questions of a run and of the agents' runs below it, or of all runs of a store; oldest first. */
export async function openQuestions(store: Store, runId?: RunId): Promise<readonly Question[]> {
  const rows = await openRows(store, runId)
  return Promise.all(
    rows.map(async (row) => {
      const path = runId === undefined || row.runId === runId ? [] : await pathOf(store, runId, row.runId)
      return { ...questionOf(row), ...(path.length === 0 ? {} : { path }) }
    }),
  )
}

async function openRows(store: Store, runId: RunId | undefined): Promise<readonly QuestionRow[]> {
  if (runId === undefined) return store.questions({})
  const family = await store.questions({ rootRunId: runId })
  return family.length > 0 ? family : store.questions({ runId })
}

/** A stored question as people see it: the arguments are decoded from the bytes that the tool will get (P9). */
export function questionOf(row: QuestionRow): Question {
  return {
    id: row.id,
    kind: row.kind,
    message: row.message,
    createdAt: new Date(row.createdAt),
    ...(row.call === undefined ? {} : { call: callOf(row.call) }),
    ...(row.schema === undefined ? {} : { schema: parseJson(row.schema, 'The schema of a question') }),
    ...(row.expiresAt === undefined ? {} : { expiresAt: new Date(row.expiresAt) }),
    ...(row.lockedBy === undefined ? {} : { lockedBy: row.lockedBy }),
  }
}

function callOf(text: string): NonNullable<Question['call']> {
  // The log wrote this text; `args` is in the wire format of values.
  const { tool, args, digest } = parseJson(text, 'The call of a question') as {
    tool: string
    args: string
    digest: string
  }
  return { tool, args: decode(args), digest }
}

/** A result as one JSON object of version 1, whatever the output holds. */
export function resultToJson(result: RunResult): { readonly v: 1; readonly [key: string]: unknown } {
  return { v: 1, ...(plain(result) as object) }
}
