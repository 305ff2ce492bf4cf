/**
 * What a reply means: code to run, a text that answers, or a mistake to tell the model.
 *
 * M1  A reply that was cut or filtered never runs, even if what arrived would parse: half a program has effects.
 * M2  Nothing of a reply with a mistake runs. `mistake` is a sentence for the model.
 * M3  Several calls in one reply are one program, in their order. Each call is answered in the next prompt.
 */
import type { Collected } from './collect.ts'
import { type ReplyPart, RUN_CODE, replyPartsOf, toolCallsOf } from './parts.ts'
import { CODE_SEPARATOR, callCode, wholeFence } from './program.ts'
import { type ReplyUsage, type TokenDetails, tokenDetailsOf, usageOf } from './usage.ts'

/** `tool`: code comes as calls of `run_code`. `none`: nothing is offered, the reply is a text. */
export type Format = 'tool' | 'none'

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

export function readReply(collected: Collected, format: Format): Reply {
  const parts = replyPartsOf(collected.content)
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return {
    parts,
    text,
    ...meaning(collected, parts, text, format),
    usage: usageOf(collected.usage, collected.providerMetadata),
    tokens: tokenDetailsOf(collected.usage),
    finishReason: collected.finishReason,
    ...(collected.modelId === undefined ? {} : { modelId: collected.modelId }),
    ...(collected.responseId === undefined ? {} : { responseId: collected.responseId }),
  }
}

type Meaning = { readonly code?: string } | { readonly mistake: string }

function meaning(collected: Collected, parts: readonly ReplyPart[], text: string, format: Format): Meaning {
  // M1
  if (collected.finishReason === 'length')
    return { mistake: 'The reply was cut at the length limit, so nothing of it ran. Write a shorter one.' }
  if (collected.finishReason === 'content-filter')
    return { mistake: 'The reply was stopped by a content filter, so nothing of it ran.' }
  if (collected.cut) return { mistake: `The call of ${RUN_CODE} was not completed, so nothing ran.` }
  const calls = toolCallsOf(parts)
  if (calls.length > 0)
    return format === 'none'
      ? { mistake: 'No tool is offered now, so nothing ran. Answer in plain text.' }
      : programOf(calls)
  if (text.trim() === '') return { mistake: 'The reply was empty.' }
  const code = format === 'tool' ? wholeFence(text) : undefined
  return code === undefined ? {} : { code }
}

function programOf(calls: ReturnType<typeof toolCallsOf>): Meaning {
  const pieces: string[] = []
  for (const call of calls) {
    if (call.toolName !== RUN_CODE)
      return {
        mistake: `There is no tool ${JSON.stringify(call.toolName)}, so nothing ran. The only one to call is ${RUN_CODE}; other tools are functions for the code that it runs.`,
      }
    const code = callCode(call.input)
    if (code === undefined)
      return {
        mistake: `The arguments of ${RUN_CODE} are not JSON of the form {"code": "…"}, so nothing ran.`,
      }
    if (code.trim() === '') return { mistake: `The code given to ${RUN_CODE} was empty.` }
    pieces.push(code)
  }
  return { code: pieces.join(CODE_SEPARATOR) }
}
