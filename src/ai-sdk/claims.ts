/**
 * What a client's messages say of tool parts, held against the journal (H30). A decision on a question that is open, in the
 * message that the client goes on with, is an answer. Whatever else they claim must be so already, or all is refused.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Decision } from '../journal/entry.ts'
import { ASK, type Asked, type Part, type Parts } from './parts.ts'
import { Refusal } from './refusal.ts'
import { isObject, type ChatMessage, type ChatRequest } from './request.ts'

export interface Answer {
  readonly asked: Asked
  readonly decision: Decision
}

type Given = ChatMessage['parts'][number]

/** The new answers. @throws {Refusal} 400: a claim that is not so. 409: another decision stands. */
export function answersIn(chat: ChatRequest, parts: Parts): readonly Answer[] {
  const target = targetOf(chat)
  const answers = new Map<string, Answer>()
  for (const message of chat.messages)
    for (const given of message.parts) {
      if (!isToolPart(given)) continue
      const answer = answerIn(given, parts, message === target)
      if (answer !== undefined) answers.set(answer.asked.id, answer)
    }
  return [...answers.values()]
}

/** The message that a client goes on with. */
export function targetOf({ messages, messageId }: ChatRequest): ChatMessage | undefined {
  const named = messages.find(({ id, role }) => id !== undefined && id === messageId && role === 'assistant')
  return named ?? messages.findLast(({ role }) => role === 'assistant')
}

/** The tool parts that a message has. */
export function partsOf(message: ChatMessage | undefined): readonly string[] {
  return (message?.parts ?? []).flatMap((part) => {
    const id = part['toolCallId']
    return isToolPart(part) && typeof id === 'string' ? [id] : []
  })
}

function isToolPart({ type }: Given): boolean {
  return typeof type === 'string' && (type === 'dynamic-tool' || type.startsWith('tool-'))
}

function answerIn(given: Given, parts: Parts, isTarget: boolean): Answer | undefined {
  const part = partOf(given, parts)
  const approval = isObject(given['approval']) ? given['approval'] : undefined
  if (approval !== undefined && typeof approval['approved'] === 'boolean') {
    const asked = questionOf(approval['id'], part, parts)
    const approved = approval['approved']
    if (asked.answer === undefined) {
      if (given['state'] !== 'approval-responded' || !isTarget) throw notSo(part)
      mustBeShown(given, part)
      return { asked, decision: approved ? { type: 'approve' } : rejection(approval['reason']) }
    }
    mustStand(asked, approved)
  }
  return hasOutput(given) ? answerByOutput(given, part, parts, isTarget) : undefined
}

/** An output of a question is its answer; every other one is ours to give. */
function answerByOutput(given: Given, part: Part, parts: Parts, isTarget: boolean): Answer | undefined {
  if (!part.isOpen) return undefined
  const asked = part.question === undefined ? undefined : parts.asked(part.question)
  if (part.name !== ASK || part.what !== 'question' || asked === undefined || !isTarget) throw notSo(part)
  if (given['state'] === 'output-error') return { asked, decision: rejection(given['errorText']) }
  if (given['state'] !== 'output-available' || given['output'] === undefined) throw notSo(part)
  return { asked, decision: { type: 'respond', value: given['output'] } }
}

function hasOutput({ state, preliminary }: Given): boolean {
  return typeof state === 'string' && state.startsWith('output-') && preliminary !== true
}

function partOf(given: Given, parts: Parts): Part {
  const { toolCallId, toolName, type } = given
  const part = typeof toolCallId === 'string' ? parts.get(toolCallId) : undefined
  if (part === undefined) throw new Refusal(400, 'USAGE', 'A message speaks of a call that there is not.')
  const name = typeof type === 'string' && type.startsWith('tool-') ? type.slice('tool-'.length) : toolName
  if (name !== part.name) throw new Refusal(400, 'USAGE', `Call ${part.id} is one of ${part.name}.`)
  return part
}

function questionOf(id: unknown, part: Part, parts: Parts): Asked {
  const asked = typeof id === 'string' ? parts.asked(id) : undefined
  if (asked?.part.id === part.id) return asked
  throw new Refusal(400, 'USAGE', `A message decides on a question that was not asked of call ${part.id}.`)
}

/** P9: a decision is one on the arguments that the person saw. */
function mustBeShown(given: Given, part: Part): void {
  if (isDeepStrictEqual(given['input'], part.input)) return
  throw new Refusal(409, 'USAGE', `The arguments of call ${part.id} are others than those that were shown.`)
}

function mustStand({ id, answer }: Asked, approved: boolean): void {
  const stands = answer !== 'reject' && answer !== 'expired'
  if (stands === approved) return
  const how = answer === 'expired' ? 'is closed: nobody answered in time' : `was answered: ${String(answer)}`
  throw new Refusal(409, 'ALREADY_ANSWERED', `Question ${id} ${how}.`)
}

function rejection(reason: unknown): Decision {
  return typeof reason === 'string' && reason !== '' ? { type: 'reject', reason } : { type: 'reject' }
}

function notSo(part: Part): Refusal {
  return new Refusal(400, 'USAGE', `A message says of call ${part.id} what is not so: it is open.`)
}
