/** Planning: when a plan is the first of its task, and how one is told afterwards. */
import type { Chapter } from '../journal/story.ts'

/** What is said after a plan, wherever it is told. */
export const PLAN_STANDS = 'Now carry out this plan, step by step. Leave it where the facts prove it wrong.'

/** Nothing has been done for the task yet. `chapters` is the story up to now. */
export function isFirstPlan(chapters: readonly Chapter[]): boolean {
  const task = chapters.findLastIndex((chapter) => chapter.kind === 'task')
  return !chapters
    .slice(task + 1)
    .some(({ kind }) => kind === 'planning' || kind === 'action' || kind === 'reply')
}
