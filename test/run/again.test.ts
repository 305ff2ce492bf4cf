/** A reply that is lost: the run is begun once, and what was said is said once (C0, T6). */
import { expect, test } from 'vitest'
import { define } from '../../src/agent/define.ts'
import { RunBusyError } from '../../src/base/errors.ts'
import { memoryStore } from '../../src/journal/memory.ts'
import type { Store } from '../../src/journal/store.ts'
import { scriptedModel } from '../../src/model/scripted.ts'
import { again } from '../../src/run/again.ts'
import { createRun } from '../../src/run/begin.ts'
import { sendSignal } from '../../src/run/signal.ts'

const definition = define({ model: scriptedModel([]) }, undefined)

/** The first reply of `create` and of `signal` is lost. */
function losing(real: Store): Store {
  const lost = new Set<string>()
  const lose = <Reply>(what: string, reply: Reply): Reply => {
    if (lost.has(what)) return reply
    lost.add(what)
    throw new Error('The connection was reset.')
  }
  return {
    ...real,
    create: async (...args) => lose('create', await real.create(...args)),
    signal: async (...args) => lose('signal', await real.signal(...args)),
  }
}

test('a run without an id is begun once', async () => {
  await using real = memoryStore()
  const runId = await createRun(losing(real), definition, { task: 'count' })
  expect((await real.runs({}, 10)).map((run) => run.runId)).toEqual([runId])
})

test('what is said is said once', async () => {
  await using real = memoryStore()
  const runId = await createRun(real, definition, { task: 'count' })
  await sendSignal(losing(real), runId, { kind: 'say', text: 'ahoy' })
  expect((await real.signals(runId)).map((row) => row.signal)).toEqual([{ kind: 'say', text: 'ahoy' }])
})

test('a refusal is a reply: nothing is repeated', async () => {
  let calls = 0
  const refused = again(async () => {
    calls++
    throw new RunBusyError('It is driven.')
  })
  await expect(refused).rejects.toThrow('It is driven.')
  expect(calls).toBe(1)
})
