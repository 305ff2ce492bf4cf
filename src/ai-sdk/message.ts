/**
 * A run's events as the chunks of one assistant message.
 *
 * U1  What a message comes to in the end is made of facts: what was streamed of a reply that did not come, or came
 *     otherwise, is taken back (`reset-step`) and told again.
 * U2  A tool part is declared in a message before anything else is said of it there.
 * U3  A turn of the model is a step, and so are the calls of its code: a client that sends approvals by itself looks at
 *     the last step, where only those calls are.
 */
import { isPersistentAgentError } from '../base/errors.ts'
import { plain } from '../agent/memory.ts'
import type { Entry, EntryKind, RunId } from '../journal/entry.ts'
import type { EntryEvent, LiveEvent, RunEvent } from '../run/event.ts'
import type { RunResult } from '../run/result.ts'
import type { ChatMetadata, UIChunk } from './chunks.ts'
import { ASK, Parts, type Asked, type Part } from './parts.ts'
import { Reply } from './reply.ts'

export interface MessageOptions {
  /** Send what the model thinks, and its plans. Default `true`. */
  readonly sendReasoning?: boolean
  /** Send the code of the steps, as calls of `run_code`. Default `true`. */
  readonly sendCode?: boolean
  /** What a client is told of a run that failed. Default: its code alone; messages may hold what is not for everybody. */
  readonly onError?: (error: { readonly code: string; readonly message: string }) => string
}

export class Message {
  readonly parts: Parts
  readonly #run: RunId
  readonly #options: MessageOptions
  /** U2. */
  readonly #declared = new Set<string>()
  /** Those of them that stand in the last step. */
  readonly #inStep = new Set<string>()
  readonly #reply: Reply
  #out: UIChunk[] = []
  /** Nothing stands in the message's last step yet. */
  #isFresh = false
  /** U3: code or an agent stands last in the step, and stays open while its calls are asked about. */
  #isAfterWork = false
  /** What the code of the open step has printed. */
  #printed = ''

  constructor(run: RunId, options: MessageOptions = {}) {
    this.#run = run
    this.#options = options
    this.parts = new Parts(run)
    this.#reply = new Reply(options, (chunk) => this.#put(chunk))
  }

  /** A new message, which the facts after `seq` fill. */
  begin(seq: number): readonly UIChunk[] {
    this.#declared.clear()
    return this.#started({ messageId: `${this.#run}_${seq}` })
  }

  /** Goes on with a message that the client has, with these tool parts. */
  goOn(has: Iterable<string>): readonly UIChunk[] {
    this.#declared.clear()
    for (const id of has) this.#declared.add(id)
    return this.#started({})
  }

  /** Goes on with the message that was told so far, which began after the fact `seq`. */
  rejoin(seq: number): readonly UIChunk[] {
    return this.#started({ messageId: `${this.#run}_${seq}` })
  }

