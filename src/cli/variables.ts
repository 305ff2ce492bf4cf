/** The variables of a run's code, from what its steps told when they ended: no code runs, and no heap is opened. */
import type { ToldVariable } from '../base/halt.ts'
import type { Entry } from '../journal/entry.ts'
import type { Pen } from './screen.ts'
import { counted, cut, oneLine, padded, widthOf } from './text.ts'

export interface Variables {
  readonly variables: readonly {
    readonly name: string
    /** Type and size in a few words. */
    readonly type: string
    /** The step that set it last. */
    readonly step: number
  }[]
  /** How many changes of others no step had room to tell. */
  readonly untold: number
}

/** As they stood after the last of `entries`. */
export function variablesOf(entries: readonly Entry[]): Variables {
  const found = new Map<string, Variables['variables'][number]>()
  let untold = 0
  for (const entry of entries) {
    if (entry.kind !== 'step-ended') continue
    for (const { name, type } of entry.variables ?? ([] as readonly ToldVariable[]))
      found.set(name, { name, type, step: entry.step })
    untold += entry.moreVariables ?? 0
  }
  return { variables: [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)), untold }
}

export function tellVariables(pen: Pen, { variables, untold }: Variables): void {
  pen.line(`\n${pen.paint('bold', 'Variables')}`)
  if (variables.length === 0) pen.line('  none')
  const names = variables.map(({ name }) => oneLine(name))
  const width = Math.min(30, Math.max(0, ...names.map(widthOf)))
  for (const [at, { type, step }] of variables.entries())
    pen.line(
      cut(`  ${padded(names[at] ?? '', width)}  ${oneLine(type)}  (step ${step})`, Math.max(40, pen.columns)),
    )
  if (untold > 0)
    pen.line(pen.paint('dim', `  and ${counted(untold, 'change')} of others that no step had room to tell`))
  if (variables.length > 0)
    pen.line(
      pen.paint('dim', '  Values are not shown: they lie in the stored heap, which only a sandbox reads.'),
    )
}
