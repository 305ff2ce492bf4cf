/** What an author's code threw, as data: a pause, a stop, or an error that shows the guest no stack and no path. */
import { encode } from '../base/codec.ts'
import { ToolError } from '../base/errors.ts'
import type { GuestError } from '../base/halt.ts'
import { interruptionIn, type PauseOptions } from '../base/interruption.ts'
import { NO_SECRETS, type Secrets } from '../tool/secret.ts'
import type { Interruption, PauseGiven } from './happening.ts'
import { givenQuestion } from './question.ts'

/** The carrier of whatever is active now, or of what the author gave. */
export type CarrierOf = (given?: unknown) => {
  readonly traceparent?: string
  readonly tracestate?: string
  readonly baggage?: string
}

/** What user code threw: a pause or a stop, or an ordinary error. A pause that cannot be asked for is such an error. */
export function thrownBy(
  error: unknown,
  room: { readonly carrier: CarrierOf },
): { readonly interruption: Interruption } | { readonly error: unknown } {
  const thrown = interruptionIn(error)
  if (thrown === undefined) return { error }
  if (thrown.is === 'stop') return { interruption: thrown }
  try {
    return { interruption: { is: 'pause', pause: pauseGiven(thrown.message, thrown.options, room) } }
  } catch (wrong) {
    return { error: wrong }
  }
}

/** AgentPausedException as data. @throws {UsageError} for a question that cannot be asked. */
function pauseGiven(
  message: string,
  options: PauseOptions,
  room: { readonly carrier: CarrierOf },
): PauseGiven {
  const { question, state } = options
  return {
    message,
    onAnswer: options.onAnswer ?? 'value',
    ...room.carrier(options.otelContext),
    ...(question === undefined ? {} : { question: givenQuestion(question) }),
    ...(state === undefined ? {} : { state: encode(state) }),
  }
}

/** Characters of a name, and of a message: what is longer is cut. */
const LONGEST_NAME = 100
const LONGEST = 20_000

/** An error as the code may see it: ToolError word for word, any other without paths. Of whatever was thrown; never throws. */
export function guestError(error: unknown, secrets: Pick<Secrets, 'clean'> = NO_SECRETS): GuestError {
  const { name, message } = readError(error)
  // Half of a secret would not be found any more.
  const told = shortened(secrets.clean(message))
  return { name: name.slice(0, LONGEST_NAME), message: name === 'ToolError' ? told : withoutPaths(told) }
}

function readError(error: unknown): GuestError {
  try {
    if (!(error instanceof Error)) return { name: 'Error', message: notAnError(error) }
    const [name, message]: readonly unknown[] = [error.name, error.message]
    const isOurs = error instanceof ToolError
    return {
      name: isOurs ? 'ToolError' : typeof name === 'string' && name !== '' ? name : 'Error',
      message: typeof message === 'string' ? message : `The tool threw an error whose message is no text.`,
    }
  } catch {
    return { name: 'Error', message: 'The tool threw something that cannot be read.' }
  }
}

function notAnError(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  return `The tool threw ${thrown === null ? 'null' : `a value of type ${typeof thrown}`}, not an error.`
}

function shortened(message: string): string {
  if (message.length <= LONGEST) return message
  return `${message.slice(0, LONGEST)}… (${message.length} characters)`
}

/** Absolute paths and file URLs are the host's business. */
function withoutPaths(message: string): string {
  return message.replace(/(?:file:\/\/)?(?:[A-Za-z]:)?(?:\/[\w.@~+-]+){2,}(?::\d+)*/g, '<path>')
}
