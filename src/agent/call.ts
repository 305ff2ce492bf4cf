/**
 * A call at the door and on its way: a guest's call is validated, judged and sent to its tool.
 *
 * K1  The bytes that are validated here are the bytes that are journaled, approved and given to the tool.
 * K2  Whatever a tool throws becomes an outcome: a pause, a stop, or an error that shows the code no stack, no path.
 * K3  A failed attempt is made again only where the author said so (`retry`), never after a ToolError, which is a word
 *     for the code, and never for a `once` tool.
 * K4  A `once` tool that cannot say whether its call happened throws UnknownOutcomeError: it is decided like after a crash.
 */
import { decode, encode } from '../base/codec.ts'
import type { Clock } from '../base/clock.ts'
import { milliseconds, showDuration } from '../base/duration.ts'
import { ToolError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { GuestCall } from '../base/halt.ts'
import { AgentPausedException } from '../base/interruption.ts'
import type { CallOutcome } from '../journal/entry.ts'
import type { OpenCall } from '../journal/shape.ts'
import type { Chapter } from '../journal/story.ts'
import type { ToolCallOptions } from '../tool/tool.ts'
import type { Secrets } from '../tool/secret.ts'
import type { Tool } from '../tool/tools.ts'
import { Aside, type Listeners } from './aside.ts'
import type { Definition } from './definition.ts'
import type { Happening, PreparedCall } from './happening.ts'
import { askedOfTools, TOOLS } from './discovery.ts'
import { TakenSecrets, wrongReference, type SecretRoom } from './references.ts'
import { HISTORY, readHistory } from './history.ts'
import { outcomeOf } from './outcome.ts'
import { READ, type LargeValues } from './large.ts'
import { askedQuestion, mustBeSchema } from './question.ts'
import { guestError, thrownBy, type CarrierOf } from './thrown.ts'

const FIRST_BACKOFF = 1_000
const LONGEST_BACKOFF = 86_400_000

/** What a call needs of the run that it belongs to. */
export interface CallRoom extends Listeners, SecretRoom {
  readonly runId: string
  readonly secrets: Secrets
  /** Bytes that a result may take. */
  readonly resultSize: number
  readonly key: (call: OpenCall) => string
  readonly carrier: CarrierOf
  readonly clock: Clock
  now(): number
}

/** Validates a guest's new call (K1). Never rejects: what is wrong is told to the code. */
export async function prepareCall(
  call: GuestCall,
  sent: string,
  room: Pick<Definition, 'tools' | 'managed' | 'secrets'> & {
    /** Of the run's references to secrets. */
    readonly mark: string
    readonly large: Pick<LargeValues, 'read'>
    /** True if a remembered decision is about this tool. */
    readonly isRuled: (tool: string) => Promise<boolean>
    /** The story up to now. */
    readonly chapters: () => Promise<readonly Chapter[]>
  },
): Promise<PreparedCall> {
  try {
    if (call.name === '$ask') {
      const question = askedQuestion(decode(call.input))
      await mustBeSchema(question.schema)
      return { call, sent, is: 'ask', question }
    }
    if (call.name === '$sleep')
      return { call, sent, is: 'sleep', ms: milliseconds(decode(call.input), 'The duration of sleep') }
    if (call.name === READ) return { call, sent, is: 'settled', outcome: await room.large.read(call.input) }
    if (call.name === HISTORY)
      return { call, sent, is: 'settled', outcome: await readHistory(call.input, room.chapters) }
    if (call.name === TOOLS)
      return { call, sent, is: 'settled', outcome: askedOfTools(call.input, room.tools) }
    const tool = room.tools.get(call.name)
    if (tool === undefined)
      return {
        call,
        sent,
        is: 'settled',
        outcome: refusal('ToolError', `There is no tool ${call.name}.`),
      }
    const checked = await tool.checkInput(decode(call.input))
    if (!checked.ok)
      return {
        call,
        sent,
        is: 'settled',
        outcome: refusal('TypeError', `${call.name}: ${checked.message}`),
      }
    const input = room.secrets.clean(encode(checked.value))
    const wrong = wrongReference(input, tool, room)
    if (wrong !== undefined) return { call, sent, is: 'settled', outcome: refusal('ToolError', wrong) }
    const approval = await askedBy(tool, room)
    const child = room.managed.has(call.name) ? { child: true as const } : {}
    return { call, sent, is: 'tool', input, effect: tool.effect, approval, ...child }
  } catch (error) {
    return { call, sent, is: 'settled', outcome: { ok: false, error: guestError(error) } }
  }
}

/** Where people's rules may decide, they are asked before a person is. */
async function askedBy(
  { name, approval }: Tool,
  { isRuled }: { readonly isRuled: (tool: string) => Promise<boolean> },
): Promise<'never' | 'always' | 'judge'> {
  if (typeof approval === 'function') return 'judge'
  return approval === 'always' && (await isRuled(name)) ? 'judge' : approval
}

function refusal(name: string, message: string): CallOutcome {
  return { ok: false, error: { name, message } }
}

/** Runs the tool once. Resolves with what the driver has to hear; never rejects. */
export async function sendCall(
  call: OpenCall,
  input: string,
  state: string | undefined,
  key: string,
  abortSignal: AbortSignal,
  room: CallRoom,
): Promise<Happening> {
  const settled = { kind: 'call-settled' as const, key, call: call.id, attempt: call.attempt }
  const tool = room.tools.get(call.tool)
  if (tool === undefined)
    return {
      ...settled,
      outcome: { ok: false, error: { name: 'ToolError', message: `There is no tool ${call.tool}.` } },
    }
  const timed = timeLimit(tool, abortSignal, room.clock)
  try {
    const given = state === undefined ? {} : { state: decode(state) }
    const aside = new Aside(room)
    const taken = new TakenSecrets(room)
    const options = { ...optionsOf(call, timed.abortSignal, room, { aside, taken }), ...given }
    const filled = input.includes(room.mark) ? await taken.inputOf(tool, input) : input
    const executed = tool.execute(decode(filled), options, (value) => aside.progress(value))
    faultPoint('call-sent', call.effect)
    return { ...settled, outcome: await outcomeOf(tool, await timed.first(executed), room.resultSize) }
  } catch (error) {
    const thrown = thrownBy(error, room)
    if ('error' in thrown) {
      const outcome = { ok: false as const, error: guestError(thrown.error, room.secrets) }
      const isFinal = abortSignal.aborted || (outcome.error.name === 'ToolError' && !timed.isOver())
      const retryIn = isFinal ? undefined : retryDelay(tool, call.attempt)
      if (outcome.error.name === 'UnknownOutcomeError' && call.effect === 'once')
        return { ...settled, outcome, doubt: outcome.error.message }
      return { ...settled, outcome, ...(retryIn === undefined ? {} : { retryIn }) }
    }
    const by = { call: call.id, attempt: call.attempt }
    return { kind: 'interrupted', key, by, interruption: thrown.interruption }
  }
}

/** K3: ms until the attempt after `attempt`, doubled each time up to a day; undefined if there is to be none. */
function retryDelay({ retry }: Tool, attempt: number): number | undefined {
  if (retry === undefined || attempt >= retry.attempts) return undefined
  return Math.min((retry.backoff ?? FIRST_BACKOFF) * 2 ** (attempt - 1), LONGEST_BACKOFF)
}

/** Asks a tool whether a call that a crash cut had happened. A probe that fails has not found out. */
export async function probeCall(
  call: OpenCall,
  input: string,
  key: string,
  abortSignal: AbortSignal,
  room: CallRoom,
): Promise<Happening> {
  const probed = { kind: 'probed' as const, key, call: call.id }
  const tool = room.tools.get(call.tool)
  try {
    const taken = new TakenSecrets(room)
    const options = optionsOf(call, abortSignal, room, { aside: new Aside(room), taken })
    const filled = tool !== undefined && input.includes(room.mark) ? await taken.inputOf(tool, input) : input
    const said = await tool?.probe?.(decode(filled), options)
    if (tool === undefined || said === undefined) return { ...probed, said: 'unknown' }
    if (!said.happened) return { ...probed, said: 'not' }
    return { ...probed, said: 'happened', outcome: await outcomeOf(tool, said.result, room.resultSize) }
  } catch (error) {
    room.log(`the probe of ${call.tool} failed: ${guestError(error, room.secrets).message}`)
    return { ...probed, said: 'unknown' }
  }
}

/** What a tool is told of its call. */
function optionsOf(
  call: OpenCall,
  abortSignal: AbortSignal,
  room: CallRoom,
  { aside, taken }: { readonly aside: Aside; readonly taken: TakenSecrets },
): ToolCallOptions {
  const answers = call.answered?.values ?? []
  let asked = 0
  return {
    toolCallId: call.id,
    idempotencyKey: room.key(call),
    runId: room.runId,
    attempt: call.attempt,
    effect: call.effect,
    abortSignal,
    context: room.context,
    ask: async (question) => {
      // `execute` runs again from its start with each answer: the n-th question gets the n-th.
      const known = asked < answers.length
      if (known) return answers[asked++]
      throw new AgentPausedException('A tool asks', { question, onAnswer: 'call' })
    },
    secret: async (name) => taken.value(name),
    log: (...parts: readonly unknown[]) => aside.log(...parts),
    ...(answers.length === 0 ? {} : { answer: answers.at(-1) }),
  }
}

/** A tool's `timeout`: its signal fires, and its call fails whether or not the tool listens. */
function timeLimit(
  tool: Tool,
  abortSignal: AbortSignal,
  clock: Clock,
): { readonly abortSignal: AbortSignal; isOver(): boolean; first<T>(executed: Promise<T>): Promise<T> } {
  const { timeout } = tool
  if (timeout === undefined) return { abortSignal, isOver: () => false, first: async (executed) => executed }
  const over = new AbortController()
  return {
    isOver: () => over.signal.aborted,
    abortSignal: AbortSignal.any([abortSignal, over.signal]),
    async first(executed) {
      const done = new AbortController()
      const late = new Promise<never>((_resolve, reject) => {
        const onDue = (): void => {
          const error = new ToolError(
            `${tool.name} did not return within ${showDuration(timeout)}. Whether it happened is not known.`,
          )
          over.abort(error)
          reject(error)
        }
        clock.after(timeout, onDue, done.signal)
      })
      try {
        return await Promise.race([executed, late])
      } finally {
        done.abort()
      }
    },
  }
}
