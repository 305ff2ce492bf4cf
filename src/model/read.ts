/**
 * What a reply means: code to run, a text that answers, or a mistake to tell the model.
 *
 * M1  A reply that was cut or filtered never runs, even if what arrived would parse: half a program has effects.
 * M2  Nothing of a reply with a mistake runs. `mistake` tells the model what was wrong and what to write instead.
 * M3  Several calls in one reply are one program, in their order. Each call is answered in the next prompt.
 */
import { RUN_CODE } from '../base/run-code.ts'
import type { Collected } from './collect.ts'
import { type ReplyPart, type ToolCallPart, parsedInput, replyPartsOf, toolCallsOf } from './parts.ts'
import {
  CODE_SEPARATOR,
  type Compiles,
  callCode,
  fencedCode,
  fencesOf,
  isBareProgram,
  jsonCode,
  wholeFence,
} from './program.ts'
import { type ReplyUsage, type TokenDetails, tokenDetailsOf, usageOf } from './usage.ts'

/**
 * How code comes. `tool`: as calls of `run_code`. `text`: as fenced blocks. `json`: as `{ thoughts, code }`.
 * `none`: no code is asked for, the reply is a text.
 */
export type Format = 'tool' | 'text' | 'json' | 'none'

export interface Reading {
  readonly format: Format
  /** The functions of the code that a model may take for tools of its own. */
  readonly tools?: ReadonlySet<string>
  readonly compiles?: Compiles
}

export interface Reply {
  /** Exactly what goes back in the next prompt, by `promptPartsOf`. */
  readonly parts: readonly ReplyPart[]
  /** All text parts, joined. */
  readonly text: string
  /** The program to run. Absent for a text, and for a mistake. */
  readonly code?: string
  /** Why the reply cannot be used, for the model to read. */
  readonly mistake?: string
  readonly usage: ReplyUsage
  readonly tokens: TokenDetails
  /** AI SDK's unified finish reason: `stop`, `length`, `content-filter`, `tool-calls`, `other`. */
  readonly finishReason: string
  readonly modelId?: string
  readonly responseId?: string
}

export function readReply(collected: Collected, how: Reading): Reply {
  const parts = replyPartsOf(collected.content)
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return {
    parts,
    text,
    ...meaning(collected, parts, text, how),
    usage: usageOf(collected.usage, collected.providerMetadata),
    tokens: tokenDetailsOf(collected.usage),
    finishReason: collected.finishReason,
    ...(collected.modelId === undefined ? {} : { modelId: collected.modelId }),
    ...(collected.responseId === undefined ? {} : { responseId: collected.responseId }),
  }
}

type Meaning = { readonly code?: string } | { readonly mistake: string }

/** What to write, by format. */
const WRITE: Readonly<Record<Format, string>> = {
  tool: `Call ${RUN_CODE} with {"code": "…"}, or give your final answer in words.`,
  text: 'Write a program in a block that begins with ```ts and ends with ```. To end the task, call finalAnswer(value) in it.',
  json: 'Reply with one JSON object: {"thoughts": "…", "code": "…"}. To end the task, call finalAnswer(value) in the code.',
  none: 'Answer in plain text.',
}

function meaning(collected: Collected, parts: readonly ReplyPart[], text: string, how: Reading): Meaning {
  const { format } = how
  // M1
  if (collected.finishReason === 'length')
    return {
      mistake:
        'Your reply was cut at the length limit, so nothing of it ran. Write a shorter program: one part of the work now, the rest in later steps.',
    }
  if (collected.finishReason === 'content-filter')
    return {
      mistake:
        'Your reply was stopped by a content filter, so nothing of it ran. Go on another way; if the task cannot be done, say so as the final answer.',
    }
  if (collected.cut)
    return { mistake: `The call of ${RUN_CODE} was not completed, so nothing ran. Send it again, whole.` }
  const calls = toolCallsOf(parts)
  if (calls.length > 0)
    return format === 'none'
      ? { mistake: 'No tool is offered now, so nothing ran. Answer in plain text.' }
      : programOf(calls, how)
  if (text.trim() === '') return { mistake: `Your reply was empty. ${WRITE[format]}` }
  return format === 'none' ? {} : inText(text, how)
}

/** The program, or the answer, that a text without calls is. */
function inText(text: string, { format, compiles = () => false }: Reading): Meaning {
  if (format === 'tool') {
    const code = wholeFence(text)
    return code === undefined ? {} : notEmpty(code, format)
  }
  const code = (format === 'json' ? jsonCode(text) : undefined) ?? fencedCode(text)
  if (code !== undefined) return notEmpty(code, format)
  if (isBareProgram(text, compiles)) return { code: text }
  const [other] = fencesOf(text)
  const what =
    other === undefined
      ? 'There is no program in your reply'
      : `Only TypeScript can run here, not ${other.language}`
  return { mistake: `${what}, so nothing ran. ${WRITE[format]}` }
}

function notEmpty(code: string, format: Format): Meaning {
  return code.trim() === '' ? { mistake: `The program was empty. ${WRITE[format]}` } : { code }
}

/** M3. */
function programOf(calls: readonly ToolCallPart[], how: Reading): Meaning {
  const pieces: string[] = []
  for (const call of calls) {
    const code =
      call.toolName === RUN_CODE
        ? callCode(call.input, how.compiles)
        : callOfTool(call, how.tools, calls.length === 1)
    if (code === undefined) return { mistake: call.toolName === RUN_CODE ? NO_JSON : noTool(call) }
    if (code.trim() === '')
      return { mistake: `The code given to ${RUN_CODE} was empty. ${WRITE[how.format]}` }
    pieces.push(code)
  }
  return { code: pieces.join(CODE_SEPARATOR) }
}

const NO_JSON = `The arguments of ${RUN_CODE} are not JSON of the form {"code": "…"}, so nothing ran. In JSON a line break in the code is \\n, and a quote is \\". Send the call again.`

function noTool({ toolName }: ToolCallPart): string {
  return `There is no tool ${JSON.stringify(toolName)}, so nothing ran. The only one to call is ${RUN_CODE}; other tools are functions for the code that it runs: {"code": "await tools.name({ … })"}.`
}

/** A model that calls a function of the code as a tool of its own means exactly this line. */
function callOfTool(
  { toolName, input }: ToolCallPart,
  tools: ReadonlySet<string> | undefined,
  isOnly: boolean,
): string | undefined {
  const given = parsedInput(input)
  if (tools?.has(toolName) !== true || typeof given !== 'object' || given === null) return undefined
  const text = JSON.stringify(given)
  // In an object literal this name is not a key.
  if (text.includes('"__proto__"')) return undefined
  const code = `await tools[${JSON.stringify(toolName)}](${text})`
  return isOnly ? code : `print(${code})`
}
