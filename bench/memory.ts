/**
 * Tokens of a long run: 1 000 steps, each of which prints 2 KB, told whole, shortened by age, and summarised for a window.
 *
 * Tokens are counted with the o200k_base vocabulary, message by message. What a provider may take from its cache are
 * the messages at the prompt's beginning that are those of the request before.
 */
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { memoryStore, PersistentCodeAgent } from '../src/index.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

type Message = LanguageModelV4CallOptions['prompt'][number]

interface Request {
  readonly tokens: number
  /** Of these, what a cache may hold. */
  readonly cached: number
  /** What it would have been if everything were told whole. */
  readonly whole: number
  readonly isSummary: boolean
}

interface Variant {
  readonly name: string
  readonly contextWindow?: number
}

export async function memoryTable({ quick }: Settings): Promise<readonly Table[]> {
  const steps = quick ? 60 : 1_000
  const points = quick ? [30, 60] : [10, 100, 300, 1_000]
  const variants: readonly Variant[] = quick
    ? [{ name: 'shortened by age' }, { name: 'window of 20 000', contextWindow: 20_000 }]
    : [
        { name: 'shortened by age' },
        { name: 'window of 200 000', contextWindow: 200_000 },
        { name: 'window of 32 000', contextWindow: 32_000 },
      ]
  const runs = []
  for (const variant of variants) runs.push({ variant, requests: await requestsOf(variant, steps) })
  const [first] = runs
  const whole = (first?.requests ?? []).map(({ whole: tokens }, index, all) => ({
    tokens,
    cached: all[index - 1]?.whole ?? 0,
    whole: tokens,
    isSummary: false,
  }))
  const all = [{ variant: { name: 'all told whole' }, requests: whole }, ...runs]
  return [
    {
      id: 'memory',
      title: `Tokens of a run of ${steps} steps, each of which prints 2 KB`,
      columns: [
        { key: 'variant', label: 'context' },
        { key: 'step', label: 'step', digits: 0 },
        { key: 'tokens', label: 'tokens of its request', digits: 0 },
        { key: 'most', label: 'most up to there', digits: 0 },
        { key: 'sum', label: 'thousand in all', digits: 0 },
        { key: 'cached', label: '% cacheable' },
        { key: 'summaries', label: 'summaries', digits: 0 },
      ],
      rows: all.flatMap(({ variant, requests }) =>
        points.map((point) => ({ variant: variant.name, step: point, ...upTo(requests, point) })),
      ),
      notes: [
        'cacheable: of all tokens sent up to there, those at the beginning of a prompt that began the one before it too.',
        'Requests for summaries are counted in "in all".',
      ],
      quoted: [],
    },
  ]
}

function upTo(requests: readonly Request[], step: number): Readonly<Record<string, number>> {
  let seen = 0
  const end = requests.findIndex(({ isSummary }) => !isSummary && ++seen === step)
  const sent = requests.slice(0, end + 1)
  const sum = (of: (request: Request) => number): number => sent.reduce((all, one) => all + of(one), 0)
  return {
    tokens: sent.at(-1)?.tokens ?? 0,
    most: Math.max(...sent.map(({ tokens }) => tokens)),
    sum: sum(({ tokens }) => tokens) / 1_000,
    cached: (100 * sum(({ cached }) => cached)) / sum(({ tokens }) => tokens),
    summaries: sent.filter(({ isSummary }) => isSummary).length,
  }
}

/** What each request of a run sends. */
async function requestsOf({ contextWindow }: Variant, steps: number): Promise<readonly Request[]> {
  const requests: Request[] = []
  const counter = new Counter()
  let step = 0
  const model = answering((options) => {
    const isSummary = options.tools === undefined
    const request = { ...counter.count(options.prompt), isSummary }
    requests.push(request)
    if (isSummary)
      return { text: `Read so far: ${'id-1234 is 56 cents, '.repeat(60)}`, tokens: request.tokens }
    step++
    return { code: step > steps ? 'finalAnswer(0)' : printing(step), tokens: request.tokens }
  })
  await using agent = new PersistentCodeAgent({
    model,
    store: memoryStore(),
    maxSteps: steps + 1,
    ...(contextWindow === undefined ? {} : { contextWindow }),
  })
  await agent.run('Read all pages and add up the cents')
  return requests
}

function printing(step: number): string {
  return `const page = Array.from({ length: 60 }, (_, n) => ({ id: ${step} * 1000 + n, cents: (n * ${step}) % 977 }))
print(page.map(({ id, cents }) => 'order ' + id + ': ' + cents + ' cents').join('\\n'))`
}

/** Counts each message once: the same message is the same object from request to request. */
class Counter {
  readonly #known = new WeakMap<Message, number>()
  #before: readonly Message[] = []
  #whole = 0

  count(prompt: readonly Message[]): Omit<Request, 'isSummary'> {
    let tokens = 0
    let cached = 0
    let isSame = true
    for (const [index, message] of prompt.entries()) {
      const isNew = !this.#known.has(message)
      const count = this.#of(message)
      // What is told for the first time is told whole; a shortened output follows an assistant's message that is known.
      if (isNew && index >= this.#before.length - 1) this.#whole += count
      tokens += count
      isSame &&= index === 0 || message === this.#before[index]
      if (isSame && this.#before.length > 0) cached += count
    }
    this.#before = prompt
    return { tokens, cached, whole: this.#whole }
  }

  #of(message: Message): number {
    const known = this.#known.get(message)
    if (known !== undefined) return known
    const count = countTokens(JSON.stringify(message.content))
    this.#known.set(message, count)
    return count
  }
}

interface Said {
  readonly code?: string
  readonly text?: string
  readonly tokens: number
}

/** A model that answers at once, and says how many tokens it was sent. */
function answering(reply: (options: LanguageModelV4CallOptions) => Said): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'bench',
    modelId: 'counting',
    supportedUrls: {},
    doStream: async (options) => ({ stream: ReadableStream.from(partsOf(reply(options))) }),
    doGenerate: async () => {
      throw new Error('This model streams')
    },
  }
}

let calls = 0

function partsOf({ code, text, tokens }: Said): readonly LanguageModelV4StreamPart[] {
  const id = `call-${++calls}`
  const said: readonly LanguageModelV4StreamPart[] =
    code === undefined
      ? [
          { type: 'text-start', id },
          { type: 'text-delta', id, delta: text ?? '' },
          { type: 'text-end', id },
        ]
      : [{ type: 'tool-call', toolCallId: id, toolName: 'run_code', input: JSON.stringify({ code }) }]
  return [
    { type: 'stream-start', warnings: [] },
    ...said,
    {
      type: 'finish',
      finishReason: { unified: code === undefined ? 'stop' : 'tool-calls', raw: undefined },
      usage: {
        inputTokens: { total: tokens, noCache: tokens, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 100, text: 100, reasoning: 0 },
      },
    },
  ]
}
