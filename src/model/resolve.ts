/** Takes what a user gave as `model` and says plainly what to give instead. */
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { UsageError } from '../base/errors.ts'

/** A model of AI SDK's specification V4, as it is. @throws {UsageError} that says what to pass, for anything else. */
export function resolveModel(given: unknown): LanguageModelV4 {
  if (typeof given === 'string') {
    throw new UsageError(`A model given as text ('${given.slice(0, 80)}') is not supported yet.`, {
      hint: "Pass a model object, for example anthropic('claude-sonnet-5') of @ai-sdk/anthropic.",
    })
  }
  if (typeof given !== 'object' || given === null) {
    throw new UsageError(`model is ${given === null ? 'null' : typeof given}, not a language model.`, {
      hint: "Pass an AI SDK language model, for example anthropic('claude-sonnet-5') of @ai-sdk/anthropic.",
    })
  }
  const version: unknown = Reflect.get(given, 'specificationVersion')
  if (version === 'v2' || version === 'v3') {
    throw new UsageError(`The model follows AI SDK's specification ${version}; v4 is needed.`, {
      hint: 'Update the provider package, or pass wrapLanguageModel({ model, middleware: [] }) of ai@7.',
    })
  }
  if (isV4(given)) return given
  throw new UsageError(
    'model is an object, but not a language model of the AI SDK (specificationVersion v4).',
    {
      hint: "Pass an AI SDK language model, for example anthropic('claude-sonnet-5') of @ai-sdk/anthropic.",
    },
  )
}

function isV4(given: object): given is LanguageModelV4 {
  const asks = (name: string): boolean => typeof Reflect.get(given, name) === 'function'
  return Reflect.get(given, 'specificationVersion') === 'v4' && (asks('doStream') || asks('doGenerate'))
}

/** The name under which a run remembers its model: `provider/modelId`. */
export function modelName(model: Pick<LanguageModelV4, 'provider' | 'modelId'>): string {
  return `${model.provider}/${model.modelId}`
}
