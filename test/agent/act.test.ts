/** The guest's player against a sandbox that the test drives (A1–A4). */
import { describe, expect, onTestFinished, test } from 'vitest'
import { Guest } from '../../src/agent/act.ts'
import type { Happening } from '../../src/agent/happening.ts'
import type { GuestCall, Halt } from '../../src/base/halt.ts'
import { digestOf } from '../../src/base/id.ts'
import { placed } from '../../src/journal/decode.ts'
import type { Entry, Fact } from '../../src/journal/entry.ts'
import { whenReplayCosts } from '../../src/agent/snapshot-policy.ts'
import { HandClock } from '../run/hand-clock.ts'
import { ended, FakeSandbox, heapFrom, heapOf, KILLED, waiting } from './fake-sandbox.ts'
import { guestCall } from './play.ts'

const PROGRAM = JSON.stringify({ file: 'step.ts', declarations: '', body: '', hasValue: false })

type Checkpointed = Extract<Happening, { kind: 'checkpointed' }>

/** A journal in the test's hand, a guest that hears of it, and what the guest says. */
class Stage {
  readonly journal: Entry[] = []
  readonly said: Happening[] = []
  readonly sandbox: FakeSandbox
  readonly guest: Guest
  readonly clock = new HandClock()

  constructor(script: (delivery: string, heap: readonly string[]) => Halt, journal: readonly Entry[] = []) {
    this.journal.push(...journal)
    this.sandbox = new FakeSandbox(script)
    this.guest = new Guest(this.sandbox, {
      tools: ['pay'],
      post: (happening) => {
        this.said.push(happening)
        if (happening.kind === 'passed') this.guest.handled()
      },
      prepare: async (call, sent) => ({
        call,
        sent,
        is: 'tool',
        input: call.input,
        effect: 'once',
        approval: 'never',
      }),
      give: async (args) => ({ variables: typeof args === 'string' ? args : '' }),
      deliver: async (outcome) =>
        outcome.ok
          ? { ok: true, value: typeof outcome.value === 'string' ? outcome.value : 'a blob' }
          : outcome,
      clock: this.clock,
      isWorthSnapshot: whenReplayCosts,
    })
    onTestFinished(async () => this.guest[Symbol.asyncDispose]())
  }

  open(past: readonly Entry[] = [], from?: Checkpointed): this {
    if (from === undefined)
      this.guest.open({ from: 'seed', seed: 's', clock: 0 }, { position: 0 }, undefined, past)
    else {
      const { start, ...place } = from.place
      const begun = start === undefined ? {} : { start: start.links }
      this.guest.open({ from: 'heap', heap: heapFrom(from.links), ...begun }, place, start, past)
    }
    return this
  }

  /** Records a fact: the guest hears of it. */
  record(fact: Fact): Entry {
    const entry = placed(fact, this.journal.length + 1, 1_000 + this.journal.length, 1)
    this.journal.push(entry)
    this.guest.feed(entry)
    return entry
  }

  /** Waits until the guest has nothing to do. */
  async idle(): Promise<this> {
    for (let turns = 0; !this.guest.idle; turns++) {
      if (turns > 1_000) throw new Error('The guest is never idle')
      await new Promise((resolve) => setImmediate(resolve))
    }
    return this
  }

  halts(): readonly Extract<Happening, { kind: 'guest-halted' }>[] {
    return this.said.filter((one) => one.kind === 'guest-halted')
  }

  kinds(): readonly string[] {
    return this.said.map((one) => one.kind).filter((kind) => kind !== 'passed')
  }

  /** What is broken, for a test that wants nothing to be. */
  get broken(): readonly unknown[] {
    return this.said.flatMap((one) => (one.kind === 'broke' ? [one.error] : []))
  }
}

const start = (step: number): Fact => ({ kind: 'step-started', step, source: '', program: PROGRAM })
const returned = (call: string, value = call): Fact => ({
  kind: 'call-returned',
  call,
  attempt: 1,
  outcome: { ok: true, value },
})
const requested = (call: GuestCall): Fact => ({
  kind: 'call-requested',
  call: call.id,
  tool: call.name,
  sent: digestOf(call.input),
  input: call.input,
  digest: digestOf(call.input),
  effect: 'once',
  approval: 'never',
})
const end = (step: number): Fact => ({ kind: 'step-ended', step, printed: '', open: [] })
const kill = (step: number): Fact => ({
  kind: 'step-killed',
  step,
  reason: 'timeout',
  message: 'too long',
  calls: '',
})

