/**
 * The story as the provider's messages. `toMessages` is the one line where they meet.
 *
 * M1  Rendering is a pure function of the system prompt and the chapters: messages are never stored.
 * M2  The prefix is byte-stable: a chapter that is closed renders the same until it grows old (`context.ts`).
 * M3  A model's parts go back verbatim (reasoning, signatures), each tool call with its result.
 */
import { inspect } from 'node:util'
import { decode } from '../base/codec.ts'
import type { GuestError } from '../base/halt.ts'
import { shortened, toldOf, type SummaryChapter } from './context.ts'
import { typeOf, variablesText } from './describe.ts'
import type { TaskImage } from './images.ts'
import { SAID } from './next.ts'
import type { Stored } from '../journal/entry.ts'
import { PLAN_STANDS } from './plan.ts'
import { asTold, type ActionChapter, type Chapter, type PlanningChapter } from '../journal/story.ts'
import {
  promptPartsOf,
  toolCallIdsOf,
  type LanguageModelV4Message,
  type LanguageModelV4Prompt,
  type Reader,
  type ReplyPart,
} from '../model/ask.ts'

/** The text of a value that is kept in place or as a blob; blobs are loaded before rendering. */
export type Text = (stored: ActionChapter['parts']) => string

/** For whom the story is rendered. Default: for the model that wrote it all, which is offered its tool. */
export interface Listener {
  /** The name of the model that is asked: what another one thought is left out. */
  readonly model?: string
  /** No tool is offered: calls become text. */
  readonly callsAsText?: boolean
  /** Tokens that the model takes in one request, where that is known. */
  readonly window?: number | undefined
  /** What is said after the last chapter, to this request alone. */
  readonly last?: string | undefined
}

/** The prompt for the model: the system prompt, then each chapter. */
export function toMessages(
  system: string,
  chapters: readonly Chapter[],
  text: Text,
  listener: Listener = {},
): LanguageModelV4Prompt {
  const { last, model, callsAsText = false, window } = listener
  const told = toldOf(chapters, window).flatMap(({ chapter, chars }) => {
    const said = 'model' in chapter ? chapter.model : undefined
    return remembered(chapter, text, {
      foreign: model !== undefined && said !== undefined && said !== model,
      callsAsText,
      chars,
    })
  })
  return [{ role: 'system', content: system }, ...told, ...(last === undefined ? [] : [user(last)])]
}

/** Of a long session, the newest. */
const MOST_VARIABLES = 40
/** Characters up to which an output is repeated. */
const SHORT_OUTPUT = 400

/** The prompt from which a step came: all that stood before it. */
export function messagesBefore(
  step: { readonly of: 'planning' | 'action'; readonly number: number },
  told: { readonly system: string; readonly chapters: readonly Chapter[]; readonly text: Text },
): LanguageModelV4Prompt {
  const at = told.chapters.findIndex((chapter) => chapter.kind === step.of && chapter.number === step.number)
  return toMessages(told.system, told.chapters.slice(0, Math.max(0, at)), told.text)
}

/** For whom a chapter is rendered, and the characters that an output is shortened to, if it is. */
interface Form extends Reader {
  readonly chars: number | undefined
}

interface Rendered {
  readonly form: Form
  readonly messages: readonly LanguageModelV4Message[]
}

const rendered = new WeakMap<Chapter, Rendered>()

function remembered(chapter: Chapter, text: Text, form: Form): readonly LanguageModelV4Message[] {
  const known = rendered.get(chapter)
  const isSame =
    known?.form.foreign === form.foreign &&
    known?.form.callsAsText === form.callsAsText &&
    known?.form.chars === form.chars
  if (known !== undefined && isSame) return known.messages
  const messages = render(chapter, text, form)
  rendered.set(chapter, { form, messages })
  return messages
}

