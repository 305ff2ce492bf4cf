/**
 * Models of AI SDK's specifications V2 and V3, as V4. The three differ in how a finish reason, token counts and files
 * are written; what V4 added to prompts is never sent to them.
 */
import type {
  LanguageModelV2,
  LanguageModelV2Usage,
  LanguageModelV3,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'

export type OlderModel = LanguageModelV2 | LanguageModelV3

/** `model` as V4; each request goes to it, with what it knows. */
export function asV4(model: OlderModel): LanguageModelV4 {
  // What is sent and what comes back is of the older shape: both are put right here, and nowhere else.
  const older = model as unknown as {
    doGenerate(options: unknown): PromiseLike<LanguageModelV4GenerateResult>
    doStream(options: unknown): PromiseLike<LanguageModelV4StreamResult>
  }
  const isV2 = model.specificationVersion === 'v2'
  return {
    specificationVersion: 'v4',
    provider: model.provider,
    modelId: model.modelId,
    get supportedUrls() {
      return model.supportedUrls
    },
    doGenerate: async (options) => {
      const result = await older.doGenerate(olderOptions(options))
      return {
        ...result,
        content: result.content.map((part) => newFile(part)),
        ...(isV2 ? { finishReason: finishReasonOf(result), usage: usageOf(result) } : {}),
      }
    },
    doStream: async (options) => {
      const result = await older.doStream(olderOptions(options))
      return { ...result, stream: result.stream.pipeThrough(newParts(isV2)) }
    },
  }
}

function olderOptions(options: LanguageModelV4CallOptions): object {
  // They would not know what to do with it.
  const reasoning = undefined
  return { ...options, reasoning, prompt: options.prompt.map(olderMessage) }
}

/** Files: their bytes, text or URL in place of a description of them. */
function olderMessage(message: LanguageModelV4Prompt[number]): object {
  if (message.role === 'system') return message
  const content = message.content.flatMap((part): readonly object[] => {
    if (part.type === 'custom' || part.type === 'reasoning-file' || part.type === 'tool-approval-response')
      return []
    if (part.type !== 'file') return [part]
    const { data } = part
    return [{ ...part, data: data.type === 'data' ? data.data : data.type === 'url' ? data.url : data }]
  })
  return { ...message, content }
}

type Parts = TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>

function newParts(isV2: boolean): Parts {
  return new TransformStream({
    transform: (part: LanguageModelV4StreamPart, controller: TransformStreamDefaultController) => {
      if (part.type === 'file') controller.enqueue(newFile(part))
      else if (part.type === 'finish' && isV2)
        controller.enqueue({ ...part, finishReason: finishReasonOf(part), usage: usageOf(part) })
      else controller.enqueue(part)
    },
  })
}

function newFile<Part extends LanguageModelV4Content>(part: Part): Part {
  if (part.type !== 'file' || isDescribed(part.data)) return part
  return { ...part, data: { type: 'data', data: part.data } }
}

function isDescribed(data: unknown): boolean {
  return typeof data === 'object' && data !== null && !(data instanceof Uint8Array)
}

/** V2: a word. */
function finishReasonOf(from: { readonly finishReason: unknown }): LanguageModelV4FinishReason {
  const word = typeof from.finishReason === 'string' ? from.finishReason : 'other'
  const unified = word === 'unknown' ? 'other' : (word as LanguageModelV4FinishReason['unified'])
  return { unified, raw: word }
}

/** V2: flat. */
function usageOf(from: { readonly usage: unknown }): LanguageModelV4Usage {
  const usage = (from.usage ?? {}) as Partial<LanguageModelV2Usage>
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = usage
  return {
    inputTokens: {
      total: inputTokens,
      noCache: undefined,
      cacheRead: cachedInputTokens,
      cacheWrite: undefined,
    },
    outputTokens: { total: outputTokens, text: undefined, reasoning: reasoningTokens },
  }
}