function journalOf(...facts: readonly Fact[]): readonly Entry[] {
  return facts.map((fact, index) => placed(fact, index + 1, 1_000 + index, 1))
}

const a = guestCall('1.1', 'pay', 'a')
const b = guestCall('1.2', 'pay', 'b')

describe('delivery', () => {
  test('is in journal order and one at a time, however fast the results come', async () => {
    const stage = new Stage((what) => (what.startsWith('run') ? waiting(a, b) : waiting())).open()
    stage.record(start(1))
    stage.record(returned('1.2'))
    stage.record(returned('1.1'))
    await stage.idle()
    expect(stage.sandbox.heap).toEqual(['run 1 at 1000', 'settle 1.2 1.2 at 1001', 'settle 1.1 1.1 at 1002'])
    expect(stage.sandbox.most).toBe(1)
    expect(stage.halts().map((halt) => halt.position)).toEqual([1, 2, 3])
  })

  test('other entries are not for the guest', async () => {
    const stage = new Stage(() => waiting()).open()
    stage.record({ kind: 'message-said', text: 'hello' })
    stage.record({ kind: 'run-paused', cause: 'requested', message: '' })
    await stage.idle()
    expect(stage.sandbox.log).toEqual(['open seed'])
  })

  test('a step that did not compile is no delivery', async () => {
    const stage = new Stage(() => waiting()).open()
    stage.record({ kind: 'step-started', step: 1, source: 'const = 1' })
    await stage.idle()
    expect(stage.halts()).toEqual([])
  })

  test('a result between two steps is kept, and delivered before the next program runs (A2)', async () => {
    const stage = new Stage((what) => (what === 'run 1' ? ended(a) : waiting())).open()
    stage.record(start(1))
    stage.record(end(1))
    stage.record(returned('1.1'))
    await stage.idle()
    expect(stage.sandbox.heap).toHaveLength(1)
    stage.record(start(2))
    await stage.idle()
    expect(stage.sandbox.heap.slice(1)).toEqual(['settle 1.1 1.1 at 1003', 'run 2 at 1003'])
    expect(stage.halts().at(-1)?.position).toBe(4)
  })

  test('a result that is recorded before anybody knew that the step had ended waits for the next step', async () => {
    const stage = new Stage((what) => (what === 'run 1' ? ended(a) : waiting())).open()
    stage.record(start(1))
    stage.record(returned('1.1'))
    await stage.idle()
    expect(stage.sandbox.heap).toEqual(['run 1 at 1000'])
  })

  test('calls that held results lead to are told with the step that begins', async () => {
    const more = guestCall('1.2', 'pay', 'more')
    const stage = new Stage((what) =>
      what === 'run 1' ? ended(a) : what.startsWith('settle') ? waiting(more) : waiting(),
    ).open()
    stage.record(start(1))
    stage.record(end(1))
    stage.record(returned('1.1'))
    stage.record(start(2))
    await stage.idle()
    const last = stage.halts().at(-1)
    expect([last?.step, last?.calls.map((one) => one.call.id)]).toEqual([2, ['1.2']])
  })
})

describe('idle', () => {
  test('is false from the moment an entry is fed until the driver has heard of its halt', async () => {
    const gate = Promise.withResolvers<undefined>()
    const stage = new Stage(() => waiting()).open()
    await stage.idle()
    stage.sandbox.hold = async (what) => (what === 'run 1' ? gate.promise : undefined)
    stage.record(start(1))
    expect(stage.guest.idle).toBe(false)
    await new Promise((resolve) => setImmediate(resolve))
    expect([stage.guest.idle, stage.halts().length]).toEqual([false, 0])
    gate.resolve(undefined)
    await stage.idle()
    expect(stage.halts()).toHaveLength(1)
  })

  test('the halt is told before the pass: who counts passes has heard of every halt', async () => {
    const stage = new Stage(() => waiting()).open()
    stage.record(start(1))
    await stage.idle()
    expect(stage.said.map((one) => one.kind).slice(-2)).toEqual(['guest-halted', 'passed'])
  })

  test('a sandbox that breaks is told, and the guest is idle all the same', async () => {
    const stage = new Stage(() => {
      throw new Error('the thread is gone')
    }).open()
    stage.record(start(1))
    await stage.idle()
    expect(stage.broken).toHaveLength(1)
  })

  test('after it was disposed of, nothing is told any more', async () => {
    const stage = new Stage(() => waiting()).open()
    await stage.idle()
    await stage.guest[Symbol.asyncDispose]()
    stage.record(start(1))
    await stage.idle()
    expect(stage.halts()).toEqual([])
    expect(stage.broken).toEqual([])
  })
})

