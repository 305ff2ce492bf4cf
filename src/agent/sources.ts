/**
 * Tools that come from sources: a definition is without them until it is opened, which whoever drives a run does, and
 * nobody else. Making an agent, reading its runs and answering their questions opens nothing.
 */
import type { ToolDefinition } from '../tool/tool.ts'
import { mustBeApart, type ToolSource } from '../tool/source.ts'
import { sourcesOf, type GivenTools, type Tool } from '../tool/tools.ts'
import type { Definition, Sources } from './definition.ts'

type Tools = ReadonlyMap<string, Tool>

/**
 * The sources of a list of tools; undefined where there are none. `make` makes the tools of a list.
 * @throws {UsageError} `names`, which are taken, are in their way.
 */
export function sourcesIn(
  given: GivenTools,
  names: readonly string[],
  make: (given: GivenTools) => Tools,
): Sources | undefined {
  const sources = sourcesOf(given)
  if (sources.length === 0) return undefined
  const named = sources.map(({ name }) => name)
  mustBeApart(named, names)
  const holder = {}
  let last: { readonly lists: readonly (readonly ToolDefinition[])[]; readonly tools: Tools } | undefined
  const close = async (): Promise<void> => {
    await Promise.all(sources.map(async (source) => source.close(holder)))
  }
  return {
    names: named,
    close,
    open: async (definition) => {
      const means = { secret: async (name: string) => definition.secrets.value(name, definition.context) }
      const lists = await Promise.all(sources.map(async (source) => source.open(holder, means)))
      // What has not changed is not made again, nor are its schemas read again.
      if (last === undefined || lists.some((list, index) => list !== last?.lists[index]))
        last = { lists, tools: make(inPlace(given, sources, lists)) }
      return { ...definition, tools: last.tools, sources: { names: named, close } }
    },
  }
}

/** The definition with all of its tools. @throws {UsageError} a source cannot be opened, or gives what cannot be. */
export async function opened(definition: Definition): Promise<Definition> {
  return definition.sources?.open?.(definition) ?? definition
}

/** Ends what was opened for it, and for the agents that it manages. */
export async function closeSources({ sources, managed }: Definition): Promise<void> {
  await Promise.all([sources?.close(), ...Array.from(managed.values(), closeSources)])
}

/** The tools of each source where it stood. */
function inPlace(
  given: GivenTools,
  sources: readonly ToolSource[],
  lists: readonly (readonly ToolDefinition[])[],
): GivenTools {
  const items = given as readonly Exclude<GivenTools, readonly unknown[]>[]
  return items.flatMap((item) => {
    const index = sources.findIndex((source) => (source as unknown) === item)
    return index < 0 ? [item] : ((lists[index] ?? []) as never)
  })
}
