/**
 * What a happening means: state × happening → facts. Pure but for `tools.stow`, which only decides where a large
 * text is kept.
 *
 * A happening that comes too late (its call was withdrawn, the run was stopped) is kept as evidence or changes
 * nothing; it is never a result.
 */
import type { CallId, Encoded, GuestError, Halt } from '../base/halt.ts'
import type { CallOutcome, Decision, Fact, Stored } from '../journal/entry.ts'
import { nextDue, type OpenCall, type OpenQuestion, type State } from '../journal/state.ts'
import type { Signal } from '../journal/store.ts'
import type { Happening, PreparedCall } from './happening.ts'
import { questionId } from './next.ts'

/** What `factsOf` needs of its surroundings. */
export interface Desk {
  /** The store's time, ms since the epoch. */
  readonly now: number
  /** Keeps large text as a blob beside the entries of this commit. */
  stow(text: Encoded): Stored
  encode(value: unknown): Encoded
  digest(text: string): string
  /** The validated form of edited arguments, prepared by whoever read the signal. */
  edited?(question: string): { readonly input: Encoded } | undefined
}

/** The facts that a happening leads to, in order. */
export function factsOf(state: State, happening: Happening, desk: Desk): readonly Fact[] {
  switch (happening.kind) {
    case 'model-answered':
      return isAsked(state, happening) ? replyFacts(happening, desk) : []
    case 'model-broke':
      return isAsked(state, happening) ? modelBroke(state, happening, desk) : []
    case 'guest-halted':
      return haltFacts(state, happening, desk)
    case 'call-settled':
      return settled(state, happening.call, happening.attempt, happening.outcome)
    case 'judged':
      return judged(state, happening)
    case 'probed':
      return probed(state, happening)
    case 'callback-returned':
      return state.phase.at === 'reviewing'
        ? [{ kind: 'callbacks-ran', step: happening.step, index: happening.index, name: happening.name }]
        : []
    case 'checked':
      if (state.phase.at !== 'reviewing') return []
      return happening.refused === undefined
        ? [
            {
              kind: 'check-passed',
              index: happening.index,
              check: happening.name,
              ...(happening.value === undefined ? {} : { value: desk.stow(happening.value) }),
            },
          ]
        : [{ kind: 'output-refused', check: happening.name, why: happening.refused }]
    case 'interrupted':
      return interrupted(state, happening)
    case 'signalled':
      return signalFacts(
        state,
        happening.rows.map((row) => row.signal),
        desk,
      )
    case 'pause-asked':
      return state.ended !== undefined || (state.pause !== undefined && state.pause.cause !== 'waiting')
        ? []
        : [{ kind: 'run-paused', cause: 'requested', message: happening.message }]
    case 'woke':
      return wokeFacts(state, desk.now)
    case 'diverged':
      return [
        {
          kind: 'question-asked',
          question: questionId(state, undefined, state.seq),
          asks: 'diverged',
          message: happening.message,
        },
        { kind: 'run-paused', cause: 'requested', message: happening.message },
      ]
    case 'grace-over':
    case 'checkpointed':
    case 'passed':
    case 'hinted':
    case 'broke':
      return []
    default:
      return happening satisfies never
  }
}

function isAsked(state: State, at: { readonly step: number; readonly attempt: number }): boolean {
  return (
    state.ended === undefined &&
    state.phase.at === 'thinking' &&
    state.phase.called &&
    state.phase.attempt === at.attempt
  )
}

function replyFacts(happening: Extract<Happening, { kind: 'model-answered' }>, desk: Desk): readonly Fact[] {
  const { reply, step, attempt } = happening
  const replied: Fact = {
    kind: 'model-replied',
    step,
    attempt,
    parts: desk.stow(reply.parts),
    text: reply.text,
    usage: reply.usage,
    finishReason: reply.finishReason,
    acts: reply.code !== undefined,
    ...(reply.mistake === undefined ? {} : { mistake: reply.mistake }),
    ...(reply.answer === undefined
      ? {}
      : { answer: { value: desk.stow(reply.answer.value), reason: reply.answer.reason } }),
  }
  if (reply.code === undefined || reply.compiled === undefined) return [replied]
  if (reply.compiled.ok)
    return [replied, { kind: 'step-started', step, source: reply.code, program: reply.compiled.program }]
  return [
    replied,
    { kind: 'step-started', step, source: reply.code },
    { kind: 'step-ended', step, printed: '', error: reply.compiled.error, open: [] },
  ]
}

