/**
 * A run's events as lines for whoever watches. On a terminal with the code in colour, and less of what the status line
 * says; elsewhere one line per event.
 */
import { decode } from '../base/codec.ts'
import { showDuration } from '../base/duration.ts'
import type { Entry, Stored } from '../journal/entry.ts'
import type { RunEvent } from '../run/event.ts'
import { highlighted } from './highlight.ts'
import type { Pen } from './screen.ts'
import { cut, oneLine, safe, shown } from './text.ts'
import { usedOf } from './used.ts'

const CODE_LINES = 40

/** What the model is asked for, where it is not a step. */
const FOR = { step: '', plan: ' for a plan', summary: ' for a summary', answer: ' for its answer' } as const

export class Progress {
  readonly #pen: Pen
  readonly #calls = new Map<string, { readonly name: string; readonly input: Stored; readonly at: number }>()
  /** The call that a question is about. */
  readonly #asking = new Map<string, string>()
  /** When the model was asked, and what is known of its reply. */
  #asked = 0
  #reply = ''

  constructor(pen: Pen) {
    this.#pen = pen
  }

  /** What happened before, and is not told again: the calls that are still open are known by their names. */
  learn(event: RunEvent): void {
    if (event.type !== 'entry') return
    this.#know(event.entry)
    if (event.entry.kind === 'call-returned') this.#calls.delete(event.entry.call)
  }

  hear(event: RunEvent): void {
    if (event.type === 'entry') {
      this.#know(event.entry)
      this.#entry(event.entry)
    } else if (event.type === 'printed') this.#block('  | ', event.text)
    else if (event.type === 'log') this.#line('dim', `  log ${event.call}: ${oneLine(event.text)}`)
    else if (event.type === 'progress')
      this.#line('dim', `  ${event.call} … ${oneLine(shown(event.value, 0))}`)
  }

