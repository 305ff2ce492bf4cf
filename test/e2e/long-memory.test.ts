/** Long runs: older steps are summarised once, by a fact; notes are pinned; the code reads what is not shown any more. */
import { describe, expect, test } from 'vitest'
import { violations } from '../../src/journal/check.ts'
import { isOneWith } from '../../src/journal/together.ts'
import { memoryStore, PersistentCodeAgent, UsageError, type Store } from '../../src/index.ts'
import { scriptedModel, type ScriptedCall } from '../../src/testing.ts'
import { recorded } from '../crash/fixtures/recorded.ts'
import { agentOf, entriesOf, goOn, HandClock, journalOf, must, output, promptText } from './fixtures/bench.ts'

/** Thirty steps that print much, then the answer; a summary whenever one is asked for. */
function longRun(store: Store, more: { readonly summary?: () => string; readonly window?: number } = {}) {
  const calls: ScriptedCall[] = []
  const summaries: ScriptedCall[] = []
  const script = Array.from({ length: 31 }, (_, step) => (call: ScriptedCall) => {
    if (!call.canRun) {
      summaries.push(call)
      return { text: (more.summary ?? (() => `summary ${summaries.length}`))() }
    }
    return step === 30
      ? 'finalAnswer([seen.length, (await history.step(2).output).length, await history.step(2).code])'
      : `${step === 0 ? 'const seen = []; pin("ids are text")\n' : ''}seen.push(${step}); print("step ${step + 1} " + "x".repeat(3_000))`
  })
  const agent = new PersistentCodeAgent({
    store,
    typeCheck: false,
    maxSteps: 100,
    model: scriptedModel(script, { onCall: (call) => void calls.push(call) }),
    ...(more.window === undefined ? {} : { contextWindow: more.window }),
  })
  return { agent, calls, summaries }
}

describe('a context that fills its window', () => {
  test('is summarised: prompts stay within it, and the run comes to its end', async () => {
    const store = memoryStore()
    const { agent, calls, summaries } = longRun(store, { window: 12_000 })
    const result = await agent.run('Go')
    expect(output(result)).toEqual(
      [30, 3_100, expect.stringContaining('seen.push(1)')].map((one) =>
        one === 3_100 ? expect.any(Number) : one,
      ),
    )
    expect(summaries.length).toBeGreaterThan(1)
    const facts = await entriesOf(store, result.runId, 'context-compacted')
    expect(facts).toHaveLength(summaries.length)
    for (const call of calls) expect(promptText(call.prompt).length / 3).toBeLessThan(12_000)
    const last = promptText(must(calls.at(-1)).prompt)
    expect(last).toContain('Go')
    expect(last).toContain(`summary ${summaries.length}`)
    expect(last).toContain('- ids are text')
    expect(violations(await journalOf(store, result.runId))).toEqual([])
    // People see all of it, and pay for all of it.
    expect(agent.memory.steps.filter((step) => step.kind === 'action')).toHaveLength(31)
    const used = await entriesOf(store, result.runId, 'model-replied')
    const tokens = [...used, ...facts].reduce((sum, { usage }) => sum + usage.inputTokens, 0)
    expect(result.usage.inputTokens).toBe(tokens)
  })

  test('is not summarised where nobody knows the window', async () => {
    const { agent, summaries } = longRun(memoryStore())
    expect(output(await agent.run('Go'))).toEqual([30, expect.any(Number), expect.any(String)])
    expect(summaries).toEqual([])
  })

  test('a summary that fails, or is empty, ends nothing', async () => {
    for (const summary of [
      () => '',
      () => {
        throw new Error('no')
      },
    ]) {
      const store = memoryStore()
      const { agent, summaries } = longRun(store, { window: 12_000, summary })
      const result = await agent.run('Go')
      expect(output(result)).toEqual([30, expect.any(Number), expect.any(String)])
      // It is asked again only after some more steps.
      expect(summaries.length).toBeLessThan(5)
      expect(await entriesOf(store, result.runId, 'context-compacted')).toEqual([])
      expect(violations(await journalOf(store, result.runId))).toEqual([])
    }
  })

  test('is summarised once: a process that goes on after a crash does not ask again', async () => {
    const clock = new HandClock()
    const recording = recorded(clock)
    const first = longRun(recording.store, { window: 12_000 })
    const whole = output(await first.agent.run('Go'))
    const made = recording.entries.findIndex(({ kind }) => kind === 'context-compacted')
    for (const cut of [made, made + 1, made + 2]) {
      const [before, next] = [must(recording.entries[cut - 1]), must(recording.entries[cut])]
      if (isOneWith(next, before)) continue
      const store = await recording.cut(cut, clock)
      const left = longRun(store, { window: 12_000 })
      await left.agent.resume()
      expect(output(await goOn(left.agent)), `after ${before.kind}`).toEqual(whole)
      expect(left.summaries.length).toBe(first.summaries.length - (cut > made ? 1 : 0))
    }
  })
})

describe('the code reads its own past', () => {
  test('what a step printed, its error, its program; of steps that have ended', async () => {
    const agent = agentOf({
      typeCheck: false,
      script: [
        'print("one"); 42',
        'null.x',
        `const tell = (error) => error.message
finalAnswer([
  await history.step(1).output, await history.step(1).code, (await history.step(2).output).includes('TypeError'),
  await history.step(3).output.catch(tell), await history.step(9).code.catch(tell),
  await (async () => history.step(0))().catch(tell),
])`,
      ],
    })
    expect(output(await agent.run('Look'))).toEqual([
      expect.stringMatching(/^Printed:\none\n\nValue:\n42/),
      'print("one"); 42',
      true,
      'There is no step 3 that has ended.',
      'There is no step 9 that has ended.',
      'history.step takes the number of a step, from 1',
    ])
  })

  test('a tool of that name has the name, and the reads stay nobody’s', async () => {
    const pin = { name: 'pin', description: 'Pins', execute: async () => 'pinned to the wall' }
    const { tool } = await import('../../src/index.ts')
    const agent = agentOf({
      tools: [tool(pin)],
      script: ['finalAnswer([await pin({}), typeof history.step])'],
    })
    expect(output(await agent.run('Pin'))).toEqual(['pinned to the wall', 'function'])
  })

  test('a note is text', async () => {
    const agent = agentOf({
      typeCheck: false,
      script: ['try { pin(7) } catch (error) { finalAnswer(error.message) }'],
    })
    expect(output(await agent.run('Pin'))).toBe('pin takes a text')
  })
})

test('contextWindow is a whole number of tokens', () => {
  expect(() => agentOf({ contextWindow: 0 })).toThrow(UsageError)
  expect(() => agentOf({ contextWindow: 1.5 })).toThrow('contextWindow must be a whole number above 0')
})
