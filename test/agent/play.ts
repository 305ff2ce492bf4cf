/**
 * A driver without a world: a happening becomes facts, facts become state, and `decide` is asked until it is quiet.
 * What the real driver does, minus everything that waits, so that tests hold the order and the clock.
 */
import { encode } from '../../src/base/codec.ts'
import { digestOf } from '../../src/base/id.ts'
import { parseJson } from '../../src/base/json.ts'
import type { Desk } from '../../src/agent/desk.ts'
import { factsOf } from '../../src/agent/facts.ts'
import { resumeFacts } from '../../src/agent/signal-facts.ts'
import type { Happening, PreparedCall } from '../../src/agent/happening.ts'
import { decide, next, type Effect, type Setup } from '../../src/agent/next.ts'
import type { GuestCall, Halt } from '../../src/base/halt.ts'
import { placed } from '../../src/journal/decode.ts'
import type { Entry, EntryKind, Fact, RunOptions } from '../../src/journal/entry.ts'
import type { State } from '../../src/journal/shape.ts'
import { fold } from '../../src/journal/state.ts'
import { reviewOf } from '../../src/journal/view.ts'
import type { Signal } from '../../src/journal/store.ts'

export const RUN = 'run-1'
/** Where the tests' time begins, ms since the epoch. */
export const NOON = 1_700_000_000_000

export const OPTIONS: RunOptions = {
  maxSteps: 5,
  onLimit: 'finish',
  onUnknownOutcome: 'ask',
  pauseGrace: 10_000,
  stepTimeout: 1_000,
  memory: 1_000_000,
  callsPerStep: 256,
  callsInFlight: 100,
  entries: 50_000,
  questions: 100,
  outputChars: 1_000,
}

export const STARTED: Fact<'run-started'> = {
  kind: 'run-started',
  agent: 'agent',
  options: OPTIONS,
  model: 'scripted/model',
  system: 'You are here.',
  tools: [],
  seed: 'seed',
  engine: 'engine',
  traceparent: '00-11111111111111111111111111111111-2222222222222222-01',
}

export const SEGMENT: Fact<'segment-started'> = {
  kind: 'segment-started',
  holder: 'me',
  why: 'start',
  heap: 'fresh',
  span: '00-11111111111111111111111111111111-3333333333333333-01',
}

const PROGRAM = JSON.stringify({ file: 'step.ts', declarations: '', body: '', hasValue: false })

export interface PlayOptions {
  readonly options?: Partial<RunOptions>
  readonly setup?: Partial<Setup>
}

export class Play {
  state: State
  now = NOON
  /** The guest has something to run beside what it owes. */
  busy = false
  /** A delivery whose halt has not been told yet. */
  #owes = false
  /** What an `edit` comes to; undefined: it does not fit. */
  edited: string | undefined = '["edited"]'
  graceOver = false
  stay = 0
  readonly entries: Entry[] = []
  readonly setup: Setup
  /** How each question is being answered. */
  readonly deciding = new Map<string, string>()
  /** The most rounds that `decide` has needed. */
  rounds = 0

  /** Which review is under way. */
  get review(): string {
    return reviewOf(this.state)
  }

  constructor({ options = {}, setup = {} }: PlayOptions = {}) {
    const unknown = { window: () => undefined, price: () => undefined }
    this.setup = { callbacks: kinds(), checks: [], probes: new Set(), ...unknown, ...setup }
    const started = placed({ ...STARTED, options: { ...OPTIONS, ...options } }, 1, NOON, 0)
    this.entries.push(started)
    this.state = fold(undefined, started, RUN)
    const { maxSteps } = this.state.run.options
    this.record([{ kind: 'task-added', task: 'a task', number: 1, maxSteps }, SEGMENT])
  }

  get desk(): Desk {
    return {
      now: this.now,
      stow: (text) => text,
      encode,
      digest: digestOf,
      checked: (question) => {
        const decision = this.deciding.get(question)
        return decision === 'edit' && this.edited !== undefined ? { input: this.edited } : undefined
      },
    }
  }

  record(facts: readonly Fact[]): void {
    for (const fact of facts) {
      const entry = placed(fact, this.state.seq + 1, this.now, 1)
      this.entries.push(entry)
      this.state = fold(this.state, entry, RUN)
      if (entry.kind === 'step-started') this.#owes = entry.program !== undefined
      if (entry.kind === 'call-returned' && this.state.phase.at === 'acting') this.#owes = true
    }
  }

  /** What `happening` led to, with what follows from the state alone. */
  hear(happening: Happening): readonly Fact[] {
    const before = this.entries.length
    if (happening.kind === 'guest-halted') this.#owes = false
    this.record(factsOf(this.state, happening, this.desk))
    this.decide()
    return this.entries.slice(before)
  }

  decide(): void {
    for (let round = 0; ; round++) {
      const { now, graceOver, stay } = this
      const guestIdle = !this.busy && !this.#owes
      const facts = decide(this.state, this.setup, {
        now,
        guestIdle,
        graceOver,
        stay,
        hasAgents: false,
        atRest: new Map(),
        left: Infinity,
      })
      this.rounds = Math.max(this.rounds, round)
      if (facts.length === 0) return
      if (round > 50) throw new Error(`decide never comes to an end: ${facts[0]?.kind}`)
      this.record(facts)
    }
  }

  effects(): readonly Effect[] {
    return next(this.state, this.setup, this.now)
  }

  /** The process died: another one takes the run over. */
  crash(): void {
    this.graceOver = false
    this.record([{ ...SEGMENT, why: 'take-over' }])
    this.decide()
  }

