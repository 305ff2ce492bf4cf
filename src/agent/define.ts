/** What an author gives becomes a Definition: everything is checked here, once. */
import { UsageError } from '../base/errors.ts'
import { knownModel } from '../model/catalog.ts'
import { modelName, resolveModel } from '../model/resolve.ts'
import { reportsCost } from '../model/usage.ts'
import { ruleOfCode } from '../tool/approval.ts'
import { declarationOf } from '../tool/declare.ts'
import { NO_SECRETS, Secrets } from '../tool/secret.ts'
import { readSchema } from '../tool/schema.ts'
import { sourcesOf, toolsOf, type GivenTools, type Tool } from '../tool/tools.ts'
import type { Price } from './budget.ts'
import { callbacksOf, nameOf } from './callbacks.ts'
import type { Definition, NamedCheck } from './definition.ts'
import { managedOf, toolOfAgent } from './managed.ts'
import { DEFAULTS, dataOptions, type AgentOptions } from './options.ts'
import { sourcesIn } from './sources.ts'
import { templatesOf } from './templates.ts'
import { telemetryOf, traceOf } from './telemetry-options.ts'

/** Their names were checked (`checkOptionNames`). @throws {UsageError} naming the option that is wrong. */
export function define(given: AgentOptions, agent: unknown): Definition {
  const name = given.name ?? 'agent'
  if (!/^[\w.-]{1,64}$/.test(name))
    throw new UsageError(
      `An agent's name is 1 to 64 letters, digits, '_', '.' or '-': ${JSON.stringify(name)}`,
    )
  const model = resolveModel(given.model)
  const { toolEffects, toolApproval, toolTouches, context, outputSchema } = given
  const secrets = given.secrets === undefined ? NO_SECRETS : new Secrets(given.secrets)
  const managed = managedOf(given.managedAgents ?? [])
  const schema = outputSchema === undefined ? undefined : readSchema(outputSchema, 'input', 'outputSchema')
  const make = (tools: GivenTools): Definition['tools'] =>
    withAgents(
      given.name,
      withSecrets(toolsOf(tools, { toolEffects, toolApproval, toolTouches, context }), secrets),
      managed,
    )
  const tools = make(given.tools ?? [])
  const sources = sourcesIn(given.tools ?? [], [...tools.keys()], make)
  for (const source of sourcesOf(given.tools ?? [])) mustBeThere(source.secrets, secrets, source.name)
  return {
    name,
    model,
    modelName: modelName(model),
    tools,
    ...(sources === undefined ? {} : { sources }),
    instructions: given.instructions ?? '',
    templates: templatesOf(given.promptTemplates),
    window: once(() => knownModel(model.provider, model.modelId)?.contextWindow),
    description: given.description ?? '',
    provideRunSummary: given.provideRunSummary === true,
    managed,
    options: { ...DEFAULTS, ...dataOptions(given) },
    callbacks: callbacksOf(given.stepCallbacks),
    checks: (given.finalAnswerChecks ?? []).map((run, index): NamedCheck => ({
      name: nameOf(run, unnamedCheck(index, given.finalAnswerChecks?.length ?? 0)),
      run,
    })),
    ...(schema === undefined
      ? {}
      : {
          answer: declarationOf({
            name: 'finalAnswer',
            description: 'Ends the task.',
            input: schema.jsonSchema,
            output: undefined,
          }).replace(/: Promise<unknown>$/, ': never'),
          checkOutput: async (output) => schema.check(output, 'The answer'),
        }),
    price: priceOf(given, model),
    codeApproval: ruleOfCode(given.codeApproval),
    typeCheck: given.typeCheck ?? process.env['PCA_TYPE_CHECK'] !== 'off',
    context,
    trace: traceOf(given.trace),
    telemetry: telemetryOf(given.telemetry),
    secrets,
    agent,
  }
}

/** What people decided for one that has no name is for the same list of checks only. */
function unnamedCheck(index: number, count: number): string {
  return count < 2 ? 'check 1' : `check ${index + 1} of ${count}`
}

/** @throws {UsageError} a tool takes a secret that is not there. */
function withSecrets(tools: ReadonlyMap<string, Tool>, secrets: Secrets): ReadonlyMap<string, Tool> {
  for (const tool of tools.values()) mustBeThere(tool.secrets, secrets, tool.name)
  return tools
}

/** @throws {UsageError} */
function mustBeThere(taken: readonly string[], { names }: Secrets, by: string): void {
  const missing = taken.find((name) => !names.includes(name))
  if (missing === undefined) return
  throw new UsageError(`The tool '${by}' takes the secret ${missing}, which is not among the agent's.`, {
    hint: `Give the agent its secrets: { ${missing}: process.env.${missing} }. They are given again on resume.`,
  })
}

/** @throws {UsageError} an agent goes by the name of a tool, of its own or of the agent that manages it. */
function withAgents(
  name: string | undefined,
  tools: ReadonlyMap<string, Tool>,
  managed: ReadonlyMap<string, Definition>,
): ReadonlyMap<string, Tool> {
  if (name !== undefined && (tools.has(name) || managed.has(name)))
    throw new UsageError(`The agent '${name}' has a tool or a managed agent of its own name.`)
  if (managed.size === 0) return tools
  const agents = toolsOf([...managed.values()].map(toolOfAgent))
  const taken = [...agents.keys()].find((name) => tools.has(name))
  if (taken !== undefined) throw new UsageError(`A tool and a managed agent are both named '${taken}'.`)
  return new Map([...tools, ...agents])
}

function once<Value>(find: () => Value): () => Value {
  let found: { readonly value: Value } | undefined
  return () => (found ??= { value: find() }).value
}

/** @throws {UsageError} the run is to be limited by its cost, and nobody knows what it costs. */
export function priceOf({ price, maxCost }: AgentOptions, model: Definition['model']): Price {
  if (price !== undefined) {
    if (typeof price !== 'function') throw new UsageError('price is no function.')
    return price
  }
  const { provider, modelId } = model
  if (maxCost !== undefined && !reportsCost(provider) && knownModel(provider, modelId) === undefined)
    throw new UsageError(`maxCost needs to know what ${modelName(model)} costs.`, {
      hint: 'Give a price, for example price: ({ inputTokens, outputTokens }) => (3 * inputTokens + 15 * outputTokens) / 1e6, or install @pydantic/genai-prices, if it knows the model.',
    })
  return (usage) => knownModel(provider, modelId)?.price(usage)
}
