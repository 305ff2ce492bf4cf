/** `pca.config.ts`, `.js` or `.json` of the current directory: what is usual here. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { UsageError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'

const FILES = ['pca.config.ts', 'pca.config.js', 'pca.config.json'] as const

/** What a config file exports by default, or is. Each may be left out; a flag or a variable goes before it. */
export interface Config {
  /** The path of the state file. */
  readonly store?: string
  /** The path of the agent's module: for runs that were not started with another one. */
  readonly agent?: string
  /** For `pca run`: as its flags have them. */
  readonly defaults?: {
    readonly maxSteps?: number
    readonly maxCost?: number
    readonly timeout?: number | string
    readonly wait?: boolean
  }
}

export interface ConfigFile {
  readonly name: string
  readonly config: Config
}

/** @throws {UsageError} it cannot be read, there are several, or it says what no config can. */
export async function readConfig(): Promise<ConfigFile | undefined> {
  const [name, second] = FILES.filter((file) => existsSync(file))
  if (name === undefined) return undefined
  if (second !== undefined)
    throw new UsageError(`There are ${name} and ${second}: only one can count.`, {
      hint: `Remove one of them.`,
    })
  return { name, config: checked(name, await contentOf(name)) }
}

async function contentOf(name: string): Promise<unknown> {
  try {
    if (name.endsWith('.json')) return parseJson(readFileSync(name, 'utf8'), name)
    const { defaultOf } = await import('./load.ts')
    return await defaultOf(resolve(name), false)
  } catch (error) {
    if (error instanceof UsageError) throw error
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new UsageError(`${name} could not be loaded: ${why}`, {
      cause: error,
      hint: `Try it alone: node ${name}`,
    })
  }
}

const KINDS: Readonly<Record<string, readonly string[]>> = {
  store: ['string'],
  agent: ['string'],
  defaults: ['object'],
  'defaults.maxSteps': ['number'],
  'defaults.maxCost': ['number'],
  'defaults.timeout': ['string', 'number'],
  'defaults.wait': ['boolean'],
}

function checked(name: string, found: unknown): Config {
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    throw new UsageError(`${name} holds no settings.`, {
      hint: name.endsWith('.json')
        ? `Write: { "agent": "agent.ts" }`
        : `Write: export default { agent: 'agent.ts' }`,
    })
  for (const [key, value] of Object.entries(found)) {
    mustBe(name, key, value)
    if (key === 'defaults')
      for (const [inner, each] of Object.entries(Object(value) as object))
        mustBe(name, `defaults.${inner}`, each)
  }
  return found
}

function mustBe(name: string, key: string, value: unknown): void {
  const kinds = Object.hasOwn(KINDS, key) ? KINDS[key] : undefined
  if (kinds === undefined)
    throw new UsageError(`${name}: there is no setting '${key}'.`, {
      hint: `There are ${Object.keys(KINDS).join(', ')}.`,
    })
  if (value !== null && kinds.includes(typeof value)) return
  throw new UsageError(
    `${name}: '${key}' is a ${kinds.join(' or a ')}, not ${value === null ? 'null' : `a ${typeof value}`}.`,
  )
}
