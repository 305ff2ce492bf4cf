/** A question as people and the guest give it, checked at the door: what is asked, the answer's schema, its expiry. */
import { UsageError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { checkJsonSchema } from '../tool/json-schema.ts'
import { readSchema } from '../tool/schema.ts'
import type { QuestionGiven } from './happening.ts'

/** What the guest's `ask(question, schema?)` sends. @throws {UsageError} */
export function askedQuestion(input: unknown): QuestionGiven {
  if (!Array.isArray(input)) throw new UsageError('ask(question, schema?) needs a question.')
  const [question, schema] = input as readonly unknown[]
  if (typeof question === 'string')
    return givenQuestion(schema === undefined || schema === null ? question : { message: question, schema })
  if (typeof question === 'object' && question !== null && 'message' in question)
    return givenQuestion(question)
  throw new UsageError('ask(question, schema?) needs a question: text, or { message, schema?, expiresAt? }.')
}

/** @throws {UsageError} for a message that is no text, a schema that is none, an expiry that is no time. */
export function givenQuestion(question: unknown): QuestionGiven {
  if (typeof question === 'string') return { message: question }
  const { message, schema, expiresAt } = question as {
    readonly message?: unknown
    readonly schema?: unknown
    readonly expiresAt?: unknown
  }
  if (typeof message !== 'string' || message === '')
    throw new UsageError('A question needs a message: text, or { message, schema?, expiresAt? }.')
  return {
    message,
    ...(schema === undefined || schema === null
      ? {}
      : { schema: JSON.stringify(readSchema(schema, 'input', 'The schema of a question').jsonSchema) }),
    ...(expiresAt === undefined || expiresAt === null ? {} : { expiresAt: timeOf(expiresAt) }),
  }
}

/** @throws {UsageError} for a schema that no answer could be checked with: the code that asks can still correct it. */
export async function mustBeSchema(schema: string | undefined): Promise<void> {
  if (schema === undefined) return
  await checkJsonSchema(
    parseJson(schema, 'The schema of a question') as Readonly<Record<string, unknown>>,
    null,
  )
}

/** The last moment that a Date can name. */
const LATEST = 8.64e15

function timeOf(time: unknown): number {
  const ms =
    time instanceof Date ? time.getTime() : typeof time === 'string' ? Date.parse(time) : Number(time)
  if (Math.abs(ms) <= LATEST) return ms
  throw new UsageError(`expiresAt is no time: ${String(time)}.`)
}
