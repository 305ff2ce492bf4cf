/**
 * From reply parts to the assistant message that stands for the reply in every later prompt.
 *
 * R1  (of `parts.ts`) `providerMetadata` becomes `providerOptions`, the order is kept, nothing is left out but what
 *     a prompt has no place for: sources, approval requests, and texts of nothing but space.
 * R3  The content always says something: providers refuse or drop an empty message, and bare reasoning. A reply that says
 *     nothing is told as `(empty reply)`.
 * R4  Reasoning is bound to the model that wrote it, and to the call that it led to. Where another model reads on, or a
 *     call cannot stay a call, it is left out.
 */
import type { JSONValue, LanguageModelV4Prompt } from '@ai-sdk/provider'
import {
  type FileData,
  type Metadata,
  type ReplyPart,
  type ToolResultPart,
  parsedInput,
  toolCallsOf,
} from './parts.ts'
import { callCode } from './program.ts'

export type AssistantContent = Extract<LanguageModelV4Prompt[number], { role: 'assistant' }>['content']
type PromptPart = AssistantContent[number]

/** For whom a reply is rendered. */
export interface Reader {
  /** Another model reads it: reasoning, a provider's own calls and metadata are left out; text and pairs stay. */
  readonly foreign?: boolean
  /** No tool is offered, and there can be no calls: they become text, and nothing needs a `tool-result`. */
  readonly callsAsText?: boolean
}

/** The content of the assistant message. Whoever renders it adds a `tool-result` for each of `toolCallIdsOf(parts)`. */
export function promptPartsOf(parts: readonly ReplyPart[], reader: Reader = {}): AssistantContent {
  const isRetold = reader.callsAsText === true && toolCallsOf(parts).length > 0
  const own = reader.foreign === true || isRetold ? parts.flatMap(withoutOrigin) : parts
  const told = isRetold ? own.map(asText) : own
  const content = told.map(promptPart).filter((part) => part !== undefined)
  if (content.some(isSaid)) return content
  return [...content.filter((part) => part.type === 'custom'), { type: 'text', text: '(empty reply)' }]
}

/** R3: what a provider makes an assistant message of. Of the rest it makes nothing. */
function isSaid(part: PromptPart): boolean {
  return part.type !== 'custom' && part.type !== 'reasoning' && part.type !== 'reasoning-file'
}

/** Anthropic refuses a text of nothing but space, its own too; one that carries metadata is another's (R1). */
function isBlank(part: Extract<ReplyPart, { type: 'text' }>): boolean {
  return part.text.trim() === '' && part.providerMetadata === undefined
}

function promptPart(part: ReplyPart): PromptPart | undefined {
  switch (part.type) {
    case 'text':
      return isBlank(part) ? undefined : { type: 'text', text: part.text, ...optionsOf(part) }
    case 'reasoning':
      return { type: 'reasoning', text: part.text, ...optionsOf(part) }
    case 'custom':
      return { type: 'custom', kind: part.kind, ...optionsOf(part) }
    case 'file':
    case 'reasoning-file':
      return { type: part.type, mediaType: part.mediaType, data: fileData(part.data), ...optionsOf(part) }
    case 'tool-call': {
      const { type, toolCallId, toolName } = part
      const executed = part.providerExecuted === undefined ? {} : { providerExecuted: part.providerExecuted }
      return { type, toolCallId, toolName, input: promptInput(part.input), ...executed, ...optionsOf(part) }
    }
    case 'tool-result': {
      const { type, toolCallId, toolName } = part
      return { type, toolCallId, toolName, output: promptOutput(part), ...optionsOf(part) }
    }
    case 'source':
    case 'tool-approval-request':
      return undefined
    default:
      part satisfies never
      return undefined
  }
}

/** The arguments parsed. Providers want an object: bare text is taken as the code, anything else is shown as it was. */
function promptInput(input: string): { readonly [key: string]: unknown } {
  const value = parsedInput(input)
  if (typeof value === 'string') return { code: value }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  return value === undefined && !/^\s*[{[]/.test(input) ? { code: input } : { malformed: input }
}

/** A call as the block of code that a reply in text would have had in its place. */
function asText(part: ReplyPart): ReplyPart {
  if (part.type !== 'tool-call') return part
  const code = callCode(part.input)
  return { type: 'text', text: code === undefined ? part.input : `\`\`\`ts\n${code}\n\`\`\`` }
}

function promptOutput(part: ToolResultPart): Extract<PromptPart, { type: 'tool-result' }>['output'] {
  const value = part.result as JSONValue
  if (part.isError === true) return { type: 'error-json', value }
  return typeof value === 'string' ? { type: 'text', value } : { type: 'json', value }
}

function fileData(data: FileData): Extract<PromptPart, { type: 'reasoning-file' }>['data'] {
  if (data.type === 'data') return data
  const original = data.originalUrl === undefined ? {} : { originalUrl: data.originalUrl }
  return { type: 'url', url: new URL(data.url), ...original }
}

function optionsOf(part: { readonly providerMetadata?: Metadata }): Pick<PromptPart, 'providerOptions'> {
  if (part.providerMetadata === undefined) return {}
  return { providerOptions: part.providerMetadata as NonNullable<PromptPart['providerOptions']> }
}

function withoutOrigin(part: ReplyPart): readonly ReplyPart[] {
  switch (part.type) {
    case 'text':
      return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }]
    case 'file':
      return [{ type: 'file', mediaType: part.mediaType, data: part.data }]
    case 'tool-call': {
      const { type, toolCallId, toolName, input } = part
      return part.providerExecuted === true ? [] : [{ type, toolCallId, toolName, input }]
    }
    case 'reasoning':
    case 'reasoning-file':
    case 'custom':
    case 'tool-result':
    case 'source':
    case 'tool-approval-request':
      return []
    default:
      return part satisfies never
  }
}
