/** What `mcpServer` takes, checked before anything is started. */
import { bytes, milliseconds, type Duration } from '../base/duration.ts'
import { UsageError } from '../base/errors.ts'
import { checkTouches, type Touch } from '../tool/tool.ts'

/** What both kinds of server take. */
interface Common {
  /** Letters, digits and `_`: the tools are named `<name>_<tool>`. */
  readonly name: string
  /** The server's own names of the tools to take. Default: all. */
  readonly include?: readonly string[]
  /** Those to leave out. */
  readonly exclude?: readonly string[]
  /**
   * Whether what the server says of its tools (`readOnlyHint`, `idempotentHint`, `destructiveHint`) is believed.
   * Default true; false: each call is approved, and none is sent twice.
   */
  readonly trust?: boolean
  /** Whether a person approves calls. Default: unless the tool only reads, or says that it destroys nothing. */
  readonly needsApproval?: boolean
  /**
   * What its tools bring into a run (see `touches` of a tool). Default: `untrusted` and `outbound`, unless a tool says that
   * it stays in its own world (`openWorldHint: false`).
   */
  readonly touches?: readonly Touch[]
  /** How long a call may take. Default `'2m'`. */
  readonly timeout?: Duration
  /** How long starting it, or connecting to it, may take. Default `'60s'`. */
  readonly startTimeout?: Duration
  /** The longest message that is read of it. Default `'10MB'`. */
  readonly maxBytes?: number | string
  /** Hears what the server says while no call is under way, and which of its tools were refused, and why. */
  readonly onLog?: (line: string) => void
}

/** A program that speaks MCP on its stdin and stdout. */
export interface McpCommand extends Common {
  readonly command: string
  readonly args?: readonly string[]
  /**
   * Beside `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`, `TERM` and `LANG`; nothing else of the environment is passed on.
   * May hold references to the agent's secrets: `secret('NAME')`.
   */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** A server that speaks MCP over streamable HTTP. */
export interface McpUrl extends Common {
  readonly url: string | URL
  /** Sent with each request; a function is asked for each. A record may hold references: `secret('NAME')`. */
  readonly headers?: Headers | (() => Headers | Promise<Headers>)
  /** For OAuth: an `AuthProvider` or `OAuthClientProvider`, as `@modelcontextprotocol/client` takes it. */
  readonly authProvider?: object
}

type Headers = Readonly<Record<string, string>>

export type McpOptions = McpCommand | McpUrl

/** How a server is reached. */
export type Way =
  | {
      readonly is: 'command'
      readonly command: string
      readonly args: readonly string[]
      readonly env: Readonly<Record<string, string>>
      readonly cwd: string | undefined
    }
  | {
      readonly is: 'url'
      readonly url: URL
      readonly headers: McpUrl['headers']
      readonly authProvider: object | undefined
    }

/** The options of a server, checked; times in ms. */
export interface Settings {
  readonly name: string
  readonly way: Way
  readonly include: readonly string[] | undefined
  readonly exclude: readonly string[]
  readonly trust: boolean
  readonly needsApproval: boolean | undefined
  readonly touches: readonly Touch[] | undefined
  readonly timeout: number
  readonly startTimeout: number
  readonly maxBytes: number
  readonly onLog: (line: string) => void
}

const COMMON = [
  'name',
  'include',
  'exclude',
  'trust',
  'needsApproval',
  'touches',
  'timeout',
  'startTimeout',
  'maxBytes',
  'onLog',
]
const OF_COMMAND = ['command', 'args', 'env', 'cwd']
const OF_URL = ['url', 'headers', 'authProvider']

/** @throws {UsageError} naming the option that is wrong. */
export function settingsOf(given: McpOptions): Settings {
  const { name } = given
  if (typeof name !== 'string' || !/^[A-Za-z]\w{0,39}$/.test(name))
    throw new UsageError(
      `A server's name is 1 to 40 letters, digits or '_', and begins with a letter: ${JSON.stringify(name)}.`,
      { hint: "Its tools are named after it: mcpServer({ name: 'github', … }) gives github_search." },
    )
  const what = `The MCP server '${name}'`
  const isCommand = 'command' in given && given.command !== undefined
  const isUrl = 'url' in given && given.url !== undefined
  if (isCommand === isUrl)
    throw new UsageError(`${what} needs a command or a url${isCommand ? ', not both' : ''}.`)
  const known = [...COMMON, ...(isCommand ? OF_COMMAND : OF_URL)]
  const unknown = Object.keys(given).find((option) => !known.includes(option))
  if (unknown !== undefined) throw new UsageError(`${what}: there is no option '${unknown}'.`)
  const { include, exclude = [], trust = true, needsApproval, touches, onLog = () => undefined } = given
  if (touches !== undefined) checkTouches(touches, `${what}: touches`)
  for (const [option, value] of Object.entries({ include, exclude }))
    if (value !== undefined && !isTexts(value))
      throw new UsageError(`${what}: ${option} is a list of the server's tool names.`)
  for (const [option, value] of Object.entries({ trust, needsApproval }))
    if (value !== undefined && typeof value !== 'boolean')
      throw new UsageError(`${what}: ${option} is true or false.`)
  if (typeof onLog !== 'function') throw new UsageError(`${what}: onLog is no function.`)
  return {
    name,
    way: 'command' in given ? commandOf(given, what) : urlOf(given, what),
    include,
    exclude,
    trust,
    needsApproval,
    touches,
    timeout: aboveZero(milliseconds(given.timeout ?? '2m', `${what}: timeout`), `${what}: timeout`),
    startTimeout: aboveZero(
      milliseconds(given.startTimeout ?? '60s', `${what}: startTimeout`),
      `${what}: startTimeout`,
    ),
    maxBytes: bytes(given.maxBytes ?? '10MB', `${what}: maxBytes`),
    onLog,
  }
}

function commandOf({ command, args = [], env = {}, cwd }: McpCommand, what: string): Way {
  if (typeof command !== 'string' || command.trim() === '')
    throw new UsageError(`${what}: command is the program to start.`)
  if (!isTexts(args)) throw new UsageError(`${what}: args is a list of texts.`)
  if (!isTextRecord(env))
    throw new UsageError(`${what}: env is a record of texts.`, {
      hint: 'A variable that is not set is undefined in process.env: leave it out, or give it a value.',
    })
  if (cwd !== undefined && typeof cwd !== 'string') throw new UsageError(`${what}: cwd is a folder's path.`)
  return { is: 'command', command, args, env, cwd }
}

function urlOf({ url: given, headers, authProvider }: McpUrl, what: string): Way {
  const url = URL.parse(String(given))
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${what}: url is an http or https address.`)
  if (url.username !== '' || url.password !== '')
    throw new UsageError(`${what}: its url holds a password.`, { hint: 'Give it as a header.' })
  if (headers !== undefined && typeof headers !== 'function' && !isTextRecord(headers))
    throw new UsageError(`${what}: headers is a record of texts, or a function that gives one.`)
  return { is: 'url', url, headers, authProvider }
}

function aboveZero(ms: number, what: string): number {
  if (ms > 0) return ms
  throw new UsageError(`${what} is 0: nothing could succeed.`)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function isTextRecord(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((one) => typeof one === 'string')
  )
}
