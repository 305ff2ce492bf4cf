/**
 * Asks the model once: one request, one whole reply or one error. Trying again is the driver's decision.
 *
 * A1  The model's stream is read to its end; a reply without `finish` is no reply.
 * A2  Every failure is a `ModelError` with its cause. Only three things pass untouched: the abort reason, and the
 *     exceptions by which an author pauses or stops a run.
 * A3  An abort ends the wait at once, also with a model that does not listen; what it still sends is thrown away.
 * A4  `onDelta` is for people to watch: what it throws is ignored.
 * A5  A model that sends nothing for `idleTimeout` is given up, and its request with it.
 */
import { RUN_CODE } from '../base/run-code.ts'
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider'
import { type Collected, type Delta, StreamCollector } from './collect.ts'
import { ModelCallError, isInterruption, isUnsupported, modelFailure } from './failure.ts'
import { type IdleLimit, IdleWatch } from './idle.ts'
import { type Reading, type Reply, readReply } from './read.ts'
import { modelName } from './resolve.ts'
import type { ModelSettings } from './settings.ts'
import { unlessAborted } from './unless-aborted.ts'
import { type ProviderOptions, wire } from './wire.ts'

export interface ModelRequest extends Reading {
  readonly prompt: LanguageModelV4Prompt
  readonly settings?: ModelSettings
  readonly providerOptions?: ProviderOptions
  /** How long the model may send nothing, in ms. Default: for ever. */
  readonly idleTimeout?: IdleLimit
  readonly abortSignal: AbortSignal
  readonly onDelta?: (delta: Delta) => void
}

/** Declared byte for byte the same in every request, so that providers can cache the prompt's prefix. */
const RUN_CODE_TOOL: NonNullable<LanguageModelV4CallOptions['tools']>[number] = {
  type: 'function',
  name: RUN_CODE,
  description:
    'Runs TypeScript in the sandbox and returns what it printed and the value of its last expression.',
  inputSchema: {
    type: 'object',
    properties: { code: { type: 'string', description: 'The TypeScript program.' } },
    required: ['code'],
    additionalProperties: false,
  },
}

/** What a reply in the json format is. */
const CODE_JSON: NonNullable<LanguageModelV4CallOptions['responseFormat']> = {
  type: 'json',
  name: 'step',
  schema: {
    type: 'object',
    properties: {
      thoughts: { type: 'string', description: 'What this step is for, in a sentence or two.' },
      code: { type: 'string', description: 'The TypeScript program.' },
    },
    required: ['thoughts', 'code'],
    additionalProperties: false,
  },
}

/**
 * Sends `prompt` and waits for the whole reply.
 * @throws {ModelError} (a `ModelCallError`: `retryOf(error)` tells whether trying again may help)
 */
export async function askModel(model: LanguageModelV4, request: ModelRequest): Promise<Reply> {
  const { abortSignal, idleTimeout } = request
  abortSignal.throwIfAborted()
  using watch = new IdleWatch(modelName(model), idleTimeout, abortSignal)
  try {
    return readReply(await replyOf(model, request, watch), request)
  } catch (error) {
    if (isInterruption(error)) throw error
    if (abortSignal.aborted) throw abortSignal.reason
    throw error instanceof ModelCallError ? error : modelFailure(modelName(model), error)
  }
}

async function replyOf(model: LanguageModelV4, request: ModelRequest, watch: IdleWatch): Promise<Collected> {
  const options: LanguageModelV4CallOptions = {
    ...optionsOf(request.settings),
    ...wire(model, request.prompt, request.providerOptions),
    abortSignal: watch.signal,
    ...(request.format === 'tool' ? { tools: [RUN_CODE_TOOL] } : {}),
    ...(request.format === 'json' ? { responseFormat: CODE_JSON } : {}),
  }
  const onDelta = quiet(request.onDelta)
  const stream = await streamOf(model, options, watch.signal)
  const collected =
    stream === undefined
      ? await generated(model, options, onDelta, watch.signal)
      : await streamed(stream, model, onDelta, watch)
  const { finishReason } = collected
  if (finishReason !== 'error' && finishReason !== 'interrupted') return collected
  throw new ModelCallError(`The model ${modelName(model)} broke its reply off (${finishReason}).`, {
    retryable: true,
  })
}

function optionsOf(settings: ModelSettings | undefined): Partial<LanguageModelV4CallOptions> {
  const { stopSequences, ...others } = settings ?? {}
  return stopSequences === undefined ? others : { ...others, stopSequences: [...stopSequences] }
}

/** The model's stream; undefined where it has none to give. */
async function streamOf(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  abortSignal: AbortSignal,
): Promise<ReadableStream<LanguageModelV4StreamPart> | undefined> {
  if (typeof model.doStream !== 'function') return undefined
  const started = Promise.try(() => model.doStream(options))
  try {
    return (await unlessAborted(started, abortSignal)).stream
  } catch (error) {
    if (abortSignal.aborted) void started.then(({ stream }) => stream.cancel()).catch(() => {})
    if (!isInterruption(error) && isUnsupported(error) && typeof model.doGenerate === 'function')
      return undefined
    throw error
  }
}

async function streamed(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  model: LanguageModelV4,
  onDelta: (delta: Delta) => void,
  watch: IdleWatch,
): Promise<Collected> {
  const collector = new StreamCollector(onDelta)
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await unlessAborted(reader.read(), watch.signal)
      if (done) break
      watch.heard()
      if (value.type === 'error' && !collector.finished) throw value.error
      collector.take(value)
    }
  } catch (error) {
    void reader.cancel(error).catch(() => {})
    // A complete reply stands, whatever its stream does afterwards.
    if (!collector.finished)
      throw isInterruption(error) || error instanceof ModelCallError
        ? error
        : modelFailure(modelName(model), error, true)
  }
  if (collector.collected !== undefined) return collector.collected
  // A1
  throw new ModelCallError(`The model ${modelName(model)} ended its reply without finishing it.`, {
    retryable: true,
  })
}

async function generated(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  onDelta: (delta: Delta) => void,
  abortSignal: AbortSignal,
): Promise<Collected> {
  const { content, finishReason, usage, providerMetadata, response } = await unlessAborted(
    model.doGenerate(options),
    abortSignal,
  )
  const collector = new StreamCollector(onDelta)
  for (const part of content) {
    if (part.type === 'tool-call') collector.take(part)
    else if ((part.type === 'text' || part.type === 'reasoning') && part.text !== '')
      onDelta({ kind: part.type, text: part.text })
  }
  return {
    content,
    cut: false,
    finishReason: finishReason.unified,
    usage,
    providerMetadata,
    modelId: response?.modelId,
    responseId: response?.id,
  }
}

/** A4 */
function quiet(onDelta: ModelRequest['onDelta']): (delta: Delta) => void {
  return (delta) => {
    try {
      onDelta?.(delta)
    } catch {
      // Nobody's business but the watcher's.
    }
  }
}

export type { LanguageModelV4, LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider'
export type { Delta } from './collect.ts'
export { ModelCallError, retryOf } from './failure.ts'
export { type ReplyPart, toolCallIdsOf } from './parts.ts'
export { type Reader, promptPartsOf } from './prompt-parts.ts'
export type { Format, Reply } from './read.ts'
export type { ModelGiven } from './resolve.ts'
export { type RateLimit, takeTurn } from './rate.ts'
export { type ModelSettings, checkProviderOptions, checkSettings } from './settings.ts'
export type { ProviderOptions } from './wire.ts'