describe('a killed step (A3)', () => {
  const script = (what: string): Halt =>
    what === 'run 1'
      ? ended(a)
      : what === 'run 2'
        ? waiting(guestCall('2.1', 'pay'))
        : what.startsWith('settle 2')
          ? KILLED
          : waiting()

  test('never happened to the heap, and what it had heard is not told again', async () => {
    const stage = new Stage(script).open()
    stage.record(start(1))
    stage.record(end(1))
    await stage.idle()
    const before = stage.sandbox.heap
    stage.record(start(2))
    stage.record(returned('1.1'))
    stage.record(returned('2.1'))
    await stage.idle()
    stage.record(kill(2))
    await stage.idle()
    expect(stage.sandbox.heap).toEqual(before)
    stage.record(start(3))
    await stage.idle()
    expect(stage.sandbox.heap.slice(before.length)).toEqual(['run 3 at 1006'])
    expect(stage.broken).toEqual([])
  })

  test('a result that arrives between the kill and its entry is not delivered to the corpse', async () => {
    const stage = new Stage(script).open()
    stage.record(start(1))
    stage.record(end(1))
    stage.record(start(2))
    stage.record(returned('2.1'))
    stage.record(returned('1.1'))
    await stage.idle()
    expect(stage.broken).toEqual([])
    stage.record(kill(2))
    stage.record(start(3))
    await stage.idle()
    expect(stage.sandbox.heap.map((line) => line.split(' at')[0])).toEqual(['run 1', 'run 3'])
  })

  test('killed by a held result, before its program ran: the next step starts from the same heap', async () => {
    const stage = new Stage((what) =>
      what === 'run 1' ? ended(a) : what.startsWith('settle') ? KILLED : waiting(),
    ).open()
    stage.record(start(1))
    stage.record(end(1))
    stage.record(returned('1.1'))
    stage.record(start(2))
    await stage.idle()
    expect(stage.halts().at(-1)).toMatchObject({ step: 2, halt: { kind: 'killed' } })
    expect(stage.sandbox.log).not.toContain('run 2')
    stage.record(kill(2))
    await stage.idle()
    expect(stage.sandbox.heap).toEqual(['run 1 at 1000'])
  })

  test('a result that comes after the kill is one for the next step', async () => {
    const stage = new Stage(script).open()
    for (const fact of [start(1), end(1), start(2), returned('2.1')]) stage.record(fact)
    await stage.idle()
    stage.record(kill(2))
    stage.record(returned('1.1'))
    stage.record(start(3))
    await stage.idle()
    const heap = ['run 1 at 1000', 'settle 1.1 1.1 at 1006', 'run 3 at 1006']
    expect(stage.sandbox.heap).toEqual(heap)
    const again = await new Stage(script, stage.journal).open(stage.journal).idle()
    expect(again.sandbox.heap).toEqual(heap)
  })

  test('its calls are not told: the guest has forgotten them', async () => {
    const stage = new Stage((what) => (what === 'run 1' ? waiting(a) : KILLED)).open()
    stage.record(start(1))
    stage.record(returned('1.1'))
    await stage.idle()
    expect(stage.halts().at(-1)?.calls).toEqual([])
  })

  // R3: an effect of a killed step is never had again without a word.
  test('a call that a held result led to is not asked for again when the result is delivered again', async () => {
    const pay = guestCall('1.2', 'pay', 'again')
    const stage = new Stage((what) =>
      what === 'run 1'
        ? ended(a)
        : what.startsWith('settle 1.1')
          ? waiting(pay)
          : what === 'settle 2.1 2.1'
            ? KILLED
            : waiting(),
    ).open()
    stage.record(start(1))
    stage.record(end(1))
    stage.record(returned('1.1'))
    stage.record(start(2))
    await stage.idle()
    stage.record(requested(pay))
    stage.record(returned('1.2'))
    stage.record(returned('2.1'))
    await stage.idle()
    stage.record(kill(2))
    stage.record(start(3))
    await stage.idle()
    const asked = stage.halts().flatMap((halt) => halt.calls.map((one) => one.call.id))
    expect(asked.filter((id) => id === '1.2')).toHaveLength(1)
  })
})

