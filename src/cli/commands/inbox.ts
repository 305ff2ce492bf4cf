/** `pca inbox`: the open questions of all runs. Loads nothing that drives. */
import { questionOf } from '../../run/result.ts'
import { openStore, storePlace } from '../place.ts'
import { answersTo, tellQuestion } from '../questions.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { indented } from '../text.ts'

export async function inbox(screen: Screen, settings: Settings): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  const rows = await store.questions({})
  if (screen.json) {
    screen.data({ v: 1, questions: rows.map((row) => ({ runId: row.runId, ...questionOf(row) })) })
    return 0
  }
  if (rows.length === 0) screen.err.line('No open questions.')
  for (const [at, row] of rows.entries()) {
    if (at > 0) screen.out.line()
    tellQuestion(screen.out, questionOf(row), store.now())
    screen.out.line(screen.out.paint('dim', `  of run ${row.runId}`))
    screen.out.line(indented(answersTo(questionOf(row), place.flag).join('\n')))
  }
  return 0
}
