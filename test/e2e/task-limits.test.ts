/** Limits that a task brings along: durable with the run, whatever the agent says when another process goes on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PersistentCodeAgent } from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pca-limits-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function agentWith(maxCost: number): PersistentCodeAgent {
  return new PersistentCodeAgent({
    model: scriptedModel([`const size = await ask('Which size?')\nfinalAnswer(size)`]),
    storagePath: join(folder, 'state.db'),
    price: () => 0.001,
    maxCost,
  })
}

test('they stand in the run, and an agent with others does not change them when it is resumed', async () => {
  {
    await using first = agentWith(5)
    expect(await first.run('Pack it', { runId: 'r', maxCost: 1, timeout: '1h' })).toMatchObject({
      status: 'paused',
    })
  }
  await using second = agentWith(7)
  await second.resume({ runId: 'r' })
  await second.answer(second.questions[0]?.id ?? '', { type: 'respond', value: 'XL' })
  expect(await second.run(second.task, { reset: false })).toMatchObject({ status: 'completed', output: 'XL' })
  const entries = []
  for await (const event of second.events('r')) if (event.type === 'entry') entries.push(event.entry)
  expect(entries[0]).toMatchObject({
    kind: 'run-started',
    options: { maxCost: 1, timeout: 3_600_000, ofTask: ['maxCost', 'timeout'] },
  })
  expect(entries.filter(({ kind }) => kind === 'options-changed')).toEqual([])
})

test('what cannot be is refused before anything is stored', async () => {
  await using agent = agentWith(5)
  for (const [limits, says] of [
    [{ maxCost: -1 }, 'maxCost'],
    [{ timeout: 0 }, 'timeout is 0'],
  ] as const)
    await expect(agent.start('x', limits)).rejects.toThrow(says)
  const model = Object.create(scriptedModel([]), {
    provider: { value: 'nobody' },
    modelId: { value: 'unheard-of' },
  })
  await using unpriced = new PersistentCodeAgent({ model, storagePath: join(folder, 'state.db') })
  await expect(unpriced.start('x', { maxCost: 1 })).rejects.toThrow('maxCost needs to know what')
  expect(await PersistentCodeAgent.runs(join(folder, 'state.db'))).toEqual([])
  await agent.run('Pack it', { runId: 'r' })
  await expect(agent.start('Pack it', { reset: false, maxCost: 1 })).rejects.toThrow('of a new run')
})
