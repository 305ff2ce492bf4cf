/** What an agent did, in short, for the agent that called it (`provideRunSummary`). */
import type { ActionChapter, Chapter } from '../journal/story.ts'

const STEP_CHARS = 1_000
const CHARS = 20_000

/** Each step of the last task: its code, and what came of it, in few characters. A pure function of the story. */
export function runSummary(chapters: readonly Chapter[]): string {
  const task = chapters.findLastIndex((chapter) => chapter.kind === 'task')
  const steps = chapters.slice(task + 1).filter((chapter) => chapter.kind === 'action')
  return cut(steps.map(summaryOf).join('\n\n'), CHARS)
}

function summaryOf({ number, text, code, printed, shown, error }: ActionChapter): string {
  const parts = [`Step ${number}`]
  if (text.trim() !== '') parts.push(cut(text.trim(), STEP_CHARS))
  parts.push(cut(code.trimEnd(), STEP_CHARS))
  if (printed !== '') parts.push(`Printed:\n${cut(printed.trimEnd(), STEP_CHARS)}`)
  if (shown !== undefined) parts.push(`Value: ${cut(shown, STEP_CHARS)}`)
  if (error !== undefined) parts.push(`Error: ${error.name}: ${cut(error.message, STEP_CHARS)}`)
  return parts.join('\n')
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} characters more)`
}
