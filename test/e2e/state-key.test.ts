/** A state key, from outside: what stands in the file, who can go on, and what is refused before anything is written. */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { PersistentCodeAgent, sqliteStore, tool, type StateKey } from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'
import { contents, scratch } from '../journal/fixtures/files.ts'
import { goOn, must, onlyQuestion, output, rested } from './fixtures/bench.ts'

const KEY = randomBytes(32).toString('base64')
const OTHER = randomBytes(32).toString('base64')
const LONG = 'L'.repeat(40_000)

/** Words that nobody may find in a file. */
const canaries = [
  'canary-task',
  'canary-instructions',
  'canary-args',
  'canary-code',
  'canary-printed',
  'canary-value',
  'canary-long',
  'canary-approval',
  'canary-ask',
  'canary-schema',
  'canary-answer',
  'canary-by',
  'canary-said',
  'canary-pause',
  'canary-heap',
]

const script = [
  `const heap = 'canary-' + 'heap'.padEnd(4) + '-canary-heap'; /* canary-code */
   print('canary-printed'); const kept = await look({ what: 'canary-args' })
   await sell({ what: 'canary-approval' })
   const told = await ask('canary-ask?', { type: 'string', description: 'canary-schema' })
   finalAnswer([kept.length, told, heap])`,
  // Something was said meanwhile: the answer is given again.
  `finalAnswer([kept.length, told, heap])`,
]

const look = tool({
  name: 'look',
  description: 'Looks',
  effect: 'read',
  inputSchema: z.object({ what: z.string() }),
  execute: async () => `canary-value canary-long ${LONG}`,
})
const sell = tool({
  name: 'sell',
  description: 'Sells',
  inputSchema: z.object({ what: z.string() }),
  needsApproval: true,
  execute: async () => 'sold',
})

function agentAt(path: string, stateKey?: StateKey, says = script): PersistentCodeAgent {
  return new PersistentCodeAgent({
    model: scriptedModel(says),
    tools: [look, sell],
    storagePath: path,
    instructions: 'canary-instructions',
    ...(stateKey === undefined ? {} : { stateKey }),
  })
}

/** The canaries that can be read in any of the files of a directory, as UTF-8 or UTF-16. */
function found(directory: string): readonly string[] {
  const files = readdirSync(directory).map((name) => readFileSync(join(directory, name)))
  return canaries.filter((word) =>
    files.some((bytes) => bytes.includes(word) || bytes.includes(Buffer.from(word, 'utf16le'))),
  )
}

/** Runs until all is said and done; looks into the files on the way. */
async function tell(path: string, directory: string, stateKey?: StateKey): Promise<readonly string[]> {
  const seen = new Set<string>()
  const look = (): void => {
    for (const word of found(directory)) seen.add(word)
  }
  const agent = agentAt(path, stateKey)
  const first = onlyQuestion(await agent.run('canary-task'))
  look()
  await agent.answer(first.id, { type: 'approve' }, { by: 'canary-by' })
  const second = onlyQuestion(await goOn(agent))
  look()
  const run = await agent.start('canary-task', { reset: false })
  await run.result()
  await run.say('canary-said')
  await run.pause('canary-pause')
  look()
  await agent.answer(second.id, { type: 'respond', value: 'canary-answer' })
  look()
  let result = await goOn(agent)
  if (result.status === 'paused') result = await goOn(agent)
  expect(output(result)).toEqual([LONG.length + 25, 'canary-answer', expect.stringContaining('canary-heap')])
  look()
  await agent.close()
  look()
  return [...seen]
}

afterEach(() => vi.unstubAllEnvs())

describe('what stands in the file', () => {
  test('without a key, every word of it: the search below finds what there is to find', async () => {
    using place = scratch()
    const seen = await tell(place.file, place.path)
    expect(canaries.filter((word) => !seen.includes(word))).toEqual([])
  })

  test('with a key, not one, neither while the run lives nor after', async () => {
    using place = scratch()
    expect(await tell(place.file, place.path, KEY)).toEqual([])
  })

  test('nor with a passphrase from the environment', async () => {
    using place = scratch()
    vi.stubEnv('PCA_STATE_KEY', 'correct horse battery staple')
    expect(await tell(place.file, place.path)).toEqual([])
    expect(readFileSync(place.file).includes('battery')).toBe(false)
  })
})

/** A sealed run that waits for an approval. */
async function waiting(path: string, stateKey?: StateKey): Promise<string> {
  await using agent = agentAt(path, stateKey)
  await agent.run('canary-task', { additionalArgs: { big: `canary-long ${LONG}` } })
  return must(agent.runId)
}

