/**
 * What a run is granted: every tool in one form, whoever wrote it.
 *
 * T1  A tool's input and output cross here as `unknown` and are checked by its schemas; behind it they are trusted.
 * T2  The agent's word (`toolEffects`, `toolApproval`) takes the place of the tool's own.
 * T3  The same tools give the same text and digests, in every process.
 */
import { UsageError } from '../base/errors.ts'
import { digestOf } from '../base/id.ts'
import { aiToolOf, descriptionOf, executeAiTool, type AiTool } from './ai-tool.ts'
import {
  denialOf,
  ruleOf,
  ruleOfAll,
  ruleOfPolicy,
  type ApprovalRule,
  type ToolApproval,
  type ToolPolicy,
} from './approval.ts'
import { declarationOf } from './declare.ts'
import { isLangChainTool, ofLangChain, type LangChainTool } from './langchain-tool.ts'
import { checkToolName } from './name.ts'
import type { Checked } from './issues.ts'
import { readSchema, type JsonSchema, type ReadSchema } from './schema.ts'
import { isAsyncGenerator, walk, type OnProgress } from './progress.ts'
import { isOfSource, isToolSource, type ToolSource } from './source.ts'
import { stableJson } from './stable.ts'
import {
  checkEffect,
  checkTouches,
  isToolDefinition,
  retryOf,
  secretsOf,
  timeoutOf,
  tool,
  type Effect,
  type Probed,
  type ToolCallOptions,
  type ToolDefinition,
  type ToolSpec,
  type Touch,
} from './tool.ts'

export interface Tool {
  readonly name: string
  readonly description: string
  readonly effect: Effect
  /** False where nobody said so and `once` was assumed. */
  readonly effectDeclared: boolean
  /** Of name, description, schemas and manifest, and of the secrets that it may take. */
  readonly digest: string
  /** What it brings into a run. */
  readonly touches: readonly Touch[]
  readonly inputSchema: JsonSchema | undefined
  readonly outputSchema: JsonSchema | undefined
  /** TypeScript for the prompt, doc comments and all. */
  readonly declaration: string
  /** Never throws for a value; rejects with `UsageError` if the schema itself turns out to be invalid. */
  checkInput(input: unknown): Promise<Checked>
  checkOutput(output: unknown): Promise<Checked>
  /** A function is given the checked input; it rejects where it denies (`ToolError`) or fails: then nothing is approved. */
  readonly approval: ApprovalRule
  /** In ms. */
  readonly timeout?: number
  readonly retry?: { readonly attempts: number; readonly backoff?: number }
  /** Those whose references its input may hold. */
  readonly secrets: readonly string[]
  /** Whatever it says that is no answer is `undefined`: nobody can say. */
  readonly probe?: (input: unknown, call: ToolCallOptions) => Promise<Probed>
  /** Rejects with what the tool threw. `onProgress` hears what a generator yields. */
  execute(input: unknown, call: ToolCallOptions, onProgress?: OnProgress): Promise<unknown>
}

/** A record of AI SDK tools, names first; a `ToolDefinition` may stand in it under its own name. */
export type ToolRecord = { readonly [name: string]: AiTool | ToolDefinition }

/** What an agent takes as `tools`. */
export type GivenTools = ToolRecord | readonly (ToolDefinition | LangChainTool | ToolRecord | ToolSource)[]

export interface ToolOptions {
  readonly toolEffects?: { readonly [name: string]: Effect } | undefined
  readonly toolApproval?: { readonly [name: string]: ToolApproval } | ToolPolicy | undefined
  readonly toolTouches?: { readonly [name: string]: readonly Touch[] } | undefined
  /** For descriptions that are functions. */
  readonly context?: unknown
}

/** The sources among the tools. */
export function sourcesOf(given: GivenTools): readonly ToolSource[] {
  return Array.isArray(given) ? given.filter((item: unknown) => isToolSource(item)) : []
}

/**
 * The tools by name, in the order given; those of sources are not among them.
 * @throws {UsageError} for a tool that cannot be used, two of one name, or an option about a tool that is not there.
 */
