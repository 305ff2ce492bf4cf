/**
 * What is known of models by their names: what they cost and how much they read at once. It comes from the optional
 * peer `@pydantic/genai-prices`; without it, and of a model that it does not list, nothing is known.
 */
import { createRequire } from 'node:module'
import type * as GenaiPrices from '@pydantic/genai-prices'

/** The tokens of one reply. `inputTokens` holds the cached ones too, `outputTokens` those of the reasoning. */
export interface PricedUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  /** Of the input: read from the provider's cache, and written to it. */
  readonly cacheReadTokens?: number
  readonly cacheWriteTokens?: number
}

export interface KnownModel {
  /** USD for the tokens of one reply; undefined where they make no sense (more of them cached than sent). */
  price(usage: PricedUsage): number | undefined
  /** Tokens that the model takes in one request, where that is known. */
  readonly contextWindow?: number
}

let library: typeof GenaiPrices | null | undefined

/** What is known of a model. The first call loads the catalog: some 50 ms. */
export function knownModel(provider: string, modelId: string): KnownModel | undefined {
  const catalog = (library ??= load())
  if (catalog === null) return undefined
  const options = { providerId: providerIn(provider) }
  const calculate = (usage: PricedUsage): GenaiPrices.PriceCalculationResult => {
    try {
      return catalog.calcPrice(counted(usage), modelId, options)
    } catch {
      return null
    }
  }
  const known = calculate({ inputTokens: 0, outputTokens: 0 })
  if (known === null) return undefined
  const { context_window: contextWindow } = known.model
  return {
    price: (usage) => calculate(usage)?.total_price,
    ...(contextWindow === undefined ? {} : { contextWindow }),
  }
}

function counted({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: PricedUsage): {
  readonly input_tokens: number
  readonly output_tokens: number
} {
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    ...(cacheReadTokens === undefined ? {} : { cache_read_tokens: cacheReadTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cache_write_tokens: cacheWriteTokens }),
  }
}

/** AI SDK's `provider` names an interface too: `openai.responses`, `google.generative-ai`, `amazon-bedrock`. */
function providerIn(provider: string): string {
  const [name = ''] = provider.split('.')
  return PROVIDERS[name] ?? name
}

/** Where the catalog has another name. */
const PROVIDERS: Readonly<Record<string, string>> = { 'amazon-bedrock': 'bedrock', togetherai: 'together' }

function load(): typeof GenaiPrices | null {
  try {
    return createRequire(import.meta.url)('@pydantic/genai-prices') as typeof GenaiPrices
  } catch {
    return null
  }
}
