/**
 * A model that answers at once and never looks at its prompt, so that the cost of a step is ours alone.
 * (`scriptedModel` reads the whole prompt at each request: O(history).)
 */
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'

/** `code` gives the program of the n-th request, from 1. `onCall` is told of each before it is answered. */
export function instantModel(
  code: (n: number) => string,
  onCall: (n: number) => void = () => undefined,
): LanguageModelV4 {
  let n = 0
  const stream = (): ReadableStream<LanguageModelV4StreamPart> => {
    n++
    onCall(n)
    const parts = partsOf(n, code(n))
    return new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(part)
        controller.close()
      },
    })
  }
  return {
    specificationVersion: 'v4',
    provider: 'bench',
    modelId: 'instant',
    supportedUrls: {},
    doStream: async () => ({ stream: stream() }),
    doGenerate: async () => {
      throw new Error('This model streams')
    },
  }
}

function partsOf(n: number, code: string): readonly LanguageModelV4StreamPart[] {
  const input = JSON.stringify({ code })
  const id = `call-${n}`
  return [
    { type: 'stream-start', warnings: [] },
    { type: 'tool-input-start', id, toolName: 'run_code' },
    { type: 'tool-input-delta', id, delta: input },
    { type: 'tool-input-end', id },
    { type: 'tool-call', toolCallId: id, toolName: 'run_code', input },
    {
      type: 'finish',
      finishReason: { unified: 'tool-calls', raw: undefined },
      usage: {
        inputTokens: { total: 100, noCache: 100, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 20, text: 20, reasoning: 0 },
      },
    },
  ]
}
