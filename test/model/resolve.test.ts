import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { UsageError } from '../../src/base/errors.ts'
import { modelName, resolveModel } from '../../src/model/resolve.ts'
import { scriptedModel } from '../../src/model/scripted.ts'
import { ask } from './fake-models.ts'

const refused = (given: unknown): UsageError => {
  try {
    resolveModel(given)
  } catch (error) {
    if (error instanceof UsageError) return error
    throw error
  }
  throw new Error('It was taken')
}

describe('a model object', () => {
  test('of V4 is taken as it is, also one with only one of the two methods', () => {
    const model = scriptedModel([])
    expect(resolveModel(model)).toBe(model)
    const onlyStream = { specificationVersion: 'v4', provider: 'p', modelId: 'm', doStream: () => {} }
    expect(resolveModel(onlyStream)).toBe(onlyStream)
  })

  test.each<[unknown, RegExp]>([
    [undefined, /model is undefined/],
    [null, /model is null/],
    [() => {}, /model is function/],
    [{}, /not a language model/],
    [{ specificationVersion: 'v4' }, /not a language model/],
    [{ specificationVersion: 'v1', doStream: () => {} }, /not a language model/],
    [{ specificationVersion: 'v9', doStream: () => {} }, /not a language model/],
  ])('is not %j; what to pass is said', (given, message) => {
    expect(refused(given).message).toMatch(message)
    expect(refused(given).hint).toMatch(/'provider\/model'.*AI SDK language model/)
  })
})

describe("'provider/model'", () => {
  beforeEach(() => {
    for (const name of [
      'ANTHROPIC_API_KEY',
      'OPENAI_API_KEY',
      'GOOGLE_GENERATIVE_AI_API_KEY',
      'AI_GATEWAY_API_KEY',
      'VERCEL_OIDC_TOKEN',
    ])
      vi.stubEnv(name, undefined)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    Reflect.deleteProperty(globalThis, 'AI_SDK_DEFAULT_PROVIDER')
  })

  test.each(['claude', '/claude', 'anthropic/', 'Anthropic Claude/x', '../evil/x', ''])(
    'names both: not %j',
    (text) => {
      expect(refused(text)).toMatchObject({
        message: expect.stringContaining(`'${text}'`),
        hint: expect.stringContaining("'anthropic/claude-sonnet-5'"),
      })
    },
  )

  test.each([
    ['anthropic/claude-sonnet-5', 'ANTHROPIC_API_KEY'],
    ['openai/gpt-6', 'OPENAI_API_KEY'],
    ['google/gemini-3-pro', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    ['gateway/anthropic/claude-sonnet-5', 'AI_GATEWAY_API_KEY'],
  ])('%s without a key is refused at once, naming %s', (text, variable) => {
    if (variable === 'AI_GATEWAY_API_KEY') return expect(resolveModel(text)).toBeDefined()
    vi.stubEnv(variable, '  ')
    expect(refused(text).message).toBe(`${variable} is not set, and ${text} needs it.`)
  })

  test('of a package that is not installed: the command, the variable, and no key is ever shown', () => {
    vi.stubEnv('MISTRAL_API_KEY', 'secret-1')
    const error = refused('mistral/large')
    expect(error.message).toContain("'mistral' is not installed")
    expect(error.hint).toContain('npm i @ai-sdk/mistral, and set MISTRAL_API_KEY')
    expect(error.hint).toContain('npm i ai, and set AI_GATEWAY_API_KEY')
    expect(`${error.message} ${error.hint}`).not.toContain('secret-1')
    expect(refused('unheard-of/x').hint).toMatch(/^npm i @ai-sdk\/unheard-of\. Or/)
  })

  test.each([
    ['anthropic/claude-sonnet-5', 'ANTHROPIC_API_KEY', 'api.anthropic.com'],
    ['openai/gpt-6', 'OPENAI_API_KEY', 'api.openai.com'],
    ['google/gemini-3-pro', 'GOOGLE_GENERATIVE_AI_API_KEY', 'generativelanguage.googleapis.com'],
  ])('%s asks the installed package, and goes by its text', async (text, variable, host) => {
    vi.stubEnv(variable, 'secret-2')
    const asked: string[] = []
    vi.stubGlobal('fetch', async (url: unknown) => {
      asked.push(String(url))
      return new Response('{"error":{"message":"no"}}', { status: 401 })
    })
    const model = resolveModel(text)
    expect(modelName(model)).toBe(text)
    await expect(ask(model)).rejects.toMatchObject({ code: 'MODEL' })
    expect(asked[0]).toContain(host)
    vi.unstubAllGlobals()
  })

  test('of another package goes to the AI Gateway, where its key is set', async () => {
    vi.stubEnv('AI_GATEWAY_API_KEY', 'secret-3')
    const asked: string[] = []
    vi.stubGlobal('fetch', async (url: unknown, { headers }: RequestInit) => {
      asked.push(`${String(url)} ${new Headers(headers).get('ai-language-model-id')}`)
      return new Response('{"error":{"message":"no"}}', { status: 401 })
    })
    const model = resolveModel('mistral/large')
    expect(modelName(model)).toBe('mistral/large')
    await expect(ask(model)).rejects.toMatchObject({ code: 'MODEL' })
    expect(asked[0]).toMatch(/gateway.* mistral\/large$/)
    vi.unstubAllGlobals()
  })

  test("AI SDK's default provider comes first, and names what it does not have", () => {
    const model = scriptedModel([{ text: 'hello' }], { provider: 'other.chat', modelId: 'claude' })
    Reflect.set(globalThis, 'AI_SDK_DEFAULT_PROVIDER', {
      languageModel: (id: string) => {
        if (id === 'mine/claude') return model
        throw new Error(`No such provider: ${id}`)
      },
    })
    expect(modelName(resolveModel('mine/claude'))).toBe('mine/claude')
    expect(refused('yours/claude').message).toBe(
      "AI_SDK_DEFAULT_PROVIDER has no model 'yours/claude': No such provider: yours/claude",
    )
  })

  test('whose package has no provider without settings says so when it is asked', async () => {
    const model = resolveModel('openai-compatible/llama')
    await expect(ask(model)).rejects.toMatchObject({
      message: expect.stringContaining(
        '@ai-sdk/openai-compatible has no provider that works without settings',
      ),
    })
  })
})

test('a text and the model that it leads to have one name', () => {
  expect(modelName({ provider: 'anthropic.messages', modelId: 'claude' })).toBe('anthropic/claude')
  expect(modelName({ provider: 'openai.responses', modelId: 'gpt' })).toBe('openai/gpt')
  expect(modelName({ provider: 'google.generative-ai', modelId: 'gemini' })).toBe('google/gemini')
  expect(modelName({ provider: 'openai.chat', modelId: 'gpt' })).toBe('openai.chat/gpt')
})
