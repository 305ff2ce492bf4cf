/** What spans say, in the conventions' words. Content (prompts, arguments, results) is never among it: see `content.ts`. */
import {
  AGENT_DESCRIPTION,
  AGENT_NAME,
  ATTEMPT,
  CACHE_READ_TOKENS,
  CACHE_WRITE_TOKENS,
  CHAT,
  CONVERSATION_ID,
  COST,
  EXECUTE_TOOL,
  FINISH_REASONS,
  INPUT_TOKENS,
  OPERATION_NAME,
  OUTPUT_TOKENS,
  PROVIDER_NAME,
  PURPOSE,
  REASONING_TOKENS,
  REQUEST_MODEL,
  REQUEST_SETTINGS,
  RESPONSE_ID,
  RESPONSE_MODEL,
  STEP,
  TOOL_CALL_ID,
  TOOL_DESCRIPTION,
  TOOL_NAME,
  TOOL_TYPE,
  providerName,
} from './names.ts'
import type { SpanAttributes } from './value.ts'

/** Of a span about the agent itself. */
export function agentAttributes(
  operation: string,
  name: string,
  runId: string,
  description?: string,
): SpanAttributes {
  return {
    [OPERATION_NAME]: operation,
    [AGENT_NAME]: name,
    [AGENT_DESCRIPTION]: description === '' ? undefined : description,
    [CONVERSATION_ID]: runId,
  }
}

/** A model given as `provider/modelId`, in the conventions' words. */
export function modelAttributes(model: string): SpanAttributes {
  const slash = model.indexOf('/')
  return {
    [PROVIDER_NAME]: slash < 0 ? undefined : providerName(model.slice(0, slash)),
    [REQUEST_MODEL]: model.slice(slash + 1),
  }
}

export interface ChatAsked {
  readonly step?: number
  readonly attempt?: number
  readonly purpose?: string
  /** As the AI SDK has them. */
  readonly settings?: object | undefined
}

/** Of one request to a model, given as `provider/modelId`. */
export function chatAttributes(model: string, asked: ChatAsked = {}): SpanAttributes {
  const { step, attempt, purpose, settings } = asked
  return {
    [OPERATION_NAME]: CHAT,
    ...modelAttributes(model),
    [STEP]: step,
    [ATTEMPT]: attempt,
    [PURPOSE]: purpose,
    ...settingAttributes(settings ?? {}),
  }
}

function settingAttributes(settings: object): SpanAttributes {
  const told: Record<string, number | string[]> = {}
  for (const [name, attribute] of Object.entries(REQUEST_SETTINGS)) {
    const value: unknown = Reflect.get(settings, name)
    if (typeof value === 'number') told[attribute] = value
    else if (Array.isArray(value)) told[attribute] = value.map(String)
  }
  return told
}

export interface ToolAsked {
  /** Our own call id. */
  readonly call?: string
  readonly attempt?: number
  readonly step?: number
  readonly description?: string | undefined
}

/** Of one tool call; or (tool `run_code`) of a step's program. */
export function toolAttributes(tool: string, asked: ToolAsked = {}): SpanAttributes {
  const { call, attempt, step, description } = asked
  return {
    [OPERATION_NAME]: EXECUTE_TOOL,
    [TOOL_NAME]: tool,
    [TOOL_TYPE]: 'function',
    [TOOL_CALL_ID]: call,
    [TOOL_DESCRIPTION]: description,
    [STEP]: step,
    [ATTEMPT]: attempt,
  }
}

/** What a reply adds at the end of its span. */
export function replyAttributes(reply: {
  readonly usage: {
    readonly inputTokens: number
    readonly outputTokens: number
    readonly cost?: number
    /** The provider did not count them: the numbers mean nothing. */
    readonly uncounted?: number
  }
  readonly tokens?: { readonly cacheRead?: number; readonly cacheWrite?: number; readonly reasoning?: number }
  readonly finishReason: string
  readonly modelId?: string
  readonly responseId?: string
}): SpanAttributes {
  const counted = (reply.usage.uncounted ?? 0) === 0
  return {
    [INPUT_TOKENS]: counted ? reply.usage.inputTokens : undefined,
    [OUTPUT_TOKENS]: counted ? reply.usage.outputTokens : undefined,
    [COST]: reply.usage.cost,
    [CACHE_READ_TOKENS]: reply.tokens?.cacheRead,
    [CACHE_WRITE_TOKENS]: reply.tokens?.cacheWrite,
    [REASONING_TOKENS]: reply.tokens?.reasoning,
    [FINISH_REASONS]: [reply.finishReason],
    [RESPONSE_MODEL]: reply.modelId,
    [RESPONSE_ID]: reply.responseId,
  }
}