describe('who can go on', () => {
  test('another process with the key, over a snapshot', async () => {
    using place = scratch()
    await waiting(place.file, KEY)
    await using agent = await agentAt(place.file, KEY).resume()
    await agent.answer(must(agent.questions[0]).id, { type: 'approve' })
    expect(rested(await goOn(agent), 'paused')).toMatchObject({ resumedFrom: 'snapshot' })
  })

  test('nobody without it, or with another: refused by name, and the file is left as it was', async () => {
    using place = scratch()
    const runId = await waiting(place.file, KEY)
    const before = contents(place.path)
    const keyId = must((await PersistentCodeAgent.runs(place.file))[0]?.lockedBy)
    for (const stateKey of [undefined, OTHER, 'a passphrase', () => undefined]) {
      const agent = agentAt(place.file, stateKey)
      const refused = agent.resume({ runId })
      await expect(refused).rejects.toThrow(expect.objectContaining({ code: 'USAGE' }))
      await expect(refused).rejects.toThrow(keyId)
      await expect(refused).rejects.toThrow(
        expect.objectContaining({ hint: expect.stringContaining('PCA_STATE_KEY') }),
      )
      await expect(
        PersistentCodeAgent.inspect(place.file, { runId, ...(stateKey === undefined ? {} : { stateKey }) }),
      ).rejects.toThrow(keyId)
      await agent.close()
    }
    expect(contents(place.path)).toEqual(before)
  })

  test('a signal without the key is refused: it would stand in plain', async () => {
    using place = scratch()
    const runId = await waiting(place.file, KEY)
    const before = contents(place.path)
    await using store = sqliteStore(place.file, { stateKey: OTHER })
    const [question] = await store.questions({})
    expect(question).toMatchObject({ message: '', lockedBy: expect.any(String) })
    await expect(store.signal(runId, 'k', { kind: 'say', text: 'canary-said' })).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    )
    await store.close()
    expect(contents(place.path)).toEqual(before)
  })

  test('the list shows what can be seen', async () => {
    using place = scratch()
    await waiting(place.file, KEY)
    const [open] = await PersistentCodeAgent.runs(place.file, { stateKey: KEY })
    expect(open).toMatchObject({ task: 'canary-task', status: 'paused', questions: 1 })
    expect(open).not.toHaveProperty('lockedBy')
    const [locked] = await PersistentCodeAgent.runs(place.file)
    expect(locked).toMatchObject({ task: '', status: 'paused', questions: 1, lockedBy: expect.any(String) })
  })

  test('runs of several keys and of none live in one file, each with its own', async () => {
    using place = scratch()
    const plain = await waiting(place.file)
    const one = await waiting(place.file, KEY)
    const two = await waiting(place.file, OTHER)
    const ids = new Map<string, string>()
    for (const { runId, lockedBy } of await PersistentCodeAgent.runs(place.file))
      ids.set(runId, lockedBy ?? '')
    expect(ids.get(plain)).toBe('')
    const keys = new Map([
      [ids.get(one), KEY],
      [ids.get(two), OTHER],
    ])
    for (const runId of [plain, one, two]) {
      await using agent = await agentAt(place.file, (keyId) => keys.get(keyId)).resume({ runId })
      expect(agent.task).toBe('canary-task')
      await agent.answer(must(agent.questions[0]).id, { type: 'approve' })
      expect(rested(await goOn(agent), 'paused').questions).toHaveLength(1)
    }
  })

  test('a plain run goes on plain where a key is given now', async () => {
    using place = scratch()
    const runId = await waiting(place.file)
    await using agent = await agentAt(place.file, KEY).resume({ runId })
    await agent.answer(must(agent.questions[0]).id, { type: 'approve' })
    rested(await goOn(agent), 'paused')
    await agent.close()
    const [row] = await PersistentCodeAgent.runs(place.file)
    expect(row).toMatchObject({ runId, task: 'canary-task' })
  })

  test('a fork is sealed with a key of its own, long values with it', async () => {
    using place = scratch()
    const runId = await waiting(place.file, KEY)
    await using agent = await agentAt(place.file, KEY).resume({ runId })
    const fork = await agent.fork({
      edit: { answer: { question: must(agent.questions[0]).id, decision: { type: 'approve' } } },
    })
    expect(rested(await goOn(fork), 'paused').questions).toMatchObject([{ message: 'canary-ask?' }])
    await fork.close()
    await agent.close()
    expect(found(place.path)).toEqual([])
    const { memory } = await PersistentCodeAgent.inspect(place.file, {
      runId: must(fork.runId),
      stateKey: KEY,
    })
    expect(memory.steps).toHaveLength(2)
    using db = new DatabaseSync(place.file, { readOnly: true })
    const keys = db.prepare('SELECT DISTINCT key_id FROM runs').all()
    expect(keys).toHaveLength(2)
    expect(db.prepare('SELECT DISTINCT key_id FROM blobs').all()).toHaveLength(2)
  })

  test('a key beside a store of your own is a mistake', () => {
    using place = scratch()
    const store = sqliteStore(place.file)
    expect(() => new PersistentCodeAgent({ model: scriptedModel([]), store, stateKey: KEY })).toThrow(
      /stateKey/,
    )
  })
})
