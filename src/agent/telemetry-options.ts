/** The options about OpenTelemetry, checked. */
import { UsageError } from '../base/errors.ts'
import { contentOf, type ContentOption, type TraceMode } from '../telemetry/trace.ts'
import type { Definition } from './definition.ts'

export interface TelemetryOptions {
  /**
   * Whether prompts, replies, arguments, results and the messages of errors stand in spans. Default `false`. A function
   * `(kind, value)` gives what stands there in place of each value; `undefined` withholds it. Kinds: `system_instructions`,
   * `input.messages`, `output.messages`, `tool.call.arguments`, `tool.call.result`, `error.message`.
   */
  readonly content?: ContentOption
  /**
   * Keys of the caller's W3C baggage that a run stores, so that tools have them after a pause too. Default: all, up to 32
   * entries of 1024 characters each and 4096 together; `[]`: none.
   */
  readonly baggage?: readonly string[]
}

/** @throws {UsageError} */
export function traceOf(given: unknown): TraceMode {
  if (given === undefined || given === 'join') return 'join'
  if (given === 'root') return 'root'
  throw new UsageError(`trace must be 'join' or 'root', not ${JSON.stringify(given)}.`)
}

/** @throws {UsageError} naming what is wrong. */
export function telemetryOf(given: TelemetryOptions = {}): Definition['telemetry'] {
  if (typeof given !== 'object' || given === null)
    throw new UsageError('telemetry must be { content?, baggage? }.')
  const { content, baggage, ...others } = given
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new UsageError(`There is no option 'telemetry.${unknown}'.`)
  if (content !== undefined && typeof content !== 'boolean' && typeof content !== 'function')
    throw new UsageError('telemetry.content must be true, false, or a function (kind, value) => value.')
  if (baggage !== undefined && !(Array.isArray(baggage) && baggage.every((key) => typeof key === 'string')))
    throw new UsageError('telemetry.baggage must be a list of keys.')
  return { content: contentOf(content), ...(baggage === undefined ? {} : { baggage }) }
}
