/** Lost replies (T6 of the store port): what may be repeated is repeated once, where the error is no word of ours. */
import { isPersistentAgentError } from '../base/errors.ts'

export async function again<Reply>(work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work()
  } catch (error) {
    if (isPersistentAgentError(error)) throw error
    return work()
  }
}
