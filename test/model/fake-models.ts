/** Models by hand: each streams exactly the parts that a test wrote. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider'
import { type ModelRequest, type Reply, askModel } from '../../src/model/ask.ts'
import { specUsage } from '../../src/model/usage.ts'

export type Part = LanguageModelV4StreamPart

export const prompt: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'text', text: 'Task: x' }] }]

export function finish(
  unified: 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'interrupted' | 'other' = 'stop',
): Part {
  return { type: 'finish', finishReason: { unified, raw: unified }, usage: specUsage(7, 3) }
}

export function call(input: string, toolCallId = 'c1', toolName = 'run_code'): Part {
  return { type: 'tool-call', toolCallId, toolName, input }
}

export function text(words: string, id = 't'): readonly Part[] {
  return [
    { type: 'text-start', id },
    { type: 'text-delta', id, delta: words },
    { type: 'text-end', id },
  ]
}

export interface Fake extends LanguageModelV4 {
  readonly asked: LanguageModelV4CallOptions[]
}

/** What `doStream` does is given; `doGenerate` fails the test. */
export function fakeModel(
  doStream: (options: LanguageModelV4CallOptions) => ReadableStream<Part> | Promise<ReadableStream<Part>>,
): Fake {
  const asked: LanguageModelV4CallOptions[] = []
  return {
    specificationVersion: 'v4',
    provider: 'fake',
    modelId: 'model',
    supportedUrls: {},
    asked,
    doGenerate: () => Promise.reject(new Error('doGenerate was not expected')),
    doStream: async (options) => {
      asked.push(options)
      return { stream: await doStream(options) }
    },
  }
}

export function streaming(...parts: readonly Part[]): Fake {
  return fakeModel(() => ReadableStream.from(parts))
}

export function ask(model: LanguageModelV4, request: Partial<ModelRequest> = {}): Promise<Reply> {
  return askModel(model, { prompt, format: 'tool', abortSignal: new AbortController().signal, ...request })
}

/** What a promise rejects with; fails if it does not. */
export async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
