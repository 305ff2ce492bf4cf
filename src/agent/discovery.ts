/** What the code asks about the tools that it has: `tools.search(words)` and `tools.describe(name)`. */
import { decode, encode } from '../base/codec.ts'
import type { Encoded } from '../base/halt.ts'
import type { CallOutcome } from '../journal/entry.ts'
import { ToolIndex } from '../tool/find.ts'
import type { Tool } from '../tool/tools.ts'

/** The guest's call. Input: `['search', words, limit?]` or `['describe', name or names]`. */
export const TOOLS = '$tools'

const FOUND = 10
const MOST = 50
/** Of a description in a list. */
const CHARS = 200

const indexes = new WeakMap<ReadonlyMap<string, Tool>, ToolIndex>()

/** Never rejects: what makes no sense is told to the code. What it gave is journaled with its call. */
export function askedOfTools(input: Encoded, tools: ReadonlyMap<string, Tool>): CallOutcome {
  const [what, words, limit = FOUND] = decode(input) as readonly unknown[]
  if (what === 'search') {
    if (typeof words !== 'string') return wrong('tools.search takes words, as one text.')
    if (typeof limit !== 'number' || !(limit >= 1))
      return wrong('The limit of tools.search is a number from 1.')
    const index = indexes.get(tools) ?? new ToolIndex(tools)
    indexes.set(tools, index)
    const found = index.search(words, Math.min(limit, MOST)).map(({ name, description }) => ({
      name,
      description: description.length > CHARS ? `${description.slice(0, CHARS)}…` : description,
    }))
    return { ok: true, value: encode(found) }
  }
  const names = Array.isArray(words) ? (words as readonly unknown[]) : [words]
  const declarations: string[] = []
  for (const name of names) {
    const tool = typeof name === 'string' ? tools.get(name) : undefined
    if (tool === undefined)
      return wrong(`There is no tool ${JSON.stringify(name)}. Find it with tools.search(words).`)
    declarations.push(tool.declaration)
  }
  return { ok: true, value: encode(declarations.join('\n')) }
}

function wrong(message: string): CallOutcome {
  return { ok: false, error: { name: 'TypeError', message } }
}