  #started(id: { readonly messageId?: string }): readonly UIChunk[] {
    this.#out = []
    this.#inStep.clear()
    this.#isFresh = false
    // What comes of a reply that is under way can be taken back without touching what was there.
    if (this.#reply.isOpen) this.#newStep()
    return [{ type: 'start', ...id, messageMetadata: { runId: this.#run } }, ...this.#taken()]
  }

  /** Takes an event in that adds nothing to the message: it was before it. */
  async note(event: RunEvent): Promise<void> {
    if (event.type !== 'entry') return
    await this.parts.hear(event)
    if (event.run !== this.#run) return
    if (event.entry.kind === 'model-called') this.#reply.begin(event.entry)
    else if (ENDS_REPLY.has(event.entry.kind)) this.#reply.pass()
    if (event.entry.kind === 'step-started') this.#printed = ''
  }

  /** What an event adds to the message. */
  async hear(event: RunEvent): Promise<readonly UIChunk[]> {
    if (event.type === 'result') this.#result(event.result)
    else if (event.type !== 'entry') this.#live(event)
    else {
      // What ends is known until it has been told.
      const ends = ENDS_PART.has(event.entry.kind)
      if (!ends) await this.parts.hear(event)
      await this.#fact(event)
      if (ends) await this.parts.hear(event)
    }
    return this.#taken()
  }

  async #fact(event: EntryEvent): Promise<void> {
    const { run, entry } = event
    const isOwn = run === this.#run
    switch (entry.kind) {
      case 'model-called':
        if (!isOwn) return
        this.#reply.begin(entry)
        this.#newStep()
        return
      case 'model-replied':
      case 'plan-made':
      case 'context-compacted':
      case 'model-failed':
        if (isOwn) await this.#reply.end(entry, async (stored) => event.value(stored))
        return
      case 'code-proposed':
        if (this.#shows(run, entry.step)) this.#declare(this.parts.code(run, entry.step))
        return
      case 'step-started':
        if (isOwn) this.#printed = ''
        if (this.#shows(run, entry.step)) this.#code(run, entry)
        return
      case 'step-ended':
      case 'step-killed':
        if (this.#shows(run, entry.step)) this.#codeEnded(run, entry)
        return
      case 'call-requested':
        if (isOwn) this.#declare(this.parts.call(run, entry.call))
        return
      case 'question-asked':
        this.#asked(this.parts.asked(entry.question))
        return
      case 'question-answered':
        this.#answered(entry, this.parts.asked(entry.question))
        return
      case 'call-returned':
      case 'call-withdrawn':
        await this.#callEnded(event, entry)
        return
      case 'message-said':
        if (isOwn)
          this.#put({
            type: 'steering-message',
            id: `${run}_${entry.seq}`,
            parts: [{ type: 'text', text: entry.text }],
          })
        return
      case 'task-completed':
        if (isOwn) await this.#answer(event, entry)
        return
      default:
    }
  }

  #live(event: LiveEvent): void {
    const isOwn = event.run === this.#run
    switch (event.type) {
      case 'text':
      case 'reasoning':
      case 'code':
        if (isOwn) this.#reply.hear(event.type, event.delta)
        return
      case 'printed':
        if (isOwn) this.#printedMore(event.text)
        return
      case 'progress': {
        const part = this.parts.call(event.run, event.call)
        if (part !== undefined && this.#declared.has(part.id))
          this.#put({
            type: 'tool-output-available',
            toolCallId: part.id,
            output: plain(event.value),
            preliminary: true,
          })
        return
      }
      case 'log':
        if (isOwn)
          this.#put({ type: 'data-log', data: { call: event.call, text: event.text }, transient: true })
        return
      case 'missed':
        return
      default:
        event satisfies never
    }
  }

  /** Whether the code of a step is a part: the run's own, and what a person was asked about. */
  #shows(run: RunId, step: number): boolean {
    if (run === this.#run && this.#options.sendCode !== false) return true
    return this.#declared.has(this.parts.code(run, step)?.id ?? '')
  }

  #code(run: RunId, { step }: Entry<'step-started'>): void {
    const part = this.parts.code(run, step)
    if (part === undefined) return
    this.#declared.delete(part.id)
    this.#declare(part)
  }

  #printedMore(text: string): void {
    this.#printed += text
    const part = this.parts.openCode
    if (part === undefined || (this.#options.sendCode === false && !this.#declared.has(part.id))) return
    this.#declare(part)
    const output = { printed: this.#printed }
    this.#put({ type: 'tool-output-available', toolCallId: part.id, output, preliminary: true })
  }

  #codeEnded(run: RunId, entry: Entry<'step-ended'> | Entry<'step-killed'>): void {
    const part = this.parts.code(run, entry.step)
    if (part === undefined) return
    this.#declare(part)
    const toolCallId = part.id
    if (this.#isRejected(part)) return this.#put({ type: 'tool-output-denied', toolCallId })
    if (entry.kind === 'step-killed')
      return this.#put({ type: 'tool-output-error', toolCallId, errorText: entry.message })
    const { printed, shown, error } = entry
    if (error !== undefined)
      return this.#put({
        type: 'tool-output-error',
        toolCallId,
        errorText: `${printed}${error.name}: ${error.message}`,
      })
    this.#put({
      type: 'tool-output-available',
      toolCallId,
      output: { printed, ...(shown === undefined ? {} : { value: shown }) },
    })
  }

  #asked(asked: Asked | undefined): void {
    if (asked === undefined) return
    const { id: approvalId, kind, part, message: reason } = asked
    this.#declare(part)
    if (kind !== 'input')
      this.#put({ type: 'tool-approval-request', approvalId, toolCallId: part.id, reason })
  }

  #answered(
    { decision, question: approvalId, edited, code }: Entry<'question-answered'>,
    asked: Asked | undefined,
  ): void {
    if (asked === undefined || !this.#declared.has(asked.part.id)) return
    const { part, kind } = asked
    const approved = decision.type !== 'reject' && decision.type !== 'expired'
    // What is approved is what a person made of it.
    if (edited !== undefined || code !== undefined) this.#putPart(part)
    if (kind !== 'input')
      this.#put({
        type: 'tool-approval-response',
        approvalId,
        approved,
        ...(decision.type === 'reject' && decision.reason !== undefined ? { reason: decision.reason } : {}),
      })
    if (part.what !== 'question') return
    if (decision.type === 'respond')
      this.#put({
        type: 'tool-output-available',
        toolCallId: part.id,
        output: plain(decision.value),
        providerExecuted: true,
      })
    else if (approved)
      this.#put({
        type: 'tool-output-available',
        toolCallId: part.id,
        output: { approved },
        providerExecuted: true,
      })
    else
      this.#denied(
        part,
        kind,
        decision.type === 'expired' ? 'Nobody answered in time.' : (decision.reason ?? 'Rejected.'),
      )
  }

  /** Only what was asked for approval can be denied. */
  #denied(part: Part, kind: Asked['kind'], why: string): void {
    if (kind === 'input') this.#put({ type: 'tool-output-error', toolCallId: part.id, errorText: why })
    else this.#put({ type: 'tool-output-denied', toolCallId: part.id })
  }

  async #callEnded(
    event: EntryEvent,
    entry: Entry<'call-returned'> | Entry<'call-withdrawn'>,
  ): Promise<void> {
    const part = this.parts.call(event.run, entry.call)
    if (part === undefined) return
    const isOwn = event.run === this.#run
    // Of those below only what a person was asked about is shown.
    if (!isOwn && !this.#declared.has(part.id)) return
    this.#declare(part)
    const toolCallId = part.id
    if (entry.kind === 'call-withdrawn')
      return this.#put({ type: 'tool-output-error', toolCallId, errorText: `Withdrawn: ${entry.why}` })
    const { outcome } = entry
    if (outcome.ok)
      return this.#put({
        type: 'tool-output-available',
        toolCallId,
        output: plain(await event.value(outcome.value)),
      })
    const answer = part.question === undefined ? undefined : this.parts.asked(part.question)?.answer
    if (answer === 'reject' || answer === 'expired') this.#put({ type: 'tool-output-denied', toolCallId })
    else
      this.#put({
        type: 'tool-output-error',
        toolCallId,
        errorText: `${outcome.error.name}: ${outcome.error.message}`,
      })
  }

  #isRejected({ question }: Part): boolean {
    const answer = question === undefined ? undefined : this.parts.asked(question)?.answer
    return answer === 'reject' || answer === 'expired'
  }

  async #answer(event: EntryEvent, { output, reason, seq }: Entry<'task-completed'>): Promise<void> {
    // An answer in words has been streamed as what the model says.
    if (reason !== 'finalAnswer') return
    const value = plain(await event.value(output))
    this.#newStep()
    this.#text(`answer_${seq}`, typeof value === 'string' ? value : JSON.stringify(value, undefined, 2))
    if (typeof value !== 'string') this.#put({ type: 'data-output', data: value })
  }

  #text(id: string, delta: string): void {
    this.#put({ type: 'text-start', id })
    this.#put({ type: 'text-delta', id, delta })
    this.#put({ type: 'text-end', id })
  }

  #result(result: RunResult): void {
    this.#reply.drop()
    const messageMetadata = metadataOf(result)
    switch (result.status) {
      case 'completed':
        this.#put({ type: 'finish', finishReason: 'stop', messageMetadata })
        return
      case 'failed':
        this.#put({ type: 'error', errorText: (this.#options.onError ?? codeAlone)(result.error) })
        this.#put({ type: 'finish', finishReason: 'error', messageMetadata })
        return
      case 'stopped':
        this.#put({ type: 'abort', reason: result.message })
        this.#put({ type: 'finish', finishReason: 'interrupted', messageMetadata })
        return
      case 'paused': {
        const asks = this.parts.open.some(({ part }) => this.#declared.has(part.id))
        // Nothing is left there that a client would send by itself.
        if (!asks) this.#newStep()
        const waits = asks || result.questions.length > 0 || result.wakeAt !== undefined
        if (!waits) this.#put({ type: 'abort', reason: result.message })
        const finishReason = asks ? 'tool-calls' : waits ? 'other' : 'interrupted'
        this.#put({ type: 'finish', finishReason, messageMetadata })
        return
      }
      default:
        result satisfies never
    }
  }

  /** U2, U3. */
  #declare(part: Part | undefined): void {
    if (part === undefined || this.#declared.has(part.id)) return
    if (part.what !== 'code' && this.#isAfterWork) this.#newStep()
    this.#declared.add(part.id)
    this.#inStep.add(part.id)
    this.#isAfterWork ||= part.what === 'code' || part.what === 'agent'
    this.#putPart(part)
  }

  #putPart({ id: toolCallId, name: toolName, input }: Part): void {
    const own = toolName === ASK ? {} : { providerExecuted: true as const }
    this.#put({ type: 'tool-input-available', toolCallId, toolName, input, dynamic: true, ...own })
  }

  #newStep(): void {
    this.#isAfterWork = false
    if (this.#isFresh) return
    this.#out.push({ type: 'finish-step' }, { type: 'start-step' })
    this.#inStep.clear()
    this.#isFresh = true
  }

  #put(chunk: UIChunk): void {
    this.#out.push(chunk)
    if (ADDS.has(chunk.type)) this.#isFresh = false
    if (chunk.type !== 'reset-step') return
    // What else stood in that step is told again.
    this.#isFresh = true
    const gone = [...this.#inStep]
    this.#inStep.clear()
    for (const id of gone) this.#declared.delete(id)
    for (const id of gone) {
      const part = this.parts.get(id)
      if (part?.isOpen !== true) continue
      this.#declare(part)
      const asked = part.question === undefined ? undefined : this.parts.asked(part.question)
      if (asked?.answer === undefined) this.#asked(asked)
    }
  }

  #taken(): readonly UIChunk[] {
    const out = this.#out
    this.#out = []
    return out
  }
}

