/** What an author's code threw, as data: a pause, a stop, or an error that shows the guest no stack and no path. */
import { encode } from '../base/codec.ts'
import { ToolError } from '../base/errors.ts'
import type { GuestError } from '../base/halt.ts'
import { interruptionIn, type PauseOptions } from '../base/interruption.ts'
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

/** An error as the code may see it: ToolError word for word, any other without paths. */
export function guestError(error: unknown): GuestError {
  if (error instanceof ToolError || (error instanceof Error && error.name === 'ToolError'))
    return { name: 'ToolError', message: error.message }
  if (error instanceof Error) return { name: error.name, message: withoutPaths(error.message) }
  return {
    name: 'Error',
    message: withoutPaths(
      typeof error === 'string'
        ? error
        : `The tool threw ${error === null ? 'null' : `a value of type ${typeof error}`}, not an error.`,
    ),
  }
}

/** Absolute paths and file URLs are the host's business. */
function withoutPaths(message: string): string {
  return message.replace(/(?:file:\/\/)?(?:[A-Za-z]:)?(?:\/[\w.@~+-]+){2,}(?::\d+)*/g, '<path>')
}
