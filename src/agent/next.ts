/**
 * READ 3rd. What a state calls for. Two pure questions, asked after every commit:
 *
 * `decide`  the facts that follow from the state alone (the model is called, a call is started, the run rests);
 *           asked again until it has nothing to add, and committed together with what led to them.
 * `next`    the effects that have to be under way now. The driver starts those that are not, by their key.
 *
 * N1  No effect is started before the fact that announces it is folded; one with `durable` waits for its commit.
 * N2  A paused run starts nothing new. What was under way may still come home.
 * N3  A run rests only when every open call waits and the guest has nothing left to run.
 */
import type { CallbackKind, Decided, Fact } from '../journal/entry.ts'
import type { Answer, OpenCall, Phase, State } from '../journal/shape.ts'
import { nextDue, reviewOf, waitsForWord } from '../journal/view.ts'
import type { Price } from './budget.ts'
import { approvalOf, approvingFacts, isDiverged, isOutdated, roomToAsk } from './asking.ts'
import { doubtId, idempotencyKey, questionId } from './derived-ids.ts'
import { limitFacts, thinkAgain, thinkOrLimit, timeIsUpAt, type Means } from './limits.ts'
import type { AtHand } from './at-hand.ts'
import { canGoOn, restIfAllWait, restIfFar } from './rest.ts'

/** What the agent's definition adds to the state: how many of its functions there are. */
export interface Setup {
  /** The names of those that look at a kind of step. */
  readonly callbacks: Readonly<Record<CallbackKind, readonly string[]>>
  readonly checks: readonly string[]
  /** Tools that can find out whether a call had happened. */
  readonly probes: ReadonlySet<string>
  /** Tokens that the model takes in one request, where that is known. */
  readonly window: () => number | undefined
  /** What the model's replies cost, where that is known. */
  readonly price: Price
}

export type Effect =
  | {
      readonly do: 'think'
      readonly key: string
      readonly durable: true
      readonly phase: Extract<Phase, { at: 'thinking' }>
    }
  | { readonly do: 'call'; readonly key: string; readonly durable: boolean; readonly call: OpenCall }
  | { readonly do: 'judge'; readonly key: string; readonly durable: false; readonly call: OpenCall }
  | {
      readonly do: 'judge-code'
      readonly key: string
      readonly durable: false
      readonly phase: Extract<Phase, { at: 'approving' }>
    }
  | { readonly do: 'probe'; readonly key: string; readonly durable: false; readonly call: OpenCall }
  | {
      readonly do: 'callback'
      readonly key: string
      readonly durable: true
      readonly of: CallbackKind
      readonly step: number
      readonly index: number
    }
  | {
      readonly do: 'check'
      readonly key: string
      readonly durable: true
      /** The review that it belongs to. */
      readonly review: string
      readonly index: number
      readonly answer: Answer
      /** What came of the questions that it has asked. */
      readonly decisions: readonly Decided[]
    }
  | { readonly do: 'wake'; readonly key: string; readonly durable: false; readonly due: number }
  | { readonly do: 'grace'; readonly key: string; readonly durable: false }

/** What an effect is about, in a word: the class of the call that it sends, else what it does. */
export function subjectOf(effect: Effect): string {
  return effect.do === 'call' ? effect.call.effect : effect.do
}

/** What `output-refused` names where no check refused the answer, but a message had not been heard. */
export const SAID = 'say'

/** Whoever said something before the answer stood wants it to be heard. */
const OUTDATED: Fact = { kind: 'output-refused', check: SAID, why: 'a message came before it stood' }

/** Calls in flight get a while to come home. */
const GRACE: Effect = { do: 'grace', key: 'grace', durable: false }

/** The facts that follow from the state alone. Call again with the folded result until it returns none. */
export function decide(state: State, setup: Setup, atHand: AtHand): readonly Fact[] {
  if (state.ended !== undefined || isDiverged(state)) return []
  if (state.pause !== undefined && state.pause.cause !== 'waiting') return []
  if (state.pause !== undefined)
    return canGoOn(state, atHand) ? [{ kind: 'run-resumed', why: 'what it waited for has come' }] : []
  const isAsking = waitsForWord(state)
  if (isAsking && isOutdated(state)) return [OUTDATED]
  // What has been asked is waited for: the limits are looked at when there is something to begin again.
  const limited = isAsking ? [] : limitFacts(state, meansOf(setup, atHand))
  if (limited.length > 0) return limited
  const calls = decideCalls(state, setup, atHand)
  if (calls.length > 0) return calls
  if (isAsking) return restIfAllWait(state, atHand)
  switch (state.phase.at) {
    case 'thinking':
      if (state.phase.called) return []
      return (state.phase.retryAt ?? 0) > atHand.now
        ? restIfFar(state, atHand)
        : [callModel(state, state.phase.attempt + 1, meansOf(setup, atHand))]
    case 'approving':
      return approvingFacts(state, state.phase, atHand.now) ?? restIfAllWait(state, atHand)
    case 'acting':
      return atHand.guestIdle ? restIfAllWait(state, atHand) : []
    case 'reviewing':
      return review(state, state.phase, setup, meansOf(setup, atHand))
    case 'closing':
      return close(state, state.phase, setup, atHand)
    case 'ended':
      return []
    default:
      return state.phase satisfies never
  }
}

