/** An agent's options: their names, what they are, and those that are plain data, checked. */
import { bytes, milliseconds, type Duration } from '../base/duration.ts'
import { UsageError } from '../base/errors.ts'
import type { RunOptions } from '../journal/entry.ts'
import type { PricedUsage } from '../model/catalog.ts'
import type { Approval } from '../tool/approval.ts'
import type { SecretsGiven } from '../tool/secret.ts'
import type { SchemaTo } from '../tool/schema.ts'
import type { GivenTools, ToolOptions } from '../tool/tools.ts'
import type { StepCallback, StepCallbacks } from './callbacks.ts'
import type { CheckContext } from './definition.ts'
import { MODEL_OPTIONS, modelOptions, type ModelOptions } from './model-options.ts'
import type { ManagedAgent } from './managed.ts'
import { RESULT_SIZE } from './outcome.ts'
import type { PromptTemplates } from './templates.ts'
import type { TelemetryOptions } from './telemetry-options.ts'
import type { TraceMode } from '../telemetry/trace.ts'

/** Whether a person must approve a program. */
export type CodePolicy = (
  code: string,
  options: { readonly step: number; readonly context: unknown },
) => Approval | PromiseLike<Approval>

export type FinalAnswerCheck = (answer: unknown, context: CheckContext) => unknown

