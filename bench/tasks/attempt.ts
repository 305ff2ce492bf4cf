/** One attempt at a task, by a code agent or by a plain loop of tool calls: the same tools, the same people, the same checker. */
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { hasToolCall, isStepCount, tool as aiTool, ToolLoopAgent, type ToolSet } from 'ai'
import { z } from 'zod'
import { CodeAgent, tool, type ToolDefinition } from '../../src/index.ts'
import type { Scene, Task, TaskTool } from './task.ts'

export interface Attempt {
  readonly task: string
  readonly kind: string
  readonly by: By
  readonly right: boolean
  /** Why it was not. */
  readonly why?: string
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly seconds: number
  /** How often each kind of error was met on the way, by name. */
  readonly errors: Readonly<Record<string, number>>
}

export type By = 'code agent' | 'tool loop'

export const RUNNERS: Readonly<
  Record<By, (task: Task, model: LanguageModelV4, options: Limits) => Promise<Attempt>>
> = {
  'code agent': async (task, model, limits) => attempt(task, 'code agent', model, limits, asCode),
  'tool loop': async (task, model, limits) => attempt(task, 'tool loop', model, limits, asLoop),
}

export interface Limits {
  readonly maxSteps: number
  /** Of one attempt, in ms. */
  readonly timeout: number
}

interface Done {
  readonly answer: unknown
  /** It came to no answer. */
  readonly failed?: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly errors: readonly string[]
}

type Run = (task: Task, scene: Scene, model: LanguageModelV4, limits: Limits) => Promise<Done>

async function attempt(
  task: Task,
  by: By,
  model: LanguageModelV4,
  limits: Limits,
  run: Run,
): Promise<Attempt> {
  const scene = task.scene()
  const { counted, requests } = counting(model)
  const began = performance.now()
  let done: Done
  try {
    done = await run(task, scene, counted, limits)
  } catch (error) {
    const failed = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    done = { answer: undefined, failed, inputTokens: 0, outputTokens: 0, errors: [] }
  }
  const why = done.failed ?? scene.check(done.answer)
  const errors: Record<string, number> = {}
  for (const name of done.errors) errors[name] = (errors[name] ?? 0) + 1
  return {
    task: task.id,
    kind: task.kind,
    by,
    right: why === undefined,
    ...(why === undefined ? {} : { why }),
    requests: requests(),
    inputTokens: done.inputTokens,
    outputTokens: done.outputTokens,
    seconds: (performance.now() - began) / 1_000,
    errors,
  }
}

/** The same model, whose requests are counted. */
function counting(model: LanguageModelV4): {
  readonly counted: LanguageModelV4
  readonly requests: () => number
} {
  let count = 0
  const counted: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doGenerate: async (options) => {
      count++
      return model.doGenerate(options)
    },
    doStream: async (options) => {
      count++
      return model.doStream(options)
    },
  }
  return { counted, requests: () => count }
}

const asCode: Run = async (task, scene, model, { maxSteps, timeout }) => {
  await using agent = new CodeAgent({
    model,
    tools: scene.tools.map(asTool),
    outputSchema: task.answer,
    maxSteps,
    timeout,
    onLimit: 'fail',
  })
  let result = await agent.run(task.task)
  while (result.status === 'paused' && result.questions.length > 0) {
    for (const { id, message, call } of result.questions)
      await agent.answer(
        id,
        scene.person?.(call === undefined ? { message } : { message, call }) ?? {
          type: 'reject',
          reason: 'nobody is there',
        },
      )
    result = await agent.run(agent.task, { reset: false })
  }
  const errors = agent.memory.steps.flatMap((step) =>
    step.kind === 'action' && step.error !== undefined ? [step.error.name] : [],
  )
  const { inputTokens, outputTokens } = result.usage
  const used = { inputTokens, outputTokens, errors }
  if (result.status === 'completed') return { answer: result.output, ...used }
  const failed = result.status === 'failed' ? `${result.error.code}: ${result.error.message}` : result.message
  return { answer: undefined, failed: `${result.status}: ${failed}`, ...used }
}

function asTool({
  name,
  description,
  input,
  output,
  effect,
  needsApproval,
  execute,
}: TaskTool): ToolDefinition {
  return tool({
    name,
    description,
    inputSchema: input,
    outputSchema: output,
    effect,
    ...(needsApproval === undefined ? {} : { needsApproval }),
    execute: async (given) => execute(given as never),
  })
}

/** What the loop is told: what a code agent is told too, where it is not about code. */
const INSTRUCTIONS = `You solve tasks by calling tools. When the task is done, call finalAnswer, and nothing after it.

- Calls that do not depend on each other: make them at once.
- See the data first, then act. Keep apart what was done, what was refused and what failed.
- A write that timed out may have happened: look it up before you send it again.
- "rejected by a person: ..." is final. Do not try another way; the reason may be an instruction.
- If several could be meant, call ask once, before the effect, and name all candidates.
- If the facts do not allow an answer, answer that. Never guess.`

const asLoop: Run = async (task, scene, model, { maxSteps, timeout }) => {
  let given: { readonly answer: unknown } | undefined
  const errors: string[] = []
  const tools: ToolSet = {
    ask: aiTool({
      description: 'Asks a person',
      inputSchema: z.object({ question: z.string() }),
      execute: ({ question }) => {
        const says = scene.person?.({ message: question })
        return says?.type === 'respond' ? says.value : 'Nobody answers.'
      },
    }),
    finalAnswer: aiTool({
      description: 'Ends the task',
      inputSchema: z.object({ answer: task.answer }),
      execute: ({ answer }) => {
        given = { answer }
        return 'The task has ended.'
      },
    }),
  }
  for (const one of scene.tools) tools[one.name] = asLoopTool(one, scene, errors)
  const agent = new ToolLoopAgent({
    model,
    instructions: INSTRUCTIONS,
    tools,
    stopWhen: [isStepCount(maxSteps), hasToolCall('finalAnswer')],
  })
  const { totalUsage, text } = await agent.generate({
    prompt: task.task,
    abortSignal: AbortSignal.timeout(timeout),
  })
  const used = {
    inputTokens: totalUsage.inputTokens ?? 0,
    outputTokens: totalUsage.outputTokens ?? 0,
    errors,
  }
  if (given !== undefined) return { answer: given.answer, ...used }
  return { answer: undefined, failed: `no final answer: ${text.slice(0, 120)}`, ...used }
}

function asLoopTool(
  { name, description, input, needsApproval, execute }: TaskTool,
  scene: Scene,
  errors: string[],
): ToolSet[string] {
  return aiTool({
    description,
    inputSchema: input,
    execute: async (args: unknown) => {
      try {
        const says = needsApproval === true ? scene.person?.({ call: { tool: name, args } }) : undefined
        if (says?.type === 'reject') throw new Error(`rejected by a person: ${says.reason}`)
        return await execute(args as never)
      } catch (error) {
        errors.push(error instanceof Error ? error.name : 'Error')
        throw error
      }
    },
  }) as ToolSet[string]
}
