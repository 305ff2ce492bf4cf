/** `pca decisions` and `pca withdraw`: what people let later calls do, or forbade them. */
import { StateNotFoundError } from '../../base/errors.ts'
import { rememberedDecisions, withdrawDecision, type RememberedDecision } from '../../run/rules.ts'
import { openStore, storePlace } from '../place.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { safe } from '../text.ts'

export async function decisions(screen: Screen, settings: Settings): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  const found = await rememberedDecisions(store)
  if (screen.json) {
    screen.data({ v: 1, decisions: found })
    return 0
  }
  if (found.length === 0) screen.err.line('No remembered decisions.')
  for (const decision of found) {
    screen.out.line(`${screen.out.paint('bold', safe(decision.question))}  ${wordsOf(decision)}`)
    screen.out.line(screen.out.paint('dim', `  ${originOf(decision)}`))
    screen.out.line(`  pca withdraw ${decision.question}${place.flag}`)
  }
  return 0
}

export async function withdraw(screen: Screen, settings: Settings, given: string): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'write')
  const fitting = (await rememberedDecisions(store)).filter(({ question }) => question.startsWith(given))
  const [only] = fitting.length === 1 ? fitting : fitting.filter(({ question }) => question === given)
  if (only === undefined)
    throw new StateNotFoundError(
      fitting.length > 1
        ? `Several remembered decisions begin with ${given}.`
        : `No remembered decision ${given} stands.`,
      { hint: 'pca decisions lists those that do.' },
    )
  const decision = await withdrawDecision(store, only.question)
  if (screen.json) screen.data({ v: 1, withdrawn: decision })
  else screen.out.line(`Withdrawn: ${wordsOf(decision)}`)
  return 0
}

function wordsOf({ says, tool, agent, scope, sameArgs, reason }: RememberedDecision): string {
  const what = `${says === 'approve' ? 'lets' : 'forbids'} ${safe(tool)}${sameArgs ? ' with the same arguments' : ''}`
  const where = scope === 'run' ? 'in its run' : `in every run of ${safe(agent)}`
  return `${what} ${where}${reason === undefined ? '' : `: ${safe(reason)}`}`
}

function originOf({ by, at, runId }: RememberedDecision): string {
  return `${by === undefined ? 'said' : `by ${safe(by)}`} on ${at.toISOString()} in run ${runId}`
}
