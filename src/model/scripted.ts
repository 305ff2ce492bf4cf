/**
 * A model that says what a test wrote down: a real LanguageModelV4, streaming and all.
 *
 * S1  Which reply comes is read off the prompt alone: the number of replies (assistant messages) since the task
 *     (the last user message with `providerOptions.pca.task`). So another process goes on where this one stopped.
 * S2  `{ error }` is no reply and takes no place in that count: it is thrown when its place is reached, once per
 *     prompt and instance (`times`), and then what follows it is given. A request that is sent again gets the reply.
 * S3  Where no tool is offered, code is given as a fenced block in a text.
 */
import { RUN_CODE } from '../base/run-code.ts'
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider'
import { type Clock, systemClock } from '../base/clock.ts'
import { digestOf } from '../base/id.ts'
import { type ReplyUsage, specUsage } from './usage.ts'
import { unlessAborted } from './unless-aborted.ts'

/** What a reply function is told. */
export interface ScriptedCall {
  readonly prompt: LanguageModelV4Prompt
  /** Replies that the task already has, from 0. */
  readonly replies: number
  /** The task's number in its run, from 1. */
  readonly task: number
  /** False where the model is offered no tool: a forced last answer. */
  readonly canRun: boolean
}

export type ScriptedAnswer =
  /** TypeScript, sent as a call of `run_code`. */
  | string
  | {
      readonly code?: string
      readonly text?: string
      readonly reasoning?: string
      /** Default: `tool-calls` with code, else `stop`. */
      readonly finishReason?: LanguageModelV4FinishReason['unified']
      /** Default: about a token for 4 characters. `cost` is in USD. */
      readonly usage?: Partial<ReplyUsage>
    }
  | {
      readonly error: unknown
      /** How often it is thrown before the reply that follows. Default 1. */
      readonly times?: number
    }

export type ScriptedReply =
  | ScriptedAnswer
  | ((call: ScriptedCall) => ScriptedAnswer | Promise<ScriptedAnswer>)

/** The replies of every task alike, or of each task by its number: `{ 1: ['…'], 2: ['…'] }`. */
export type Script = readonly ScriptedReply[] | Readonly<Record<number, readonly ScriptedReply[]>>

export interface ScriptedOptions {
  /** Default `scripted`. */
  readonly provider?: string
  /** Default `model`. */
  readonly modelId?: string
  /** Called for every request, before anything else; what it throws, the model throws. */
  readonly onCall?: (call: ScriptedCall) => void
  /** ms to wait before each reply. Default 0. */
  readonly delay?: number
  readonly clock?: Clock
}

/** The language model for tests. Asked for more replies than it has, it throws. */
export function scriptedModel(script: Script, options: ScriptedOptions = {}): LanguageModelV4 {
  const thrown = new Map<string, number>()
  const reply = async (asked: LanguageModelV4CallOptions): Promise<Generated> => {
    const call = readPrompt(asked)
    options.onCall?.(call)
    await wait(options.delay ?? 0, options.clock ?? systemClock, asked.abortSignal)
    const answer = await nextAnswer(script, call, thrown)
    return generate(answer, call, { modelId: options.modelId ?? 'model' })
  }
  return {
    specificationVersion: 'v4',
    provider: options.provider ?? 'scripted',
    modelId: options.modelId ?? 'model',
    supportedUrls: {},
    doGenerate: reply,
    doStream: async (asked) => ({ stream: ReadableStream.from(streamParts(await reply(asked))) }),
  }
}

/** S1 */
function readPrompt(asked: LanguageModelV4CallOptions): ScriptedCall {
  const { prompt } = asked
  const start = prompt.findLastIndex(
    (message) => message.role === 'user' && taskOf(message.providerOptions) !== undefined,
  )
  return {
    prompt,
    replies: prompt.slice(start + 1).reduce((sum, message) => sum + repliesIn(message), 0),
    task: taskOf(prompt[start]?.providerOptions) ?? 1,
    canRun: asked.tools?.some((tool) => tool.name === RUN_CODE) ?? false,
  }
}

/** A summary stands for the replies that it covers. */
function repliesIn({ role, providerOptions }: LanguageModelV4Prompt[number]): number {
  const covered = providerOptions?.['pca']?.['replies']
  return role === 'assistant' ? 1 : typeof covered === 'number' ? covered : 0
}

function taskOf(options: LanguageModelV4Prompt[number]['providerOptions']): number | undefined {
  const task = options?.['pca']?.['task']
  return typeof task === 'number' ? task : undefined
}

type Spoken = Extract<ScriptedAnswer, { text?: string }>

async function nextAnswer(script: Script, call: ScriptedCall, thrown: Map<string, number>): Promise<Spoken> {
  const { task, replies } = call
  const lines: readonly ScriptedReply[] = isForAll(script) ? script : (script[task] ?? [])
  let place = 0
  for (const [index, line] of lines.entries()) {
    if (isError(line)) {
      if (place === replies) throwOnce(line, `${index} ${digestOf(promptText(call.prompt))}`, thrown)
      continue
    }
    if (place++ < replies) continue
    const answer = typeof line === 'function' ? await line(call) : line
    if (isError(answer)) throw answer.error
    return typeof answer === 'string' ? { code: answer } : answer
  }
  throw new Error(
    `The script has ${place} ${place === 1 ? 'reply' : 'replies'} for task ${task}, and the model was asked for reply ${replies + 1}.`,
  )
}

