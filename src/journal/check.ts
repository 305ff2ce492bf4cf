/**
 * What a whole journal must be, whoever wrote it: its entries, one by one, against the laws of the run. It shares
 * nothing with `fold` on purpose: what both of them get wrong in the same way would not be seen.
 *
 * J1  Entries are numbered from 1 without gaps; epochs and times never go back; the first is `run-started`, no other is.
 * J2  A call has at most one result, and none that was not asked for; its attempts count on. A `once` call is sent again
 *     only after a person's or a probe's word. The same holds for the model's turns and for steps.
 * J3  The same call is never asked for in two ways, nor sent under two idempotency keys.
 * J5  A task's outcome is written once. Nothing follows `run-stopped` but evidence; after `task-completed` and
 *     `task-failed` nothing drives on before a new task or a retry.
 * J6  A question is asked once and decided at most once; a call that needs an approval is not sent without one, and a
 *     program that needs one does not start. A run does not go past what a callback, a check or the model has asked.
 * J8  What the model cost is a number, and none is below zero.
 *
 * J4 (the checkpoint) and J9 (the chain) are not in the entries: `run/verify.ts` sees to them. J7 (a run at rest holds no
 * lease) and J10 (limits) are judged where they can be: by tests that hold all processes, and by the driver, whose
 * limits a person may raise.
 */
import type { CallId } from '../base/halt.ts'
import type { Effect, Entry, EntryKind, QuestionId } from './entry.ts'
import { stepOf } from './view.ts'

export type Rule = 'J1' | 'J2' | 'J3' | 'J4' | 'J5' | 'J6' | 'J7' | 'J8' | 'J9' | 'J10'

/** What is wrong, with which law and at which entry. */
export interface Violation {
  readonly rule: Rule
  readonly seq?: number
  readonly what: string
}

/** A call as its entries so far tell of it. */
interface CallSeen {
  readonly asked: string
  readonly effect: Effect
  /** Sent so often. */
  attempts: number
  at: 'open' | 'returned' | 'withdrawn'
  /** A person was asked for an approval. */
  judged: boolean
  /** An approval is needed and has not been given. */
  unapproved: boolean
  /** It may be sent: it was not yet, or somebody said so since. */
  released: boolean
  key?: string
  orphaned: boolean
}

interface QuestionSeen {
  readonly asks: string
  readonly call: CallId | undefined
  /** Who asked for the run itself: it waits for the answer. */
  readonly by: Entry<'question-asked'>['by']
}

/** All that the rules remember of the entries before. */
interface Seen {
  readonly calls: Map<CallId, CallSeen>
  readonly asked: Set<QuestionId>
  /** Those that nobody has decided, and that are not closed: a few, however many there were. */
  readonly open: Map<QuestionId, QuestionSeen>
  tasks: number
  ended: 'completed' | 'failed' | 'stopped' | undefined
  steps: number
  /** The step whose program is under way. */
  step: number | undefined
  /** The model's turn that is open, as `step.attempt`. */
  turn: string | undefined
  /** A program was proposed, and nobody has approved it. */
  unapproved: boolean
}

/** Facts that only a run under way has. */
const DRIVING: ReadonlySet<EntryKind> = new Set<EntryKind>([
  'model-called',
  'model-replied',
  'plan-made',
  'context-compacted',
  'model-failed',
  'code-proposed',
  'code-judged',
  'step-started',
  'step-ended',
  'step-interrupted',
  'step-killed',
  'call-requested',
  'call-started',
  'sleep-started',
  'callbacks-ran',
  'check-passed',
  'output-given',
  'output-refused',
  'run-paused',
  'run-resumed',
])

/** Everything in which the entries of one run, from its first on, break the laws above. In the order of the entries. */
export function violations(entries: readonly Entry[]): readonly Violation[] {
  const found: Violation[] = []
  const seen: Seen = {
    calls: new Map(),
    asked: new Set(),
    open: new Map(),
    tasks: 0,
    ended: undefined,
    steps: 0,
    step: undefined,
    turn: undefined,
    unapproved: false,
  }
  if (entries.length === 0) return [{ rule: 'J1', what: 'The run has no entries.' }]
  for (const [index, entry] of entries.entries()) {
    const broken = (rule: Rule, what: string): void => void found.push({ rule, seq: entry.seq, what })
    checkPlace(entry, entries[index - 1], broken)
    checkOutcome(seen, entry, broken)
    checkTurn(seen, entry, broken)
    checkWord(seen, entry, broken)
    if (entry.kind === 'question-asked' || entry.kind === 'question-answered')
      checkQuestion(seen, entry, broken)
    else if ('call' in entry && entry.call !== undefined) checkCall(seen, entry, entry.call, broken)
  }
  return found
}

type Broken = (rule: Rule, what: string) => void

