/** Tools of LangChain (`tool()`, `DynamicStructuredTool`, `StructuredTool`), by their shape alone: nothing of it is imported. */
import { tool, type ToolDefinition } from './tool.ts'

/** All that is read of a LangChain tool. */
export interface LangChainTool {
  readonly name: string
  readonly description: string
  /** Zod, or JSON Schema. */
  readonly schema?: unknown
  invoke(input: never, config?: { readonly signal?: AbortSignal }): Promise<unknown>
}

export function isLangChainTool(value: object): value is LangChainTool {
  return (
    'invoke' in value &&
    typeof value.invoke === 'function' &&
    'name' in value &&
    typeof value.name === 'string' &&
    !('execute' in value)
  )
}

/** The same tool as ours; what the agent says of its effect and approval counts as for any other. */
export function ofLangChain(given: LangChainTool): ToolDefinition {
  const { name, description, schema } = given
  return tool({
    name,
    description,
    ...(schema === undefined ? {} : { inputSchema: schema as never }),
    execute: async (input: unknown, { abortSignal }) => given.invoke(input as never, { signal: abortSignal }),
  })
}
