/** Edits of the memory: facts, told from then on, in this process and in the next. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  memoryStore,
  sqliteStore,
  RunBusyError,
  type ActionStep,
  type CallbackContext,
  type Store,
  UsageError,
  type MemoryPatch,
  type MemoryStep,
} from '../../src/index.ts'
import {
  agentOf,
  again,
  entriesOf,
  goOn,
  HandTool,
  lastWord,
  listeningModel,
  must,
  output,
  promptText,
  rested,
} from './fixtures/bench.ts'
import { Memory } from '../../src/agent/memory.ts'
import { PersistentCodeAgent } from '../../src/index.ts'
import type { ScriptedReply } from '../../src/testing.ts'

const folder = mkdtempSync(join(tmpdir(), 'pca-edit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function storeOf(kind: string): Store {
  if (kind === 'file') return sqliteStore(join(folder, 'edit.db'))
  return kind === 'memory' ? memoryStore() : { ...memoryStore(), watch: () => undefined }
}

const LONG = 'x'.repeat(400)

/** A run of one noisy step that then waits for a person. */
async function noisy(more: readonly ScriptedReply[] = ['finalAnswer("done")']) {
  const store = memoryStore()
  const { model, calls } = listeningModel([`print("x".repeat(400))`, 'await ask("well?")', ...more])
  const agent = new PersistentCodeAgent({ store, model })
  rested(await agent.run('Look closely'), 'paused')
  return { store, model, calls, agent }
}

async function answered(agent: PersistentCodeAgent): Promise<void> {
  await agent.answer(must(agent.questions[0]).id, { type: 'respond', value: 1 })
}

test('an edit is a fact: the next prompt has it, here and in another process, and the journal keeps what was', async () => {
  const { store, model, calls, agent } = await noisy()
  await agent.memory.edit(1, { output: 'it printed a lot' }, { by: 'ann' })
  expect(agent.memory.steps[1]).toMatchObject({ number: 1, output: 'it printed a lot' })
  await agent.memory.edit(must(agent.memory.steps[0]), { task: 'Look briefly' })
  await answered(agent)
  const second = await new PersistentCodeAgent({ store, model }).resume({})
  expect(second.memory.steps).toMatchObject([{ task: 'Look briefly' }, { output: 'it printed a lot' }, {}])
  // The run's own task is what it was: going on with it is no follow-up.
  expect(second.task).toBe('Look closely')
  expect(output(await goOn(second))).toBe('done')
  const last = promptText(must(calls.at(-1)).prompt)
  expect(last).toContain('it printed a lot')
  expect(last).toContain('Look briefly')
  expect(last).not.toMatch(/xxxx|Look closely/)
  const { runId } = must(second.result)
  expect(await entriesOf(store, runId, 'memory-edited')).toMatchObject([
    { of: 'action', number: 1, patch: { output: 'it printed a lot' }, by: 'ann' },
    { of: 'task', number: 1 },
  ])
  expect((await entriesOf(store, runId, 'step-ended'))[0]?.printed).toContain(LONG)
})

test('the view that was edited stays as it is, frozen', async () => {
  const { agent } = await noisy()
  const { memory } = agent
  await memory.edit(1, { output: '' })
  expect(memory.steps[1]).toMatchObject({ output: `${LONG}\n` })
  expect(agent.memory.steps[1]).toMatchObject({ output: '' })
  expect(Object.isFrozen(agent.memory.steps[1])).toBe(true)
})

test.each(['memory', 'file', 'a store that gives no hints'])(
  'a callback edits its own step: the very next prompt has it (%s)',
  async (kind) => {
    const { model, calls } = listeningModel([`print("x".repeat(400))\n42`, 'finalAnswer(1)'])
    const agent = new PersistentCodeAgent({
      store: storeOf(kind),
      model,
      stepCallbacks: [
        async (step, { memory }) => {
          if (step.number === 1) await memory.edit(step, { output: 'short', value: null })
        },
      ],
    })
    expect(output(await agent.run('t'))).toBe(1)
    await agent.close()
    expect(lastWord(calls[1])).toContain('short')
    expect(lastWord(calls[1])).not.toMatch(/xxxx|42/)
    expect(agent.memory.steps[1]).not.toHaveProperty('value')
  },
)

test('an error is taken away, images are shown no more, a plan is changed', async () => {
  const store = memoryStore()
  const { model, calls } = listeningModel([
    { text: 'the plan' },
    'throw new Error("so" + " far")',
    'await ask("well?")',
    'finalAnswer(1)',
  ])
  const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47])
  const agent = new PersistentCodeAgent({ store, model, planningInterval: 9 })
  await agent.run('t', { images: [png] })
  expect(promptText(must(calls[1]).prompt)).toMatch(/image\/png/)
  const [task, plan, action] = agent.memory.steps
  await agent.memory.edit(must(task), { images: null })
  await agent.memory.edit(must(plan), { plan: 'another plan' })
  await agent.memory.edit(must(action), { error: null })
  expect(agent.memory.steps[2]).not.toHaveProperty('error')
  await answered(agent)
  await goOn(await again({ store, script: ['', '', '', 'finalAnswer(await 1)'] }))
  await agent.resume({})
  const prompt = await agent.memory.messagesOf(2)
  expect(promptText(prompt)).toContain('another plan')
  expect(promptText(prompt)).not.toMatch(/image\/png|so far|the plan"/)
})

