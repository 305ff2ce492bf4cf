/**
 * The agent of a module: its default export, or what that makes.
 *
 * A1  What a module exports is judged by what it can do: it may come with another copy of this package.
 * A2  A module that cannot be used is a matter of configuration (exit 2), whatever it throws.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { isPersistentAgentError, UsageError } from '../base/errors.ts'
import type { Store } from '../journal/store.ts'
import type { PersistentCodeAgent } from '../persistent-code-agent.ts'
import { defaultOf } from './load.ts'
import { near } from './place.ts'

/** @throws {UsageError} naming the module and what it must export. */
export async function loadAgent(path: string): Promise<PersistentCodeAgent> {
  const file = resolve(path)
  const name = near(file)
  if (!existsSync(file)) {
    throw new UsageError(`There is no module ${name}.`, {
      hint: 'The path is relative to the current directory.',
    })
  }
  const given = await attempt(name, async () => defaultOf(file, true))
  if (isAgent(given)) return given
  throw new UsageError(`${name} does not export an agent: its default export ${describe(given)}.`, {
    hint: 'Write: export default new PersistentCodeAgent({ … }), or a function that returns one.',
  })
}

/**
 * Lets `agent` keep its runs in `store`, whatever its own options say. Who opened the store closes it: the agent's own
 * `close` is never called here.
 */
export function settle(agent: PersistentCodeAgent, store: Store): void {
  Reflect.defineProperty(agent, 'openStore', { value: async () => store, configurable: true })
}

async function attempt(name: string, load: () => Promise<unknown>): Promise<unknown> {
  try {
    return await load()
  } catch (error) {
    if (isPersistentAgentError(error)) throw error
    const why = error instanceof Error ? `${error.name}: ${error.message}${placeIn(error)}` : String(error)
    throw new UsageError(`${name} could not be loaded: ${why}`, {
      cause: error,
      hint: `Try it alone: node ${name}`,
    })
  }
}

/** Where it broke, if the author's own code says. */
function placeIn(error: Error): string {
  const line = error.stack?.split('\n').find((it) => it.includes('file://') && !it.includes('node_modules'))
  return line === undefined ? '' : `\n  ${line.trim()}`
}

const METHODS = ['start', 'resume', 'answer', 'definition']

function isAgent(value: unknown): value is PersistentCodeAgent {
  return (
    typeof value === 'object' &&
    value !== null &&
    METHODS.every((it) => typeof Reflect.get(value, it) === 'function')
  )
}

function describe(value: unknown): string {
  if (value === undefined) return 'is missing'
  if (typeof value !== 'object' || value === null) return `is of type ${typeof value}`
  const made: unknown = Reflect.get(value, 'constructor')
  const name = typeof made === 'function' && made !== Object ? made.name : 'plain object'
  return name === 'CodeAgent' ? 'is a CodeAgent, whose runs live in memory only' : `is a ${name}`
}
