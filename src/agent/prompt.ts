/**
 * The system prompt: what the model is told once. Byte-stable over a run (it is stored with it), so that providers'
 * prompt caches hold. docs/prompt.md says of each line why it is there; a line that cannot be explained goes.
 */
import type { Tool } from '../tool/tools.ts'
import type { ActionFormat } from './model-options.ts'
import { fill, type PromptTemplates } from './templates.ts'

export interface PromptParts {
  readonly templates: PromptTemplates
  readonly instructions: string
  readonly tools: readonly Tool[]
  /** How the model hands over its code. Default `'tool'`. */
  readonly format?: ActionFormat | undefined
  /** What `finalAnswer` takes, where the output has a schema. */
  readonly answer?: string | undefined
  /** Ms since the epoch: the day that the run began. */
  readonly today: number
}

/** The system prompt of a new run. */
export function systemPrompt(parts: PromptParts): string {
  const { templates, instructions, tools, answer, today, format = 'tool' } = parts
  const given = instructions.trim()
  return fill(templates, 'system', {
    acting: ACTING[format],
    today: new Date(today).toISOString().slice(0, 10),
    tools: declarations(tools),
    answer: answer === undefined ? '' : `The answer must fit:\n\n${answer}`,
    instructions: given === '' ? '' : `Instructions:\n${given}`,
  })
}

const TOLD =
  'you are told what it printed, the value of its last expression, and which variables are new or changed. Then write the next step.'

/** How to hand over a step, by format. */
const ACTING: Readonly<Record<ActionFormat, string>> = {
  tool: `Call run_code with a program; ${TOLD} A reply without code is your final answer.`,
  text: `Reply with your thoughts in a sentence or two, then a program in a block that begins with \`\`\`ts and ends with \`\`\`; ${TOLD} Only finalAnswer(value) in a program ends the task.`,
  json: `Reply with one JSON object, {"thoughts": "a sentence or two", "code": "a program"}, and nothing else; ${TOLD} Only finalAnswer(value) in the code ends the task.`,
}

function declarations(tools: readonly Tool[]): string {
  if (tools.length === 0) return 'There are no tools, only the language.'
  return `Your tools (also by their bare names):\n\n${tools.map((tool) => tool.declaration).join('\n')}`
}
