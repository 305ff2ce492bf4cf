/** What spans say, in the conventions' words. Content (prompts, arguments, results) is never among it. */
import {
  AGENT_NAME,
  ATTEMPT,
  CACHE_READ_TOKENS,
  CACHE_WRITE_TOKENS,
  CHAT,
  CONVERSATION_ID,
  EXECUTE_TOOL,
  FINISH_REASONS,
  INPUT_TOKENS,
  OPERATION_NAME,
  OUTPUT_TOKENS,
  PROVIDER_NAME,
  REASONING_TOKENS,
  REQUEST_MODEL,
  RESPONSE_ID,
  RESPONSE_MODEL,
  STEP,
  TOOL_CALL_ID,
  TOOL_NAME,
  TOOL_TYPE,
  providerName,
} from './names.ts'

type Value = string | number | boolean

/** Values of spans; an undefined one is left out. */
export type SpanAttributes = Readonly<Record<string, Value | readonly string[] | undefined>>

/** As OpenTelemetry takes them. */
export function definedOnly(attributes: SpanAttributes | undefined): Record<string, Value | string[]> {
  return Object.fromEntries(
    Object.entries(attributes ?? {}).flatMap(([key, value]) => {
      if (value === undefined) return []
      return [[key, typeof value === 'object' ? [...value] : value] as const]
    }),
  )
}

/** Of a span about the agent itself. */
export function agentAttributes(operation: string, name: string, runId: string): SpanAttributes {
  return { [OPERATION_NAME]: operation, [AGENT_NAME]: name, [CONVERSATION_ID]: runId }
}

/** Of one request to a model, given as `provider/modelId`. */
export function chatAttributes(model: string, step?: number, attempt?: number): SpanAttributes {
  const slash = model.indexOf('/')
  return {
    [OPERATION_NAME]: CHAT,
    [PROVIDER_NAME]: slash < 0 ? undefined : providerName(model.slice(0, slash)),
    [REQUEST_MODEL]: model.slice(slash + 1),
    [STEP]: step,
    [ATTEMPT]: attempt,
  }
}

/** Of one tool call, `call` being our own call id; or (tool `run_code`) of a step's program. */
export function toolAttributes(tool: string, call?: string, attempt?: number): SpanAttributes {
  return {
    [OPERATION_NAME]: EXECUTE_TOOL,
    [TOOL_NAME]: tool,
    [TOOL_TYPE]: 'function',
    [TOOL_CALL_ID]: call,
    [ATTEMPT]: attempt,
  }
}

/** What a reply adds at the end of its span. */
export function replyAttributes(reply: {
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number }
  readonly tokens?: { readonly cacheRead?: number; readonly cacheWrite?: number; readonly reasoning?: number }
  readonly finishReason: string
  readonly modelId?: string
  readonly responseId?: string
}): SpanAttributes {
  return {
    [INPUT_TOKENS]: reply.usage.inputTokens,
    [OUTPUT_TOKENS]: reply.usage.outputTokens,
    [CACHE_READ_TOKENS]: reply.tokens?.cacheRead,
    [CACHE_WRITE_TOKENS]: reply.tokens?.cacheWrite,
    [REASONING_TOKENS]: reply.tokens?.reasoning,
    [FINISH_REASONS]: [reply.finishReason],
    [RESPONSE_MODEL]: reply.modelId,
    [RESPONSE_ID]: reply.responseId,
  }
}
