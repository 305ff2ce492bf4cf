/**
 * The requests to a server over HTTP, watched on their way.
 *
 * W1  A body is read up to `maxBytes`; of what is longer the request hears that it was too long.
 * W2  An answer that breaks off is told to whoever waits for it, where the server does not say how to go on.
 * W3  The author's headers go to the server, not to others that it names: an authorization server, say.
 * W4  No stream is held open while nothing is awaited: a process that has nothing to do can end.
 */
import { parseJson } from '../base/json.ts'
import { CUT, NotSent, TOO_LARGE } from './failure.ts'

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

interface Around {
  /** Where the server is. */
  readonly origin: string
  readonly maxBytes: number
  /** Sent to the server with each request, beside those of the protocol; to nobody else. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>
}

export function watchedFetch({ origin, maxBytes, headers }: Around): Fetch {
  return async (url, init = {}) => {
    const sent = new Headers(init.headers)
    // W4: a stream for what the server may want to say; one that goes on with an answer is another thing.
    if (init.method === 'GET' && !sent.has('last-event-id') && accepts(sent))
      return new Response(null, { status: 405 })
    // W3.
    const own = new URL(url).origin === origin ? await had(headers) : {}
    for (const [name, value] of Object.entries(own)) if (!sent.has(name)) sent.set(name, value)
    const response = await fetch(url, { ...init, headers: sent })
    const id = requestIn(init.body)
    if (response.body === null || !response.ok) return await short(response, maxBytes)
    const isStream = response.headers.get('content-type')?.includes('text/event-stream') === true
    if (isStream) return over(response, events(response.body, id, maxBytes))
    return await whole(response, id, maxBytes)
  }
}

/** @throws {NotSent} they cannot be had. */
async function had(headers: Around['headers']): Promise<Readonly<Record<string, string>>> {
  try {
    return await headers()
  } catch (error) {
    throw new NotSent(error instanceof Error ? error.message : String(error))
  }
}

/** What the request asks for is a stream of events, not a page of an authorization server. */
function accepts(headers: Headers): boolean {
  return headers.get('accept')?.includes('text/event-stream') === true
}

/** The id of the request in a body, if there is one. */
function requestIn(body: RequestInit['body']): number | string | undefined {
  if (typeof body !== 'string' || !body.startsWith('{')) return undefined
  const { id, method } = Object(parseJson(body, 'A request')) as {
    readonly id?: unknown
    readonly method?: unknown
  }
  return method !== undefined && (typeof id === 'number' || typeof id === 'string') ? id : undefined
}

function over(response: Response, body: string | ReadableStream<Uint8Array>): Response {
  const headers = new Headers(response.headers)
  for (const name of ['content-length', 'content-encoding']) headers.delete(name)
  const { status, statusText } = response
  return new Response(body, { status, statusText, headers })
}

function errorOf(id: number | string | undefined, code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } })
}

function tooLarge(maxBytes: number): string {
  return `its answer is larger than ${maxBytes} bytes`
}

/** The body of a failure: so much of it as a person reads. */
async function short(response: Response, maxBytes: number): Promise<Response> {
  if (response.body === null) return response
  const { text } = await read(response.body, Math.min(maxBytes, 10_000))
  return over(response, text)
}

/** W1, for an answer in one piece. */
async function whole(
  response: Response,
  id: number | string | undefined,
  maxBytes: number,
): Promise<Response> {
  if (response.body === null) return response
  const { text, isCut } = await read(response.body, maxBytes)
  return over(response, isCut ? errorOf(id, TOO_LARGE, tooLarge(maxBytes)) : text)
}

async function read(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<{ readonly text: string; readonly isCut: boolean }> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body) {
    length += part.length
    // Leaving the loop cancels the rest.
    if (length > maxBytes) return { text: Buffer.concat(parts).toString('utf8'), isCut: true }
    parts.push(part)
  }
  return { text: Buffer.concat(parts).toString('utf8'), isCut: false }
}

/** W1 and W2, for an answer in a stream: what is said of it at its end is not heard where the answer has come. */
function events(
  body: ReadableStream<Uint8Array>,
  id: number | string | undefined,
  maxBytes: number,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const told = (code: number, message: string): Uint8Array =>
    new TextEncoder().encode(`\n\nevent: message\ndata: ${errorOf(id, code, message)}\n\n`)
  let length = 0
  let goesOn = false
  let last = ''
  return new ReadableStream<Uint8Array>({
    async pull(out) {
      const part = await reader.read().catch((error: unknown) => ({ error }))
      if ('error' in part && goesOn) throw part.error
      if ('error' in part || part.done) {
        if (!goesOn && id !== undefined) out.enqueue(told(CUT, 'its answer broke off'))
        out.close()
        return
      }
      const text = last + Buffer.from(part.value).toString('latin1')
      last = text.slice(-4)
      goesOn ||= /(?:^|[\r\n])id:/.test(text)
      const blank = Math.max(text.lastIndexOf('\n\n'), text.lastIndexOf('\r\n\r\n'))
      length = blank < 0 ? length + part.value.length : text.length - blank
      out.enqueue(length > maxBytes ? told(TOO_LARGE, tooLarge(maxBytes)) : part.value)
      if (length <= maxBytes) return
      out.close()
      await reader.cancel()
    },
    cancel: async (reason) => reader.cancel(reason),
  })
}
