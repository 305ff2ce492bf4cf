/**
 * The judge is judged: a history as the protocol makes it is innocent, whatever was killed in it; and each way to
 * tamper with one is found. A checker that cannot find them would find nobody guilty.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { placed } from '../../src/journal/decode.ts'
import type { Effect, Entry, Fact } from '../../src/journal/entry.ts'
import { SEGMENT, STARTED } from '../agent/play.ts'
import { judge } from './fixtures/checker.ts'
import type { Command, Cut, History } from './fixtures/history.ts'
import { valueOf, type LedgerLine } from './fixtures/ledger.ts'
import type { ModelLine } from './fixtures/model-server.ts'

/** Where the process dies: not, before the request arrives, before its effect, or after it. */
type Crash = 'none' | 'unsent' | 'arrived' | 'done'
interface Planned {
  readonly effect: Effect
  readonly crash: Crash
}
interface Plan {
  readonly calls: readonly Planned[]
  /** The process dies while the model is asked. */
  readonly orphan: boolean
  readonly stopped: boolean
}

const effects: readonly Effect[] = ['read', 'idempotent', 'keyed', 'once']
const planned: fc.Arbitrary<Planned> = fc.record({
  effect: fc.constantFrom(...effects),
  crash: fc.constantFrom<Crash>('none', 'unsent', 'arrived', 'done'),
})
const plans: fc.Arbitrary<Plan> = fc.record({
  calls: fc.array(planned, { maxLength: 6 }),
  orphan: fc.boolean(),
  stopped: fc.boolean(),
})

const usage = { inputTokens: 1, outputTokens: 1 }
const asText = (value: unknown): string => JSON.stringify([value])

/** A history as a right library writes it: the protocol in thirty lines. */
class Right {
  readonly entries: Entry[] = []
  readonly ledger: LedgerLine[] = []
  readonly model: ModelLine[] = []
  readonly commands: Command[] = [{ did: 'drive', acknowledged: true }]
  readonly cuts: Cut[] = []
  #epoch = 0

  readonly #plan: Plan

  constructor(plan: Plan) {
    this.#plan = plan
    this.fact(STARTED, { kind: 'task-added', task: 'Survive', number: 1, maxSteps: 5 })
    this.#segment()
    this.#ask(1)
    const attempt = plan.orphan ? 2 : 1
    if (plan.orphan) {
      this.#die()
      this.#ask(attempt)
    }
    const replied = { kind: 'model-replied', step: 1, attempt, parts: '[]', text: '', acts: true } as const
    this.fact({ ...replied, usage, finishReason: 'stop' })
    this.fact({ kind: 'step-started', step: 1, source: '', program: '' })
    plan.calls.forEach((call, index) => this.#call(`1.${index + 1}`, index + 1, call))
    if (plan.stopped) {
      this.commands.push({ did: 'stop', acknowledged: true })
      this.fact({ kind: 'run-stopped', message: 'Enough' })
    } else {
      this.fact({ kind: 'step-ended', step: 1, printed: '', open: [] })
      this.fact({ kind: 'output-given', value: asText(7), reason: 'finalAnswer' })
      this.fact({ kind: 'task-completed', output: asText(7), reason: 'finalAnswer', usage })
    }
    this.#cut('ended')
  }

  fact(...facts: readonly Fact[]): void {
    for (const fact of facts)
      this.entries.push(placed(fact, this.entries.length + 1, this.entries.length, this.#epoch))
  }

  history(): History {
    const { entries, ledger, model, commands, cuts } = this
    const ends = this.#plan.stopped
      ? ({ status: 'stopped' } as const)
      : ({ status: 'completed', output: 7 } as const)
    return { run: 'run', entries, ledger, model, commands, cuts, comesTo: { ends, result: ends } }
  }

  #call(call: string, n: number, { effect, crash }: Planned): void {
    const requested = { kind: 'call-requested', call, tool: effect, sent: call, approval: 'never' } as const
    this.fact({ ...requested, input: inputOf(n), effect })
    const key = effect === 'keyed' || effect === 'once' ? { key: `key ${call}` } : {}
    const send = (attempt: number): void => {
      this.fact({ kind: 'call-started', call, attempt, ...key })
    }
    const line = (what: LedgerLine['what'], attempt: number): void => {
      const more = { tool: effect, effect, call, key: `key ${call}`, attempt, digest: '', n, at: 0 }
      this.ledger.push({ what, run: 'run', ...more })
    }
    const settle = (attempt: number): void => {
      const outcome = { ok: true, value: asText(valueOf(n)) } as const
      this.fact({ kind: 'call-returned', call, attempt, outcome })
    }
    send(1)
    if (crash !== 'unsent') line('arrived', 1)
    if (crash === 'none' || crash === 'done') line('done', 1)
    if (crash === 'none') return settle(1)
    this.#die()
    if (crash === 'arrived') line('dropped', 1)
    if (effect === 'once') {
      const question = `q ${call}`
      const decision =
        crash === 'done' ? ({ type: 'respond', value: valueOf(n) } as const) : ({ type: 'approve' } as const)
      this.fact({ kind: 'question-asked', question, asks: 'unknownOutcome', call, message: '?' })
      this.#cut('ended')
      this.commands.push({ did: 'answer', question, decision, acknowledged: true })
      this.#segment()
      this.fact({ kind: 'question-answered', question, decision })
      if (crash === 'done') return settle(1)
    }
    send(2)
    line('arrived', 2)
    line(crash === 'done' && effect === 'keyed' ? 'again' : 'done', 2)
    settle(2)
  }

  #ask(attempt: number): void {
    this.fact({ kind: 'model-called', step: 1, attempt, purpose: 'step' })
    this.model.push({ run: 'run', agent: 'agent', turn: 1, tokens: 1, at: 0 })
  }

  #die(): void {
    this.#cut('killed')
    this.#segment()
  }

