/**
 * The story: what happened, as people and the model are told it. Folded from the narrative entries alone, so that
 * thousands of calls in between cost nothing.
 *
 * A story grows with its run; it is rendered into prompts and into `agent.memory`, and is never part of a checkpoint.
 */
import type { CallId, GuestError, ToldVariable } from '../base/halt.ts'
import { without } from '../base/without.ts'
import {
  NARRATIVE,
  type Entry,
  type MemoryEdit,
  type OutputReason,
  type Stored,
  type Usage,
} from './entry.ts'

export interface ActionChapter {
  readonly kind: 'action'
  readonly number: number
  /** What the model said around its code, and its parts verbatim for the next prompt. */
  readonly text: string
  readonly parts: Stored
  /** Who said it. */
  readonly model?: string
  readonly code: string
  /** The code was refused: nothing of it ran. */
  readonly notRun?: true
  /** What the step printed, the value of its last expression, and its error, once it has ended. */
  readonly printed: string
  readonly shown?: string
  readonly error?: GuestError
  /** Shown to the model with what came of the step (encoded). */
  readonly images?: Stored
  /** A person took the error out of the memory: it happened, and is not told. */
  readonly isErrorHidden?: true
  readonly killed?: { readonly reason: string; readonly message: string; readonly calls: string }
  readonly answer?: Stored
  /** A person interrupted it: what became of its open calls, in words. */
  readonly cut?: string
  readonly open: readonly CallId[]
  /** Of the session, new or changed by the step; of very many the first, and how many more. */
  readonly variables?: readonly ToldVariable[]
  readonly moreVariables?: number
  /** Notes that its code has pinned. */
  readonly pins?: readonly string[]
  readonly usage: Usage
  /** Ms that the model took to write it. */
  readonly took?: number
  readonly startedAt: number
  readonly endedAt?: number
  /** The journal's range of the step: its calls stand between. */
  readonly firstSeq: number
  readonly lastSeq: number
}

export interface PlanningChapter {
  readonly kind: 'planning'
  /** From 1, over the whole run. */
  readonly number: number
  readonly plan: string
  /** Who made it. */
  readonly model?: string
  /** The model's parts verbatim; absent where a person has changed the plan. */
  readonly parts?: Stored
  readonly usage: Usage
  /** When it stood, and the ms that the model took for it. */
  readonly madeAt: number
  readonly took?: number
}

export type Chapter =
  | {
      readonly kind: 'task'
      readonly number: number
      readonly task: string
      readonly additionalArgs?: Stored
      readonly large?: readonly string[]
      readonly images?: Stored
      /** What a follow-up finds: the variables of the session, by name, and the output of the task before. */
      readonly found?: { readonly variables: ReadonlyMap<string, string>; readonly output?: Stored }
    }
  | ActionChapter
  | PlanningChapter
  /** A reply without code: an answer in words, or a mistake. */
  | {
      readonly kind: 'reply'
      readonly text: string
      readonly parts: Stored
      /** Who said it. */
      readonly model?: string
      readonly mistake?: string
      readonly answered: boolean
    }
  | { readonly kind: 'refused'; readonly check: string; readonly why: string }
  | { readonly kind: 'said'; readonly text: string }
  /** It stands for the steps that it covers; the notes that they pinned stay. */
  | {
      readonly kind: 'summary'
      readonly upTo: number
      readonly text: string
      readonly pins: readonly string[]
      /** Replies to the task that is under way, among the steps that it covers. */
      readonly replies: number
    }
  | {
      readonly kind: 'tools'
      readonly changed: readonly string[]
      readonly added: readonly string[]
      readonly removed: readonly string[]
    }
  | { readonly kind: 'finalAnswer'; readonly output: Stored; readonly reason: OutputReason }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'stopped'; readonly message: string }

/** So many pinned notes are kept in view. */
const MOST_PINS = 50

/** A run's story so far; `heard` is the last reply, which a step may follow. */
export interface Story {
  readonly chapters: readonly Chapter[]
  readonly seq: number
  /** How many narrative entries it was told: the state counts them too. */
  readonly told: number
  readonly heard?: Entry<'model-replied'>
  /** What was said while the model was asked: it stands after the reply, which does not know it. */
  readonly missed?: readonly Chapter[]
  /** The variables of the session, by name, with their types; in place, as the list of chapters. */
  readonly variables: ReadonlyMap<string, string>
}

