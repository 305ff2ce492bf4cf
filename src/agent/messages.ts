/**
 * The story as the provider's messages. `toMessages` is the one line where they meet.
 *
 * M1  Rendering is a pure function of the system prompt and the chapters: messages are never stored.
 * M2  The prefix is byte-stable: a chapter that is closed renders the same for ever.
 * M3  A model's parts go back verbatim (reasoning, signatures), each tool call with its result.
 */
import { decode } from '../base/codec.ts'
import type { GuestError } from '../base/halt.ts'
import type { TaskImage } from './images.ts'
import type { Stored } from '../journal/entry.ts'
import type { ActionChapter, Chapter } from '../journal/story.ts'
import {
  promptPartsOf,
  toolCallIdsOf,
  type LanguageModelV4Message,
  type LanguageModelV4Prompt,
  type ReplyPart,
} from '../model/ask.ts'

/** The text of a value that is kept in place or as a blob; blobs are loaded before rendering. */
export type Text = (stored: ActionChapter['parts']) => string

/** The prompt for the model: the system prompt, then each chapter. */
export function toMessages(
  system: string,
  chapters: readonly Chapter[],
  text: Text,
  last?: string,
): LanguageModelV4Prompt {
  const told = chapters.flatMap((chapter) => remembered(chapter, text))
  return [{ role: 'system', content: system }, ...told, ...(last === undefined ? [] : [user(last)])]
}

const rendered = new WeakMap<Chapter, readonly LanguageModelV4Message[]>()

function remembered(chapter: Chapter, text: Text): readonly LanguageModelV4Message[] {
  const known = rendered.get(chapter)
  if (known !== undefined) return known
  const messages = render(chapter, text)
  rendered.set(chapter, messages)
  return messages
}

function render(chapter: Chapter, text: Text): readonly LanguageModelV4Message[] {
  switch (chapter.kind) {
    case 'task': {
      const args =
        chapter.additionalArgs === undefined
          ? ''
          : `\n\nThese variables are set for you:\n${describeArgs(text(chapter.additionalArgs))}`
      return [
        {
          role: 'user',
          content: [
            {
              type: 'text',
              text: `Task:\n${chapter.task}${args}`,
            },
            ...imageParts(chapter.images, text),
          ],
          providerOptions: { pca: { task: chapter.number } },
        },
      ]
    }
    case 'action':
      return reply(text(chapter.parts), observation(chapter))
    case 'reply':
      return reply(text(chapter.parts), chapter.mistake)
    case 'refused':
      return [
        user(`Your answer was refused by ${chapter.check}: ${chapter.why}\nCorrect it and answer again.`),
      ]
    case 'said':
      return [user(chapter.text)]
    case 'tools':
      return [user(`These tools have changed: ${chapter.changed.join(', ')}.`)]
    case 'finalAnswer':
    case 'failed':
    case 'stopped':
      return []
    default:
      return chapter satisfies never
  }
}

/** Images stand with their task and nowhere else: a long run sends each of them once a request. */
function imageParts(images: Stored | undefined, text: Text): UserPart[] {
  if (images === undefined) return []
  const given = decode(text(images)) as readonly TaskImage[]
  return given.map(({ mediaType, data }) => ({ type: 'file', mediaType, data: { type: 'data', data } }))
}

type UserPart = Extract<LanguageModelV4Message, { role: 'user' }>['content'][number]

/** The model's own words, and what came of them: a result for each tool call, else a user message. */
function reply(parts: string, result: string | undefined): readonly LanguageModelV4Message[] {
  const given = decode(parts) as readonly ReplyPart[]
  const ids = toolCallIdsOf(given)
  const assistant: LanguageModelV4Message = { role: 'assistant', content: promptPartsOf(given) }
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
  if (action.open.length > 0) parts.push(`Still running: calls ${action.open.join(', ')}.`)
  if (action.answer !== undefined) parts.push('The answer was given.')
  return parts.length === 0 ? '(the step ended and printed nothing)' : parts.join('\n\n')
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

function describeArgs(encoded: string): string {
  const args = decode(encoded) as Readonly<Record<string, unknown>>
  return Object.entries(args)
    .map(([name, value]) => `- ${name}: ${Array.isArray(value) ? `array of ${value.length}` : typeof value}`)
    .join('\n')
}

function user(text: string): LanguageModelV4Message {
  return { role: 'user', content: [{ type: 'text', text }] }
}
