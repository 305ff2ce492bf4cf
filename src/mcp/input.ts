/**
 * A server that asks in the middle of a call (`input_required`): what it asks becomes one question to a person, and the
 * answer what is sent with the call's second try.
 *
 * I1  What is needed for that is data: another process, over another connection, can send it.
 * I2  A form is answered with its fields; several forms, or one beside an address, with a record by their names.
 */
import { ToolError } from '../base/errors.ts'
import type { QuestionOptions } from '../base/interruption.ts'
import type { InputRequiredResult } from './client.ts'

/** What the call keeps while a person is asked. */
export interface Asked {
  /** The server's own, sent back as it came. */
  readonly requestState?: string
  /** What was asked: its key, and whether it is a form or an address to be opened. */
  readonly asked: readonly { readonly key: string; readonly is: 'form' | 'url' }[]
}

export interface Answers {
  readonly requestState?: string
  readonly inputResponses?: Readonly<Record<string, { readonly action: string; readonly content?: unknown }>>
}

/**
 * The question, and what is kept of it; no question where the server only wants to be called again.
 * @throws {ToolError} it asks for what no person can give.
 */
export function questionIn(
  { inputRequests = {}, requestState }: InputRequiredResult,
  tool: string,
): { readonly question: QuestionOptions | undefined; readonly state: Asked } {
  const requests = Object.entries(inputRequests).map(([key, request]) => partOf(key, request, tool))
  const state = {
    ...(requestState === undefined ? {} : { requestState }),
    asked: requests.map(({ key, is }) => ({ key, is })),
  }
  const [only, second] = requests
  if (only === undefined) return { question: undefined, state }
  const message = requests.map((request) => request.message).join('\n\n')
  const schema =
    second === undefined
      ? only.schema
      : {
          type: 'object',
          properties: Object.fromEntries(requests.map((request) => [request.key, request.schema])),
          required: requests.map(({ key }) => key),
          additionalProperties: false,
        }
  return { question: { message, schema }, state }
}

/** What is sent with the answer. @throws {ToolError} the answer is not that of this question. */
export function answersOf({ requestState, asked }: Asked, answer: unknown, tool: string): Answers {
  const responses = asked.map(({ key, is }) => {
    const given: unknown = asked.length === 1 ? answer : Reflect.get(Object(answer), key)
    if (is === 'url') return [key, { action: given === false ? 'decline' : 'accept' }] as const
    if (typeof given !== 'object' || given === null)
      throw new ToolError(`${tool} asked for ${key}, and the answer has no fields for it.`)
    return [key, { action: 'accept', content: given }] as const
  })
  return {
    ...(requestState === undefined ? {} : { requestState }),
    ...(responses.length === 0 ? {} : { inputResponses: Object.fromEntries(responses) }),
  }
}

interface Part {
  readonly key: string
  readonly is: 'form' | 'url'
  readonly message: string
  readonly schema: object
}

function partOf(key: string, request: unknown, tool: string): Part {
  const { method, params } = Object(request) as { readonly method?: unknown; readonly params?: unknown }
  const { mode, message, url, requestedSchema } = Object(params) as Readonly<Record<string, unknown>>
  if (method !== 'elicitation/create' || typeof message !== 'string')
    throw new ToolError(
      `${tool} asks for ${typeof method === 'string' ? method : 'something'}: only questions to a person can be answered.`,
    )
  if (mode === 'url')
    return {
      key,
      is: 'url',
      message: `${message}\nOpen ${String(url)}`,
      schema: { type: 'boolean', description: 'true when it is done, false to decline' },
    }
  const schema = typeof requestedSchema === 'object' && requestedSchema !== null ? requestedSchema : {}
  return { key, is: 'form', message, schema: { type: 'object', ...schema } }
}
