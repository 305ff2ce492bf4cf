/**
 * What became of a request that got no result, as far as anybody can say.
 *
 * F1  Only what surely never reached the server is `unsent`. What may have reached it, and was not answered, is `lost`.
 * F2  No text of a failure holds a value of the server's environment or headers, nor what stands in an address after `?`.
 */
import type { Sdk } from './client.ts'

/** Codes of our own, in place of an answer that was not read. Servers use others. */
export const TOO_LARGE = -32_950
export const CUT = -32_951

export type Failure =
  /** The server has said no, or has said something that is no answer. */
  | { readonly is: 'answered'; readonly message: string }
  | { readonly is: 'unsent'; readonly message: string }
  | { readonly is: 'lost'; readonly message: string }

/** Errors of the network before a connection stood. */
const NEVER_CONNECTED =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|ERR_TLS\w*|CERT_\w+|DEPTH_ZERO\w*|SELF_SIGNED\w*|UNABLE_TO_\w+)$/

export function failureOf(error: unknown, sdk: Sdk): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof sdk.ProtocolError) return { is: error.code === CUT ? 'lost' : 'answered', message }
  if (error instanceof sdk.SdkHttpError) return ofStatus(error.data.status, message)
  if (error instanceof sdk.SdkError) return ofCode(error.code, message)
  if (error instanceof sdk.UnauthorizedError)
    return { is: 'answered', message: 'it does not know who we are (HTTP 401)' }
  const code = codeOf(error)
  if (error instanceof NotSent || NEVER_CONNECTED.test(code))
    return { is: 'unsent', message: code === '' ? message : `it cannot be reached (${code})` }
  return { is: 'lost', message: code === '' ? message : `the connection broke (${code})` }
}

/** A message that was not given to the server, not even in part. */
export class NotSent extends Error {
  override readonly name = 'NotSent'
}

function ofStatus(status: number, message: string): Failure {
  if (status >= 500) return { is: 'lost', message: `it failed with HTTP ${status}` }
  const why = /^Error POSTing to endpoint: (.*)$/s.exec(message)?.[1]?.slice(0, 500) ?? ''
  // A server that has forgotten our session says so with one of these: it has not looked at the request.
  const is = status === 404 || status === 400 ? 'unsent' : 'answered'
  return { is, message: `HTTP ${status}${why === '' ? '' : `: ${why}`}` }
}

function ofCode(code: string, message: string): Failure {
  switch (code) {
    case 'NOT_CONNECTED':
      return { is: 'unsent', message: 'it is not connected' }
    case 'CONNECTION_CLOSED':
    case 'REQUEST_TIMEOUT':
    case 'SEND_FAILED':
      return { is: 'lost', message: 'it ended' }
    default:
      return { is: 'answered', message }
  }
}

const SYSTEM = /^(?:E[A-Z]{3,}|EAI_\w+|(?:UND_ERR|ERR|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)_\w+)$/

/** The system's word for it, of the error or of what caused it; `''`: there is none. */
export function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    const code: unknown = Reflect.get(at, 'code')
    if (typeof code === 'string' && SYSTEM.test(code)) return code
    at = at.cause ?? (at instanceof AggregateError ? (at.errors[0] as unknown) : undefined)
  }
  return ''
}