  #segment(): void {
    this.#epoch++
    this.fact(SEGMENT)
  }

  #cut(how: Cut['how']): void {
    const [entries, ledger, model] = [this.entries.length, this.ledger.length, this.model.length]
    this.cuts.push({ how, entries, ledger, model })
  }
}

/** An object as the journal encodes it. */
function inputOf(n: number): string {
  return JSON.stringify([{ n: 1 }, n])
}

test('a history as the protocol makes it is innocent', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      expect(judge(new Right(plan).history())).toEqual([])
    }),
    { numRuns: 500 },
  )
})

/** Changes a history, and says which rule must find it; undefined where there is nothing to change in this one. */
interface Tampering {
  readonly says: string
  readonly rule: RegExp
  tamper(history: History, pick: <T>(from: readonly T[]) => T | undefined): History | undefined
}

const without = <T>(all: readonly T[], one: T): readonly T[] => all.filter((each) => each !== one)
const inserted = <T>(all: readonly T[], after: T, ...more: readonly T[]): readonly T[] =>
  all.flatMap((each) => (each === after ? [each, ...more] : [each]))
const swapped = <T>(all: readonly T[], one: T, other: T): readonly T[] =>
  all.map((each) => (each === one ? other : each))
/** As if the journal had been written so from the start; cuts keep their places in it as well as they can. */
const renumbered = (entries: readonly Entry[]): readonly Entry[] =>
  entries.map((entry, index) => ({ ...entry, seq: index + 1 }))

function ofKind<K extends Entry['kind']>({ entries }: History, kind: K): readonly Entry<K>[] {
  return entries.filter((entry) => entry.kind === kind) as readonly Entry[] as unknown as readonly Entry<K>[]
}

