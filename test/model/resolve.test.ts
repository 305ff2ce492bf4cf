import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/base/errors.ts'
import { modelName, resolveModel } from '../../src/model/resolve.ts'
import { scriptedModel } from '../../src/model/scripted.ts'

describe('resolveModel', () => {
  test('takes a V4 model as it is, also one with only one of the two methods', () => {
    const model = scriptedModel([])
    expect(resolveModel(model)).toBe(model)
    const onlyStream = { specificationVersion: 'v4', provider: 'p', modelId: 'm', doStream: () => {} }
    expect(resolveModel(onlyStream)).toBe(onlyStream)
  })

  test.each<[unknown, RegExp, RegExp]>([
    [
      'anthropic/claude-sonnet-5',
      /given as text \('anthropic\/claude-sonnet-5'\) is not supported yet/,
      /model object/,
    ],
    [
      { specificationVersion: 'v3', doStream: () => {} },
      /specification v3; v4 is needed/,
      /wrapLanguageModel/,
    ],
    [
      { specificationVersion: 'v2', doStream: () => {} },
      /specification v2; v4 is needed/,
      /wrapLanguageModel/,
    ],
    [undefined, /model is undefined/, /AI SDK language model/],
    [null, /model is null/, /AI SDK language model/],
    [() => {}, /model is function/, /AI SDK language model/],
    [{}, /not a language model/, /AI SDK language model/],
    [{ specificationVersion: 'v4' }, /not a language model/, /AI SDK language model/],
    [{ specificationVersion: 'v9', doStream: () => {} }, /not a language model/, /AI SDK language model/],
  ])('refuses %j and says what to pass', (given, message, hint) => {
    expect(() => resolveModel(given)).toThrow(UsageError)
    expect(() => resolveModel(given)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message), hint: expect.stringMatching(hint) }),
    )
  })

  test('modelName', () => {
    expect(modelName({ provider: 'anthropic.messages', modelId: 'claude' })).toBe('anthropic.messages/claude')
  })
})