/** J1. */
function checkPlace(entry: Entry, before: Entry | undefined, broken: Broken): void {
  const last = before ?? { seq: 0, at: entry.at, epoch: 0 }
  if (entry.seq !== last.seq + 1) broken('J1', `Entry ${entry.seq} follows entry ${last.seq}.`)
  if (entry.epoch < last.epoch) broken('J1', `Epoch ${entry.epoch} follows epoch ${last.epoch}.`)
  if (entry.at < last.at) broken('J1', 'Its time is before that of the entry before it.')
  if ((entry.kind === 'run-started') !== (before === undefined))
    broken('J1', before === undefined ? `The journal begins with ${entry.kind}.` : 'The run starts again.')
}

/** J5. */
function checkOutcome(seen: Seen, entry: Entry, broken: Broken): void {
  if (seen.ended === 'stopped' && entry.kind !== 'call-orphaned')
    broken('J5', `${entry.kind} follows the end of the run.`)
  else if (seen.ended !== undefined && DRIVING.has(entry.kind))
    broken('J5', `${entry.kind} follows the end of its task.`)
  switch (entry.kind) {
    case 'task-added':
      if (seen.tasks > 0 && seen.ended === undefined)
        broken('J5', 'A task is added before the last one ended.')
      if (entry.number !== seen.tasks + 1)
        broken('J5', `Task ${entry.number} follows ${seen.tasks === 0 ? 'none' : `task ${seen.tasks}`}.`)
      seen.tasks = entry.number
      seen.ended = undefined
      return
    case 'run-retried':
      if (seen.ended !== 'failed') broken('J5', 'A run that has not failed is tried again.')
      seen.ended = undefined
      return
    case 'task-completed':
    case 'task-failed':
      if (seen.ended !== undefined) broken('J5', 'The task has two outcomes.')
      seen.ended = entry.kind === 'task-completed' ? 'completed' : 'failed'
      return
    case 'run-stopped':
      seen.ended = 'stopped'
      for (const call of seen.calls.values()) withdraw(call)
      seen.open.clear()
      return
    default:
  }
}

/** J2 and J8, for what the model said and for the steps that came of it. */
function checkTurn(seen: Seen, entry: Entry, broken: Broken): void {
  switch (entry.kind) {
    case 'run-forked':
      // A person's word was for the run that it was given in.
      for (const call of seen.calls.values()) if (call.at === 'open' && call.judged) call.unapproved = true
      return
    case 'segment-started':
      // Whoever asked the model is gone; nobody hears the reply.
      seen.turn = undefined
      return
    case 'model-called':
      if (seen.turn !== undefined) broken('J2', 'The model is asked again before it replied.')
      seen.turn = `${entry.step}.${entry.attempt}`
      return
    case 'model-replied':
    case 'plan-made':
    case 'context-compacted':
    case 'model-failed':
      if (seen.turn !== `${entry.step}.${entry.attempt}`)
        broken('J2', `${entry.kind} for step ${entry.step}, attempt ${entry.attempt}, which is not open.`)
      seen.turn = undefined
      if (entry.kind !== 'model-failed' && !isCost(entry.usage))
        broken('J8', 'The usage of a reply is no number, or below zero.')
      return
    case 'run-paused':
      // It was the model that paused, in place of a reply.
      if (entry.cause === 'model') seen.turn = undefined
      return
    case 'code-proposed':
      seen.unapproved = true
      return
    case 'code-judged':
      seen.unapproved = entry.said === 'required'
      return
    case 'step-started':
      if (seen.step !== undefined) broken('J2', `Step ${seen.step} has not ended.`)
      if (seen.unapproved && entry.program !== undefined)
        broken('J6', `The program of step ${entry.step} starts without its approval.`)
      seen.unapproved = false
      // A program that was cut before anybody decided takes its question with it.
      close(seen, ({ asks, call }) => asks === 'approval' && call === undefined)
      if (entry.step !== seen.steps + 1) broken('J2', `Step ${entry.step} follows step ${seen.steps}.`)
      seen.step = entry.step
      seen.steps = entry.step
      return
    case 'step-ended':
    case 'step-killed':
      if (entry.step !== seen.step) broken('J2', `Step ${entry.step} ends, but it is not under way.`)
      seen.step = undefined
      if (entry.kind === 'step-ended') return
      for (const [id, call] of seen.calls) if (stepOf(id) === entry.step) drop(seen, id, call)
      return
    default:
  }
}

/** What a run does not do while it waits for an answer of its own. */
const PAST_A_WORD: ReadonlySet<EntryKind> = new Set<EntryKind>([
  'model-called',
  'code-proposed',
  'step-started',
  'callbacks-ran',
  'check-passed',
  'output-given',
  'task-completed',
])

/** J6, for what a callback, a check or the model has asked. */
function checkWord(seen: Seen, entry: Entry, broken: Broken): void {
  if (entry.kind === 'task-added') close(seen, ({ by }) => by !== undefined)
  if (entry.kind === 'output-refused') close(seen, ({ by }) => by === 'check')
  for (const [id, { by }] of seen.open)
    if (by !== undefined && PAST_A_WORD.has(entry.kind))
      broken('J6', `${entry.kind} passes question ${id}, which the ${by} has asked and nobody has decided.`)
}

function isCost({ inputTokens, outputTokens, cost = 0 }: Entry<'model-replied'>['usage']): boolean {
  return [inputTokens, outputTokens, cost].every((number) => Number.isFinite(number) && number >= 0)
}

