/** drainDue: what is due is driven, what is not is left, and one bad run does not hold up the others. */
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { StateCorruptError, UsageError } from '../../src/base/errors.ts'
import { memoryStore } from '../../src/journal/memory.ts'
import { sqliteStore } from '../../src/journal/sqlite.ts'
import { scriptedModel } from '../../src/model/scripted.ts'
import { PersistentCodeAgent } from '../../src/persistent-code-agent.ts'
import { drainDue } from '../../src/run/due.ts'
import { tool } from '../../src/tool/tool.ts'
import { scratch } from '../journal/fixtures/files.ts'

const model = scriptedModel(['finalAnswer(await ask("which?"))'])
const look = tool({ name: 'look', description: 'Looks', effect: 'read', execute: async () => 1 })

test('an answered run is driven to its end; one that still waits, and another agent’s, are left', async () => {
  const store = memoryStore()
  const agent = new PersistentCodeAgent({ store, model, name: 'ann' })
  const other = new PersistentCodeAgent({ store, model, name: 'bob' })
  for (const [one, runId] of [
    [agent, 'a1'],
    [agent, 'a2'],
    [other, 'b1'],
  ] as const)
    await one.run('ask', { runId })
  for (const runId of ['a2', 'b1']) {
    const [question] = await store.questions({ runId })
    const bound = await new PersistentCodeAgent({ store, model }).resume({ runId })
    await bound.answer(question?.id ?? '', { type: 'respond', value: runId })
  }
  const results = await drainDue(store, [agent])
  expect(results.map(({ runId, status }) => [runId, status])).toEqual([['a2', 'completed']])
  expect(await drainDue(store, [agent])).toEqual([])
  expect((await drainDue(store, [agent, other])).map(({ runId }) => runId)).toEqual(['b1'])
})

test('a run that cannot be driven is told when all others have been', async () => {
  const store = memoryStore()
  const able = new PersistentCodeAgent({ store, model, tools: [look] })
  const unable = new PersistentCodeAgent({ store, model })
  await able.run('ask', { runId: 'with-tool' })
  await unable.run('ask', { runId: 'without' })
  for (const [one, runId] of [
    [able, 'with-tool'],
    [unable, 'without'],
  ] as const) {
    const bound = await one.resume({ runId })
    await bound.answer(bound.questions[0]?.id ?? '', { type: 'respond', value: 1 })
  }
  await expect(drainDue(store, [unable])).rejects.toThrow(UsageError)
  expect((await store.run('without'))?.status).toBe('completed')
  expect((await store.run('with-tool'))?.status).toBe('paused')
})

test('a run whose row is damaged holds up no other', async () => {
  using place = scratch()
  const agent = new PersistentCodeAgent({ storagePath: place.file, model })
  for (const runId of ['bad', 'good']) {
    await agent.run('ask', { runId })
    await agent.answer(agent.questions[0]?.id ?? '', { type: 'respond', value: 1 })
  }
  await agent.close()
  {
    using db = new DatabaseSync(place.file)
    db.exec(`UPDATE runs SET view = zeroblob(40) WHERE run_id = 'bad'`)
  }
  await using store = sqliteStore(place.file)
  await expect(drainDue(store, [new PersistentCodeAgent({ store, model })])).rejects.toThrow(
    StateCorruptError,
  )
  expect((await store.run('good'))?.status).toBe('completed')
})

/** A run of one step that fails once its question is answered. */
async function failing() {
  const store = memoryStore()
  const once = scriptedModel(['await ask("which?")'])
  const options = { store, model: once, name: 'ann', maxSteps: 1, onLimit: 'fail' } as const
  const agent = new PersistentCodeAgent(options)
  await agent.run('ask', { runId: 'r' })
  const early = await new PersistentCodeAgent(options).resume({ runId: 'r' })
  await early.answer(early.questions[0]?.id ?? '', { type: 'respond', value: 1 })
  return { store, agent, early, stored: async () => (await store.read('r', 0, 1_000)).map((row) => row.kind) }
}

test('a run that has failed since it was seen is not tried again; one that was seen to have failed is', async () => {
  const { store, agent, early, stored } = await failing()
  expect(await drainDue(store, [agent])).toMatchObject([{ status: 'failed' }])
  const before = await stored()
  expect(await early.run('ask', { reset: false })).toMatchObject({ status: 'failed' })
  expect(await stored()).toEqual(before)
  await early.run('ask', { reset: false })
  expect(await stored()).toContain('run-retried')
})

test('a run that a person has paused since it was seen stays paused; one that was seen to be paused goes on', async () => {
  const { agent, early, stored } = await failing()
  await agent.pause('later')
  expect(await early.run('ask', { reset: false })).toMatchObject({ status: 'paused', message: 'later' })
  expect(await stored()).not.toContain('task-failed')
  expect(await early.run('ask', { reset: false })).toMatchObject({ status: 'failed' })
})
