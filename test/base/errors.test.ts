/** Errors: a class for each thing that the caller can do, recognised across copies of the package. */
import { describe, expect, test, vi } from 'vitest'
import * as errors from '../../src/base/errors.ts'

const { AlreadyAnsweredError, isPersistentAgentError, PersistentAgentError } = errors

const made: readonly InstanceType<typeof PersistentAgentError>[] = [
  new errors.UsageError('m', { hint: 'h', cause: 'c' }),
  new errors.StateNotFoundError('m', { hint: 'h', cause: 'c' }),
  new errors.StateCorruptError('m', { hint: 'h', cause: 'c' }),
  new errors.RunBusyError('m', { hint: 'h', cause: 'c' }),
  new errors.LeaseLostError('m', { hint: 'h', cause: 'c' }),
  new errors.StoreFailedError('m', { hint: 'h', cause: 'c' }),
  new AlreadyAnsweredError('m', { type: 'approve' }, { hint: 'h', cause: 'c' }),
  new errors.ToolError('m', { hint: 'h', cause: 'c' }),
  new errors.UnknownOutcomeError('m', { hint: 'h', cause: 'c' }),
  new errors.ForkedCallError('m', { hint: 'h', cause: 'c' }),
  new errors.ModelError('m', { hint: 'h', cause: 'c' }),
  new errors.LimitError('m', { hint: 'h', cause: 'c' }),
]

describe.each(made.map((error) => [error.constructor.name, error] as const))('%s', (name, error) => {
  test('is named like its class, and its code is the name in capitals without Error', () => {
    expect(error.name).toBe(name)
    const capitals = name
      .replace(/Error$/, '')
      .replaceAll(/(?<=[a-z])[A-Z]/g, '_$&')
      .toUpperCase()
    expect(error.code).toBe(capitals)
  })

  test('keeps message, hint and cause, and is recognised', () => {
    expect([error.message, error.hint, error.cause]).toEqual(['m', 'h', 'c'])
    expect([error instanceof Error, error instanceof PersistentAgentError]).toEqual([true, true])
    expect(isPersistentAgentError(error)).toBe(true)
  })
})

test('every class is tried here', () => {
  const classes = Object.values(errors).filter((value) => value.prototype instanceof PersistentAgentError)
  expect(made.map((error) => error.constructor)).toEqual(classes)
})

test('no cause is no property, as with any error', () => {
  expect(Object.hasOwn(new errors.UsageError('m'), 'cause')).toBe(false)
  expect(new errors.UsageError('m').hint).toBeUndefined()
})

test('the winner of a question comes with the error', () => {
  expect(new AlreadyAnsweredError('m', { type: 'reject' }).winner).toEqual({ type: 'reject' })
})

test('an error of another copy of the package is recognised, though it is no instance', async () => {
  vi.resetModules()
  const copy = await import('../../src/base/errors.ts')
  const foreign = new copy.RunBusyError('busy')
  expect(foreign instanceof errors.RunBusyError).toBe(false)
  expect(isPersistentAgentError(foreign)).toBe(true)
})

test.each([null, undefined, 'RUN_BUSY', 1, {}, new Error('x'), { code: 'RUN_BUSY', name: 'RunBusyError' }])(
  'anything else is not (%s)',
  (value) => {
    expect(isPersistentAgentError(value)).toBe(false)
  },
)
