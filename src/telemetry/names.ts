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
export const AGENT_DESCRIPTION = 'gen_ai.agent.description'
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
export const TOOL_DESCRIPTION = 'gen_ai.tool.description'
export const TOKEN_TYPE = 'gen_ai.token.type'
export const ERROR_TYPE = 'error.type'

/** What a request asks of the model, by the AI SDK's names for it. */
export const REQUEST_SETTINGS = {
  maxOutputTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  topP: 'gen_ai.request.top_p',
  topK: 'gen_ai.request.top_k',
  frequencyPenalty: 'gen_ai.request.frequency_penalty',
  presencePenalty: 'gen_ai.request.presence_penalty',
  stopSequences: 'gen_ai.request.stop_sequences',
  seed: 'gen_ai.request.seed',
} as const

/** Content, which is told only where the author wants it. */
export const CONTENT = {
  system_instructions: 'gen_ai.system_instructions',
  'input.messages': 'gen_ai.input.messages',
  'output.messages': 'gen_ai.output.messages',
  'tool.call.arguments': 'gen_ai.tool.call.arguments',
  'tool.call.result': 'gen_ai.tool.call.result',
} as const

/** Values of `OPERATION_NAME`; a span's name is the value, a space, and what it is done to. */
export const INVOKE_AGENT = 'invoke_agent'
export const CHAT = 'chat'
export const EXECUTE_TOOL = 'execute_tool'
/** As the AI SDK has it: one turn of the model, with what its code calls. */
export const AGENT_STEP = 'agent_step'
/** Ours: one stretch of driving, from start or resume to the next rest. */
export const RUN_SEGMENT = 'run_segment'

/** Names of metrics. */
export const OPERATION_DURATION = 'gen_ai.client.operation.duration'
export const TOKEN_USAGE = 'gen_ai.client.token.usage'
export const INVOKE_AGENT_DURATION = 'gen_ai.invoke_agent.duration'
export const EXECUTE_TOOL_DURATION = 'gen_ai.execute_tool.duration'
/** Ours: tasks that ended, by `STATUS`. */
export const TASKS_ENDED = 'pca.tasks.ended'
/** Ours: from a question's asking to its answer. */
export const QUESTION_DURATION = 'pca.question.duration'

/**
 * On a link: `resumed_from` (the segment before), `resumed_by` (the request that woke the run), `started_by` (of a trace
 * of its own: the caller), `forked_from` (the run whose past it shares).
 */
export const LINK = 'pca.link'
/** Which segment of its run, from 1. */
export const SEGMENT = 'pca.segment'
/** Why the segment began: `start`, `resume`, `wake`, `take-over`. */
export const WHY = 'pca.segment.why'
/** Where its guest came from: `fresh`, `snapshot`, `replay`. */
export const HEAP = 'pca.segment.heap'
/** The process that drove it. */
export const HOLDER = 'pca.segment.holder'
/** How a segment ended: the run's status, `cut` (by an error of ours or the store), or `lost` with its process. */
export const STATUS = 'pca.status'
export const PAUSE_CAUSE = 'pca.pause.cause'
/** Seconds without anybody at work: between segments, until an answer, of a sleep. */
export const WAITED = 'pca.waited'
/** Calls that were under way when their process was lost. */
export const CALLS_LOST = 'pca.calls.lost'
export const STEP = 'pca.step'
export const ATTEMPT = 'pca.attempt'
/** What a model is asked for: `step`, `plan`, `summary`, `answer`. */
export const PURPOSE = 'pca.purpose'
/** USD. */
export const COST = 'pca.usage.cost'
/** True on a span that was still open when its segment ended: it goes on in the next one. */
export const UNFINISHED = 'pca.unfinished'
/** What a tool or a model did instead of returning: `pause` or `stop`. */
export const INTERRUPTED = 'pca.interrupted'
/** The run that called this one, and its call. */
export const PARENT_RUN = 'pca.parent.run'
export const PARENT_CALL = 'pca.parent.call'
/** Why a call was withdrawn, which check refused an answer, why an output stands. */
export const BECAUSE = 'pca.because'
export const QUESTION = 'pca.question.id'
export const QUESTION_KIND = 'pca.question.kind'
export const DECISION = 'pca.question.decision'
export const BY = 'pca.by'
/** When something is due, as an ISO 8601 time. */
export const DUE = 'pca.due'

/** Names of events. */
export const EVENT = {
  paused: 'pca.run.paused',
  resumed: 'pca.run.resumed',
  asked: 'pca.question.asked',
  answered: 'pca.question.answered',
  modelRetried: 'pca.model.failed',
  callRetried: 'pca.call.failed',
  callWithdrawn: 'pca.call.withdrawn',
  sleepStarted: 'pca.sleep.started',
  sleepEnded: 'pca.sleep.ended',
  said: 'pca.message.said',
  refused: 'pca.output.refused',
} as const

const PROVIDERS: readonly (readonly [prefix: string, name: string])[] = [
  ['google.vertex', 'gcp.vertex_ai'],
  ['google-vertex', 'gcp.vertex_ai'],
  ['vertex', 'gcp.vertex_ai'],
  ['google', 'gcp.gemini'],
  ['amazon-bedrock', 'aws.bedrock'],
  ['bedrock', 'aws.bedrock'],
  ['azure', 'azure.ai.openai'],
  ['mistral', 'mistral_ai'],
  ['xai', 'x_ai'],
]

/** The conventions' name for an AI SDK provider: `anthropic.messages` is `anthropic`. */
export function providerName(provider: string): string {
  return PROVIDERS.find(([prefix]) => provider.startsWith(prefix))?.[1] ?? provider.split('.')[0] ?? provider
}
