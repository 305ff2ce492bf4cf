/** One chat: a run, as far as its journal has got, and how a request moves it on. */
import type { CodeAgent } from '../code-agent.ts'
import { RunBusyError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import type { Decision, RunId } from '../journal/entry.ts'
import type { RunRow, Store } from '../journal/store.ts'
import type { RunEvent } from '../run/event.ts'
import { storedEvents } from '../run/events.ts'
import { claimant } from '../run/lease.ts'
import type { Run } from '../run/run.ts'
import { answerQuestion, checkDecision, sayTo } from '../run/signal.ts'
import { answersIn, partsOf, targetOf, type Answer } from './claims.ts'
import type { UIChunk } from './chunks.ts'
import { Message, type MessageOptions } from './message.ts'
import { Refusal } from './refusal.ts'
import { writtenIn, type ChatRequest, type Written } from './request.ts'

export interface ChatDesk {
  readonly agent: CodeAgent
  readonly store: Store
  readonly options: MessageOptions
  /** Who asks; stands in the journal with what they decide and say. */
  readonly by: string
  readonly context?: unknown
}

/** What is being told. */
export interface Told {
  readonly chunks: AsyncGenerator<UIChunk, void, undefined>
  /** Pauses the run, if it is driven for this request. */
  pause(): Promise<void>
}

/** Said of an answer that was written as a message, not given in the part that asked. */
const IN_WORDS = ', in words'
/** What is told of an approval that is open when the person writes something else. */
const WROTE_INSTEAD = 'The person has written a message instead of approving it.'
const MOST_DUE = 1_000

/** Where telling begins: with the next message of the chat, or now, in one that has these parts. */
type Begin = { readonly at: 'message' } | { readonly at: 'now'; readonly has: readonly string[] }

export class Chat {
  readonly #desk: ChatDesk
  readonly #run: RunId
  readonly #message: Message
  /** Where each run of the family has been read to. */
  readonly #after: Record<RunId, number> = {}
  /** What was said to the run: it may have ended before it heard of it. */
  #said: string | undefined

  constructor(desk: ChatDesk, run: RunId) {
    this.#desk = desk
    this.#run = run
    this.#message = new Message(run, desk.options)
  }

  /**
   * Starts the run, gives it a follow-up, answers its questions or goes on with it, as the request says.
   * @throws {Refusal} nothing was changed.
   */
  async send(chat: ChatRequest, abortSignal: AbortSignal): Promise<Told> {
    const { agent, store, context } = this.#desk
    const row = await store.run(this.#run)
    if (row !== undefined) for await (const event of this.#stored()) await this.#message.note(event)
    const answers = answersIn(chat, this.#message.parts)
    const written = writtenIn(chat)
    const more = {
      ...(context === undefined ? {} : { context }),
      ...(written === undefined || written.images.length === 0 ? {} : { images: written.images }),
    }
    if (row === undefined) {
      if (written === undefined) throw new Refusal(400, 'USAGE', 'A chat begins with a message.')
      const run = await agent.start(written.text, { runId: this.#run, ...more })
      return this.#tell(run, { at: 'message' }, abortSignal)
    }
    switch (row.status) {
      case 'stopped':
        throw new Refusal(409, 'USAGE', 'This chat was stopped. Begin another one.')
      case 'completed':
      case 'failed': {
        if (written === undefined && row.status === 'completed')
          throw new Refusal(409, 'USAGE', 'There is nothing to go on with: write a message.')
        const task = written === undefined ? {} : { task: written.text }
        const begin: Begin = written === undefined ? nowIn(chat) : { at: 'message' }
        return this.#tell(await agent.continue(this.#run, { ...more, ...task }), begin, abortSignal)
      }
      case 'running':
      case 'paused': {
        const begin = await this.#moveOn(chat, row, { answers, written })
        const run = await agent.continue(this.#run, context === undefined ? {} : { context })
        return this.#tell(run, begin, abortSignal)
      }
      default:
        throw new TypeError(`No status ${String(row.status satisfies never)}`)
    }
  }

  /** What there is of the message that is under way, and what comes; undefined: there is nothing to wait for. */
  async rejoin(abortSignal: AbortSignal): Promise<Told | undefined> {
    const { store, agent } = this.#desk
    const row = await store.run(this.#run)
    if (row === undefined || !(await this.#isAlive(row))) return undefined
    const message = this.#message
    let kept: UIChunk[] = []
    for await (const event of this.#stored()) {
      if (this.#begins(event)) {
        await message.note(event)
        kept = [...message.begin(event.seq)]
      } else kept.push(...(await message.hear(event)))
    }
    const options = { follow: 'rest', family: true, after: this.#after, abortSignal } as const
    const events = agent.events(this.#run, options)
    return {
      pause: async () => undefined,
      chunks: (async function* () {
        yield* kept
        for await (const event of events) yield* await message.hear(event)
      })(),
    }
  }

  /** Facts so far, of the whole family. */
  async *#stored(): AsyncGenerator<RunEvent, void, undefined> {
    const { store } = this.#desk
    for await (const event of storedEvents({ store, run: this.#run }, { family: true })) {
      if (event.type === 'result') return
      if (event.type === 'entry') this.#after[event.run] = event.seq
      yield event
    }
  }

  /** Records what the person has decided and said. */
  async #moveOn(
    chat: ChatRequest,
    row: RunRow,
    { answers, written }: { readonly answers: readonly Answer[]; readonly written: Written | undefined },
  ): Promise<Begin> {
    const { store, by, agent } = this.#desk
    const { secrets } = agent.definition()
    if (written !== undefined && written.images.length > 0)
      throw new Refusal(400, 'USAGE', 'Images are sent with the first message of a task.')
    const decided = new Set(answers.map(({ asked }) => asked.id))
    const open = this.#message.parts.open.filter(({ id }) => !decided.has(id))
    const [only, second] = open
    const isAnswer =
      written !== undefined && answers.length === 0 && only?.kind === 'input' && second === undefined
    const given = isAnswer
      ? [{ asked: only, decision: inWords(written.text, only.part.input) }]
      : [...answers, ...(written === undefined ? [] : open.flatMap(leftAside))]
    const all = given.map(({ asked, decision }) => ({ asked, decision: secrets.clean(decision) }))
    if (all.length === 0 && written === undefined && row.cause === 'waiting' && open.length > 0)
      throw new Refusal(409, 'USAGE', 'The run waits for an answer to its questions.')
    for (const { asked, decision } of all) {
      const [question] = await store.questions({ runId: asked.run, id: asked.id })
      if (question !== undefined) await checkDecision(question, decision)
    }
    for (const { asked, decision } of all)
      await answerQuestion(store, asked.run, asked.id, decision, isAnswer ? by + IN_WORDS : by)
    if (written === undefined) return nowIn(chat)
    if (!isAnswer) {
      this.#said = secrets.clean(written.text)
      await sayTo(store, this.#run, this.#said, { by })
    }
    return { at: 'message' }
  }

  /** A message of the person stands before the entry: what comes is the next message of the agent. */
  #begins(event: RunEvent): event is Extract<RunEvent, { readonly type: 'entry' }> {
    if (event.type !== 'entry' || event.run !== this.#run) return false
    const { entry } = event
    const { by } = this.#desk
    return (
      entry.kind === 'task-added' ||
      (entry.kind === 'message-said' && entry.by === by) ||
      (entry.kind === 'question-answered' && entry.by === by + IN_WORDS)
    )
  }

  #tell(run: Run, begin: Begin, abortSignal: AbortSignal): Told {
    return {
      chunks: this.#chunks(this.#driven(run, abortSignal), begin, abortSignal),
      pause: async () => ((await run.drives()) ? run.pause('The reader of its chat left') : undefined),
    }
  }

  async *#chunks(
    events: AsyncIterable<RunEvent>,
    begin: Begin,
    abortSignal: AbortSignal,
  ): AsyncGenerator<UIChunk, void, undefined> {
    const message = this.#message
    let isTold = begin.at === 'now'
    if (begin.at === 'now') yield* message.goOn(begin.has)
    for await (const event of events) {
      if (isTold) yield* await message.hear(event)
      else if (this.#begins(event)) {
        isTold = true
        await message.note(event)
        yield* message.begin(event.seq)
      } else if (event.type === 'result') {
        const { status } = event.result
        if (this.#said !== undefined && (status === 'completed' || status === 'failed')) {
          const run = await this.#desk.agent.continue(this.#run, { task: this.#said })
          this.#said = undefined
          yield* this.#chunks(this.#driven(run, abortSignal), begin, abortSignal)
          return
        }
        yield* message.goOn([])
        yield* await message.hear(event)
      } else await message.note(event)
    }
  }

  /** Of the run as it is driven here, or by whoever was faster. */
  async *#driven(run: Run, abortSignal: AbortSignal): AsyncGenerator<RunEvent, void, undefined> {
    const options = { family: true, abortSignal }
    try {
      for await (const event of run.events({ ...options, after: { ...this.#after } })) {
        if (event.type === 'entry') this.#after[event.run] = event.seq
        yield event
      }
    } catch (error) {
      if (!(error instanceof RunBusyError)) throw error
      yield* this.#desk.agent.events(this.#run, { ...options, after: this.#after, follow: 'rest' })
    }
  }

  /** Somebody drives it, or it waits for a person. */
  async #isAlive({ runId, rootRunId, status }: RunRow): Promise<boolean> {
    const { store } = this.#desk
    if (status === 'paused') return (await store.questions({ rootRunId })).length > 0
    return status === 'running' && !(await store.due(claimant, MOST_DUE)).includes(runId)
  }
}

function nowIn(chat: ChatRequest): Begin {
  return { at: 'now', has: partsOf(targetOf(chat)) }
}

/** What becomes of a question when the person writes something else. What is more than a call is for them to decide. */
function leftAside(asked: Answer['asked']): readonly Answer[] {
  if (asked.kind !== 'approval' && asked.kind !== 'input') return []
  return [{ asked, decision: { type: 'reject', reason: WROTE_INSTEAD } }]
}

/** Text is the value, or says it as JSON where the question wants something else than text. */
function inWords(text: string, input: unknown): Decision {
  const schema: unknown = Reflect.get(Object(input), 'schema')
  const type: unknown = Reflect.get(Object(schema), 'type')
  if (schema === undefined || type === 'string') return { type: 'respond', value: text }
  try {
    return { type: 'respond', value: parseJson(text, 'An answer') }
  } catch {
    return { type: 'respond', value: text }
  }
}
