/** `agent.memory`: typed, frozen, and plain JSON whatever the values are. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encode } from '../../src/base/codec.ts'
import { Memory, memoryOf, plain } from '../../src/agent/memory.ts'
import type { ActionChapter, Chapter } from '../../src/journal/story.ts'

const action: ActionChapter = {
  kind: 'action',
  number: 1,
  text: 'I look.',
  parts: '[]',
  code: 'print(1)',
  printed: '1\n',
  open: [],
  usage: { inputTokens: 1, outputTokens: 2 },
  startedAt: 1_000,
  endedAt: 1_250,
  firstSeq: 3,
  lastSeq: 4,
}
const chapters: readonly Chapter[] = [
  { kind: 'task', number: 1, task: 'look' },
  action,
  { kind: 'said', text: 'hurry' },
  { kind: 'finalAnswer', output: encode(new Map([['a', 1n]])), reason: 'finalAnswer' },
]
const calls = [{ id: '1.1', tool: 'look', status: 'returned', attempts: 1 }] as const
const memory = memoryOf(
  chapters,
  (stored) => (typeof stored === 'string' ? stored : ''),
  () => calls,
)

describe('memory', () => {
  test('has a step for each task, action and answer, in order', () => {
    expect(memory.steps.map((step) => step.kind)).toEqual(['task', 'action', 'finalAnswer'])
    expect(memory.steps[1]).toMatchObject({
      number: 1,
      thought: 'I look.',
      code: 'print(1)',
      output: '1\n',
      durationMs: 250,
      calls,
    })
  })

  test('cannot be changed', () => {
    expect(() => Object.assign(memory, { steps: [] })).toThrow(TypeError)
    expect(() => (memory.steps as unknown[]).push('x')).toThrow(TypeError)
    for (const step of memory.steps) expect(Object.isFrozen(step)).toBe(true)
  })

  test('of a killed step names the kill as its error', () => {
    const killed = { ...action, killed: { reason: 'timeout', message: 'too long', calls: '' } }
    const [step] = memoryOf([killed], String, () => []).steps
    expect(step).toMatchObject({ error: { name: 'StepKilled', message: 'too long' } })
  })

  test('as text tells the task, the code, what it printed and the answer', () => {
    for (const part of ['look', 'print(1)', 'Printed:\n1', 'Final answer'])
      expect(memory.replay()).toContain(part)
    expect(memory.fullCode()).toBe('// step 1\nprint(1)')
  })

  test('of nothing is empty text and an empty list', () => {
    const nothing = new Memory([])
    expect([nothing.replay(), nothing.fullCode(), nothing.toJSON()]).toEqual(['', '', { steps: [] }])
  })
})

describe('plain JSON', () => {
  test('comes of any value, and is read back as it was', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
        (value) => {
          const json = plain(value)
          expect(JSON.parse(JSON.stringify(json))).toEqual(JSON.parse(JSON.stringify(json)))
          expect(JSON.stringify({ json })).toContain('json')
        },
      ),
    )
  })

  test('says what has no JSON in words, and drops nothing', () => {
    const circle: Record<string, unknown> = { n: NaN, big: 2n, f: () => 1, nothing: undefined }
    circle['self'] = circle
    circle['date'] = new Date(NaN)
    circle['bytes'] = new Uint8Array([1, 2])
    circle['error'] = new TypeError('no')
    expect(plain(circle)).toEqual({
      n: 'NaN',
      big: '2',
      f: '[function]',
      nothing: null,
      self: '[circular]',
      date: 'Invalid Date',
      bytes: 'AQI=',
      error: { name: 'TypeError', message: 'no' },
    })
  })

  test('a value that occurs twice is no circle', () => {
    const shared = { a: 1 }
    expect(plain([shared, shared])).toEqual([{ a: 1 }, { a: 1 }])
  })

  test('a key __proto__ stays a key', () => {
    const value = JSON.parse('{"__proto__": {"x": 1}}') as object
    expect(JSON.stringify(plain(value))).toBe('{"__proto__":{"x":1}}')
  })
})
