/** The options that say how the model is asked: checked with the others, and kept with the run as data. */
import { milliseconds, type Duration } from '../base/duration.ts'
import { UsageError } from '../base/errors.ts'
import type { RunOptions } from '../journal/entry.ts'
import {
  checkProviderOptions,
  checkSettings,
  type Format,
  type ModelGiven,
  type ModelSettings,
  type ProviderOptions,
  type RateLimit,
} from '../model/ask.ts'

/** How the model hands over its code. */
export type ActionFormat = Exclude<Format, 'none'>

export interface ModelOptions {
  /** An AI SDK language model (specification V4, V3 or V2), or `'provider/model'`: see docs/models.md. */
  readonly model: ModelGiven
  /**
   * `'tool'` (default): as calls of one tool. `'text'`: as fenced blocks, for models without tools. `'json'`: as
   * `{ thoughts, code }`, by the provider's structured output.
   */
  readonly actionFormat?: ActionFormat
  /** Temperature, `maxOutputTokens`, `reasoning` and the like, for each request. Names and meanings are AI SDK's. */
  readonly modelSettings?: ModelSettings
  /** What only one provider knows, by its name: `{ anthropic: { thinking: { … } } }`. JSON; goes along with each request. */
  readonly providerOptions?: ProviderOptions
  /** How often a request that failed for a passing reason is sent again, after the first. Default 3. */
  readonly maxRetries?: number
  /** The longest wait that a provider may ask for before the next attempt; beyond it the task fails. Default `'1h'`. */
  readonly maxRetryWait?: Duration
  /** A model that sends nothing for so long is given up, and asked again. Default `'5m'`. */
  readonly modelIdleTimeout?: Duration
  /** What this process may send to the model in any minute, all runs together. Default: no limit. */
  readonly rateLimit?: RateLimit
}

/** Their names. */
export const MODEL_OPTIONS: readonly (keyof ModelOptions)[] = [
  'model',
  'actionFormat',
  'modelSettings',
  'providerOptions',
  'maxRetries',
  'maxRetryWait',
  'modelIdleTimeout',
  'rateLimit',
]

/** What was given of them, as data. @throws {UsageError} naming the option. */
export function modelOptions(given: Partial<ModelOptions>): Partial<RunOptions> {
  const { actionFormat, modelSettings, providerOptions, maxRetries, rateLimit } = given
  return {
    ...(actionFormat === undefined ? {} : { actionFormat: checkFormat(actionFormat) }),
    ...(modelSettings === undefined ? {} : { modelSettings: checkSettings(modelSettings) }),
    ...(providerOptions === undefined ? {} : { providerOptions: checkProviderOptions(providerOptions) }),
    ...(maxRetries === undefined ? {} : { maxRetries: whole(maxRetries, 'maxRetries', 0) }),
    ...(given.maxRetryWait === undefined
      ? {}
      : { maxRetryWait: milliseconds(given.maxRetryWait, 'maxRetryWait') }),
    ...(given.modelIdleTimeout === undefined
      ? {}
      : { modelIdleTimeout: idleTimeout(given.modelIdleTimeout) }),
    ...(rateLimit === undefined ? {} : { rateLimit: checkRate(rateLimit) }),
  }
}

function checkFormat(given: unknown): ActionFormat {
  if (given === 'tool' || given === 'text' || given === 'json') return given
  throw new UsageError(`actionFormat is 'tool', 'text' or 'json', not ${JSON.stringify(given)}.`)
}

function idleTimeout(given: Duration): number {
  const ms = milliseconds(given, 'modelIdleTimeout')
  if (ms > 0) return ms
  throw new UsageError('modelIdleTimeout is 0: no model answers in no time.')
}

function checkRate(given: unknown): RateLimit {
  if (typeof given !== 'object' || given === null)
    throw new UsageError('rateLimit must be { requestsPerMinute, tokensPerMinute }, one of them or both.')
  for (const [name, value] of Object.entries(given)) {
    if (name !== 'requestsPerMinute' && name !== 'tokensPerMinute')
      throw new UsageError(`There is no limit 'rateLimit.${name}'.`, {
        hint: 'There are requestsPerMinute and tokensPerMinute.',
      })
    whole(value, `rateLimit.${name}`, 1)
  }
  return given
}

function whole(value: unknown, what: string, least: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
  throw new UsageError(`${what} must be a whole number from ${least}, not ${JSON.stringify(value)}.`)
}
