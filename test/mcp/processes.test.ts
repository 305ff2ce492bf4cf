/** Over real processes: a server's question, an approval of a tool that has changed since, a kill in the middle of a call. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { PersistentCodeAgent, type RunResult } from '../../src/index.ts'
import { onlyQuestion, output, PATIENT, rested } from '../e2e/fixtures/bench.ts'
import { World } from './fixtures/world.ts'

vi.setConfig({ testTimeout: 120_000 })

const ACTOR = join(import.meta.dirname, 'fixtures', 'actor.ts')

function begin(world: World, code: string, decision?: unknown): ChildProcessByStdio<null, Readable, null> {
  const args = decision === undefined ? [] : [JSON.stringify(decision)]
  const env = { ...process.env, PCA_TYPE_CHECK: 'off' }
  return spawn(process.execPath, [ACTOR, world.folder, code, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Another process goes on, until the run rests; it ends by itself. */
async function act(world: World, code: string, decision?: unknown): Promise<RunResult> {
  const child = begin(world, code, decision)
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect(child.exitCode).toBe(0)
  return JSON.parse(said).result
}

test('a server asks in the middle of a call: the process ends, another hears the answer and finishes', async () => {
  await using world = new World()
  const code = 'const before = [1]\nbefore.push(await srv_book({}))\nfinalAnswer(before)'
  const question = onlyQuestion(await act(world, code))
  expect(question).toMatchObject({ kind: 'input', message: 'Which seat?', schema: { required: ['seat'] } })
  expect(world.lines('calls')).toEqual([])
  // Nobody has answered: a process that looks writes nothing and starts no server.
  expect(onlyQuestion(await act(world, code)).id).toBe(question.id)
  expect(world.lines('starts')).toHaveLength(1)
  const done = await act(world, code, { type: 'respond', value: { seat: '12C' } })
  expect(output(done)).toEqual([1, 'booked 12C (held: 7)'])
  expect(world.lines('calls')).toEqual(['book {"seat":"12C","state":"held: 7"}'])
  expect(world.lines('starts')).toHaveLength(2)
})

test('a person approves a tool that has changed since it was asked for: it is asked for again, and not called', async () => {
  await using world = new World()
  const code = 'finalAnswer(await srv_pay({ amount: 250 }))'
  const first = onlyQuestion(await act(world, code))
  expect(first).toMatchObject({ kind: 'approval', call: { tool: 'srv_pay', args: { amount: 250 } } })
  world.says({ pay: { description: 'Pays, and keeps a tenth' } })
  const second = onlyQuestion(await act(world, code, { type: 'approve' }))
  expect(second.id).not.toBe(first.id)
  expect(second).toMatchObject({ kind: 'approval', call: { tool: 'srv_pay', args: { amount: 250 } } })
  expect(world.lines('calls')).toEqual([])
  expect(output(await act(world, code, { type: 'approve' }))).toBe('pay done')
  expect(world.lines('calls')).toEqual(['pay {"amount":250}'])
})

test('a process is killed in the middle of a call: the server ends with it, and what reads is sent again', async () => {
  await using world = new World()
  const code = 'finalAnswer(await srv_slow({}))'
  const child = begin(world, code)
  await expect.poll(() => world.has('began'), PATIENT).toBe(true)
  const [server] = world.lines('starts').map(Number)
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
  await expect.poll(() => isAlive(server ?? 0), PATIENT).toBe(false)
  expect(output(await act(world, code))).toBe('not that slow')
})

test('a server dies in the middle of a call that must not be repeated: another process asks what came of it', async () => {
  await using world = new World()
  const code = 'finalAnswer(await srv_dieOnce({}))'
  const question = onlyQuestion(await act(world, code))
  expect(question.kind).toBe('unknownOutcome')
  const [run] = await PersistentCodeAgent.runs(join(world.folder, 'state.db'))
  expect(run).toMatchObject({ status: 'paused', questions: 1 })
  expect(output(await act(world, code, { type: 'respond', value: 'it had been done' }))).toBe(
    'it had been done',
  )
  expect(world.lines('calls')).toEqual(['dieOnce {}'])
})

test('a process that forgets its server ends all the same, and the server with it, and what that had started', async () => {
  await using world = new World()
  const leaver = join(import.meta.dirname, 'fixtures', 'leaver.ts')
  const child = spawn(process.execPath, [leaver, world.folder, 'srv_nest'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect(child.exitCode).toBe(0)
  for (const pid of [...world.lines('starts'), said.trim()].map(Number))
    await expect.poll(() => isAlive(pid), PATIENT).toBe(false)
})

test('a run that is finished starts no server', async () => {
  await using world = new World()
  const code = 'finalAnswer(await srv_add({ a: 1, b: 1 }))'
  expect(output(await act(world, code))).toEqual({ sum: 2 })
  expect(rested(await act(world, code), 'completed').output).toEqual({ sum: 2 })
  expect(world.lines('starts')).toHaveLength(1)
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
