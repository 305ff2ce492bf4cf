/** What a request used: tokens as the provider counted them, and the cost if it named one. */
import type { LanguageModelV4Usage, SharedV4ProviderMetadata } from '@ai-sdk/provider'

/** Tokens of one request, cached and reasoning tokens included. `cost` is USD, present only if the provider reported it. */
export interface ReplyUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cost?: number
  /** 1: the provider did not count them. */
  readonly uncounted?: number
}

/** Parts of the two totals, where the provider tells them: for prices and spans. */
export interface TokenDetails {
  readonly cacheRead?: number
  readonly cacheWrite?: number
  readonly reasoning?: number
}

/** Tokens that nobody counted are 0, and `uncounted` says so: a provider that counts nothing cannot be limited by cost. */
export function usageOf(usage: unknown, metadata: unknown): ReplyUsage {
  const input = field(usage, 'inputTokens')
  const output = field(usage, 'outputTokens')
  const cost = reportedCost(usage, metadata)
  return {
    inputTokens: count(input, 'total') ?? sum(input, ['noCache', 'cacheRead', 'cacheWrite']),
    outputTokens: count(output, 'total') ?? sum(output, ['text', 'reasoning']),
    ...(cost === undefined ? {} : { cost }),
    ...(isCounted(input) || isCounted(output) ? {} : { uncounted: 1 }),
  }
}

function isCounted(tokens: unknown): boolean {
  return (
    typeof tokens === 'object' && tokens !== null && Object.values(tokens).some((n) => typeof n === 'number')
  )
}

export function tokenDetailsOf(usage: unknown): TokenDetails {
  const cacheRead = count(field(usage, 'inputTokens'), 'cacheRead')
  const cacheWrite = count(field(usage, 'inputTokens'), 'cacheWrite')
  const reasoning = count(field(usage, 'outputTokens'), 'reasoning')
  return {
    ...(cacheRead === undefined ? {} : { cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWrite }),
    ...(reasoning === undefined ? {} : { reasoning }),
  }
}

/** Where providers put the real price in USD: AI Gateway (text), OpenRouter, and OpenAI-compatible `usage.cost`. */
function reportedCost(usage: unknown, metadata: unknown): number | undefined {
  const places: readonly unknown[] = [
    field(field(metadata, 'pca'), 'cost'),
    field(field(metadata, 'gateway'), 'cost'),
    field(field(field(metadata, 'openrouter'), 'usage'), 'cost'),
    field(field(usage, 'raw'), 'cost'),
  ]
  for (const place of places) {
    const cost = typeof place === 'string' && place.trim() !== '' ? Number(place) : place
    if (typeof cost === 'number' && Number.isFinite(cost) && cost >= 0) return cost
  }
  return undefined
}

/** Whether a provider's replies say what they cost. A scripted model says it where its script does. */
export function reportsCost(provider: string): boolean {
  return /^(?:gateway|openrouter|pca|scripted)\b/.test(provider)
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function count(tokens: unknown, name: string): number | undefined {
  const value = field(tokens, name)
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

function sum(tokens: unknown, names: readonly string[]): number {
  return names.reduce((total, name) => total + (count(tokens, name) ?? 0), 0)
}

/** The spec's usage shape, for models of our own. */
export function specUsage(inputTokens: number, outputTokens: number): LanguageModelV4Usage {
  return {
    inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: outputTokens, text: outputTokens, reasoning: undefined },
  }
}

export type ProviderMetadata = SharedV4ProviderMetadata
