/** A tool that asks a person: for tool-calling habits; the model's code may also say `await ask(…)`. */
import { tool, type ToolDefinition } from '../tool/tool.ts'

/** `askUser({ question, choices? })`: the answer. It may take days; the run rests meanwhile. */
export function askUser(): ToolDefinition {
  return tool<{ question: string; choices?: readonly string[] }>({
    name: 'askUser',
    description: 'Asks a person, who may choose one of several answers or write their own',
    effect: 'read',
    inputSchema: {
      type: 'object',
      properties: {
        question: { type: 'string', minLength: 1 },
        choices: { type: 'array', items: { type: 'string' }, minItems: 2 },
      },
      required: ['question'],
      additionalProperties: false,
    },
    outputSchema: { type: 'string' },
    execute: async ({ question, choices }, { ask }) =>
      ask({
        message: question,
        schema: choices === undefined ? { type: 'string' } : { type: 'string', enum: choices },
      }),
  })
}