function render(chapter: Chapter, text: Text, reader: Form): readonly LanguageModelV4Message[] {
  switch (chapter.kind) {
    case 'task':
      return [
        {
          role: 'user',
          content: [{ type: 'text', text: taskText(chapter, text) }, ...imageParts(chapter.images, text)],
          providerOptions: { pca: { task: chapter.number } },
        },
      ]
    case 'action':
      return [
        ...reply(text(chapter.parts), told(chapter, reader.chars), reader),
        ...shownImages(chapter, text),
      ]
    case 'planning':
      return plan(chapter, text, reader)
    case 'reply':
      return reply(text(chapter.parts), chapter.mistake, reader)
    case 'refused':
      return [user(refusedText(chapter))]
    case 'said':
      return [user(chapter.text)]
    case 'summary':
      return [summary(chapter)]
    case 'tools':
      return [user(toolsText(chapter))]
    case 'finalAnswer':
    case 'failed':
    case 'stopped':
      return []
    default:
      return chapter satisfies never
  }
}

/** The observation, shortened where the step is old or printed too much for the model. */
function told(action: ActionChapter, chars: number | undefined): string {
  const text = observation(asTold(action))
  return chars === undefined ? text : shortened(text, chars, action.number)
}

function summary({ upTo, text, pins, replies }: SummaryChapter): LanguageModelV4Message {
  const notes =
    pins.length === 0 ? '' : `\n\nYour pinned notes:\n${pins.map((note) => `- ${note}`).join('\n')}`
  const head = `Steps 1 to ${upTo} are not shown any more; await history.step(n).output is what step n printed, history.step(n).code its program. Your summary of them:`
  return { ...user(`${head}\n${text.trim()}${notes}`), providerOptions: { pca: { replies } } }
}

function toolsText({ changed, added, removed }: Extract<Chapter, { kind: 'tools' }>): string {
  return [
    ...(changed.length === 0 ? [] : [`These tools have changed: ${changed.join(', ')}.`]),
    ...(added.length === 0 ? [] : [`These tools are new: ${added.join(', ')}.`]),
    ...(removed.length === 0
      ? []
      : [`These tools were taken away, and cannot be called any more: ${removed.join(', ')}.`]),
    'The declarations above are those of now.',
  ].join(' ')
}

function refusedText({ check, why }: Extract<Chapter, { kind: 'refused' }>): string {
  if (check === SAID) return 'Your answer does not stand yet: the message above came before it. Answer again.'
  return `Your answer was refused by ${check}: ${why}\nCorrect it and answer again.`
}

function taskText({ task, additionalArgs, large, found }: TaskChapter, text: Text): string {
  const parts = [`Task:\n${task}`]
  if (additionalArgs !== undefined)
    parts.push(`These variables are set for you:\n${describeArgs(text(additionalArgs), large)}`)
  if (found !== undefined) parts.push(...foundText(found, text))
  return parts.join('\n\n')
}

/** What a follow-up task finds of the tasks before it. */
function foundText({ variables, output }: NonNullable<TaskChapter['found']>, text: Text): readonly string[] {
  const all = Array.from(variables, ([name, type]) => ({ name, type }))
  const newest = all.slice(-MOST_VARIABLES)
  const older = all.length > newest.length ? `, and ${all.length - newest.length} older ones` : ''
  return [
    ...(all.length === 0 ? [] : [`Your variables are still there: ${variablesText(newest)}${older}.`]),
    ...(output === undefined ? [] : [`Your last answer is in lastOutput: ${shortly(decode(text(output)))}`]),
  ]
}

function shortly(value: unknown): string {
  const all = typeof value === 'string' ? value : inspect(value, { depth: 4, breakLength: Infinity })
  return all.length > SHORT_OUTPUT ? typeOf(value) : all
}

/** Images of a step, that an author put into the memory. */
function shownImages({ number, images }: ActionChapter, text: Text): readonly LanguageModelV4Message[] {
  if (images === undefined) return []
  const said: UserPart = { type: 'text', text: `Images of step ${number}:` }
  return [{ role: 'user', content: [said, ...imageParts(images, text)] }]
}

/** Images stand with their task or step and nowhere else: a long run sends each of them once a request. */
function imageParts(images: Stored | undefined, text: Text): UserPart[] {
  if (images === undefined) return []
  const given = decode(text(images)) as readonly TaskImage[]
  return given.map(({ mediaType, data }) => ({ type: 'file', mediaType, data: { type: 'data', data } }))
}

type TaskChapter = Extract<Chapter, { kind: 'task' }>
type UserPart = Extract<LanguageModelV4Message, { role: 'user' }>['content'][number]

