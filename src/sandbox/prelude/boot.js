/**
 * The guest's half of the sandbox: what the model's code may call, and the one function by which the host drives it.
 *
 * B1  All bookkeeping of a step lives here, in the heap: an image needs no facts beside it but pointers.
 * B2  The host calls `api` and reads one text; the guest never calls the host (only `look`, which tells what a
 *     promise or proxy is).
 * B3  A call's input is encoded once, when it is made. A call whose input has no text is not made.
 * B4  The first final answer ends the step where it stands: what the step's code does after it (prints, calls,
 *     another answer) has no effect, and its open calls are never settled.
 */
;(function boot(kit, coder, shows, parts) {
  'use strict'
  const { inspect, format, table, shown } = shows
  const { makeRandom, makeConsole } = parts
  const {
    list,
    push,
    lock,
    hide,
    put,
    apply,
    mapGet,
    mapSet,
    mapHas,
    mapDelete,
    mapEach,
    mapSize,
    slice,
    indexOf,
  } = kit
  const { encode, decode, newError, quote } = coder
  const P = kit.Promise
  const Fault = kit.Error
  const global = globalThis

  // The state of the guest (B1).
  const limits = { __proto__: null, calls: 1000, output: 20_000 }
  const open = new kit.Map() // call id → { resolve, reject, step, trace }
  const rejections = new kit.Map() // promise → reason, of rejections that nobody has handled
  // For the positions in stacks. Most programs run as they were written: their positions need nothing.
  const files = new kit.Map() // file → { wide, shift, map } of the newest programs that do
  const kept = { __proto__: null } // those files, in a ring
  let keeping = 0
  let current = { __proto__: null, file: '', lines: null } // the lines of the newest program
  let made = list() // calls since the last halt
  let step = 0
  let ordinal = 0
  let running = null // the step's program: { settled, value, error }
  let answer = null // the text of the first final answer
  let doom = null // why the step must be killed
  let tools = kit.freeze({})

  // Printed text: head and tail, and how much was cut between.

  function buffer() {
    return { __proto__: null, head: '', tail: '', cut: 0 }
  }
  function append(into, text) {
    const half = limits.output >> 1
    const room = half - into.head.length
    if (room > 0) into.head += slice(text, 0, room)
    if (text.length <= room) return
    into.tail += room > 0 ? slice(text, room) : text
    if (into.tail.length > 4 * half) trim(into, half)
  }
  function trim(into, half) {
    if (into.tail.length <= half) return
    into.cut += into.tail.length - half
    into.tail = slice(into.tail, into.tail.length - half)
  }
  function textOf(from) {
    trim(from, limits.output >> 1)
    return from.cut === 0
      ? from.head + from.tail
      : from.head + '\n[… ' + from.cut + ' characters cut …]\n' + from.tail
  }
  function cutShort(text) {
    if (text.length <= limits.output) return text
    const all = buffer()
    append(all, text)
    return textOf(all)
  }
  let output = buffer() // since the step's start
  let printed = buffer() // since the last halt

  function print(text) {
    if (answer !== null) return
    append(output, text)
    append(printed, text)
  }

  // Errors: what the model is told of a thrown value.

  const FRAME = /^ *at (?:(.*) )?\(?([^()\s]+):(\d+):(\d+)\)?$/
  const PROGRAM = /^step\d+\.ts$/
  const KEPT = 50
  const CALLEE = /^\.?[\w$]*/
  const OBJECT = /[\w$.\][]*$/

  /** The frames of the model's own code, at the positions where it was written. */
  function framesOf(stack) {
    let text = ''
    for (let from = 0; from < stack.length;) {
      const end = indexOf(stack, '\n', from)
      const line = slice(stack, from, end < 0 ? stack.length : end)
      from = end < 0 ? stack.length : end + 1
      const found = kit.exec(FRAME, line)
      if (found === null || kit.exec(PROGRAM, found[2]) === null) continue
      const place = placed(mapGet(files, found[2]), +found[3], +found[4])
      const name =
        found[1] === undefined || found[1] === '<eval>' || found[1] === '<anonymous>' ? '' : found[1]
      const where = found[2] + ':' + place.line + ':' + place.column
      text += (text === '' ? '' : '\n') + '    at ' + (name === '' ? where : name + ' (' + where + ')')
    }
    return text
  }

  /** Line and column as the model wrote them: columns of the engine count UTF-8 bytes, and a map moves both. */
  function placed(file, line, byte) {
    if (file === undefined) return { line, column: byte }
    const wide = read(file.wide, line)
    let column = byte
    if (wide !== undefined) {
      let bytes = 1
      column = 1
      for (; bytes < byte && column <= wide.length; column++) bytes += bytesAt(wide, column - 1)
    }
    if (line === 1) column -= file.shift
    const map = read(file, 'map')
    const row = map === undefined ? undefined : read(map, line - 1)
    if (row === undefined) return { line, column }
    let best = read(row, 0)
    for (let i = 0; i < row.length && row[i][0] <= column - 1; i++) best = row[i]
    if (best === undefined) return { line, column }
    return { line: best[1] + 1, column: best[2] + 1 }
  }
  function bytesAt(text, index) {
    const code = kit.charCode(text, index)
    if (code < 0x80) return 1
    if (code < 0x800) return 2
    return code >= 0xd800 && code <= 0xdfff ? 2 : 3 // half of a pair: four bytes for two units
  }

  /** What parsed JSON holds itself; its prototypes are the code's. */
  function read(json, key) {
    return kit.hasOwn(json, key) ? json[key] : undefined
  }

  function own(value, key) {
    for (let at = value; at !== null; at = kit.getPrototypeOf(at)) {
      const found = kit.getOwnPropertyDescriptor(at, key)
      if (found !== undefined) return found.value
    }
    return undefined
  }

  const traces = new WeakMap()
  const traceOf = kit.uncurry(WeakMap.prototype.get)
  const setTrace = kit.uncurry(WeakMap.prototype.set)

  inspect.frames = (error) => {
    const trace = traceOf(traces, error)
    if (trace !== undefined) return trace
    const stack = kit.stackOf(error)
    return typeof stack === 'string' ? framesOf(stack) : ''
  }

  const ABSENT = {
    __proto__: null,
    require: 'Nothing can be imported here; the tools are the only way out.',
    process: 'There is no process here; the tools are the only way out.',
    fetch: 'There is no network here; use a tool.',
    Buffer: 'Use Uint8Array (with toBase64, fromBase64, toHex, fromHex).',
    XMLHttpRequest: 'There is no network here; use a tool.',
    Intl: 'There is no Intl here; format by hand.',
    setInterval: 'Use a loop with await sleep(duration).',
    WebAssembly: 'There is no WebAssembly here.',
  }

  /** Better words for what the engine says poorly. */
  function reworded(error, name, message, frames) {
    if (name === 'TypeError' && message === 'not a function') return callee(frames) + ' is not a function'
    if (name === 'ReferenceError') {
      const end = indexOf(message, ' is not defined')
      const word = end < 0 ? '' : slice(message, 0, end)
      if (ABSENT[word] !== undefined) return message + '. ' + ABSENT[word]
      if (indexOf(message, 'could not load module') === 0)
        return message + '. Nothing can be imported here; the tools are the only way out.'
    }
    return message
  }

  /** The expression that was called at the first frame's position, as the model wrote it. */
  function callee(frames) {
    const found = kit.exec(/at (?:.* )?\(?([^()\s]+):(\d+):(\d+)\)?/, frames)
    const known = found !== null && found[1] === current.file && current.lines !== null
    const line = known ? read(current.lines, +found[2] - 1) : undefined
    if (line === undefined) return 'what was called'
    const at = +found[3] - 1
    // The engine names the dot of a member on the first line, and what follows it on the others.
    const after = kit.exec(CALLEE, slice(line, at))[0]
    const member = kit.charCode(line, at) === 46 || kit.charCode(line, at - 1) === 46
    const before = member ? kit.exec(OBJECT, slice(line, 0, at))[0] : ''
    return before + after === '' ? 'what was called' : before + after
  }

  /** `{ name, message, stack }` of anything thrown. Runs no foreign code. */
  function explain(thrown) {
    if (typeof thrown !== 'object' || thrown === null || !kit.isError(thrown)) {
      const text = typeof thrown === 'string' ? thrown : inspect(thrown)
      return { __proto__: null, name: 'Error', message: 'Uncaught ' + text, stack: '' }
    }
    const name = own(thrown, 'name')
    const message = own(thrown, 'message')
    const frames = inspect.frames(thrown)
    const known = typeof name === 'string' && name !== '' ? name : 'Error'
    let text = reworded(thrown, known, typeof message === 'string' ? message : '', frames)
    const errors = own(thrown, 'errors')
    if (kit.isArray(errors)) {
      for (let i = 0; i < errors.length && i < 10; i++) text += '\n  - ' + titled(explain(errors[i]))
    }
    const cause = own(thrown, 'cause')
    if (cause !== undefined && cause !== thrown)
      text +=
        ' (cause: ' +
        (kit.isError(cause) ? titleOf(cause) : inspect(cause, { __proto__: null, depth: 1 })) +
        ')'
    return { __proto__: null, name: known, message: text, stack: frames }
  }
  function titleOf(error) {
    const message = own(error, 'message')
    const name = own(error, 'name')
    return (typeof name === 'string' ? name : 'Error') + ': ' + (typeof message === 'string' ? message : '')
  }
  function titled(told) {
    return told.name === '' ? told.message : told.name + ': ' + told.message
  }
  function errorText(told) {
    const stack = told.stack === '' ? '' : ',"stack":' + quote(titled(told) + '\n' + told.stack)
    return '{"name":' + quote(told.name) + ',"message":' + quote(told.message) + stack + '}'
  }

  // Calls.

  /** A call that the code wants. Its promise settles when the host does so; after an answer, never (B4). */
  function call(name, args, what) {
    if (answer !== null) return new P(() => {})
    if (doom !== null) throw new Fault('The limit of ' + limits.calls + ' calls in a step is reached.')
    const input = encode(args, what)
    if (ordinal >= limits.calls) {
      doom = 'calls'
      throw new Fault('The limit of ' + limits.calls + ' calls in a step is reached.')
    }
    const id = step + '.' + ++ordinal
    const stack = kit.stackOf(new Fault(''))
    let resolve
    let reject
    const promise = new P((yes, no) => {
      resolve = yes
      reject = no
    })
    mapSet(open, id, {
      __proto__: null,
      resolve,
      reject,
      step,
      trace: typeof stack === 'string' ? framesOf(stack) : '',
    })
    push(made, '{"id":"' + id + '","name":' + quote(name) + ',"input":' + quote(input) + '}')
    return promise
  }

  function settle(id, ok, text) {
    const waiting = mapGet(open, id)
    if (waiting === undefined) return
    mapDelete(open, id)
    if (ok === 'true') {
      let value
      try {
        value = decode(text)
      } catch (error) {
        waiting.reject(error)
        return
      }
      waiting.resolve(value)
      return
    }
    const { name, message } = kit.parse(text)
    const error = newError(name, message, false)
    setTrace(traces, error, waiting.trace)
    hide(error, 'stack', name + ': ' + message + (waiting.trace === '' ? '' : '\n' + waiting.trace))
    waiting.reject(error)
  }

  // What the code can call.

  const sentinel = kit.freeze(
    hide(new Fault('finalAnswer was called: the step is over'), 'name', 'FinalAnswer'),
  )

  function finalAnswer(value) {
    if (answer === null && running !== null) {
      if (typeof value === 'object' && value !== null && coder.tagOf(value) === 'Promise') {
        throw new kit.TypeError('finalAnswer got a Promise: write finalAnswer(await …)')
      }
      const text = encode(value, 'The final answer')
      if (answer === null) answer = text
    }
    throw sentinel
  }

  function ask(message, schema) {
    return call('$ask', schema === undefined ? [message] : [message, schema], 'The question')
  }
  function sleep(duration) {
    return call('$sleep', duration, 'The duration')
  }

  const timers = new kit.Map()
  let timer = 0
  function setTimeout(callback, delay, ...rest) {
    if (typeof callback !== 'function') throw new kit.TypeError('setTimeout needs a function')
    const ms = +delay
    const id = ++timer
    const waited = call('$sleep', ms > 0 && ms < Infinity ? ms : 0, 'The duration')
    mapSet(timers, id, true)
    hide(waited, 'constructor', P)
    kit.then(waited, () => {
      if (mapDelete(timers, id)) apply(callback, undefined, rest)
    })
    return id
  }
  function clearTimeout(id) {
    mapDelete(timers, id)
  }

  const { console, begin: beginConsole } = makeConsole(kit, {
    print,
    format,
    inspect,
    table,
    framesHere: () => {
      const stack = kit.stackOf(new Fault(''))
      return typeof stack === 'string' ? framesOf(stack) : ''
    },
    now: kit.Date.now,
  })

  function structuredClone(value) {
    let text
    try {
      text = encode(value, 'The value', true)
    } catch (error) {
      throw new global_DOMException(own(error, 'message'), 'DataCloneError')
    }
    return decode(text)
  }
  const global_DOMException = global.DOMException

  const random = makeRandom(kit)

  const now = kit.Date.now
  let began = 0
  const performance = {}
  kit.defineProperty(performance, 'now', { __proto__: null, value: () => now() - began, enumerable: true })

  // The globals.

  for (const name of ['WeakRef', 'FinalizationRegistry']) delete global[name]
  lock(Error, 'prepareStackTrace', undefined)
  lock(global, 'finalAnswer', finalAnswer)
  lock(global, '$r', (value) => {
    if (running !== null) running.returned = { __proto__: null, value }
  })
  kit.defineProperty(global, 'tools', {
    __proto__: null,
    get: () => tools,
    set: undefined,
    enumerable: false,
    configurable: false,
  })
  const provided = {
    __proto__: null,
    ask,
    sleep,
    print: console.log,
    console,
    setTimeout,
    clearTimeout,
    structuredClone,
    crypto: random.crypto,
    performance,
  }
  for (const name of kit.keys(provided)) hide(global, name, provided[name])
  hide(Math, 'random', random.random)
  const reserved = new kit.Map()
  for (const name of kit.ownKeys(global)) if (typeof name === 'string') mapSet(reserved, name, true)
  const bare = new kit.Map() // bare name → the function that was put there

  /** Grants these tools: `tools.name`, and the bare name where nothing else has it. */
  function grant(text) {
    const names = kit.parse(text)
    const next = {}
    for (let i = 0; i < names.length; i++) {
      const name = names[i]
      const had = kit.getOwnPropertyDescriptor(tools, name)?.value
      const tool = had ?? named(name)
      put(next, name, tool)
      if (mapHas(reserved, name)) continue
      const there = kit.getOwnPropertyDescriptor(global, name)
      if (there === undefined) hide(global, name, tool)
      mapSet(bare, name, tool)
    }
    mapEach(bare, (tool, name) => {
      if (kit.hasOwn(next, name)) return
      mapDelete(bare, name)
      if (kit.getOwnPropertyDescriptor(global, name)?.value === tool) delete global[name]
    })
    tools = kit.freeze(next)
  }
  /** Values that were given with a task, as top-level variables. */
  function variables(text) {
    const values = decode(text)
    const names = kit.keys(values)
    for (let i = 0; i < names.length; i++) {
      kit.defineProperty(global, names[i], {
        __proto__: null,
        value: values[names[i]],
        writable: true,
        enumerable: true,
        configurable: true,
      })
    }
  }
  function named(name) {
    const tool = (input) => call(name, input, 'The input of ' + name)
    kit.defineProperty(tool, 'name', { __proto__: null, value: name, configurable: true })
    return kit.freeze(tool)
  }

  // The step.

  /** Calls count from 1 in each step; those that a late result leads to belong to the step that is about to begin. */
  function enter(number) {
    if (step === +number) return
    step = +number
    ordinal = 0
  }
  /** Calls that nobody will settle any more. */
  function forget(text) {
    const ids = kit.parse(text)
    for (let i = 0; i < ids.length; i++) mapDelete(open, ids[i])
  }
  function begin(number, file, positions) {
    enter(number)
    answer = null
    doom = null
    flushRejections()
    beginConsole()
    running = { __proto__: null, settled: false, value: '', failed: null, returned: null, hasValue: false }
    remember(file, kit.parse(positions))
  }

  /** What the positions of a program need; of reprinted programs the lines are of no use. */
  function remember(file, positions) {
    const { lines, wide, shift } = positions
    const map = read(positions, 'map')
    current = { __proto__: null, file, lines: map === undefined ? lines : null }
    if (map === undefined && shift === 0 && kit.keys(wide).length === 0) return
    const place = keeping++ % KEPT
    if (kept[place] !== undefined) mapDelete(files, kept[place])
    kept[place] = file
    mapSet(files, file, { __proto__: null, wide, shift, map })
  }

  /** Notes how the program ends. The `await` of a promise with its own `constructor` looks nothing up. */
  async function watch(promise, hasValue) {
    const mine = running
    hide(promise, 'constructor', P)
    try {
      const done = await promise
      if (running !== mine) return
      const value = mine.returned === null ? done.value : mine.returned.value
      mine.value =
        (hasValue === 'true' || mine.returned !== null) && value !== undefined ? cutShort(shown(value)) : ''
    } catch (error) {
      mine.failed = { __proto__: null, error }
    }
    mine.settled = true
  }

  function failed(error) {
    running.failed = { __proto__: null, error }
    running.settled = true
  }

  function rejected(promise, reason) {
    if (reason !== sentinel && mapSize(rejections) < 100) mapSet(rejections, promise, reason)
  }
  function handled(promise) {
    mapDelete(rejections, promise)
  }
  function flushRejections() {
    mapEach(rejections, (reason) => {
      const told = explain(reason)
      print('Uncaught (in promise) ' + titled(told) + (told.stack === '' ? '' : '\n' + told.stack) + '\n')
    })
    kit.mapClear(rejections)
  }

  /** The error of the step, if it has one: its own, or the first rejection that nobody handled. */
  function failure() {
    if (running.failed !== null) return running.failed.error === sentinel ? null : running.failed
    let first = null
    mapEach(rejections, (reason, promise) => {
      first ??= { __proto__: null, error: reason, promise }
    })
    if (first !== null) mapDelete(rejections, first.promise)
    return first
  }

  /** How the step ends, as JSON; `null` while it waits. */
  function ending() {
    if (answer !== null) {
      kit.mapClear(rejections)
      return '{"kind":"answer","value":' + quote(answer) + '}'
    }
    if (running.settled) {
      const failing = failure()
      if (failing === null)
        return '{"kind":"value"' + (running.value === '' ? '' : ',"shown":' + quote(running.value)) + '}'
      const told = explain(failing.error)
      flushRejections()
      return '{"kind":"error","error":' + errorText(told) + '}'
    }
    if (mapSize(open) > 0) return null
    flushRejections()
    return (
      '{"kind":"error","error":' +
      errorText({
        __proto__: null,
        name: 'Error',
        message: 'The program waits for a promise that nothing can settle: no call is open.',
        stack: '',
      }) +
      '}'
    )
  }

  /** Everything since the last halt, as the JSON of a `Halt`. */
  function halt() {
    const end = running === null ? null : ending()
    if (doom !== null) return killed(end)
    let calls = ''
    for (let i = 0; i < made.length; i++) calls += (i > 0 ? ',' : '') + made[i]
    made = list()
    const common = '"calls":[' + calls + '],"printed":' + quote(textOf(printed))
    printed = buffer()
    if (end === null) return '{"kind":"waiting",' + common + '}'
    let ids = ''
    mapEach(open, (waiting, id) => {
      ids += (ids === '' ? '"' : ',"') + id + '"'
    })
    if (answer !== null) dropCalls()
    const all = textOf(output)
    output = buffer()
    running = null
    answer = null
    return (
      '{"kind":"ended",' + common + ',"output":' + quote(all) + ',"ending":' + end + ',"open":[' + ids + ']}'
    )
  }
  function killed(end) {
    const words = {
      __proto__: null,
      calls: 'The step made more than ' + limits.calls + ' calls.',
      memory: 'The step ran out of memory. That cannot be caught.',
      stack: 'The step ran out of stack (too deep a recursion). That cannot be caught.',
    }
    const error = end === null ? undefined : read(kit.parse(end), 'error')
    const stack = error === undefined ? undefined : read(error, 'stack')
    return (
      '{"kind":"killed","reason":"' +
      doom +
      '","message":' +
      quote(words[doom] + (stack === undefined ? '' : '\n' + stack)) +
      '}'
    )
  }
  /** The answered step's code never goes on (B4). */
  function dropCalls() {
    mapEach(open, (waiting, id) => {
      if (waiting.step === step) mapDelete(open, id)
    })
  }

  /** How a guest begins: its limits, its seed, and the time from which it counts. */
  function configure(text) {
    const { calls, output, seed, clock } = kit.parse(text)
    limits.calls = calls
    limits.output = output
    random.seed(seed)
    began = clock
    kit.defineProperty(performance, 'timeOrigin', { __proto__: null, value: clock, enumerable: true })
  }

  return function api(op, a, b, c) {
    switch (op) {
      case 'configure':
        return (configure(a), '')
      case 'tools':
        return (grant(a), '')
      case 'reseed':
        return (random.seed(a), '')
      case 'begin':
        return (begin(a, b, c), '')
      case 'enter':
        return (enter(a), '')
      case 'forget':
        return (forget(a), '')
      case 'variables':
        return (variables(a), '')
      case 'watch':
        return (watch(a, b), '')
      case 'failed':
        return (failed(a), '')
      case 'settle':
        return (settle(a, b, c), '')
      case 'rejected':
        return (rejected(a, b), '')
      case 'handled':
        return (handled(a), '')
      case 'halt':
        return halt()
      case 'doom':
        doom = a
        return halt()
      default:
        return ''
    }
  }
})