/** The story after `entry`. Entries that are not narrative change nothing. Amortised O(1): the list is extended in place. */
export function tell(story: Story, entry: Entry): Story {
  if (entry.seq <= story.seq) return story
  const chapters = story.chapters as Chapter[]
  const variables = story.variables as Map<string, string>
  const next = { chapters, variables, seq: entry.seq, told: story.told + (NARRATIVE.has(entry.kind) ? 1 : 0) }
  switch (entry.kind) {
    case 'task-added':
      chapters.push({
        kind: 'task',
        number: entry.number,
        task: entry.task,
        ...(entry.additionalArgs === undefined ? {} : { additionalArgs: entry.additionalArgs }),
        ...(entry.large === undefined ? {} : { large: entry.large }),
        ...(entry.images === undefined ? {} : { images: entry.images }),
        ...found(story, entry.number),
      })
      return next
    case 'model-replied': {
      const missed = takeSaid(chapters, entry.unheard)
      if (entry.acts) return { ...next, heard: entry, missed }
      chapters.push({
        kind: 'reply',
        text: entry.text,
        parts: entry.parts,
        answered: entry.answer !== undefined,
        ...(entry.model === undefined ? {} : { model: entry.model }),
        ...(entry.mistake === undefined ? {} : { mistake: entry.mistake }),
      })
      chapters.push(...missed)
      return next
    }
    case 'context-compacted': {
      const missed = takeSaid(chapters, entry.unheard)
      const { upTo, summary } = entry
      chapters.push(summaryOf(chapters, upTo, summary), ...missed)
      return next
    }
    case 'plan-made': {
      const missed = takeSaid(chapters, entry.unheard)
      chapters.push({
        kind: 'planning',
        number: chapters.filter((chapter) => chapter.kind === 'planning').length + 1,
        plan: entry.plan,
        parts: entry.parts,
        ...(entry.model === undefined ? {} : { model: entry.model }),
        usage: entry.usage,
        madeAt: entry.at,
        ...(entry.took === undefined ? {} : { took: entry.took }),
      })
      chapters.push(...missed)
      return next
    }
    case 'step-started':
      chapters.push({
        kind: 'action',
        number: entry.step,
        text: story.heard?.text ?? '',
        parts: story.heard?.parts ?? '',
        ...(story.heard?.model === undefined ? {} : { model: story.heard.model }),
        code: entry.source,
        ...(entry.program === undefined ? { notRun: true as const } : {}),
        printed: '',
        open: [],
        usage: story.heard?.usage ?? { inputTokens: 0, outputTokens: 0 },
        ...(story.heard?.took === undefined ? {} : { took: story.heard.took }),
        startedAt: entry.at,
        firstSeq: entry.seq,
        lastSeq: entry.seq,
      })
      chapters.push(...(story.missed ?? []))
      return next
    case 'step-ended':
      for (const { name, type } of entry.variables ?? []) {
        // The newest last.
        variables.delete(name)
        variables.set(name, type)
      }
      amendLast(chapters, (action) => ({
        ...action,
        printed: entry.printed,
        open: entry.open,
        endedAt: entry.at,
        lastSeq: entry.seq,
        ...(entry.shown === undefined ? {} : { shown: entry.shown }),
        ...(entry.error === undefined ? {} : { error: entry.error }),
        ...(entry.answer === undefined ? {} : { answer: entry.answer }),
        ...(entry.variables === undefined ? {} : { variables: entry.variables }),
        ...(entry.moreVariables === undefined ? {} : { moreVariables: entry.moreVariables }),
        ...(entry.pins === undefined ? {} : { pins: entry.pins }),
      }))
      return next
    case 'step-interrupted':
      amendLast(chapters, (action) => ({ ...action, cut: entry.calls }))
      return next
    case 'step-killed':
      amendLast(chapters, (action) => ({
        ...action,
        endedAt: entry.at,
        lastSeq: entry.seq,
        killed: { reason: entry.reason, message: entry.message, calls: entry.calls },
      }))
      return next
    case 'output-refused':
      chapters.push({ kind: 'refused', check: entry.check, why: entry.why })
      return next
    case 'message-said':
      return inTurn(story, next, chapters, { kind: 'said', text: entry.text })
    case 'memory-edited':
      edit(chapters, entry)
      return inTurn(story, next, chapters)
    case 'tools-changed':
      return inTurn(story, next, chapters, {
        kind: 'tools',
        changed: entry.changed.filter((name) => entry.added?.includes(name) !== true),
        added: entry.added ?? [],
        removed: entry.removed ?? [],
      })
    case 'task-completed':
      chapters.push({ kind: 'finalAnswer', output: entry.output, reason: entry.reason })
      return next
    case 'task-failed':
      chapters.push({ kind: 'failed', code: entry.code, message: entry.message })
      return next
    case 'run-stopped':
      chapters.push({ kind: 'stopped', message: entry.message })
      return next
    default:
      return inTurn(story, next, chapters)
  }
}

/** A chapter in its turn: what comes while a program waits for approval stands after the reply that it was in. */
function inTurn(
  { heard: reply, missed = [] }: Story,
  next: Story,
  chapters: Chapter[],
  ...more: readonly Chapter[]
): Story {
  if (reply !== undefined) return { ...next, heard: reply, missed: [...missed, ...more] }
  chapters.push(...more)
  return next
}

