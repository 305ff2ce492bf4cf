/**
 * What of a long story a request tells, so that the context stays within the model's window.
 *
 * W1  What a step printed is told whole while the step is new, then shortened to its ends. Steps grow old in batches:
 *     between two batches the prompt's beginning stays byte for byte what it was, and providers' caches hold.
 * W2  A summary takes the place of the steps that it covers. The task, plans, what people said and pinned notes are
 *     never summarised.
 * W3  Everything that is cut can be read from the code: `await history.step(12).output`.
 * W4  All of it follows from the chapters and the window: the same in every process.
 */
import type { State } from '../journal/shape.ts'
import type { Chapter } from '../journal/story.ts'

/** So many of the newest steps, at least, are told whole; and so many grow old together. */
const WHOLE = 20
const BATCH = 20
/** Characters that an old step's output is shortened to, about. */
const OLD = 600
/** Of the window, what the output of one step may take. */
const PART_OF_WINDOW = 8
const CHARS_PER_TOKEN = 3
/** Of the window, what the prompt may fill before older steps are summarised. */
const FULL = 0.7
/** So many of the newest steps are never summarised; and fewer than so many are not worth a request. */
const NEWEST = 5
const WORTH = 5
/** Prompts of fewer tokens fit into any window: nobody has to know it. */
const SMALL = 4_000

export type SummaryChapter = Extract<Chapter, { kind: 'summary' }>

/** What a request tells: the chapters, each with the characters that its output is shortened to, if it is. */
export interface Told {
  readonly chapter: Chapter
  readonly chars?: number
}

/** W1, W2. `window`: of the model, in tokens, where it is known. */
export function toldOf(chapters: readonly Chapter[], window: number | undefined): readonly Told[] {
  const summary = chapters.findLast((chapter) => chapter.kind === 'summary')
  const remaining = summary === undefined ? chapters : afterSummary(chapters, summary)
  const old = firstWhole(chapters)
  const most = window === undefined ? undefined : Math.floor(window / PART_OF_WINDOW) * CHARS_PER_TOKEN
  return remaining.map((chapter) => {
    const chars = chapter.kind === 'action' && chapter.number < old ? Math.min(OLD, most ?? OLD) : most
    return chars === undefined ? { chapter } : { chapter, chars }
  })
}

/** The number of the first step that is told whole. */
function firstWhole(chapters: readonly Chapter[]): number {
  const last = chapters.findLast((chapter) => chapter.kind === 'action')?.number ?? 0
  return Math.max(0, Math.floor((last - WHOLE) / BATCH) * BATCH) + 1
}

/** W2: what is kept of the part that it covers, the summary, and what comes after that part. */
function afterSummary(chapters: readonly Chapter[], summary: SummaryChapter): readonly Chapter[] {
  const end =
    chapters.findLastIndex((chapter) => chapter.kind === 'action' && chapter.number <= summary.upTo) + 1
  const kept = chapters.slice(0, end).filter(({ kind }) => KEPT.has(kind))
  return [...kept, summary, ...chapters.slice(end).filter(({ kind }) => kind !== 'summary')]
}

const KEPT: ReadonlySet<Chapter['kind']> = new Set(['task', 'planning', 'said'])

/** The last step that a summary covers, if it is made after `step`. */
export function summarisedUpTo(step: number): number {
  return Math.max(0, step - NEWEST)
}

/** Whether older steps are to be summarised before the model is asked again. */
export function isSummaryDue(state: State, window: () => number | undefined): boolean {
  const covered = Math.max(state.summarised?.upTo ?? 0, state.summarised?.triedAt ?? 0)
  if (summarisedUpTo(state.stepCount) - covered < WORTH) return false
  const tokens = promptTokens(state)
  if (tokens < SMALL) return false
  const known = state.run.options.contextWindow ?? window()
  return known !== undefined && tokens > known * FULL
}

/** Tokens of the next prompt, about: those of the last one and its reply, and what has come since. */
export function promptTokens({ prompt }: Pick<State, 'prompt'>): number {
  return prompt.tokens + Math.ceil(prompt.chars / CHARS_PER_TOKEN)
}

/** The window by which the chapters are rendered: what is small fits into any. */
export function windowFor(state: State, window: () => number | undefined): number | undefined {
  return state.run.options.contextWindow ?? (promptTokens(state) < SMALL ? undefined : window())
}

/** The ends of a text that is longer (W3). `step`: whose output it is. */
export function shortened(text: string, chars: number, step: number): string {
  const marked = `… ${text.length - chars} characters are left out here: await history.step(${step}).output has them …`
  if (text.length <= chars + marked.length) return text
  const head = Math.ceil((chars * 2) / 3)
  return `${text.slice(0, head).toWellFormed()}\n${marked}\n${text.slice(text.length - (chars - head)).toWellFormed()}`
}