describe('replay (A4)', () => {
  const script = (what: string): Halt =>
    what === 'run 1' ? waiting(a, b) : what.startsWith('settle 1.2') ? ended() : waiting()

  test('of the same journal gives the same heap, and requests nothing again', async () => {
    const live = new Stage(script).open()
    live.record(start(1))
    live.record(requested(a))
    live.record(requested(b))
    live.record(returned('1.1'))
    live.record(returned('1.2'))
    live.record(end(1))
    await live.idle()
    const again = await new Stage(script, live.journal).open(live.journal).idle()
    expect(again.sandbox.heap).toEqual(live.sandbox.heap)
    expect(again.halts().flatMap((halt) => halt.calls)).toEqual([])
    expect(again.kinds()).not.toContain('diverged')
  })

  test('from every snapshot in between gives the same heap', async () => {
    const live = new Stage(script).open()
    const heaps = new Map<number, Checkpointed>()
    const facts = [start(1), requested(a), requested(b), returned('1.1'), returned('1.2'), end(1), start(2)]
    for (const fact of facts) {
      live.record(fact)
      await live.idle()
      const kept = await live.guest.checkpoint()
      if (kept === undefined) continue
      heaps.set(kept.place.position, kept)
    }
    expect([...heaps.keys()]).toEqual([1, 4, 5, 7])
    for (const [position, from] of heaps) {
      const past = live.journal.filter((entry) => entry.seq > position)
      const again = await new Stage(script, live.journal).open(past, from).idle()
      expect(again.sandbox.heap).toEqual(live.sandbox.heap)
      expect(again.kinds(), `from ${position}`).not.toContain('diverged')
      expect(again.halts().flatMap((halt) => halt.calls)).toEqual([])
    }
  })

  test("with calls left open over a step's end gives the same heap", async () => {
    const late = (what: string): Halt => (what === 'run 1' ? ended(a) : waiting())
    const live = new Stage(late).open()
    for (const fact of [start(1), requested(a), end(1), returned('1.1'), start(2)]) live.record(fact)
    await live.idle()
    const again = await new Stage(late, live.journal).open(live.journal).idle()
    expect(again.sandbox.heap).toEqual(live.sandbox.heap)
    expect(again.kinds()).not.toContain('diverged')
  })

  test('leaves out what a killed step did and heard', async () => {
    const late = (what: string): Halt =>
      what === 'run 1' ? ended(a) : what.startsWith('settle 2') ? KILLED : waiting()
    const live = new Stage(late).open()
    for (const fact of [start(1), requested(a), end(1), start(2), returned('1.1'), returned('2.1')])
      live.record(fact)
    await live.idle()
    live.record(kill(2))
    live.record(start(3))
    await live.idle()
    const again = await new Stage(late, live.journal).open(live.journal).idle()
    expect(again.sandbox.heap).toEqual(live.sandbox.heap)
    expect(again.kinds()).not.toContain('diverged')
  })

  test('a call that the crash kept out of the journal is asked for now', async () => {
    const journal = journalOf(start(1), requested(a))
    const again = await new Stage(script, journal).open(journal).idle()
    expect(again.halts().flatMap((halt) => halt.calls.map((one) => one.call.id))).toEqual(['1.2'])
  })

  test.each([
    ['other arguments', guestCall('1.1', 'pay', 'other')],
    ['another tool', guestCall('1.1', 'look', 'a')],
  ])('a call with %s is told as a difference, and nothing is asked for', async (_, other) => {
    const journal = journalOf(start(1), requested(a))
    const again = await new Stage(() => waiting(other), journal).open(journal).idle()
    expect(again.kinds().filter((kind) => kind === 'diverged')).toHaveLength(1)
    expect(again.halts().flatMap((halt) => halt.calls)).toEqual([])
  })

  test('a call that is owed and never comes is told as a difference', async () => {
    const journal = journalOf(start(1), requested(a), requested(b))
    const again = await new Stage(() => waiting(a), journal).open(journal).idle()
    expect(again.kinds()).toContain('diverged')
  })

  // R10, R11: never a wrong heap.
  test('a heap that has diverged is never kept', async () => {
    for (const wrong of [() => waiting(a), () => waiting(guestCall('1.1', 'pay', 'other'))]) {
      const journal = journalOf(start(1), requested(a), requested(b))
      const again = await new Stage(wrong, journal).open(journal).idle()
      expect(await again.guest.checkpoint()).toBeUndefined()
    }
  })

  test('after a difference no later step runs, and no call of it is asked for', async () => {
    const journal = journalOf(start(1), requested(a), returned('1.1'), end(1), start(2))
    const wrong = (what: string): Halt =>
      what === 'run 1' ? waiting(guestCall('1.1', 'pay', 'other')) : waiting(guestCall('2.1', 'pay'))
    const again = await new Stage(wrong, journal).open(journal).idle()
    expect(again.sandbox.log).not.toContain('run 2')
    expect(again.halts().flatMap((halt) => halt.calls)).toEqual([])
  })

  // R12: a slower machine is no reason to break.
  test('a closed step that is killed this time is told as a difference, nothing breaks', async () => {
    const journal = journalOf(start(1), end(1), start(2), end(2))
    const again = await new Stage((what) => (what === 'run 1' ? KILLED : ended()), journal)
      .open(journal)
      .idle()
    expect(again.broken).toEqual([])
    expect(again.kinds()).toContain('diverged')
  })

  test('the open step that is killed this time is killed, and not told as a difference too', async () => {
    const journal = journalOf(start(1), requested(a), returned('1.1'), requested(b))
    const again = await new Stage((what) => (what === 'run 1' ? waiting(a) : KILLED), journal)
      .open(journal)
      .idle()
    expect(again.kinds()).toEqual(['guest-halted', 'guest-halted'])
  })
})