function modelBroke(
  state: State,
  happening: Extract<Happening, { kind: 'model-broke' }>,
  desk: Desk,
): readonly Fact[] {
  const { step, attempt, error, retryIn } = happening
  const failed: Fact = {
    kind: 'model-failed',
    step,
    attempt,
    error,
    ...(retryIn === undefined ? {} : { retryAt: desk.now + retryIn }),
  }
  if (retryIn !== undefined) return [failed]
  return [failed, { kind: 'task-failed', code: error.code, message: error.message }]
}

function haltFacts(
  state: State,
  happening: Extract<Happening, { kind: 'guest-halted' }>,
  desk: Desk,
): readonly Fact[] {
  if (state.ended !== undefined) return []
  const { halt, step } = happening
  const here = state.phase.at === 'acting' && state.phase.step === step
  if (halt.kind === 'killed') return here ? [killed(state, step, halt)] : []
  const requested = happening.calls.flatMap((prepared) => requestFacts(state, prepared, desk))
  if (halt.kind === 'waiting' || !here) return requested
  const { ending } = halt
  const made = happening.calls.map((prepared) => prepared.call)
  const withdrawn = [
    ...Object.values(state.calls).map(({ id, tool }) => ({ id, tool })),
    ...made.map(({ id, name }) => ({ id, tool: name })),
  ]
    .filter((call) => call.tool.startsWith('$'))
    .map((call): Fact => ({ kind: 'call-withdrawn', call: call.id, why: 'ended' }))
  const gone = new Set(withdrawn.map((fact) => (fact.kind === 'call-withdrawn' ? fact.call : '')))
  return [
    ...requested,
    ...withdrawn,
    {
      kind: 'step-ended',
      step,
      printed: halt.output,
      open: halt.open.filter((call) => !gone.has(call)),
      ...(ending.kind === 'value' && ending.shown !== undefined ? { shown: ending.shown } : {}),
      ...(ending.kind === 'error' ? { error: ending.error } : {}),
      ...(ending.kind === 'answer' ? { answer: desk.stow(ending.value) } : {}),
    },
  ]
}

function killed(state: State, step: number, halt: Extract<Halt, { kind: 'killed' }>): Fact {
  const { count, recent } = state.settled
  const open = Object.values(state.calls).filter((call) => call.at.is === 'started')
  const words = [
    ...recent.map((call) => `${call.tool} (${call.call}) ${call.ok ? 'returned' : 'failed'}`),
    ...open.map((call) => `${call.tool} (${call.id}) is still running`),
  ]
  const more = count > recent.length ? `${count - recent.length} earlier calls had returned; ` : ''
  return {
    kind: 'step-killed',
    step,
    reason: halt.reason,
    message: halt.message,
    calls: words.length === 0 ? '' : more + words.join(', '),
  }
}

function requestFacts(state: State, prepared: PreparedCall, desk: Desk): readonly Fact[] {
  const { id, name } = prepared.call
  const request = (
    input: Encoded,
    effect: OpenCall['effect'],
    approval: 'never' | 'always' | 'judge',
  ): Fact => ({
    kind: 'call-requested',
    call: id,
    tool: name,
    sent: prepared.sent,
    input: desk.stow(input),
    digest: desk.digest(input),
    effect,
    approval,
  })
  switch (prepared.is) {
    case 'tool': {
      const asked = request(prepared.input, prepared.effect, prepared.approval)
      return prepared.approval === 'always' ? [asked, approvalQuestion(state, id, name)] : [asked]
    }
    case 'ask':
      return [
        request(prepared.call.input, 'read', 'never'),
        {
          kind: 'question-asked',
          question: questionId(state, id, 0),
          asks: 'input',
          call: id,
          ...prepared.question,
        },
      ]
    case 'sleep':
      return [
        request(prepared.call.input, 'read', 'never'),
        { kind: 'sleep-started', call: id, due: desk.now + prepared.ms },
      ]
    case 'refused':
      return [
        request(prepared.call.input, 'read', 'never'),
        { kind: 'call-returned', call: id, attempt: 0, outcome: { ok: false, error: prepared.error } },
      ]
    default:
      return prepared satisfies never
  }
}

