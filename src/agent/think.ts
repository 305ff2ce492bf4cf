/**
 * One request to the model: the story becomes messages, the reply becomes facts. The code is compiled here, once;
 * the compiled program is journaled with the step.
 */
import { encode } from '../base/codec.ts'
import { isPersistentAgentError } from '../base/errors.ts'
import type { TaskLimit } from '../journal/entry.ts'
import type { Phase } from '../journal/shape.ts'
import type { Chapter } from '../journal/story.ts'
import { askModel, retryOf, type LanguageModelV4, type Reply } from '../model/ask.ts'
import { costOf, type Price } from './budget.ts'
import { thrownBy, type CarrierOf } from './thrown.ts'
import type { Happening, ReplyGiven } from './happening.ts'
import { toMessages, type Text } from './messages.ts'
import { isFirstPlan } from './plan.ts'
import { fill, type PromptTemplates } from './templates.ts'

/** Attempts per turn before the task fails. */
const ATTEMPTS = 4
const FIRST_BACKOFF = 1_000
const LONGEST_BACKOFF = 60_000

export interface ThinkRoom {
  readonly model: LanguageModelV4
  readonly system: string
  readonly chapters: readonly Chapter[]
  /** Steps that the task still has. */
  readonly stepsLeft: number
  readonly text: Text
  readonly templates: PromptTemplates
  readonly abortSignal: AbortSignal
  readonly carrier: CarrierOf
  readonly price?: Price
  /** Compiles a step's code. */
  compile(step: number, source: string): Promise<ReplyGiven['compiled']>
  readonly onDelta?: (delta: { readonly kind: 'text' | 'reasoning' | 'code'; readonly text: string }) => void
}

type Thinking = Extract<Phase, { at: 'thinking' }>

/** Asks once. Resolves with what the driver has to hear; rejects only with the abort reason. */
export async function think(phase: Thinking, key: string, room: ThinkRoom): Promise<Happening> {
  const at = { key, step: phase.step, attempt: phase.attempt }
  const last = requestOf(phase, room)
  const prompt = toMessages(room.system, room.chapters, room.text, last)
  try {
    const reply = await askModel(room.model, {
      prompt,
      format: phase.purpose === 'step' ? 'tool' : 'none',
      abortSignal: room.abortSignal,
      ...(room.onDelta === undefined ? {} : { onDelta: room.onDelta }),
    })
    return { kind: 'model-answered', ...at, reply: await given(reply, phase, room) }
  } catch (error) {
    if (room.abortSignal.aborted) throw error
    const thrown = thrownBy(error, room)
    if ('interruption' in thrown) return { kind: 'interrupted', key, by: 'model', ...thrown }
    const { retryable, retryAfter } = retryOf(thrown.error)
    const backoff = retryAfter ?? Math.min(FIRST_BACKOFF * 2 ** (phase.attempt - 1), LONGEST_BACKOFF)
    return {
      kind: 'model-broke',
      ...at,
      error: {
        code: isPersistentAgentError(thrown.error) ? thrown.error.code : 'MODEL',
        message: thrown.error instanceof Error ? thrown.error.message : String(thrown.error),
      },
      ...(retryable && phase.attempt < ATTEMPTS ? { retryIn: backoff } : {}),
    }
  }
}

const SPENT: Readonly<Record<TaskLimit, string>> = {
  maxSteps: 'all your steps',
  timeout: 'all your time',
  maxCost: 'your whole budget',
}

/** What is said last, where it is not a step that is asked for. */
function requestOf({ purpose, limit }: Thinking, room: ThinkRoom): string | undefined {
  const { chapters, stepsLeft, templates } = room
  if (purpose === 'step') return undefined
  const task = chapters.findLast((chapter) => chapter.kind === 'task')?.task ?? ''
  if (purpose === 'answer') return fill(templates, 'finalAnswer', { limit: SPENT[limit ?? 'maxSteps'], task })
  const steps = `${stepsLeft} ${stepsLeft === 1 ? 'step' : 'steps'}`
  return isFirstPlan(chapters)
    ? fill(templates, 'plan', { task, steps })
    : fill(templates, 'planUpdate', { task, steps })
}

/** A plan is what was written, however the reply ended: a call that nobody offered is not told again. */
function textOnly({ text }: Reply): string {
  return encode(text === '' ? [] : [{ type: 'text', text }])
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
    return { ...base, answer: { value: encode(reply.text), reason: phase.limit ?? 'maxSteps' } }
  }
  if (phase.purpose === 'plan')
    return reply.mistake === undefined ? base : { ...base, parts: textOnly(reply) }
  if (reply.mistake !== undefined) return { ...base, mistake: reply.mistake }
  if (reply.code === undefined) return { ...base, answer: { value: encode(reply.text), reason: 'text' } }
  const compiled = await room.compile(phase.step, reply.code)
  return { ...base, code: reply.code, ...(compiled === undefined ? {} : { compiled }) }
}
