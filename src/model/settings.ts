/** What an author may set for each request: names and meanings are AI SDK's. */
import { UsageError } from '../base/errors.ts'
import type { ProviderOptions } from './wire.ts'

/** Settings that go along with each request to the model. A provider ignores what it does not know. */
export interface ModelSettings {
  readonly maxOutputTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly topK?: number
  readonly presencePenalty?: number
  readonly frequencyPenalty?: number
  readonly seed?: number
  readonly stopSequences?: readonly string[]
  /** How much the model thinks first. */
  readonly reasoning?: 'provider-default' | 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'
}

const NUMBERS: ReadonlySet<string> = new Set([
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
])
const REASONING: ReadonlySet<unknown> = new Set([
  'provider-default',
  'none',
  'minimal',
  'low',
  'medium',
  'high',
  'xhigh',
  'max',
])

/** @throws {UsageError} naming the setting that is none, or has the wrong kind of value. */
export function checkSettings(given: unknown): ModelSettings {
  for (const [name, value] of Object.entries(record(given, 'modelSettings'))) {
    const at = `modelSettings.${name}`
    if (NUMBERS.has(name)) must(typeof value === 'number' && Number.isFinite(value), at, 'a number', value)
    else if (name === 'reasoning')
      must(REASONING.has(value), at, `one of ${[...REASONING].join(', ')}`, value)
    else if (name === 'stopSequences')
      must(
        Array.isArray(value) && value.every((one) => typeof one === 'string'),
        at,
        'a list of texts',
        value,
      )
    else {
      throw new UsageError(`There is no setting '${at}'.`, {
        hint: 'What only one provider knows belongs to providerOptions.',
      })
    }
  }
  return given as ModelSettings
}

/** Options by provider, as JSON. @throws {UsageError} naming what is no record of options, or no JSON. */
export function checkProviderOptions(given: unknown): ProviderOptions {
  for (const [provider, options] of Object.entries(record(given, 'providerOptions')))
    for (const [name, value] of Object.entries(record(options, `providerOptions.${provider}`)))
      must(isJson(value), `providerOptions.${provider}.${name}`, 'JSON', value)
  return given as ProviderOptions
}

function record(value: unknown, at: string): object {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), at, 'an object', value)
  return value as object
}

/** Stored with the run and sent again by another process: nothing may be lost on the way. */
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (Array.isArray(value)) return value.every(isJson)
  if (typeof value !== 'object') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isJson)
}

function must(isRight: boolean, at: string, what: string, value: unknown): void {
  if (isRight) return
  const shown = typeof value === 'object' ? 'an object' : (JSON.stringify(value) ?? typeof value)
  throw new UsageError(`${at} must be ${what}, not ${value === null ? 'null' : shown}.`)
}
