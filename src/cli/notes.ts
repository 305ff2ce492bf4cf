/** What stands between the steps of a run: what people said and edited, answers that were refused, where it was forked. */
import type { Entry } from '../journal/entry.ts'
import type { Pen } from './screen.ts'
import { indented, oneLine, safe } from './text.ts'

interface Note {
  readonly title: string
  readonly text?: string
}

/** By how many steps of the memory stand before it. */
export function notesOf(entries: readonly Entry[]): ReadonlyMap<number, readonly Note[]> {
  const notes = new Map<number, readonly Note[]>()
  let before = 0
  for (const entry of entries) {
    if (STEPS.has(entry.kind)) before++
    const note = noteOf(entry)
    if (note !== undefined) notes.set(before, [...(notes.get(before) ?? []), note])
  }
  return notes
}

export function tellNote(pen: Pen, { title, text }: Note): void {
  pen.line(`\n${pen.paint('bold', safe(title))}`)
  if (text !== undefined) pen.line(indented(safe(text)))
}

/** Each begins a step of the memory. */
const STEPS: ReadonlySet<Entry['kind']> = new Set<Entry['kind']>([
  'task-added',
  'plan-made',
  'step-started',
  'task-completed',
])

function noteOf(entry: Entry): Note | undefined {
  switch (entry.kind) {
    case 'message-said':
      return { title: `Said${byWhom(entry)}`, text: entry.text }
    case 'memory-edited':
      return {
        title: `Memory edited${byWhom(entry)}: ${entry.of === 'action' ? 'step' : entry.of} ${entry.number}`,
      }
    case 'output-refused':
      return { title: `Answer refused: ${oneLine(entry.why)} (${entry.check})` }
    case 'run-forked':
      return { title: `Forked from run ${entry.from.run} at entry ${entry.from.seq}` }
    default:
      return undefined
  }
}

function byWhom({ by }: { readonly by?: string }): string {
  return by === undefined ? '' : ` by ${by}`
}
