/**
 * A source of tools that are not there yet: a server, say, that is started when a run needs it. It stands among an
 * agent's tools; until it is opened, only its name is known.
 *
 * O1  Its tools' names begin with its name and `_`, and no other tool's does: what a source says later cannot hide
 *     what an author has written, or what another source gives.
 * O2  It stays open for as long as one of those who opened it wants it.
 */
import { UsageError } from '../base/errors.ts'
import type { ToolDefinition } from './tool.ts'

/** Known in every copy of this package. */
export const TOOL_SOURCE: unique symbol = Symbol.for('persistent-code-agent.tool-source')

/** What a source has of the run that opens it. */
export interface Means {
  /** The value of one of the agent's secrets. @throws {ToolError} */
  readonly secret: (name: string) => Promise<string>
}

export interface ToolSource {
  readonly [TOOL_SOURCE]: true
  readonly name: string
  /** The agent's secrets that it refers to. */
  readonly secrets: readonly string[]
  /**
   * Its tools, as they are now, for `holder`.
   * @throws {UsageError} it cannot be opened, or has not what it is said to have.
   */
  open(holder: object, means: Means): Promise<readonly ToolDefinition[]>
  /** `holder` needs it no more; the last one to say so ends it. */
  close(holder: object): Promise<void>
}

/** Also for a source that another copy of this package made. */
export function isToolSource(value: unknown): value is ToolSource {
  return typeof value === 'object' && value !== null && TOOL_SOURCE in value
}

/** O1: whether a tool of this name is, or would be, of one of these sources. */
export function isOfSource(name: string, sources: readonly string[]): boolean {
  return sources.some((source) => name.startsWith(`${source}_`))
}

/** O1. `names`: of tools and agents. @throws {UsageError} naming the two that are in each other's way. */
export function mustBeApart(sources: readonly string[], names: readonly string[]): void {
  const twice = sources.find((name, index) => sources.indexOf(name) !== index)
  if (twice !== undefined) throw new UsageError(`Two sources of tools are named '${twice}'.`)
  for (const name of [...names, ...sources]) {
    const source = sources.find((one) => name.startsWith(`${one}_`) || (one === name && names.includes(name)))
    if (source !== undefined)
      throw new UsageError(
        `'${name}' is in the way of the source '${source}': names that begin so are those of its tools.`,
        { hint: 'Name one of the two otherwise.' },
      )
  }
}
