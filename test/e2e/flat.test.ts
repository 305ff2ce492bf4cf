/** P11: what a step stores, and what a resume reads, does not grow with what happened before. Counted, not timed. */
import { expect, test } from 'vitest'
import { PersistentCodeAgent } from '../../src/persistent-code-agent.ts'
import { memoryStore } from '../../src/journal/memory.ts'
import type { Store } from '../../src/journal/store.ts'
import { scriptedModel } from '../../src/model/scripted.ts'
import { tool } from '../../src/tool/tool.ts'

interface Counted {
  readonly store: Store
  /** Rows that `read` gave since `reset`. */
  rowsRead: number
  /** Bytes of the entries of each append. */
  readonly written: { readonly kinds: readonly string[]; readonly bytes: number }[]
}

function counted(): Counted {
  const inner = memoryStore()
  const count: Counted = { store: inner, rowsRead: 0, written: [] }
  const store = new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...args: readonly unknown[]) => unknown
      if (name === 'read')
        return async (...args: readonly unknown[]) => {
          const rows = (await method(...args)) as readonly unknown[]
          count.rowsRead += rows.length
          return rows
        }
      if (name === 'append')
        return async (...args: readonly unknown[]) => {
          const { entries } = args[1] as Parameters<Store['append']>[1]
          count.written.push({
            kinds: entries.map((entry) => entry.kind),
            bytes: entries.reduce((sum, entry) => sum + entry.payload.length, 0),
          })
          return method(...args)
        }
      return method
    },
  })
  return Object.assign(count, { store })
}

const echo = tool({
  name: 'echo',
  description: 'Gives back what it gets',
  effect: 'read',
  execute: async (input: unknown) => input,
})
const pay = tool({ name: 'pay', description: 'Pays', needsApproval: true, execute: async () => 'paid' })

test('a step stores the same, early and late', async () => {
  const count = counted()
  const script = [...Array.from({ length: 120 }, () => 'await echo("x".repeat(500))'), 'finalAnswer(1)']
  await using agent = new PersistentCodeAgent({
    store: count.store,
    model: scriptedModel(script),
    tools: [echo],
    maxSteps: 200,
  })
  expect((await agent.run('count')).status).toBe('completed')
  const total = (from: number, to: number): number => {
    let step = 0
    let bytes = 0
    for (const write of count.written) {
      if (step >= from && step < to) bytes += write.bytes
      step += write.kinds.filter((kind) => kind === 'step-ended').length
    }
    return bytes
  }
  const [early, late] = [total(10, 30), total(90, 110)]
  expect(early).toBeGreaterThan(20 * 500)
  expect(late / early).toBeLessThan(1.1)
})

async function rowsToResume(calls: number): Promise<number> {
  const count = counted()
  const options = {
    store: count.store,
    model: scriptedModel([
      `for (let i = 0; i < ${calls}; i++) await echo(i)\nawait pay()\nfinalAnswer('done')`,
    ]),
    tools: [echo, pay],
    limits: { callsPerStep: 5_000 },
  }
  const first = new PersistentCodeAgent(options)
  const { runId } = await first.run('many calls')
  count.rowsRead = 0
  const agent = await new PersistentCodeAgent(options).resume({ runId })
  await agent.answer(agent.questions[0]?.id ?? '', { type: 'approve' })
  const run = await agent.start(agent.task, { reset: false })
  let before = 0
  for await (const event of run.events()) {
    // What is read after the program has ended is for people: the memory of a step with all its calls.
    if (event.type === 'entry' && event.entry.kind === 'call-returned') before = count.rowsRead
  }
  expect((await run.result()).status).toBe('completed')
  return before
}

test('a resume inside a step reads the same, after ten calls and after a thousand', async () => {
  const [few, many] = [await rowsToResume(10), await rowsToResume(1_000)]
  expect(many).toBeLessThanOrEqual(few + 10)
})
