/**
 * One connection to a server, from its start to its end. It is never mended: when it has ended, another takes its place.
 *
 * N1  What the server asks of us outside a call's answer is refused, in words that say what would work.
 * N2  A list of tools that never ends is refused.
 */
import { showDuration } from '../base/duration.ts'
import { UsageError } from '../base/errors.ts'
import { Child } from './child.ts'
import type { CallToolResult, Client, InputRequiredResult, Sdk, Tool, Transport } from './client.ts'
import { codeOf, failureOf } from './failure.ts'
import type { Hide } from './hide.ts'
import { watchedFetch } from './http.ts'
import type { Answers } from './input.ts'
import type { Settings } from './options.ts'

export interface Connection {
  readonly isModern: boolean
  readonly isOver: boolean
  /** All tools, as the server lists them now. */
  list(): Promise<readonly Tool[]>
  /** Rejects as the client does: `failureOf` says what that means. */
  call(sending: Sending): Promise<CallToolResult | InputRequiredResult>
  /** Nothing more is sent over it; what is under way may come home, then it is closed. */
  retire(): void
  close(): Promise<void>
}

export interface Sending {
  readonly tool: Tool
  readonly input: unknown
  readonly answers: Answers
  readonly carrier: { readonly traceparent?: string; readonly tracestate?: string }
  readonly abortSignal: AbortSignal
  readonly tell: (progress: unknown) => void
}

export interface Around {
  readonly sdk: Sdk
  readonly settings: Settings
  readonly hide: Hide
  readonly headers: () => Promise<Readonly<Record<string, string>>>
  /** It is known to be one that ends when it is asked what it can do before it was greeted. */
  readonly isOlder: boolean
  readonly said: (line: string) => void
  /** The server has other tools now. */
  readonly changed: () => void
}

const MOST_PAGES = 64
const MOST_TOOLS = 2_000
/** No timer of Node's is longer. The call's own time limit is shorter. */
const NEVER = 2 ** 31 - 1
/** An older server may say nothing to a question that it does not know. */
const SILENCE = 20_000

/** How long we wait for a server to hear that we go. */
const LEAVE = 1_000

const OLDER_ASKS =
  'This client cannot ask a person while a call of protocol 2025-11-25 is under way: nobody may be there for days. With protocol 2026-07-28 (input_required) the call waits.'

/**
 * Starts the server, or goes to it, and agrees on a protocol.
 * @throws {UsageError} naming the server and what was wrong.
 */
export async function connect(around: Around): Promise<Connection> {
  const { settings, sdk } = around
  const giveUp = AbortSignal.timeout(settings.startTimeout)
  try {
    return await attempt(around, around.isOlder, giveUp)
  } catch (error) {
    const mayBeOlder =
      settings.way.is === 'command' &&
      !around.isOlder &&
      !giveUp.aborted &&
      error instanceof sdk.SdkError &&
      error.code === 'ERA_NEGOTIATION_FAILED'
    if (!mayBeOlder) throw notConnected(error, around, giveUp.aborted)
  }
  try {
    return await attempt(around, true, giveUp)
  } catch (error) {
    throw notConnected(error, around, giveUp.aborted)
  }
}

async function attempt(around: Around, isOlder: boolean, giveUp: AbortSignal): Promise<Connection> {
  const { sdk, settings } = around
  const client = new sdk.Client(
    { name: 'persistent-code-agent', version: '1' },
    {
      capabilities: { elicitation: { form: {}, url: {} } },
      versionNegotiation: {
        mode: 'auto',
        probe: { timeoutMs: Math.min(SILENCE, settings.startTimeout / 2) },
      },
      inputRequired: { autoFulfill: false },
      // Results are checked with the tool's schema where they come in, by the same means as those of any tool.
      jsonSchemaValidator: {
        getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
      },
    },
  )
  // N1.
  client.setRequestHandler('elicitation/create', () => {
    around.said(OLDER_ASKS)
    throw new sdk.ProtocolError(sdk.INVALID_REQUEST, OLDER_ASKS)
  })
  client.setNotificationHandler('notifications/tools/list_changed', () => around.changed())
  const transport = transportOf(around)
  const live = new Live(around, client, transport)
  const done = live.engage()
  try {
    const timeout = settings.startTimeout
    await within(
      client.connect(transport, { timeout, ...(isOlder ? { prior: { kind: 'legacy' as const } } : {}) }),
      giveUp,
    )
    return live
  } catch (error) {
    await live.close().catch(() => undefined)
    throw error
  } finally {
    done()
  }
}

/** What it gives, unless the signal fires before: the client's own limits are for each of its steps. */
async function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, late])
  } finally {
    signal.removeEventListener('abort', onAbort)
    work.catch(() => undefined)
  }
}

