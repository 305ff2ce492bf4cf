/** What is recorded, as events of the segment's span; and how long what waited has waited. */
import type { CallId } from '../base/halt.ts'
import type { Entry, QuestionId, QuestionKind } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { stepOf } from '../journal/view.ts'
import {
  AGENT_NAME,
  ATTEMPT,
  BECAUSE,
  BY,
  DECISION,
  DUE,
  ERROR_TYPE,
  EVENT,
  PAUSE_CAUSE,
  QUESTION,
  QUESTION_DURATION,
  QUESTION_KIND,
  STEP,
  TOOL_CALL_ID,
  TOOL_NAME,
  WAITED,
} from '../telemetry/names.ts'
import { measure, type Segment, type SpanAttributes } from '../telemetry/trace.ts'

interface Asked {
  readonly at: number
  readonly kind: QuestionKind
  readonly call?: CallId
}

export class Chronicle {
  readonly #agent: string
  readonly #segment: Pick<Segment, 'tell'>
  readonly #tools = new Map<CallId, string>()
  readonly #asked = new Map<QuestionId, Asked>()
  readonly #asleep = new Map<CallId, number>()
  /** Seconds that a call has waited. */
  readonly #waits = new Map<CallId, number>()

  constructor(state: State, segment: Pick<Segment, 'tell'>) {
    this.#agent = state.run.agent
    this.#segment = segment
    for (const { id, tool, at } of Object.values(state.calls)) {
      this.#tools.set(id, tool)
      // Nobody here knows since when.
      if (at.is === 'sleeping') this.#asleep.set(id, NaN)
    }
    for (const { id, createdAt: at, kind, call } of Object.values(state.questions))
      this.#asked.set(id, { at, kind, ...(call === undefined ? {} : { call }) })
  }

  /** Seconds that a call has waited for people; undefined: it has not. */
  waitOf(call: CallId): number | undefined {
    return this.#waits.get(call)
  }

  feed(entry: Entry): void {
    switch (entry.kind) {
      case 'run-paused':
        return this.#tell(EVENT.paused, { [PAUSE_CAUSE]: entry.cause, ...this.#callOf(entry.call) })
      case 'run-resumed':
        return this.#tell(EVENT.resumed, {})
      case 'call-requested':
        this.#tools.set(entry.call, entry.tool)
        return
      case 'question-asked':
        return this.#ask(entry)
      case 'question-answered':
        return this.#answer(entry)
      case 'model-failed':
        return this.#tell(EVENT.modelRetried, {
          [STEP]: entry.step,
          [ATTEMPT]: entry.attempt,
          [ERROR_TYPE]: entry.error.code,
          ...dueAt(entry.retryAt),
        })
      case 'call-failed':
        return this.#tell(EVENT.callRetried, {
          ...this.#callOf(entry.call),
          [ATTEMPT]: entry.attempt,
          [ERROR_TYPE]: entry.error.name,
          ...dueAt(entry.retryAt),
        })
      case 'call-withdrawn':
        this.#tell(EVENT.callWithdrawn, { ...this.#callOf(entry.call), [BECAUSE]: entry.why })
        return this.#forget(entry.call)
      case 'sleep-started':
        this.#asleep.set(entry.call, entry.at)
        return this.#tell(EVENT.sleepStarted, { ...this.#callOf(entry.call), ...dueAt(entry.due) })
      case 'call-returned':
        return this.#wake(entry)
      case 'message-said':
        return this.#tell(EVENT.said, { [BY]: entry.by })
      case 'output-refused':
        return this.#tell(EVENT.refused, { [BECAUSE]: entry.check })
      default:
    }
  }

  #tell(event: string, attributes: SpanAttributes): void {
    this.#segment.tell(event, attributes)
  }

  #ask({ question, asks: kind, call, at, expiresAt }: Entry<'question-asked'>): void {
    this.#asked.set(question, { at, kind, ...(call === undefined ? {} : { call }) })
    this.#tell(EVENT.asked, {
      [QUESTION]: question,
      [QUESTION_KIND]: kind,
      ...this.#callOf(call),
      ...dueAt(expiresAt),
    })
  }

  #answer({ question, decision, by, at }: Entry<'question-answered'>): void {
    const asked = this.#asked.get(question)
    this.#asked.delete(question)
    const waited = asked === undefined ? undefined : Math.max(0, at - asked.at) / 1_000
    const call = asked?.call
    if (call !== undefined && waited !== undefined)
      this.#waits.set(call, (this.#waits.get(call) ?? 0) + waited)
    this.#tell(EVENT.answered, {
      [QUESTION]: question,
      [QUESTION_KIND]: asked?.kind,
      [DECISION]: decision.type,
      [BY]: by,
      [WAITED]: waited,
      ...this.#callOf(call),
    })
    if (waited !== undefined)
      measure(QUESTION_DURATION, waited, {
        [AGENT_NAME]: this.#agent,
        [QUESTION_KIND]: asked?.kind,
        [DECISION]: decision.type,
      })
  }

  #wake({ call, at }: Entry<'call-returned'>): void {
    const since = this.#asleep.get(call)
    if (since !== undefined)
      this.#tell(EVENT.sleepEnded, { ...this.#callOf(call), [WAITED]: (at - since) / 1_000 })
    this.#forget(call)
  }

  #forget(call: CallId): void {
    for (const known of [this.#tools, this.#asleep, this.#waits]) known.delete(call)
  }

  #callOf(call: CallId | undefined): SpanAttributes {
    if (call === undefined) return {}
    return { [TOOL_CALL_ID]: call, [TOOL_NAME]: this.#tools.get(call), [STEP]: stepOf(call) }
  }
}

function dueAt(due: number | undefined): SpanAttributes {
  return due === undefined ? {} : { [DUE]: new Date(due).toISOString() }
}
