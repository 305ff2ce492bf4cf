/**
 * A run's events as the chunks of one assistant message.
 *
 * U1  What a message comes to in the end is made of facts: what was streamed of a reply that did not come, or came
 *     otherwise, is taken back (`reset-step`) and told again.
 */
import { plain } from '../agent/memory.ts'
import type { Entry, EntryKind, RunId } from '../journal/entry.ts'
import type { EntryEvent, LiveEvent, RunEvent } from '../run/event.ts'
import type { RunResult } from '../run/result.ts'
import type { UIChunk } from './chunks.ts'
import { endingOf, type EndingOptions } from './ending.ts'
import { Parts, type Asked, type Part } from './parts.ts'
import { Reply } from './reply.ts'
import { Sheet } from './sheet.ts'

export interface MessageOptions extends EndingOptions {
  /** Send what the model thinks, and its plans. Default `true`. */
  readonly sendReasoning?: boolean
  /** Send the code of the steps, as calls of `run_code`. Default `true`. */
  readonly sendCode?: boolean
}

export class Message {
  readonly parts: Parts
  readonly #run: RunId
  readonly #options: MessageOptions
  readonly #sheet: Sheet
  readonly #reply: Reply
  /** What the code of the open step has printed. */
  #printed = ''

  constructor(run: RunId, options: MessageOptions = {}) {
    this.#run = run
    this.#options = options
    this.parts = new Parts(run)
    this.#sheet = new Sheet(this.parts)
    this.#reply = new Reply(options, (chunk) => this.#sheet.put(chunk))
  }

  /** A new message, which the facts after `seq` fill. */
  begin(seq: number): readonly UIChunk[] {
    return this.#started([], `${this.#run}_${seq}`)
  }

  /** Goes on with a message that the client has, with these tool parts. */
  goOn(has: Iterable<string>): readonly UIChunk[] {
    return this.#started(has)
  }

  /** Goes on with the message that was told so far, which began after the fact `seq`. */
  rejoin(seq: number): readonly UIChunk[] {
    return this.#started(undefined, `${this.#run}_${seq}`)
  }

  #started(has: Iterable<string> | undefined, messageId?: string): readonly UIChunk[] {
    this.#sheet.begin(has)
    const messageMetadata = { runId: this.#run }
    this.#sheet.put({ type: 'start', messageMetadata, ...(messageId === undefined ? {} : { messageId }) })
    // What comes of a reply that is under way can be taken back without touching what was there.
    if (this.#reply.isOpen) this.#sheet.newStep()
    return this.#sheet.take()
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
    return this.#sheet.take()
  }

  async #fact(event: EntryEvent): Promise<void> {
    const { run, entry } = event
    const isOwn = run === this.#run
    switch (entry.kind) {
      case 'model-called':
        if (!isOwn) return
        this.#reply.begin(entry)
        this.#sheet.newStep()
        return
      case 'model-replied':
      case 'plan-made':
      case 'context-compacted':
      case 'model-failed':
        if (isOwn) await this.#reply.end(entry, async (stored) => event.value(stored))
        return
      case 'code-proposed':
        this.#proposed(run, entry)
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
        if (isOwn) this.#requested(entry)
        return
      case 'question-asked':
        this.#asked(entry)
        return
      case 'question-answered':
        this.#answered(entry, this.parts.asked(entry.question))
        return
      case 'output-refused':
        for (const { part, kind } of this.parts.aboutAnswer(run))
          if (this.#sheet.has(part)) this.#denied(part, kind, 'The answer does not stand any more.')
        return
      case 'call-returned':
      case 'call-withdrawn':
        await this.#callEnded(event, entry)
        return
      case 'message-said':
        if (isOwn)
          this.#sheet.put({
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
        if (part !== undefined && this.#sheet.has(part))
          this.#sheet.put({
            type: 'tool-output-available',
            toolCallId: part.id,
            output: plain(event.value),
            preliminary: true,
          })
        return
      }
      case 'log':
        if (isOwn)
          this.#sheet.put({ type: 'data-log', data: { call: event.call, text: event.text }, transient: true })
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
    return this.#sheet.has(this.parts.code(run, step))
  }