  /** A person resumes the run in a new process. */
  resume(): void {
    this.graceOver = false
    this.record([{ ...SEGMENT, why: 'resume' }])
    const { pause } = this.state
    if (pause !== undefined && pause.cause !== 'waiting')
      this.record(resumeFacts(this.state, 'it was resumed'))
    this.decide()
  }

  kinds(from = 0): readonly EntryKind[] {
    return this.entries.slice(from).map((entry) => entry.kind)
  }

  /** The model's reply to the request that is out. */
  reply(what: { readonly code: string } | { readonly text: string } | { readonly mistake: string }): void {
    const { phase } = this.state
    if (phase.at !== 'thinking') throw new Error(`No request is out: ${phase.at}`)
    this.hear(replied(phase.step, phase.attempt, what))
  }

  /** Opens step 1 (or the next one). */
  act(code = 'code'): void {
    this.decide()
    this.reply({ code })
  }

  waits(...calls: readonly PreparedCall[]): readonly Fact[] {
    return this.hear(
      this.halted({ kind: 'waiting', calls: calls.map((one) => one.call), printed: '' }, calls),
    )
  }

  /** The step's program ended. */
  ends(how: Partial<Extract<Halt, { kind: 'ended' }>> = {}, calls: readonly PreparedCall[] = []): void {
    const halt: Halt = {
      kind: 'ended',
      calls: calls.map((one) => one.call),
      printed: '',
      output: '',
      ending: { kind: 'value' },
      open: Object.keys(this.state.calls),
      ...how,
    }
    this.hear(this.halted(halt, calls))
  }

  answers(value: string): void {
    this.ends({ ending: { kind: 'answer', value } })
  }

  killed(): void {
    this.hear(this.halted({ kind: 'killed', reason: 'timeout', message: 'too long' }, []))
  }

  returns(call: string, value = '["ok"]', attempt = this.state.calls[call]?.attempt ?? 1): readonly Fact[] {
    return this.hear({
      kind: 'call-settled',
      key: `call:${call}:${attempt}`,
      call,
      attempt,
      outcome: { ok: true, value },
    })
  }

  signals(...signals: readonly Signal[]): readonly Fact[] {
    for (const signal of signals)
      if (signal.kind === 'answer') this.deciding.set(signal.question, signal.decision.type)
    return this.hear({
      kind: 'signalled',
      rows: signals.map((signal, index) => ({ key: `k${index}`, at: this.now, signal })),
    })
  }

  wakes(at: number): readonly Fact[] {
    this.now = at
    return this.hear({ kind: 'woke', key: 'wake' })
  }

  /** The only open question's id. */
  get question(): string {
    const [id, another] = Object.keys(this.state.questions)
    if (id === undefined || another !== undefined) throw new Error('There is not one question.')
    return id
  }

  halted(halt: Halt, calls: readonly PreparedCall[]): Happening {
    const step = this.state.stepCount
    return { kind: 'guest-halted', position: this.state.seq, step, calls, halt }
  }
}

/** Callbacks by the kind of step that they look at. */
export function kinds(
  action: readonly string[] = [],
  planning: readonly string[] = [],
  finalAnswer: readonly string[] = [],
): Setup['callbacks'] {
  return { action, planning, finalAnswer }
}

export function replied(
  step: number,
  attempt: number,
  what:
    | { readonly code: string; readonly approval?: 'always' | 'judge' }
    | { readonly text: string }
    | { readonly mistake: string },
): Happening {
  const base = {
    parts: encode([]),
    text: '',
    usage: { inputTokens: 1, outputTokens: 1 },
    finishReason: 'stop',
  }
  const reply =
    'code' in what
      ? {
          ...base,
          code: what.code,
          compiled: { ok: true as const, program: PROGRAM },
          ...(what.approval === undefined ? {} : { approval: what.approval }),
        }
      : 'text' in what
        ? { ...base, answer: { value: encode(what.text), reason: 'text' as const } }
        : { ...base, mistake: what.mistake }
  return { kind: 'model-answered', key: `think:${step}:${attempt}`, step, attempt, reply }
}

/** The state as a checkpoint gives it back. */
export function reread(state: State): State {
  return parseJson(JSON.stringify(state), 'A state') as unknown as State
}

export function guestCall(id: string, name: string, input: unknown = {}): GuestCall {
  return { id, name, input: encode(input) }
}

/** A call at the door, validated. */
export function toolCall(
  id: string,
  name = 'pay',
  more: {
    readonly effect?: 'read' | 'idempotent' | 'keyed' | 'once'
    readonly approval?: 'never' | 'always' | 'judge'
  } = {},
): PreparedCall {
  const call = guestCall(id, name, { id })
  const { effect = 'once', approval = 'never' } = more
  return { call, sent: digestOf(call.input), is: 'tool', input: call.input, effect, approval }
}

export function askCall(id: string, message = 'Which?', expiresAt?: number): PreparedCall {
  const call = guestCall(id, '$ask', [message])
  const question = { message, ...(expiresAt === undefined ? {} : { expiresAt }) }
  return { call, sent: digestOf(call.input), is: 'ask', question }
}

export function sleepCall(id: string, ms: number): PreparedCall {
  const call = guestCall(id, '$sleep', ms)
  return { call, sent: digestOf(call.input), is: 'sleep', ms }
}

export function refusedCall(id: string): PreparedCall {
  const call = guestCall(id, 'nope')
  const outcome = { ok: false as const, error: { name: 'TypeError', message: 'no' } }
  return { call, sent: digestOf(call.input), is: 'settled', outcome }
}
