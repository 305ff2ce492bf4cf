/** Takes what a user gave as `model` and says plainly what to give instead. */
import type { LanguageModelV2, LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider'
import { UsageError } from '../base/errors.ts'
import { modelOfText } from './installed.ts'
import { asV4, type OlderModel } from './older.ts'

/**
 * A language model: an AI SDK model of specification V4, V3 or V2, or `'provider/model'`. Any text, since names come from
 * environments and command lines: one that is no name is refused when the agent is made.
 */
export type ModelGiven = LanguageModelV4 | LanguageModelV3 | LanguageModelV2 | string

const HINT =
  "Pass 'provider/model', for example 'anthropic/claude-sonnet-5', or an AI SDK language model, for example anthropic('claude-sonnet-5') of @ai-sdk/anthropic."

/**
 * What was given, as a model of V4. The package that a text names is looked for now and loaded at the first request.
 * @throws {UsageError} that says what to pass, to install or to set.
 */
export function resolveModel(given: unknown): LanguageModelV4 {
  if (typeof given === 'string') return modelOfText(given, resolveModel)
  if (typeof given !== 'object' || given === null) {
    throw new UsageError(`model is ${given === null ? 'null' : typeof given}, not a language model.`, {
      hint: HINT,
    })
  }
  if (isModel(given, ['v4'])) return given as LanguageModelV4
  if (isModel(given, ['v2', 'v3'])) return asV4(given as OlderModel)
  throw new UsageError(
    'model is an object, but not a language model of the AI SDK (specificationVersion v4, v3 or v2).',
    { hint: HINT },
  )
}

function isModel(given: object, versions: readonly string[]): boolean {
  const asks = (name: string): boolean => typeof Reflect.get(given, name) === 'function'
  return (
    versions.includes(String(Reflect.get(given, 'specificationVersion'))) &&
    (asks('doStream') || asks('doGenerate'))
  )
}

/** Models that a text leads to, by what they call their provider themselves. */
const OWN_NAMES: Readonly<Record<string, string>> = {
  'anthropic.messages': 'anthropic',
  'openai.responses': 'openai',
  'google.generative-ai': 'google',
}

/** The name under which a run remembers its model: `provider/modelId`, the same for a text and the model that it leads to. */
export function modelName({ provider, modelId }: Pick<LanguageModelV4, 'provider' | 'modelId'>): string {
  return `${OWN_NAMES[provider] ?? provider}/${modelId}`
}
