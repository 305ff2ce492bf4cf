/**
 * One request to the model: the story becomes messages, the reply becomes facts. The code is compiled here, once;
 * the compiled program is journaled with the step.
 */
import { encode } from '../base/codec.ts'
import type { Clock } from '../base/clock.ts'
import { isPersistentAgentError } from '../base/errors.ts'
import type { Fact, TaskLimit } from '../journal/entry.ts'
import type { Phase } from '../journal/shape.ts'
import { summaryOf, type Chapter } from '../journal/story.ts'
import {
  askModel,
  ModelCallError,
  takeTurn,
  type Format,
  type LanguageModelV4,
  type LanguageModelV4Prompt,
  type ProviderOptions,
  type Reply,
} from '../model/ask.ts'
import type { ApprovalRule } from '../tool/approval.ts'
import type { Secrets } from '../tool/secret.ts'
import { costOf, type Price } from './budget.ts'
import { summarisedUpTo } from './context.ts'
import { thrownBy, type CarrierOf } from './thrown.ts'
import type { Happening, ReplyGiven } from './happening.ts'
import { toMessages, type Text } from './messages.ts'
import { retryAfter } from './model-retry.ts'
import { isFirstPlan } from './plan.ts'
import { fill, type PromptTemplates } from './templates.ts'

/** Looks on: what goes out and what comes back. Must not throw. */
export interface ModelWatch {
  asked(prompt: LanguageModelV4Prompt): void
  replied(reply: Reply): void
}

export interface ThinkRoom {
  readonly model: LanguageModelV4
  /** The run as it stands: its options, its seed, and the name of its model. */
  readonly run: Pick<Fact<'run-started'>, 'options' | 'seed' | 'model'>
  readonly system: string
  readonly chapters: readonly Chapter[]
  /** Tokens that the model takes in one request, where that is known and matters. */
  readonly window?: number | undefined
  /** Steps that the task still has. */
  readonly stepsLeft: number
  readonly text: Text
  readonly templates: PromptTemplates
  /** The functions of the code, by their names. */
  readonly tools: ReadonlyMap<string, unknown>
  readonly clock: Clock
  readonly abortSignal: AbortSignal
  readonly carrier: CarrierOf
  readonly secrets: Pick<Secrets, 'clean'>
  readonly price: Price
  readonly watch?: ModelWatch
  /** Whether a person must approve a program before it runs. */
  readonly codeApproval: ApprovalRule
  /** True for a text that is a program. */
  compiles(text: string): boolean
  /** Compiles a step's code. */
  compile(step: number, source: string): Promise<ReplyGiven['compiled']>
  readonly onDelta?: (delta: { readonly kind: 'text' | 'reasoning' | 'code'; readonly text: string }) => void
}

type Thinking = Extract<Phase, { at: 'thinking' }>

/** Asks once. Resolves with what the driver has to hear; rejects only with the abort reason. */
export async function think(phase: Thinking, key: string, room: ThinkRoom): Promise<Happening> {
  const at = { key, step: phase.step, attempt: phase.attempt }
  const { options, seed, model } = room.run
  const format: Format = phase.purpose === 'step' ? (options.actionFormat ?? 'tool') : 'none'
  const told = toMessages(room.system, room.chapters, room.text, {
    model,
    callsAsText: format !== 'tool',
    last: requestOf(phase, room),
    window: room.window,
  })
  const prompt = room.secrets.clean(told)
  room.watch?.asked(prompt)
  try {
    const reply = room.secrets.clean(await ask(prompt, format, room))
    room.watch?.replied(reply)
    return { kind: 'model-answered', ...at, reply: await given(reply, phase, room) }
  } catch (error) {
    if (room.abortSignal.aborted) throw error
    const thrown = thrownBy(error, room)
    if ('interruption' in thrown)
      return { kind: 'interrupted', key, by: { ...at, model: room.run.model }, ...thrown }
    const next = retryAfter({
      error: thrown.error,
      seed,
      step: phase.step,
      attempt: phase.attempt - (phase.asked ?? 0),
      options,
    })
    const message = thrown.error instanceof Error ? thrown.error.message : String(thrown.error)
    return {
      kind: 'model-broke',
      ...at,
      error: {
        code: isPersistentAgentError(thrown.error) ? thrown.error.code : 'MODEL',
        message: 'why' in next ? `${message} ${next.why}` : message,
      },
      ...('ms' in next ? { retryIn: next.ms } : {}),
    }
  }
}

/** A model that sends nothing for so long is given up, ms. */
const IDLE = 300_000

