/** A yes of the person at the terminal, before something is done that nobody can undo. */
import { UsageError } from '../base/errors.ts'
import { terminalOf } from './prompt.ts'
import type { Screen } from './screen.ts'

/** True if the person says yes. @throws {UsageError} nobody can be asked: `--yes` says it beforehand. */
export async function confirmed(screen: Screen, question: string): Promise<boolean> {
  if (screen.json || !process.stdin.isTTY || !screen.err.isTerminal)
    throw new UsageError(`${question} Nobody is here to ask.`, { hint: 'Say yes beforehand with --yes.' })
  const typed = await terminalOf(screen.err).read(`${question} [y]es, [n]o: `)
  return typed?.trim().toLowerCase().startsWith('y') === true
}
