/**
 * A tool that fetches from the public network.
 *
 * F1  http and https only, no user or password in the address. Every address that a name stands for is checked, and the
 *     connection goes to one of those that were checked: a name that changes in between changes nothing.
 * F2  A redirect is another request: checked as the first was, no more than MOST_REDIRECTS, without what was meant for
 *     the site before.
 * F3  A secret goes to those that it is for, checked before each request.
 * F4  Bytes and time are bounded, after decompression too.
 */
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { milliseconds, type Duration } from '../base/duration.ts'
import { ToolError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { tool, type ToolDefinition } from '../tool/tool.ts'
import { checkFetchSecrets, SecretsOfCall, type FetchSecrets } from './fetch-secrets.ts'
import { closedError, isPublic, publicLookup } from './addresses.ts'

export interface FetchOptions extends FetchSecrets {
  /** Hosts that may be asked, `*.` for all below one. Default: any that is public. */
  readonly hosts?: readonly string[]
  /** Hosts that may be asked although they are not public, as `host:port`: a service of your own. */
  readonly internal?: readonly string[]
  /** Methods beside GET and HEAD. With any of them the tool is `once`, and a person approves those requests. */
  readonly methods?: readonly ('POST' | 'PUT' | 'PATCH' | 'DELETE')[]
  /** The largest body, in bytes. Default 5 MB. */
  readonly maxBytes?: number
  /** For the whole of it. Default `'30s'`. */
  readonly timeout?: Duration
}

const MOST_REDIRECTS = 5
/** Never by the code of a model: what they say is the connection's, or another one's. */
const KEPT_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'proxy-authorization',
  'te',
  'trailer',
  'expect',
])

