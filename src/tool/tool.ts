/**
 * A tool, as its author writes it. `tool()` checks what can be checked without the schema's library and freezes
 * it; `toolsOf` (tools.ts) makes of it what a run uses.
 *
 * Input is what `execute` gets: the *output* of the input schema's validation, defaults applied. Output is what
 * `execute` gives back, before the output schema has seen it.
 */
import { milliseconds, type Duration } from '../base/duration.ts'
import { UsageError } from '../base/errors.ts'
import type { Json } from '../base/json.ts'
import type { Approval, ApprovalOptions } from './approval.ts'
import { checkToolName } from './name.ts'
import { checkSecretName } from './secret.ts'
import { checkSchemaShape, type Schema, type SchemaFrom, type SchemaTo } from './schema.ts'

/** See `ToolSpec.touches`. */
export type Touch = 'private' | 'untrusted' | 'outbound'

/** What may happen after a crash in mid-call (P4): sent again, sent again under the same key, or never. */
export type Effect = 'read' | 'idempotent' | 'keyed' | 'once'

/** `attempts` counts the first one too; `backoff` is the wait before the second. */
export interface Retry {
  readonly attempts: number
  readonly backoff?: Duration
}

/** A question to a person. `expiresAt` in ms since the epoch, where it is a number. */
export type AskedQuestion =
  | string
  | { readonly message: string; readonly schema?: Schema; readonly expiresAt?: Date | number }

/** Asks a person. The call waits, for days if need be; the answer is what `ask` gives. */
export type Ask = (question: AskedQuestion) => Promise<unknown>

/** What a call brings beside its input. */
export interface ToolCallOptions<Context = unknown> {
  /** The same in every attempt. */
  readonly toolCallId: string
  /** The same in every attempt, and of no other call: give it to a system that drops repetitions. */
  readonly idempotencyKey: string
  readonly runId: string
  /** From 1. */
  readonly attempt: number
  /** What may happen to this call after a crash, as the agent or the tool says. */
  readonly effect: Effect
  readonly abortSignal: AbortSignal
  /** What the agent was given as `context`: never journaled. */
  readonly context: Context
  readonly ask: Ask
  /** The value of one of the agent's `secrets`. @throws {ToolError} there is none of that name, or it could not be had. */
  readonly secret: (name: string) => Promise<string>
  readonly log: (message: string, data?: unknown) => void
  /** A person's answer, where the tool asked to be called again with it (`onAnswer: 'call'`). */
  readonly answer?: unknown
  /** What the tool left for that moment. */
  readonly state?: unknown
}

/** What became of a call that a crash cut; `undefined`: nobody can say. */
export type Probed<Output = unknown> =
  | { readonly happened: true; readonly result: Output }
  | { readonly happened: false }
  | undefined

interface Data<Input, Output> {
  /** A JS identifier; `-` is allowed (`tools['a-b']`). */
  readonly name: string
  /** For the model. */
  readonly description: string
  /** A Standard Schema (Zod, ArkType, …), an AI SDK `jsonSchema()`, or JSON Schema. Absent: the tool takes nothing. */
  readonly inputSchema?: SchemaTo<Input>
  readonly outputSchema?: SchemaFrom<Output>
  /** Default `once`. */
  readonly effect?: Effect
  /** How long `execute` may take. */
  readonly timeout?: Duration
  readonly retry?: Retry
  /** What else makes it the tool that it is: where this has changed, an open approval is asked for again. */
  readonly manifest?: Json
  /**
   * Secrets that the model's code may put into the input, as `secret('NAME')`: the value takes the place of the
   * reference when the tool is called, after approval. Default: none. `execute` needs none of it: see `call.secret`.
   */
  readonly secrets?: readonly string[]
  /**
   * What it brings into a run: `private` data, `untrusted` content of strangers, a way `outbound`. Where all three meet
   * in one run, a person is asked (see `lethalCombination`). Default: nothing.
   */
  readonly touches?: readonly Touch[]
}

/** What `tool()` takes. */
export interface ToolSpec<Input, Output, Context> extends Data<Input, Output> {
  /** Whether a person must approve the call; a function sees the validated input. Default: no. */
  readonly needsApproval?:
    | boolean
    | ((input: Input, options: ApprovalOptions<Context>) => Approval | PromiseLike<Approval>)
  /** Asked after a crash in mid-call, instead of a person. */
  readonly probe?: (
    input: Input,
    call: ToolCallOptions<Context>,
  ) => Probed<Output> | PromiseLike<Probed<Output>>
  /** An `async function*` gives what it returns; what it yields is progress, for people who watch. */
  readonly execute: (input: Input, call: ToolCallOptions<Context>) => Executed<Output>
}

/** What `execute` gives back. */
export type Executed<Output> = Output | PromiseLike<Output> | AsyncGenerator<unknown, Output, void>

/** Known in every copy of this package. */
export const TOOL: unique symbol = Symbol.for('persistent-code-agent.tool')

/** A checked tool. Methods, so that a list may hold tools of any input: the run validates before it calls. */
export interface ToolDefinition<Input = unknown, Output = unknown, Context = unknown> extends Data<
  Input,
  Output