/** One request, in its turn where requests are limited. */
async function ask(prompt: LanguageModelV4Prompt, format: Format, room: ThinkRoom): Promise<Reply> {
  const { clock, abortSignal, run } = room
  const { modelSettings, providerOptions, modelIdleTimeout, rateLimit } = run.options
  const turn =
    rateLimit === undefined
      ? undefined
      : await takeTurn(run.model, rateLimit, tokensOf(prompt), { clock, abortSignal })
  const reply = await askModel(room.model, {
    prompt,
    format,
    tools: new Set(room.tools.keys()),
    compiles: (text) => room.compiles(text),
    // What the options were checked to be, when they were given.
    ...(modelSettings === undefined ? {} : { settings: modelSettings }),
    ...(providerOptions === undefined ? {} : { providerOptions: providerOptions as ProviderOptions }),
    idleTimeout: { ms: modelIdleTimeout ?? IDLE, clock },
    abortSignal,
    ...(room.onDelta === undefined ? {} : { onDelta: room.onDelta }),
  })
  if (turn !== undefined) turn.tokens = reply.usage.inputTokens + reply.usage.outputTokens || turn.tokens
  return reply
}

/** Before anybody has counted: about four characters each. */
function tokensOf(prompt: LanguageModelV4Prompt): number {
  return Math.ceil(charactersIn(prompt) / 4)
}

function charactersIn(prompt: LanguageModelV4Prompt): number {
  const text = JSON.stringify(prompt, (_key, value: unknown) => (value instanceof Uint8Array ? '' : value))
  return text.length
}

const SPENT: Readonly<Record<TaskLimit, string>> = {
  maxSteps: 'all your steps',
  timeout: 'all your time',
  maxCost: 'your whole budget',
}

/** What is said last, where it is not a step that is asked for. */
function requestOf({ purpose, limit, step }: Thinking, room: ThinkRoom): string | undefined {
  const { chapters, stepsLeft, templates } = room
  if (purpose === 'step') return undefined
  const task = chapters.findLast((chapter) => chapter.kind === 'task')?.task ?? ''
  if (purpose === 'answer') return fill(templates, 'finalAnswer', { limit: SPENT[limit ?? 'maxSteps'], task })
  if (purpose === 'summary')
    return fill(templates, 'summary', { task, upTo: String(summarisedUpTo(step - 1)) })
  const steps = `${stepsLeft} ${stepsLeft === 1 ? 'step' : 'steps'}`
  return isFirstPlan(chapters)
    ? fill(templates, 'plan', { task, steps })
    : fill(templates, 'planUpdate', { task, steps })
}

/** A plan is what was written, however the reply ended: a call that nobody offered is not told again. */
function textOnly({ text }: Reply): string {
  return encode(text === '' ? [] : [{ type: 'text', text }])
}

/** Characters of the prompt once the summary stands in it, about. */
function leftAfter(
  text: string,
  { step }: Thinking,
  { system, chapters, text: textOf, window, run }: ThinkRoom,
): number {
  const summary = summaryOf(chapters, summarisedUpTo(step - 1), text)
  const prompt = toMessages(system, [...chapters, summary], textOf, { window, model: run.model })
  return charactersIn(prompt)
}

async function given(reply: Reply, phase: Thinking, room: ThinkRoom): Promise<ReplyGiven> {
  const { cacheRead, cacheWrite } = reply.tokens
  const cached = {
    ...(cacheRead === undefined ? {} : { cacheReadTokens: cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWriteTokens: cacheWrite }),
  }
  const cost = costOf({ ...reply.usage, ...cached }, room.price)
  const base = {
    parts: encode(reply.parts),
    text: reply.text,
    finishReason: reply.finishReason,
    usage: cost === undefined ? reply.usage : { ...reply.usage, cost },
  }
  if (phase.purpose === 'answer') {
    if (reply.text.trim() === '')
      throw new ModelCallError(`The model ${room.run.model} gave no answer in words.`, { retryable: true })
    return { ...base, answer: { value: encode(reply.text), reason: phase.limit ?? 'maxSteps' } }
  }
  if (phase.purpose === 'summary') return { ...base, left: leftAfter(reply.text, phase, room) }
  if (phase.purpose === 'plan')
    return reply.mistake === undefined ? base : { ...base, parts: textOnly(reply) }
  if (reply.mistake !== undefined) return { ...base, mistake: reply.mistake }
  if (reply.code === undefined) return { ...base, answer: { value: encode(reply.text), reason: 'text' } }
  const compiled = await room.compile(phase.step, reply.code)
  const { codeApproval } = room
  return {
    ...base,
    code: reply.code,
    ...(compiled === undefined ? {} : { compiled }),
    ...(codeApproval === 'never' ? {} : { approval: codeApproval === 'always' ? 'always' : 'judge' }),
  }
}