interface Asked {
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Got {
  readonly status: number
  readonly ok: boolean
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Parsed where it is JSON, else text; bytes where it is neither. */
  readonly body: unknown
}

/** `fetch(url)` or `fetch({ url, method, headers, body })`: `{ status, ok, url, headers, body }`. */
export function fetchTool(options: FetchOptions = {}): ToolDefinition {
  const { methods = [], timeout = '30s', maxBytes = 5 * 1024 ** 2 } = options
  const allowed = ['GET', 'HEAD', ...methods]
  const ms = milliseconds(timeout, 'timeout of fetch')
  checkFetchSecrets(options, options.hosts)
  return tool<string | Asked, Got>({
    name: 'fetch',
    description:
      'Fetches an address of the web. Gives { status, ok, url, headers, body }, not a Response: body is already parsed where it is JSON, else it is text. A status of 400 or more is no error',
    effect: methods.length === 0 ? 'read' : 'once',
    touches: ['untrusted', 'outbound'],
    secrets: Object.keys(options.secrets ?? {}),
    inputSchema: {
      anyOf: [
        { type: 'string', description: 'The address.' },
        {
          type: 'object',
          properties: {
            url: { type: 'string' },
            method: { enum: allowed },
            headers: { type: 'object', additionalProperties: { type: 'string' } },
            body: { type: 'string' },
          },
          required: ['url'],
          additionalProperties: false,
        },
      ],
    },
    outputSchema: {
      type: 'object',
      properties: {
        status: { type: 'integer' },
        ok: { type: 'boolean' },
        url: { type: 'string', description: 'Where it came from in the end.' },
        headers: { type: 'object', additionalProperties: { type: 'string' } },
        body: {},
      },
      required: ['status', 'ok', 'url', 'headers', 'body'],
    },
    needsApproval: (given) => {
      const { url, method = 'GET', body } = askedOf(given)
      return {
        required: method !== 'GET' && method !== 'HEAD',
        message: `Send ${method} to ${url}?${body === undefined ? '' : `\n${body}`}`,
      }
    },
    execute: async (given, { abortSignal, secret }) => {
      const secrets = await SecretsOfCall.take(options, options.hosts, secret)
      const over = AbortSignal.any([abortSignal, AbortSignal.timeout(ms)])
      try {
        return await follow(askedOf(given), { options, maxBytes, secrets }, over)
      } catch (error) {
        abortSignal.throwIfAborted()
        if (over.aborted) throw new ToolError(`The request took longer than ${ms / 1_000} s.`)
        throw error instanceof ToolError ? error : new ToolError(`The request failed: ${reasonOf(error)}`)
      }
    },
  })
}

function askedOf(given: string | Asked): Asked {
  return typeof given === 'string' ? { url: given } : given
}

interface How {
  readonly options: FetchOptions
  readonly maxBytes: number
  readonly secrets: SecretsOfCall
}

/** F2, F3. */
async function follow(asked: Asked, { options, maxBytes, secrets }: How, over: AbortSignal): Promise<Got> {
  let { method = 'GET', body } = asked
  let headers: Readonly<Record<string, string>> = { ...lowered(asked.headers), ...secrets.headers }
  let url = urlOf(secrets.inAddress(asked.url))
  for (let redirects = 0; ; redirects++) {
    const to = url
    checkHost(to, options)
    secrets.check({ url: to, headers, body }, (hosts) => mayHave(to, hosts, options))
    const response = await send(
      url,
      { method, headers, ...(body === undefined ? {} : { body }) },
      options,
      over,
    )
    const { statusCode: status = 0, headers: got } = response
    const place = got.location
    if (status < 300 || status > 399 || place === undefined || status === 304)
      return {
        status,
        ok: status >= 200 && status < 300,
        url: url.href,
        headers: plain(got),
        body: method === 'HEAD' ? '' : await bodyOf(response, maxBytes, over),
      }
    response.destroy()
    if (redirects === MOST_REDIRECTS) throw new ToolError(`More than ${MOST_REDIRECTS} redirects.`)
    const next = urlOf(place, url)
    if (next.origin !== url.origin) headers = {}
    if (status === 303 || ((status === 301 || status === 302) && method === 'POST')) {
      method = method === 'HEAD' ? 'HEAD' : 'GET'
      body = undefined
    }
    if (next.origin !== url.origin && method !== 'GET' && method !== 'HEAD')
      throw new ToolError(`${method} was redirected to ${next.origin}: it is not sent there.`)
    url = next
  }
}

/** F1. */
function urlOf(text: string, base?: URL): URL {
  const url = base === undefined ? URL.parse(text) : URL.parse(text, base.href)
  if (url === null) throw new ToolError(`'${text}' is not an address.`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new ToolError(`Only http and https are fetched, not ${url.protocol}`)
  if (url.username !== '' || url.password !== '')
    throw new ToolError('An address with a user or a password is not fetched.')
  return url
}

/** The same names in one spelling: what the author gave takes the place of what the code gave. */
function lowered(headers: Asked['headers'] = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function isAmong(host: string, hosts: readonly string[]): boolean {
  return hosts.some((one) => (one.startsWith('*.') ? host.endsWith(one.slice(1)) : host === one))
}

/** F3: nobody on the way reads along. */
function mayHave(url: URL, hosts: readonly string[], { internal = [] }: FetchOptions): boolean {
  return isAmong(hostOf(url), hosts) && (url.protocol === 'https:' || internal.includes(placeOf(url)))
}

function checkHost(url: URL, { hosts, internal = [] }: FetchOptions): void {
  const host = hostOf(url)
  if (internal.includes(placeOf(url))) return
  if (hosts !== undefined && !isAmong(host, hosts))
    throw new ToolError(`${host} is not among the hosts that may be asked: ${hosts.join(', ')}.`)
  const isLocal = host === 'localhost' || host.endsWith('.localhost')
  if (isLocal || (isIP(host) !== 0 && !isPublic(host))) throw closedError(host)
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}

function placeOf(url: URL): string {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return `${hostOf(url)}:${port}`
}

async function send(
  url: URL,
  { method, headers, body }: { method: string; headers: Readonly<Record<string, string>>; body?: string },
  { internal = [] }: FetchOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  const own = Object.entries(headers).filter(([name]) => !KEPT_HEADERS.has(name.toLowerCase()))
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        signal,
        agent: false,
        maxHeaderSize: 64 * 1024,
        headers: {
          accept: '*/*',
          'user-agent': 'persistent-code-agent',
          ...Object.fromEntries(own),
          'accept-encoding': 'gzip, deflate, br',
          ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        },
        ...(internal.includes(placeOf(url)) ? {} : { lookup: publicLookup() }),
      },
      resolve,
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** F4. */
async function bodyOf(response: IncomingMessage, maxBytes: number, over: AbortSignal): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of inflated(response) as AsyncIterable<Buffer>) {
    over.throwIfAborted()
    bytes += chunk.length
    if (bytes > maxBytes) {
      response.destroy()
      throw new ToolError(`The body has more than ${maxBytes} bytes.`)
    }
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  const type = response.headers['content-type'] ?? ''
  if (/^(?:application|text)\/(?:[\w.-]+\+)?json\b/i.test(type) && body.length > 0)
    return parseJson(body.toString('utf8'), 'The body')
  return isText(type, body) ? body.toString('utf8') : new Uint8Array(body)
}

function inflated(response: IncomingMessage): NodeJS.ReadableStream {
  const unpack = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress }[
    response.headers['content-encoding']?.toLowerCase() ?? ''
  ]
  // Errors of either come out of the end.
  return unpack === undefined ? response : pipeline(response, unpack(), () => undefined)
}

function isText(type: string, body: Buffer): boolean {
  if (/^(?:text\/|application\/(?:xml|javascript|x-www-form-urlencoded|[\w.-]+\+xml))/i.test(type))
    return true
  return (type === '' || !/^(?:image|audio|video|font)\//i.test(type)) && !body.includes(0)
}

function plain(headers: IncomingMessage['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  )
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
