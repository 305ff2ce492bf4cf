/** Agents that another agent calls like tools. */
import { decode } from '../base/codec.ts'
import { UsageError } from '../base/errors.ts'
import type { Encoded } from '../base/halt.ts'
import { tool, type ToolDefinition } from '../tool/tool.ts'
import type { Definition } from './definition.ts'

/** An agent, as another one manages it. */
export interface ManagedAgent {
  definition(): Definition
}

/** What the model gives an agent to do. */
export interface Errand {
  readonly task: string
  readonly additionalArgs?: Readonly<Record<string, unknown>>
}

const INPUT = {
  anyOf: [
    { type: 'string', description: 'The task, with all that is needed to do it.' },
    {
      type: 'object',
      properties: {
        task: { type: 'string', description: 'What to do, with all that is needed to do it.' },
        additionalArgs: { type: 'object', description: 'Values for its code, as variables.' },
      },
      required: ['task'],
      additionalProperties: false,
    },
  ],
} as const

/** What a call gives where the agent tells what it did. */
const REPORT = {
  type: 'object',
  properties: { output: {}, summary: { type: 'string', description: 'What it did, step by step.' } },
  required: ['output', 'summary'],
} as const

/** The definitions by name. @throws {UsageError} for one that cannot be called: no agent, no description, a name that is taken. */
export function managedOf(agents: readonly ManagedAgent[]): ReadonlyMap<string, Definition> {
  const managed = new Map<string, Definition>()
  for (const agent of agents) {
    if (typeof agent?.definition !== 'function')
      throw new UsageError('managedAgents holds something that is no agent.')
    const definition = agent.definition()
    const { name, description } = definition
    if (description === '')
      throw new UsageError(`The agent '${name}' is to be called like a tool, but has no description.`, {
        hint: 'The model chooses whom to call by the description: give it one as an option.',
      })
    if (managed.has(name)) throw new UsageError(`Two managed agents are named '${name}'.`)
    managed.set(name, definition)
  }
  return managed
}

/** As a tool for the model's code: the call may be begun again, since it comes back to the same run. */
export function toolOfAgent({ name, description, provideRunSummary }: Definition): ToolDefinition {
  return tool({
    name,
    description,
    inputSchema: INPUT,
    ...(provideRunSummary ? { outputSchema: REPORT } : {}),
    effect: 'idempotent',
    execute: () => {
      throw new TypeError(`The agent ${name} is driven, not executed`)
    },
  }) as ToolDefinition
}

export function errandOf(input: Encoded): Errand {
  // The schema above has checked it.
  const given = decode(input) as string | Errand
  return typeof given === 'string' ? { task: given } : given
}
