/**
 * Reply parts: what the model sent, as data that can be stored and sent back.
 *
 * R1  A part goes back as it came (`prompt-parts.ts`): nothing is changed, the order is kept, and an empty part
 *     that carries metadata is a part (Anthropic's signature, encrypted reasoning).
 * R2  Parts are plain: JSON and `Uint8Array`. A URL is text here and a URL again in the prompt.
 */
import type { LanguageModelV4Content } from '@ai-sdk/provider'
import { randomText } from '../base/id.ts'
import { readJson } from './repair.ts'

export type Plain =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Plain[]
  | { readonly [key: string]: Plain }

export type Metadata = Readonly<Record<string, { readonly [key: string]: Plain }>>

export type FileData =
  | { readonly type: 'data'; readonly data: Uint8Array | string }
  | { readonly type: 'url'; readonly url: string; readonly originalUrl?: string }

export interface ToolCallPart {
  readonly type: 'tool-call'
  readonly toolCallId: string
  readonly toolName: string
  /** The arguments as the model wrote them: JSON text, or what should have been. */
  readonly input: string
  /** True for a provider's own tool (web search, …): it is not for us to run or to answer. */
  readonly providerExecuted?: boolean
  readonly providerMetadata?: Metadata
}

export interface ToolResultPart {
  readonly type: 'tool-result'
  readonly toolCallId: string
  readonly toolName: string
  readonly result: Plain
  readonly isError?: boolean
  readonly providerMetadata?: Metadata
}

export type ReplyPart =
  | {
      readonly type: 'text'
      readonly text: string
      readonly citations?: Plain
      readonly providerMetadata?: Metadata
    }
  | { readonly type: 'reasoning'; readonly text: string; readonly providerMetadata?: Metadata }
  | { readonly type: 'custom'; readonly kind: `${string}.${string}`; readonly providerMetadata?: Metadata }
  | {
      readonly type: 'file' | 'reasoning-file'
      readonly mediaType: string
      readonly data: FileData
      readonly providerMetadata?: Metadata
    }
  | ToolCallPart
  | ToolResultPart
  /** Kept as evidence; a prompt has no place for them. */
  | { readonly type: 'source' | 'tool-approval-request'; readonly [key: string]: Plain }

const KEPT: ReadonlySet<string> = new Set<LanguageModelV4Content['type']>([
  'text',
  'reasoning',
  'custom',
  'file',
  'reasoning-file',
  'tool-call',
  'tool-result',
  'source',
  'tool-approval-request',
])

/** True for a part that says something, or that a provider wants back (R1). */
function says(part: LanguageModelV4Content): boolean {
  if (part.type === 'text' || part.type === 'reasoning')
    return part.text !== '' || part.providerMetadata !== undefined
  return part.type !== 'tool-result' || part.preliminary !== true
}

/** A model's content as reply parts (R2). A call whose id is empty or taken gets a new one: no provider could pair it. */
export function replyPartsOf(content: readonly LanguageModelV4Content[]): readonly ReplyPart[] {
  const ids = new Set<string>()
  const parts: ReplyPart[] = []
  for (const item of content) {
    if (!KEPT.has(item.type) || !says(item)) continue
    // The shape is the provider's word (LanguageModelV4Content); `plain` takes out what could not be stored.
    const part = plain(item) as ReplyPart
    if (part.type !== 'tool-call') {
      parts.push(part)
      continue
    }
    const given = typeof part.toolCallId === 'string' ? part.toolCallId : ''
    const toolCallId = given === '' || ids.has(given) ? `call-${randomText(16)}` : given
    ids.add(toolCallId)
    parts.push({ ...part, toolCallId, input: inputText(part.input) })
  }
  return parts
}

function inputText(input: unknown): string {
  return typeof input === 'string' ? input : JSON.stringify(input ?? {})
}

/** The calls that the next prompt must answer, each with one `tool-result`, in order. A provider's own are not among them. */
export function toolCallsOf(parts: readonly ReplyPart[]): readonly ToolCallPart[] {
  return parts.filter(
    (part): part is ToolCallPart => part.type === 'tool-call' && part.providerExecuted !== true,
  )
}

/** What a `tool-result` names to answer its call. */
export type CallRef = Pick<ToolCallPart, 'toolCallId' | 'toolName'>

/** `toolCallsOf`, by id and name. */
export function toolCallIdsOf(parts: readonly ReplyPart[]): readonly CallRef[] {
  return toolCallsOf(parts).map(({ toolCallId, toolName }) => ({ toolCallId, toolName }))
}

/** The arguments' JSON value; no text at all counts as `{}`. Undefined where it is no JSON; as it is where it is no text. */
export function parsedInput(input: unknown): unknown {
  if (typeof input !== 'string') return input
  return input.trim() === '' ? {} : readJson(input)
}

/** A copy of JSON and bytes (R2). URLs, dates and big integers become text; functions and `undefined` are left out. */
export function plain(value: unknown): Plain | undefined {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value
  if (typeof value === 'bigint' || value instanceof URL) return String(value)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) return value.map((item) => plain(item) ?? null)
  if (typeof value !== 'object') return undefined
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const kept = plain(inner)
      return kept === undefined ? [] : [[key, kept] as const]
    }),
  )
}
