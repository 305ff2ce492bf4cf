/**
 * What the loop itself costs, beside two others: a model that answers at once, a tool that does nothing and gives 2 KB.
 *
 * Each is given the same model replies in its own form. The others call the tool by the model's own tool call; ours runs
 * a program that calls it. Rounds are interleaved.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { LanguageModelV4, LanguageModelV4GenerateResult } from '@ai-sdk/provider'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages'
import type { ChatResult } from '@langchain/core/outputs'
import { END, MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { isStepCount, jsonSchema, tool, ToolLoopAgent } from 'ai'
import { medianOf, spreadOf } from './measure.ts'
import type { Settings } from './settings.ts'
import { around, PAYLOAD, runOnce, VARIANTS } from './step-run.ts'
import type { Table } from './table.ts'

/** When each request came to the model, in ms. */
type Requests = readonly number[]

interface Loop {
  readonly name: string
  run(steps: number, path: string): Promise<Requests>
}

const text = 'x'.repeat(PAYLOAD)

export async function loopsTable({ quick, rounds, dir }: Settings): Promise<readonly Table[]> {
  const points = quick ? [3, 6] : [10, 200]
  const steps = (around(points.at(-1) ?? 0).at(-1) ?? 0) + 1
  const folder = mkdtempSync(join(dir, 'loops-'))
  try {
    const ran = new Map<string, Requests[]>()
    for (const loop of LOOPS) await loop.run(quick ? 2 : 20, join(folder, `warm-${loop.name}.db`))
    for (let round = 0; round < (quick ? 1 : rounds); round++)
      for (const loop of LOOPS) {
        const at = await loop.run(steps, join(folder, `${round}-${loop.name}.db`))
        ran.set(loop.name, [...(ran.get(loop.name) ?? []), at])
      }
    const costs = (name: string, point: number): readonly number[] =>
      (ran.get(name) ?? []).flatMap((at) =>
        around(point).map((step) => (at[step + 1] ?? Number.NaN) - (at[step] ?? Number.NaN)),
      )
    const rows = LOOPS.map(({ name }) => {
      const [first, last] = points.map((point) => spreadOf(costs(name, point)))
      return {
        loop: name,
        first: first?.median ?? null,
        firstMin: first?.min ?? null,
        last: last?.median ?? null,
        lastMin: last?.min ?? null,
        grows: (last?.median ?? 0) / (first?.median ?? 1),
        total: medianOf((ran.get(name) ?? []).map((at) => (at[steps] ?? 0) - (at[1] ?? 0))),
      }
    })
    return [
      {
        id: 'loops',
        title: `What a step of the loop costs, at step ${points.join(' and ')} (ms)`,
        columns: [
          { key: 'loop', label: 'loop' },
          { key: 'first', label: `step ${points[0]}` },
          { key: 'firstMin', label: 'min' },
          { key: 'last', label: `step ${points[1]}` },
          { key: 'lastMin', label: 'min' },
          { key: 'grows', label: 'x' },
          { key: 'total', label: `${steps} steps`, digits: 0 },
        ],
        rows,
        notes: [
          'Ours runs a program in the sandbox at each step; the others call the tool by the reply itself.',
          "'memory' keeps nothing over the process; SQLite is durable: one fsync for each step.",
        ],
        quoted: [],
      },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function ours(name: string, variant: string): Loop {
  const found = VARIANTS.find((one) => one.name === variant)
  if (found === undefined) throw new RangeError(`There is no variant ${variant}`)
  return {
    name,
    run: async (steps, path) => (await runOnce(found, path, steps)).at.map(({ wall }) => wall),
  }
}

const aiSdk: Loop = {
  name: 'AI SDK ToolLoopAgent, nothing kept',
  run: async (steps) => {
    const at: number[] = []
    const agent = new ToolLoopAgent({
      model: toolCalling(steps, at),
      tools: {
        look: tool({
          description: 'Looks',
          inputSchema: jsonSchema<{ n: number }>({
            type: 'object',
            properties: { n: { type: 'number' } },
            required: ['n'],
          }),
          execute: async () => text,
        }),
      },
      stopWhen: isStepCount(steps + 2),
    })
    await agent.generate({ prompt: 'Look' })
    return at
  },
}

function toolCalling(steps: number, at: number[]): LanguageModelV4 {
  let n = 0
  const reply = async (): Promise<LanguageModelV4GenerateResult> => {
    at[++n] = performance.now()
    const isLast = n > steps
    return {
      content: isLast
        ? [{ type: 'text', text: 'done' }]
        : [{ type: 'tool-call', toolCallId: `call-${n}`, toolName: 'look', input: '{"n":1}' }],
      finishReason: { unified: isLast ? 'stop' : 'tool-calls', raw: undefined },
      usage: {
        inputTokens: { total: 100, noCache: 100, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 20, text: 20, reasoning: 0 },
      },
      warnings: [],
    }
  }
  return {
    specificationVersion: 'v4',
    provider: 'bench',
    modelId: 'instant',
    supportedUrls: {},
    doGenerate: reply,
    doStream: async () => {
      throw new Error('This model does not stream')
    },
  }
}

class InstantChat extends BaseChatModel {
  readonly #at: number[]
  readonly #steps: number
  #n = 0

  constructor(steps: number, at: number[]) {
    super({})
    this.#steps = steps
    this.#at = at
  }

  override _llmType(): string {
    return 'instant'
  }

  override async _generate(): Promise<ChatResult> {
    const n = ++this.#n
    this.#at[n] = performance.now()
    const message = new AIMessage(
      n > this.#steps
        ? { content: 'done' }
        : { content: '', tool_calls: [{ id: `call-${n}`, name: 'look', args: { n: 1 }, type: 'tool_call' }] },
    )
    return { generations: [{ text: '', message }] }
  }
}

function langGraph(name: string, keeps: boolean): Loop {
  return {
    name,
    run: async (steps) => {
      const at: number[] = []
      const model = new InstantChat(steps, at)
      const calls = (message: BaseMessage | undefined): readonly { readonly id?: string }[] =>
        message instanceof AIMessage ? (message.tool_calls ?? []) : []
      const graph = new StateGraph(MessagesAnnotation)
        .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
        .addNode('tools', ({ messages }) => ({
          messages: calls(messages.at(-1)).map(
            ({ id = '' }) => new ToolMessage({ content: text, tool_call_id: id }),
          ),
        }))
        .addEdge(START, 'model')
        .addConditionalEdges('model', ({ messages }) => (calls(messages.at(-1)).length > 0 ? 'tools' : END))
        .addEdge('tools', 'model')
        .compile(keeps ? { checkpointer: new MemorySaver() } : {})
      const options = { recursionLimit: 3 * steps + 10, configurable: { thread_id: 'bench' } }
      await graph.invoke({ messages: [{ role: 'user', content: 'Look' }] }, options)
      return at
    },
  }
}

const LOOPS: readonly Loop[] = [
  ours('persistent-code-agent, memory', 'memory store, read'),
  ours('persistent-code-agent, SQLite', 'SQLite, read'),
  aiSdk,
  langGraph('LangGraph.js, nothing kept', false),
  langGraph('LangGraph.js, MemorySaver', true),
]
