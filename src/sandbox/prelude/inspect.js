/**
 * Shows values as Node's `util.inspect` and `console.log` do (the layout rules are those of Node 24).
 *
 * V1  Runs no foreign code: getters are named, not called; of a proxy its target is shown; nothing is looked up on
 *     a value but its own descriptors and its prototypes'.
 * V2  Bounded: depth, items, characters of a string, and entries in all.
 */
;(function inspector(kit, tagOf, look) {
  'use strict'
  const { list, push, exec, slice, repeat, charCode, indexOf, getOwnPropertyDescriptor, getPrototypeOf } = kit

  const DEPTH = 4
  const ITEMS = 100
  const STRING = 10_000
  const ENTRIES = 5_000
  const WIDTH = 80
  const COMPACT = 3
  const NAME = /^[a-zA-Z_][a-zA-Z_0-9]*$/
  const INDEX = /^(?:0|[1-9][0-9]{0,9})$/
  const CLASS = /^class\b/
  const TAG = kit.Symbol.toStringTag
  const PENDING = 1
  const REJECTED = 3
  const PROXY = 9

  function joined(items, separator) {
    let text = ''
    for (let i = 0; i < items.length; i++) text += i > 0 ? separator + items[i] : items[i]
    return text
  }

  function hex(code, digits) {
    return kit.padStart(kit.numberText(code, 16), digits, '0')
  }

  const ESCAPES = { __proto__: null, 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r', 92: '\\\\' }

  function quoted(text) {
    let mark = "'"
    if (indexOf(text, "'") >= 0) {
      if (indexOf(text, '"') < 0) mark = '"'
      else if (indexOf(text, '`') < 0 && indexOf(text, '${') < 0) mark = '`'
    }
    const markCode = charCode(mark, 0)
    let out = mark
    let from = 0
    for (let i = 0; i < text.length; i++) {
      const code = charCode(text, i)
      let by
      if (code === markCode) by = '\\' + mark
      else if (code === 92 || code < 32) by = ESCAPES[code] ?? '\\x' + kit.padStart(hex(code, 2), 2, '0')
      else if (code > 126 && code < 160) by = '\\x' + hex(code, 2)
      else if (code >= 0xd800 && code <= 0xdfff) {
        const next = i + 1 < text.length ? charCode(text, i + 1) : 0
        if (code <= 0xdbff && next >= 0xdc00 && next <= 0xdfff) {
          i++
          continue
        }
        by = '\\u' + hex(code, 4)
      } else continue
      out += slice(text, from, i) + by
      from = i + 1
    }
    return out + slice(text, from) + mark
  }

  function showString(text, context) {
    let trailer = ''
    if (text.length > STRING) {
      trailer = '... ' + (text.length - STRING) + ' more character' + (text.length - STRING > 1 ? 's' : '')
      text = slice(text, 0, STRING)
    }
    if (text.length <= 16 || text.length <= WIDTH - context.indent - 4) return quoted(text) + trailer
    let out = ''
    let from = 0
    while (from < text.length) {
      const end = indexOf(text, '\n', from)
      const next = end < 0 ? text.length : end + 1
      out += (from > 0 ? ' +\n' + repeat(' ', context.indent + 2) : '') + quoted(slice(text, from, next))
      from = next
    }
    return out + trailer
  }

  function showNumber(value) {
    return value === 0 && 1 / value < 0 ? '-0' : kit.numberText(value)
  }

  /** An own data property, or the first one up the prototypes, without running anything. */
  function peek(value, key) {
    for (let at = value, steps = 0; at !== null && steps < 100; at = getPrototypeOf(at), steps++) {
      if (look(at) === PROXY) return undefined
      const found = getOwnPropertyDescriptor(at, key)
      if (found !== undefined) return found.value
    }
    return undefined
  }

  /** The name of the first constructor up the prototypes; `null` if there is none. */
  function classOf(value) {
    for (let at = value, steps = 0; at !== null && steps < 100; at = getPrototypeOf(at), steps++) {
      if (look(at) === PROXY) return null
      const own = getOwnPropertyDescriptor(at, 'constructor')?.value
      if (typeof own !== 'function' || look(own) === PROXY) continue
      const name = getOwnPropertyDescriptor(own, 'name')?.value
      if (typeof name === 'string' && name !== '') return name
    }
    return null
  }

  const UNTAGGED = { __proto__: null, Array: true, Date: true, RegExp: true, Object: true }

  /** The class before the braces; of an heir, also what it inherits from. */
  function prefix(name, fallback, size) {
    if (name === null) return '[' + fallback + size + ': null prototype] '
    const heir = UNTAGGED[fallback] === undefined && indexOf(name, fallback) < 0
    return name + size + (heir ? ' [' + fallback + '] ' : ' ')
  }

  /** Shows `value`. `depth` levels of nesting are shown. */
  function inspect(value, depth) {
    const context = {
      __proto__: null,
      depth: depth ?? DEPTH,
      indent: 0,
      current: 0,
      left: ENTRIES,
      seen: list(),
      circular: null,
    }
    return show(context, value, 0)
  }

  function show(context, value, level) {
    switch (typeof value) {
      case 'string':
        return showString(value, context)
      case 'number':
        return showNumber(value)
      case 'bigint':
        return value + 'n'
      case 'boolean':
        return value ? 'true' : 'false'
      case 'undefined':
        return 'undefined'
      case 'symbol':
        return kit.symbolText(value)
    }
    if (value === null) return 'null'
    for (let steps = 0; look(value) === PROXY; steps++) {
      if (steps > 100) return '[Proxy]'
      value = look(value, true)
      if (value === null) return '[Revoked Proxy]'
    }
    for (let i = 0; i < context.seen.length; i++) {
      if (context.seen[i] === value) {
        context.circular ??= new kit.Map()
        if (!kit.mapHas(context.circular, value))
          kit.mapSet(context.circular, value, kit.mapSize(context.circular) + 1)
        return '[Circular *' + kit.mapGet(context.circular, value) + ']'
      }
    }
    return showObject(context, value, level)
  }

  function showObject(context, value, level) {
    const tag = typeof value === 'function' ? 'Function' : tagOf(value)
    const name = classOf(value)
    const indexed = tag === 'Array' || kit.typedName(value) !== undefined
    const keys = visibleKeys(value, indexed)
    const shape = outline(context, value, tag, name, keys)
    if (typeof shape === 'string') return shape
    if (level > context.depth) {
      return '[' + (tag === 'Array' ? 'Array' : (name ?? tag + ': null prototype')) + ']'
    }
    context.seen[context.seen.length++] = value
    context.current = level
    const output = list()
    shape.fill?.(output, level + 1)
    for (let i = 0; i < keys.length; i++) {
      if (context.left-- <= 0) {
        push(output, '... ' + (keys.length - i) + ' more properties')
        break
      }
      push(output, showProperty(context, value, keys[i], level + 1))
    }
    context.seen.length--
    let base = shape.base
    let open = shape.open
    const reference = context.circular === null ? undefined : kit.mapGet(context.circular, value)
    if (reference !== undefined) {
      if (base === '') open = '<ref *' + reference + '> ' + open
      else base = '<ref *' + reference + '> ' + base
    }
    return layout(context, {
      __proto__: null,
      output,
      base,
      open,
      close: shape.close,
      level,
      grouped: indexed ? value : null,
    })
  }

  function visibleKeys(value, indexed) {
    const all = kit.ownKeys(value)
    const keys = list()
    for (let i = 0; i < all.length; i++) {
      const key = all[i]
      if (indexed && typeof key === 'string' && exec(INDEX, key) !== null) continue
      if (kit.isEnumerable(value, key)) push(keys, key)
    }
    return keys
  }

  /** The braces of a value and what fills them before its own properties; a whole text if there is nothing to fill. */
  function outline(context, value, tag, name, keys) {
    const none = keys.length === 0
    const shape = (open, close, fill, base) => ({ __proto__: null, open, close, fill, base: base ?? '' })
    if (tag === 'Array') {
      const head = name === 'Array' ? '' : prefix(name, 'Array', '(' + value.length + ')')
      if (value.length === 0 && none) return head + '[]'
      return shape(head + '[', ']', (output, level) => fillArray(context, output, value, level))
    }
    if (kit.typedName(value) !== undefined) {
      const length = kit.typedLength(value)
      const head = prefix(name, tag, '(' + length + ')')
      if (length === 0 && none) return head + '[]'
      return shape(head + '[', ']', (output, level) => fillArray(context, output, value, level, length))
    }
    switch (tag) {
      case 'Set': {
        const head = prefix(name, 'Set', '(' + kit.setSize(value) + ')')
        if (kit.setSize(value) === 0 && none) return head + '{}'
        return shape(head + '{', '}', (output, level) => fillSet(context, output, value, level))
      }
      case 'Map': {
        const head = prefix(name, 'Map', '(' + kit.mapSize(value) + ')')
        if (kit.mapSize(value) === 0 && none) return head + '{}'
        return shape(head + '{', '}', (output, level) => fillMap(context, output, value, level))
      }
      case 'Function':
        return none ? functionBase(value, name) : shape('{', '}', undefined, functionBase(value, name))
      case 'RegExp': {
        const base =
          (name === 'RegExp' ? '' : prefix(name, 'RegExp', '')) +
          '/' +
          kit.regExpSource(value) +
          '/' +
          kit.regExpFlags(value)
        return none ? base : shape('{', '}', undefined, base)
      }
      case 'Date': {
        const time = kit.dateTime(value)
        const base =
          (name === 'Date' ? '' : prefix(name, 'Date', '')) +
          (time !== time ? 'Invalid Date' : kit.dateISO(value))
        return none ? base : shape('{', '}', undefined, base)
      }
      case 'Error': {
        const base = errorBase(context, value, name)
        const cause = getOwnPropertyDescriptor(value, 'cause')
        if (cause === undefined || kit.isEnumerable(value, 'cause'))
          return none ? base : shape('{', '}', undefined, base)
        return shape(
          '{',
          '}',
          (output, level) => {
            push(output, '[cause]: ' + indented(context, () => show(context, cause.value, level)))
          },
          base,
        )
      }
      case 'Promise':
        return shape(prefix(name, 'Promise', '') + '{', '}', (output, level) => {
          const state = look(value)
          if (state === PENDING) return push(output, '<pending>')
          const text = indented(context, () => show(context, look(value, true), level))
          push(output, state === REJECTED ? '<rejected> ' + text : text)
        })
      case 'WeakMap':
      case 'WeakSet':
        return shape(prefix(name, tag, '') + '{', '}', (output) => push(output, '<items unknown>'))
      case 'ArrayBuffer': {
        const length = kit.bufferLength(value)
        return shape(prefix(name, 'ArrayBuffer', '') + '{', '}', (output) => {
          const bytes = new kit.Uint8Array(value, 0, kit.min(50, length))
          let text = ''
          for (let i = 0; i < bytes.length; i++) text += (i > 0 ? ' ' : '') + hex(bytes[i], 2)
          const more = length > 50 ? ' ... ' + (length - 50) + ' more byte' + (length > 51 ? 's' : '') : ''
          push(output, '[Uint8Contents]: <' + text + more + '>')
          push(output, '[byteLength]: ' + length)
        })
      }
      case 'Number':
        return boxed(shape, none, 'Number', showNumber(kit.numberValue(value)))
      case 'Boolean':
        return boxed(shape, none, 'Boolean', kit.booleanValue(value) ? 'true' : 'false')
      case 'BigInt':
        return boxed(shape, none, 'BigInt', kit.bigintValue(value) + 'n')
      case 'Symbol':
        return boxed(shape, none, 'Symbol', kit.symbolText(kit.symbolValue(value)))
      case 'String':
        return '[String: ' + quoted(kit.stringValue(value)) + ']'
    }
    const label = kit.isEnumerable(value, TAG) ? undefined : peek(value, TAG)
    const mark = typeof label === 'string' && label !== '' && label !== name ? '[' + label + '] ' : ''
    const head = name === 'Object' ? (mark === '' ? '' : 'Object ' + mark) : prefix(name, 'Object', '') + mark
    return none ? head + '{}' : shape(head + '{', '}')
  }

  function boxed(shape, none, kind, text) {
    const base = '[' + kind + ': ' + text + ']'
    return none ? base : shape('{', '}', undefined, base)
  }

  function functionBase(value, name) {
    const source = kit.functionText(value)
    const own = getOwnPropertyDescriptor(value, 'name')?.value
    const known = typeof own === 'string' && own !== ''
    if (exec(CLASS, source) !== null) {
      const parent = getPrototypeOf(value)
      const base = typeof parent === 'function' ? getOwnPropertyDescriptor(parent, 'name')?.value : ''
      return (
        '[class ' +
        (known ? own : '(anonymous)') +
        (typeof base === 'string' && base !== '' ? ' extends ' + base : '') +
        ']'
      )
    }
    const kind = name === null || exec(/Function$/, name) === null ? 'Function' : name
    return '[' + kind + (known ? ': ' + own : ' (anonymous)') + ']'
  }

  function errorBase(context, value, name) {
    const own = peek(value, 'name')
    const message = peek(value, 'message')
    const title = typeof own === 'string' && own !== 'Error' ? own : (name ?? 'Error')
    const head = typeof message === 'string' && message !== '' ? title + ': ' + message : title
    const frames = context.frames === undefined ? inspect.frames(value) : ''
    return frames === '' ? '[' + head + ']' : head + '\n' + frames
  }

  function indented(context, make) {
    context.indent += 2
    const text = make()
    context.indent -= 2
    return text
  }

  function fillArray(context, output, value, level, typed) {
    const length = typed ?? value.length
    const shown = list()
    let holes = 0
    let index = 0
    const flush = () => {
      if (holes > 0) push(output, '<' + holes + ' empty item' + (holes > 1 ? 's' : '') + '>')
      holes = 0
    }
    for (; index < length && output.length < ITEMS; index++) {
      const own = getOwnPropertyDescriptor(value, index)
      if (own === undefined) {
        const next = nextIndex(value, index, length)
        holes += next - index
        index = next - 1
        flush()
        continue
      }
      if (context.left-- <= 0) break
      push(
        output,
        indented(context, () => showValue(context, own, level)),
      )
      push(shown, own.value)
    }
    if (index < length)
      push(output, '... ' + (length - index) + ' more item' + (length - index > 1 ? 's' : ''))
  }

  /** The first filled index after `from`. */
  function nextIndex(value, from, length) {
    for (let i = from + 1; i < length && i < from + 64; i++) if (kit.hasOwn(value, i)) return i
    const keys = kit.keys(value)
    for (let i = 0; i < keys.length; i++) {
      if (exec(INDEX, keys[i]) !== null && +keys[i] > from && +keys[i] < length) return +keys[i]
    }
    return length
  }

  function fillSet(context, output, value, level) {
    let left = 0
    kit.setEach(value, (item) => {
      if (output.length >= ITEMS || context.left-- <= 0) left++
      else
        push(
          output,
          indented(context, () => show(context, item, level)),
        )
    })
    if (left > 0) push(output, '... ' + left + ' more item' + (left > 1 ? 's' : ''))
  }

  function fillMap(context, output, value, level) {
    let left = 0
    kit.mapEach(value, (item, key) => {
      if (output.length >= ITEMS || context.left-- <= 0) left++
      else
        push(
          output,
          indented(context, () => show(context, key, level) + ' => ' + show(context, item, level)),
        )
    })
    if (left > 0) push(output, '... ' + left + ' more item' + (left > 1 ? 's' : ''))
  }

  function showValue(context, own, level) {
    if (own.get !== undefined) return own.set !== undefined ? '[Getter/Setter]' : '[Getter]'
    if (own.set !== undefined) return '[Setter]'
    return show(context, own.value, level)
  }

  function showProperty(context, value, key, level) {
    const own = getOwnPropertyDescriptor(value, key)
    const text = own === undefined ? 'undefined' : indented(context, () => showValue(context, own, level))
    if (typeof key === 'symbol') return kit.symbolText(key) + ': ' + text
    if (key === '__proto__') return "['__proto__']: " + text
    return (exec(NAME, key) !== null ? key : quoted(key)) + ': ' + text
  }

  /** One line if it fits, columns for long arrays, otherwise a line for each entry. */
  function layout(context, { output, base, open, close, level, grouped }) {
    const lines = grouped !== null && output.length > 6 ? columns(context, output, grouped) : output
    if (context.current - level < COMPACT && lines === output) {
      let total = output.length * 2 + context.indent + open.length + base.length + 10
      let single = total <= WIDTH && indexOf(base, '\n') < 0
      total -= output.length
      total += output.length
      for (let i = 0; single && i < output.length; i++) {
        total += output[i].length
        single = total <= WIDTH && indexOf(output[i], '\n') < 0
      }
      if (single) return (base === '' ? '' : base + ' ') + open + ' ' + joined(output, ', ') + ' ' + close
    }
    const start = '\n' + repeat(' ', context.indent)
    return (
      (base === '' ? '' : base + ' ') +
      open +
      start +
      '  ' +
      joined(lines, ',' + start + '  ') +
      start +
      close
    )
  }

  function columns(context, output, value) {
    const counted = output.length - (indexOf(output[output.length - 1], '... ') === 0 ? 1 : 0)
    let total = 0
    let longest = 0
    for (let i = 0; i < counted; i++) {
      total += output[i].length + 2
      longest = kit.max(longest, output[i].length)
    }
    const widest = longest + 2
    if (!(widest * 3 + context.indent < WIDTH && (total / widest > 5 || longest <= 6))) return output
    const bias = kit.max(widest - 3 - kit.sqrt(widest - total / output.length), 1)
    const count = kit.min(
      kit.floor(kit.sqrt(2.5 * bias * counted) / bias + 0.5),
      kit.floor((WIDTH - context.indent) / widest),
      COMPACT * 4,
      15,
    )
    if (count <= 1) return output
    let numbers = true
    for (let i = 0; i < counted && numbers; i++) {
      const item = getOwnPropertyDescriptor(value, i)?.value
      numbers = typeof item === 'number' || typeof item === 'bigint'
    }
    const lines = list()
    for (let i = 0; i < counted; i += count) {
      const end = kit.min(i + count, counted)
      let line = ''
      for (let j = i; j < end; j++) {
        let width = 0
        for (let k = j - i; k < output.length; k += count)
          if (k < counted) width = kit.max(width, output[k].length)
        width += 2
        const last = j === end - 1
        if (numbers) line += kit.padStart(last ? output[j] : output[j] + ', ', last ? width - 2 : width)
        else line += last ? output[j] : kit.padEnd(output[j] + ', ', width)
      }
      push(lines, line)
    }
    if (counted < output.length) push(lines, output[counted])
    return lines
  }

  /** `console.log`'s text of its arguments, with Node's format specifiers. */
  function format(args) {
    let text = ''
    let next = 0
    if (args.length > 0 && typeof args[0] === 'string') {
      const first = args[0]
      next = 1
      let from = 0
      for (let i = 0; args.length > 1 && i < first.length - 1; i++) {
        if (charCode(first, i) !== 37) continue
        const by = specified(slice(first, i + 1, i + 2), args, next)
        if (by === undefined) continue
        text += slice(first, from, i) + by.text
        next = by.next
        from = i + 2
        i++
      }
      text += slice(first, from)
    }
    for (let i = next; i < args.length; i++) {
      text += (i > 0 ? ' ' : '') + (typeof args[i] === 'string' ? args[i] : inspect(args[i]))
    }
    return text
  }

  function specified(letter, args, next) {
    if (letter === '%') return { text: '%', next }
    if (next >= args.length) return undefined
    const value = args[next]
    const primitive = value === null || (typeof value !== 'object' && typeof value !== 'function')
    const number = (turn) =>
      typeof value === 'bigint'
        ? value + 'n'
        : !primitive || typeof value === 'symbol'
          ? 'NaN'
          : showNumber(turn(value))
    switch (letter) {
      case 's':
        if (typeof value === 'string') return { text: value, next: next + 1 }
        return { text: inspect(value, 0), next: next + 1 }
      case 'd':
        return { text: number(kit.Number), next: next + 1 }
      case 'i':
        return { text: number(kit.parseInt), next: next + 1 }
      case 'f':
        return { text: number(kit.parseFloat), next: next + 1 }
      case 'j':
      case 'o':
      case 'O':
        return { text: inspect(value), next: next + 1 }
      case 'c':
        return { text: '', next: next + 1 }
      default:
        return undefined
    }
  }

  inspect.frames = () => ''
  return { inspect, format, quoted }
})
