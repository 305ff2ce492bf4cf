/** A wake source that drops, doubles and delays its hints, and a lease that cannot be given back: the run goes its way. */
import { onTestFinished, expect, test } from 'vitest'
import { define } from '../../src/agent/define.ts'
import { memoryStore } from '../../src/journal/memory.ts'
import type { Store } from '../../src/journal/store.ts'
import { scriptedModel } from '../../src/model/scripted.ts'
import { createRun } from '../../src/run/begin.ts'
import { Run } from '../../src/run/run.ts'
import { tool } from '../../src/tool/tool.ts'
import { HandClock } from './hand-clock.ts'

/** A run whose one tool call is under way and never returns. */
async function flying(faults: (store: Store) => Partial<Store>): Promise<{
  readonly store: Store
  readonly clock: HandClock
  readonly run: Run
}> {
  const real = memoryStore()
  const store = { ...real, ...faults(real) }
  const clock = new HandClock()
  const began = Promise.withResolvers<undefined>()
  const slow = tool({
    name: 'slow',
    description: 'Never returns.',
    execute: async (_input, { abortSignal }) => {
      began.resolve(undefined)
      return new Promise((_resolve, reject) => {
        abortSignal.addEventListener('abort', () => reject(new Error('aborted')))
      })
    },
  })
  const definition = define({ model: scriptedModel(['await tools.slow({})']), tools: [slow] }, undefined)
  const runId = await createRun(store, definition, { task: 'wait' })
  const run = new Run({ store, definition, runId, why: 'start', clock })
  onTestFinished(async () => real.close())
  await began.promise
  return { store, clock, run }
}

test('a signal whose hint was dropped is noticed within five seconds', async () => {
  const { store, clock, run } = await flying(() => ({ watch: () => undefined }))
  await store.signal(run.id, 'k', { kind: 'stop', reason: 'enough' })
  clock.advance(4_999)
  await new Promise((resolve) => setImmediate(resolve))
  expect(await store.signals(run.id)).toHaveLength(1)
  clock.advance(1)
  expect(await run.result()).toMatchObject({ status: 'stopped', message: 'enough' })
})

test('hints that come twice, late, and for nothing change nothing', async () => {
  let hint: () => void = () => undefined
  const { store, run } = await flying((real) => ({
    watch: (onHint, abortSignal) => {
      hint = () => {
        onHint()
        onHint()
      }
      real.watch(hint, abortSignal)
    },
  }))
  hint()
  await store.signal(run.id, 'k', { kind: 'stop', reason: 'enough' })
  expect(await run.result()).toMatchObject({ status: 'stopped' })
  hint()
  const stops = (await store.read(run.id, 0, 1_000)).filter((row) => row.kind === 'run-stopped')
  expect(stops).toHaveLength(1)
})

test('a result stands, though the lease could not be given back', async () => {
  const release = async (): Promise<void> => {
    throw new Error('the reply was lost')
  }
  const { store, run } = await flying(() => ({ release }))
  await store.signal(run.id, 'k', { kind: 'stop', reason: 'enough' })
  expect(await run.result()).toMatchObject({ status: 'stopped' })
})
