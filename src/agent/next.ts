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
import type { CallId } from '../base/halt.ts'
import type { CallbackKind, Decided, Fact } from '../journal/entry.ts'
import type { Answer, OpenCall, Phase, State } from '../journal/shape.ts'
import { nextDue } from '../journal/view.ts'
import type { Price } from './budget.ts'
import { approvalOf, approvingFacts, canAsk, roomToAsk, waitsForWord } from './asking.ts'
import { doubtId, idempotencyKey, questionId } from './derived-ids.ts'
import { limitFacts, thinkAgain, thinkOrLimit, timeIsUpAt, type Means } from './limits.ts'

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

/** What only the driving process knows. */
export interface Live {
  readonly now: number
  /** False while a delivery to the guest is under way or queued. */
  readonly guestIdle: boolean
  /** The grace for calls in flight is over. */
  readonly graceOver: boolean
  /** A timer that is due sooner than this many ms is worth waiting for in the process. */
  readonly stay: number
  /** Agents are at work, for calls that are open or were withdrawn. */
  readonly hasAgents: boolean
  /** Calls of managed agents whose runs only wait. */
  readonly atRest: ReadonlyMap<CallId, ChildAtRest>
  /** USD that may still be spent, by this run and by all that are above it. Infinity: no limit. */
  readonly left: number
}