/** The effects that must be under way. */
export function next(state: State, setup: Setup, now: number): readonly Effect[] {
  const resting = state.pause !== undefined && state.pause.cause !== 'waiting'
  if (state.ended !== undefined || resting || isDiverged(state)) return [GRACE]
  const effects: Effect[] = Object.values(state.calls).flatMap((call) => ofCall(call, setup, now))
  const due = nextDue(state)
  // Another attempt that is due and has no place yet is begun when one comes home, not by the clock.
  const isHeld = due !== undefined && due <= now && !isDueByClock(state, now)
  if (due !== undefined && !isHeld) effects.push({ do: 'wake', key: `wake:${due}`, durable: false, due })
  if (waitsForWord(state)) return effects
  const up = timeIsUpAt(state)
  if (up !== undefined) effects.push({ do: 'wake', key: `limit:${up}`, durable: false, due: up })
  const { phase } = state
  if (phase.at === 'thinking' && phase.called)
    effects.push({
      do: 'think',
      key: `think:${phase.step}:${phase.attempt}:${state.segments}`,
      durable: true,
      phase,
    })
  if (phase.at === 'approving' && phase.place.is === 'judging')
    effects.push({ do: 'judge-code', key: `judge:${phase.step}`, durable: false, phase })
  if (phase.at === 'reviewing') effects.push(...ofReview(state, phase, setup))
  if (phase.at === 'closing') effects.push(GRACE, ...ofClosing(state, phase, setup))
  return effects
}

function isDueByClock({ calls, questions }: State, now: number): boolean {
  return (
    Object.values(calls).some(({ at }) => at.is === 'sleeping' && at.due <= now) ||
    Object.values(questions).some(({ expiresAt }) => expiresAt !== undefined && expiresAt <= now)
  )
}

function meansOf({ price, window }: Setup, { now, left }: AtHand): Means {
  return { now, window, purse: { left, price } }
}

function callModel(state: State, attempt: number, means: Means): Fact {
  // The first request of a turn passes the limits; a further attempt is the same turn.
  return attempt === 1 ? thinkOrLimit(state, means) : thinkAgain(state, attempt, means)
}

function decideCalls(state: State, setup: Setup, { now, atRest }: AtHand): readonly Fact[] {
  const { phase } = state
  const closing = phase.at === 'closing' || (phase.at === 'acting' && phase.interrupted === true)
  const calls = Object.values(state.calls)
  const flying = calls.filter((call) => call.at.is === 'started' && !atRest.has(call.id))
  let free = state.run.options.callsInFlight - flying.length
  let askable = roomToAsk(state)
  return calls.flatMap((call): readonly Fact[] => {
    // The others are asked about when one of these has been answered.
    if (call.at.is === 'unasked' && !closing)
      return askable-- > 0 ? [approvalOf(state, call, call.at, now)] : []
    const isDue = call.at.is === 'ready' || (call.at.is === 'retrying' && call.at.due <= now)
    // The others are sent when one of these has come home.
    if (isDue && !closing) return free-- > 0 ? [startCall(state, call)] : []
    if (call.at.is === 'lost' && !isProbed(call, setup) && !isQuarantined(call, now))
      return [inDoubt(state, call)]
    return []
  })
}

function startCall(state: State, call: OpenCall): Fact {
  const started = { kind: 'call-started' as const, call: call.id, attempt: call.attempt + 1 }
  const keyed = call.effect === 'keyed' || call.effect === 'once'
  return keyed ? { ...started, key: idempotencyKey(state, call) } : started
}

/** Whoever sent the call may still be at work: nobody decides about it yet, neither a person nor a probe. */
function isQuarantined({ at }: OpenCall, now: number): boolean {
  return at.is === 'lost' && at.until !== undefined && at.until > now
}

/** A call in doubt whose tool can still be asked whether it happened. */
function isProbed(call: OpenCall, setup: Setup): boolean {
  return call.at.is === 'lost' && !call.at.probed && setup.probes.has(call.tool)
}

