/**
 * Puts the parts of a stream together again: blocks at the place where they began, whatever else flows between.
 *
 * C1  Nothing is dropped because it is empty: an empty delta may carry the signature (R1 of `parts.ts`).
 * C2  Metadata of a block's start, deltas and end is merged by provider and key; the later one wins.
 * C3  A call that was begun and never completed is not in the content; `cut` says that there was one.
 */
import { RUN_CODE } from '../base/run-code.ts'
import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Text,
  LanguageModelV4ToolCall,
} from '@ai-sdk/provider'
import { growingCode } from './growing.ts'
import { CODE_SEPARATOR, callCode } from './program.ts'
import type { ProviderMetadata } from './usage.ts'

/** Text for people to watch while the model writes; joined, the `code` deltas are the code of all its calls. */
export interface Delta {
  readonly kind: 'text' | 'reasoning' | 'code'
  readonly text: string
}

/** A whole reply as the provider gave it. */
export interface Collected {
  readonly content: readonly LanguageModelV4Content[]
  /** A tool call was begun and never completed. */
  readonly cut: boolean
  readonly finishReason: LanguageModelV4FinishReason['unified']
  readonly usage: unknown
  readonly providerMetadata: ProviderMetadata | undefined
  readonly modelId: string | undefined
  readonly responseId: string | undefined
}

interface Block {
  type: 'text' | 'reasoning'
  text: string
  providerMetadata?: ProviderMetadata
  citations?: NonNullable<LanguageModelV4Text['citations']>
}

type BlockEnd = Omit<Block, 'type' | 'text'> & { readonly id: string }

/** A call that is being written. `unshown` waits while another call is shown. */
interface Begun {
  readonly read: (chunk: string) => string
  unshown: string
  shown: boolean
}

export class StreamCollector {
  readonly #onDelta: (delta: Delta) => void
  readonly #content: LanguageModelV4Content[] = []
  readonly #blocks = new Map<string, Block>()
  /** Calls begun and not complete. The first of them is shown as it grows. */
  readonly #begun = new Map<string, Begun>()
  #codeShown = false
  #finish: Extract<LanguageModelV4StreamPart, { type: 'finish' }> | undefined
  #modelId: string | undefined
  #responseId: string | undefined

  constructor(onDelta: (delta: Delta) => void) {
    this.#onDelta = onDelta
  }

  /** True once the reply is complete. */
  get finished(): boolean {
    return this.#finish !== undefined
  }

  /** The reply, or undefined while it is not complete. */
  get collected(): Collected | undefined {
    if (this.#finish === undefined) return undefined
    const { finishReason, usage, providerMetadata } = this.#finish
    return {
      content: this.#content,
      cut: this.#begun.size > 0,
      finishReason: finishReason?.unified ?? 'other',
      usage,
      providerMetadata,
      modelId: this.#modelId,
      responseId: this.#responseId,
    }
  }

  /** Takes the next part. An `error` part is the caller's. */
  take(part: LanguageModelV4StreamPart): void {
    switch (part.type) {
      case 'text-start':
      case 'reasoning-start':
        return void this.#begin(
          part.type === 'text-start' ? 'text' : 'reasoning',
          part.id,
          part.providerMetadata,
        )
      case 'text-delta':
      case 'reasoning-delta':
        return this.#add(part.type === 'text-delta' ? 'text' : 'reasoning', part)
      case 'text-end':
      case 'reasoning-end':
        return this.#end(part.type === 'text-end' ? 'text' : 'reasoning', part)
      case 'tool-input-start':
        if (part.providerExecuted !== true)
          this.#begun.set(part.id, { read: readerOf(part), unshown: '', shown: false })
        return
      case 'tool-input-delta':
        return this.#grow(part.id, part.delta)
      case 'tool-call':
        this.#content.push(part)
        return this.#complete(part)
      case 'tool-result':
      case 'tool-approval-request':
      case 'custom':
      case 'file':
      case 'reasoning-file':
      case 'source':
        return void this.#content.push(part)
      case 'response-metadata':
        this.#modelId = part.modelId ?? this.#modelId
        this.#responseId = part.id ?? this.#responseId
        return
      case 'finish':
        this.#finish = part
        return
      case 'stream-start':
      case 'tool-input-end':
      case 'ping':
      case 'raw':
      case 'error':
        return
      default:
        part satisfies never
    }
  }

  #begin(type: Block['type'], id: string, metadata: ProviderMetadata | undefined): Block {
    const block: Block = { type, text: '' }
    merge(block, metadata)
    this.#blocks.set(`${type} ${id}`, block)
    this.#content.push(block)
    return block
  }

  #add(type: Block['type'], part: { id: string; delta: string; providerMetadata?: ProviderMetadata }): void {
    const block = this.#blocks.get(`${type} ${part.id}`) ?? this.#begin(type, part.id, undefined)
    block.text += part.delta
    merge(block, part.providerMetadata)
    if (part.delta !== '') this.#onDelta({ kind: type, text: part.delta })
  }

  #end(type: Block['type'], part: BlockEnd): void {
    const block = this.#blocks.get(`${type} ${part.id}`)
    if (block !== undefined) {
      merge(block, part.providerMetadata)
      if (part.citations !== undefined) block.citations = part.citations
    }
    this.#blocks.delete(`${type} ${part.id}`)
  }

  #grow(id: string, chunk: string): void {
    const call = this.#begun.get(id)
    if (call === undefined) return
    call.unshown += call.read(chunk)
    if (this.#begun.keys().next().value === id) this.#showGrown(call)
  }

  #showGrown(call: Begun): void {
    if (call.unshown === '') return
    this.#show(call.unshown, !call.shown)
    call.unshown = ''
    call.shown = true
  }

  #complete(part: LanguageModelV4ToolCall): void {
    if (part.providerExecuted === true) return
    // A provider that gives the call another id than its input means the oldest one.
    const id = this.#begun.has(part.toolCallId) ? part.toolCallId : this.#begun.keys().next().value
    const call = id === undefined ? undefined : this.#begun.get(id)
    if (id !== undefined) this.#begun.delete(id)
    if (call !== undefined) this.#showGrown(call)
    const code = call?.shown === true || part.toolName !== RUN_CODE ? undefined : callCode(part.input)
    if (code !== undefined) this.#show(code, true)
  }

  #show(text: string, isFirst: boolean): void {
    if (isFirst && this.#codeShown) this.#onDelta({ kind: 'code', text: CODE_SEPARATOR })
    this.#codeShown = true
    this.#onDelta({ kind: 'code', text })
  }
}

function readerOf(part: {
  readonly toolName: string
  readonly inputEncoding?: 'json' | 'text'
}): Begun['read'] {
  if (part.toolName !== RUN_CODE) return () => ''
  return part.inputEncoding === 'text' ? (chunk) => chunk : growingCode()
}

function merge(block: Block, metadata: ProviderMetadata | undefined): void {
  if (metadata === undefined || metadata === null) return
  const merged = { ...block.providerMetadata }
  for (const [provider, values] of Object.entries(metadata))
    merged[provider] = { ...merged[provider], ...values }
  block.providerMetadata = merged
}
