/**
 * An agent's definition as plain JSON, and back. Data stands as it is; functions, tools and models by name, and whoever
 * loads it gives them.
 *
 * V1  Loading runs nothing that the data names: a name is looked up among what the caller gave, or refused.
 * V2  Nothing is lost in silence: what has no name, and what cannot be data, is refused when it is saved.
 * V3  A format that this version does not know is refused; older ones are read.
 */
import { UsageError } from '../base/errors.ts'
import type { Json } from '../base/json.ts'
import { modelName, resolveModel, type ModelGiven } from '../model/resolve.ts'
import { readSchema } from '../tool/schema.ts'
import { isToolDefinition, type ToolDefinition } from '../tool/tool.ts'
import { isToolSource, type ToolSource } from '../tool/source.ts'
import { sourcesOf, toolsOf, type GivenTools, type ToolRecord } from '../tool/tools.ts'
import { OPTIONS, type AgentOptions, type OptionName } from './options.ts'

const FORMAT = 'persistent-code-agent'
const VERSION = 1

type Data = Readonly<Record<string, Json>>

/** A definition as data. Written by `agent.toJSON()`, read by `fromJSON`. */
export interface SavedAgent {
  readonly format: typeof FORMAT
  readonly version: number
  /** `provider/modelId`. */
  readonly model: string
  /** Names of tools, in their order, and of sources of tools. */
  readonly tools: readonly string[]
  readonly managedAgents: readonly SavedAgent[]
  /** Names of functions, by the option (or the part of it) where they stand. */
  readonly functions: Readonly<Record<string, readonly string[]>>
  /** The other options, as they were given. */
  readonly options: Data
}

/** What a saved definition names, to be looked up when it is loaded. Other options are taken in place of the saved ones. */
export interface SavedParts {
  /** The model of the agent that is loaded, and of those that it manages where `models` does not say otherwise. */
  readonly model?: ModelGiven
  /** By the name that was saved: `'anthropic/claude-sonnet-5'`. */
  readonly models?: Readonly<Record<string, ModelGiven>>
  /** Those that are named are taken, of more. */
  readonly tools?: GivenTools
  /** Callbacks, checks, approvals and prices, by their function's name. */
  readonly functions?: Readonly<Record<string, (...args: never[]) => unknown>>
}

type Kind = 'data' | 'named' | 'given again'

/** What becomes of each option. */
export const SAVED_AS: Readonly<Record<OptionName, Kind>> = {
  name: 'data',
  description: 'data',
  provideRunSummary: 'data',
  instructions: 'data',
  promptTemplates: 'data',
  toolEffects: 'data',
  toolTouches: 'data',
  lethalCombination: 'data',
  maxSteps: 'data',
  contextWindow: 'data',
  maxCost: 'data',
  timeout: 'data',
  onLimit: 'data',
  onUnknownOutcome: 'data',
  limits: 'data',
  pauseGrace: 'data',
  planningInterval: 'data',
  typeCheck: 'data',
  outputSchema: 'data',
  actionFormat: 'data',
  modelSettings: 'data',
  providerOptions: 'data',
  maxRetries: 'data',
  maxRetryWait: 'data',
  modelIdleTimeout: 'data',
  rateLimit: 'data',
  model: 'named',
  tools: 'named',
  managedAgents: 'named',
  toolApproval: 'named',
  codeApproval: 'named',
  stepCallbacks: 'named',
  finalAnswerChecks: 'named',
  price: 'named',
  trace: 'data',
  telemetry: 'given again',
  context: 'given again',
  secrets: 'given again',
  storagePath: 'given again',
  store: 'given again',
  stateKey: 'given again',
}

