/**
 * A chat over HTTP as the AI SDK's client speaks it: `POST` moves a run on and tells what comes of it, `GET …/{id}/stream`
 * tells what is under way and changes nothing.
 *
 * C1  The client is a stranger: of its messages only what it writes now and what it decides on open questions counts.
 * C2  A request that is refused has changed nothing.
 */
import type { CodeAgent } from '../code-agent.ts'
import { derivedText } from '../base/id.ts'
import { Chat, type Told } from './chat.ts'
import type { MessageOptions } from './message.ts'
import { Refusal, refused } from './refusal.ts'
import { checkChatId, readChat } from './request.ts'
import { streamOf, uiMessageStreamResponse, withError } from './stream.ts'

/** Who asks, as their name in the journal; `true`: nobody in particular. `false` is 403; a response is sent as it is. */
export type Allowed = string | boolean | Response

export interface ChatHandlerOptions extends MessageOptions {
  readonly agent: CodeAgent
  /** Whether a request is served, and who sends it. Asked before anything else is read. Default: everybody. */
  readonly authorize?: (request: Request) => Allowed | Promise<Allowed>
  /**
   * The run of a chat. Default: a name of the chat and of who asks, so that each has chats of their own, and no run that
   * was started elsewhere is among them.
   */
  readonly runId?: (chatId: string, who: string | undefined) => string
  /** What tools get as `context`, in place of the agent's own. */
  readonly context?: (request: Request, who: string | undefined) => unknown
  /** When the reader of a `POST` leaves (a stopped or closed chat), the run `'pause'`s (default) or goes on. */
  readonly onDisconnect?: 'pause' | 'continue'
  /** The most that a request may hold, in bytes. Default 4 000 000. */
  readonly maxBytes?: number
}

const MAX_BYTES = 4_000_000

/** A handler for `POST {api}` and `GET {api}/{chatId}/stream`, for any server that speaks `Request` and `Response`. */
export function createChatHandler(options: ChatHandlerOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      const allowed = (await options.authorize?.(request)) ?? true
      if (allowed instanceof Response) return allowed
      if (allowed === false) throw new Refusal(403, 'FORBIDDEN', 'This is not allowed.')
      const who = allowed === true ? undefined : allowed
      if (request.method === 'POST') return await send(options, request, who)
      if (request.method === 'GET') return await rejoin(options, request, who)
      throw new Refusal(405, 'USAGE', 'A chat takes POST, and GET of its stream.')
    } catch (error) {
      return refused(error)
    }
  }
}

async function send(
  options: ChatHandlerOptions,
  request: Request,
  who: string | undefined,
): Promise<Response> {
  const asked = await readChat(request, options.maxBytes ?? MAX_BYTES)
  const chat = await chatOf(options, request, { chatId: asked.chatId, who })
  return respond(options, request, (left) => chat.send(asked, left))
}

async function rejoin(
  options: ChatHandlerOptions,
  request: Request,
  who: string | undefined,
): Promise<Response> {
  const [id, last] = new URL(request.url).pathname.split('/').slice(-2)
  if (last !== 'stream') throw new Refusal(404, 'STATE_NOT_FOUND', 'There is no such thing to read.')
  const chat = await chatOf(options, request, { chatId: checkChatId(decoded(id)), who })
  return respond(options, request, (left) => chat.rejoin(left))
}

async function chatOf(
  { agent, runId = runOf, context, ...options }: ChatHandlerOptions,
  request: Request,
  { chatId, who }: { readonly chatId: string; readonly who: string | undefined },
): Promise<Chat> {
  const store = await agent.store()
  const given: unknown = context === undefined ? undefined : await context(request, who)
  const more = given === undefined ? {} : { context: given }
  return new Chat({ agent, store, options, by: who ?? 'chat', ...more }, runId(chatId, who))
}

/** Nobody's chat has the name of somebody's. */
function runOf(chatId: string, who: string | undefined): string {
  return who === undefined ? `chat_${chatId}` : `chat_${derivedText(16, who)}_${chatId}`
}

async function respond(
  options: ChatHandlerOptions,
  request: Request,
  tell: (left: AbortSignal) => Promise<Told | undefined>,
): Promise<Response> {
  const left = new AbortController()
  const told = await tell(left.signal)
  if (told === undefined) return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
  const leave = (): void => {
    if (left.signal.aborted) return
    left.abort()
    if (options.onDisconnect !== 'continue') void told.pause().catch(() => undefined)
  }
  const over = new AbortController()
  request.signal.addEventListener('abort', leave, { once: true, signal: over.signal })
  const chunks = (async function* () {
    try {
      yield* withError(told.chunks, options)
    } finally {
      over.abort()
    }
  })()
  return uiMessageStreamResponse(streamOf(chunks, leave))
}

function decoded(id: string | undefined): string {
  try {
    return decodeURIComponent(id ?? '')
  } catch {
    return ''
  }
}
