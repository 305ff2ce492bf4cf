/**
 * Finds the model that `'provider/model'` names: AI SDK's global provider, else the installed package
 * `@ai-sdk/<provider>`, else the AI Gateway.
 *
 * I1  What is missing is said when an agent is made, with the command and the variable; a key's value is never shown.
 * I2  A package is loaded at the first request: a process that only reads a run does not pay for it.
 * I3  Only packages beside this one, or beside the program that runs, are looked for. The name comes from the author's
 *     own option, never from a stored run.
 */
import { createRequire } from 'node:module'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { UsageError } from '../base/errors.ts'

/** The variable in which a provider's package looks for its key. */
const KEYS: Readonly<Record<string, string>> = {
  anthropic: 'ANTHROPIC_API_KEY',
  cerebras: 'CEREBRAS_API_KEY',
  cohere: 'COHERE_API_KEY',
  deepinfra: 'DEEPINFRA_API_KEY',
  deepseek: 'DEEPSEEK_API_KEY',
  fireworks: 'FIREWORKS_API_KEY',
  google: 'GOOGLE_GENERATIVE_AI_API_KEY',
  groq: 'GROQ_API_KEY',
  mistral: 'MISTRAL_API_KEY',
  openai: 'OPENAI_API_KEY',
  perplexity: 'PERPLEXITY_API_KEY',
  xai: 'XAI_API_KEY',
}
const GATEWAY_KEY = 'AI_GATEWAY_API_KEY'

/** The names of the keys that are set in the environment. */
export function keysPresent(): readonly string[] {
  return [...Object.values(KEYS), GATEWAY_KEY].filter(isSet)
}

/** @throws {UsageError} naming the command that installs what is missing, or the variable that is not set. */
export function modelOfText(text: string, resolve: (given: unknown) => LanguageModelV4): LanguageModelV4 {
  const [, provider, id] = /^([a-z0-9][a-z0-9-]*)\/(\S+)$/.exec(text) ?? []
  if (provider === undefined || id === undefined) {
    throw new UsageError(`model is '${text.slice(0, 80)}', which names no provider and model.`, {
      hint: "Write 'provider/model', for example 'anthropic/claude-sonnet-5'.",
    })
  }
  const registry: unknown = Reflect.get(globalThis, 'AI_SDK_DEFAULT_PROVIDER')
  if (registry !== undefined && registry !== null) {
    const model = resolve(fromRegistry(registry, text))
    return named(provider, id, () => model)
  }
  const name = `@ai-sdk/${provider}`
  const own = found(name)
  if (own !== undefined) {
    mustHaveKey(text, KEYS[provider])
    return named(provider, id, () => resolve(fromPackage(own, name, id)))
  }
  const gateway = found('@ai-sdk/gateway') ?? found('ai')
  if (gateway !== undefined && (isSet(GATEWAY_KEY) || isSet('VERCEL_OIDC_TOKEN')))
    return named(provider, id, () => resolve(fromPackage(gateway, '@ai-sdk/gateway', text)))
  throw new UsageError(
    `The package of the provider '${provider}' is not installed, so there is no ${text}.`,
    {
      hint: `npm i ${name}${keyHint(provider)}. Or reach it by the AI Gateway: npm i ai, and set ${GATEWAY_KEY}.`,
    },
  )
}

function keyHint(provider: string): string {
  return KEYS[provider] === undefined ? '' : `, and set ${KEYS[provider]}`
}

function isSet(variable: string): boolean {
  return (process.env[variable] ?? '').trim() !== ''
}

function mustHaveKey(text: string, variable: string | undefined): void {
  if (variable === undefined || isSet(variable)) return
  throw new UsageError(`${variable} is not set, and ${text} needs it.`, {
    hint: `Set ${variable}, or pass a model object that was given its key.`,
  })
}

/** @throws {UsageError} it knows no such model. */
function fromRegistry(registry: unknown, text: string): unknown {
  try {
    return callOn(registry, 'languageModel', text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`AI_SDK_DEFAULT_PROVIDER has no model '${text}': ${why}`, { cause })
  }
}

/** I3 */
function found(name: string): string | undefined {
  for (const from of [import.meta.url, process.argv[1]]) {
    if (from === undefined) continue
    try {
      return createRequire(from).resolve(name)
    } catch {
      // Not beside this one.
    }
  }
  return undefined
}

/** The model of a package's own default provider: `anthropic`, `xai`, …, or the only one that it has. */
function fromPackage(path: string, name: string, id: string): unknown {
  const exported: unknown = createRequire(import.meta.url)(path)
  const short = name.replace('@ai-sdk/', '').replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const providers = typeof exported === 'object' && exported !== null ? exported : {}
  const candidates = [
    short,
    short.replace(/^(google|amazon)(?=[A-Z])/, '').toLowerCase(),
    ...Object.keys(providers),
  ]
  const provider = candidates
    .map((key): unknown => Reflect.get(providers, key))
    .find((one) => typeof one === 'function' && typeof Reflect.get(one, 'languageModel') === 'function')
  if (provider === undefined) {
    throw new UsageError(`${name} has no provider that works without settings.`, {
      hint: `Make one with its settings, and pass the model that it gives: model: provider('${id}').`,
    })
  }
  return callOn(provider, 'languageModel', id)
}

function callOn(target: unknown, method: string, argument: string): unknown {
  const call: unknown =
    (typeof target === 'object' || typeof target === 'function') && target !== null
      ? Reflect.get(target, method)
      : undefined
  if (typeof call !== 'function') throw new TypeError(`it has no ${method}()`)
  return Reflect.apply(call, target, [argument])
}

/** A model that goes by the name that it was asked for by, made when it is first asked. */
function named(provider: string, modelId: string, make: () => LanguageModelV4): LanguageModelV4 {
  let made: LanguageModelV4 | undefined
  const model = (): LanguageModelV4 => (made ??= make())
  return {
    specificationVersion: 'v4',
    provider,
    modelId,
    get supportedUrls() {
      return model().supportedUrls
    },
    doGenerate: (options) => model().doGenerate(options),
    doStream: (options) => model().doStream(options),
  }
}
