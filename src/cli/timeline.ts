/**
 * Where the time of a run went, drawn to scale.
 *
 * Each moment counts once: the model thinks, else a call is in flight, else somebody or something is waited for (a
 * question, a timer, a pause, a driver), else the code computes.
 */
import { showDuration } from '../base/duration.ts'
import type { Entry } from '../journal/entry.ts'
import type { Pen } from './screen.ts'

export type Doing = 'thinking' | 'computing' | 'calling' | 'waiting'

/** A stretch of time, ms since the epoch. */
export interface Slice {
  readonly from: number
  readonly to: number
  readonly doing: Doing
}

const KINDS: readonly Doing[] = ['thinking', 'computing', 'calling', 'waiting']
const PAINTS = { thinking: 'magenta', computing: 'green', calling: 'cyan', waiting: 'yellow' } as const
const LEAST_COLUMNS = 10
const MOST_COLUMNS = 60

/** The stretches of a run, in order and without gaps; `now` ends the last one of a run that goes on. */
export function slicesOf(entries: readonly Entry[], now?: number): readonly Slice[] {
  const slices: Slice[] = []
  const seen = new Seen()
  let from = entries[0]?.at ?? 0
  const until = (to: number, doing: Doing): void => {
    if (to <= from) return
    const last = slices.at(-1)
    if (last?.doing === doing) slices[slices.length - 1] = { ...last, to }
    else slices.push({ from, to, doing })
    from = to
  }
  for (const entry of entries) {
    // Nobody drove it before it was driven again.
    const isAgain = entry.kind === 'segment-started' && entry.why !== 'start'
    until(entry.at, isAgain ? 'waiting' : seen.doing)
    seen.see(entry)
  }
  if (now !== undefined && !seen.isOver) until(now, seen.doing)
  return slices
}

/** Ms of each. */
export function totalsOf(slices: readonly Slice[]): Readonly<Record<Doing, number>> {
  const totals = { thinking: 0, computing: 0, calling: 0, waiting: 0 }
  for (const { from, to, doing } of slices) totals[doing] += to - from
  return totals
}

/** What goes on after an entry. */
class Seen {
  isOver = false
  #thinks = false
  #rests = false
  readonly #flying = new Set<string>()
  readonly #waits = new Set<string>()
  /** Who waits for an answer: the call, or the question itself. */
  readonly #asking = new Map<string, string>()

  get doing(): Doing {
    if (this.#rests) return 'waiting'
    if (this.#thinks) return 'thinking'
    if (this.#flying.size > 0) return 'calling'
    return this.#waits.size > 0 ? 'waiting' : 'computing'
  }

  see(entry: Entry): void {
    switch (entry.kind) {
      case 'segment-started':
        // What a process that died had in flight is sent again, or asked about.
        this.#thinks = false
        this.#flying.clear()
        this.#rests = false
        break
      case 'model-called':
        this.#thinks = true
        break
      case 'model-replied':
      case 'plan-made':
      case 'context-compacted':
      case 'model-failed':
        this.#thinks = false
        break
      case 'call-started':
        this.#waits.delete(entry.call)
        this.#flying.add(entry.call)
        break
      case 'call-failed':
        this.#flying.delete(entry.call)
        this.#waits.add(entry.call)
        break
      case 'call-returned':
      case 'call-withdrawn':
        this.#flying.delete(entry.call)
        this.#waits.delete(entry.call)
        break
      case 'step-started':
        // A program that was cut before anybody decided takes its question with it.
        for (const waits of this.#waits) if (this.#asking.get(waits) === waits) this.#waits.delete(waits)
        break
      case 'sleep-started':
        this.#waits.add(entry.call)
        break
      case 'question-asked':
        this.#waits.add(entry.call ?? entry.question)
        this.#asking.set(entry.question, entry.call ?? entry.question)
        break
      case 'question-answered':
        this.#waits.delete(this.#asking.get(entry.question) ?? '')
        break
      case 'run-paused':
        this.#rests = true
        break
      case 'run-resumed':
      case 'task-added':
      case 'run-retried':
        this.#rests = false
        this.isOver = false
        break
      case 'task-completed':
      case 'task-failed':
      case 'run-stopped':
        this.#rests = true
        this.isOver = true
        this.#waits.clear()
        break
      default:
    }
  }
}

/** Draws it, and once more without the waiting where that leaves no room for anything else. */
export function tellTimeline(pen: Pen, slices: readonly Slice[]): void {
  const [first, last] = [slices[0], slices.at(-1)]
  if (first === undefined || last === undefined) return
  const all = last.to - first.from
  const totals = totalsOf(slices)
  pen.line(`\n${pen.paint('bold', 'Time')}  ${showDuration(all)} from ${new Date(first.from).toISOString()}`)
  tellRows(pen, slices, totals, all)
  const busy = all - totals.waiting
  if (totals.waiting * 3 < all * 2 || busy === 0) return
  pen.line(`  ${pen.paint('dim', `without waiting: ${showDuration(busy)}`)}`)
  tellRows(pen, closedUp(slices), { ...totals, waiting: 0 }, busy)
}

function tellRows(
  pen: Pen,
  slices: readonly Slice[],
  totals: Readonly<Record<Doing, number>>,
  all: number,
): void {
  const columns = Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, pen.columns - 32))
  for (const doing of KINDS) {
    if (totals[doing] === 0) continue
    const share = `${Math.round((totals[doing] / all) * 100)} %`.padStart(6)
    pen.line(
      `  ${doing.padEnd(9)}  ${pen.paint(PAINTS[doing], drawn(slices, doing, columns))}  ${showDuration(totals[doing]).padStart(9)}${share}`,
    )
  }
}

/** A column for each part of the time: full where most of it was so, a dot where some of it was. */
function drawn(slices: readonly Slice[], doing: Doing, columns: number): string {
  const start = slices[0]?.from ?? 0
  const part = ((slices.at(-1)?.to ?? 0) - start) / columns
  const filled = Array.from({ length: columns }, () => 0)
  for (const slice of slices.filter((it) => it.doing === doing)) {
    const [from, to] = [(slice.from - start) / part, (slice.to - start) / part]
    for (let at = Math.floor(from); at < Math.min(columns, Math.ceil(to)); at++)
      filled[at] = (filled[at] ?? 0) + Math.min(to, at + 1) - Math.max(from, at)
  }
  return filled.map((share) => (share >= 0.5 ? '█' : share > 0 ? '·' : ' ')).join('')
}

/** The others, one right after the other. */
function closedUp(slices: readonly Slice[]): readonly Slice[] {
  let at = 0
  return slices.flatMap(({ from, to, doing }) => {
    if (doing === 'waiting') return []
    const moved = { from: at, to: at + to - from, doing }
    at = moved.to
    return [moved]
  })
}