  #code(run: RunId, { step }: Entry<'step-started'>): void {
    const part = this.parts.code(run, step)
    if (part !== undefined) this.#sheet.declareAgain(part)
  }

  #proposed(run: RunId, { step }: Entry<'code-proposed'>): void {
    const part = this.parts.code(run, step)
    if (part !== undefined && this.#shows(run, step)) this.#sheet.declare(part)
  }

  #requested({ call }: Entry<'call-requested'>): void {
    const part = this.parts.call(this.#run, call)
    if (part !== undefined) this.#sheet.declare(part)
  }

  #printedMore(text: string): void {
    this.#printed += text
    const part = this.parts.openCode
    if (part === undefined || (this.#options.sendCode === false && !this.#sheet.has(part))) return
    this.#sheet.declare(part)
    const output = { printed: this.#printed }
    this.#sheet.put({ type: 'tool-output-available', toolCallId: part.id, output, preliminary: true })
  }

  #codeEnded(run: RunId, entry: Entry<'step-ended'> | Entry<'step-killed'>): void {
    const part = this.parts.code(run, entry.step)
    if (part === undefined) return
    this.#sheet.declare(part)
    const toolCallId = part.id
    if (this.#isRejected(part)) return this.#sheet.put({ type: 'tool-output-denied', toolCallId })
    if (entry.kind === 'step-killed')
      return this.#sheet.put({ type: 'tool-output-error', toolCallId, errorText: entry.message })
    const { printed, shown, error } = entry
    if (error !== undefined)
      return this.#sheet.put({
        type: 'tool-output-error',
        toolCallId,
        errorText: `${printed}${error.name}: ${error.message}`,
      })
    this.#sheet.put({
      type: 'tool-output-available',
      toolCallId,
      output: { printed, ...(shown === undefined ? {} : { value: shown }) },
    })
  }

  #asked({ question }: Entry<'question-asked'>): void {
    const asked = this.parts.asked(question)
    if (asked !== undefined) this.#sheet.ask(asked)
  }

  #answered(
    { decision, question: approvalId, edited, code }: Entry<'question-answered'>,
    asked: Asked | undefined,
  ): void {
    if (asked === undefined || !this.#sheet.has(asked.part)) return
    const { part, kind } = asked
    const approved = decision.type !== 'reject' && decision.type !== 'expired'
    // What is approved is what a person made of it.
    if (edited !== undefined || code !== undefined) this.#sheet.tellInput(part)
    if (kind !== 'input')
      this.#sheet.put({
        type: 'tool-approval-response',
        approvalId,
        approved,
        ...(decision.type === 'reject' && decision.reason !== undefined ? { reason: decision.reason } : {}),
      })
    if (part.what !== 'question') return
    if (decision.type === 'respond')
      this.#sheet.put({
        type: 'tool-output-available',
        toolCallId: part.id,
        output: plain(decision.value),
        providerExecuted: true,
      })
    else if (approved)
      this.#sheet.put({
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
    if (kind === 'input') this.#sheet.put({ type: 'tool-output-error', toolCallId: part.id, errorText: why })
    else this.#sheet.put({ type: 'tool-output-denied', toolCallId: part.id })
  }

  async #callEnded(
    event: EntryEvent,
    entry: Entry<'call-returned'> | Entry<'call-withdrawn'>,
  ): Promise<void> {
    this.#withdrawn(event.run, entry.call)
    const part = this.parts.call(event.run, entry.call)
    if (part === undefined) return
    const isOwn = event.run === this.#run
    // Of those below only what a person was asked about is shown.
    if (!isOwn && !this.#sheet.has(part)) return
    this.#sheet.declare(part)
    const toolCallId = part.id
    if (entry.kind === 'call-withdrawn')
      return this.#sheet.put({ type: 'tool-output-error', toolCallId, errorText: `Withdrawn: ${entry.why}` })
    const { outcome } = entry
    if (outcome.ok)
      return this.#sheet.put({
        type: 'tool-output-available',
        toolCallId,
        output: plain(await event.value(outcome.value)),
      })
    if (this.#isRejected(part)) this.#sheet.put({ type: 'tool-output-denied', toolCallId })
    else
      this.#sheet.put({
        type: 'tool-output-error',
        toolCallId,
        errorText: `${outcome.error.name}: ${outcome.error.message}`,
      })
  }

  /** What was asked by a call that is over, and that nobody answered. */
  #withdrawn(run: RunId, call: string): void {
    for (const { part, run: whose, call: by } of this.parts.open)
      if (whose === run && by === call && part.what === 'question' && this.#sheet.has(part))
        this.#sheet.put({
          type: 'tool-output-error',
          toolCallId: part.id,
          errorText: 'It is not asked any more.',
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
    this.#sheet.newStep()
    this.#text(`answer_${seq}`, typeof value === 'string' ? value : JSON.stringify(value, undefined, 2))
    if (typeof value !== 'string') this.#sheet.put({ type: 'data-output', data: value })
  }

  #text(id: string, delta: string): void {
    this.#sheet.put({ type: 'text-start', id })
    this.#sheet.put({ type: 'text-delta', id, delta })
    this.#sheet.put({ type: 'text-end', id })
  }

  #result(result: RunResult): void {
    this.#reply.drop()
    const asks = this.parts.open.some(({ part }) => this.#sheet.has(part))
    // Nothing is left in the last step that a client would send by itself.
    if (result.status === 'paused' && !asks) this.#sheet.newStep()
    for (const chunk of endingOf(result, asks, this.#options)) this.#sheet.put(chunk)
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
  'output-refused',
  'step-ended',
  'step-killed',
])
