/** Events as an AI SDK UI message stream: chunks, and the response that carries them. */
import { systemClock } from '../base/clock.ts'
import type { RunEvent } from '../run/event.ts'
import type { Run } from '../run/run.ts'
import type { UIChunk } from './chunks.ts'
import { errorText } from './ending.ts'
import { Message, type MessageOptions } from './message.ts'

export interface UIStreamOptions extends MessageOptions {
  /**
   * The client has what came up to this fact of the run: the stream goes on with its message. Default `0`: everything that the
   * events tell is new.
   */
  readonly after?: number
}

/**
 * The chunks of one assistant message. `source`: a run that is driven here, or its events from the first fact on,
 * `events({ after: 0, family: true })`. Cancelling the stream ends the reading, not the run.
 */
export function uiMessageStream(
  source: Pick<Run, 'events'> | AsyncIterable<RunEvent>,
  options: UIStreamOptions = {},
): ReadableStream<UIChunk> {
  const left = new AbortController()
  const events =
    'events' in source ? source.events({ after: 0, family: true, abortSignal: left.signal }) : source
  return streamOf(withError(chunksOf(events, options), options), () => left.abort())
}

/** What breaks the events off is told as a chunk: the connection itself is sound. */
export async function* withError(
  chunks: AsyncGenerator<UIChunk, void, undefined>,
  options: MessageOptions,
): AsyncGenerator<UIChunk, void, undefined> {
  try {
    yield* chunks
  } catch (error) {
    yield { type: 'error', errorText: errorText(error, options) }
  }
}

async function* chunksOf(
  events: AsyncIterable<RunEvent>,
  { after = 0, ...options }: UIStreamOptions,
): AsyncGenerator<UIChunk, void, undefined> {
  let message: Message | undefined
  /** Where the message begins, in the journal. */
  let first: number | undefined
  let at = 0
  let isTold = false
  for await (const event of events) {
    const run = event.type === 'result' ? event.result.runId : event.run
    // The run itself is told before those below it.
    message ??= new Message(run, options)
    const own = event.type === 'entry' && event.path === undefined ? event : undefined
    at = own?.seq ?? at
    const isKnown = own === undefined ? at < after : at <= after
    const begins = own?.entry.kind === 'task-added'
    if (begins && !isTold) {
      first = at
      await message.note(event)
      const start = message.begin(first)
      isTold = !isKnown
      if (isTold) yield* start
      continue
    }
    if (!isKnown && !isTold && first !== undefined) {
      isTold = true
      yield* message.rejoin(first)
    }
    const chunks = await message.hear(event)
    if (isTold) yield* chunks
  }
}

/** A stream that asks for the next chunk when there is room for it. */
export function streamOf<T>(
  chunks: AsyncGenerator<T, void, undefined>,
  onCancel: () => void,
): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        onCancel()
        await chunks.return()
      },
    },
    { highWaterMark: 0 },
  )
}

/** Between two chunks no more than this, in ms: proxies drop connections that say nothing. */
const KEEP_ALIVE = 15_000

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
  'x-vercel-ai-ui-message-stream': 'v1',
}

/** The chunks as server-sent events: `data: {…}` for each, `data: [DONE]` at the end. */
export function uiMessageStreamResponse(stream: ReadableStream<UIChunk>, init: ResponseInit = {}): Response {
  const headers = new Headers(init.headers)
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value)
  return new Response(sse(stream), { ...init, headers })
}

function sse(stream: ReadableStream<UIChunk>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const reader = stream.getReader()
  const over = new AbortController()
  let isQuiet = true
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const ping = (): void => {
          if (isQuiet) controller.enqueue(encoder.encode(': still here\n\n'))
          isQuiet = true
          systemClock.after(KEEP_ALIVE, ping, over.signal, false)
        }
        systemClock.after(KEEP_ALIVE, ping, over.signal, false)
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          isQuiet = false
          controller.enqueue(encoder.encode(`data: ${done ? '[DONE]' : JSON.stringify(value)}\n\n`))
          if (!done) return
          over.abort()
          controller.close()
        } catch (error) {
          over.abort()
          throw error
        }
      },
      async cancel(reason) {
        over.abort()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
