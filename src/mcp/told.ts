/** Work that tells how far it is, as a generator: what it tells is yielded as it comes, what it gives is returned. */
export async function* told<Result>(
  work: (tell: (value: unknown) => void) => Promise<Result>,
): AsyncGenerator<unknown, Result, void> {
  const values: unknown[] = []
  let news = Promise.withResolvers<void>()
  let isDone = false
  const result = work((value) => {
    values.push(value)
    news.resolve()
  })
  const onDone = (): void => {
    isDone = true
    news.resolve()
  }
  result.then(onDone, onDone)
  for (;;) {
    await news.promise
    news = Promise.withResolvers()
    yield* values.splice(0)
    // What is told after the end is told to nobody.
    if (isDone) return result
  }
}
