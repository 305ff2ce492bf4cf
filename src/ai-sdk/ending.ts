/** How a message ends: as its run rests. */
import { isPersistentAgentError } from '../base/errors.ts'
import type { RunResult } from '../run/result.ts'
import type { ChatMetadata, UIChunk } from './chunks.ts'

interface Failure {
  readonly code: string
  readonly message: string
}

export interface EndingOptions {
  /** What a client is told of a run that failed. Default: its code alone; messages may hold what is not for everybody. */
  readonly onError?: (error: Failure) => string
}

/** `asks`: something of the message waits for a person. */
export function endingOf(
  result: RunResult,
  asks: boolean,
  { onError = codeAlone }: EndingOptions,
): readonly UIChunk[] {
  const finish = (finishReason: Extract<UIChunk, { type: 'finish' }>['finishReason']): UIChunk => ({
    type: 'finish',
    finishReason,
    messageMetadata: metadataOf(result),
  })
  switch (result.status) {
    case 'completed':
      return [finish('stop')]
    case 'failed':
      return [{ type: 'error', errorText: onError(result.error) }, finish('error')]
    case 'stopped':
      return [{ type: 'abort', reason: result.message }, finish('interrupted')]
    case 'paused':
      if (asks) return [finish('tool-calls')]
      if (result.questions.length > 0 || result.wakeAt !== undefined) return [finish('other')]
      return [{ type: 'abort', reason: result.message }, finish('interrupted')]
    default:
      return result satisfies never
  }
}

function metadataOf(result: RunResult): ChatMetadata {
  const { runId, status, stepCount, usage } = result
  const { inputTokens, outputTokens, cost } = usage
  const wakeAt = result.status === 'paused' ? result.wakeAt?.toISOString() : undefined
  return {
    runId,
    status,
    stepCount,
    usage: { inputTokens, outputTokens, ...(cost === undefined ? {} : { cost }) },
    ...(result.status === 'paused' || result.status === 'stopped' ? { message: result.message } : {}),
    ...(wakeAt === undefined ? {} : { wakeAt }),
  }
}

/** What a client is told of an error that ends a stream. */
export function errorText(error: unknown, { onError = codeAlone }: EndingOptions): string {
  const { code, message } = isPersistentAgentError(error)
    ? error
    : { code: 'UNEXPECTED', message: String(error) }
  return onError({ code, message })
}

function codeAlone({ code }: Failure): string {
  return `The run failed (${code}).`
}
