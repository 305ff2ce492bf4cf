/**
 * How what was found in a value is set: on one line if it fits, in columns where a list is long, otherwise a line for
 * each. The measures are those of Node's `util.inspect`.
 */
;(function layout(kit, strings) {
  'use strict'
  const { list, push, repeat, indexOf, padStart, padEnd, max, min, floor, sqrt } = kit
  const { joined, width } = strings

  const COMPACT = 3
  /** A list of more entries is set in columns. */
  const SHORT = 6
  const MOST_COLUMNS = 15
  /** A character is taken to be so much higher than wide: a block of columns is about a square. */
  const HEIGHT = 2.5

  /**
   * `output` between `open` and `close`, after `base`. `grouped` is the list whose entries they are, `null` if it is
   * none; the last `loose` of `output` tell what was left out, and stand by themselves. `isBroad`: one line may be as long
   * as the width, whatever stands around it.
   */
  function layout(context, { output, base, open, close, level, grouped, loose, isBroad }) {
    const lines =
      grouped !== null && output.length > SHORT ? columns(context, output, grouped, loose) : output
    const head = (base === '' ? '' : base + ' ') + open
    const isFlat = context.current - level < COMPACT && lines === output
    if (isBroad === true ? isFilled(context, output) : isFlat && isShort(context, output, base, open)) {
      return head + ' ' + joined(output, ', ') + ' ' + close
    }
    const start = '\n' + repeat(' ', context.indent)
    return head + start + '  ' + joined(lines, ',' + start + '  ') + start + close
  }

  function isFilled(context, output) {
    let total = -2
    for (let i = 0; i < output.length; i++) total += output[i].length + 2
    return total <= context.width
  }
  function isShort(context, output, base, open) {
    let total = output.length * 2 + context.indent + open.length + base.length + 10
    if (total + output.length > context.width || indexOf(base, '\n') >= 0) return false
    for (let i = 0; i < output.length; i++) {
      total += output[i].length
      if (total > context.width || indexOf(output[i], '\n') >= 0) return false
    }
    return true
  }

  function columns(context, output, value, loose) {
    const counted = output.length - loose
    const widths = list()
    let total = 0
    let longest = 0
    for (let i = 0; i < counted; i++) {
      push(widths, width(output[i]))
      total += widths[i] + 2
      longest = max(longest, widths[i])
    }
    const widest = longest + 2
    const fits = widest * 3 + context.indent < context.width && (total / widest > 5 || longest <= 6)
    if (!fits) return output
    const bias = max(widest - 3 - sqrt(widest - total / output.length), 1)
    const count = min(
      floor(sqrt(HEIGHT * bias * counted) / bias + 0.5),
      floor((context.width - context.indent) / widest),
      COMPACT * 4,
      MOST_COLUMNS,
    )
    if (count <= 1) return output
    const isNumeric = areNumbers(value, counted + min(loose, 1))
    const lines = rows(output, widths, count, counted, isNumeric ? padStart : padEnd)
    for (let i = counted; i < output.length; i++) push(lines, output[i])
    return lines
  }

  function areNumbers(value, length) {
    for (let i = 0; i < length; i++) {
      const item = kit.getOwnPropertyDescriptor(value, i)?.value
      if (typeof item !== 'number' && typeof item !== 'bigint') return false
    }
    return true
  }

  function rows(output, widths, count, counted, pad) {
    const broad = list()
    for (let column = 0; column < count; column++) {
      let most = 0
      for (let i = column; i < counted; i += count) most = max(most, widths[i])
      push(broad, most + 2)
    }
    const lines = list()
    for (let i = 0; i < counted; i += count) {
      const last = min(i + count, counted) - 1
      let line = ''
      for (let j = i; j < last; j++)
        line += pad(output[j] + ', ', broad[j - i] + output[j].length - widths[j])
      const room = broad[last - i] - 2 + output[last].length - widths[last]
      line += pad === padStart ? pad(output[last], room) : output[last]
      push(lines, line)
    }
    return lines
  }

  return layout
})
