/**
 * A server as a source of tools: started when a run is driven that has it among its tools, started again when it has
 * ended, and ended when nobody wants it any more.
 *
 * V1  One connection for all runs of a process; who asks at the same time waits for the same start.
 * V2  The list of tools is asked for anew when a run begins or goes on, when the server says that it has changed, over
 *     each new connection, and when it is older than FRESH.
 */
import { UsageError } from '../base/errors.ts'
import { resolved, secretsIn } from '../tool/secret.ts'
import { TOOL_SOURCE, type Means, type ToolSource } from '../tool/source.ts'
import { tool, type ToolDefinition } from '../tool/tool.ts'
import { callTool, type Line } from './call.ts'
import { loadSdk } from './client.ts'
import { connect, type Connection } from './connection.ts'
import { listedOf, type Listed, type Refused } from './definition.ts'
import { failureOf } from './failure.ts'
import { hiding } from './hide.ts'
import { settingsOf, type McpOptions, type Settings, type Way } from './options.ts'
import { told } from './told.ts'

/** A list of tools is believed so long, in ms. */
const FRESH = 10_000
/** Runs that start together read it once. */
const JUST_NOW = 500
const LONGEST_LINE = 4_000

/**
 * The tools of an MCP server, to stand among an agent's tools. Nothing is started by this; see docs/mcp.md.
 * @throws {UsageError} naming the option that is wrong.
 */
export function mcpServer(options: McpOptions): ToolSource {
  return new Server(settingsOf(options))
}

interface List {
  readonly tools: readonly Listed[]
  readonly refused: readonly Refused[]
  readonly of: Connection
  readonly at: number
}

/** A list that is being read. */
interface Reading {
  readonly of: Connection
  readonly list: Promise<List>
}

class Server implements ToolSource {
  readonly [TOOL_SOURCE] = true as const
  readonly name: string
  readonly #settings: Settings
  readonly #holders = new Set<object>()
  readonly #listeners = new Set<(line: string) => void>()
  readonly #line: Line
  /** The secrets of the agent that opened it last. */
  #secret: Means['secret'] = noSecret
  /** Its environment or headers, secrets in place, as they were sent last: they are hidden. */
  #sent: Readonly<Record<string, string>> = {}
  #connecting: Promise<Connection> | undefined
  #reading: Reading | undefined
  #list: List | undefined
  #isStale = false
  #isOlder = false
  #given: { readonly of: string; readonly tools: readonly ToolDefinition[] } | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.name = settings.name
    this.#line = {
      name: settings.name,
      hide: hiding(settings.way, () => this.#sent),
      sdk: loadSdk,
      connection: async () => this.#connection(),
      current: async ({ name }) => (await this.#listed(FRESH)).tools.find((one) => one.name === name),
      listen: (log) => {
        this.#listeners.add(log)
        return () => this.#listeners.delete(log)
      },
    }
  }