/** J6. */
function checkQuestion(
  seen: Seen,
  entry: Entry<'question-asked' | 'question-answered'>,
  broken: Broken,
): void {
  const wasAsked = seen.asked.has(entry.question)
  if (entry.kind === 'question-asked') {
    if (wasAsked) broken('J6', `Question ${entry.question} is asked twice.`)
    const call = entry.call === undefined ? undefined : seen.calls.get(entry.call)
    if (entry.call !== undefined) {
      // The newer question takes the place of the one before.
      closeOf(seen, entry.call)
      if (call?.at !== 'open') broken('J6', `Question ${entry.question} is about a call that is not open.`)
    }
    if (entry.asks === 'approval' && call !== undefined) call.unapproved = call.judged = true
    if (entry.by === 'model') seen.turn = undefined
    seen.asked.add(entry.question)
    seen.open.set(entry.question, { asks: entry.asks, call: entry.call, by: entry.by })
    return
  }
  const question = seen.open.get(entry.question)
  if (question === undefined) {
    const why = wasAsked ? 'had been closed' : 'was never asked'
    broken('J6', `Question ${entry.question} is decided, but it ${why}.`)
    return
  }
  seen.open.delete(entry.question)
  const { type } = entry.decision
  const isYes = question.asks === 'approval' && (type === 'approve' || type === 'edit')
  if (isYes && question.call === undefined) seen.unapproved = false
  const call = seen.calls.get(question.call ?? '')
  if (call === undefined) return
  if (isYes) call.unapproved = false
  if (question.asks !== 'approval') call.released = true
}

/** J2, J3 and J6, for one call. */
function checkCall(seen: Seen, entry: Entry, id: CallId, broken: Broken): void {
  const call = seen.calls.get(id)
  if (entry.kind === 'call-requested') {
    const asked = `${entry.tool} ${entry.sent}`
    if (call !== undefined) broken(...twice(call.asked === asked, `Call ${id} is asked for twice`))
    const unapproved = entry.approval !== 'never'
    const open = { attempts: 0, at: 'open', released: true, orphaned: false, judged: false } as const
    seen.calls.set(id, { ...open, asked, effect: entry.effect, unapproved })
    return
  }
  if (call === undefined) return broken('J2', `${entry.kind} for call ${id}, which nobody asked for.`)
  if (entry.kind === 'call-orphaned') {
    if (call.at === 'returned' || call.orphaned || call.attempts === 0)
      broken('J2', `A late result of call ${id}, which waits for none.`)
    call.orphaned = true
    return
  }
  if (call.at !== 'open') return broken('J2', `${entry.kind} for call ${id}, which had been ${call.at}.`)
  switch (entry.kind) {
    case 'verdict-given':
      if (entry.about === 'approval' && entry.said === 'free') call.unapproved = false
      if (entry.about === 'approval' && entry.said === 'required') call.unapproved = true
      if (entry.about === 'probe' && entry.said === 'not') call.released = true
      return
    case 'call-started':
      if (entry.attempt !== call.attempts + 1)
        broken('J2', `Attempt ${entry.attempt} of call ${id} follows attempt ${call.attempts}.`)
      if (call.effect === 'once' && !call.released)
        broken('J2', `Call ${id} may happen once, and is sent again without a word.`)
      if (call.unapproved) broken('J6', `Call ${id} is sent without its approval.`)
      if (call.key !== undefined && call.key !== entry.key)
        broken('J3', `Call ${id} is sent under another idempotency key.`)
      call.attempts = entry.attempt
      call.released = false
      if (entry.key !== undefined) call.key = entry.key
      return
    case 'call-failed':
      if (call.effect === 'once') broken('J2', `Call ${id} may happen once, and is to be tried again.`)
      if (entry.attempt !== call.attempts)
        broken(
          'J2',
          `Attempt ${entry.attempt} of call ${id} fails, but attempt ${call.attempts} is under way.`,
        )
      return
    case 'call-returned':
      if (entry.attempt !== call.attempts)
        broken(
          'J2',
          `Attempt ${entry.attempt} of call ${id} returns, but attempt ${call.attempts} is under way.`,
        )
      call.at = 'returned'
      closeOf(seen, id)
      return
    case 'call-withdrawn':
      drop(seen, id, call)
      return
    default:
  }
}

function twice(same: boolean, what: string): [Rule, string] {
  return same ? ['J2', `${what}.`] : ['J3', `${what}, with another tool or other arguments.`]
}

function drop(seen: Seen, id: CallId, call: CallSeen): void {
  if (call.at !== 'open') return
  withdraw(call)
  closeOf(seen, id)
}

function closeOf(seen: Seen, id: CallId): void {
  close(seen, ({ call }) => call === id)
}

function close({ open }: Seen, isClosed: (question: QuestionSeen) => boolean): void {
  for (const [id, question] of open) if (isClosed(question)) open.delete(id)
}

function withdraw(call: CallSeen): void {
  if (call.at === 'open') call.at = 'withdrawn'
}