const tamperings: readonly Tampering[] = [
  {
    says: 'the intent of a once or keyed call is missing',
    rule: /^X[123]/,
    tamper(history, pick) {
      const start = pick(ofKind(history, 'call-started').filter((entry) => entry.key !== undefined))
      if (start === undefined || !history.ledger.some((line) => line.call === start.call)) return undefined
      return { ...history, entries: renumbered(without(history.entries, start)) }
    },
  },
  {
    says: 'the intent was announced, but only after the process ended',
    rule: /^X2/,
    tamper(history) {
      const sent = history.ledger.find((line) => line.effect === 'once' || line.effect === 'keyed')
      const start = ofKind(history, 'call-started').find((entry) => entry.call === sent?.call)
      if (start === undefined || sent === undefined) return undefined
      const cut: Cut = { how: 'killed', entries: start.seq - 1, ledger: history.ledger.length, model: 0 }
      return { ...history, cuts: [...history.cuts, cut] }
    },
  },
  {
    says: 'a once effect happened twice',
    rule: /^X3/,
    tamper(history, pick) {
      const line = pick(history.ledger.filter(({ what, effect }) => what === 'done' && effect === 'once'))
      return line && { ...history, ledger: inserted(history.ledger, line, line) }
    },
  },
  {
    says: 'a keyed effect happened twice',
    rule: /^X3/,
    tamper(history, pick) {
      const line = pick(history.ledger.filter(({ what, effect }) => what === 'done' && effect === 'keyed'))
      return line && { ...history, ledger: inserted(history.ledger, line, line) }
    },
  },
  {
    says: 'a call was sent under another key',
    rule: /^X[23]/,
    tamper(history, pick) {
      const line = pick(history.ledger.filter(({ what }) => what === 'arrived'))
      if (line === undefined || history.ledger.filter(({ call }) => call === line.call).length < 2)
        return undefined
      return { ...history, ledger: swapped(history.ledger, line, { ...line, key: 'another' }) }
    },
  },
  {
    says: 'a call was sent with other arguments',
    rule: /^X3/,
    tamper(history, pick) {
      const line = pick(history.ledger)
      return line && { ...history, ledger: swapped(history.ledger, line, { ...line, n: 1_000 }) }
    },
  },
  {
    says: 'an effect that no journal knows',
    rule: /^X3/,
    tamper(history, pick) {
      const line = pick(history.ledger.filter(({ what, effect }) => what === 'done' && effect === 'once'))
      return line && { ...history, ledger: [...history.ledger, { ...line, call: '9.9' }] }
    },
  },
  {
    says: 'a result without an effect',
    rule: /^X[34]/,
    tamper(history, pick) {
      const line = pick(
        history.ledger.filter(
          ({ what, call }) =>
            what === 'done' &&
            history.ledger.filter((other) => other.call === call && other.what !== 'arrived').length === 1 &&
            !ofKind(history, 'question-asked').some((asked) => asked.call === call),
        ),
      )
      return line && { ...history, ledger: without(history.ledger, line) }
    },
  },
  {
    says: 'a call was sent again after its result was durable',
    rule: /^X3/,
    tamper(history, pick) {
      const line = pick(history.ledger.filter(({ what }) => what === 'arrived'))
      return line && { ...history, ledger: [...history.ledger, line] }
    },
  },
  {
    says: 'a call has two results',
    rule: /^X[14]/,
    tamper(history, pick) {
      const result = pick(ofKind(history, 'call-returned'))
      return result && { ...history, entries: renumbered(inserted(history.entries, result, result)) }
    },
  },
  {
    says: 'a call has no result',
    rule: /^X4/,
    tamper(history, pick) {
      const result = pick(ofKind(history, 'call-returned'))
      if (result === undefined || history.comesTo?.ends.status === 'stopped') return undefined
      return { ...history, entries: renumbered(without(history.entries, result)) }
    },
  },
  {
    says: 'a result that the ledger never gave',
    rule: /^X4/,
    tamper(history, pick) {
      const asked = ofKind(history, 'question-asked').map((entry) => entry.call)
      const result = pick(ofKind(history, 'call-returned').filter((entry) => !asked.includes(entry.call)))
      if (result === undefined) return undefined
      const other: Entry = { ...result, outcome: { ok: true, value: asText('forged') } }
      return { ...history, entries: swapped(history.entries, result, other) }
    },
  },
  {
    says: 'somebody is asked about a call that no crash cut',
    rule: /^X5/,
    tamper(history, pick) {
      const asked = pick(ofKind(history, 'question-asked'))
      return asked && { ...history, cuts: history.cuts.filter((cut) => cut.entries >= asked.seq) }
    },
  },
  {
    says: 'somebody is asked about a call that may be sent again',
    rule: /^X5/,
    tamper(history, pick) {
      const asked = pick(ofKind(history, 'question-asked'))
      const call = ofKind(history, 'call-requested').find((entry) => entry.call === asked?.call)
      return call && { ...history, entries: swapped(history.entries, call, { ...call, effect: 'keyed' }) }
    },
  },
  {
    says: 'the replay differed',
    rule: /^X5/,
    tamper(history) {
      const ended = ofKind(history, 'step-ended')[0]
      if (ended === undefined) return undefined
      const { seq, at, epoch, v } = ended
      const asked: Entry = {
        seq,
        at,
        epoch,
        v,
        kind: 'question-asked',
        question: 'q',
        asks: 'diverged',
        message: '?',
      }
      return { ...history, entries: renumbered(inserted(history.entries, ended, asked)) }
    },
  },
  {
    says: 'the run that was acknowledged is not there',
    rule: /^X6/,
    tamper: (history) => ({ ...history, entries: [] }),
  },
  {
    says: 'an acknowledged answer is not there',
    rule: /^X6/,
    tamper(history, pick) {
      const answer = pick(ofKind(history, 'question-answered'))
      return answer && { ...history, entries: renumbered(without(history.entries, answer)) }
    },
  },
  {
    says: 'another answer stands than the acknowledged one',
    rule: /^X6/,
    tamper(history, pick) {
      const answer = pick(ofKind(history, 'question-answered'))
      if (answer === undefined) return undefined
      const other: Entry = { ...answer, decision: { type: 'reject' } }
      return { ...history, entries: swapped(history.entries, answer, other) }
    },
  },
  {
    says: 'an acknowledged stop never came',
    rule: /^X6/,
    tamper(history) {
      const stop = ofKind(history, 'run-stopped')[0]
      return stop && { ...history, entries: without(history.entries, stop) }
    },
  },
  {
    says: 'a call is announced after the stop',
    rule: /^X6/,
    tamper(history, pick) {
      const start = pick(ofKind(history, 'call-started'))
      if (start === undefined || history.comesTo?.ends.status !== 'stopped') return undefined
      return { ...history, entries: renumbered([...history.entries, start]) }
    },
  },
  {
    says: 'the model is asked once more than processes died',
    rule: /^X7/,
    tamper: (history) => ({ ...history, model: [...history.model.slice(0, 1), ...history.model] }),
  },
  {
    says: 'the model is asked again after its reply was durable',
    rule: /^X7/,
    tamper: (history) => ({ ...history, model: [...history.model, ...history.model.slice(0, 1)] }),
  },
  {
    says: 'the run comes to something else',
    rule: /^X8/,
    tamper({ comesTo, ...history }) {
      const ends = comesTo?.ends ?? ({ status: 'stopped' } as const)
      const output = ends.status === 'completed' ? 8 : 7
      return { ...history, comesTo: { ends, result: { status: 'completed', output } } }
    },
  },
  {
    says: 'an answer stands that nobody gave',
    rule: /^X6/,
    tamper(history) {
      const answered = ofKind(history, 'question-answered')
      return answered.length === 0
        ? undefined
        : { ...history, commands: history.commands.filter(({ did }) => did !== 'answer') }
    },
  },
]

describe('every tampering is found', () => {
  test.each(tamperings)('$says', ({ rule, tamper }) => {
    let tampered = 0
    fc.assert(
      fc.property(plans, fc.nat(), (plan, lot) => {
        const pick = <T>(from: readonly T[]): T | undefined => from[lot % Math.max(from.length, 1)]
        const history = tamper(new Right(plan).history(), pick)
        if (history === undefined) return
        tampered++
        expect(judge(history).filter((found) => rule.test(found))).not.toEqual([])
      }),
      { numRuns: 200 },
    )
    expect(tampered, 'histories that could be tampered with so').toBeGreaterThan(20)
  })
})