/** @throws {UsageError} naming a function without a name (V2), or an agent that cannot be saved. */
export function savedOf(given: AgentOptions): SavedAgent {
  const { toolApproval, codeApproval, outputSchema } = given
  const approvals = typeof toolApproval === 'function' ? [] : Object.entries(toolApproval ?? {})
  const functions = {
    ...callbackNames(given.stepCallbacks),
    ...named('finalAnswerChecks', given.finalAnswerChecks),
    ...named('price', given.price),
    ...named('codeApproval', onlyFunction(codeApproval)),
    ...named('toolApproval', onlyFunction(toolApproval)),
    ...Object.fromEntries(
      approvals.flatMap(([tool, rule]) => Object.entries(named(`toolApproval.${tool}`, onlyFunction(rule)))),
    ),
  }
  const data = OPTIONS.filter((option) => SAVED_AS[option] === 'data' && option !== 'outputSchema')
  const rules = Object.fromEntries(approvals.filter(([, rule]) => typeof rule !== 'function'))
  return {
    format: FORMAT,
    version: VERSION,
    model: modelName(resolveModel(given.model)),
    tools: [...toolsOf(given.tools ?? []).keys(), ...sourcesOf(given.tools ?? []).map(({ name }) => name)],
    managedAgents: (given.managedAgents ?? []).map(savedAgent),
    functions,
    options: asData({
      ...Object.fromEntries(data.map((option) => [option, given[option as keyof AgentOptions]])),
      ...(outputSchema === undefined
        ? {}
        : { outputSchema: readSchema(outputSchema, 'input', 'outputSchema').jsonSchema }),
      ...(Object.keys(rules).length === 0 ? {} : { toolApproval: rules }),
      ...(typeof codeApproval === 'boolean' ? { codeApproval } : {}),
    }),
  }
}

/**
 * The options of a saved definition, its names looked up in `parts` (V1). `make` makes the agents that it manages.
 * @throws {UsageError} it is no saved agent, of a newer format, or names what is not there; the message lists what is.
 */
export function optionsOf(
  data: unknown,
  parts: SavedParts,
  make: (options: AgentOptions) => NonNullable<AgentOptions['managedAgents']>[number],
): AgentOptions {
  const saved = checked(data)
  const model = parts.models?.[saved.model] ?? parts.model
  if (model === undefined) throw missing('model', saved.model, Object.keys(parts.models ?? {}))
  const look = (names: readonly string[]): readonly unknown[] =>
    names.map((name) => {
      const found = Object.hasOwn(parts.functions ?? {}, name) ? parts.functions?.[name] : undefined
      if (found === undefined) throw missing('function', name, Object.keys(parts.functions ?? {}))
      return found
    })
  const functions: Record<string, unknown> = {}
  const approvals: Record<string, unknown> = {}
  const callbacks: Record<string, unknown> = {}
  for (const [place, names] of Object.entries(saved.functions)) {
    const [option = '', part] = place.split(/\.(.*)/s)
    const found = look(names)
    if (option === 'stepCallbacks' && part !== undefined) callbacks[part] = found
    else if (option === 'toolApproval' && part !== undefined) approvals[part] = found[0]
    else if (SINGLE.has(option)) functions[option] = found[0]
    else if (option === 'finalAnswerChecks') functions['finalAnswerChecks'] = found
    else throw new UsageError(`A saved agent has no functions at '${place}'.`)
  }
  const rules = { ...(saved.options['toolApproval'] as Data | undefined), ...approvals }
  return {
    ...saved.options,
    ...functions,
    ...(Object.keys(callbacks).length === 0 ? {} : { stepCallbacks: callbacks }),
    ...(Object.keys(rules).length === 0 ? {} : { toolApproval: rules }),
    model,
    tools: picked(parts.tools ?? [], saved.tools),
    managedAgents: saved.managedAgents.map((below) => make(optionsOf(below, parts, make))),
    // Each value is checked where an agent is made of it.
  } as AgentOptions
}

/** Options that are one function. */
const SINGLE: ReadonlySet<string> = new Set(['price', 'codeApproval', 'toolApproval'])

function callbackNames(given: AgentOptions['stepCallbacks']): SavedAgent['functions'] {
  const byKind: readonly (readonly [string, unknown])[] = Array.isArray(given)
    ? [['action', given]]
    : Object.entries(given ?? {})
  return Object.fromEntries(
    byKind.flatMap(([kind, some]) => Object.entries(named(`stepCallbacks.${kind}`, some))),
  )
}

