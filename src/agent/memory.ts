/** `agent.memory`: the story as data for people and programs. Typed and frozen. */
import { decode } from '../base/codec.ts'
import type { GuestError } from '../base/halt.ts'
import type { OutputReason, Stored, Usage } from '../journal/entry.ts'
import type { ActionChapter, Chapter } from '../journal/story.ts'

export interface TaskStep {
  readonly kind: 'task'
  readonly number: number
  readonly task: string
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
  readonly startedAt: Date
  /** Ms, waiting included; 0 while the step runs. */
  readonly durationMs: number
}

export interface FinalAnswerStep {
  readonly kind: 'finalAnswer'
  readonly output: unknown
  readonly reason: OutputReason
}

export type MemoryStep = TaskStep | ActionStep | FinalAnswerStep

export class Memory {
  readonly steps: readonly MemoryStep[]

  constructor(steps: readonly MemoryStep[]) {
    this.steps = Object.freeze([...steps])
    Object.freeze(this)
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
): Memory {
  return new Memory(
    chapters.flatMap((chapter): readonly MemoryStep[] => {
      if (chapter.kind === 'task')
        return [Object.freeze({ kind: 'task', number: chapter.number, task: chapter.task })]
      if (chapter.kind === 'action') return [actionStep(chapter, calls(chapter))]
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
  )
}

/** One step as memory shows it. */
export function actionStep(action: ActionChapter, calls: readonly CallSummary[]): ActionStep {
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
    startedAt: new Date(action.startedAt),
    durationMs: (action.endedAt ?? action.startedAt) - action.startedAt,
    ...(action.shown === undefined ? {} : { value: action.shown }),
    ...(error === undefined ? {} : { error }),
  })
}

function replayStep(step: MemoryStep): string {
  if (step.kind === 'task') return `Task ${step.number}: ${step.task}`
  if (step.kind === 'finalAnswer')
    return `Final answer (${step.reason}): ${JSON.stringify(plain(step.output, new Set()))}`
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
