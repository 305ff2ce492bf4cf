/** What the variables of a stored run hold: looked at from outside, without running a line of its code. */
import { DatabaseSync } from 'node:sqlite'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PersistentCodeAgent, tool, type Variable } from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'
import { scratch } from '../journal/fixtures/files.ts'

interface Scene {
  readonly path: string
  readonly runId: string
  readonly agent: PersistentCodeAgent
}

async function scene(
  folder: string,
  script: readonly string[],
  more: { stateKey?: string } = {},
): Promise<Scene> {
  const path = join(folder, 'state.db')
  const pay = tool({ name: 'pay', description: 'Pays', needsApproval: true, execute: async () => 'paid' })
  const agent = new PersistentCodeAgent({
    model: scriptedModel(script),
    tools: [pay],
    storagePath: path,
    typeCheck: false,
    ...more,
  })
  const { runId } = await agent.run('Pay')
  return { path, runId, agent }
}

const byName = (variables: readonly Variable[]): Readonly<Record<string, Variable>> =>
  Object.fromEntries(variables.map((variable) => [variable.name, variable]))

test('in the middle of a step: what its loop has come to', async () => {
  using dir = scratch()
  const { path, runId, agent } = await scene(dir.path, [
    `const orders = [{ id: 'A', cents: 40 }, { id: 'B', cents: 250 }]\nlet seen = 0\nprint(orders)`,
    `const done = new Map()
for (const order of orders) { seen++; done.set(order.id, await pay()) }
finalAnswer(seen)`,
  ])
  await agent.answer(agent.questions[0]?.id ?? '', { type: 'respond', value: 'paid by hand' })
  await agent.run(agent.task, { reset: false })
  await agent.close()
  const before = readFileSync(path)
  const run = await PersistentCodeAgent.inspect(path, { runId, values: true })
  expect(byName(run.variables)).toEqual({
    done: { name: 'done', type: 'Map of 1', value: "Map(1) { 'A' => 'paid by hand' }" },
    orders: {
      name: 'orders',
      type: 'array of 2 { id, cents }',
      step: 1,
      value: "[ { id: 'A', cents: 40 }, { id: 'B', cents: 250 } ]",
    },
    seen: { name: 'seen', type: 'number', step: 1, value: '2' },
  })
  expect(run.heapAt).toBeGreaterThan(10)
  expect(readFileSync(path).equals(before)).toBe(true)

  // Without values: what the steps told, of any step.
  const told = await PersistentCodeAgent.inspect(path, { runId, step: 1 })
  expect(told.variables).toEqual([
    { name: 'orders', type: 'array of 2 { id, cents }', step: 1 },
    { name: 'seen', type: 'number', step: 1 },
  ])
  expect(told).not.toHaveProperty('heapAt')
  await expect(PersistentCodeAgent.inspect(path, { runId, step: 1, values: true })).rejects.toThrow(
    /no values of a past step/,
  )
})

test('nothing of the code runs: getters, proxies, what shows itself, what is patched', async () => {
  using dir = scratch()
  const trap = `() => { globalThis.ran = true; throw new Error('I ran') }`
  const { path, runId, agent } = await scene(dir.path, [
    `const ran = false
const getter = { get x() { globalThis.ran = true; return 1 } }
const proxy = new Proxy({ a: 1 }, { get: ${trap}, ownKeys: ${trap}, getOwnPropertyDescriptor: ${trap}, getPrototypeOf: ${trap} })
const odd = { toString: ${trap}, toJSON: ${trap}, [Symbol.toPrimitive]: ${trap}, inspect: ${trap},
  [Symbol.for('nodejs.util.inspect.custom')]: ${trap}, [Symbol.iterator]: ${trap} }
class Secretive { constructor() { this.open = 1 } get [Symbol.toStringTag]() { globalThis.ran = true; return 'x' } }
const made = new Secretive()
const below = Object.create(proxy)
Array.prototype.push = ${trap}
Array.prototype.join = ${trap}
Map.prototype.get = ${trap}
Object.keys = ${trap}
JSON.stringify = ${trap}
String.prototype.slice = ${trap}
Object.defineProperty(globalThis, 'live', { get: ${trap}, enumerable: true, configurable: true })`,
    `await pay()`,
  ])
  await agent.close()
  const { variables } = await PersistentCodeAgent.inspect(path, { runId, values: true })
  const held = byName(variables)
  expect(held['ran']?.value).toBe('false')
  expect(held['getter']?.value).toBe('{ x: [Getter] }')
  expect(held['proxy']).toMatchObject({ type: 'Proxy', value: '{ a: 1 }' })
  expect(held['made']?.value).toContain('open: 1')
  expect(Object.keys(held)).not.toContain('live')
  expect(Object.keys(held)).toEqual(expect.arrayContaining(['odd', 'below', 'Secretive']))
})

