/** A table of figures: what every part of the benchmark gives, for people and for machines. */

export type Cell = string | number | null

export interface Column {
  readonly key: string
  readonly label: string
  /** Digits after the point. Default 2. */
  readonly digits?: number
}

/** A figure that somebody else measured, elsewhere: never put beside ours in a ratio. */
export interface Quote {
  readonly who: string
  readonly figure: string
  /** File and line of the project's notes that it stands in. */
  readonly source: string
}

export interface Table {
  readonly id: string
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly Readonly<Record<string, Cell>>[]
  readonly notes: readonly string[]
  readonly quoted: readonly Quote[]
}

/** A table as text. */
export function render(table: Table): string {
  const { columns, rows } = table
  const texts = rows.map((row) => columns.map((column) => cellText(row[column.key] ?? null, column)))
  const widths = columns.map((column, index) =>
    Math.max(column.label.length, ...texts.map((cells) => cells[index]?.length ?? 0)),
  )
  const isText = columns.map(({ key }) => rows.some((row) => typeof row[key] === 'string'))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        isText[index] ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [
    `${table.title}\n`,
    line(columns.map((column) => column.label)),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...texts.map(line),
    ...table.notes.map((note) => `  ${note}`),
    ...(table.quoted.length === 0 ? [] : ['  Quoted, other machine, not measured here:']),
    ...table.quoted.map(({ who, figure, source }) => `    ${who}: ${figure} [${source}]`),
  ].join('\n')
}

function cellText(cell: Cell, column: Column): string {
  if (cell === null) return '-'
  return typeof cell === 'string' ? cell : cell.toFixed(column.digits ?? 2)
}
