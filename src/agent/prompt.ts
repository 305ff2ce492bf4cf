/**
 * The system prompt: what the model is told once. Byte-stable over a run (it is stored with it), so that providers'
 * prompt caches hold. docs/prompt.md says of each line why it is there; a line that cannot be explained goes.
 */
import { areSearched } from '../tool/find.ts'
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
    tools: declarations(tools) + secrets(tools),
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
  if (areSearched(tools)) return listed(tools)
  return `Your tools (also by their bare names):\n\n${tools.map((tool) => tool.declaration).join('\n')}`
}

/** What is said of secrets, where a tool takes one. */
function secrets(tools: readonly Tool[]): string {
  const takers = tools.filter((tool) => tool.secrets.length > 0)
  if (takers.length === 0) return ''
  const [example = ''] = takers.flatMap((tool) => tool.secrets)
  const list = takers.map((tool) => `- ${tool.name}: ${tool.secrets.join(', ')}`)
  return `\n\nSecrets, whose values you never see: secret("${example}") is text that stands for one, also within other text, like \`Bearer \${secret("${example}")}\`. The value takes its place in the input of a tool that may have it:\n${list.join('\n')}`
}

/** Characters of names in the list. */
const LIST = 3_000

/** Too many to declare: their names, as far as they fit, and how to find the right ones. */
function listed(tools: readonly Tool[]): string {
  const names: string[] = []
  let chars = 0
  for (const { name } of tools) {
    chars += name.length + 2
    if (chars > LIST) break
    names.push(name)
  }
  const more = tools.length - names.length
  return `You have ${tools.length} tools. Look them up in the code, in the same step in which you use them where that can be done:
- await tools.search("words") gives the 10 that fit best, as [{ name, description }].
- await tools.describe("name") gives the TypeScript declaration of one, or of several: ["a", "b"].

Their names: ${names.join(', ')}${more === 0 ? '' : `, and ${more} more`}.`
}
