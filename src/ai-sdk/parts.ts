/**
 * The tool parts of a chat: calls, steps of code and questions of a run and of those below it, as its facts have them.
 * Whether a client's message may say what it says of one is read off here, too.
 */
import type { CallId } from '../base/halt.ts'
import { parseJson } from '../base/json.ts'
import { RUN_CODE } from '../base/run-code.ts'
import type { Decision, Entry, QuestionId, QuestionKind, RunId } from '../journal/entry.ts'
import { plain } from '../agent/memory.ts'
import { isWithin } from '../agent/lineage.ts'
import type { EntryEvent } from '../run/event.ts'

/** The name under which a question for a value is shown. */
export const ASK = 'ask'

export interface Part {
  /** The `toolCallId` in the chat: the call's id, with those of the calls above it; `step_n`; a question's id. */
  readonly id: string
  readonly what: 'call' | 'agent' | 'code' | 'question'
  readonly name: string
  /** As JSON. Absent where it has come to its end. */
  input: unknown
  isOpen: boolean
  /** What is asked of it, last. */
  question?: QuestionId
}

export interface Asked {
  readonly id: QuestionId
  readonly kind: QuestionKind
  readonly run: RunId
  readonly part: Part
  readonly message: string
  readonly call?: CallId
  /** Who asks for the run itself. */
  readonly by?: Entry<'question-asked'>['by']
  /** Absent while it is open. `expired`: nobody can answer it any more. */
  readonly answer?: Decision['type'] | 'expired'
}

export class Parts {
  readonly #root: RunId
  readonly #parts = new Map<string, Part>()
  readonly #questions = new Map<QuestionId, Asked>()
  /** Programs that wait to be started. */
  readonly #proposed = new Map<RunId, Part>()
  #openCode: Part | undefined

  constructor(root: RunId) {
    this.#root = root
  }

  get(id: string): Part | undefined {
    return this.#parts.get(id)
  }

  asked(question: QuestionId): Asked | undefined {
    return this.#questions.get(question)
  }

  /** The questions that are open, in the order in which they were asked. */
  get open(): readonly Asked[] {
    return [...this.#questions.values()].filter(({ answer }) => answer === undefined)
  }

  /** What a check has asked about the answer of the run's task, and nobody has decided. */
  aboutAnswer(run: RunId): readonly Asked[] {
    return this.open.filter((asked) => asked.run === run && asked.by === 'check')
  }

  code(run: RunId, step: number): Part | undefined {
    return this.#parts.get(this.#idOf(run, `step_${step}`))
  }

  /** The step that is at work. */
  get openCode(): Part | undefined {
    return this.#openCode
  }

  call(run: RunId, call: string): Part | undefined {
    return this.#parts.get(this.#idOf(run, call))
  }

  /** Takes a fact in; large inputs are read from the store. */
  async hear(event: EntryEvent): Promise<void> {
    const { run, entry } = event
    switch (entry.kind) {
      case 'code-proposed':
        this.#proposed.set(run, this.#addCode(run, entry))
        return
      case 'step-started':
        this.#proposed.delete(run)
        this.#addCode(run, entry)
        // What was cut before anybody decided takes its question with it.
        for (const asked of this.open)
          if (asked.run === run && asked.kind === 'approval' && asked.call === undefined)
            this.#settle(asked, 'expired')
        return
      case 'step-ended':
      case 'step-killed':
        this.#close(this.code(run, entry.step))
        if (run === this.#root) this.#openCode = undefined
        return
      case 'call-requested':
        // What begins with $ is the guest's own: a question, a timer.
        if (!entry.tool.startsWith('$')) {
          const input = plain(await event.value(entry.input))
          this.#add(this.#idOf(run, entry.call), entry.child === true ? 'agent' : 'call', entry.tool, input)
        }
        return
      case 'question-asked':
        this.#ask(run, entry)
        return
      case 'question-answered':
        await this.#answer(event, entry)
        return
      case 'output-refused':
        for (const asked of this.aboutAnswer(run)) this.#settle(asked, 'expired')
        return
      case 'call-returned':
      case 'call-withdrawn':
        this.#close(this.call(run, entry.call))
        for (const asked of this.open)
          if (asked.run === run && asked.call === entry.call) this.#settle(asked, 'expired')
        return
      case 'task-completed':
      case 'task-failed':
      case 'run-stopped':
        for (const asked of this.open) if (asked.run === run) this.#settle(asked, 'expired')
        return
      default:
    }
  }

  #addCode(run: RunId, { step, source }: { readonly step: number; readonly source: string }): Part {
    const id = this.#idOf(run, `step_${step}`)
    const part = this.#parts.get(id) ?? this.#add(id, 'code', RUN_CODE, undefined)
    part.input = { code: source }
    if (run === this.#root) this.#openCode = part
    return part
  }

  #ask(run: RunId, { question: id, asks: kind, call, message, schema, by }: Entry<'question-asked'>): void {
    // Without a call it is a program that is to be approved.
    const of = call === undefined ? this.#proposed.get(run) : this.call(run, call)
    // A call that is asked about anew is not asked about as before.
    for (const before of this.open)
      if (call !== undefined && before.run === run && before.call === call) this.#settle(before, 'expired')
    const isOfCall = kind === 'approval' && of !== undefined
    const input = {
      message,
      ...(schema === undefined ? {} : { schema: parseJson(schema, 'The schema of a question') }),
      ...(of === undefined ? {} : { tool: of.name }),
    }
    const part = isOfCall ? of : this.#add(id, 'question', kind === 'input' ? ASK : kind, input)
    part.question = id
    const asker = { ...(call === undefined ? {} : { call }), ...(by === undefined ? {} : { by }) }
    this.#questions.set(id, { id, kind, run, part, message, ...asker })
  }

  async #answer(
    event: EntryEvent,
    { question, decision, edited, code }: Entry<'question-answered'>,
  ): Promise<void> {
    const asked = this.#questions.get(question)
    if (asked === undefined) return
    if (edited !== undefined) asked.part.input = plain(await event.value(edited.input))
    if (code !== undefined) asked.part.input = { code: code.source }
    this.#settle(asked, decision.type)
  }

  #settle(asked: Asked, answer: Asked['answer']): void {
    this.#questions.set(asked.id, { ...asked, ...(answer === undefined ? {} : { answer }) })
    if (asked.part.what === 'question') this.#close(asked.part)
  }

  #add(id: string, what: Part['what'], name: string, input: unknown): Part {
    const part: Part = { id, what, name, input, isOpen: true }
    this.#parts.set(id, part)
    return part
  }

  #close(part: Part | undefined): void {
    if (part === undefined) return
    part.isOpen = false
    part.input = undefined
  }

  #idOf(run: RunId, own: string): string {
    return isWithin(run, this.#root) && run !== this.#root
      ? `${run.slice(this.#root.length + 1)}.${own}`
      : own
  }
}
