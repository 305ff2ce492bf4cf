/**
 * Grants: the tools that one run may call at most. They hold for every run below it too, so an agent that is called
 * never has more than its caller.
 */
import { UsageError } from '../base/errors.ts'
import { isOfSource } from '../tool/source.ts'
import type { Definition } from './definition.ts'

/** The definition as a run with these grants may use it; undefined grants leave it as it is. */
export function granted(definition: Definition, grants: readonly string[] | undefined): Definition {
  if (grants === undefined) return definition
  const names = new Set(grants)
  const only = <Value>(all: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> =>
    new Map([...all].filter(([name]) => names.has(name)))
  const narrowed = { ...definition, tools: only(definition.tools), managed: only(definition.managed) }
  const { sources } = definition
  if (sources?.open === undefined) return narrowed
  const { open } = sources
  // What comes later is held to the same.
  const later = async (whole: Definition): Promise<Definition> => granted(await open(whole), grants)
  return { ...narrowed, sources: { ...sources, open: later } }
}

/** @throws {UsageError} they are no list of names, or name what neither the agent nor one below it has. */
export function checkGrants(definition: Definition, grants: unknown): readonly string[] | undefined {
  if (grants === undefined) return undefined
  if (!Array.isArray(grants) || !grants.every((name): name is string => typeof name === 'string'))
    throw new UsageError('grants is a list of names of tools and of managed agents.')
  const known = namesIn(definition)
  const sources = sourcesIn(definition)
  const unknown = grants.find((name) => !known.has(name) && !isOfSource(name, sources))
  if (unknown !== undefined)
    throw new UsageError(`grants names '${unknown}', but there is no such tool and no such agent.`, {
      hint: `There are: ${[...known].slice(0, 20).join(', ')}.`,
    })
  return [...new Set(grants)]
}

/** Of agents below whose sources are not open, only these are known. */
function sourcesIn({ sources, managed }: Definition): readonly string[] {
  const own = sources?.open === undefined ? [] : sources.names
  return [...own, ...Array.from(managed.values(), sourcesIn).flat()]
}

function namesIn({ tools, managed }: Definition): ReadonlySet<string> {
  return new Set([...tools.keys(), ...[...managed.values()].flatMap((below) => [...namesIn(below)])])
}
