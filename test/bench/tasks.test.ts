/** The set of tasks: each has a solution that its checker accepts, and a wrong answer that it refuses. */
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { MockLanguageModelV4 } from 'ai/test'
import { describe, expect, test } from 'vitest'
import { scriptedModel } from '../../src/testing.ts'
import { tasks } from '../../bench/tasks/all.ts'
import { RUNNERS } from '../../bench/tasks/attempt.ts'
import type { Task } from '../../bench/tasks/task.ts'
import { kindTable, sumTable } from '../../bench/tasks/tables.ts'
import { render } from '../../bench/table.ts'

const limits = { maxSteps: 10, timeout: 60_000 }
/** The right answers of tasks in which something has to be done: without that, they are not enough. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  'charge-once': ['ch_C1_1', 'ch_C2_2', 'ch_C3_3'],
  'part-is-refused': {
    sent: ['ada@x.org', 'bo@x.org', 'dee@x.org'],
    failed: ['cy@blocked.org', 'eli@blocked.org'],
  },
  'which-anna': 'P2',
  'one-is-rejected': { refunded: ['O1', 'O3'], notRefunded: ['O2'] },
  'rejected-with-a-word': { kind: 'voucher', amount: 350 },
  'which-size': 'T-L-1',
  'cancel-the-old': ['V1', 'V4'],
  'even-out': 400,
}

function taskOf(id: string): Task {
  const found = tasks.find((task) => task.id === id)
  if (found === undefined) throw new Error(`There is no task ${id}`)
  return found
}

test('there are at least thirty, of every kind, each with a name of its own', () => {
  expect(tasks.length).toBeGreaterThanOrEqual(30)
  expect(new Set(tasks.map(({ id }) => id)).size).toBe(tasks.length)
  expect(new Set(tasks.map(({ kind }) => kind)).size).toBe(9)
})

describe.each(tasks.map((task) => ({ id: task.id, task })))('$id', ({ task }) => {
  test('its reference solution is right', async () => {
    const attempt = await RUNNERS['code agent'](task, scriptedModel(task.solution), limits)
    expect(attempt).toMatchObject({ right: true, requests: task.solution.length, errors: {} })
  })

  test('its wrong answer is refused, and has the shape of a right one', async () => {
    expect(task.answer.safeParse(task.wrong).success).toBe(true)
    const wrong = `finalAnswer(${JSON.stringify(task.wrong)})`
    // All that the solution does is done, and another answer given.
    const before = task.solution.slice(0, -1)
    const last = `const finalAnswer = () => undefined\n${task.solution.at(-1)}`
    const attempt = await RUNNERS['code agent'](task, scriptedModel([...before, last, wrong]), limits)
    expect(attempt).toMatchObject({ right: false, why: expect.any(String) })
    expect(await RUNNERS['code agent'](task, scriptedModel([wrong]), limits)).toMatchObject({ right: false })
  })

  test('two scenes know nothing of each other', async () => {
    await RUNNERS['code agent'](task, scriptedModel(task.solution), limits)
    expect(await RUNNERS['code agent'](task, scriptedModel(task.solution), limits)).toMatchObject({
      right: true,
    })
  })
})

test.for(Object.entries(ANSWERS))(
  '%s: the right answer is not enough where nothing was done',
  ([id, answer]) => {
    const { check } = taskOf(id).scene()
    expect(check(answer)).toEqual(expect.any(String))
  },
)

/** A model that makes these calls, one in each reply. */
function calling(calls: readonly (readonly [name: string, input: unknown])[]): LanguageModelV4 {
  let count = 0
  return new MockLanguageModelV4({
    doGenerate: async () => {
      const [toolName = '', input] = calls[count++] ?? []
      return {
        content: [{ type: 'tool-call', toolCallId: `c${count}`, toolName, input: JSON.stringify(input) }],
        finishReason: { unified: 'tool-calls', raw: undefined },
        usage: {
          inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 2, text: 2, reasoning: 0 },
        },
        warnings: [],
      }
    },
  })
}

describe('the loop of tool calls', () => {
  test('has the same tools, people and checker', async () => {
    const right = await RUNNERS['tool loop'](
      taskOf('which-anna'),
      calling([
        ['find_people', { name: 'anna' }],
        ['ask', { question: 'Anna Schmidt in Bonn or in Kiel?' }],
        ['send_message', { to: 'P2', text: 'Your parcel is here' }],
        ['finalAnswer', { answer: 'P2' }],
      ]),
      limits,
    )
    expect(right).toMatchObject({ right: true, requests: 4, inputTokens: 40, outputTokens: 8, errors: {} })
    const rash = [
      ['send_message', { to: 'P1', text: 'Your parcel is here' }],
      ['finalAnswer', { answer: 'P1' }],
    ] as const
    expect(await RUNNERS['tool loop'](taskOf('which-anna'), calling(rash), limits)).toMatchObject({
      right: false,
      why: 'asked 0 times',
    })
  })

  test('is told of rejections and errors, which are counted', async () => {
    const attempt = await RUNNERS['tool loop'](
      taskOf('rejected-with-a-word'),
      calling([
        ['refund', { order: 'O2', amount: 400 }],
        ['voucher', { order: 'O2', amount: 350 }],
        ['finalAnswer', { answer: { kind: 'voucher', amount: 350 } }],
      ]),
      limits,
    )
    expect(attempt).toMatchObject({ right: true, errors: { Error: 1 } })
  })

  test('that never answers is wrong', async () => {
    const forever = Array.from({ length: 20 }, () => ['ask', { question: 'Hm?' }] as const)
    const attempt = await RUNNERS['tool loop'](taskOf('median'), calling(forever), limits)
    expect(attempt).toMatchObject({
      right: false,
      requests: 10,
      why: expect.stringContaining('no final answer'),
    })
  })
})

test('attempts become tables', async () => {
  const [task] = tasks
  if (task === undefined) throw new Error('There are tasks')
  const attempts = [
    await RUNNERS['code agent'](task, scriptedModel(['null.x', ...task.solution]), limits),
    await RUNNERS['code agent'](task, scriptedModel(['finalAnswer({})']), limits),
  ]
  expect(render(sumTable(attempts))).toMatch(/code agent\s+2\s+1\s+50\s+1\.5 .*1 TypeError/)
  expect(render(kindTable(attempts))).toMatch(/data\s+code agent\s+2\s+1/)
})