export function toolsOf(given: GivenTools, more: ToolOptions = {}): ReadonlyMap<string, Tool> {
  const tools = new Map<string, Tool>()
  const sources = sourcesOf(given).map(({ name }) => name)
  const { toolEffects = {}, toolApproval = {}, toolTouches = {} } = more
  const forAll = typeof toolApproval === 'function' ? toolApproval : undefined
  const byName = typeof toolApproval === 'function' ? {} : toolApproval
  for (const parts of Array.isArray(given)
    ? given.flatMap((item: unknown) => partsOf(item))
    : recordParts(given)) {
    const { name } = parts
    if (tools.has(name)) throw new UsageError(`Two tools are named '${name}'.`)
    const told = {
      effect: own(toolEffects, name),
      touches: own(toolTouches, name),
      policy: own(byName, name),
      forAll,
    }
    tools.set(name, build(withContext(parts, more.context), told))
  }
  for (const [option, record] of Object.entries({ toolEffects, toolApproval: byName, toolTouches }))
    for (const name of Object.keys(record))
      if (!tools.has(name) && !isOfSource(name, sources))
        throw new UsageError(`${option} names '${name}', but there is no such tool.`, {
          hint:
            tools.size === 0
              ? 'No tools were given.'
              : `There are: ${[...tools.keys()].slice(0, 20).join(', ')}.`,
        })
  return tools
}

/** A tool of either kind, and where it came from. */
type Parts =
  | { readonly is: 'own'; readonly name: string; readonly tool: ToolDefinition }
  | {
      readonly is: 'ai'
      readonly name: string
      readonly tool: ReturnType<typeof aiToolOf>
      readonly context?: unknown
    }

function partsOf(item: unknown): readonly Parts[] {
  if (isToolDefinition(item)) return [{ is: 'own', name: item.name, tool: item }]
  if (isToolSource(item)) return []
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    throw new UsageError('tools holds something that is no tool.', { hint: 'Make each with tool({ … }).' })
  if (isLangChainTool(item)) return [{ is: 'own', name: item.name, tool: ofLangChain(item) }]
  if ('execute' in item && typeof item.execute === 'function') {
    if (!('name' in item) || typeof item.name !== 'string')
      throw new UsageError('A tool in the list has no name.', {
        hint: 'Give AI SDK tools as a record: { weather: tool({ … }) }.',
      })
    const made = tool(item as ToolSpec<unknown, unknown, unknown>)
    return [{ is: 'own', name: made.name, tool: made }]
  }
  return recordParts(item)
}

function recordParts(record: object): readonly Parts[] {
  return Object.entries(record).map(([name, value]: [string, unknown]) => {
    checkToolName(name)
    if (!isToolDefinition(value)) return { is: 'ai', name, tool: aiToolOf(value, name) }
    if (value.name === name) return { is: 'own', name, tool: value }
    throw new UsageError(`The tool '${value.name}' stands under the name '${name}'.`, {
      hint: 'Give it in a list, or under its own name.',
    })
  })
}

function withContext(parts: Parts, context: unknown): Parts {
  return parts.is === 'ai' ? { ...parts, context } : parts
}

/** What the agent says of a tool. */
interface Told {
  readonly effect: unknown
  readonly touches: unknown
  readonly policy: unknown
  readonly forAll: ToolPolicy | undefined
}