/** The model's own words, and what came of them: a result for each tool call, else a user message. */
function reply(parts: string, result: string | undefined, reader: Reader): readonly LanguageModelV4Message[] {
  const given = decode(parts) as readonly ReplyPart[]
  const ids = reader.callsAsText === true ? [] : toolCallIdsOf(given)
  const assistant: LanguageModelV4Message = { role: 'assistant', content: promptPartsOf(given, reader) }
  if (result === undefined && ids.length === 0) return [assistant]
  const value = result ?? '(nothing)'
  if (ids.length === 0) return [assistant, user(value)]
  const content = ids.map(({ toolCallId, toolName }, index) => ({
    type: 'tool-result' as const,
    toolCallId,
    toolName,
    output: {
      type: 'text' as const,
      value: index === ids.length - 1 ? value : 'Its output is shown with the last call.',
    },
  }))
  return [assistant, { role: 'tool', content }]
}

/** The plan in the model's own words, or in those of whoever changed it. */
function plan(
  { parts, plan: words }: PlanningChapter,
  text: Text,
  reader: Reader,
): readonly LanguageModelV4Message[] {
  if (words === '') return []
  const content: Extract<LanguageModelV4Message, { role: 'assistant' }>['content'] =
    parts === undefined
      ? [{ type: 'text', text: words }]
      : promptPartsOf(decode(text(parts)) as readonly ReplyPart[], reader)
  return [{ role: 'assistant', content }, user(PLAN_STANDS)]
}

/** What the model is told about a step that has ended. */
export function observation(action: ActionChapter): string {
  if (action.endedAt === undefined) return '(the step is still running)'
  if (action.killed !== undefined) return killedText(action.killed)
  const parts: string[] = []
  if (action.printed !== '') parts.push(`Printed:\n${action.printed.trimEnd()}`)
  if (action.shown !== undefined) parts.push(`Value:\n${action.shown}`)
  if (action.error !== undefined)
    parts.push(
      `Error:\n${errorText(action.error)}${action.notRun === true ? '' : '\nVariables set before the error are kept.'}`,
    )
  if (action.cut !== undefined && action.cut !== '') parts.push(`Calls that were open: ${action.cut}.`)
  parts.push(...changedText(action))
  if (action.open.length > 0) parts.push(`Still running: calls ${action.open.join(', ')}.`)
  if (action.answer !== undefined) parts.push('The answer was given.')
  return parts.length === 0 ? '(the step ended and printed nothing)' : parts.join('\n\n')
}

function changedText({ variables = [], moreVariables }: ActionChapter): readonly string[] {
  const fresh = variables.filter(({ isNew }) => isNew === true)
  const changed = variables.filter(({ isNew }) => isNew !== true)
  const more = moreVariables === undefined ? '' : ` And ${moreVariables} more.`
  const lines = [
    ...(fresh.length === 0 ? [] : [`New variables: ${variablesText(fresh)}.`]),
    ...(changed.length === 0 ? [] : [`Changed variables: ${variablesText(changed)}.`]),
  ]
  return lines.length === 0 ? [] : [lines.join('\n') + more]
}

function killedText(killed: NonNullable<ActionChapter['killed']>): string {
  const calls =
    killed.calls === ''
      ? ''
      : `\nIts calls: ${killed.calls}. Their results are not in your variables; what they did stays done.`
  return `Error:\nThe step was ended by a limit (${killed.reason}): ${killed.message}\nThe variables are as they were before the step.${calls}`
}

function errorText(error: GuestError): string {
  const head = `${error.name}: ${error.message}`
  if (error.stack === undefined || error.stack === '') return head
  return error.stack.startsWith(head) ? error.stack : `${head}\n${error.stack}`
}

const IN_PARTS =
  ', too large to be here whole: length, await it.slice(0, 20), await it.get(key), for await (const item of it)'

function describeArgs(encoded: string, large: readonly string[] = []): string {
  const args = decode(encoded) as Readonly<Record<string, unknown>>
  return Object.entries(args)
    .map(([name, value]) => `- ${name}: ${typeOf(value)}${large.includes(name) ? IN_PARTS : ''}`)
    .join('\n')
}

function user(text: string): LanguageModelV4Message {
  return { role: 'user', content: [{ type: 'text', text }] }
}
