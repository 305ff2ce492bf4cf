/**
 * What a happening means: state × happening → facts. Pure but for `desk.stow`, which only decides where a large
 * text is kept.
 *
 * A happening that comes too late (its call was withdrawn, the run was stopped) is kept as evidence or changes
 * nothing; it is never a result.
 */
import type { CallId } from '../base/halt.ts'
import type { CallbackKind, CallOutcome, Fact, Stored, Usage } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { reviewOf } from '../journal/view.ts'
import { summarisedUpTo } from './context.ts'
import type { Desk } from './desk.ts'
import { haltFacts } from './halt-facts.ts'
import type { Happening, PauseGiven } from './happening.ts'
import { questionId } from './derived-ids.ts'
import { isDiverged } from './asking.ts'
import { inDoubt } from './next.ts'
import { unstarted, wokeFacts } from './question-facts.ts'
import { pauseFacts, signalFacts } from './signal-facts.ts'

/** The facts that a happening leads to, in order. What wakes a waiting run says so in the same commit. */
export function factsOf(state: State, happening: Happening, desk: Desk): readonly Fact[] {
  const facts = plainFactsOf(state, happening, desk)
  const wakes = facts.some((fact) => fact.kind === 'call-returned' || fact.kind === 'question-answered')
  if (!wakes || state.pause?.cause !== 'waiting') return facts
  return [{ kind: 'run-resumed', why: 'what it waited for has come' }, ...facts]
}

function plainFactsOf(state: State, happening: Happening, desk: Desk): readonly Fact[] {
  switch (happening.kind) {
    case 'model-answered':
      return isAsked(state, happening) ? replyFacts(state, happening, desk) : []
    case 'model-broke':
      return isAsked(state, happening) ? modelBroke(state, happening, desk) : []
    case 'guest-halted':
      return haltFacts(state, happening, desk)
    case 'call-settled':
      return callSettled(state, happening, desk)
    case 'judged':
      return judged(state, happening)
    case 'code-judged':
      return codeJudged(state, happening)
    case 'probed':
      return probed(state, happening)
    case 'callback-returned':
      return isNextCallback(state, happening.of, happening.step, happening.index)
        ? [callbacksRan(happening, happening.index)]
        : []
    case 'checked':
      if (!isUnderReview(state, happening.review, happening.index)) return []
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
        : [{ kind: 'run-paused', cause: happening.cause, message: happening.message }]
    case 'stop-asked':
      return state.ended?.status === 'stopped' || state.ended?.status === 'completed'
        ? []
        : [{ kind: 'run-stopped', message: happening.message }]
    case 'child-paused':
      if (state.ended !== undefined) return []
      return pauseFacts(state, { kind: 'run-paused', cause: 'child', message: happening.message })
    case 'woke':
      return wokeFacts(state, desk.now)
    case 'diverged':
      if (state.ended !== undefined || isDiverged(state)) return []
      return [
        {
          kind: 'question-asked',
          question: questionId(state, undefined, state.seq),
          asks: 'diverged',
          message: happening.message,
        },
        { kind: 'run-paused', cause: 'diverged', message: happening.message },
      ]
    case 'gone':
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
    state.phase.step === at.step &&
    state.phase.attempt === at.attempt
  )
}

/** The answer that a check was asked about still waits for its word. */
function isUnderReview(state: State, review: string, index: number): boolean {
  const { phase } = state
  return (
    phase.at === 'reviewing' &&
    phase.answer !== undefined &&
    reviewOf(state) === review &&
    phase.checksPassed === index
  )
}

function isNextCallback({ phase }: State, of: CallbackKind, step: number, index: number): boolean {
  if (phase.at === 'closing') return of === 'finalAnswer' && (phase.callbacksRan ?? 0) === index
  return (
    phase.at === 'reviewing' &&
    (phase.of ?? 'action') === of &&
    phase.step === step &&
    phase.callbacksRan === index
  )
}