/** An action as it is told: without what a person took out of the memory. */
export function asTold(action: ActionChapter): ActionChapter {
  return action.isErrorHidden === true ? without(action, 'error', 'killed') : action
}

/** What a chapter keeps that may lie elsewhere. */
export function storedIn(chapter: Chapter): readonly Stored[] {
  if (chapter.kind === 'action') return [chapter.parts, chapter.images ?? '']
  if (chapter.kind === 'reply') return [chapter.parts]
  if (chapter.kind === 'task')
    return [chapter.additionalArgs ?? '', chapter.images ?? '', chapter.found?.output ?? '']
  if (chapter.kind === 'planning') return [chapter.parts ?? '']
  return chapter.kind === 'finalAnswer' ? [chapter.output] : []
}

/** A fresh story that can be told on: stories share no list. */
export function newStory(): Story {
  return { chapters: [], variables: new Map(), seq: 0, told: 0 }
}

/** A summary that is made now. */
export function summaryOf(
  chapters: readonly Chapter[],
  upTo: number,
  text: string,
): Extract<Chapter, { kind: 'summary' }> {
  const covered = chapters.findLastIndex((chapter) => chapter.kind === 'action' && chapter.number <= upTo) + 1
  const task = chapters.findLastIndex((chapter) => chapter.kind === 'task')
  const replies = chapters
    .slice(task + 1, covered)
    .filter(({ kind }) => kind === 'action' || kind === 'reply').length
  return { kind: 'summary', upTo, text, pins: pinsUpTo(chapters, upTo), replies }
}

/** The newest notes that were pinned by steps up to this one, each once. */
function pinsUpTo(chapters: readonly Chapter[], upTo: number): readonly string[] {
  const pinned = chapters.flatMap((chapter) =>
    chapter.kind === 'action' && chapter.number <= upTo ? (chapter.pins ?? []) : [],
  )
  return [...new Set(pinned)].slice(-MOST_PINS)
}

/** The story as it was when the model was asked, since when so many messages were said. */
export function heard(chapters: readonly Chapter[], unheard = 0): readonly Chapter[] {
  const copy = [...chapters]
  takeSaid(copy, unheard)
  return copy
}

/** Takes the last `count` messages out of the story. */
function takeSaid(chapters: Chapter[], count = 0): readonly Chapter[] {
  const taken: Chapter[] = []
  for (let index = chapters.length - 1; index >= 0 && taken.length < count; index--)
    if (chapters[index]?.kind === 'said') taken.unshift(...chapters.splice(index, 1))
  return taken
}

/** What a follow-up task begins with. */
function found(
  { chapters, variables }: Story,
  number: number,
): Pick<Extract<Chapter, { kind: 'task' }>, 'found'> {
  if (number === 1) return {}
  const before = chapters.findLast(({ kind }) => kind === 'finalAnswer' || kind === 'task')
  const output = before?.kind === 'finalAnswer' ? { output: before.output } : {}
  return { found: { variables: new Map(variables), ...output } }
}

/** Amends the action that is still open; what was said meanwhile may stand after it. */
function amendLast(chapters: Chapter[], amend: (action: ActionChapter) => ActionChapter): void {
  const index = chapters.findLastIndex(
    (chapter) => chapter.kind === 'action' && chapter.endedAt === undefined,
  )
  const open = chapters[index]
  if (open?.kind === 'action') chapters[index] = amend(open)
}

/** A step as a person has changed it: another chapter in its place. One that is not there was never told. */
function edit(chapters: Chapter[], { of, number, patch }: MemoryEdit): void {
  const index = chapters.findIndex((chapter) => chapter.kind === of && chapter.number === number)
  const chapter = chapters[index]
  if (chapter?.kind === 'task')
    chapters[index] = {
      ...without(chapter, ...(patch.images === undefined ? [] : (['images'] as const))),
      ...(patch.images === undefined || patch.images === null ? {} : { images: patch.images }),
      task: patch.task ?? chapter.task,
    }
  else if (chapter?.kind === 'planning' && patch.plan !== undefined)
    chapters[index] = { ...without(chapter, 'parts'), plan: patch.plan }
  else if (chapter?.kind === 'action')
    chapters[index] = {
      ...without(
        chapter,
        ...(patch.value === undefined ? [] : (['shown'] as const)),
        ...(patch.images === undefined ? [] : (['images'] as const)),
      ),
      ...(patch.images === undefined || patch.images === null ? {} : { images: patch.images }),
      ...(typeof patch.value === 'string' ? { shown: patch.value } : {}),
      ...(patch.error === null ? { isErrorHidden: true as const } : {}),
      printed: patch.output ?? chapter.printed,
    }
}
