/** What is said to a model and by it, as messages of OpenTelemetry's GenAI conventions. Bytes are named, not told. */
import { parseJson } from '../base/json.ts'
import type { LanguageModelV4Prompt, Reply } from '../model/ask.ts'
import type { Message } from '../telemetry/trace.ts'

type Said = LanguageModelV4Prompt[number]

/** The system prompt, as parts. */
export function instructionsTold(prompt: LanguageModelV4Prompt): readonly object[] {
  return prompt.flatMap((message) =>
    message.role === 'system' ? [{ type: 'text', content: message.content }] : [],
  )
}

/** All but the system prompt. */
export function messagesTold(prompt: LanguageModelV4Prompt): readonly Message[] {
  return prompt.flatMap((message) =>
    message.role === 'system' ? [] : [{ role: message.role, parts: partsTold(message) }],
  )
}

export function replyTold({ parts, finishReason }: Reply): readonly Message[] {
  const told = parts.map((part): object => {
    switch (part.type) {
      case 'text':
        return { type: 'text', content: part.text }
      case 'reasoning':
        return { type: 'reasoning', content: part.text }
      case 'tool-call':
        return { ...callTold(part), arguments: argumentsOf(part.input) }
      case 'tool-result':
        return { type: 'tool_call_response', id: part.toolCallId, response: part.result }
      default:
        return { type: part.type }
    }
  })
  return [{ role: 'assistant', parts: told, finish_reason: finishReason.replace('tool-calls', 'tool_call') }]
}

function partsTold(message: Exclude<Said, { role: 'system' }>): readonly object[] {
  return message.content.map((part): object => {
    switch (part.type) {
      case 'text':
        return { type: 'text', content: part.text }
      case 'reasoning':
        return { type: 'reasoning', content: part.text }
      case 'tool-call':
        return { ...callTold(part), arguments: part.input }
      case 'tool-result':
        return { type: 'tool_call_response', id: part.toolCallId, response: part.output }
      case 'file':
        return { type: 'file', mime_type: part.mediaType }
      default:
        return { type: part.type }
    }
  })
}

function callTold({
  toolCallId,
  toolName,
}: {
  readonly toolCallId: string
  readonly toolName: string
}): object {
  return { type: 'tool_call', id: toolCallId, name: toolName }
}

/** As the model wrote them, where they are no JSON. */
function argumentsOf(input: string): unknown {
  try {
    return parseJson(input, 'The arguments')
  } catch {
    return input
  }
}
