/** Calls a tool of the toolbox as a run would: its input is validated first. */
import { toolsOf } from '../../src/tool/tools.ts'
import type { ToolDefinition } from '../../src/tool/tool.ts'

export interface Called {
  readonly attempt?: number
  readonly abortSignal?: AbortSignal
  readonly secrets?: Readonly<Record<string, string>>
}

export function named(tools: readonly ToolDefinition[], name: string): ToolDefinition {
  const found = tools.find((tool) => tool.name === name)
  if (found === undefined) throw new Error(`There is no tool ${name}`)
  return found
}

export async function call(
  tool: ToolDefinition,
  input: unknown,
  { attempt = 1, abortSignal = new AbortController().signal, secrets = {} }: Called = {},
): Promise<unknown> {
  toolsOf([tool])
  return tool.execute(input, {
    toolCallId: '1.1',
    idempotencyKey: 'key',
    runId: 'run',
    attempt,
    effect: 'once',
    abortSignal,
    context: undefined,
    ask: async () => undefined,
    secret: async (name) => secrets[name] ?? Promise.reject(new Error(`There is no secret ${name}`)),
    log: () => undefined,
  })
}