/** The names of what stands at `place`: one function, or a list. */
function named(place: string, given: unknown): SavedAgent['functions'] {
  const all: readonly unknown[] = given === undefined ? [] : Array.isArray(given) ? given : [given]
  const names = all.map((one, index) => {
    const name = typeof one === 'function' ? one.name : ''
    if (name !== '') return name
    throw new UsageError(
      `${place} has a function without a name (number ${index + 1}): it cannot be saved.`,
      {
        hint: 'Give functions that are saved a name of their own: they are loaded by it.',
      },
    )
  })
  return names.length === 0 ? {} : { [place]: names }
}

function onlyFunction(rule: unknown): unknown {
  return typeof rule === 'function' ? rule : undefined
}

function savedAgent(agent: unknown): SavedAgent {
  const save: unknown = Reflect.get(Object(agent), 'toJSON')
  if (typeof save !== 'function')
    throw new UsageError('A managed agent that is no agent of ours cannot be saved.')
  return Reflect.apply(save, agent, []) as SavedAgent
}

/** V2. */
function asData(options: Readonly<Record<string, unknown>>): Data {
  const lost = (value: unknown): boolean =>
    typeof value === 'object' && value !== null
      ? Object.values(value).some(lost)
      : !['string', 'boolean', 'undefined'].includes(typeof value) &&
        value !== null &&
        !Number.isFinite(value)
  for (const [name, value] of Object.entries(options))
    if (lost(value)) throw new UsageError(`The option ${name} cannot be saved: it is more than data.`)
  return structuredClone(
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  ) as Data
}

/** V3. */
function checked(data: unknown): SavedAgent {
  const { format, version } = Object(data) as { readonly format?: unknown; readonly version?: unknown }
  if (format !== FORMAT || typeof version !== 'number') throw new UsageError('This is no saved agent.')
  if (version > VERSION)
    throw new UsageError(
      `The agent was saved by a newer version (format ${version}; this one reads ${VERSION}).`,
      {
        hint: 'Update persistent-code-agent.',
      },
    )
  const { model, tools, managedAgents, functions, options } = data as Partial<SavedAgent>
  const isNames = (list: unknown): boolean =>
    Array.isArray(list) && list.every((name) => typeof name === 'string')
  const isWhole =
    typeof model === 'string' &&
    isNames(tools) &&
    Array.isArray(managedAgents) &&
    isRecord(functions) &&
    Object.values(functions).every(isNames) &&
    isRecord(options)
  if (!isWhole) throw new UsageError('The saved agent is damaged: a part is missing, or is not what it was.')
  const foreign = Object.keys(options ?? {}).find(
    (name) => name !== 'toolApproval' && SAVED_AS[name as OptionName] !== 'data',
  )
  if (foreign !== undefined) throw new UsageError(`A saved agent has no option '${foreign}'.`)
  return data as SavedAgent
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type Item = ToolDefinition | ToolRecord | ToolSource

/** The tools, and the sources, of these names, in this order. */
function picked(given: GivenTools, names: readonly string[]): readonly Item[] {
  const items: readonly Item[] = Array.isArray(given) ? given : [given as ToolRecord]
  const there = new Map(
    items.flatMap((item): readonly (readonly [string, Item])[] =>
      isToolDefinition(item) || isToolSource(item)
        ? [[item.name, item]]
        : Object.entries(item).map(([name, one]) => [name, { [name]: one }]),
    ),
  )
  return names.map((name) => {
    const found = there.get(name)
    if (found === undefined) throw missing('tool', name, [...there.keys()])
    return found
  })
}

function missing(what: string, name: string, there: readonly string[]): UsageError {
  return new UsageError(
    `The saved agent names the ${what} '${name}', which is not given. There ${there.length === 0 ? 'is none' : `are: ${there.join(', ')}`}.`,
    { hint: `Give it to fromJSON among its ${what}s.` },
  )
}
