/** A fact in one line of safe text (X1). */
import { showDuration } from '../base/duration.ts'
import type { Entry, RunId, Usage } from '../journal/entry.ts'
import { inputOf, nameOf } from './progress.ts'
import { counted, oneLine } from './text.ts'

type Said = Entry<'verdict-given'>['said']

/** What a policy said of a call or of a program, or a probe of a call. */
const SAID: Readonly<Record<Said, string>> = {
  required: 'a person is to approve it',
  free: 'nobody has to approve it',
  refused: 'refused by the policy',
  again: 'the policy is asked once more, since time has passed',
  happened: 'the probe found that it happened',
  not: 'the probe found that it did not happen',
  unknown: 'the probe could not tell whether it happened',
}

/** Of the facts of one reading, in their order: a call's end is told with its name and its time. */
export class Gist {
  readonly #calls = new Map<string, { readonly name: string; at: number }>()

  of(run: RunId, entry: Entry): string {
    switch (entry.kind) {
      case 'run-started':
        return `${oneLine(entry.agent)} begins, with ${oneLine(entry.model)}`
      case 'task-added':
        return `task ${entry.number}: ${oneLine(entry.task)}`
      case 'segment-started':
        return `driven${holder(entry.holder)} (${entry.why}, ${entry.heap})`
      case 'model-called':
        return `step ${entry.step}: asks the model (${entry.purpose}${again(entry.attempt)})`
      case 'model-replied':
        return `step ${entry.step}: ${oneLine(entry.mistake ?? entry.text) || 'the model replied'}${tokens(entry.usage)}`
      case 'plan-made':
        return `step ${entry.step}: plan: ${oneLine(entry.plan)}${tokens(entry.usage)}`
      case 'model-failed':
        return `step ${entry.step}: the model failed: ${oneLine(entry.error.message)}`
      case 'code-proposed':
      case 'step-started':
        return `step ${entry.step}: ${oneLine(entry.source)}`
      case 'step-ended':
        return `step ${entry.step} ended${result(entry)}`
      case 'step-killed':
        return `step ${entry.step} killed: ${oneLine(entry.message)}`
      case 'call-requested':
        this.#calls.set(`${run} ${entry.call}`, { name: nameOf(entry.tool), at: entry.at })
        return `${entry.call} ${nameOf(entry.tool)}(${inputOf(entry.input)})`
      case 'call-started':
        return `${this.#call(run, entry)} started${again(entry.attempt)}`
      case 'call-failed':
        return `${this.#call(run, entry)} failed, again later: ${oneLine(entry.error.message)}`
      case 'call-returned':
        return this.#returned(run, entry)
      case 'call-withdrawn':
        return `${this.#call(run, entry)} withdrawn: ${entry.why}`
      case 'verdict-given':
        return `${this.#call(run, entry)}: ${SAID[entry.said]}`
      case 'code-judged':
        return `step ${entry.step}: ${SAID[entry.said]}`
      case 'sleep-started':
        return `${entry.call} sleeps until ${new Date(entry.due).toISOString()}`
      case 'question-asked':
        return `question ${entry.question} (${entry.asks}): ${oneLine(entry.message)}`
      case 'question-answered':
        return `question ${entry.question}: ${entry.decision.type}${by(entry)}`
      case 'message-said':
        return `said to it${by(entry)}: ${oneLine(entry.text)}`
      case 'output-refused':
        return `${oneLine(entry.check)} refused the answer: ${oneLine(entry.why)}`
      case 'run-paused':
        return `paused (${entry.cause}): ${oneLine(entry.message)}`
      case 'run-resumed':
        return `goes on: ${oneLine(entry.why)}`
      case 'task-completed':
        return `completed (${entry.reason}): ${inputOf(entry.output)}`
      case 'task-failed':
        return `failed: ${oneLine(`${entry.code}: ${entry.message}`)}`
      case 'run-stopped':
        return `stopped${by(entry)}: ${oneLine(entry.message)}`
      default:
        return entry.kind.replaceAll('-', ' ')
    }
  }

  #call(
    run: RunId,
    entry: Entry<'call-started' | 'call-failed' | 'call-withdrawn' | 'call-returned' | 'verdict-given'>,
  ): string {
    const call = this.#calls.get(`${run} ${entry.call}`)
    if (call !== undefined && entry.kind === 'call-started') call.at = entry.at
    return call === undefined ? entry.call : `${entry.call} ${call.name}`
  }

  #returned(run: RunId, entry: Entry<'call-returned'>): string {
    const call = this.#calls.get(`${run} ${entry.call}`)
    this.#calls.delete(`${run} ${entry.call}`)
    const name = call === undefined ? entry.call : `${entry.call} ${call.name}`
    const took = call === undefined ? '' : ` (${showDuration(entry.at - call.at)})`
    const { outcome } = entry
    return outcome.ok
      ? `${name} returned${took}: ${inputOf(outcome.value)}`
      : `${name} failed${took}: ${oneLine(`${outcome.error.name}: ${outcome.error.message}`)}`
  }
}

/** A process by its number and its machine, where the holder says them. */
function holder(text: string): string {
  const [, pid] = /"pid":(\d+)/.exec(text) ?? []
  const [, host] = /"host":"([^"\\]+)"/.exec(text) ?? []
  return pid === undefined || host === undefined ? '' : ` by process ${pid} of ${oneLine(host)}`
}

function again(attempt: number): string {
  return attempt > 1 ? `, attempt ${attempt}` : ''
}

function by({ by: who }: { readonly by?: string }): string {
  return who === undefined ? '' : ` by ${oneLine(who)}`
}

function tokens({ inputTokens, outputTokens }: Usage): string {
  const all = inputTokens + outputTokens
  return all === 0 ? '' : ` (${counted(all, 'token')})`
}

function result({ error, shown, printed }: Entry<'step-ended'>): string {
  if (error !== undefined) return `: ${oneLine(`${error.name}: ${error.message}`)}`
  const text = oneLine(printed) || (shown === undefined ? '' : `= ${oneLine(shown)}`)
  return text === '' ? '' : `: ${text}`
}