  get secrets(): readonly string[] {
    return Object.values(written(this.#settings.way)).flatMap(secretsIn)
  }

  async open(holder: object, { secret }: Means): Promise<readonly ToolDefinition[]> {
    this.#holders.add(holder)
    this.#secret = secret
    const { tools, refused } = await this.#listed(JUST_NOW)
    this.#mustHave(tools, refused)
    const of = tools.map(({ digest }) => digest).join()
    if (this.#given?.of !== of) {
      for (const { name, why } of refused) this.#said(`the tool ${name} was refused: ${why}`)
      this.#given = { of, tools: tools.map((listed) => this.#toolOf(listed)) }
    }
    return this.#given.tools
  }

  async close(holder: object): Promise<void> {
    this.#holders.delete(holder)
    if (this.#holders.size > 0) return
    const connecting = this.#connecting
    this.#connecting = undefined
    await (await connecting?.catch(() => undefined))?.close()
  }

  #toolOf(listed: Listed): ToolDefinition {
    const {
      ownName: name,
      description,
      inputSchema,
      outputSchema,
      effect,
      needsApproval,
      touches,
      manifest,
    } = listed
    return tool({
      name,
      description,
      inputSchema,
      ...(outputSchema === undefined ? {} : { outputSchema }),
      effect,
      needsApproval,
      manifest,
      touches,
      timeout: this.#settings.timeout,
      execute: (input, call) => told(async (tell) => callTool(listed, this.#line, { input, call, tell })),
    })
  }

  /** V1. */
  async #connection(): Promise<Connection> {
    for (;;) {
      const connecting = (this.#connecting ??= this.#connect())
      const connection = await connecting
      if (!connection.isOver) return connection
      if (this.#connecting === connecting) this.#connecting = undefined
    }
  }

  async #connect(): Promise<Connection> {
    try {
      const sdk = await loadSdk()
      const { way } = this.#settings
      const given = way.is === 'command' ? { ...way, env: await this.#filled(way.env) } : way
      const connection = await connect({
        sdk,
        settings: { ...this.#settings, way: given },
        hide: this.#line.hide,
        headers: async () => this.#headersNow(),
        isOlder: this.#isOlder,
        said: (line) => this.#said(line),
        changed: () => (this.#isStale = true),
      })
      this.#isOlder = this.#settings.way.is === 'command' && !connection.isModern
      return connection
    } catch (error) {
      this.#connecting = undefined
      throw error
    }
  }

  /** V2: the list as it is, or was less than `age` ms ago. A server that ends meanwhile is started again, once. */
  async #listed(age: number): Promise<List> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#connection()
      const known = this.#list
      const isFresh = known?.of === connection && !this.#isStale && performance.now() - known.at < age
      if (isFresh) return known
      try {
        const reading = this.#reading?.of === connection ? this.#reading : this.#read(connection)
        this.#reading = reading
        return await reading.list
      } catch (error) {
        if (error instanceof UsageError) throw error
        const { isOver } = connection
        connection.retire()
        if (isOver && attempt === 1) continue
        const why = this.#line.hide(failureOf(error, await loadSdk()).message)
        throw new UsageError(`The MCP server '${this.name}' does not say which tools it has: ${why}.`)
      }
    }
  }

  #read(of: Connection): Reading {
    this.#isStale = false
    const read = async (): Promise<List> => {
      try {
        this.#list = { ...listedOf(await of.list(), this.#settings), of, at: performance.now() }
        return this.#list
      } finally {
        this.#reading = undefined
      }
    }
    return { of, list: read() }
  }

  /** @throws {UsageError} a tool that was asked for by name is not there, or cannot be used. */
  #mustHave(tools: readonly Listed[], refused: readonly Refused[]): void {
    const { include = [], exclude } = this.#settings
    for (const name of include.filter((one) => !exclude.includes(one))) {
      const why = refused.find((one) => one.name === name)?.why
      if (why === undefined && tools.some((one) => one.name === name)) continue
      throw new UsageError(
        `The MCP server '${this.name}' ${why === undefined ? 'has no tool' : 'has a tool that cannot be used,'} '${name}'${why === undefined ? '' : `: ${why}`}.`,
        { hint: `It has: ${tools.map((one) => one.name).join(', ')}. See include of mcpServer.` },
      )
    }
  }

  async #headersNow(): Promise<Readonly<Record<string, string>>> {
    const { way } = this.#settings
    if (way.is !== 'url' || way.headers === undefined) return {}
    if (typeof way.headers !== 'function') return this.#filled(way.headers)
    this.#sent = await way.headers()
    return this.#sent
  }

  /** With the values of secrets in place. @throws {UsageError} one cannot be had. */
  async #filled(texts: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
    const pairs: [string, string][] = []
    try {
      for (const [name, text] of Object.entries(texts)) pairs.push([name, await resolved(text, this.#secret)])
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new UsageError(`The MCP server '${this.name}' cannot have what it is to be given: ${why}`)
    }
    this.#sent = Object.fromEntries(pairs)
    return this.#sent
  }

  #said(line: string): void {
    for (const listener of this.#listeners.size > 0 ? this.#listeners : [this.#settings.onLog])
      listener(this.#line.hide(line.slice(0, LONGEST_LINE)))
  }
}

/** What the author wrote down for it. */
function written(way: Way): Readonly<Record<string, string>> {
  if (way.is === 'command') return way.env
  return typeof way.headers === 'object' ? way.headers : {}
}

async function noSecret(): Promise<never> {
  throw new UsageError('It was not opened by an agent.')
}
