/** Tools that are sent at most once only because nobody said otherwise: after a crash in mid-call a person is asked. */
import type { PersistentCodeAgent } from '../persistent-code-agent.ts'
import { oneLine } from './text.ts'

/** A sentence that names them; undefined where every tool says what may be done. */
export function undeclaredTools(agent: PersistentCodeAgent): string | undefined {
  const names = [...agent.definition().tools.values()]
    .filter((tool) => !tool.effectDeclared)
    .map((tool) => oneLine(tool.name))
  if (names.length === 0) return undefined
  const many = names.length > 1
  return `${names.join(', ')}: nobody said what may be done after a crash, so ${many ? 'they are' : 'it is'} never sent twice without a person's word (effect: 'once').`
}