export interface AgentOptions<Output = unknown> extends ModelOptions {
  /** A run remembers it; another name cannot resume the run. Default `'agent'`. */
  readonly name?: string
  /** `tool(…)`s, a record of AI SDK tools, unchanged, LangChain's tools, or sources of tools (`mcpServer(…)`). */
  readonly tools?: GivenTools
  /** What may happen to a call after a crash, for tools that cannot say it themselves. */
  readonly toolEffects?: ToolOptions['toolEffects']
  /** Whether a person must approve, by tool; or one function that is asked about every call. */
  readonly toolApproval?: ToolOptions['toolApproval']
  /** What tools bring into a run, for those that cannot say it themselves: see `ToolSpec.touches`. */
  readonly toolTouches?: ToolOptions['toolTouches']
  /**
   * A call that can send something out, once private data and strangers' content have come into the run: `'ask'` a
   * person (default), whatever the tool's own policy says, or `'allow'` it.
   */
  readonly lethalCombination?: 'ask' | 'allow'
  /**
   * Whether a person must approve each program before a line of it runs; a function sees the code. The question shows it
   * as a call of `run_code` with `{ code }`; an edit is another program. Default: no.
   */
  readonly codeApproval?: boolean | CodePolicy
  /** Added to the system prompt. */
  readonly instructions?: string
  /** Texts in place of the package's own, with `{{placeholders}}`: see docs/prompt.md. */
  readonly promptTemplates?: Partial<PromptTemplates>
  /** Other agents, called like tools by their names: `await researcher('…')`. Each needs a `description`. */
  readonly managedAgents?: readonly ManagedAgent[]
  /** What the agent is for: told to the model of an agent that manages it. */
  readonly description?: string
  /**
   * What the agent that called it gets: the output alone (default), or `{ output, summary }`, where `summary` tells each
   * step's code and what came of it, in few characters.
   */
  readonly provideRunSummary?: boolean
  /** Turns of the model per task. Default 20. */
  readonly maxSteps?: number
  /**
   * Tokens that the model takes in one request. When prompts fill 70 % of it, older steps are summarised by the model.
   * Default: what `@pydantic/genai-prices` knows, if it is installed; where nobody knows, nothing is summarised.
   */
  readonly contextWindow?: number
  /** How long a task may be driven; resting and waiting do not count. Default: as long as it takes. */
  readonly timeout?: Duration
  /** When the steps or the time are spent: `'finish'` (default: a last model call answers), `'pause'` or `'fail'`. */
  readonly onLimit?: 'finish' | 'pause' | 'fail'
  /** A `once` call whose outcome a crash hid: `'ask'` a person (default), or `'tell'` the code. */
  readonly onUnknownOutcome?: 'ask' | 'tell'
  readonly limits?: {
    /** Guest computing between two halts; waiting never counts. Default `'30s'`. */
    readonly stepTimeout?: Duration
    /** Default `'64MB'`. */
    readonly memory?: number | string
    /** Default 256. */
    readonly callsPerStep?: number
    /** Characters of output that a step keeps, head and tail. Default 50 000. */
    readonly outputChars?: number
    /** What one result of a tool may take, encoded. A larger one is an error for the code. Default `'32MB'`. */
    readonly resultSize?: number | string
    /** Calls of tools under way at the same time; further ones wait their turn. Default 100. */
    readonly callsInFlight?: number
    /** Entries of the run's journal after which it rests, until it is resumed. Default 50 000. */
    readonly entries?: number
    /** Questions to people after which the run rests, until it is resumed. Default 100. */
    readonly questions?: number
    /** Approvals and questions of the code that are open at the same time; further approvals wait their turn. Default 20. */
    readonly openQuestions?: number
  }
  /**
   * Whether a step's code is checked against the tools, the globals and the variables of earlier steps before a line of
   * it runs. It takes `typescript` 7 beside this package, and is off where that is not installed. Default: true, unless
   * `PCA_TYPE_CHECK` is `off`.
   */
  readonly typeCheck?: boolean
  /** How long calls in flight may take to come home when the run pauses. Default `'10s'`. */
  readonly pauseGrace?: Duration
  /** The shape of the output: a Standard Schema or JSON Schema. What does not fit is told to the model. */
  readonly outputSchema?: SchemaTo<Output>
  /**
   * `(answer, { memory, agent, decisions })`: false or a throw refuses the answer, and the model is told. One that asks a
   * person (`AgentPausedException` with a question) is asked again with what was decided.
   */
  readonly finalAnswerChecks?: readonly FinalAnswerCheck[]
  /**
   * `(step, { agent, memory, attempt })`, once a step is durable; after a crash in its middle, again. A list looks at
   * actions; `{ action, planning, finalAnswer, all }` at each kind of step.
   */
  readonly stepCallbacks?: readonly StepCallback[] | StepCallbacks
  /** The model makes a plan before the first turn of a task, and again after so many turns. Default: no plans. */
  readonly planningInterval?: number
  /**
   * USD that the run may cost, with all agents that it calls. A request goes out only if it still fits, and so does a
   * last answer after it. It takes a `price`, a provider that reports what a reply cost, or the optional peer
   * `@pydantic/genai-prices` and a model that it knows.
   */
  readonly maxCost?: number
  /** USD for the tokens of one reply. Default: what the provider reports, else what `@pydantic/genai-prices` knows. */
  readonly price?: (usage: PricedUsage) => number
  /** Tenant, loggers, clients: reaches tools, is given again on resume, is never journaled. */
  readonly context?: unknown
  /**
   * `'join'` (default): a run stands in the OpenTelemetry trace of whoever starts it. `'root'`: in one of its own, linked
   * to that; right for long runs where callers are sampled. See docs/telemetry.md.
   */
  readonly trace?: TraceMode
  /** What OpenTelemetry is told of content, and what of the caller's baggage a run keeps. See docs/telemetry.md. */
  readonly telemetry?: TelemetryOptions
  /**
   * Values by name, of 8 characters or more; a function is asked whenever a call takes the secret. Tools read them by
   * `call.secret('NAME')`; the model's code has references (`secret('NAME')`). They are taken out of results, errors,
   * logs, prompts and traces. Given again on resume, never journaled.
   */
  readonly secrets?: SecretsGiven
}

export const DEFAULTS: RunOptions = {
  maxSteps: 20,
  onLimit: 'finish',
  onUnknownOutcome: 'ask',
  pauseGrace: 10_000,
  stepTimeout: 30_000,
  memory: 64 * 1024 ** 2,
  callsPerStep: 256,
  outputChars: 50_000,
  resultSize: RESULT_SIZE,
  callsInFlight: 100,
  entries: 50_000,
  questions: 100,
}