/** The run of a managed agent that has nothing to do but wait. */
export interface ChildAtRest {
  /** What for. */
  readonly message: string
  /** When it can go on by the clock, ms since the epoch. */
  readonly due?: number
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

/** Calls in flight get a while to come home. */
const GRACE: Effect = { do: 'grace', key: 'grace', durable: false }

/** The replay differs from the journal, or the run was put aside: nothing is dispatched until a person has decided. */
export function isDiverged(state: State): boolean {
  return Object.values(state.questions).some((question) => question.kind === 'diverged')
}

/** The facts that follow from the state alone. Call again with the folded result until it returns none. */
export function decide(state: State, setup: Setup, live: Live): readonly Fact[] {
  if (state.ended !== undefined || isDiverged(state)) return []
  if (state.pause !== undefined && state.pause.cause !== 'waiting') return []
  if (state.pause !== undefined)
    return canGoOn(state, live) ? [{ kind: 'run-resumed', why: 'what it waited for has come' }] : []
  const limited = limitFacts(state, meansOf(setup, live))
  if (limited.length > 0) return limited
  const calls = decideCalls(state, setup, live)
  if (calls.length > 0) return calls
  if (waitsForWord(state)) return restIfAllWait(state, live)
  switch (state.phase.at) {
    case 'thinking':
      if (state.phase.called) return []
      return (state.phase.retryAt ?? 0) > live.now
        ? restIfFar(state, live)
        : [callModel(state, state.phase.attempt + 1, meansOf(setup, live))]
    case 'approving':
      return approvingFacts(state, state.phase, live.now) ?? restIfAllWait(state, live)
    case 'acting':
      return live.guestIdle ? restIfAllWait(state, live) : []
    case 'reviewing':
      return review(state, state.phase, setup, meansOf(setup, live))
    case 'closing':
      return close(state, state.phase, setup, live)
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
  const up = timeIsUpAt(state)
  if (up !== undefined) effects.push({ do: 'wake', key: `limit:${up}`, durable: false, due: up })
  if (waitsForWord(state)) return effects
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
  if (phase.at === 'reviewing') effects.push(...ofReview(phase, setup))
  if (phase.at === 'closing') effects.push(GRACE, ...ofClosing(state, phase, setup))
  return effects
}

function isDueByClock({ calls, questions }: State, now: number): boolean {
  return (
    Object.values(calls).some(({ at }) => at.is === 'sleeping' && at.due <= now) ||
    Object.values(questions).some(({ expiresAt }) => expiresAt !== undefined && expiresAt <= now)
  )
}

function meansOf({ price, window }: Setup, { now, left }: Live): Means {
  return { now, window, purse: { left, price } }
}

function callModel(state: State, attempt: number, means: Means): Fact {
  // The first request of a turn passes the limits; a further attempt is the same turn.
  return attempt === 1 ? thinkOrLimit(state, means) : thinkAgain(state, attempt, means)
}

function decideCalls(state: State, setup: Setup, { now, atRest }: Live): readonly Fact[] {
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
  // Whoever said it before the answer stood wants it to be heard.
  if (checked && state.steered === true)
    return [{ kind: 'output-refused', check: SAID, why: 'a message came before it stood' }]
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
  live: Live,
): readonly Fact[] {
  const { output, callbacksRan = 0 } = phase
  const calls = Object.values(state.calls)
  const idle = calls.filter((call) => call.at.is !== 'started' || live.graceOver || live.atRest.has(call.id))
  if (idle.length > 0) return idle.map((call) => ({ kind: 'call-withdrawn', call: call.id, why: 'ended' }))
  if (callbacksRan < setup.callbacks.finalAnswer.length) return []
  // An agent ends before the task that it worked for: no crash in between leaves it behind.
  return calls.length > 0 || live.hasAgents
    ? []
    : [{ kind: 'task-completed', output: output.value, reason: output.reason, usage: state.usage }]
}

function restIfAllWait(state: State, live: Live): readonly Fact[] {
  const calls = Object.values(state.calls)
  if (calls.length === 0 && state.phase.at === 'acting') return [stuck(state.phase.step)]
  if (!calls.every((call) => waits(call) || live.atRest.has(call.id))) return []
  const due = firstDue(state, live)
  if (due !== undefined && due - live.now <= live.stay) return []
  return [{ kind: 'run-paused', cause: 'waiting', message: waitingFor(state, live) }]
}

/** The next attempt at the model is far off, and nothing else is under way. */
function restIfFar(state: State, live: Live): readonly Fact[] {
  const isQuiet = Object.values(state.calls).every((call) => waits(call) || live.atRest.has(call.id))
  if (!isQuiet || !isFarFromModel(state, live)) return []
  return [{ kind: 'run-paused', cause: 'waiting', message: waitingFor(state, live) }]
}

/** For the model a process stays longer than for a tool: most of its troubles pass in seconds. */
const STAY_FOR_MODEL = 60_000

function isFarFromModel({ phase }: State, { now, stay }: Live): boolean {
  if (phase.at !== 'thinking' || phase.called || phase.retryAt === undefined) return false
  return phase.retryAt - now > Math.max(stay, STAY_FOR_MODEL)
}

/** The program waits, and no call is open that could settle what it waits for. */
function stuck(step: number): Fact {
  const error = {
    name: 'Error',
    message: 'The program waits for a promise that nothing can settle: no call is open.',
  }
  return { kind: 'step-ended', step, printed: '', error, open: [] }
}

/** The run rests on its open calls, and each of them waits: only an answer or a timer can wake it. */
export function onlyWaits(state: State): boolean {
  if (state.pause?.cause === 'diverged' || state.pause?.cause === 'poisoned') return isDiverged(state)
  const { phase } = state
  const isWaiting =
    waitsForWord(state) ||
    phase.at === 'acting' ||
    phase.at === 'approving' ||
    (phase.at === 'thinking' && !phase.called && phase.retryAt !== undefined)
  return state.pause?.cause === 'waiting' && isWaiting && Object.values(state.calls).every(waits)
}

function waits(call: OpenCall): boolean {
  const { is } = call.at
  return is === 'unasked' || is === 'asking' || is === 'sleeping' || is === 'retrying'
}

function canGoOn(state: State, live: Live): boolean {
  if (canAsk(state)) return true
  if (Object.values(state.calls).some((call) => !waits(call) && !live.atRest.has(call.id))) return true
  if (waitsForWord(state)) return false
  if (state.phase.at === 'approving')
    return state.phase.place.is !== 'asking' && state.phase.place.is !== 'unasked'
  if (state.phase.at !== 'acting') return !isFarFromModel(state, live)
  // An answer that settled a call, or a timer that is near, leaves the guest with something to run.
  const due = firstDue(state, live)
  return !live.guestIdle || (due !== undefined && due - live.now <= live.stay)
}

/** When the first of the state's timers, or of those of the agents that it called, is due. */
function firstDue(state: State, { atRest }: Live): number | undefined {
  const due = Math.min(
    nextDue(state) ?? Infinity,
    ...Array.from(atRest.values(), (child) => child.due ?? Infinity),
  )
  return due === Infinity ? undefined : due
}

/** What a resting run waits for, in words. */
function waitingFor(state: State, { atRest }: Live): string {
  const questions = Object.values(state.questions)
  const calls = Object.values(state.calls)
  const sleeping = calls.flatMap((call) => (call.at.is === 'sleeping' ? [call.at.due] : []))
  const retrying = calls.filter((call) => call.at.is === 'retrying')
  const parts: string[] = []
  const first = questions[0]
  if (first !== undefined)
    parts.push(
      questions.length === 1 ? first.message : `${questions.length} questions, the first: ${first.message}`,
    )
  if (sleeping.length > 0) parts.push(`sleeps until ${new Date(Math.min(...sleeping)).toISOString()}`)
  for (const { tool, attempt, at } of retrying)
    if (at.is === 'retrying')
      parts.push(`${tool} is tried again at ${new Date(at.due).toISOString()} (attempt ${attempt} failed)`)
  const { phase } = state
  if (phase.at === 'thinking' && phase.retryAt !== undefined)
    parts.push(
      `${state.run.model} is asked again at ${new Date(phase.retryAt).toISOString()} (attempt ${phase.attempt} failed)`,
    )
  for (const { message } of atRest.values()) parts.push(message.replace(': Paused:', ':'))
  return `Paused: ${parts.join('; ')}`
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

function ofReview(phase: Extract<Phase, { at: 'reviewing' }>, setup: Setup): readonly Effect[] {
  const { step, callbacksRan: index, checksPassed } = phase
  const of = reviewed(phase)
  if (index < setup.callbacks[of].length) return [callback(of, step, index)]
  const { answer, decisions = [] } = phase
  if (answer === undefined || checksPassed >= setup.checks.length) return []
  return [
    {
      do: 'check',
      key: `check:${step}:${checksPassed}:${answer.reason}`,
      durable: true,
      index: checksPassed,
      answer,
      decisions,
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
