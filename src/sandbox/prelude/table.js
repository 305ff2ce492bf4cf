/**
 * Rows by columns, as Node's `console.table` draws them. `undefined` for what is no table. Of very many rows only the
 * first are drawn, or those before `cut.from` and from `cut.to` on, and how many there are more is told below.
 */
;(function tables(kit, inspect, tagOf, strings) {
  'use strict'
  const { list, push, keys, hasOwn, mapGet, mapSet, max } = kit
  const { width } = strings

  /** More rows are not drawn. */
  const ROWS = 1_000
  const COLUMNS = 100

  function table(data, chosen, cut) {
    if (typeof data !== 'object' || data === null) return undefined
    switch (tagOf(data)) {
      case 'Map':
        return ofEntries(data)
      case 'Set':
        return ofItems(data)
      default:
        return ofRows(data, chosen, cut)
    }
  }

  function ofEntries(map) {
    const index = list()
    const names = list()
    const values = list()
    kit.mapEach(map, (value, key) => {
      if (index.length >= ROWS) return
      push(index, kit.numberText(index.length))
      push(names, cell(key))
      push(values, cell(value))
    })
    const left = kit.mapSize(map) - index.length
    return draw(of('(iteration index)', 'Key', 'Values'), of(index, names, values), left)
  }

  function ofItems(set) {
    const index = list()
    const values = list()
    kit.setEach(set, (value) => {
      if (index.length >= ROWS) return
      push(index, kit.numberText(index.length))
      push(values, cell(value))
    })
    const left = kit.setSize(set) - index.length
    return draw(of('(iteration index)', 'Values'), of(index, values), left)
  }

  /** Each row is a record by column. Getters run, as in Node. */
  function ofRows(data, chosen, cut) {
    const rows = keys(data)
    const end = cut === undefined ? kit.min(ROWS, rows.length) : rows.length
    let left = rows.length - end
    const index = list()
    const heads = of('(index)')
    const columns = of(index)
    const places = new kit.Map()
    const values = list()
    let isValued = false
    for (let i = 0; i < end; i++) {
      if (i === cut?.from) {
        push(index, '...')
        left = cut.to - cut.from
        i = cut.to
      }
      const at = index.length
      push(index, rows[i])
      const row = data[rows[i]]
      const isPlain = row === null || (typeof row !== 'object' && typeof row !== 'function')
      if (chosen === undefined && isPlain) {
        isValued = true
        values[at] = cell(row)
        continue
      }
      const names = chosen ?? keys(row)
      for (let j = 0; j < names.length && j < COLUMNS; j++) {
        let place = mapGet(places, names[j])
        if (place === undefined) {
          place = columns.length
          mapSet(places, names[j], place)
          push(heads, '' + names[j])
          push(columns, list())
        }
        columns[place][at] = isPlain || !hasOwn(row, names[j]) ? '' : cell(row[names[j]])
      }
    }
    if (isValued) {
      push(heads, 'Values')
      push(columns, values)
    }
    return draw(heads, columns, left)
  }

  function of(...items) {
    const made = list()
    for (let i = 0; i < items.length; i++) push(made, items[i])
    return made
  }

  function cell(value) {
    const isRecord = typeof value === 'object' && value !== null && !kit.isArray(value)
    const depth = isRecord && kit.typedName(value) === undefined && keys(value).length > 2 ? -1 : 0
    return inspect(value, { __proto__: null, depth, items: 3, width: Infinity })
  }

  /** The columns under their heads, the first of them the index; `left` more rows are not among them. */
  function draw(heads, columns, left) {
    const count = columns[0].length
    const widths = list()
    for (let c = 0; c < heads.length; c++) {
      let most = width(heads[c])
      for (let r = 0; r < count; r++) most = max(most, width(columns[c][r] ?? ''))
      push(widths, most)
    }
    const rule = (left, middle, right) => {
      let text = left
      for (let c = 0; c < widths.length; c++) text += (c > 0 ? middle : '') + kit.repeat('─', widths[c] + 2)
      return text + right
    }
    const line = (at) => {
      let text = '│ '
      for (let c = 0; c < widths.length; c++) {
        const value = at(c) ?? ''
        text += (c > 0 ? ' │ ' : '') + value + kit.repeat(' ', widths[c] - width(value))
      }
      return text + ' │\n'
    }
    let text = rule('┌', '┬', '┐') + '\n' + line((c) => heads[c]) + rule('├', '┼', '┤') + '\n'
    for (let r = 0; r < count; r++) text += line((c) => columns[c][r])
    text += rule('└', '┴', '┘')
    return left > 0 ? text + '\n... ' + left + ' more row' + (left > 1 ? 's' : '') : text
  }

  return table
})
