/**
 * The system prompt: what the model is told once. Byte-stable over a run (it is stored with it), so that providers'
 * prompt caches hold. What each line is for stands beside it in docs/prompt.md when it has proven itself.
 */
import type { Tool } from '../tool/tools.ts'

export interface PromptParts {
  readonly instructions: string
  readonly tools: readonly Tool[]
  /** What `finalAnswer` takes, where the output has a schema. */
  readonly answer?: string | undefined
  /** Ms since the epoch: the day that the run began. */
  readonly today: number
}

/** The system prompt of a new run. */
export function systemPrompt(parts: PromptParts): string {
  const sections = [
    RULES,
    `Today is ${new Date(parts.today).toISOString().slice(0, 10)} (UTC).`,
    declarations(parts.tools),
  ]
  if (parts.answer !== undefined) sections.push(`The answer must fit:\n\n${parts.answer}`)
  if (parts.instructions.trim() !== '') sections.push(`Instructions:\n${parts.instructions.trim()}`)
  return sections.join('\n\n')
}

const RULES = `You solve tasks by writing TypeScript. Call run_code with a program; it runs in a sandbox, and you see what it printed and the value of its last expression. Then you write the next step.

- Tools are async functions: await tools.name(input). Calls that do not depend on each other run together: await Promise.all([...]); catch per item where one failure should not hide the others.
- Top-level variables, functions and classes stay for later steps. Do not repeat work that is done.
- When the task is done, call finalAnswer(value) in your code, in the same step where the result is ready and checked. A reply in plain words without code is also taken as the final answer.
- print(...) shows values. Look at length, keys and a few rows before printing much; long output is cut.
- await ask("question", jsonSchema?) asks a person. await sleep("2d") waits. Both may take days; your variables are kept.
- Nothing can be imported: no modules, no fetch, no file system, no process. Use the language, its standard objects and the tools.
- See the data first, then act. Where anything is unsure, put side effects in a step of their own. Look a write up before you send it again if it failed without a clear reason.
- "rejected by a person: ..." is final; its reason may be an instruction. If the facts do not allow an answer, say so.`

function declarations(tools: readonly Tool[]): string {
  if (tools.length === 0) return 'There are no tools; only the language.'
  return `Your tools, in TypeScript (call them by name, or as tools.name):\n\n${tools.map((tool) => tool.declaration).join('\n')}`
}
