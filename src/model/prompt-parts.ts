/**
 * From reply parts to the assistant message that stands for the reply in every later prompt.
 *
 * R1  (of `parts.ts`) `providerMetadata` becomes `providerOptions`, the order is kept, nothing is left out but what
 *     a prompt has no place for: sources and approval requests.
 * R3  The content is never empty and never bare reasoning: providers refuse both. Such a reply is told as `(empty reply)`.
 */
import type { JSONValue, LanguageModelV4Prompt } from '@ai-sdk/provider'
import { type FileData, type Metadata, type ReplyPart, type ToolResultPart, parsedInput } from './parts.ts'

export type AssistantContent = Extract<LanguageModelV4Prompt[number], { role: 'assistant' }>['content']
type PromptPart = AssistantContent[number]

/**
 * The content of the assistant message. Whoever renders it adds a `tool-result` for each of `toolCallIdsOf(parts)`.
 * `foreign`: another model will read it. Reasoning, provider's own calls and metadata are left out; text and pairs stay.
 */
export function promptPartsOf(
  parts: readonly ReplyPart[],
  how: { readonly foreign?: boolean } = {},
): AssistantContent {
  const told = how.foreign === true ? parts.flatMap(withoutOrigin) : parts
  const content = told.map(promptPart).filter((part) => part !== undefined)
  if (content.some((part) => part.type !== 'reasoning' && part.type !== 'reasoning-file')) return content
  return [{ type: 'text', text: '(empty reply)' }]
}

function promptPart(part: ReplyPart): PromptPart | undefined {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return { type: part.type, text: part.text, ...optionsOf(part) }
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
  return { malformed: input }
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
      return part.text === '' ? [] : [{ type: 'text', text: part.text }]
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