  #entry(entry: Entry): void {
    switch (entry.kind) {
      case 'segment-started':
        if (entry.heap !== 'fresh')
          this.#line('dim', `goes on (from ${entry.heap === 'snapshot' ? 'its snapshot' : 'a replay'})`)
        break
      case 'model-called':
        this.#asked = entry.at
        // At a terminal the status line says it.
        if (this.#pen.isTerminal && entry.attempt <= 1) break
        this.#line(
          'dim',
          `step ${entry.step}: asks the model${FOR[entry.purpose]}${entry.attempt > 1 ? ` (attempt ${entry.attempt})` : ''}`,
        )
        break
      case 'model-failed':
        this.#line(
          'yellow',
          `step ${entry.step}: the model failed: ${oneLine(entry.error.message)}${retryOf(entry)}`,
        )
        break
      case 'model-replied':
        this.#reply = replyOf(entry, this.#asked)
        if (entry.mistake !== undefined)
          this.#line('yellow', `step ${entry.step}: the reply could not be used: ${oneLine(entry.mistake)}`)
        break
      case 'plan-made':
        this.#block('  plan | ', entry.plan)
        break
      case 'step-started':
        this.#code(entry.step, entry.source)
        break
      case 'call-started':
        this.#callStarted(entry)
        break
      case 'call-returned':
        this.#callReturned(entry)
        break
      case 'sleep-started':
        this.#line('dim', `  ${entry.call} sleeps until ${new Date(entry.due).toISOString()}`)
        break
      case 'question-asked':
        this.#line('yellow', `  question ${entry.question}: ${oneLine(entry.message)}`)
        break
      case 'question-answered':
        this.#line(
          'dim',
          `  question ${entry.question} answered: ${entry.decision.type}${entry.by === undefined ? '' : ` by ${oneLine(entry.by)}`}`,
        )
        break
      case 'step-ended':
        if (entry.error !== undefined)
          this.#line('red', `  ${oneLine(`${entry.error.name}: ${entry.error.message}`)}`)
        else if (entry.shown !== undefined) this.#line('dim', `  = ${oneLine(entry.shown)}`)
        break
      case 'step-interrupted':
        this.#line('yellow', `  interrupted${entry.calls === '' ? '' : `: ${oneLine(entry.calls)}`}`)
        break
      case 'step-killed':
        this.#line('red', `  killed: ${oneLine(entry.message)}`)
        break
      case 'output-refused':
        this.#line('yellow', `  ${oneLine(entry.check)} refused the answer: ${oneLine(entry.why)}`)
        break
      case 'message-said':
        this.#line('dim', `  said to it: ${oneLine(entry.text)}`)
        break
      // The result tells the rest.
      default:
    }
  }

  #code(step: number, source: string): void {
    const pen = this.#pen
    if (!pen.isTerminal) return this.#line('bold', `step ${step}: ${oneLine(source)}`)
    // Long lines wrap; very long ones are cut.
    const lines = highlighted(source.trimEnd(), pen.columns * 4, (paint, text) => pen.paint(paint, text))
    pen.line(`${pen.paint('bold', `step ${step}`)}${pen.paint('dim', this.#reply)}`)
    for (const line of lines.length > CODE_LINES ? lines.slice(0, CODE_LINES - 1) : lines)
      pen.line(`  ${line}`)
    if (lines.length > CODE_LINES)
      this.#line('dim', `  … ${lines.length - CODE_LINES + 1} more lines: pca show`)
  }

  /** What the calls are, and are made by a person. */
  #know(entry: Entry): void {
    if (entry.kind === 'call-requested')
      this.#calls.set(entry.call, { name: entry.tool, input: entry.input, at: entry.at })
    else if (entry.kind === 'question-asked' && entry.call !== undefined)
      this.#asking.set(entry.question, entry.call)
    else if (entry.kind === 'question-answered' && entry.edited !== undefined) {
      const id = this.#asking.get(entry.question) ?? ''
      const call = this.#calls.get(id)
      if (call !== undefined) this.#calls.set(id, { ...call, input: entry.edited.input })
    }
  }

  #callStarted(entry: Entry<'call-started'>): void {
    const call = this.#calls.get(entry.call)
    if (call === undefined) return
    this.#calls.set(entry.call, { ...call, at: entry.at })
    const again = entry.attempt > 1 ? ` (attempt ${entry.attempt})` : ''
    this.#line('cyan', `  ${entry.call} ${nameOf(call.name)}(${inputOf(call.input)})${again}`)
  }

  #callReturned(entry: Entry<'call-returned'>): void {
    const call = this.#calls.get(entry.call)
    this.#calls.delete(entry.call)
    const name = call === undefined ? '' : ` ${nameOf(call.name)}`
    const took = call === undefined ? '' : ` (${showDuration(entry.at - call.at)})`
    const { outcome } = entry
    if (outcome.ok) this.#line('dim', `  ${entry.call}${name} returned${took}`)
    else this.#line('yellow', `  ${entry.call}${name} failed${took}: ${oneLine(outcome.error.message)}`)
  }

  #block(lead: string, text: string): void {
    if (!this.#pen.isTerminal) this.#line('dim', lead + oneLine(text))
    else for (const line of safe(text.trimEnd()).split('\n')) this.#line('dim', lead + line)
  }

  #line(paint: Parameters<Pen['paint']>[0], text: string): void {
    this.#pen.line(this.#pen.paint(paint, cut(text, this.#pen.isTerminal ? this.#pen.columns : 500)))
  }
}

/** `$ask` and `$sleep` are the guest's own. */
export function nameOf(tool: string): string {
  return oneLine(tool.replace(/^\$/, ''))
}

/** The arguments of a call in one line. Large ones lie elsewhere. */
export function inputOf(input: Stored): string {
  if (typeof input !== 'string') return '…'
  const args = decode(input)
  return args === undefined ? '' : oneLine(shown(args, 0))
}

/** What a reply took, and what it used. */
function replyOf({ took, at, usage }: Entry<'model-replied'>, asked: number): string {
  return `  ${[showDuration(took ?? Math.max(0, at - asked)), ...usedOf(usage)].join(' · ')}`
}

function retryOf({ retryAt, at }: Entry<'model-failed'>): string {
  return retryAt === undefined ? '' : `; again in ${showDuration(Math.max(0, retryAt - at))}`
}
