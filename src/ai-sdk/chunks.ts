/**
 * The chunks of an AI SDK UI message stream, as far as a run has use for them. Written down here, so that nothing of the
 * package `ai` is needed at run time; a test holds them against its types.
 */

/** What a message says of its run. */
export interface ChatMetadata {
  readonly runId: string
  /** Absent at the start. */
  readonly status?: 'completed' | 'paused' | 'stopped' | 'failed'
  readonly stepCount?: number
  /** Of the whole run; `cost` in USD, where it is known. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number; readonly cost?: number }
  /** Of a paused run: why, and when it can go on by itself (ISO). */
  readonly message?: string
  readonly wakeAt?: string
}

interface ToolPart {
  readonly toolCallId: string
  readonly toolName: string
  readonly dynamic: true
  /** True for all that is not the client's to do. */
  readonly providerExecuted?: true
  readonly title?: string
}

export type UIChunk =
  | { readonly type: 'start'; readonly messageId?: string; readonly messageMetadata: ChatMetadata }
  | { readonly type: 'start-step' | 'finish-step' | 'reset-step' }
  | { readonly type: 'text-start' | 'text-end' | 'reasoning-start' | 'reasoning-end'; readonly id: string }
  | { readonly type: 'text-delta' | 'reasoning-delta'; readonly id: string; readonly delta: string }
  | ({ readonly type: 'tool-input-start' } & ToolPart)
  | { readonly type: 'tool-input-delta'; readonly toolCallId: string; readonly inputTextDelta: string }
  | ({ readonly type: 'tool-input-available'; readonly input: unknown } & ToolPart)
  | {
      readonly type: 'tool-approval-request'
      readonly approvalId: string
      readonly toolCallId: string
      readonly reason?: string
    }
  | {
      readonly type: 'tool-approval-response'
      readonly approvalId: string
      readonly approved: boolean
      readonly reason?: string
    }
  | {
      readonly type: 'tool-output-available'
      readonly toolCallId: string
      readonly output: unknown
      readonly providerExecuted?: true
      readonly preliminary?: true
    }
  | { readonly type: 'tool-output-error'; readonly toolCallId: string; readonly errorText: string }
  | { readonly type: 'tool-output-denied'; readonly toolCallId: string }
  | {
      readonly type: 'steering-message'
      readonly id: string
      readonly parts: { readonly type: 'text'; readonly text: string }[]
    }
  | {
      readonly type: 'data-log'
      readonly data: { readonly call: string; readonly text: string }
      readonly transient: true
    }
  | { readonly type: 'data-output'; readonly data: unknown }
  | { readonly type: 'error'; readonly errorText: string }
  | { readonly type: 'abort'; readonly reason?: string }
  | {
      readonly type: 'finish'
      readonly finishReason: 'stop' | 'tool-calls' | 'error' | 'interrupted' | 'other'
      readonly messageMetadata: ChatMetadata
    }
