/** What comes when nobody waits for it any more, and what may not be decided while its sender may be alive. */
import { describe, expect, test } from 'vitest'
import { LeaseLostError, memoryStore, tool, type Store } from '../../src/index.ts'
import { violations } from '../../src/journal/check.ts'
import { LEASE_TTL } from '../../src/run/lease.ts'
import { Run } from '../../src/run/run.ts'
import { haltRun } from '../../src/run/signal.ts'
import {
  again,
  agentOf,
  goOn,
  HandTool,
  journalOf,
  must,
  onlyQuestion,
  output,
  PATIENT,
  rested,
  type Given,
} from '../e2e/fixtures/bench.ts'
import { HandClock } from './hand-clock.ts'

const SCRIPT = ['finalAnswer(await slow({ n: 1 }))']

/** A driver that has sent a call and rests without its result. */
async function restedWithout(slow: HandTool, options: Given): Promise<string> {
  const agent = agentOf(options)
  const run = await agent.start('x')
  await slow.begun(1)
  await run.pause()
  rested(await run.result(), 'paused')
  return run.id
}

/** Until the signal of the late result is in the inbox. */
async function told(store: Store, runId: string): Promise<void> {
  await expect.poll(async () => (await store.signals(runId)).length, PATIENT).toBe(1)
}

describe('a result that comes after its driver has come to rest', () => {
  test('is the result, if nobody has driven the run since: nobody is asked', async () => {
    const slow = new HandTool()
    const options = { store: memoryStore(), tools: [slow.tool], pauseGrace: 5, script: SCRIPT }
    const runId = await restedWithout(slow, options)
    slow.settle(1, { paid: 7 })
    await told(options.store, runId)
    expect(output(await goOn(await again(options)))).toEqual({ paid: 7 })
    expect(slow.started).toEqual([1])
    expect(violations(await journalOf(options.store, runId))).toEqual([])
  })

  test('is shown with the question, if somebody was asked meanwhile; the old question gives way', async () => {
    const slow = new HandTool()
    const options = { store: memoryStore(), tools: [slow.tool], pauseGrace: 5, script: SCRIPT }
    const runId = await restedWithout(slow, options)
    const agent = await again(options)
    const first = onlyQuestion(await goOn(agent))
    slow.settle(1, { paid: 7 })
    await told(options.store, runId)
    const second = onlyQuestion(await goOn(agent))
    expect(second.id).not.toBe(first.id)
    expect(second.message).toContain('too late to count: {"paid":7}')
    await expect(agent.answer(first.id, { type: 'approve' })).rejects.toThrow('no open question')
    await agent.answer(second.id, { type: 'respond', value: 'it happened' })
    expect(output(await goOn(agent))).toBe('it happened')
    expect(slow.started).toEqual([1])
    const journal = await journalOf(options.store, runId)
    expect(journal.filter((entry) => entry.kind === 'call-orphaned')).toHaveLength(1)
    expect(violations(journal)).toEqual([])
  })

  test('does not take a decision away that was accepted before it was read', async () => {
    const slow = new HandTool()
    const options = { store: memoryStore(), tools: [slow.tool], pauseGrace: 5, script: SCRIPT }
    const runId = await restedWithout(slow, options)
    const agent = await again(options)
    const { id } = onlyQuestion(await goOn(agent))
    slow.settle(1, { paid: 7 })
    await told(options.store, runId)
    await agent.answer(id, { type: 'respond', value: 'I looked: it happened' })
    expect(output(await goOn(agent))).toBe('I looked: it happened')
    expect(violations(await journalOf(options.store, runId))).toEqual([])
  })

  test('of an attempt before the one that counts is kept, and changes nothing', async () => {
    let sent = 0
    const first = Promise.withResolvers<unknown>()
    const began = Promise.withResolvers<void>()
    const slow = tool({
      name: 'slow',
      description: 'Slow at first',
      execute: async () => {
        if (++sent > 1) return 'second'
        began.resolve()
        return first.promise
      },
    })
    const store = memoryStore()
    const options = {
      store,
      tools: [slow],
      pauseGrace: 5,
      script: ['const got = await slow({})\nawait ask("?")\nfinalAnswer(got)'],
    }
    const agent = agentOf(options)
    const run = await agent.start('x')
    await began.promise
    await run.pause()
    await run.result()
    const { id } = onlyQuestion(await goOn(agent))
    await agent.answer(id, { type: 'approve' })
    const asked = onlyQuestion(await goOn(agent))
    first.resolve('first')
    await told(store, run.id)
    await agent.answer(asked.id, { type: 'respond', value: 0 })
    expect(output(await goOn(agent))).toBe('second')
    expect(violations(await journalOf(store, run.id))).toEqual([])
  })
})

