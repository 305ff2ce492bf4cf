/** A module of the user's, with an end to the waiting for it. */
import { pathToFileURL } from 'node:url'
import { milliseconds, showDuration } from '../base/duration.ts'
import { UsageError } from '../base/errors.ts'
import { near } from './place.ts'

const LIMIT = '30s'

/**
 * The default export of a module; if that is a function and `calls`, what it gives.
 * @throws {UsageError} it takes longer than PCA_LOAD_TIMEOUT, or waits for what cannot come any more.
 */
export async function defaultOf(file: string, calls: boolean): Promise<unknown> {
  const limit = milliseconds(process.env['PCA_LOAD_TIMEOUT'] || LIMIT, 'PCA_LOAD_TIMEOUT')
  const load = async (): Promise<unknown> => {
    const module: unknown = await import(pathToFileURL(file).href)
    const exported: unknown = Reflect.get(Object(module), 'default')
    return calls && typeof exported === 'function' ? await (exported as () => unknown)() : exported
  }
  const hangs = Promise.withResolvers<never>()
  const fail = (why: string) => (): void =>
    hangs.reject(
      new UsageError(`${near(file)} does not finish loading: ${why}.`, {
        hint: 'Look for an await at its top level that never settles. PCA_LOAD_TIMEOUT sets another limit.',
      }),
    )
  // It holds the process alive, or a module that waits for nothing would end it unheard.
  const timer = setTimeout(fail(`${showDuration(limit)} have passed`), limit)
  try {
    return await Promise.race([load(), hangs.promise])
  } finally {
    clearTimeout(timer)
  }
}
