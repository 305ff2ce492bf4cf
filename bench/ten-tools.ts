/**
 * Ten tools of 100 ms each: one program, beside a tool-calling loop of the AI SDK, against the same mock server over
 * HTTP. Each needs what the one before gave; or none needs another.
 *
 * The loop's model is the best that it can be: it makes no mistake, and calls at once what can be called at once.
 * Tokens are counted from the bodies of the requests and replies by one tokenizer, for both.
 */
import { LLMock } from '@copilotkit/aimock'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { isStepCount, jsonSchema, tool as aiTool, ToolLoopAgent } from 'ai'
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { CodeAgent, tool } from '../src/index.ts'
import { medianOf, timed } from './measure.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const TOOL_MS = 100
const COUNT = 10
const INPUT = { type: 'object' as const, properties: { n: { type: 'number' as const } }, required: ['n'] }

type Job = 'chained' | 'apart'

const PROGRAMS: Readonly<Record<Job, string>> = {
  chained: `let n = 0\nfor (let i = 0; i < ${COUNT}; i++) n = (await look({ n })).next\nfinalAnswer(n)`,
  apart: `const found = await Promise.all(Array.from({ length: ${COUNT} }, (_, n) => look({ n })))\nfinalAnswer(found.at(-1).next)`,
}

interface Ran {
  readonly ms: number
  readonly requests: number
  readonly input: number
  readonly output: number
}

export async function tenToolsTable({ quick, rounds }: Settings): Promise<readonly Table[]> {
  const rows = []
  for (const job of ['chained', 'apart'] as const) {
    const ran: Record<'ours' | 'loop', Ran[]> = { ours: [], loop: [] }
    for (let round = 0; round < (quick ? 1 : rounds + 1); round++) {
      ran.ours.push(await ours(job))
      ran.loop.push(await loop(job))
    }
    for (const [name, all] of [
      ['one program', ran.ours],
      ['tool-calling loop', ran.loop],
    ] as const) {
      // The first round loads code.
      const counted = all.length > 1 ? all.slice(1) : all
      rows.push({
        job: job === 'chained' ? 'each needs the one before' : 'none needs another',
        by: name,
        requests: counted[0]?.requests ?? null,
        input: counted[0]?.input ?? null,
        output: counted[0]?.output ?? null,
        seconds: medianOf(counted.map(({ ms }) => ms)) / 1_000,
      })
    }
  }
  return [
    {
      id: 'ten-tools',
      title: `Ten tools of ${TOOL_MS} ms each, in one program and in a tool-calling loop`,
      columns: [
        { key: 'job', label: 'job' },
        { key: 'by', label: 'by' },
        { key: 'requests', label: 'requests', digits: 0 },
        { key: 'input', label: 'tokens sent', digits: 0 },
        { key: 'output', label: 'received', digits: 0 },
        { key: 'seconds', label: 's' },
      ],
      rows,
      notes: [
        'The mock server answers at once: with a real model, each request more costs its seconds too.',
        'The replies are scripted: this counts what a right program and a right sequence of calls cost, no more.',
      ],
      quoted: [],
    },
  ]
}

interface ToolCall {
  readonly name: string
  readonly arguments: string
}

/** A server that knows the right replies; `next` gives the calls after so many results, none when it is done. */
async function withServer(
  next: (results: number) => readonly ToolCall[],
  work: (model: ReturnType<ReturnType<typeof createOpenAICompatible>>) => Promise<void>,
): Promise<Ran> {
  const server = new LLMock({ port: 0 })
  let output = 0
  for (let results = 0; results <= COUNT; results++) {
    const toolCalls = next(results)
    const match = {
      predicate: ({ messages }: { readonly messages: readonly { readonly role: string }[] }) =>
        messages.filter(({ role }) => role === 'tool').length === results,
    }
    server.on(match, toolCalls.length === 0 ? { content: 'Done.' } : { toolCalls: [...toolCalls] })
  }
  await server.start()
  try {
    const provider = createOpenAICompatible({ name: 'mock', baseURL: `${server.url}/v1`, apiKey: 'none' })
    const { ms } = await timed(async () => work(provider('mock-1')))
    const requests = server.getRequests()
    let input = 0
    for (const { body } of requests) {
      input += encode(JSON.stringify(body)).length
      const results = (body as { messages: { role: string }[] }).messages.filter(
        ({ role }) => role === 'tool',
      ).length
      output += encode(JSON.stringify(next(results))).length
    }
    return { ms, requests: requests.length, input, output }
  } finally {
    await server.stop()
  }
}

const execute = async ({ n }: { readonly n: number }): Promise<{ next: number }> => {
  await new Promise((resolve) => setTimeout(resolve, TOOL_MS))
  return { next: n + 1 }
}

async function ours(job: Job): Promise<Ran> {
  const code = JSON.stringify({ code: PROGRAMS[job] })
  return withServer(
    (results) => (results === 0 ? [{ name: 'run_code', arguments: code }] : []),
    async (model) => {
      const look = tool({
        name: 'look',
        description: 'Looks',
        effect: 'read',
        inputSchema: INPUT,
        execute: async (input) => execute(input as { n: number }),
      })
      const agent = new CodeAgent({ model, tools: [look] })
      const result = await agent.run('Look ten times')
      if (result.status !== 'completed' || result.output !== COUNT) throw new Error(JSON.stringify(result))
    },
  )
}

async function loop(job: Job): Promise<Ran> {
  const call = (n: number): ToolCall => ({ name: 'look', arguments: JSON.stringify({ n }) })
  return withServer(
    (results) => {
      if (results === COUNT) return []
      return job === 'chained' ? [call(results)] : Array.from({ length: COUNT }, (_none, n) => call(n))
    },
    async (model) => {
      const agent = new ToolLoopAgent({
        model,
        tools: {
          look: aiTool({ description: 'Looks', inputSchema: jsonSchema<{ n: number }>(INPUT), execute }),
        },
        stopWhen: isStepCount(COUNT + 2),
      })
      const { text } = await agent.generate({ prompt: 'Look ten times' })
      if (text !== 'Done.') throw new Error(`The loop ended with ${text}`)
    },
  )
}
