/** The hostile table: what code that means harm gets, what the model read, and what it cost. */
import { ATTACKS } from '../test/guest/hostile/attacks.ts'
import { SPECIALS } from '../test/guest/hostile/special.ts'
import { attacked } from '../test/guest/hostile/victim.ts'
import { timed } from './measure.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

/** Characters of what the model read that a row has room for. */
const ROOM = 100
const MB = 2 ** 20

type Row = Readonly<Record<string, string | number | null>>

export async function hostileTable({ quick }: Settings): Promise<readonly Table[]> {
  const rows: Row[] = []
  const attacks = quick ? ATTACKS.filter((each, index) => ATTACKS[index - 1]?.id !== each.id) : ATTACKS
  for (const { id, about, code, sees } of attacks) {
    const { saw, ms, grew, peak, goesOn } = await attacked(code)
    const held = sees.test(saw) && goesOn
    const size = { grew: grew / MB, peak: peak / MB }
    rows.push({ id, about, saw: shortened(saw), ms, ...size, held: held ? 'yes' : 'NO' })
  }
  for (const { id, about, run } of SPECIALS) {
    const before = process.memoryUsage.rss()
    const { ms, value } = await timed(run)
    const after = process.memoryUsage.rss()
    const held = value.holds && value.goesOn
    const size = { grew: Math.max(0, after - before) / MB, peak: after / MB }
    rows.push({ id, about, saw: shortened(value.saw), ms, ...size, held: held ? 'yes' : 'NO' })
  }
  return [
    {
      id: 'hostile',
      title: '12. Code that means harm, in an agent with 300 ms and 32 MB for a step',
      columns: [
        { key: 'id', label: 'threat' },
        { key: 'about', label: 'what' },
        { key: 'ms', label: 'ms', digits: 0 },
        { key: 'grew', label: '+ MB', digits: 0 },
        { key: 'peak', label: 'peak MB', digits: 0 },
        { key: 'held', label: 'held' },
        { key: 'saw', label: 'what the model read' },
      ],
      rows,
      notes: [
        'ms: from the model’s reply until it was asked again; from H21 on, all of the attack.',
        '+ MB: by how much the process grew meanwhile, at most; peak: what it held then; from H21 on, at the end.',
        'held: it read what it must, and the next step went on with the heap from before.',
      ],
      quoted: [],
    },
  ]
}

/** On one line, without what every killed step is told, and with nothing that acts on a terminal. */
function shortened(text: string): string {
  const line = text
    .replaceAll(/The step was ended by a limit|^Error:\n|^Value:\n|^Printed:\n/g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\p{C}]/gu, '·')
    .trim()
  return line.length > ROOM ? `${line.slice(0, ROOM)}…` : line
}
