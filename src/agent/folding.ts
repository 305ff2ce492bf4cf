/** What a state becomes when facts are added to it that nobody has recorded yet. */
import { placed } from '../journal/decode.ts'
import type { Fact } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { fold } from '../journal/state.ts'

export function foldFacts(state: State, facts: readonly Fact[], now: number): State {
  let folded = state
  for (const fact of facts) folded = fold(folded, placed(fact, folded.seq + 1, now, 0), folded.runId)
  return folded
}