describe('a lease that ran out', () => {
  /** Two processes in one: the first stands still while its lease runs out, the second takes the run over. */
  async function takenOver(options: Partial<Given> = {}): Promise<{
    readonly slow: HandTool
    readonly clock: HandClock
    readonly store: Store
    readonly run: Run
    readonly first: Run
  }> {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const slow = new HandTool()
    const definition = agentOf({ store, tools: [slow.tool], script: SCRIPT, ...options }).definition()
    const starter = agentOf({ store, tools: [slow.tool], script: SCRIPT, ...options })
    const first = await starter.start('x')
    await slow.begun(1)
    clock.advance(LEASE_TTL + 1)
    const run = new Run({ store, definition, runId: first.id, why: 'take-over', clock })
    await expect
      .poll(
        async () =>
          (await journalOf(store, first.id)).filter(({ kind }) => kind === 'segment-started').length,
        PATIENT,
      )
      .toBe(2)
    return { slow, clock, store, run, first }
  }

  test('nobody is asked about its calls before its process has had time to notice', async () => {
    const { clock, store, run, first } = await takenOver()
    clock.advance(LEASE_TTL - 1)
    expect(await store.questions({})).toEqual([])
    clock.advance(1)
    expect(onlyQuestion(await run.result())).toMatchObject({ kind: 'unknownOutcome' })
    await expect(first.result()).rejects.toThrow(LeaseLostError)
  })

  test('not even where somebody else had held the lease for a moment in between', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const slow = new HandTool()
    const options = { store, tools: [slow.tool], script: SCRIPT }
    const first = await agentOf(options).start('x')
    await slow.begun(1)
    clock.advance(LEASE_TTL + 1)
    await haltRun(store, first.id, { kind: 'pause', reason: 'wait' })
    const run = new Run({
      store,
      definition: agentOf(options).definition(),
      runId: first.id,
      why: 'resume',
      clock,
    })
    await expect
      .poll(
        async () =>
          (await journalOf(store, first.id)).filter(({ kind }) => kind === 'segment-started').length,
        PATIENT,
      )
      .toBe(2)
    clock.advance(LEASE_TTL - 1)
    expect(await store.questions({})).toEqual([])
    clock.advance(1)
    expect(onlyQuestion(await run.result())).toMatchObject({ kind: 'unknownOutcome' })
  })

  test('nor is a probe, which would find nothing yet', async () => {
    const probed: string[] = []
    const pay = tool({
      name: 'slow',
      description: 'Pays',
      probe: async (_input, { toolCallId }) => {
        probed.push(toolCallId)
        return { happened: true, result: 'found' }
      },
      execute: async () => new Promise<unknown>(() => undefined),
    })
    const clock = new HandClock()
    const store = memoryStore(clock)
    const options = { store, tools: [pay], script: ['finalAnswer(await slow({}))'] }
    const first = await agentOf(options).start('x')
    await expect
      .poll(
        async () => (await journalOf(store, first.id)).some(({ kind }) => kind === 'call-started'),
        PATIENT,
      )
      .toBe(true)
    clock.advance(LEASE_TTL + 1)
    const run = new Run({
      store,
      definition: agentOf(options).definition(),
      runId: first.id,
      why: 'take-over',
      clock,
    })
    await expect
      .poll(
        async () =>
          (await journalOf(store, first.id)).filter(({ kind }) => kind === 'segment-started').length,
        PATIENT,
      )
      .toBe(2)
    clock.advance(LEASE_TTL - 1)
    expect(probed).toEqual([])
    clock.advance(1)
    expect(output(await run.result())).toBe('found')
    expect(probed).toEqual(['1.1'])
  })

  test('what it still brings is evidence, never the result', async () => {
    const { slow, clock, store, run, first } = await takenOver()
    slow.settle(1, 'late')
    await expect(first.result()).rejects.toThrow(LeaseLostError)
    await told(store, first.id)
    clock.advance(LEASE_TTL)
    const question = onlyQuestion(await run.result())
    expect(question.message).toContain('too late to count: "late"')
    expect((await journalOf(store, first.id)).filter(({ kind }) => kind === 'call-returned')).toEqual([])
    expect(must(question.call)).toMatchObject({ tool: 'slow' })
    expect(violations(await journalOf(store, first.id))).toEqual([])
  })
})
