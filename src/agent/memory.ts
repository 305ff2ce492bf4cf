/** `agent.memory`: the story as data for people and programs. Typed and frozen. */
import { decode } from '../base/codec.ts'
import { UsageError } from '../base/errors.ts'
import type { GuestError } from '../base/halt.ts'
import type { MemoryEdit, OutputReason, Stored, Usage } from '../journal/entry.ts'
import { asTold, type ActionChapter, type Chapter, type PlanningChapter } from '../journal/story.ts'
import type { LanguageModelV4Prompt } from '../model/ask.ts'
import { checkEdit, type MemoryPatch } from './memory-edit.ts'

export interface TaskStep {
  readonly kind: 'task'
  readonly number: number
  readonly task: string
}

/** A plan that the model made (`planningInterval`). */
export interface PlanningStep {
  readonly kind: 'planning'
  /** From 1, over the whole run: the first plan, the second. */
  readonly number: number
  readonly plan: string
  readonly usage: Usage
  readonly startedAt: Date
  /** Ms that the model took for it. */
  readonly durationMs: number
}

/** A call as memory shows it. */
export interface CallSummary {
  readonly id: string
  readonly tool: string
  readonly status: 'returned' | 'failed' | 'open' | 'withdrawn'
  readonly attempts: number
}

export interface ActionStep {
  readonly kind: 'action'
  /** From 1, over the whole run. */
  readonly number: number
  readonly thought: string
  readonly code: string
  /** What the step printed. */
  readonly output: string
  /** Its last expression's value, as it was shown to the model. */
  readonly value?: string
  readonly error?: GuestError
  readonly calls: readonly CallSummary[]
  readonly usage: Usage
  /** Ms that the model took to write it; absent where nobody measured. */
  readonly modelMs?: number
  readonly startedAt: Date
  /** Ms, waiting included; 0 while the step runs. */
  readonly durationMs: number
  /** Present while it has not ended. */
  readonly isRunning?: true
}

export interface FinalAnswerStep {
  readonly kind: 'finalAnswer'
  readonly output: unknown
  readonly reason: OutputReason
}

export type MemoryStep = TaskStep | PlanningStep | ActionStep | FinalAnswerStep

/** A step that callbacks look at. */
export type WatchedStep = PlanningStep | ActionStep | FinalAnswerStep

/** Where a memory's run can be read, and its edits recorded. */
export interface MemoryDesk {
  edit(edit: MemoryEdit): Promise<void>
  messagesOf(step: {
    readonly of: 'planning' | 'action'
    readonly number: number
  }): Promise<LanguageModelV4Prompt>
}

export class Memory {
  readonly steps: readonly MemoryStep[]
  readonly #desk: MemoryDesk | undefined

  constructor(steps: readonly MemoryStep[], desk?: MemoryDesk) {
    this.steps = Object.freeze([...steps])
    this.#desk = desk
    Object.freeze(this)
  }

  /**
   * Changes what the model is told of a step from now on; what happened stays in the journal. Of an action: `output`,
   * `value`, `error` and `images` (`null` takes away); of a task: `task` and `images`; of a plan: `plan`. Resolves when that is
   * durable. This view stays as it is: `agent.memory` is the one with the edit.
   * @throws {UsageError} there is no such step, it is still running, or the patch does not fit; the run is stopped.
   * @throws {RunBusyError} another process drives the run.
   */
  async edit(
    step: MemoryStep | number,
    patch: MemoryPatch,
    { by }: { readonly by?: string } = {},
  ): Promise<void> {
    const edit = checkEdit(this.steps, step, patch)
    await this.#atDesk().edit(by === undefined ? edit : { ...edit, by })
  }

  /**
   * What stood before the model when it wrote this step, in the AI SDK's form: the system prompt, and every message
   * since. Rendered from the journal, edits included; prompts are not stored.
   * @throws {UsageError} there is no such step, or the model did not write it.
   */
  async messagesOf(step: ActionStep | PlanningStep | number): Promise<LanguageModelV4Prompt> {
    const of = typeof step === 'number' ? 'action' : step.kind
    const number = typeof step === 'number' ? step : step.number
    if (!this.steps.some((one) => one.kind === of && one.number === number))
      throw new UsageError(`The memory has no ${of} step ${number}.`)
    return this.#atDesk().messagesOf({ of, number })
  }

