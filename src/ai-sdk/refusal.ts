/** A request that is not served: nothing was changed by it. */
import { isPersistentAgentError } from '../base/errors.ts'

export class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.code = code
  }
}

/** What a client is told. Of an error that is not about its request, only that there was one. */
export function refused(error: unknown): Response {
  const { status, code, message } = refusalOf(error)
  return Response.json(
    { error: { code, message } },
    { status, headers: { 'cache-control': 'no-store', ...(status === 405 ? { allow: 'GET, POST' } : {}) } },
  )
}

const STATUS: Readonly<Record<string, number>> = {
  USAGE: 400,
  STATE_NOT_FOUND: 404,
  ALREADY_ANSWERED: 409,
  RUN_BUSY: 409,
}

function refusalOf(error: unknown): Pick<Refusal, 'status' | 'code' | 'message'> {
  if (error instanceof Refusal) return error
  const status = isPersistentAgentError(error) ? STATUS[error.code] : undefined
  if (!isPersistentAgentError(error) || status === undefined)
    return { status: 500, code: 'UNEXPECTED', message: 'The server could not do this.' }
  return { status, code: error.code, message: error.message }
}