function transportOf({ sdk, settings, said, headers }: Around): Transport {
  const { way, maxBytes } = settings
  if (way.is === 'command')
    return new Child({ way, maxBytes, said, read: (value) => sdk.parseJSONRPCMessage(value) })
  return new sdk.StreamableHTTPClientTransport(way.url, {
    fetch: watchedFetch({ origin: way.url.origin, maxBytes, headers }),
    ...(way.authProvider === undefined ? {} : { authProvider: way.authProvider as never }),
  })
}

class Live implements Connection {
  readonly #around: Around
  readonly #client: Client
  readonly #transport: Transport
  #isOver = false
  #awaited = 0

  constructor(around: Around, client: Client, transport: Transport) {
    this.#around = around
    this.#client = client
    this.#transport = transport
    client.onclose = () => (this.#isOver = true)
    // What is wrong with a single message is told; what is wrong with the connection ends it.
    client.onerror = (error) => around.said(`${around.settings.name}: ${error.message}`)
  }

  get isModern(): boolean {
    return this.#client.getProtocolEra() === 'modern'
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Something is awaited of it, until what this gives is called: the process stays. */
  engage(): () => void {
    const done = this.#transport instanceof Child ? this.#transport.engage() : undefined
    this.#awaited++
    return () => {
      this.#awaited--
      done?.()
      if (this.#isOver && this.#awaited === 0) this.retire()
    }
  }

  retire(): void {
    this.#isOver = true
    // Nobody waits for its end.
    if (this.#awaited === 0) this.close().catch(() => undefined)
  }

  async list(): Promise<readonly Tool[]> {
    if (this.#client.getServerCapabilities()?.tools === undefined) return []
    const { name, startTimeout } = this.#around.settings
    const done = this.engage()
    try {
      const tools: Tool[] = []
      let cursor: string | undefined
      for (let page = 0; page < MOST_PAGES && tools.length <= MOST_TOOLS; page++) {
        const params = cursor === undefined ? {} : { cursor }
        const read = await this.#client.request({ method: 'tools/list', params }, { timeout: startTimeout })
        tools.push(...read.tools)
        cursor = read.nextCursor
        if (cursor === undefined) return tools
      }
      // N2.
      throw new UsageError(
        `The MCP server '${name}' lists more than ${MOST_TOOLS} tools, or more than ${MOST_PAGES} pages of them.`,
      )
    } finally {
      done()
    }
  }

  async call({
    tool,
    input,
    answers,
    carrier,
    abortSignal,
    tell,
  }: Sending): Promise<CallToolResult | InputRequiredResult> {
    // What it gives is checked by us.
    const toolDefinition = { ...tool, outputSchema: undefined }
    const done = this.engage()
    try {
      return await this.#client.callTool(
        {
          name: tool.name,
          arguments: (input ?? {}) as Record<string, unknown>,
          ...(answers as object),
          ...(carrier.traceparent === undefined ? {} : { _meta: { ...carrier } }),
        },
        { signal: abortSignal, timeout: NEVER, allowInputRequired: true, toolDefinition, onprogress: tell },
      )
    } finally {
      done()
    }
  }

  async close(): Promise<void> {
    this.#isOver = true
    if (this.#transport instanceof Child) await this.#transport.close()
    else await this.#leave().catch(() => undefined)
    await this.#client.close()
  }

  /** A server of an older protocol keeps a session for us, until we say that it is over. */
  async #leave(): Promise<void> {
    if (this.#transport instanceof this.#around.sdk.StreamableHTTPClientTransport)
      await within(this.#transport.terminateSession(), AbortSignal.timeout(LEAVE))
  }
}

function notConnected(error: unknown, { sdk, settings, hide }: Around, isLate: boolean): UsageError {
  const { name, way, startTimeout } = settings
  const what =
    way.is === 'command' ? `start (${way.command})` : `be reached at ${way.url.origin}${way.url.pathname}`
  const { message } = failureOf(error, sdk)
  const why = isLate ? `nothing came of it within ${showDuration(startTimeout)}` : systemWord(error, message)
  return new UsageError(`The MCP server '${name}' could not ${what}: ${hide(why)}.`, {
    hint:
      way.is === 'command'
        ? 'Try the command by itself; what it prints to stderr goes to onLog.'
        : 'Try the address by itself; look at the headers.',
  })
}

function systemWord(error: unknown, message: string): string {
  const code = codeOf(error)
  if (code === 'ENOENT') return 'there is no such program, or no such folder'
  if (code === 'EACCES') return 'it may not be executed'
  if (code !== '') return `the system says ${code}`
  return message.slice(0, 500).replace(/\.$/, '')
}
