/**
 * A call of a server's tool, from the code's input to its value.
 *
 * M1  It is sent as its effect allows: what may be repeated is sent again, over a new connection, when the old one broke;
 *     what may not is sent once, and where nobody knows whether it happened it says so.
 * M2  It is of the tool that the run was given: where the server has changed it since, it is not sent.
 * M3  A question of the server is a person's: the call waits, without a process if need be.
 */
import { ToolError, UnknownOutcomeError } from '../base/errors.ts'
import { AgentPausedException } from '../base/interruption.ts'
import { captureCarrier } from '../telemetry/trace.ts'
import type { ToolCallOptions } from '../tool/tool.ts'
import type { CallToolResult, InputRequiredResult, Sdk } from './client.ts'
import type { Connection } from './connection.ts'
import type { Listed } from './definition.ts'
import { failureOf } from './failure.ts'
import type { Hide } from './hide.ts'
import { answersOf, questionIn, type Answers, type Asked } from './input.ts'
import { valueOf } from './result.ts'

/** What a call needs of the server. */
export interface Line {
  readonly name: string
  readonly hide: Hide
  /** Over which it is sent: the one that stands, or a new one. @throws {UsageError} there is none. */
  connection(): Promise<Connection>
  sdk(): Promise<Sdk>
  /** What the server says of the tool now; undefined: it has it no more. */
  current(tool: Listed): Promise<Listed | undefined>
  /** Hears what the server says until what this gives is called. */
  listen(log: (line: string) => void): () => void
}

/** A call, as the run makes it. */
export interface Made {
  readonly input: unknown
  readonly call: ToolCallOptions
  /** Hears how far it is, where the server says so: `{ progress, total?, message? }`. */
  readonly tell: (progress: unknown) => void
}

/** After the first; each over a connection of its own. */
const MOST_REPEATS = 2
/** A server may answer with nothing but "call again" so often. */
const MOST_ROUNDS = 16

export async function callTool(tool: Listed, line: Line, made: Made): Promise<unknown> {
  const { call } = made
  const silence = line.listen((text) => call.log(line.hide(text)))
  try {
    let answers: Answers =
      call.state === undefined ? {} : answersOf(call.state as Asked, call.answer, tool.ownName)
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const result = await sent(tool, line, { ...made, answers })
      if (!isQuestion(result)) return valueOf(result, tool.ownName)
      const { question, state } = questionIn(result, tool.ownName)
      // M3.
      if (question !== undefined)
        throw new AgentPausedException(`${tool.ownName} asks: ${question.message}`, {
          question,
          onAnswer: 'call',
          state,
        })
      answers = answersOf(state, undefined, tool.ownName)
    }
    throw new ToolError(`${tool.ownName} only ever asks to be called again.`)
  } finally {
    silence()
  }
}

/** M1. */
async function sent(
  tool: Listed,
  line: Line,
  { input, answers, call, tell }: Made & { readonly answers: Answers },
): Promise<CallToolResult | InputRequiredResult> {
  const sdk = await line.sdk()
  const { abortSignal, effect } = call
  for (let repeats = 0; ; repeats++) {
    abortSignal.throwIfAborted()
    const connection = await ready(tool, line)
    if (answers.requestState !== undefined && !connection.isModern)
      throw new ToolError(
        `${tool.ownName} asked, and its server cannot be answered: it speaks an older protocol now.`,
      )
    try {
      return await connection.call({
        tool: tool.raw,
        input,
        answers,
        carrier: captureCarrier(undefined, []),
        abortSignal,
        tell,
      })
    } catch (error) {
      abortSignal.throwIfAborted()
      const failure = failureOf(error, sdk)
      const why = line.hide(failure.message)
      if (failure.is === 'answered') throw new ToolError(`${tool.ownName}: ${why}`)
      // Whatever was wrong with it: the next request gets another. Those beside this one may come home yet.
      connection.retire()
      const mayRepeat = failure.is === 'unsent' || (effect !== 'once' && effect !== 'keyed')
      if (mayRepeat && repeats < MOST_REPEATS) continue
      if (failure.is === 'unsent' || effect !== 'once')
        throw new ToolError(`${tool.ownName} could not be called: ${why}.`)
      throw new UnknownOutcomeError(`the MCP server '${line.name}' did not answer: ${why}.`)
    }
  }
}

/** The connection, if the tool is still what it was (M2). */
async function ready(tool: Listed, line: Line): Promise<Connection> {
  let current: Listed | undefined
  let connection: Connection
  try {
    connection = await line.connection()
    current = await line.current(tool)
  } catch (error) {
    throw new ToolError(
      `${tool.ownName} was not called. ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  if (current === undefined)
    throw new ToolError(`${tool.ownName} was not called: its server does not have it any more.`)
  if (current.digest !== tool.digest)
    throw new ToolError(
      `${tool.ownName} was not called: its server has changed it since this run was given it. The run takes the change up when it is paused and resumed.`,
    )
  return connection
}

function isQuestion(result: CallToolResult | InputRequiredResult): result is InputRequiredResult {
  return Reflect.get(result, 'resultType') === 'input_required'
}
