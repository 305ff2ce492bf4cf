/** How a run that rests is told: its output or its questions on stdout, the rest on stderr. */
import { showDuration } from '../base/duration.ts'
import { resultToJson, type RunResult } from '../run/result.ts'
import { answersTo, tellQuestion } from './questions.ts'
import type { Screen } from './screen.ts'
import { counted, indented, safe, shown } from './text.ts'
import { usedOf } from './used.ts'

/** What commands that are printed carry, where it is needed. */
export interface Flags {
  readonly store: string
  readonly agent: string
}

export function tellResult(screen: Screen, result: RunResult, flags: Flags): void {
  if (screen.json) {
    screen.data(resultToJson(result))
    return
  }
  const { out, err } = screen
  const goOn = `pca resume ${result.runId}${flags.store}${flags.agent}`
  switch (result.status) {
    case 'completed':
      out.line(typeof result.output === 'string' ? safe(result.output) : shown(result.output))
      if (!['finalAnswer', 'text'].includes(result.reason))
        err.line(out.paint('yellow', `This answer was forced by ${result.reason}.`))
      break
    case 'paused':
      tellPause(screen, result, flags, goOn)
      break
    case 'stopped':
      out.line(`Run ${result.runId} is stopped: ${safe(result.message)}`)
      tellInFlight(screen, result.inFlight)
      break
    case 'failed':
      out.line(`Run ${result.runId} failed: ${safe(result.error.code)}: ${safe(result.error.message)}`)
      out.line(`Try again from there:\n  ${goOn}`)
      break
    default:
      result satisfies never
  }
  err.line(err.paint('dim', summaryOf(result)))
}

function tellPause(
  { out }: Screen,
  result: Extract<RunResult, { status: 'paused' }>,
  flags: Flags,
  goOn: string,
): void {
  const { runId, message, questions, wakeAt, inFlight } = result
  out.line(`Run ${runId} is paused: ${safe(message.replace(/^Paused: /, ''))}`)
  tellInFlight({ out }, inFlight)
  for (const question of questions) {
    out.line()
    tellQuestion(out, question, Date.now())
    out.line(indented(answersTo(question, flags.store).join('\n')))
  }
  if (wakeAt !== undefined)
    out.line(`It can go on by itself at ${wakeAt.toISOString()}: pca work${flags.store}${flags.agent}`)
  out.line(questions.length > 0 ? '\nThen go on:' : 'Go on:')
  out.line(`  ${goOn}`)
}

function tellInFlight(
  { out }: Pick<Screen, 'out'>,
  calls: readonly { readonly call: string; readonly tool: string }[],
): void {
  for (const { call, tool } of calls) out.line(`  still in flight: ${safe(tool)} (call ${call})`)
}

function summaryOf({ runId, stepCount, usage, durationMs }: RunResult): string {
  return [`run ${runId}`, counted(stepCount, 'step'), ...usedOf(usage), showDuration(durationMs)].join(' · ')
}