function build(parts: Parts, told: Told): Tool {
  const { policy } = told
  const { name, tool: made } = parts
  const description =
    parts.is === 'own' ? parts.tool.description : descriptionOf(parts.tool, name, parts.context)
  const input = read(made.inputSchema, 'input', name)
  const output = read(made.outputSchema, 'output', name)
  const how = effectOf(parts, told.effect)
  const limits = parts.is === 'own' ? limitsOf(parts.tool) : {}
  if (how.effect === 'once' && (limits.retry?.attempts ?? 1) > 1)
    throw new UsageError(
      `The tool '${name}' has a retry, but its effect is 'once': it is never sent twice.`,
      {
        hint: "Give it the effect 'read', 'idempotent' or 'keyed', if that is true of it.",
      },
    )
  const secrets = parts.is === 'own' ? secretsOf(parts.tool.secrets, name) : []
  const approval =
    policy === undefined
      ? ruleOf(made.needsApproval, name, { lax: parts.is === 'ai' })
      : ruleOfPolicy(policy, name)
  const denial = policy === undefined ? undefined : denialOf(policy, name)
  const run = runnerOf(parts)
  return Object.freeze({
    name,
    description,
    ...how,
    digest: digestOf(
      stableJson([
        name,
        description,
        input?.jsonSchema ?? null,
        output?.jsonSchema ?? null,
        ...(parts.is === 'own' && parts.tool.manifest !== undefined ? [parts.tool.manifest] : []),
        ...(secrets.length === 0 ? [] : [{ secrets }]),
      ]),
    ),
    secrets,
    inputSchema: input?.jsonSchema,
    outputSchema: output?.jsonSchema,
    declaration: declarationOf({ name, description, input: input?.jsonSchema, output: output?.jsonSchema }),
    checkInput: checkerOf(input, `The input of ${name}`),
    checkOutput: checkerOf(output, `The output of ${name}`),
    touches: touchesOf(parts, told.touches),
    approval: told.forAll === undefined ? approval : ruleOfAll(told.forAll, approval, name),
    ...limits,
    execute: async (
      value: unknown,
      call: ToolCallOptions,
      onProgress: OnProgress = ignored,
    ): Promise<unknown> => {
      if (denial !== undefined) throw denial
      return run(value, call, onProgress)
    },
  })
}

function effectOf(parts: Parts, told: unknown): Pick<Tool, 'effect' | 'effectDeclared'> {
  if (told !== undefined)
    return { effect: checkEffect(told, `toolEffects of '${parts.name}'`), effectDeclared: true }
  const said = parts.is === 'own' ? parts.tool.effect : undefined
  return { effect: said ?? 'once', effectDeclared: said !== undefined }
}

function touchesOf(parts: Parts, told: unknown): readonly Touch[] {
  if (told !== undefined) return checkTouches(told, `toolTouches of '${parts.name}'`)
  return (parts.is === 'own' ? parts.tool.touches : undefined) ?? []
}

function limitsOf(made: ToolDefinition): Pick<Tool, 'timeout' | 'retry' | 'probe'> {
  const timeout = timeoutOf(made.timeout, made.name)
  const retry = retryOf(made.retry, made.name)
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(retry === undefined ? {} : { retry }),
    ...(made.probe === undefined
      ? {}
      : { probe: async (input: unknown, call: ToolCallOptions) => probed(await made.probe?.(input, call)) }),
  }
}

function probed(said: unknown): Probed {
  if (typeof said !== 'object' || said === null || !('happened' in said)) return undefined
  if (said.happened === false) return { happened: false }
  return said.happened === true && 'result' in said ? { happened: true, result: said.result } : undefined
}

function ignored(): void {}

type Runner = (input: unknown, call: ToolCallOptions, onProgress: OnProgress) => Promise<unknown>

function runnerOf(parts: Parts): Runner {
  if (parts.is === 'own')
    return async (input, call, onProgress) => {
      const given: unknown = await parts.tool.execute(input, call)
      if (!isAsyncGenerator(given)) return given
      return walk(given, { result: 'returned', abortSignal: call.abortSignal }, onProgress)
    }
  const { tool: made, name } = parts
  const schema = made.contextSchema === undefined ? undefined : `contextSchema of the tool '${name}'`
  return async (input, call, onProgress) => {
    if (schema === undefined) return executeAiTool(made, input, call, call.context, onProgress)
    const checked = await readSchema(made.contextSchema, 'input', schema).check(
      call.context,
      `The context of ${name}`,
    )
    if (!checked.ok) throw new UsageError(checked.message, { hint: "Give it as the agent's context." })
    return executeAiTool(made, input, call, checked.value, onProgress)
  }
}

function read(schema: unknown, side: 'input' | 'output', name: string): ReadSchema | undefined {
  return schema === undefined ? undefined : readSchema(schema, side, `${side}Schema of the tool '${name}'`)
}

/** Without a schema anything goes: nothing was promised. */
function checkerOf(schema: ReadSchema | undefined, what: string): Tool['checkInput'] {
  if (schema === undefined) return (value) => Promise.resolve({ ok: true, value })
  return (value) => schema.check(value, what)
}

/** Own properties only: a tool may be named `constructor`. */
function own(record: object, name: string): unknown {
  return Object.hasOwn(record, name) ? (record as Readonly<Record<string, unknown>>)[name] : undefined
}
