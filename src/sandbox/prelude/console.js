/**
 * `console`, as Node's: all of it is printed, in the order of the calls. Its clock is the guest's, which stands still
 * while code computes.
 */
;(function consoleOf(kit, parts) {
  'use strict'
  const { print, format, inspect, table, framesHere, now } = parts
  const { mapGet, mapSet, mapHas, mapDelete, indexOf, slice, floor } = kit
  const INDENT = '  '

  const counts = new kit.Map()
  const timers = new kit.Map()
  let indent = ''

  function write(text) {
    if (indent === '') return print(text + '\n')
    let out = indent
    let from = 0
    for (let at = indexOf(text, '\n'); at >= 0; at = indexOf(text, '\n', from)) {
      out += slice(text, from, at + 1) + indent
      from = at + 1
    }
    return print(out + slice(text, from) + '\n')
  }
  function log(args) {
    write(format(args))
  }

  /** As Node tells a time: `12ms`, `1.234s`, `1:02.345 (m:ss.mmm)`, `1:02:03.456 (h:mm:ss.mmm)`. */
  function elapsed(ms) {
    const two = (value) => kit.padStart(kit.numberText(value), 2, '0')
    if (ms < 1_000) return ms + 'ms'
    if (ms < 60_000) return ms / 1_000 + 's'
    const seconds = (ms % 60_000) / 1_000
    const rest = (seconds < 10 ? '0' : '') + kit.toFixed(seconds, 3)
    const minutes = floor(ms / 60_000)
    if (minutes < 60) return minutes + ':' + rest + ' (m:ss.mmm)'
    return floor(minutes / 60) + ':' + two(minutes % 60) + ':' + rest + ' (h:mm:ss.mmm)'
  }
  function timed(method, label, args) {
    const began = mapGet(timers, label)
    if (began === undefined)
      return write("Warning: No such label '" + label + "' for console." + method + '()')
    const more = args.length === 0 ? '' : ' ' + format(args)
    return write(label + ': ' + elapsed(now() - began) + more)
  }

  const console = {
    log(...args) {
      log(args)
    },
    info(...args) {
      log(args)
    },
    debug(...args) {
      log(args)
    },
    warn(...args) {
      log(args)
    },
    error(...args) {
      log(args)
    },
    trace(...args) {
      const text = format(args)
      const frames = framesHere()
      write('Trace' + (text === '' ? '' : ': ' + text) + (frames === '' ? '' : '\n' + frames))
    },
    dir(value, options) {
      const { depth, showHidden: hidden } = options ?? {}
      write(inspect(value, { __proto__: null, depth: depth === null ? Infinity : depth, hidden }))
    },
    dirxml(...args) {
      log(args)
    },
    table(data, columns) {
      if (columns !== undefined && !kit.isArray(columns))
        throw new kit.TypeError('The "properties" argument must be an instance of Array')
      write(table(data, columns) ?? format([data]))
    },
    group(...args) {
      if (args.length > 0) log(args)
      indent += INDENT
    },
    groupCollapsed(...args) {
      if (args.length > 0) log(args)
      indent += INDENT
    },
    groupEnd() {
      indent = slice(indent, 0, indent.length - INDENT.length)
    },
    time(label = 'default') {
      const name = '' + label
      if (mapHas(timers, name))
        return write("Warning: Label '" + name + "' already exists for console.time()")
      mapSet(timers, name, now())
    },
    timeLog(label = 'default', ...args) {
      timed('timeLog', '' + label, args)
    },
    timeEnd(label = 'default') {
      timed('timeEnd', '' + label, kit.list())
      mapDelete(timers, '' + label)
    },
    count(label = 'default') {
      const name = '' + label
      const n = (mapGet(counts, name) ?? 0) + 1
      mapSet(counts, name, n)
      write(name + ': ' + n)
    },
    countReset(label = 'default') {
      mapDelete(counts, '' + label)
    },
    assert(condition, ...args) {
      if (condition) return
      const isTold = args.length > 0 && typeof args[0] === 'string'
      if (isTold) args[0] = 'Assertion failed: ' + args[0]
      write(isTold ? format(args) : 'Assertion failed' + (args.length === 0 ? '' : ' ' + format(args)))
    },
    clear() {},
  }
  return {
    console,
    /** A step begins: groups that were left open are closed. */
    begin() {
      indent = ''
    },
  }
})