/** P4: a `once` call that was cut, by a crash or (`why`) by what its tool met, is never sent again without a word. */
export function inDoubt(state: State, call: OpenCall, why = 'the process ended while it ran.'): Fact {
  const late = call.late === undefined ? '' : ` A result came from there too late to count: ${call.late}.`
  const message = `Nobody knows whether ${call.tool} (call ${call.id}) happened: ${why}${late}`
  if (state.run.options.onUnknownOutcome === 'tell') {
    const error = { name: 'UnknownOutcomeError', message: `${message} Look before you send it again.` }
    return { kind: 'call-returned', call: call.id, attempt: call.attempt, outcome: { ok: false, error } }
  }
  return {
    kind: 'question-asked',
    question:
      call.late === undefined ? doubtId(state, call) : questionId(state, call.id, `late ${call.attempt}`),
    asks: 'unknownOutcome',
    call: call.id,
    message,
  }
}

function review(
  state: State,
  phase: Extract<Phase, { at: 'reviewing' }>,
  setup: Setup,
  means: Means,
): readonly Fact[] {
  if (phase.callbacksRan < setup.callbacks[reviewed(phase)].length) return []
  if (phase.answer === undefined) return [thinkOrLimit(state, means)]
  const checked = phase.answer.reason === 'finalAnswer' || phase.answer.reason === 'text'
  if (checked && state.steered === true) return [OUTDATED]
  if (checked && phase.checksPassed < setup.checks.length) return []
  return [{ kind: 'output-given', value: phase.answer.value, reason: phase.answer.reason }]
}

function reviewed(phase: Extract<Phase, { at: 'reviewing' }>): CallbackKind {
  return phase.of ?? 'action'
}

/** The output stands: what has not been sent is withdrawn; what has been gets its grace, then the task ends. */
function close(
  state: State,
  phase: Extract<Phase, { at: 'closing' }>,
  setup: Setup,
  atHand: AtHand,
): readonly Fact[] {
  const { output, callbacksRan = 0 } = phase
  const calls = Object.values(state.calls)
  const idle = calls.filter(
    (call) => call.at.is !== 'started' || atHand.graceOver || atHand.atRest.has(call.id),
  )
  if (idle.length > 0) return idle.map((call) => ({ kind: 'call-withdrawn', call: call.id, why: 'ended' }))
  if (callbacksRan < setup.callbacks.finalAnswer.length) return []
  // An agent ends before the task that it worked for: no crash in between leaves it behind.
  return calls.length > 0 || atHand.hasAgents
    ? []
    : [{ kind: 'task-completed', output: output.value, reason: output.reason, usage: state.usage }]
}

function ofCall(call: OpenCall, setup: Setup, now: number): readonly Effect[] {
  if (call.at.is === 'lost' && call.at.until !== undefined && isQuarantined(call, now))
    return [{ do: 'wake', key: `wake:${call.id}:${call.at.until}`, durable: false, due: call.at.until }]
  if (isProbed(call, setup)) {
    return [{ do: 'probe', key: `probe:${call.id}:${call.attempt}`, durable: false, call }]
  }
  if (call.at.is === 'judging') return [{ do: 'judge', key: `judge:${call.id}`, durable: false, call }]
  if (call.at.is !== 'started') return []
  // An agent's run begins, or goes on, after the call that it is: what waits for it says so first.
  const durable = call.effect === 'once' || call.effect === 'keyed' || call.child === true
  return [{ do: 'call', key: `call:${call.id}:${call.attempt}`, durable, call }]
}

function ofReview(state: State, phase: Extract<Phase, { at: 'reviewing' }>, setup: Setup): readonly Effect[] {
  const { step, callbacksRan: index, checksPassed } = phase
  const of = reviewed(phase)
  if (index < setup.callbacks[of].length) return [callback(of, step, index)]
  const { answer, decisions = [] } = phase
  if (answer === undefined || checksPassed >= setup.checks.length) return []
  const review = reviewOf(state)
  return [
    {
      do: 'check',
      key: `check:${review}:${checksPassed}`,
      durable: true,
      review,
      index: checksPassed,
      answer,
      decisions: decisions.flatMap((signed) =>
        signed.index === checksPassed && signed.check === setup.checks[checksPassed] ? [signed.decision] : [],
      ),
    },
  ]
}

/** The final answer is looked at when nothing is under way any more. */
function ofClosing(
  { calls, stepCount }: State,
  { callbacksRan: index = 0 }: Extract<Phase, { at: 'closing' }>,
  setup: Setup,
): readonly Effect[] {
  const isQuiet = Object.keys(calls).length === 0
  return isQuiet && index < setup.callbacks.finalAnswer.length
    ? [callback('finalAnswer', stepCount, index)]
    : []
}

function callback(of: CallbackKind, step: number, index: number): Effect {
  return { do: 'callback', key: `callback:${of}:${step}:${index}`, durable: true, of, step, index }
}
