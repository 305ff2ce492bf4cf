/** Waiting that an abort ends at once, whether or not the one who works listens. */

/** `work`, or the abort reason as soon as there is one. What `work` does afterwards is ignored. */
export async function unlessAborted<T>(work: PromiseLike<T>, abortSignal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const cut = (): void => reject(abortSignal.reason)
  if (abortSignal.aborted) cut()
  else abortSignal.addEventListener('abort', cut, { once: true })
  try {
    return await Promise.race([aborted, work])
  } finally {
    abortSignal.removeEventListener('abort', cut)
  }
}
