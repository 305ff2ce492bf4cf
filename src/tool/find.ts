/**
 * Finding tools by words, where there are too many to declare all of them.
 *
 * W1  The same tools and words give the same list, in every process: ties go by the order in which tools were given.
 */
import type { Tool } from './tools.ts'

/** With more tools than these, the prompt lists names only, and the code looks tools up. */
export const MOST_DECLARED = 30

/** `tools.search` and `tools.describe` are there: many tools, and none of them has these names. */
export function areSearched(tools: readonly Tool[]): boolean {
  return tools.length > MOST_DECLARED && !tools.some(({ name }) => name === 'search' || name === 'describe')
}

interface Entry {
  readonly tool: Tool
  readonly name: ReadonlySet<string>
  readonly text: ReadonlySet<string>
}

const NAME = 4
const NAME_BEGINS = 2
const TEXT = 1

/** Tools by their words, made once for a set of tools. */
export class ToolIndex {
  readonly #entries: readonly Entry[]
  /** How many tools have a word: what many have says little. */
  readonly #common = new Map<string, number>()

  constructor(tools: ReadonlyMap<string, Tool>) {
    this.#entries = [...tools.values()].map((tool) => ({
      tool,
      name: new Set(wordsOf(tool.name)),
      text: new Set(wordsOf(tool.description)),
    }))
    for (const { name, text } of this.#entries)
      for (const word of new Set([...name, ...text]))
        this.#common.set(word, (this.#common.get(word) ?? 0) + 1)
  }

  /** The tools that fit best, at most `limit`. */
  search(query: string, limit: number): readonly Tool[] {
    const words = [...new Set(wordsOf(query))]
    const all = this.#entries.length
    const scored = this.#entries.map(({ tool, name, text }, place) => {
      let score = 0
      for (const word of words) {
        const weight = Math.log(1 + all / (1 + (this.#common.get(word) ?? 0)))
        const begins = [...name].some((one) => one.startsWith(word) || word.startsWith(one))
        score += weight * (name.has(word) ? NAME : begins ? NAME_BEGINS : 0)
        score += weight * (text.has(word) ? TEXT : 0)
      }
      return { tool, score, place }
    })
    return scored
      .filter(({ score }) => score > 0)
      .toSorted((one, other) => other.score - one.score || one.place - other.place)
      .slice(0, limit)
      .map(({ tool }) => tool)
  }
}

/** `listUserFiles2` is `list user files 2`. A plural is its singular; of two letters is nothing found. */
function wordsOf(text: string): readonly string[] {
  const apart = text.replaceAll(/(\p{Ll}|\d)(?=\p{Lu})/gu, '$1 ').toLowerCase()
  return (apart.match(/\p{L}{3,}|\d+/gu) ?? []).map((word) =>
    word.length > 3 && word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word,
  )
}