> {
  readonly [TOOL]: true
  readonly needsApproval?: boolean | Judge<Input, Context>['judge']
  probe?(input: Input, call: ToolCallOptions<Context>): Probed<Output> | PromiseLike<Probed<Output>>
  execute(input: Input, call: ToolCallOptions<Context>): Executed<Output>
}

interface Judge<Input, Context> {
  judge(input: Input, options: ApprovalOptions<Context>): Approval | PromiseLike<Approval>
}

/** Those of a tool that another copy of this package made are symbols: no keys. */
const FIELDS: ReadonlySet<string> = new Set<keyof ToolSpec<never, never, never>>([
  'name',
  'description',
  'inputSchema',
  'outputSchema',
  'effect',
  'needsApproval',
  'probe',
  'retry',
  'timeout',
  'touches',
  'secrets',
  'manifest',
  'execute',
])
const TOUCHES: readonly unknown[] = ['private', 'untrusted', 'outbound']
const EFFECTS: readonly unknown[] = ['read', 'idempotent', 'keyed', 'once']

/**
 * Defines a tool. Types of `execute` follow from the schemas.
 * @throws {UsageError} for a bad name, schema, effect, timeout or retry, or a missing description or execute.
 */
export function tool<Input = unknown, Output = unknown, Context = unknown>(
  spec: ToolSpec<Input, Output, Context>,
): ToolDefinition<Input, Output, Context> {
  checkToolName(spec.name)
  const unknown = Object.keys(spec).find((field) => !FIELDS.has(field))
  if (unknown !== undefined)
    throw new UsageError(`The tool '${spec.name}' has a field '${unknown}', which there is not.`, {
      hint: `There are ${[...FIELDS].join(', ')}.`,
    })
  const what = `The tool '${spec.name}'`
  if (typeof spec.description !== 'string' || spec.description.trim() === '')
    throw new UsageError(`${what} has no description.`, {
      hint: 'The model chooses tools by their description.',
    })
  if (typeof spec.execute !== 'function') throw new UsageError(`${what} has no execute function.`)
  if (spec.probe !== undefined && typeof spec.probe !== 'function')
    throw new UsageError(`probe of the tool '${spec.name}' is no function.`)
  if (!['undefined', 'boolean', 'function'].includes(typeof spec.needsApproval))
    throw new UsageError(`needsApproval of the tool '${spec.name}' is true, false or a function.`)
  if (spec.effect !== undefined) checkEffect(spec.effect, `${what}'s effect`)
  if (spec.touches !== undefined) checkTouches(spec.touches, `${what}'s touches`)
  checkSchemaShape(spec.inputSchema, `inputSchema of the tool '${spec.name}'`)
  checkSchemaShape(spec.outputSchema, `outputSchema of the tool '${spec.name}'`)
  timeoutOf(spec.timeout, spec.name)
  retryOf(spec.retry, spec.name)
  secretsOf(spec.secrets, spec.name)
  return Object.freeze({ ...spec, [TOOL]: true as const })
}

/** @throws {UsageError} naming `what`. */
export function checkEffect(effect: unknown, what: string): Effect {
  if (EFFECTS.includes(effect)) return effect as Effect
  throw new UsageError(`${what} is 'read', 'idempotent', 'keyed' or 'once', not ${JSON.stringify(effect)}.`)
}

/** @throws {UsageError} naming `what`. */
export function checkTouches(touches: unknown, what: string): readonly Touch[] {
  if (Array.isArray(touches) && touches.every((touch: unknown) => TOUCHES.includes(touch)))
    return touches as readonly Touch[]
  throw new UsageError(
    `${what} is a list of 'private', 'untrusted' and 'outbound', not ${JSON.stringify(touches)}.`,
  )
}

/** In ms. @throws {UsageError} */
export function timeoutOf(timeout: Duration | undefined, name: string): number | undefined {
  if (timeout === undefined) return undefined
  const ms = milliseconds(timeout, `timeout of the tool '${name}'`)
  if (ms > 0) return ms
  throw new UsageError(`timeout of the tool '${name}' is 0: no call could succeed.`)
}

/** `backoff` in ms. @throws {UsageError} */
export function retryOf(
  retry: Retry | undefined,
  name: string,
): { readonly attempts: number; readonly backoff?: number } | undefined {
  if (retry === undefined) return undefined
  const { attempts, backoff } = typeof retry === 'object' && retry !== null ? retry : { attempts: 0 }
  if (!Number.isSafeInteger(attempts) || attempts < 1)
    throw new UsageError(`retry of the tool '${name}' is { attempts, backoff? } with attempts of 1 or more.`)
  return backoff === undefined
    ? { attempts }
    : { attempts, backoff: milliseconds(backoff, `retry.backoff of the tool '${name}'`) }
}

/** Names. @throws {UsageError} */
export function secretsOf(secrets: readonly string[] | undefined, name: string): readonly string[] {
  if (secrets === undefined) return []
  if (!Array.isArray(secrets))
    throw new UsageError(`secrets of the tool '${name}' is a list of names: ['GITHUB_TOKEN'].`)
  return Object.freeze(secrets.map(checkSecretName))
}

/** Also for a tool that another copy of this package made. */
export function isToolDefinition(value: unknown): value is ToolDefinition {
  return typeof value === 'object' && value !== null && TOOL in value
}
