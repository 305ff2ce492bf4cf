/** What was used, in a few words. */
import type { Usage } from '../journal/entry.ts'
import { counted } from './text.ts'

/** Tokens, and dollars where a price is known. */
export function usedOf({ inputTokens, outputTokens, cost }: Usage): readonly string[] {
  return [
    counted(inputTokens + outputTokens, 'token'),
    ...(cost === undefined ? [] : [`$${cost.toFixed(4)}`]),
  ]
}
