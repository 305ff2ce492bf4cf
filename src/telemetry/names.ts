/**
 * Names of OpenTelemetry's GenAI semantic conventions, version 0.1.0
 * (github.com/open-telemetry/semantic-conventions-genai), status "Development": so they stand here, and only here.
 * Names that begin with `pca.` are our own.
 */

/** The instrumentation scope. */
export const SCOPE = 'persistent-code-agent'

export const OPERATION_NAME = 'gen_ai.operation.name'
export const PROVIDER_NAME = 'gen_ai.provider.name'
export const AGENT_NAME = 'gen_ai.agent.name'
/** Our run id, on every span. */
export const CONVERSATION_ID = 'gen_ai.conversation.id'
export const REQUEST_MODEL = 'gen_ai.request.model'
export const RESPONSE_MODEL = 'gen_ai.response.model'
export const RESPONSE_ID = 'gen_ai.response.id'
export const FINISH_REASONS = 'gen_ai.response.finish_reasons'
export const INPUT_TOKENS = 'gen_ai.usage.input_tokens'
export const OUTPUT_TOKENS = 'gen_ai.usage.output_tokens'
export const CACHE_READ_TOKENS = 'gen_ai.usage.cache_read.input_tokens'
export const CACHE_WRITE_TOKENS = 'gen_ai.usage.cache_creation.input_tokens'
export const REASONING_TOKENS = 'gen_ai.usage.reasoning.output_tokens'
export const TOOL_NAME = 'gen_ai.tool.name'
export const TOOL_CALL_ID = 'gen_ai.tool.call.id'
export const TOOL_TYPE = 'gen_ai.tool.type'
export const ERROR_TYPE = 'error.type'

/** Values of `OPERATION_NAME`; a span's name is the value, a space, and what it is done to. */
export const INVOKE_AGENT = 'invoke_agent'
export const CHAT = 'chat'
export const EXECUTE_TOOL = 'execute_tool'
/** Ours: one stretch of driving, from start or resume to the next rest. */
export const RUN_SEGMENT = 'run_segment'

/** On a link: `resumed_from` (the segment before) or `resumed_by` (the request that woke the run). */
export const LINK = 'pca.link'
/** Which segment of its run, from 1. */
export const SEGMENT = 'pca.segment'
/** How a segment ended: the run's status, and for a pause its cause. */
export const STATUS = 'pca.status'
export const PAUSE_CAUSE = 'pca.pause.cause'
export const STEP = 'pca.step'
export const ATTEMPT = 'pca.attempt'
/** True on a span that was still open when its segment ended. */
export const UNFINISHED = 'pca.unfinished'

const PROVIDERS: readonly (readonly [prefix: string, name: string])[] = [
  ['google.vertex', 'gcp.vertex_ai'],
  ['google', 'gcp.gemini'],
  ['amazon-bedrock', 'aws.bedrock'],
  ['azure', 'azure.ai.openai'],
  ['mistral', 'mistral_ai'],
  ['xai', 'x_ai'],
]

/** The conventions' name for an AI SDK provider: `anthropic.messages` is `anthropic`. */
export function providerName(provider: string): string {
  return PROVIDERS.find(([prefix]) => provider.startsWith(prefix))?.[1] ?? provider.split('.')[0] ?? provider
}
