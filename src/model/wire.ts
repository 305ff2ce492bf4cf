/**
 * What a request carries beside its prompt, by provider. The prompt itself is the same for all.
 *
 * W1  Whatever the author gave in `providerOptions` goes along, and wins over what is set here.
 * W2  The bytes of the prompt do not change from step to step, but for the place of a cache marker, which is no part of
 *     what is cached.
 */
import type { LanguageModelV4, LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { Plain } from './parts.ts'

/** Options by the name of their provider, as AI SDK's providers document them. JSON. */
export type ProviderOptions = Readonly<Record<string, { readonly [option: string]: Plain }>>

export interface Wired {
  readonly prompt: LanguageModelV4Prompt
  readonly providerOptions?: NonNullable<LanguageModelV4Prompt[number]['providerOptions']>
}

/** The prompt with its cache markers, and the options that go with it. */
export function wire(
  model: Pick<LanguageModelV4, 'provider' | 'modelId'>,
  prompt: LanguageModelV4Prompt,
  given: ProviderOptions = {},
): Wired {
  const responses = responsesOptions(model, given)
  const options =
    responses === undefined ? given : { ...given, [responses]: { ...OPENAI, ...given[responses] } }
  const marked = isAnthropic(model) ? withMarkers(prompt, given['anthropic']?.['cacheControl']) : prompt
  if (Object.keys(options).length === 0) return { prompt: marked }
  // Plain is JSON here: `providerOptions` is checked where the author gives it.
  return { prompt: marked, providerOptions: options as NonNullable<Wired['providerOptions']> }
}

/**
 * Reasoning comes back encrypted, in the reply, and goes along in the next request: what a server keeps for us expires,
 * and a run may rest for longer.
 */
const OPENAI = { store: false }

/** Under which name OpenAI's Responses API takes its options; undefined for all others. Azure's reads `openai` too. */
function responsesOptions(
  { provider, modelId }: Pick<LanguageModelV4, 'provider' | 'modelId'>,
  given: ProviderOptions,
): 'openai' | 'azure' | undefined {
  if (/^azure(\.responses)?$/.test(provider)) return given['azure'] === undefined ? 'openai' : 'azure'
  const isOpenAI = /^openai(\.responses)?$/.test(provider)
  return isOpenAI || (isGateway(provider) && modelId.startsWith('openai/')) ? 'openai' : undefined
}

/** Anthropic's own API, and those who speak its language (Vertex). */
function isAnthropic({ provider, modelId }: Pick<LanguageModelV4, 'provider' | 'modelId'>): boolean {
  return /(^|\.)anthropic(\.|$)/.test(provider) || (isGateway(provider) && modelId.startsWith('anthropic/'))
}

function isGateway(provider: string): boolean {
  return provider === 'gateway'
}

const EPHEMERAL = { type: 'ephemeral' }

/**
 * Two places up to which the prompt is cached: the system prompt, with the tools that stand before it, and the last
 * message, which the next request begins with. An author who gives `cacheControl` for the request gets the second one
 * from the provider, where they want it, and the same kind for the first.
 */
function withMarkers(prompt: LanguageModelV4Prompt, given: Plain | undefined): LanguageModelV4Prompt {
  const last = prompt.length - 1
  return prompt.map((message, index) => {
    const isMarked = (index === 0 && message.role === 'system') || (index === last && given === undefined)
    if (!isMarked) return message
    const { anthropic, ...others } = message.providerOptions ?? {}
    // AI SDK's type of options is of mutable JSON, and so is what was given.
    const cacheControl = (given ?? EPHEMERAL) as typeof EPHEMERAL
    return { ...message, providerOptions: { ...others, anthropic: { cacheControl, ...anthropic } } }
  })
}