function approvalQuestion(
  state: State,
  call: CallId,
  tool: string,
  message?: string,
  expiresAt?: number,
): Fact {
  return {
    kind: 'question-asked',
    question: questionId(state, call, 0),
    asks: 'approval',
    call,
    message: message ?? `Approve ${tool}?`,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

function settled(state: State, id: CallId, attempt: number, outcome: CallOutcome): readonly Fact[] {
  const call = state.calls[id]
  if (call?.at.is === 'started' && call.attempt === attempt)
    return [{ kind: 'call-returned', call: id, attempt, outcome }]
  const stray = state.strays.find((one) => one.call === id && one.attempt === attempt)
  if (stray === undefined) return []
  const why = state.ended?.status === 'stopped' ? 'the run was stopped' : 'the call had been withdrawn'
  return [{ kind: 'call-orphaned', call: id, attempt, outcome, why }]
}

function judged(state: State, happening: Extract<Happening, { kind: 'judged' }>): readonly Fact[] {
  const call = state.calls[happening.call]
  if (call?.at.is !== 'judging') return []
  if (happening.error !== undefined) {
    return [
      { kind: 'call-returned', call: call.id, attempt: 0, outcome: { ok: false, error: happening.error } },
    ]
  }
  const verdict: Fact = {
    kind: 'verdict-given',
    call: call.id,
    about: 'approval',
    said: happening.required ? 'required' : 'free',
    ...(happening.message === undefined ? {} : { message: happening.message }),
    ...(happening.expiresAt === undefined ? {} : { expiresAt: happening.expiresAt }),
  }
  return happening.required
    ? [verdict, approvalQuestion(state, call.id, call.tool, happening.message, happening.expiresAt)]
    : [verdict]
}

/** What the tool's own probe found out about a call that a crash cut. */
function probed(state: State, happening: Extract<Happening, { kind: 'probed' }>): readonly Fact[] {
  const call = state.calls[happening.call]
  if (call?.at.is !== 'lost') return []
  const verdict: Fact = { kind: 'verdict-given', call: call.id, about: 'probe', said: happening.said }
  if (happening.outcome === undefined) return [verdict]
  return [
    verdict,
    { kind: 'call-returned', call: call.id, attempt: call.attempt, outcome: happening.outcome },
  ]
}

function interrupted(state: State, happening: Extract<Happening, { kind: 'interrupted' }>): readonly Fact[] {
  const { by, interruption } = happening
  if (state.ended !== undefined) {
    return typeof by === 'object' && 'call' in by
      ? settled(state, by.call, by.attempt, { ok: false, error: { name: 'Error', message: 'paused' } })
      : []
  }
  if (interruption.is === 'stop') return [{ kind: 'run-stopped', message: interruption.message }]
  const { pause } = interruption
  const carrier = {
    ...(pause.traceparent === undefined ? {} : { traceparent: pause.traceparent }),
    ...(pause.tracestate === undefined ? {} : { tracestate: pause.tracestate }),
  }
  if (typeof by === 'string')
    return pauseFacts(state, { kind: 'run-paused', cause: by, message: pause.message, ...carrier })
  if ('callback' in by) {
    return [
      { kind: 'callbacks-ran', step: by.step, index: by.callback, name: by.name },
      ...pauseFacts(state, { kind: 'run-paused', cause: 'callback', message: pause.message, ...carrier }),
    ]
  }
  const call = state.calls[by.call]
  if (call?.at.is !== 'started' || call.attempt !== by.attempt) return []
  if (pause.question === undefined)
    return [{ kind: 'run-paused', cause: 'tool', message: pause.message, call: call.id, ...carrier }]
  return [
    {
      kind: 'question-asked',
      question: questionId(state, call.id, call.attempt),
      asks: 'input',
      call: call.id,
      ...pause.question,
      resumption: { onAnswer: pause.onAnswer, ...(pause.state === undefined ? {} : { state: pause.state }) },
    },
  ]
}

function pauseFacts(state: State, paused: Fact): readonly Fact[] {
  return state.pause === undefined || state.pause.cause === 'waiting' ? [paused] : []
}

/** Signals in order of arrival. A question that closed meanwhile, or a run that ended, makes them no more than read. */
function signalFacts(state: State, signals: readonly Signal[], desk: Desk): readonly Fact[] {
  const facts: Fact[] = []
  const closed = new Set<string>()
  for (const signal of signals) {
    if (state.ended !== undefined && signal.kind !== 'say') continue
    switch (signal.kind) {
      case 'stop':
        return [
          ...facts,
          {
            kind: 'run-stopped',
            message: signal.reason,
            ...(signal.by === undefined ? {} : { by: signal.by }),
          },
        ]
      case 'pause':
        facts.push(...pauseFacts(state, { kind: 'run-paused', cause: 'requested', message: signal.reason }))
        break
      case 'resume':
        if (state.pause !== undefined) facts.push(...resumeFacts(state, 'a person resumed it'))
        break
      case 'say':
        facts.push({
          kind: 'message-said',
          text: signal.text,
          ...(signal.by === undefined ? {} : { by: signal.by }),
        })
        break
      case 'answer': {
        const question = state.questions[signal.question]
        if (question === undefined || closed.has(question.id)) break
        closed.add(question.id)
        facts.push(...answerFacts(state, question, signal.decision, signal.by, desk))
        break
      }
      default:
        signal satisfies never
    }
  }
  return facts
}

/** The run goes on: calls whose tool paused it return `undefined` now. */
export function resumeFacts(state: State, why: string): readonly Fact[] {
  const parked = Object.values(state.calls).filter((call) => call.at.is === 'parked')
  return [
    { kind: 'run-resumed', why },
    ...parked.map((call): Fact => ({
      kind: 'call-returned',
      call: call.id,
      attempt: call.attempt,
      outcome: { ok: true, value: UNDEFINED },
    })),
  ]
}

/** `undefined` in the wire format of values. */
const UNDEFINED: Encoded = '-1'

function answerFacts(
  state: State,
  question: OpenQuestion,
  decision: Decision,
  by: string | undefined,
  desk: Desk,
): readonly Fact[] {
  const answered = (more: object = {}): Fact => ({
    kind: 'question-answered',
    question: question.id,
    decision,
    ...(by === undefined ? {} : { by }),
    ...more,
  })
  if (question.kind === 'diverged') return [answered(), divergedFact(state, decision)]
  const call = question.call === undefined ? undefined : state.calls[question.call]
  if (call === undefined) return [answered()]
  const returns = (outcome: CallOutcome): Fact => ({
    kind: 'call-returned',
    call: call.id,
    attempt: call.attempt,
    outcome,
  })
  switch (decision.type) {
    case 'approve':
      return [answered()]
    case 'edit': {
      const edited = desk.edited?.(question.id)
      if (edited === undefined)
        return [
          answered(),
          returns({ ok: false, error: rejection('the edited arguments do not fit the tool') }),
        ]
      return [answered({ edited: { input: desk.stow(edited.input), digest: desk.digest(edited.input) } })]
    }
    case 'reject':
      return [answered(), returns({ ok: false, error: rejection(decision.reason) })]
    case 'respond':
      if (question.kind === 'input' && question.resumption?.onAnswer === 'call') return [answered()]
      return [answered(), returns({ ok: true, value: desk.stow(desk.encode(decision.value)) })]
    default:
      return decision satisfies never
  }
}

/** A person decides over a replay that differs: redo the step from its start, or stop. */
function divergedFact(state: State, decision: Decision): Fact {
  if (decision.type === 'reject' || state.phase.at !== 'acting')
    return { kind: 'run-stopped', message: 'Stopped: the replay differed from the journal.' }
  return {
    kind: 'step-killed',
    step: state.phase.step,
    reason: 'trap',
    message: 'the step is begun again after its replay differed',
    calls: '',
  }
}

function rejection(reason: string | undefined): GuestError {
  return {
    name: 'RejectedError',
    message: reason === undefined ? 'rejected by a person' : `rejected by a person: ${reason}`,
  }
}

/** Timers that are due, in the order of their due time; expired questions are answered `expired`, which means no. */
function wokeFacts(state: State, now: number): readonly Fact[] {
  if (state.ended !== undefined || (nextDue(state) ?? Infinity) > now) return []
  const sleeps = Object.values(state.calls)
    .flatMap((call) => (call.at.is === 'sleeping' && call.at.due <= now ? [{ call, due: call.at.due }] : []))
    .toSorted((a, b) => a.due - b.due)
    .map(({ call }): Fact => ({
      kind: 'call-returned',
      call: call.id,
      attempt: 0,
      outcome: { ok: true, value: UNDEFINED },
    }))
  const expired = Object.values(state.questions)
    .filter((question) => question.expiresAt !== undefined && question.expiresAt <= now)
    .flatMap((question): readonly Fact[] => {
      const answered: Fact = {
        kind: 'question-answered',
        question: question.id,
        decision: { type: 'expired' },
      }
      if (question.call === undefined) return [answered]
      const error = { name: 'RejectedError', message: `nobody answered in time: ${question.message}` }
      return [
        answered,
        {
          kind: 'call-returned',
          call: question.call,
          attempt: state.calls[question.call]?.attempt ?? 0,
          outcome: { ok: false, error },
        },
      ]
    })
  return [...sleeps, ...expired]
}
