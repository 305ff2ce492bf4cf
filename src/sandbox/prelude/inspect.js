/**
 * Shows values as Node's `util.inspect` and `console.log` do (the rules are those of Node 24).
 *
 * V1  Runs no foreign code: getters are named, not called; of a proxy its target is shown; nothing is looked up on
 *     a value but its own descriptors and its prototypes'.
 * V2  Bounded: depth, items, characters of a string, and entries in all.
 * V3  Differs from Node on purpose: four levels are shown, not two; what V1 forbids to ask for is not there (a
 *     `Symbol.toStringTag` that is a getter, `util.inspect.custom`); iterators are not run ahead to see what they hold.
 */
;(function inspector(kit, tagOf, look, strings, layout) {
  'use strict'
  const { list, push, exec, slice, indexOf, getOwnPropertyDescriptor, getPrototypeOf, mapGet, mapSet } = kit
  const { hex, quoted, withEscapes } = strings

  const DEPTH = 4
  const ITEMS = 100
  const STRING = 10_000
  const ENTRIES = 5_000
  const WIDTH = 80
  const NAME = /^[a-zA-Z_][a-zA-Z_0-9]*$/
  const INDEX = /^(?:0|[1-9][0-9]{0,9})$/
  const CLASS = /^class\b/
  const TAG = kit.Symbol.toStringTag
  const PENDING = 1
  const REJECTED = 3
  const PROXY = 9
  /** How far up prototypes are followed. */
  const HIGH = 100

  /** How values of our own classes are shown, by their prototype. */
  const taught = new kit.Map()

  function showString(text, context) {
    let trailer = ''
    if (text.length > STRING) {
      trailer = '... ' + more(text.length - STRING, 'character')
      text = slice(text, 0, STRING)
    }
    if (text.length <= 16 || text.length <= context.width - context.indent - 4) return quoted(text) + trailer
    let out = ''
    let from = 0
    while (from < text.length) {
      const end = indexOf(text, '\n', from)
      const next = end < 0 ? text.length : end + 1
      out += (from > 0 ? ' +\n' + kit.repeat(' ', context.indent + 2) : '') + quoted(slice(text, from, next))
      from = next
    }
    return out + trailer
  }

  function more(count, what) {
    return count + ' more ' + what + (count > 1 ? 's' : '')
  }

  function showNumber(value) {
    return value === 0 && 1 / value < 0 ? '-0' : kit.numberText(value)
  }

  /** An own data property, or the first one up the prototypes, without running anything. */
  function peek(value, key) {
    for (let at = value, steps = 0; at !== null && steps < HIGH; at = getPrototypeOf(at), steps++) {
      if (look(at) === PROXY) return undefined
      const found = getOwnPropertyDescriptor(at, key)
      if (found !== undefined) return found.value
    }
    return undefined
  }

  function isOf(value, Class) {
    const prototype = getOwnPropertyDescriptor(Class, 'prototype')?.value
    for (let at = getPrototypeOf(value), steps = 0; at !== null && steps < HIGH; steps++) {
      if (at === prototype) return true
      if (look(at) === PROXY) return false
      at = getPrototypeOf(at)
    }
    return false
  }

  /** The name of the nearest class; `null` if it has no prototype at all. */
  function classOf(context, value) {
    let first
    for (let at = value, steps = 0; at !== null && steps < HIGH; at = getPrototypeOf(at), steps++) {
      if (steps === 1) first = at
      if (look(at) === PROXY) break
      const own = getOwnPropertyDescriptor(at, 'constructor')?.value
      if (typeof own !== 'function' || look(own) === PROXY) continue
      const name = getOwnPropertyDescriptor(own, 'name')?.value
      if (typeof name === 'string' && name !== '' && isOf(value, own)) return name
    }
    if (first === undefined) return null
    const { depth } = context
    context.depth = -1
    const parent = classOf(context, first) ?? show(context, first, 0)
    context.depth = depth
    return 'Object <' + parent + '>'
  }

  /** The class before the braces, and the tag if that says more. */
  function prefix(name, tag, fallback, size) {
    if (name === null) {
      const mark = tag === '' || tag === fallback ? '' : '[' + tag + '] '
      return '[' + fallback + size + ': null prototype] ' + mark
    }
    return name + size + ' ' + (says(name, tag) ? '[' + tag + '] ' : '')
  }
  function says(name, tag) {
    if (tag === '') return false
    const at = indexOf(name, tag)
    if (at < 0) return true
    const next = slice(name, at + tag.length, at + tag.length + 1)
    return next !== '' && next === kit.lower(next)
  }

  /**
   * Shows `value`. Options: `depth`, `items`, `width`; `tail`: how many of the last items of a long list are shown too;
   * `hidden`: what is not enumerable is shown too.
   */
  function inspect(value, options) {
    return show(contextOf(options), value, 0)
  }
  function contextOf(options) {
    return {
      __proto__: null,
      depth: options?.depth ?? DEPTH,
      items: options?.items ?? ITEMS,
      width: options?.width ?? WIDTH,
      tail: options?.tail ?? 0,
      hidden: options?.hidden === true,
      indent: 0,
      current: 0,
      left: ENTRIES,
      seen: list(),
      circular: null,
    }
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
      if (steps > HIGH) return '[Proxy]'
      value = look(value, true)
      if (value === null) return '<Revoked Proxy>'
    }
    for (let i = 0; i < context.seen.length; i++) {
      if (context.seen[i] === value) return '[Circular *' + referenceOf(context, value) + ']'
    }
    return showObject(context, value, level)
  }
  function referenceOf(context, value) {
    context.circular ??= new kit.Map()
    const known = mapGet(context.circular, value)
    if (known !== undefined) return known
    const next = kit.mapSize(context.circular) + 1
    mapSet(context.circular, value, next)
    return next
  }

  function showObject(context, value, level) {
    const kind = typeof value === 'function' ? 'Function' : tagOf(value)
    const name = classOf(context, value)
    const indexed = kind === 'Array' || kit.typedName(value) !== undefined
    const keys = visibleKeys(context, value, indexed)
    const tag = tagIn(value)
    const shape = outline(context, value, { __proto__: null, kind, name, tag, keys })
    if (typeof shape === 'string') return shape
    if (level > context.depth) {
      const bare = prefix(name, tag, kind === 'Array' ? 'Array' : 'Object', '')
      return name === null ? slice(bare, 0, -1) : '[' + slice(bare, 0, -1) + ']'
    }
    context.seen[context.seen.length++] = value
    context.current = level
    const output = list()
    const loose = shape.fill?.(output, level + 1) ?? 0
    for (let i = 0; i < keys.length; i++) {
      if (context.left-- <= 0) {
        push(output, '... ' + (keys.length - i) + ' more properties')
        break
      }
      push(output, showProperty(context, value, keys[i], level + 1))
    }
    context.seen.length--
    const { open, close, isBroad } = shape
    const reference = context.circular === null ? undefined : mapGet(context.circular, value)
    const mark = reference === undefined ? '' : '<ref *' + reference + '>'
    const base = mark === '' || shape.base === '' ? mark + shape.base : mark + ' ' + shape.base
    const grouped = indexed ? value : null
    return layout(context, { __proto__: null, output, base, open, close, level, grouped, loose, isBroad })
  }

  function visibleKeys(context, value, indexed) {
    const all = kit.ownKeys(value)
    const keys = list()
    for (let i = 0; i < all.length; i++) {
      const key = all[i]
      if (indexed && typeof key === 'string' && exec(INDEX, key) !== null) continue
      if (context.hidden || kit.isEnumerable(value, key)) push(keys, key)
    }
    return keys
  }
  function without(keys, key) {
    const left = list()
    for (let i = 0; i < keys.length; i++) if (keys[i] !== key) push(left, keys[i])
    keys.length = left.length
    for (let i = 0; i < left.length; i++) keys[i] = left[i]
  }
  function has(keys, key) {
    for (let i = 0; i < keys.length; i++) if (keys[i] === key) return true
    return false
  }

  /** `Symbol.toStringTag`, where it is not among the properties anyway. */
  function tagIn(value) {
    if (kit.isEnumerable(value, TAG)) return ''
    const label = peek(value, TAG) ?? kit.typedName(value)
    return typeof label === 'string' ? label : ''
  }

  function braces(open, close, fill, base) {
    return { __proto__: null, open, close, fill, base: base ?? '' }
  }

  /** The braces of a value and what fills them before its own properties; a whole text if there is nothing to fill. */
  function outline(context, value, about) {
    const { kind, name, tag, keys } = about
    const none = keys.length === 0
    const own = taughtFor(value)
    if (own !== undefined) return own(context, value, about)
    if (kind === 'Array') {
      const plain = name === 'Array' && tag === ''
      const head = plain ? '' : prefix(name, tag, 'Array', '(' + value.length + ')')
      if (value.length === 0 && none) return head + '[]'
      return braces(head + '[', ']', (output, level) => fillArray(context, output, value, level))
    }
    if (kit.typedName(value) !== undefined) {
      const length = kit.typedLength(value)
      const head = prefix(name, tag, kind, '(' + length + ')')
      if (length === 0 && none) return head + '[]'
      return braces(head + '[', ']', (output, level) => fillArray(context, output, value, level, length))
    }
    switch (kind) {
      case 'Set':
      case 'Map': {
        const size = kind === 'Set' ? kit.setSize(value) : kit.mapSize(value)
        const head = prefix(name, tag, kind, '(' + size + ')')
        if (size === 0 && none) return head + '{}'
        const fill = kind === 'Set' ? fillSet : fillMap
        return braces(head + '{', '}', (output, level) => fill(context, output, value, level, size))
      }
      case 'Function':
        return based(none, functionBase(context, value, about))
      case 'RegExp':
        return based(none, heir(about) + '/' + kit.regExpSource(value) + '/' + kit.regExpFlags(value))
      case 'Date': {
        const time = kit.dateTime(value)
        return based(none, heir(about) + (time !== time ? 'Invalid Date' : kit.dateISO(value)))
      }
      case 'Error': {
        const base = errorBase(context, value, about)
        return based(keys.length === 0, base)
      }
      case 'Promise':
        return braces(prefix(name, tag, kind, '') + '{', '}', (output, level) => {
          const state = look(value)
          const text =
            state === PENDING ? '<pending>' : indented(context, () => show(context, look(value, true), level))
          push(output, state === REJECTED ? '<rejected> ' + text : text)
        })
      case 'WeakMap':
      case 'WeakSet':
        return braces(prefix(name, tag, kind, '') + '{', '}', (output) => push(output, '<items unknown>'))
      case 'ArrayBuffer':
      case 'SharedArrayBuffer':
        return braces(prefix(name, tag, kind, '') + '{', '}', (output) => fillBytes(context, output, value))
      case 'DataView':
        return braces(prefix(name, tag, kind, '') + '{', '}', (output, level) => {
          push(output, '[byteLength]: ' + kit.viewLength(value))
          push(output, '[byteOffset]: ' + kit.viewOffset(value))
          const text = indented(context, () => show(context, kit.viewBuffer(value), level))
          push(output, '[buffer]: ' + text)
        })
      case 'Number':
        return based(none, boxed(about, showNumber(kit.numberValue(value))))
      case 'Boolean':
        return based(none, boxed(about, kit.booleanValue(value) ? 'true' : 'false'))
      case 'BigInt':
        return based(none, boxed(about, kit.bigintValue(value) + 'n'))
      case 'Symbol':
        return based(none, boxed(about, kit.symbolText(kit.symbolValue(value))))
      case 'String': {
        const text = kit.stringValue(value)
        for (let i = 0; i < text.length; i++) without(keys, kit.numberText(i))
        return based(keys.length === 0, boxed(about, quoted(text)))
      }
    }
    if (name === 'Object' && tag === '' && kit.tagText(value) === '[object Arguments]')
      return none ? '[Arguments] {}' : braces('[Arguments] {', '}')
    const head = name === 'Object' && tag === '' ? '' : prefix(name, tag, 'Object', '')
    return none ? head + '{}' : braces(head + '{', '}')
  }

  /** What needs no braces but for properties of its own. */
  function based(none, base) {
    return none ? base : braces('{', '}', undefined, base)
  }
  function heir({ kind, name, tag }) {
    const head = prefix(name, tag, kind, '')
    return head === kind + ' ' ? '' : head
  }
  function boxed({ kind, name, tag }, text) {
    const other = name === kind ? '' : name === null ? ' (null prototype)' : ' (' + name + ')'
    return '[' + kind + other + ': ' + text + ']' + (tag !== '' && tag !== name ? ' [' + tag + ']' : '')
  }

  function functionBase(context, value, { name, tag }) {
    const own = getOwnPropertyDescriptor(value, 'name')?.value
    const known = typeof own === 'string' && own !== ''
    const mark = tag !== '' && tag !== name ? ' [' + tag + ']' : ''
    if (exec(CLASS, kit.functionText(value)) !== null) {
      const parent = getPrototypeOf(value)
      const base = typeof parent === 'function' ? getOwnPropertyDescriptor(parent, 'name')?.value : ''
      const kind = name === 'Function' || name === null ? '' : ' [' + name + ']'
      const above = typeof base === 'string' && base !== '' ? ' extends ' + base : ''
      return (
        '[class ' +
        (known ? own : '(anonymous)') +
        kind +
        mark +
        (name === null ? ' extends [null prototype]' : above) +
        ']'
      )
    }
    const isKnownKind =
      tag === 'AsyncFunction' || tag === 'GeneratorFunction' || tag === 'AsyncGeneratorFunction'
    const kind = isKnownKind ? tag : 'Function'
    const label = known ? ': ' + own : ' (anonymous)'
    const base = '[' + kind + (name === null ? ' (null prototype)' : '') + label + ']'
    return base + (name === kind || name === null ? '' : ' ' + name) + mark
  }

  /** The title of an error, as its class, its `name` and its message make it, with the frames in the code. */
  function errorBase(context, value, { name, tag, keys }) {
    const own = peek(value, 'name')
    const message = peek(value, 'message')
    const text = typeof message === 'string' ? message : ''
    const title = typeof own === 'string' ? own : 'Error'
    const head = title === '' ? text : text === '' ? title : title + ': ' + text
    const { stack, frames } = stackOf(value, head, text)
    const all = stack + frames
    if (!context.hidden) {
      without(keys, 'stack')
      if (typeof message !== 'string' || indexOf(all, message) >= 0) without(keys, 'message')
      if (typeof own !== 'string' || indexOf(all, own) >= 0) without(keys, 'name')
    }
    const cause = getOwnPropertyDescriptor(value, 'cause')
    if (cause !== undefined && !has(keys, 'cause')) push(keys, 'cause')
    const errors = getOwnPropertyDescriptor(value, 'errors')
    if (errors !== undefined && kit.isArray(errors.value) && !has(keys, 'errors')) push(keys, 'errors')
    const whole = withClass(stack, title, name, tag)
    return lifted(context, frames === '' ? '[' + whole + ']' : whole + frames)
  }
  /** The title of the stack, and the frames below it: of one that was assigned, or of where the error was made. */
  function stackOf(value, head, message) {
    const own = getOwnPropertyDescriptor(value, 'stack')
    const assigned = own?.value
    if (own !== undefined && (typeof assigned !== 'string' || assigned === ''))
      return { __proto__: null, stack: head, frames: '' }
    if (own !== undefined) {
      const after = message === '' ? -1 : indexOf(assigned, message)
      const end = indexOf(assigned, '\n    at', after < 0 ? 0 : after + message.length)
      if (end < 0) return { __proto__: null, stack: assigned, frames: '' }
      return { __proto__: null, stack: slice(assigned, 0, end), frames: slice(assigned, end) }
    }
    const frames = inspect.frames(value)
    return { __proto__: null, stack: head, frames: frames === '' ? '' : '\n' + frames }
  }
  function lifted(context, text) {
    if (context.indent === 0) return text
    const pad = '\n' + kit.repeat(' ', context.indent)
    let out = ''
    let from = 0
    for (let at = indexOf(text, '\n'); at >= 0; at = indexOf(text, '\n', from)) {
      out += slice(text, from, at) + pad
      from = at + 1
    }
    return out + slice(text, from)
  }
  /** The title with the class in it, where that is not the name that the error gives itself. */
  function withClass(stack, title, name, tag) {
    const isUsual = exec(/Error$/, title) !== null && indexOf(stack, title) === 0
    if (name !== null && !isUsual) return stack
    const head = slice(prefix(name, tag, name === null ? title : 'Error', ''), 0, -1)
    if (head === title) return stack
    const rest = slice(stack, title.length)
    return indexOf(head, title) >= 0 ? head + rest : head + ' [' + title + ']' + rest
  }

  function indented(context, make) {
    context.indent += 2
    const text = make()
    context.indent -= 2
    return text
  }

  // These fill what stands between the braces, and give the number of last entries that tell what was left out.

  function fillArray(context, output, value, level, typed) {
    const length = typed ?? value.length
    const last = level === 1 ? context.tail : 0
    const most = length <= context.items + last ? length : context.items
    let index = 0
    for (; index < length && output.length < most; index++) {
      const own = getOwnPropertyDescriptor(value, index)
      if (own === undefined) {
        const next = nextIndex(value, index, length)
        push(output, '<' + (next - index) + ' empty item' + (next - index > 1 ? 's' : '') + '>')
        index = next - 1
        continue
      }
      if (context.left-- <= 0) break
      push(
        output,
        indented(context, () => showValue(context, own, level)),
      )
    }
    const tail = kit.min(last, length - index)
    rest(output, length - index - tail)
    if (tail === 0) return index < length ? 1 : 0
    for (let i = length - tail; i < length; i++) {
      const own = getOwnPropertyDescriptor(value, i)
      const text =
        own === undefined ? '<1 empty item>' : indented(context, () => showValue(context, own, level))
      push(output, text)
    }
    return tail + 1
  }
  function rest(output, left) {
    if (left > 0) push(output, '... ' + more(left, 'item'))
    return left > 0 ? 1 : 0
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

  function fillSet(context, output, value, level, size) {
    context.indent += 2
    kit.setEach(value, (item) => {
      if (output.length < context.items && context.left-- > 0) push(output, show(context, item, level))
    })
    context.indent -= 2
    return rest(output, size - output.length)
  }

  function fillMap(context, output, value, level, size) {
    context.indent += 2
    kit.mapEach(value, (item, key) => {
      if (output.length < context.items && context.left-- > 0)
        push(output, show(context, key, level) + ' => ' + show(context, item, level))
    })
    context.indent -= 2
    return rest(output, size - output.length)
  }

  function fillBytes(context, output, value) {
    const bytes = new kit.Uint8Array(value)
    const length = kit.typedLength(bytes)
    const most = kit.min(context.items, length)
    let text = ''
    for (let i = 0; i < most; i++) text += (i > 0 ? ' ' : '') + hex(bytes[i], 2)
    const left = length - most
    push(output, '[Uint8Contents]: <' + text + (left > 0 ? ' ... ' + more(left, 'byte') : '') + '>')
    push(output, '[byteLength]: ' + length)
  }

  function showValue(context, own, level) {
    if (own.get !== undefined) return own.set !== undefined ? '[Getter/Setter]' : '[Getter]'
    if (own.set !== undefined) return '[Setter]'
    return show(context, own.value, level)
  }

  function showProperty(context, value, key, level) {
    const own = getOwnPropertyDescriptor(value, key)
    const text = own === undefined ? 'undefined' : indented(context, () => showValue(context, own, level))
    const name = nameOf(key)
    return (own?.enumerable === false ? '[' + name + ']' : name) + ': ' + text
  }
  function nameOf(key) {
    if (typeof key === 'symbol') return withEscapes(kit.symbolText(key), 39)
    if (key === '__proto__') return "['__proto__']"
    return exec(NAME, key) !== null ? key : quoted(key)
  }

  function taughtFor(value) {
    if (kit.mapSize(taught) === 0) return undefined
    for (let at = getPrototypeOf(value), steps = 0; at !== null && steps < HIGH; steps++) {
      const found = mapGet(taught, at)
      if (found !== undefined) return found
      if (look(at) === PROXY) return undefined
      at = getPrototypeOf(at)
    }
    return undefined
  }

  /** What Node says of an argument of a wrong kind. */
  function received(value) {
    if (value === undefined || value === null) return 'Received ' + value
    if (typeof value === 'function') return 'Received function ' + peek(value, 'name')
    if (typeof value === 'object') {
      const name = peek(peek(value, 'constructor') ?? value, 'name')
      if (typeof name === 'string') return 'Received an instance of ' + name
      return 'Received ' + inspect(value, { __proto__: null, depth: -1 })
    }
    const text = inspect(value)
    return (
      'Received type ' + typeof value + ' (' + (text.length > 28 ? slice(text, 0, 25) + '...' : text) + ')'
    )
  }

  inspect.frames = () => ''
  inspect.received = received
  /** True for values of classes of our own. */
  inspect.knows = (value) => taughtFor(value) !== undefined
  inspect.number = showNumber
  /**
   * Says how the values of a class of our own are shown: `partsOf(value)` gives a list of keys and values in turn, or
   * undefined for what is no real value of it; a key that is no name is shown before `arrow`.
   */
  inspect.teach = (Class, partsOf, arrow) => {
    mapSet(taught, Class.prototype, (context, value, { name, keys }) => {
      const parts = partsOf(value) ?? list()
      const head = (name ?? '[Object: null prototype]') + ' '
      if (parts.length === 0 && keys.length === 0) return head + '{}'
      const shape = braces(head + '{', '}', (output, level) => {
        context.indent += 2
        for (let i = 0; i < parts.length; i += 2) {
          const key = arrow === undefined ? nameOf(parts[i]) + ': ' : show(context, parts[i], level) + arrow
          push(output, key + show(context, parts[i + 1], level))
        }
        context.indent -= 2
      })
      shape.isBroad = arrow !== undefined
      return shape
    })
  }
  return inspect
})
