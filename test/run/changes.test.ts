/** A tool that has changed since a run was given it: what was approved and not sent is asked for again. */
import { expect, test } from 'vitest'
import { PersistentCodeAgent, tool, type Store } from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'
import { recorded } from '../crash/fixtures/recorded.ts'
import { goOn, HandClock, must, onlyQuestion, output } from '../e2e/fixtures/bench.ts'

function agentOf(store: Store, description: string, paid: string[]): PersistentCodeAgent {
  const pay = tool({
    name: 'pay',
    description,
    needsApproval: true,
    execute: () => {
      paid.push(description)
      return 'paid'
    },
  })
  return new PersistentCodeAgent({
    store,
    model: scriptedModel(['finalAnswer(await pay({}))']),
    tools: [pay],
  })
}

test.for([
  ['changed', 'Pays twice'],
  ['as it was', 'Pays'],
] as const)('approved, not sent, the process gone, and the tool is %s', async ([, description]) => {
  const recording = recorded(new HandClock())
  const first = agentOf(recording.store, 'Pays', [])
  await first.answer(onlyQuestion(await first.run('Pay')).id, { type: 'approve' })
  await goOn(first)
  const answered = recording.entries.findIndex((entry) => entry.kind === 'question-answered')
  const clock = new HandClock(must(recording.entries[answered]).at)
  const paid: string[] = []
  const second = await agentOf(await recording.cut(answered + 1, clock), description, paid).resume()
  const result = await goOn(second)
  if (description === 'Pays') expect(output(result)).toBe('paid')
  else {
    expect(paid).toEqual([])
    expect(onlyQuestion(result)).toMatchObject({ kind: 'approval', call: { tool: 'pay' } })
    await second.answer(onlyQuestion(result).id, { type: 'approve' })
    expect(output(await goOn(second))).toBe('paid')
  }
  expect(paid).toEqual([description])
})