const ENDS_REPLY: ReadonlySet<EntryKind> = new Set([
  'model-replied',
  'plan-made',
  'context-compacted',
  'model-failed',
])
const ENDS_PART: ReadonlySet<EntryKind> = new Set([
  'call-returned',
  'call-withdrawn',
  'step-ended',
  'step-killed',
])

/** What puts something into the last step. */
const ADDS: ReadonlySet<UIChunk['type']> = new Set([
  'text-start',
  'reasoning-start',
  'tool-input-start',
  'tool-input-available',
  'steering-message',
  'data-output',
])

function metadataOf(result: RunResult): ChatMetadata {
  const { runId, status, stepCount, usage } = result
  const { inputTokens, outputTokens, cost } = usage
  return {
    runId,
    status,
    stepCount,
    usage: { inputTokens, outputTokens, ...(cost === undefined ? {} : { cost }) },
    ...(result.status === 'paused' || result.status === 'stopped' ? { message: result.message } : {}),
    ...(result.status === 'paused' && result.wakeAt !== undefined
      ? { wakeAt: result.wakeAt.toISOString() }
      : {}),
  }
}

/** What a client is told of an error that ends a stream. */
export function errorText(error: unknown, { onError = codeAlone }: MessageOptions): string {
  const { code, message } = isPersistentAgentError(error)
    ? error
    : { code: 'UNEXPECTED', message: String(error) }
  return onError({ code, message })
}

function codeAlone({ code }: { readonly code: string }): string {
  return `The run failed (${code}).`
}
