/** The text of `console.log`'s arguments, with Node's format specifiers. */
;(function formatter(kit, inspect) {
  'use strict'
  const { slice, charCode, getOwnPropertyDescriptor, getPrototypeOf } = kit
  const PERCENT = 37

  function format(args) {
    if (args.length === 0) return ''
    if (typeof args[0] !== 'string') return after('', args, 0)
    if (args.length === 1) return args[0]
    const first = args[0]
    let text = ''
    let next = 1
    let from = 0
    for (let i = 0; i < first.length - 1; i++) {
      if (charCode(first, i) !== PERCENT) continue
      const letter = slice(first, i + 1, i + 2)
      const by = letter === '%' ? '%' : next < args.length ? specified(letter, args[next]) : undefined
      i++
      if (by === undefined) continue
      text += slice(first, from, i - 1) + by
      from = i + 1
      if (letter !== '%') next++
    }
    return after(text + slice(first, from), args, next)
  }

  function after(text, args, next) {
    for (let i = next; i < args.length; i++)
      text += (i > 0 ? ' ' : '') + (typeof args[i] === 'string' ? args[i] : inspect(args[i]))
    return text
  }

  function specified(letter, value) {
    switch (letter) {
      case 's':
        return asText(value)
      case 'd':
        return asNumber(value, kit.Number)
      case 'i':
        return asNumber(value, kit.parseInt)
      case 'f':
        return typeof value === 'symbol' ? 'NaN' : inspect.number(kit.parseFloat(value))
      case 'j':
        return asJson(value)
      case 'o':
        return inspect(value, { __proto__: null, hidden: true, depth: 4 })
      case 'O':
        return inspect(value)
      case 'c':
        return ''
      default:
        return undefined
    }
  }

  function asNumber(value, turn) {
    if (typeof value === 'bigint') return value + 'n'
    return typeof value === 'symbol' ? 'NaN' : inspect.number(turn(value))
  }

  function asText(value) {
    if (typeof value === 'number') return inspect.number(value)
    if (typeof value === 'bigint') return value + 'n'
    if (typeof value === 'object' && value !== null && hasBuiltInText(value))
      return inspect(value, { __proto__: null, depth: 0 })
    return kit.String(value)
  }

  /** True if nobody but the language says how the object reads as text. */
  function hasBuiltInText(value) {
    for (let at = value, steps = 0; at !== null && steps < 100; at = getPrototypeOf(at), steps++) {
      const isOwn = kit.hasOwn(at, 'toString') || kit.hasOwn(at, kit.Symbol.toPrimitive)
      if (!isOwn) continue
      const maker = getOwnPropertyDescriptor(at, 'constructor')?.value
      return at !== value && typeof maker === 'function' && kit.isBuiltIn(maker)
    }
    return true
  }

  function asJson(value) {
    try {
      return '' + kit.stringify(value)
    } catch (error) {
      if (kit.exec(/circular/i, '' + error?.message) !== null) return '[Circular]'
      throw error
    }
  }

  return format
})
