/** Pauses and stops in what user code throws: also wrapped, also of another copy, never in an ordinary error. */
import { describe, expect, test, vi } from 'vitest'
import { AgentPausedException, AgentStoppedException, interruptionIn } from '../../src/base/interruption.ts'

describe('what is thrown', () => {
  test('a pause is found with its message and its options', () => {
    const question = { message: 'Which?', expiresAt: 5 }
    const thrown = new AgentPausedException('hold', { question, onAnswer: 'call', state: [1] })
    expect(interruptionIn(thrown)).toEqual({
      is: 'pause',
      message: 'hold',
      options: { question, onAnswer: 'call', state: [1] },
    })
  })

  test('a pause needs neither message nor options', () => {
    expect(interruptionIn(new AgentPausedException())).toEqual({
      is: 'pause',
      message: 'Agent paused',
      options: {},
    })
  })

  test('a stop is found', () => {
    expect(interruptionIn(new AgentStoppedException('enough'))).toEqual({ is: 'stop', message: 'enough' })
    expect(new AgentStoppedException()).toMatchObject({
      name: 'AgentStoppedException',
      message: 'Agent stopped',
    })
  })

  test('one that a library wrapped is found, the outermost first', () => {
    const inner = new AgentStoppedException('inner')
    const outer = new AgentPausedException('outer')
    outer.cause = inner
    expect(interruptionIn(new Error('wrapped', { cause: { cause: outer } }))).toMatchObject({
      message: 'outer',
    })
  })

  test('one of another copy of the package is found', async () => {
    vi.resetModules()
    const copy = await import('../../src/base/interruption.ts')
    const foreign = new copy.AgentPausedException('theirs', { state: 1 })
    expect(foreign instanceof AgentPausedException).toBe(false)
    expect(interruptionIn(foreign)).toMatchObject({ is: 'pause', message: 'theirs', options: { state: 1 } })
  })

  test.each([
    undefined,
    null,
    0,
    'AgentPausedException',
    {},
    new Error('AgentPausedException'),
    Object.assign(new Error('x'), { name: 'AgentPausedException', options: {} }),
    new AggregateError([new AgentPausedException()], 'many'),
  ])('an ordinary value is none (%s)', (value) => {
    expect(interruptionIn(value)).toBeUndefined()
  })

  test('causes that go in a circle come to an end', () => {
    const error = new Error('round')
    error.cause = error
    expect(interruptionIn(error)).toBeUndefined()
  })

  test('a text of JSON cannot forge one', () => {
    const forged: unknown = JSON.parse('{"Symbol(persistent-code-agent.interruption)":"stop","message":"x"}')
    expect(interruptionIn(forged)).toBeUndefined()
  })
})