test('a callback shows the model a picture of its step: in each request once, kept once, in the next process too', async () => {
  const store = memoryStore()
  const { model, calls } = listeningModel(['1', 'await ask("well?")', 'finalAnswer(1)'])
  const picture = new Uint8Array(60_000).fill(7)
  picture.set([0x89, 0x50, 0x4e, 0x47])
  const given = {
    store,
    model,
    stepCallbacks: [
      async (step: ActionStep, { memory }: CallbackContext) => {
        if (step.number === 1) await memory.edit(step, { images: [picture] })
      },
    ],
  }
  await new PersistentCodeAgent(given).run('t')
  const second = await new PersistentCodeAgent(given).resume({})
  await answered(second)
  expect(output(await goOn(second))).toBe(1)
  const shown = calls.map(({ prompt }) =>
    prompt.flatMap((message) =>
      message.role === 'user' ? message.content.filter((part) => part.type === 'file') : [],
    ),
  )
  const part = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: picture } }
  expect(shown).toEqual([[], [part], [part]])
  const [edited] = await entriesOf(store, must(second.runId), 'memory-edited')
  expect(edited?.patch.images).toMatchObject({ blob: expect.any(String) })
  await second.memory.edit(1, { images: null })
  expect(promptText(await second.memory.messagesOf(2))).not.toContain('image/png')
  await expect(second.memory.edit(1, { images: ['x' as never] })).rejects.toThrow(/images\[0\]/)
})

test('messagesOf gives what stood before the model, from any process', async () => {
  const { agent, calls, store, model } = await noisy()
  const asked = must(calls[1]).prompt
  expect(await agent.memory.messagesOf(2)).toEqual(asked)
  expect(await agent.memory.messagesOf(1)).toEqual(must(calls[0]).prompt)
  const second = await new PersistentCodeAgent({ store, model }).resume({})
  expect(await second.memory.messagesOf(2)).toEqual(asked)
  await expect(agent.memory.messagesOf(9)).rejects.toThrow('no action step 9')
})

test('one that was acknowledged to a driver that then died is told by the next, once', async () => {
  const { store, agent, calls } = await noisy()
  const edit = { of: 'action', number: 1, patch: { output: 'short' } } as const
  const runId = must(agent.runId)
  await store.signal(runId, 'edit_1', { kind: 'edit', edit })
  await answered(agent)
  expect(output(await goOn(agent))).toBe('done')
  expect(promptText(must(calls.at(-1)).prompt)).toContain('Printed:\\nshort')
  expect(await entriesOf(store, runId, 'memory-edited')).toHaveLength(1)
  expect(await store.signals(runId)).toEqual([])
})

describe('refused', () => {
  test('with the step or the field named', async () => {
    const { agent } = await noisy()
    const edits: readonly (readonly [MemoryStep | number, unknown, RegExp])[] = [
      [7, { output: '' }, /no action step 7/],
      [2, { output: '' }, /Step 2 is still running/],
      [1, {}, /empty: give some of output, value, error/],
      [1, { code: 'x' }, /'code' of an action cannot be edited; these can: output/],
      [1, { output: 5 }, /'output' of an action becomes text, not number/],
      [1, { error: 'x' }, /becomes null/],
      [1, 'short', /is an object/],
      [must(agent.memory.steps[0]), { task: ' ' }, /not empty/],
      [{ kind: 'finalAnswer', output: 1, reason: 'text' }, { output: '' }, /cannot be edited/],
      ['1' as never, { output: '' }, /takes a step of the memory/],
    ]
    for (const [step, patch, message] of edits) {
      const edited = agent.memory.edit(step, patch as MemoryPatch)
      await expect(edited).rejects.toThrow(UsageError)
      await expect(edited).rejects.toThrow(message)
    }
  })

  test('while another process drives the run', async () => {
    const slow = new HandTool()
    const store = memoryStore()
    const given = { store, tools: [slow.tool], script: ['1', 'await slow({ n: 1 })', 'finalAnswer(1)'] }
    const driver = agentOf(given)
    const run = await driver.start('t')
    await slow.begun(1)
    const other = await again({ ...given, runId: run.id })
    await expect(other.memory.edit(1, { output: '' })).rejects.toThrow(RunBusyError)
    slow.settle(1)
    await run.result()
    await other.resume({ runId: run.id })
    await other.memory.edit(1, { output: 'later' })
    expect(other.memory.steps[1]).toMatchObject({ output: 'later' })
  })

  test('of a stopped run, and of a memory that is only looked at', async () => {
    const { agent, store } = await noisy()
    await agent.stop('enough')
    await expect(agent.memory.edit(1, { output: '' })).rejects.toThrow(/stopped/)
    const looked = new Memory(agent.memory.steps)
    await expect(looked.edit(1, { output: '' })).rejects.toThrow(/only a look/)
    await expect(looked.messagesOf(1)).rejects.toThrow(/only a look/)
    expect(await entriesOf(store, must(agent.runId), 'memory-edited')).toEqual([])
  })
})