describe('checkpoints', () => {
  test('there is none before anything was delivered', async () => {
    const stage = await new Stage(() => waiting()).open().idle()
    expect(await stage.guest.checkpoint()).toBeUndefined()
  })

  test("inside a step holds the heap at the step's start too", async () => {
    const stage = new Stage((what) => (what === 'run 1' ? ended(a) : waiting())).open()
    for (const fact of [start(1), end(1), start(2)]) stage.record(fact)
    const kept = await stage.guest.checkpoint()
    expect(kept).toMatchObject({ place: { step: 2, position: 3, start: { position: 1, links: 1 } } })
    expect(heapOf(kept?.links ?? [])).toEqual(['run 1 at 1000', 'run 2 at 1002'])
    expect(heapOf(kept?.links.slice(0, 1) ?? [])).toEqual(['run 1 at 1000'])
  })

  test('waits for what is queued: its position is that of the last delivery', async () => {
    const stage = new Stage(() => waiting()).open()
    stage.record(start(1))
    stage.record(returned('1.1'))
    const kept = await stage.guest.checkpoint()
    expect(kept?.place.position).toBe(2)
  })

  test('a killed guest has none', async () => {
    const stage = new Stage(() => KILLED).open()
    stage.record(start(1))
    await stage.idle()
    expect(await stage.guest.checkpoint()).toBeUndefined()
    expect(stage.broken).toEqual([])
  })

  test('is taken unasked after much computing', async () => {
    const stage = new Stage(() => {
      stage.clock.advance(200)
      return waiting()
    }).open()
    stage.record(start(1))
    await stage.idle()
    await expect.poll(() => stage.kinds()).toContain('checkpointed')
  })

  test('and beside a wait: once the guest has waited a while, not while it computes', async () => {
    const gate = Promise.withResolvers<undefined>()
    const stage = new Stage(() => waiting()).open()
    stage.record(start(1))
    await stage.idle()
    stage.sandbox.hold = async (what) => (what.startsWith('settle') ? gate.promise : undefined)
    stage.record(returned('1.1'))
    stage.clock.advance(10_000)
    gate.resolve(undefined)
    await stage.idle()
    expect(stage.kinds()).not.toContain('checkpointed')
    stage.clock.advance(10_000)
    await expect.poll(() => stage.kinds()).toContain('checkpointed')
  })

  test('and after many deliveries, not after few', async () => {
    const stage = new Stage(() => waiting()).open()
    stage.record(start(1))
    for (let call = 1; call < 120; call++) stage.record(returned(`1.${call}`))
    await stage.idle()
    const few = stage.sandbox.log.filter((line) => line === 'snapshot').length
    for (let call = 120; call < 140; call++) stage.record(returned(`1.${call}`))
    await stage.idle()
    const many = stage.sandbox.log.filter((line) => line === 'snapshot').length
    expect([few < many, many - few]).toEqual([true, 1])
  })
})
