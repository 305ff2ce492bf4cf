/**
 * How the value of a step is shown: as `console.log` shows it; rows of a table as a table; of what is long, head and
 * tail with the count of what was cut. The variable keeps all of it.
 */
;(function shower(kit, inspect, table, tagOf, strings) {
  'use strict'
  const { slice, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = kit

  /** Fewer rows are better read as values. */
  const FEWEST = 4
  const HEAD_ROWS = 30
  const TAIL_ROWS = 10
  const MOST_COLUMNS = 12
  const WIDEST_CELL = 60
  const WIDEST = 120
  const LONG_STRING = 10_000
  const HEAD_CHARS = 7_000
  const TAIL_CHARS = 2_000
  /** So many of the last items of a long list. */
  const TAIL_ITEMS = 3

  function shown(value) {
    if (typeof value === 'string' && value.length > LONG_STRING) {
      const cut = value.length - HEAD_CHARS - TAIL_CHARS
      const head = inspect(slice(value, 0, HEAD_CHARS))
      return (
        head + '\n... ' + cut + ' more characters ...\n' + inspect(slice(value, value.length - TAIL_CHARS))
      )
    }
    return asTable(value) ?? inspect(value, { __proto__: null, tail: TAIL_ITEMS })
  }

  /** The table, if that is what the value is: a list of plain objects that have the same few columns of short values. */
  function asTable(value) {
    if (typeof value !== 'object' || value === null || tagOf(value) !== 'Array') return undefined
    const { length } = value
    if (length < FEWEST || ownKeys(value).length !== length + 1) return undefined
    const all = length <= HEAD_ROWS + TAIL_ROWS + 1
    const cut = all ? undefined : { __proto__: null, from: HEAD_ROWS, to: length - TAIL_ROWS }
    const columns = new kit.Map() // name → { most: the width, count: in how many rows }
    let rows = 0
    for (let i = 0; i < length; i++, rows++) {
      if (i === cut?.from) i = cut.to
      if (!isRow(getOwnPropertyDescriptor(value, i)?.value, columns)) return undefined
    }
    let width = 10
    let sum = 0
    kit.mapEach(columns, ({ most, count }) => {
      width += most + 3
      sum += count
    })
    // Mostly holes is no table.
    if (width > WIDEST || sum * 2 < kit.mapSize(columns) * rows) return undefined
    return table(value, undefined, cut)
  }

  /** Notes the columns of a row; false if it is none. Runs nothing of the code. */
  function isRow(row, columns) {
    if (typeof row !== 'object' || row === null || tagOf(row) !== 'Object') return false
    const above = getPrototypeOf(row)
    if (above !== null && above !== kit.Object.prototype) return false
    const names = ownKeys(row)
    if (names.length === 0 || names.length > MOST_COLUMNS) return false
    for (let i = 0; i < names.length; i++) {
      const own = getOwnPropertyDescriptor(row, names[i])
      if (typeof names[i] !== 'string' || !own.enumerable || !('value' in own)) return false
      const width = widthOf(own.value)
      if (width > WIDEST_CELL) return false
      const column = kit.mapGet(columns, names[i])
      if (column !== undefined) {
        column.most = kit.max(column.most, width)
        column.count++
        continue
      }
      if (kit.mapSize(columns) === MOST_COLUMNS) return false
      const most = kit.max(names[i].length, width)
      kit.mapSet(columns, names[i], { __proto__: null, most, count: 1 })
    }
    return true
  }

  /** How wide the cell is; Infinity for what does not belong into one. */
  function widthOf(value) {
    if (value === null || typeof value === 'boolean' || typeof value === 'undefined') return 9
    if (typeof value === 'number' || typeof value === 'bigint') return inspect(value).length
    if (typeof value === 'string')
      return value.length > WIDEST_CELL ? Infinity : strings.width(inspect(value))
    return typeof value === 'object' && tagOf(value) === 'Date' ? 24 : Infinity
  }

  return shown
})
