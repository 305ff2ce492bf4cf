/**
 * A tool whose `execute` is an async generator: each value that it yields is progress, told to people who watch as it
 * comes. Progress is no fact; the result is.
 *
 * G1  A generator of ours gives what it returns. Of any other, as the AI SDK reads it, the last value that it yielded
 *     is the result, and was told as progress too: nobody knew that it was the last.
 * G2  A generator whose call is aborted is told so at once (`return()`), and what it yields from then on is told to
 *     nobody. One that had come to its end by itself keeps its result.
 */
import { types } from 'node:util'

/** Hears what a call has come to so far. */
export type OnProgress = (value: unknown) => void

/** What `execute` gave, if it is to be walked. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** What an `async function*` gave. A stream that can be iterated is no generator. */
export function isAsyncGenerator(value: unknown): value is AsyncIterable<unknown> {
  return isAsyncIterable(value) && types.isGeneratorObject(value)
}

/**
 * Walks the values to their end. `result`: which of them is the result (G1).
 * @throws the signal's reason, once it has fired (G2); whatever the generator throws.
 */
export async function walk(
  values: AsyncIterable<unknown>,
  { result, abortSignal }: { readonly result: 'returned' | 'yielded'; readonly abortSignal: AbortSignal },
  onProgress: OnProgress,
): Promise<unknown> {
  const iterator = values[Symbol.asyncIterator]()
  const leave = (): void => {
    // It ends where it waits, once that wait is over; what it says then is of no interest.
    Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
  abortSignal.addEventListener('abort', leave, { once: true })
  if (abortSignal.aborted) leave()
  try {
    let last: unknown
    for (;;) {
      abortSignal.throwIfAborted()
      const next = await iterator.next()
      // Of an iterator that is no generator nobody knows whether it has ended or was left.
      if (next.done !== true || !isAsyncGenerator(iterator)) abortSignal.throwIfAborted()
      if (next.done === true) return result === 'returned' ? next.value : last
      last = next.value
      onProgress(last)
    }
  } finally {
    abortSignal.removeEventListener('abort', leave)
  }
}