function callbacksRan(
  by: { readonly of: CallbackKind; readonly step: number; readonly name: string },
  index: number,
): Fact {
  const { of, step, name } = by
  return { kind: 'callbacks-ran', step, index, name, ...(of === 'action' ? {} : { of }) }
}

/** So many replies in a row that cannot be used are no accident: the task fails, and whoever resumes it tries again. */
const MISTAKES = 5

function replyFacts(
  state: State,
  happening: Extract<Happening, { kind: 'model-answered' }>,
  desk: Desk,
): readonly Fact[] {
  const { reply, step, attempt } = happening
  const { phase } = state
  const asked = phase.at === 'thinking' ? phase : undefined
  const unheard = state.unheard === undefined ? {} : { unheard: state.unheard }
  const took = asked?.since === undefined ? {} : { took: Math.max(0, desk.now - asked.since) }
  if (asked?.purpose === 'plan') {
    const { usage, finishReason, text: plan } = reply
    const parts = desk.stow(reply.parts)
    const said = { usage, finishReason, ...took, ...unheard }
    return [{ kind: 'plan-made', step, attempt, model: state.run.model, parts, plan, ...said }]
  }
  if (asked?.purpose === 'summary') {
    const { usage, finishReason, text: summary, left = 0 } = reply
    const error = { code: 'MODEL', message: 'The summary was empty.' }
    if (summary.trim() === '') return [{ kind: 'model-failed', step, attempt, error }]
    const said = { usage, finishReason, ...took, ...unheard }
    const upTo = summarisedUpTo(state.stepCount)
    return [
      { kind: 'context-compacted', step, attempt, model: state.run.model, upTo, summary, left, ...said },
    ]
  }
  const replied: Fact = {
    kind: 'model-replied',
    step,
    attempt,
    model: state.run.model,
    parts: desk.stow(reply.parts),
    text: reply.text,
    usage: reply.usage,
    finishReason: reply.finishReason,
    acts: reply.code !== undefined,
    ...took,
    ...unheard,
    ...(reply.mistake === undefined ? {} : { mistake: reply.mistake }),
    ...(reply.answer === undefined
      ? {}
      : { answer: { value: desk.stow(reply.answer.value), reason: reply.answer.reason } }),
  }
  if (reply.mistake !== undefined && (state.task.mistakes ?? 0) + 1 >= MISTAKES) {
    const message = `${MISTAKES} replies of ${state.run.model} in a row could not be used. It was told of the last: ${reply.mistake}`
    return [replied, { kind: 'task-failed', code: 'MODEL', message }]
  }
  if (reply.code === undefined || reply.compiled === undefined) return [replied]
  const { code: source, compiled, approval } = reply
  if (!compiled.ok) return [replied, ...unstarted(step, source, compiled.error)]
  const { program } = compiled
  if (approval === undefined) return [replied, { kind: 'step-started', step, source, program }]
  return [replied, { kind: 'code-proposed', step, source, program, digest: desk.digest(source), approval }]
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
  // A run goes on without a summary.
  const isNeeded = state.phase.at !== 'thinking' || state.phase.purpose !== 'summary'
  if (retryIn !== undefined || !isNeeded) return [failed]
  return [failed, { kind: 'task-failed', code: error.code, message: error.message }]
}

function callSettled(
  state: State,
  happening: Extract<Happening, { kind: 'call-settled' }>,
  desk: Desk,
): readonly Fact[] {
  const { call: id, attempt, outcome, retryIn, usage, touched, doubt } = happening
  const call = state.calls[id]
  const isAwaited = call?.at.is === 'started' && call.attempt === attempt
  if (isAwaited && doubt !== undefined) return [inDoubt(state, call, doubt)]
  const stowed = outcome.ok ? { ...outcome, value: stow(outcome.value, desk) } : outcome
  const brought = touched === undefined ? {} : { touched }
  if (isAwaited && usage !== undefined)
    return [{ kind: 'call-returned', call: id, attempt, outcome: stowed, usage, ...brought }]
  if (retryIn === undefined || outcome.ok || !isAwaited) return settled(state, id, attempt, stowed, usage)
  return [{ kind: 'call-failed', call: id, attempt, error: outcome.error, retryAt: desk.now + retryIn }]
}