function isForAll(script: Script): script is readonly ScriptedReply[] {
  return Array.isArray(script)
}

function isError(line: ScriptedReply): line is Extract<ScriptedAnswer, { error: unknown }> {
  return typeof line === 'object' && 'error' in line
}

/** S2 */
function throwOnce(
  line: Extract<ScriptedAnswer, { error: unknown }>,
  key: string,
  thrown: Map<string, number>,
): void {
  const before = thrown.get(key) ?? 0
  if (before >= (line.times ?? 1)) return
  thrown.set(key, before + 1)
  throw line.error
}

/** The prompt as text: to count its characters, and to know it again. */
function promptText(prompt: LanguageModelV4Prompt): string {
  return JSON.stringify(prompt, (_key, value: unknown) =>
    value instanceof Uint8Array ? `bytes:${digestOf(value)}` : value,
  )
}

type Generated = LanguageModelV4GenerateResult

function generate(answer: Spoken, call: ScriptedCall, response: { readonly modelId: string }): Generated {
  const content: LanguageModelV4Content[] = []
  const id = `${call.task}-${call.replies + 1}`
  if (answer.reasoning !== undefined) {
    content.push({
      type: 'reasoning',
      text: answer.reasoning,
      providerMetadata: { scripted: { signature: `signature-${id}` } },
    })
  }
  if (answer.text !== undefined) content.push({ type: 'text', text: answer.text })
  const runs = answer.code !== undefined && call.canRun
  if (answer.code !== undefined) {
    const input = JSON.stringify({ code: answer.code })
    const said = `\`\`\`ts\n${answer.code}\n\`\`\``
    content.push(
      runs
        ? { type: 'tool-call', toolCallId: `call-${id}`, toolName: RUN_CODE, input }
        : { type: 'text', text: said },
    ) // S3
  }
  const finishReason = answer.finishReason ?? (runs ? 'tool-calls' : 'stop')
  const written = (answer.reasoning ?? '') + (answer.text ?? '') + (answer.code ?? '')
  const {
    inputTokens = tokens(promptText(call.prompt)),
    outputTokens = tokens(written),
    cost,
  } = answer.usage ?? {}
  return {
    content,
    warnings: [],
    finishReason: { unified: finishReason, raw: finishReason },
    usage: specUsage(inputTokens, outputTokens),
    response: { id: `response-${id}`, modelId: response.modelId },
    ...(cost === undefined ? {} : { providerMetadata: { pca: { cost } } }),
  }
}

function tokens(text: string): number {
  return Math.ceil(text.length / 4)
}

/** As providers stream: in pieces, the signature on an empty last delta of the reasoning. */
function* streamParts(reply: Generated): Generator<LanguageModelV4StreamPart> {
  const { content, finishReason, usage, providerMetadata, response } = reply
  yield { type: 'stream-start', warnings: [] }
  yield {
    type: 'response-metadata',
    ...(response?.id === undefined ? {} : { id: response.id }),
    ...(response?.modelId === undefined ? {} : { modelId: response.modelId }),
  }
  for (const [index, part] of content.entries()) yield* partPieces(part, String(index))
  yield {
    type: 'finish',
    finishReason,
    usage,
    ...(providerMetadata === undefined ? {} : { providerMetadata }),
  }
}

function* partPieces(part: LanguageModelV4Content, id: string): Generator<LanguageModelV4StreamPart> {
  if (part.type === 'text') {
    yield { type: 'text-start', id }
    for (const delta of pieces(part.text)) yield { type: 'text-delta', id, delta }
    yield { type: 'text-end', id }
  } else if (part.type === 'reasoning') {
    yield { type: 'reasoning-start', id }
    for (const delta of pieces(part.text)) yield { type: 'reasoning-delta', id, delta }
    if (part.providerMetadata !== undefined)
      yield { type: 'reasoning-delta', id, delta: '', providerMetadata: part.providerMetadata }
    yield { type: 'reasoning-end', id }
  } else if (part.type === 'tool-call') {
    yield { type: 'tool-input-start', id: part.toolCallId, toolName: part.toolName }
    for (const delta of pieces(part.input)) yield { type: 'tool-input-delta', id: part.toolCallId, delta }
    yield { type: 'tool-input-end', id: part.toolCallId }
    yield part
  }
}

function pieces(text: string): readonly string[] {
  return text.match(/[\s\S]{1,16}/g) ?? []
}

function wait(ms: number, clock: Clock, abortSignal: AbortSignal | undefined): Promise<void> {
  abortSignal?.throwIfAborted()
  if (ms <= 0) return Promise.resolve()
  const signal = abortSignal ?? new AbortController().signal
  return unlessAborted(new Promise((resolve) => clock.after(ms, resolve, signal)), signal)
}