test('what is large is shown in part, and soon; what is many too', async () => {
  using dir = scratch()
  const { path, runId, agent } = await scene(dir.path, [
    `const text = 'x'.repeat(1_000_000)
const rows = Array.from({ length: 50_000 }, (_, n) => ({ n, next: { n: n + 1 } }))
const deep = {}
let at = deep
for (let n = 0; n < 10_000; n++) at = at.next = {}
for (let n = 0; n < 600; n++) globalThis['v' + n] = n
await pay()`,
  ])
  await agent.close()
  const { variables } = await PersistentCodeAgent.inspect(path, { runId, values: true })
  expect(variables).toHaveLength(500)
  for (const { value = '' } of variables) expect(value.length).toBeLessThanOrEqual(4_001)
  expect(byName(variables)['rows']?.value).toContain('n: 0')
  expect(byName(variables)['deep']?.value).toContain('[Object]')
})

test('a control character, a quote and a lone surrogate come out as text', async () => {
  using dir = scratch()
  const { path, runId, agent } = await scene(dir.path, [
    `const odd = 'a"b\\u0007\\u001b[31m\\ud800'\nvar \\u0061\\u00e9 = 1\nawait pay()`,
  ])
  await agent.close()
  const { variables } = await PersistentCodeAgent.inspect(path, { runId, values: true })
  expect(byName(variables)['odd']?.value).toBe(String.raw`'a"b\x07\x1B[31m\ud800'`)
  expect(byName(variables)['aé']?.value).toBe('1')
})

test('a damaged heap, or one of another engine: what the steps told; the run goes on as if nobody had looked', async () => {
  using dir = scratch()
  const { path, runId, agent } = await scene(dir.path, ['const a = 1', 'finalAnswer(await pay() + a)'])
  await agent.close()
  const db = new DatabaseSync(path)
  db.exec('UPDATE images SET payload = zeroblob(length(payload))')
  db.close()
  const run = await PersistentCodeAgent.inspect(path, { runId, values: true })
  expect(run.variables).toEqual([{ name: 'a', type: 'number', step: 1 }])
  expect(run).not.toHaveProperty('heapAt')

  const next = await agent.resume({ runId })
  await next.answer(next.questions[0]?.id ?? '', { type: 'approve' })
  expect(await next.run(next.task, { reset: false })).toMatchObject({ status: 'completed', output: 'paid1' })
  await next.close()
})

test('a run under a state key takes the key', async () => {
  using dir = scratch()
  const { path, runId, agent } = await scene(dir.path, ['const word = "hush"\nawait pay()'], {
    stateKey: 'a passphrase',
  })
  await agent.close()
  await expect(PersistentCodeAgent.inspect(path, { runId, values: true })).rejects.toThrow(/key/)
  const { variables } = await PersistentCodeAgent.inspect(path, {
    runId,
    values: true,
    stateKey: 'a passphrase',
  })
  expect(byName(variables)['word']?.value).toBe("'hush'")
})
