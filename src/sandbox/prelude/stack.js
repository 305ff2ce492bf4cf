/**
 * Where things happened, as the model wrote it: the stacks of errors, and the line of a program with a caret.
 *
 * K1  A stack names the model's own functions and nothing else: not the prelude, not the engine's built-ins.
 * K2  Lines and columns are those of the source. The engine counts bytes of the compiled text; `positions` tell the
 *     difference, and most programs need none.
 * K3  `error.stack` is put together when it is read: an error that nobody looks at costs nothing.
 */
;(function stack(kit) {
  'use strict'
  const { mapGet, mapSet, mapDelete, slice, indexOf, apply, hide } = kit
  const FRAME = /^ *at (?:(.*) )?\(?([^()\s]+?):(\d+):(\d+)\)?$/
  /** A `#` behind the name: the script of the hoisted functions. */
  const PROGRAM = /^(step\d+\.ts)(#?)$/
  const NAMED = /^ {4}at ([^\s(]+) \(/
  const KEPT = 50
  const NAME = /^(?:\?\.|\.)?[\w$]*/
  const LINK = /^(?:[\w$]|\?\.|[.!])/
  const REQUIRED = /^require\s*\(\s*['"`]([^'"`]+)/

  const files = new kit.Map() // file → { body, hoisted } of the newest programs that need them (K2)
  const kept = { __proto__: null } // those files, in a ring
  let keeping = 0
  let current = { __proto__: null, file: '', lines: null, hints: null } // of the newest program
  const traces = new WeakMap()
  const traceAt = kit.uncurry(WeakMap.prototype.get)
  const setTrace = kit.uncurry(WeakMap.prototype.set)

  /** What parsed JSON holds itself; its prototypes are the code's. */
  function read(json, key) {
    return kit.hasOwn(json, key) ? json[key] : undefined
  }

  /** A program begins. */
  function remember(file, text) {
    const positions = kit.parse(text)
    const { lines, hints } = positions
    current = { __proto__: null, file, lines, hints }
    const body = read(positions, 'body')
    const hoisted = read(positions, 'hoisted')
    if (body === undefined && hoisted === undefined) return
    const place = keeping++ % KEPT
    if (kept[place] !== undefined) mapDelete(files, kept[place])
    kept[place] = file
    mapSet(files, file, { __proto__: null, body, hoisted })
  }

  /** The frames of the model's own code in a stack of the engine's. */
  function framesIn(raw) {
    let text = ''
    let last = ''
    for (let from = 0; from < raw.length;) {
      const end = indexOf(raw, '\n', from)
      const line = slice(raw, from, end < 0 ? raw.length : end)
      from = end < 0 ? raw.length : end + 1
      const found = kit.exec(FRAME, line)
      const program = found === null ? null : kit.exec(PROGRAM, found[2])
      if (program === null) continue
      const known = mapGet(files, program[1])
      const place = placed(
        known === undefined ? known : program[2] === '' ? known.body : known.hoisted,
        +found[3],
        +found[4],
      )
      const name =
        found[1] === undefined || found[1] === '<eval>' || found[1] === '<anonymous>' ? '' : found[1]
      const where = program[1] + ':' + place.line + ':' + place.column
      // What a class with decorators was put into: functions that nobody wrote, at the place where it stands.
      if (place.line === 0 || (name === '' && where === last)) continue
      last = name === '' ? where : ''
      text += (text === '' ? '' : '\n') + '    at ' + (name === '' ? where : name + ' (' + where + ')')
    }
    return text
  }

  /** K2. */
  function placed(script, line, byte) {
    let column = byte
    if (script === undefined) return { line, column }
    const wide = read(script.wide, line)
    if (wide !== undefined) {
      let bytes = 1
      column = 1
      for (; bytes < byte && column <= wide.length; column++) bytes += bytesAt(wide, column - 1)
    }
    const map = read(script, 'map')
    const row = map === undefined ? undefined : read(map, line - 1)
    let best = row === undefined ? undefined : read(row, 0)
    if (best === undefined) return { line, column }
    for (let i = 0; i < row.length && row[i][0] <= column - 1; i++) best = row[i]
    return { line: best[1] + 1, column: best[2] + 1 + kit.max(0, column - 1 - best[0]) }
  }
  function bytesAt(text, index) {
    const code = kit.charCode(text, index)
    if (code < 0x80) return 1
    if (code < 0x800) return 2
    return code >= 0xd800 && code <= 0xdfff ? 2 : 3 // half of a pair: four bytes for two units
  }

  /** Where an error was made; of a tool's, where the tool was called. */
  function framesOf(error) {
    const trace = traceAt(traces, error)
    if (trace !== undefined) return trace
    const raw = kit.stackOf(error)
    return typeof raw === 'string' ? below(error, framesIn(raw)) : ''
  }

  /** Without the constructors of the error's own classes: it was made where they were called. */
  function below(error, frames) {
    const classes = { __proto__: null }
    for (let at = kit.getPrototypeOf(error); at !== null && at !== proto; at = kit.getPrototypeOf(at)) {
      const made = kit.getOwnPropertyDescriptor(at, 'constructor')
      const name = typeof made?.value === 'function' ? own(made.value, 'name') : undefined
      if (name !== undefined) classes[name] = true
    }
    for (let rest = frames; ;) {
      const found = kit.exec(NAMED, rest)
      if (found === null || classes[found[1]] !== true) return rest
      const end = indexOf(rest, '\n')
      if (end < 0) return frames
      rest = slice(rest, end + 1)
    }
  }

  /** The frames that lead here. */
  function framesHere() {
    const raw = kit.stackOf(new kit.Error(''))
    return typeof raw === 'string' ? framesIn(raw) : ''
  }

  /** The first frame's line of the newest program, and the column, from 0. */
  function top(frames) {
    const found = kit.exec(/^ *at (?:.* )?\(?([^()\s]+):(\d+):(\d+)\)?/, frames)
    if (found === null || found[1] !== current.file) return undefined
    const line = read(current.lines, +found[2] - 1)
    return line === undefined ? undefined : { __proto__: null, line, number: found[2], at: +found[3] - 1 }
  }

  /** The expression that was called at the first frame's position, as the model wrote it. */
  function callee(frames) {
    const where = top(frames)
    if (where === undefined) return UNKNOWN
    const { line, at } = where
    // The engine names the dot of a member, or what follows it; of `object[key](…)` it names the object.
    const name = kit.exec(NAME, slice(line, at))[0]
    const isKey = kit.charCode(line, at) === 91
    const isMember = isKey || isDot(line, at) || isDot(line, at - 1)
    const from = isMember ? before(line, at) : at
    const to = isMember && !isKey ? at + name.length : behind(line, at + name.length)
    const text = slice(line, from, to)
    return text === '' ? UNKNOWN : text
  }
  const UNKNOWN = 'what was called'
  function isDot(line, at) {
    const code = kit.charCode(line, at)
    return code === 46 || (code === 63 && kit.charCode(line, at + 1) === 46)
  }
  /** Where the expression begins that ends at `at`: names, dots, and what is in brackets. */
  function before(line, at) {
    let depth = 0
    for (; at > 0; at--) {
      const char = slice(line, at - 1, at)
      if (char === ']' || char === ')') depth++
      else if (char === '[' || char === '(') {
        if (depth === 0) break
        depth--
      } else if (depth === 0 && kit.exec(LINK, char === '?' ? '?.' : char) === null) break
    }
    return at
  }
  /** Where an expression ends that goes on at `at` with `[key]` and `.name`, before it is called. */
  function behind(line, at) {
    for (;;) {
      if (kit.charCode(line, at) === 91) {
        let depth = 0
        let to = at
        do {
          const char = slice(line, to, to + 1)
          if (char === '') return at
          if (char === '[') depth++
          if (char === ']') depth--
          to++
        } while (depth > 0)
        at = to
        continue
      }
      const more = isDot(line, at) ? kit.exec(NAME, slice(line, at))[0].length : 0
      if (more === 0) return at
      at += more
    }
  }

  /** The line of the first frame with a caret; of a long line, the part around it. Empty, or with a line break behind. */
  function excerpt(frames) {
    const where = top(frames)
    if (where === undefined || where.at > where.line.length) return ''
    const from = kit.max(0, where.at - 80)
    const label = '  ' + where.number + ' | '
    let indent = ''
    for (let i = from; i < where.at; i++) indent += kit.charCode(where.line, i) === 9 ? '\t' : ' '
    return (
      label +
      slice(where.line, from, from + 140) +
      '\n' +
      kit.repeat(' ', label.length - 2) +
      '| ' +
      indent +
      '^\n'
    )
  }

  /** True if this name stands at the first frame's position. */
  function isAt(frames, name) {
    const where = top(frames)
    return where !== undefined && slice(where.line, where.at, where.at + name.length) === name
  }

  /** What there is in place of a module; `name` is undefined for the one that is required at the first frame. */
  function hint(name, frames) {
    const where = name === undefined ? top(frames) : undefined
    const found = where === undefined ? null : kit.exec(REQUIRED, slice(where.line, where.at))
    const module = found === null ? name : found[1]
    return module === undefined || current.hints === null ? undefined : read(current.hints, module)
  }

  // What the code sees (K1, K3).

  /** The `name` or `message` of an error, if it is a text. Runs no foreign code. */
  function own(value, key) {
    for (let at = value; at !== null && at !== undefined; at = kit.getPrototypeOf(at)) {
      const found = kit.getOwnPropertyDescriptor(at, key)
      if (found === undefined) continue
      return typeof found.value === 'string' ? found.value : undefined
    }
    return undefined
  }
  function head(name, message) {
    const first = name === undefined ? 'Error' : name
    return message === undefined || message === '' ? first : first === '' ? message : first + ': ' + message
  }
  function whole(first, frames) {
    return frames === '' ? first : first + '\n' + frames
  }

  const written = {
    get stack() {
      if (typeof kit.stackOf(this) !== 'string') return undefined
      return whole(head(own(this, 'name'), own(this, 'message')), framesOf(this))
    },
    set stack(value) {
      hide(this, 'stack', value)
    },
  }
  const proto = kit.Error.prototype
  const { get, set } = kit.getOwnPropertyDescriptor(written, 'stack')
  kit.defineProperty(proto, 'stack', { __proto__: null, get, set, enumerable: false, configurable: true })

  /** Puts in order the stack that the engine has written into a property. */
  function dress(target) {
    const made = kit.getOwnPropertyDescriptor(target, 'stack')
    const raw = made === undefined ? kit.stackOf(target) : made.value
    if (typeof raw !== 'string') return
    const frames = framesIn(raw)
    setTrace(traces, target, frames)
    hide(target, 'stack', whole(head(own(target, 'name'), own(target, 'message')), frames))
  }

  const capture = kit.Error.captureStackTrace
  hide(kit.Error, 'captureStackTrace', function captureStackTrace(target, below) {
    const args = kit.list()
    kit.push(args, target)
    kit.push(args, below)
    apply(capture, kit.Error, args)
    dress(target)
  })

  return {
    own,
    remember,
    read,
    framesOf,
    framesHere,
    callee,
    isAt,
    excerpt,
    hint,
    trace: (error, text) => setTrace(traces, error, text),
  }
})
