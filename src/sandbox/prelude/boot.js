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
  const {
    makeRandom,
    makeConsole,
    makeLarge,
    makeHistory,
    references,
    makeTimers,
    makeGlobals,
    absent,
    session,
    variables,
    stack,
    decorate,
    answered,
  } = parts
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

  function own(value, key) {
    for (let at = value; at !== null; at = kit.getPrototypeOf(at)) {
      const found = kit.getOwnPropertyDescriptor(at, key)
      if (found !== undefined) return found.value
    }
    return undefined
  }

  inspect.frames = stack.framesOf

  const UNREADY = /^(.*) is not initialized$/
  const READ_ONLY = /^'(.*)' is read-only$/
  const NOTHING = /^cannot (read|set) property '([^]*)' of (undefined|null)$/
  const NO_MODULE = /^could not load module '([^]*)'$/

  /** Better words for what the engine says poorly: those that Node would use, and what there is instead. */
  function reworded(name, message, frames) {
    let found
    if (name === 'TypeError') {
      if (message === 'not a function') return uncallable(stack.callee(frames))
      if ((found = kit.exec(READ_ONLY, message)) !== null && isVariable(found[1], frames))
        return 'Assignment to constant variable: ' + found[1]
      if ((found = kit.exec(NOTHING, message)) !== null)
        return (
          'Cannot ' +
          found[1] +
          ' properties of ' +
          found[3] +
          ' (' +
          found[1] +
          (found[1] === 'set' ? 'ting ' : 'ing ') +
          "'" +
          found[2] +
          "'" +
          ')'
        )
    }
    if (name === 'ReferenceError') {
      if ((found = kit.exec(UNREADY, message)) !== null)
        return "Cannot access '" + found[1] + "' before initialization"
      if ((found = kit.exec(NO_MODULE, message)) !== null)
        return message + '. ' + withTools(stack.hint(found[1], frames))
      const end = indexOf(message, ' is not defined')
      const word = end < 0 ? '' : slice(message, 0, end)
      const instead = word === 'require' ? withTools(stack.hint(undefined, frames)) : absent[word]
      if (instead !== undefined) return message + '. ' + instead
    }
    return message
  }
  function withTools(hint) {
    if (hint === undefined) return absent.require
    return indexOf(hint, 'tool') < 0 ? hint : hint + slice(toolsTold(), 1)
  }
  function uncallable(what) {
    const text = what + ' is not a function'
    if (kit.hasOwn(tools, what)) return text + ': the name is a variable now. The tool is tools.' + what
    return indexOf(what, 'tools.') === 0 ? text + toolsTold() : text
  }
  function toolsTold() {
    const names = kit.keys(tools)
    let text = ''
    for (let i = 0; i < names.length && i < 50; i++) text += (i > 0 ? ', ' : '') + names[i]
    return text === '' ? '' : '. The tools are: ' + text
  }
  /** A constant: of the session, or one that the line names where it is assigned. */
  function isVariable(name, frames) {
    const found = kit.getOwnPropertyDescriptor(global, name)
    if (found !== undefined && found.writable === false && found.configurable === true) return true
    return stack.isAt(frames, name)
  }

  /** `{ name, message, stack }` of anything thrown. Runs no foreign code. */
  function explain(thrown) {
    if (!kit.isError(thrown)) {
      const text = typeof thrown === 'string' ? thrown : inspect(thrown)
      return { __proto__: null, name: 'Error', message: 'Uncaught ' + text, stack: '' }
    }
    const frames = stack.framesOf(thrown)
    const known = stack.own(thrown, 'name') || 'Error'
    let text = reworded(known, stack.own(thrown, 'message') ?? '', frames)
    if (known === 'AggregateError' && text === '') text = 'All promises were rejected'
    const errors = own(thrown, 'errors')
    if (kit.isArray(errors)) {
      for (let i = 0; i < errors.length && i < 10; i++) text += '\n  - ' + titled(explain(errors[i]))
    }
    text += causeOf(thrown, 0)
    return { __proto__: null, name: known, message: text, stack: frames }
  }
  function titleOf(error) {
    return (stack.own(error, 'name') ?? 'Error') + ': ' + (stack.own(error, 'message') ?? '')
  }
  /** What led to an error, and to that, as far as five. */
  function causeOf(error, depth) {
    const cause = own(error, 'cause')
    if (cause === undefined || cause === error || depth === 5) return ''
    return (
      ' (cause: ' +
      (kit.isError(cause)
        ? titleOf(cause) + causeOf(cause, depth + 1)
        : inspect(cause, { __proto__: null, depth: 1 })) +
      ')'
    )
  }
  function titled(told) {
    return told.name === '' ? told.message : told.name + ': ' + told.message
  }
  function errorText(told) {
    const trace =
      told.stack === ''
        ? ''
        : ',"stack":' + quote(titled(told) + '\n' + stack.excerpt(told.stack) + told.stack)
    return '{"name":' + quote(told.name) + ',"message":' + quote(told.message) + trace + '}'
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
      trace: stack.framesHere(),
    })
    push(made, '{"id":"' + id + '","name":' + quote(name) + ',"input":' + quote(input) + '}')
    return promise
  }

  const LargeValue = makeLarge(kit, call)
  const past = makeHistory(kit, call)
  kit.isLarge = LargeValue.is
  kit.toldLarge = LargeValue.told

  /** `as`: what the text is: an encoded value, plain JSON, what a handle reads of, or an error. */
  function settle(id, as, text) {
    const waiting = mapGet(open, id)
    if (waiting === undefined) return
    mapDelete(open, id)
    if (as !== 'error') {
      let value
      try {
        value =
          as === 'json' ? kit.parse(text) : as === 'large' ? new LargeValue(kit.parse(text)) : decode(text)
      } catch (error) {
        waiting.reject(error)
        return
      }
      waiting.resolve(value)
      return
    }
    const { name, message } = kit.parse(text)
    const error = newError(name, message, false)
    stack.trace(error, waiting.trace)
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
      if (answer === null) {
        answer = text
        answered()
      }
    }
    throw sentinel
  }

  function ask(message, schema) {
    return call('$ask', schema === undefined ? [message] : [message, schema], 'The question')
  }
  function sleep(duration) {
    return call('$sleep', duration, 'The duration')
  }
  /** A callback that throws is told as a rejection that nobody handles. */
  function queueMicrotask(callback) {
    if (typeof callback !== 'function') {
      const words = 'The "callback" argument must be of type function. ' + inspect.received(callback)
      throw put(new kit.TypeError(words), 'code', 'ERR_INVALID_ARG_TYPE')
    }
    kit.then(settled, () => {
      callback()
    })
  }
  const settled = hide(new P((resolve) => resolve()), 'constructor', P)

  const { console, begin: beginConsole } = makeConsole(kit, {
    print,
    format,
    inspect,
    table,
    framesHere: stack.framesHere,
    now: kit.Date.now,
  })

  const random = makeRandom(kit)

  const now = kit.Date.now
  let began = 0
  const performance = {
    now() {
      return now() - began
    },
  }

  // The globals.

  for (const name of ['WeakRef', 'FinalizationRegistry']) delete global[name]
  lock(Error, 'prepareStackTrace', undefined)
  lock(global, 'finalAnswer', finalAnswer)
  lock(global, '$names', session.names)
  lock(global, '$decorate', decorate)
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
  // The zone has a name.
  const { toString: dateText, toTimeString: timeText } = kit.Date.prototype
  const zoned = (text) => (text === 'Invalid Date' ? text : text + ' (Coordinated Universal Time)')
  const dateMethods = {
    toString() {
      return zoned(apply(dateText, this, list()))
    },
    toTimeString() {
      return zoned(apply(timeText, this, list()))
    },
  }
  for (const name of kit.keys(dateMethods)) hide(kit.Date.prototype, name, dateMethods[name])

  const timers = makeTimers(sleep)
  const { globals, forget: forgetOrders } = makeGlobals({
    __proto__: null,
    after: timers.after,
    next: random.next,
    now: performance.now,
  })
  const provided = {
    __proto__: null,
    global,
    ask,
    sleep,
    print: console.log,
    console,
    queueMicrotask,
    performance,
    ...timers.globals,
    ...globals,
  }
  for (const name of kit.keys(provided)) hide(global, name, provided[name])
  hide(Math, 'random', random.random)
  const reserved = new kit.Map()
  for (const name of kit.ownKeys(global)) if (typeof name === 'string') mapSet(reserved, name, true)
  const bare = new kit.Map() // bare name → the function that was put there
  // A tool of the same name has it.
  const yielding = { __proto__: null, history: past.history, pin: past.pin, secret: references.secret }
  for (const name of kit.keys(yielding)) hide(global, name, yielding[name])

  const lookups = {
    __proto__: null,
    search: kit.freeze((words, limit) => call('$tools', ['search', words, limit], 'The words')),
    describe: kit.freeze((name) => call('$tools', ['describe', name], 'The name')),
  }

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
      if (there === undefined || (there.value === yielding[name] && yielding[name] !== undefined))
        hide(global, name, tool)
      mapSet(bare, name, tool)
    }
    mapEach(bare, (tool, name) => {
      if (kit.hasOwn(next, name)) return
      mapDelete(bare, name)
      if (kit.getOwnPropertyDescriptor(global, name)?.value !== tool) return
      delete global[name]
      if (yielding[name] !== undefined) hide(global, name, yielding[name])
    })
    // Of many tools, those that are wanted are looked up. A tool of such a name has it.
    for (const name of kit.keys(lookups)) if (!kit.hasOwn(next, name)) hide(next, name, lookups[name])
    tools = kit.freeze(next)
  }
  /** Values that were given with a task, as top-level variables. */
  function setVariables(text, large) {
    const handles = large === '' ? {} : kit.parse(large)
    const others = kit.keys(handles)
    for (let i = 0; i < others.length; i++) kit.put(global, others[i], new LargeValue(handles[others[i]]))
    const values = text === '' ? {} : decode(text)
    const names = kit.keys(values)
    for (let i = 0; i < names.length; i++) kit.put(global, names[i], values[names[i]])
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
    stack.remember(file, positions)
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

  /** A person ends the step where it waits: its program has failed, and nothing that it waits for will come. */
  function interrupt() {
    if (running === null) return
    let trace = ''
    mapEach(open, (waiting) => {
      if (trace === '' && waiting.step === step) trace = waiting.trace
    })
    kit.mapClear(open)
    made = list()
    const error = newError('Interrupted', 'A person interrupted the step here', false)
    stack.trace(error, trace)
    failed(error)
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
    if (end !== null) {
      session.ended()
      forgetOrders()
    }
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
    const said = variablesSaid(variables.told()) + past.pinned(quote)
    output = buffer()
    running = null
    answer = null
    return (
      '{"kind":"ended",' +
      common +
      ',"output":' +
      quote(all) +
      ',"ending":' +
      end +
      ',"open":[' +
      ids +
      ']' +
      said +
      '}'
    )
  }
  /** The variables that are new or have changed, as a part of a halt. */
  function variablesSaid({ changed, more }) {
    if (changed.length === 0) return ''
    let text = ''
    for (let i = 0; i < changed.length; i++) {
      const { name, type, isNew } = changed[i]
      text += (i > 0 ? ',' : '') + '{"name":' + quote(name) + ',"type":' + quote(type)
      text += (isNew ? ',"isNew":true' : '') + '}'
    }
    return ',"variables":[' + text + ']' + (more > 0 ? ',"moreVariables":' + more : '')
  }
  /** What the variables hold, for a person who looks: nothing of the code runs. */
  function held() {
    const all = variables.held()
    let text = ''
    for (let i = 0; i < all.length; i++) {
      const { name, type, value } = all[i]
      text += (i > 0 ? ',' : '') + '{"name":' + quote(name) + ',"type":' + quote(type)
      text += ',"value":' + quote(value) + '}'
    }
    return '[' + text + ']'
  }
  function killed(end) {
    const words = {
      __proto__: null,
      calls: 'The step made more than ' + limits.calls + ' calls.',
      memory: 'The step ran out of memory. That cannot be caught.',
      stack: 'The step ran out of stack (too deep a recursion). That cannot be caught.',
    }
    const error = end === null ? undefined : stack.read(kit.parse(end), 'error')
    const trace = error === undefined ? undefined : stack.read(error, 'stack')
    return (
      '{"kind":"killed","reason":"' +
      doom +
      '","message":' +
      quote(words[doom] + (trace === undefined ? '' : '\n' + trace)) +
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
    const { calls, output, seed, mark, clock } = kit.parse(text)
    limits.calls = calls
    limits.output = output
    random.seed(seed)
    references.configure(mark)
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
        return (setVariables(a, b), '')
      case 'watch':
        return (watch(a, b), '')
      case 'failed':
        return (failed(a), '')
      case 'interrupt':
        return (interrupt(), '')
      case 'settle':
        return (settle(a, b, c), '')
      case 'rejected':
        return (rejected(a, b), '')
      case 'handled':
        return (handled(a), '')
      case 'halt':
        return halt()
      case 'held':
        return held()
      case 'doom':
        doom = a
        return halt()
      default:
        return ''
    }
  }
})
