/**
 * Tools of the AI SDK (`tool()` of `ai` 5 to 7, `dynamicTool()`, MCP clients), by their shape alone: `ai` is not
 * imported. They come in a record, whose keys are their names.
 */
import { UsageError } from '../base/errors.ts'
import { isAsyncIterable, walk, type OnProgress } from './progress.ts'
import type { ToolCallOptions } from './tool.ts'

/** All that is read of an AI SDK tool. */
export interface AiTool {
  readonly description?: string | ((options: never) => string) | undefined
  readonly inputSchema?: unknown
  readonly outputSchema?: unknown
  readonly contextSchema?: unknown
  readonly needsApproval?: unknown
  readonly execute?: unknown
}

/** The author's function. What it is given was validated, and what it gives is. */
type Execute = (input: unknown, options: object) => unknown

/** @throws {UsageError} for what is no tool, or one that nothing here can execute. */
export function aiToolOf(value: unknown, name: string): AiTool & { readonly execute: Execute } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`The tool '${name}' is no tool.`)
  if (!('execute' in value) || typeof value.execute !== 'function')
    throw new UsageError(`The tool '${name}' has no execute function.`, {
      hint: 'Tools that a provider or a browser executes cannot be called from code: give it an execute.',
    })
  return value as AiTool & { readonly execute: Execute }
}

/** The text for the model; a function is asked once, with the agent's context. */
export function descriptionOf(tool: AiTool, name: string, context: unknown): string {
  const { description } = tool
  if (typeof description !== 'function') return typeof description === 'string' ? description : ''
  try {
    const text: unknown = (description as (options: unknown) => unknown)({ context: context ?? {} })
    return typeof text === 'string' ? text : ''
  } catch (cause) {
    throw new UsageError(`description of the tool '${name}' threw.`, {
      cause,
      hint: 'Give the agent its context.',
    })
  }
}

/** Calls it as the AI SDK would. Of an async generator the last value counts (G1 of `progress.ts`). */
export async function executeAiTool(
  tool: AiTool & { readonly execute: Execute },
  input: unknown,
  call: ToolCallOptions,
  context: unknown,
  onProgress: OnProgress,
): Promise<unknown> {
  const result = tool.execute(input, { ...call, context: context ?? {}, messages: [] })
  if (!isAsyncIterable(result)) return result
  return walk(result, { result: 'yielded', abortSignal: call.abortSignal }, onProgress)
}