  /** This memory, with a step that is about to be told. */
  and(step: MemoryStep): Memory {
    return new Memory([...this.steps, step], this.#desk)
  }

  #atDesk(): MemoryDesk {
    if (this.#desk !== undefined) return this.#desk
    throw new UsageError(
      'This memory is only a look at the run: it cannot be edited, nor its prompts read.',
      {
        hint: 'Bind an agent to the run (resumeExecution) and use agent.memory.',
      },
    )
  }

  /** The run as readable text. */
  replay(): string {
    return this.steps.map(replayStep).join('\n\n')
  }

  /** All actions as one script. */
  fullCode(): string {
    return this.steps
      .flatMap((step) => (step.kind === 'action' ? [`// step ${step.number}\n${step.code}`] : []))
      .join('\n\n')
  }

  /** Plain JSON whatever the values are: what JSON cannot hold is shown as text. */
  toJSON(): { readonly steps: readonly unknown[] } {
    return {
      steps: this.steps.map((step) =>
        step.kind === 'finalAnswer' ? { ...step, output: plain(step.output, new Set()) } : step,
      ),
    }
  }
}

/** Memory of a story. `text` gives the text of stored values, `calls` those of a step. */
export function memoryOf(
  chapters: readonly Chapter[],
  text: (stored: Stored) => string,
  calls: (action: ActionChapter) => readonly CallSummary[],
  desk?: MemoryDesk,
): Memory {
  return new Memory(
    chapters.flatMap((chapter): readonly MemoryStep[] => {
      if (chapter.kind === 'task')
        return [Object.freeze({ kind: 'task', number: chapter.number, task: chapter.task })]
      if (chapter.kind === 'action') return [actionStep(chapter, calls(chapter))]
      if (chapter.kind === 'planning') return [planningStep(chapter)]
      if (chapter.kind === 'finalAnswer')
        return [
          Object.freeze({
            kind: 'finalAnswer',
            output: decode(text(chapter.output)),
            reason: chapter.reason,
          }),
        ]
      return []
    }),
    desk,
  )
}

/** One step as memory shows it. */
export function actionStep(chapter: ActionChapter, calls: readonly CallSummary[]): ActionStep {
  const action = asTold(chapter)
  const error =
    action.error ??
    (action.killed === undefined ? undefined : { name: 'StepKilled', message: action.killed.message })
  return Object.freeze({
    kind: 'action',
    number: action.number,
    thought: action.text,
    code: action.code,
    output: action.printed,
    calls,
    usage: action.usage,
    ...(action.took === undefined ? {} : { modelMs: action.took }),
    startedAt: new Date(action.startedAt),
    durationMs: (action.endedAt ?? action.startedAt) - action.startedAt,
    ...(action.endedAt === undefined ? { isRunning: true } : {}),
    ...(action.shown === undefined ? {} : { value: action.shown }),
    ...(error === undefined ? {} : { error }),
  })
}

/** A plan as memory shows it. */
export function planningStep({ number, plan, usage, madeAt, took = 0 }: PlanningChapter): PlanningStep {
  const startedAt = new Date(madeAt - took)
  return Object.freeze({ kind: 'planning', number, plan, usage, startedAt, durationMs: took })
}

function replayStep(step: MemoryStep): string {
  if (step.kind === 'task') return `Task ${step.number}: ${step.task}`
  if (step.kind === 'finalAnswer')
    return `Final answer (${step.reason}): ${JSON.stringify(plain(step.output, new Set()))}`
  if (step.kind === 'planning') return `Plan ${step.number}:\n${step.plan.trimEnd()}`
  const parts = [`Step ${step.number}`, ...(step.thought === '' ? [] : [step.thought]), step.code]
  if (step.output !== '') parts.push(`Printed:\n${step.output.trimEnd()}`)
  if (step.value !== undefined) parts.push(`Value: ${step.value}`)
  if (step.error !== undefined) parts.push(`Error: ${step.error.name}: ${step.error.message}`)
  return parts.join('\n')
}

/** A value as JSON can hold it: dates as ISO text, maps and sets as arrays, the rest of the exotic as text. */
export function plain(value: unknown, above: ReadonlySet<object> = new Set()): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') return String(value)
  if (value === undefined) return null
  if (typeof value !== 'object') return `[${typeof value}]`
  if (above.has(value)) return '[circular]'
  const within = new Set(above).add(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof Error) return { name: value.name, message: value.message }
  if (value instanceof RegExp || value instanceof URL) return String(value)
  if (value instanceof Map) return [...value].map((pair) => plain(pair, within))
  if (value instanceof Set || Array.isArray(value)) return [...value].map((item) => plain(item, within))
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    const bytes =
      value instanceof ArrayBuffer
        ? new Uint8Array(value)
        : new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    return Buffer.from(bytes).toString('base64')
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, within)]))
}
