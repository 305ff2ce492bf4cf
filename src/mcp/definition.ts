/**
 * What a server says of a tool, and what we make of it.
 *
 * A1  A hint is believed only of a server that is trusted; without one, a call is sent at most once and approved.
 * A2  Two tools of one name are both refused: nobody knows which of them was meant.
 */
import { UsageError } from '../base/errors.ts'
import { digestOf } from '../base/id.ts'
import { parseJson, type Json } from '../base/json.ts'
import { checkToolName } from '../tool/name.ts'
import { readSchema } from '../tool/schema.ts'
import { stableJson } from '../tool/stable.ts'
import type { Effect, Touch } from '../tool/tool.ts'
import type { Tool } from './client.ts'
import type { Settings } from './options.ts'

/** A tool of a server, read. */
export interface Listed {
  /** The server's name of it, and ours. */
  readonly name: string
  readonly ownName: string
  readonly description: string
  readonly inputSchema: object
  readonly outputSchema: object | undefined
  readonly effect: Effect
  readonly needsApproval: boolean
  readonly touches: readonly Touch[]
  /** Its annotations, where they count. */
  readonly manifest: Json
  /** Of all that the server says of it. */
  readonly digest: string
  /** As it came: what the client wants to have when it is called. */
  readonly raw: Tool
}

export interface Refused {
  readonly name: string
  readonly why: string
}

/** A longer description is cut: it stands in every prompt. */
const LONGEST_DESCRIPTION = 8_000

/** The tools that can be used, and those that cannot, with why. */
export function listedOf(
  raw: readonly Tool[],
  settings: Settings,
): { readonly tools: readonly Listed[]; readonly refused: readonly Refused[] } {
  const { include, exclude } = settings
  const wanted = raw.filter(({ name }) => include?.includes(name) !== false && !exclude.includes(name))
  const names = new Map<string, number>()
  for (const { name } of wanted) {
    const ownName = ownNameOf(settings.name, name)
    names.set(ownName, (names.get(ownName) ?? 0) + 1)
  }
  const tools: Listed[] = []
  const refused: Refused[] = []
  for (const tool of wanted) {
    const ownName = ownNameOf(settings.name, tool.name)
    try {
      // A2.
      if ((names.get(ownName) ?? 0) > 1)
        throw new UsageError(`several of its tools would be named ${ownName}`)
      tools.push(read(tool, ownName, settings))
    } catch (error) {
      refused.push({ name: tool.name, why: error instanceof Error ? error.message : String(error) })
    }
  }
  return { tools, refused }
}

/** `everything` and `get-sum` make `everything_get_sum`, which code calls as it stands. */
function ownNameOf(server: string, name: string): string {
  return `${server}_${name.replaceAll(/[^A-Za-z0-9_]/g, '_')}`
}

/** @throws {UsageError} it cannot be used. */
function read(raw: Tool, ownName: string, { trust, needsApproval, touches }: Settings): Listed {
  checkToolName(ownName)
  const { name, title, description = title ?? '', inputSchema, outputSchema, annotations = {} } = raw
  // What cannot be read is refused now, not at the first call.
  readSchema(inputSchema, 'input', 'its inputSchema')
  if (outputSchema !== undefined) readSchema(outputSchema, 'output', 'its outputSchema')
  const said = json({ title, description, inputSchema, outputSchema, annotations })
  const hints = trust ? annotations : {}
  const isRead = hints.readOnlyHint === true
  return {
    name,
    ownName,
    description: short(description.trim() === '' ? (title ?? `The tool ${name}`) : description),
    inputSchema,
    outputSchema,
    // A1.
    effect: isRead ? 'read' : hints.idempotentHint === true ? 'idempotent' : 'once',
    needsApproval: needsApproval ?? (!isRead && hints.destructiveHint !== false),
    // Where nothing is said, MCP takes it that a tool deals with the world outside.
    touches: touches ?? (hints.openWorldHint === false ? [] : ['untrusted', 'outbound']),
    manifest: json(hints),
    digest: digestOf(stableJson(said)),
    raw,
  }
}

function short(text: string): string {
  return text.length <= LONGEST_DESCRIPTION ? text : `${text.slice(0, LONGEST_DESCRIPTION)}… (cut)`
}

function json(value: unknown): Json {
  return parseJson(JSON.stringify(value), 'A definition')
}