function stow(value: Stored, desk: Desk): Stored {
  return typeof value === 'string' ? desk.stow(value) : value
}

function settled(
  state: State,
  id: CallId,
  attempt: number,
  outcome: CallOutcome,
  usage?: Usage,
): readonly Fact[] {
  const call = state.calls[id]
  if (call?.at.is === 'started' && call.attempt === attempt)
    return [{ kind: 'call-returned', call: id, attempt, outcome }]
  const stray = state.strays.find((one) => one.call === id && one.attempt === attempt)
  if (stray === undefined) return []
  const why = state.ended?.status === 'stopped' ? 'the run was stopped' : 'the call had been withdrawn'
  return [
    { kind: 'call-orphaned', call: id, attempt, outcome, why, ...(usage === undefined ? {} : { usage }) },
  ]
}

function judged(state: State, happening: Extract<Happening, { kind: 'judged' }>): readonly Fact[] {
  const call = state.calls[happening.call]
  if (call?.at.is !== 'judging') return []
  if (happening.error !== undefined) {
    const refused: Fact = {
      kind: 'call-returned',
      call: call.id,
      attempt: call.attempt,
      outcome: { ok: false, error: happening.error },
    }
    if (happening.rule === undefined) return [refused]
    return [
      { kind: 'verdict-given', call: call.id, about: 'approval', said: 'refused', rule: happening.rule },
      refused,
    ]
  }
  const verdict: Fact = {
    kind: 'verdict-given',
    call: call.id,
    about: 'approval',
    // Who has approved it was a person: the policy is asked once more only for its refusal.
    said: happening.required && call.approved !== true ? 'required' : 'free',
    ...(happening.message === undefined ? {} : { message: happening.message }),
    ...(happening.expiresIn === undefined ? {} : { expiresIn: happening.expiresIn }),
    ...(happening.rule === undefined ? {} : { rule: happening.rule }),
  }
  return [verdict]
}

/** What the author's function said of a program. */
function codeJudged(
  { phase }: State,
  { step, required, message, expiresIn, error }: Extract<Happening, { kind: 'code-judged' }>,
): readonly Fact[] {
  if (phase.at !== 'approving' || phase.step !== step || phase.place.is !== 'judging') return []
  if (error !== undefined) return unstarted(step, phase.source, error)
  return [
    {
      kind: 'code-judged',
      step,
      said: required && phase.approved !== true ? 'required' : 'free',
      ...(message === undefined ? {} : { message }),
      ...(expiresIn === undefined ? {} : { expiresIn }),
    },
  ]
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
    ...(pause.baggage === undefined ? {} : { baggage: pause.baggage }),
  }
  const paused = (cause: Asker['by'], asker: string): readonly Fact[] => [
    ...asked(state, pause, { by: cause, asker }),
    ...pauseFacts(state, {
      kind: 'run-paused',
      // With a question an answer is enough to go on.
      cause: pause.question === undefined ? cause : 'waiting',
      message: pause.message,
      ...carrier,
    }),
  ]
  if ('model' in by) return isAsked(state, by) ? paused('model', by.model) : []
  if ('check' in by) return isUnderReview(state, by.review, by.check) ? paused('check', by.name) : []
  if ('callback' in by) {
    if (!isNextCallback(state, by.of, by.step, by.callback)) return []
    return [callbacksRan(by, by.callback), ...paused('callback', by.name)]
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

interface Asker {
  readonly by: NonNullable<Fact<'question-asked'>['by']>
  readonly asker: string
}

/** The question of a pause that no call waits in. */
function asked(state: State, pause: PauseGiven, asker: Asker): readonly Fact[] {
  if (pause.question === undefined) return []
  return [
    {
      kind: 'question-asked',
      question: questionId(state, undefined, state.seq),
      asks: 'input',
      ...pause.question,
      ...asker,
    },
  ]
}