/** What was given of the data options, in ms and bytes. @throws {UsageError} naming the option. */
export function dataOptions(given: Partial<AgentOptions>): Partial<RunOptions> {
  const { limits = {} } = given
  const changes = {
    planningInterval:
      given.planningInterval === undefined ? undefined : count(given.planningInterval, 'planningInterval'),
    maxSteps: given.maxSteps === undefined ? undefined : count(given.maxSteps, 'maxSteps'),
    maxCost: given.maxCost === undefined ? undefined : amount(given.maxCost, 'maxCost'),
    onLimit: oneOf(given.onLimit, ['finish', 'pause', 'fail'], 'onLimit'),
    onUnknownOutcome: oneOf(given.onUnknownOutcome, ['ask', 'tell'], 'onUnknownOutcome'),
    pauseGrace: given.pauseGrace === undefined ? undefined : milliseconds(given.pauseGrace, 'pauseGrace'),
    stepTimeout:
      limits.stepTimeout === undefined ? undefined : milliseconds(limits.stepTimeout, 'limits.stepTimeout'),
    memory: limits.memory === undefined ? undefined : bytes(limits.memory, 'limits.memory'),
    callsPerStep:
      limits.callsPerStep === undefined ? undefined : count(limits.callsPerStep, 'limits.callsPerStep'),
    outputChars:
      limits.outputChars === undefined ? undefined : count(limits.outputChars, 'limits.outputChars'),
    resultSize: limits.resultSize === undefined ? undefined : bytes(limits.resultSize, 'limits.resultSize'),
    callsInFlight:
      limits.callsInFlight === undefined ? undefined : count(limits.callsInFlight, 'limits.callsInFlight'),
    entries: limits.entries === undefined ? undefined : count(limits.entries, 'limits.entries'),
    questions: limits.questions === undefined ? undefined : count(limits.questions, 'limits.questions'),
    openQuestions:
      limits.openQuestions === undefined ? undefined : count(limits.openQuestions, 'limits.openQuestions'),
    lethalCombination: oneOf(given.lethalCombination, ['ask', 'allow'], 'lethalCombination'),
    timeout: given.timeout === undefined ? undefined : timeout(given.timeout),
    contextWindow:
      given.contextWindow === undefined ? undefined : count(given.contextWindow, 'contextWindow'),
  }
  return {
    ...Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)),
    ...modelOptions(given),
  }
}

/** Every option of an agent, those of `PersistentCodeAgent` too. */
export type OptionName = keyof AgentOptions | 'storagePath' | 'store' | 'stateKey'

export const OPTIONS: readonly OptionName[] = [
  ...MODEL_OPTIONS,
  'name',
  'tools',
  'toolEffects',
  'toolApproval',
  'toolTouches',
  'lethalCombination',
  'codeApproval',
  'instructions',
  'promptTemplates',
  'contextWindow',
  'managedAgents',
  'description',
  'provideRunSummary',
  'maxSteps',
  'maxCost',
  'timeout',
  'onLimit',
  'onUnknownOutcome',
  'limits',
  'pauseGrace',
  'outputSchema',
  'finalAnswerChecks',
  'stepCallbacks',
  'planningInterval',
  'price',
  'typeCheck',
  'context',
  'trace',
  'telemetry',
  'secrets',
  'storagePath',
  'store',
  'stateKey',
]

/** @throws {UsageError} naming the one that there is not. */
export function checkOptionNames(given: object): void {
  if (typeof given !== 'object' || given === null)
    throw new UsageError('An agent is made of options: new PersistentCodeAgent({ model, tools }).')
  const unknown = Object.keys(given).find((option) => !OPTIONS.some((known) => known === option))
  if (unknown !== undefined) throw new UsageError(`There is no option '${unknown}'.`)
}

/** In ms. */
function timeout(given: Duration): number {
  const ms = milliseconds(given, 'timeout')
  if (ms > 0) return ms
  throw new UsageError('timeout is 0: no task could be done.')
}

function amount(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw new UsageError(`${what} must be USD above 0, not ${JSON.stringify(value)}.`)
}

function count(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw new UsageError(`${what} must be a whole number above 0, not ${JSON.stringify(value)}.`)
}

function oneOf<Value extends string>(
  value: unknown,
  allowed: readonly Value[],
  what: string,
): Value | undefined {
  if (value === undefined) return undefined
  const found = allowed.find((one) => one === value)
  if (found !== undefined) return found
  throw new UsageError(`${what} is '${allowed.join("', '")}', not ${JSON.stringify(value)}.`)
}
