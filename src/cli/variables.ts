/** The variables of a run's code at a terminal. */
import type { Variable, Variables } from '../run/variables.ts'
import type { Pen } from './screen.ts'
import { counted, cut, oneLine, padded, safe, widthOf } from './text.ts'

/** Of a long value, so many lines; `--json` has more of it. */
const LINES = 12

/** `isPast`: they are those of a step that is over, of which no heap is kept. */
export function tellVariables(pen: Pen, { variables, untold, heapAt }: Variables, isPast: boolean): void {
  const where = heapAt === undefined ? '' : pen.paint('dim', `  in the heap as it was after entry ${heapAt}`)
  pen.line(`\n${pen.paint('bold', 'Variables')}${where}`)
  if (variables.length === 0) pen.line('  none')
  const names = variables.map(({ name }) => oneLine(name))
  const width = Math.min(30, Math.max(0, ...names.map(widthOf)))
  for (const [at, variable] of variables.entries()) tellOne(pen, padded(names[at] ?? '', width), variable)
  if (untold > 0)
    pen.line(pen.paint('dim', `  and ${counted(untold, 'change')} of others that no step had room to tell`))
  if (variables.length > 0 && heapAt === undefined)
    pen.line(
      pen.paint(
        'dim',
        isPast
          ? '  Values are kept of now, not of past steps: without --step they are shown.'
          : '  Values are not shown: no heap is stored yet, or none that this version can open. Going on rebuilds it.',
      ),
    )
}

function tellOne(pen: Pen, name: string, { type, step, value }: Variable): void {
  const columns = Math.max(40, pen.columns)
  const set = step === undefined ? '' : ` (step ${step})`
  const lines = value === undefined ? [] : safe(value).split('\n')
  const [only = ''] = lines
  if (lines.length === 1 && widthOf(only) + widthOf(name) + widthOf(type) + 20 <= columns) {
    pen.line(`  ${name}  ${only}  ${pen.paint('dim', `${oneLine(type)}${set}`)}`)
    return
  }
  pen.line(cut(`  ${name}  ${oneLine(type)} ${set}`, columns))
  for (const line of lines.slice(0, LINES)) pen.line(cut(`    ${line}`, columns))
  if (lines.length > LINES) pen.line(pen.paint('dim', `    … ${counted(lines.length - LINES, 'more line')}`))
}
