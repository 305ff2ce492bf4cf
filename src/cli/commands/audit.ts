/** `pca audit`: what was proposed, decided, sent and returned, call by call. Loads nothing that drives. */
import { auditRun, type AuditedCall } from '../../run/audit.ts'
import { findRun } from '../find.ts'
import { openStore, storePlace } from '../place.ts'
import { argumentsOf } from '../questions.ts'
import type { Pen, Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { indented, jsonText, oneLine, safe } from '../text.ts'

export async function audit(screen: Screen, settings: Settings, given: string): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  const { runId } = await findRun(store, given)
  const calls = await auditRun(store, runId)
  if (screen.json) {
    screen.data({ v: 1, runId, calls })
    return 0
  }
  if (calls.length === 0) screen.err.line('No calls.')
  for (const call of calls) tell(screen.out, call, runId)
  return 0
}

function tell(pen: Pen, call: AuditedCall, runId: string): void {
  const { tool, effect, args, digest, proposedAt, policy, questions, sent, outcome } = call
  const name = `${safe(tool)}${call.call === undefined ? ` of step ${call.step}` : ` ${call.call}`}`
  const where = call.runId === runId ? '' : ` in run ${call.runId}`
  pen.line(`${pen.paint('bold', name)}${pen.paint('dim', `${where}  ${effect}  ${digest.slice(0, 12)}`)}`)
  pen.line(indented(argumentsOf(args), '    '))
  const line = (at: Date, what: string): void => pen.line(`  ${at.toISOString()}  ${what}`)
  line(proposedAt, 'proposed')
  for (const { said, at, decision } of policy)
    line(at, `policy: ${said}${decision === undefined ? '' : `, as decided before (${safe(decision)})`}`)
  for (const { question, kind, askedAt, decision, decidedAt, by, reason, answer } of questions) {
    line(askedAt, `asked (${kind}, ${safe(question)})`)
    if (decision === undefined || decidedAt === undefined) continue
    const who = by === undefined ? '' : ` by ${safe(by)}`
    const what = decision === 'respond' ? jsonText(answer) : reason
    line(decidedAt, `decided: ${decision}${who}${what === undefined ? '' : `: ${oneLine(what)}`}`)
  }
  for (const { attempt, at } of sent) line(at, `sent, attempt ${attempt}`)
  if (outcome !== undefined)
    line(outcome.at, `${outcome.is}${outcome.error === undefined ? '' : `: ${oneLine(outcome.error)}`}`)
}
