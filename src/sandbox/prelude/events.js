/**
 * `Event`, `CustomEvent`, `EventTarget`, `AbortController`, `AbortSignal`, as the platform has them. There is no tree: an
 * event has one target.
 */
;(function events(kit, parts) {
  'use strict'
  const { DOMException, inspect, of, after, now } = parts
  const { list, push, apply, mapGet, mapSet, put, TypeError } = kit
  const P = kit.Promise

  const NONE = 0
  const AT_TARGET = 2

  let begin // an event comes to a target; gives false if it is under way already
  let end
  let isStopped
  let isEvent
  let trust

  class Event {
    #type
    #bubbles
    #cancelable
    #composed
    #target = null
    #current = null
    #phase = NONE
    #stopped = false
    #stoppedAtOnce = false
    #prevented = false
    #passive = false
    #trusted = false
    #time = now()

    static {
      begin = (event, target) => {
        if (event.#phase !== NONE) return false
        event.#target = target
        event.#current = target
        event.#phase = AT_TARGET
        event.#stoppedAtOnce = false
        return true
      }
      end = (event) => {
        event.#current = null
        event.#phase = NONE
        event.#stopped = false
        return !event.#prevented
      }
      isStopped = (event) => event.#stoppedAtOnce
      isEvent = (value) => typeof value === 'object' && value !== null && #type in value
      trust = (event) => {
        event.#trusted = true
        return event
      }
      inspect.teach(Event, (event) => (#type in event ? event.#shown() : undefined))
    }

    constructor(type, options) {
      if (arguments.length === 0) throw missing('"type" argument')
      this.#type = '' + type
      this.#bubbles = !!options?.bubbles
      this.#cancelable = !!options?.cancelable
      this.#composed = !!options?.composed
    }
    get type() {
      return this.#type
    }
    get target() {
      return this.#target
    }
    get srcElement() {
      return this.#target
    }
    get currentTarget() {
      return this.#current
    }
    get eventPhase() {
      return this.#phase
    }
    get bubbles() {
      return this.#bubbles
    }
    get cancelable() {
      return this.#cancelable
    }
    get composed() {
      return this.#composed
    }
    get defaultPrevented() {
      return this.#prevented
    }
    get returnValue() {
      return !this.#prevented
    }
    get cancelBubble() {
      return this.#stopped
    }
    set cancelBubble(value) {
      if (value) this.#stopped = true
    }
    get timeStamp() {
      return this.#time
    }
    get isTrusted() {
      return this.#trusted
    }
    #shown() {
      return of(
        'type',
        this.#type,
        'defaultPrevented',
        this.#prevented,
        'cancelable',
        this.#cancelable,
        'timeStamp',
        this.#time,
      )
    }
    composedPath() {
      return this.#phase === NONE ? [] : [this.#current]
    }
    preventDefault() {
      if (this.#cancelable && !this.#passive) this.#prevented = true
    }
    stopPropagation() {
      this.#stopped = true
    }
    stopImmediatePropagation() {
      this.#stopped = true
      this.#stoppedAtOnce = true
    }
  }

  class CustomEvent extends Event {
    #detail
    constructor(type, options) {
      super(type, options)
      this.#detail = options?.detail ?? null
    }
    get detail() {
      return this.#detail
    }
  }

  function missing(what) {
    const words = 'The ' + what + ' must be specified'
    return put(new TypeError(words), 'code', 'ERR_MISSING_ARGS')
  }

  let listenersOf

  class EventTarget {
    /** type → list of { listener, capture, once, removed } */
    #listeners = new kit.Map()

    static {
      inspect.teach(EventTarget, () => undefined)
      listenersOf = (target, type) => mapGet(target.#listeners, type)
    }

    addEventListener(type, listener, options) {
      if (arguments.length < 2) throw missing('"type" and "listener" arguments')
      if (listener === null || listener === undefined) return
      if (typeof listener !== 'function' && typeof listener !== 'object')
        throw new TypeError('The "listener" argument must be an instance of EventListener.')
      const name = '' + type
      const isFlag = typeof options === 'boolean'
      const capture = isFlag ? options : !!options?.capture
      const signal = isFlag ? undefined : options?.signal
      if (signal?.aborted) return
      const all = mapGet(this.#listeners, name) ?? list()
      mapSet(this.#listeners, name, all)
      for (let i = 0; i < all.length; i++)
        if (all[i].listener === listener && all[i].capture === capture && !all[i].removed) return
      push(all, { __proto__: null, listener, capture, once: !isFlag && !!options?.once, removed: false })
      signal?.addEventListener('abort', () => this.removeEventListener(name, listener, capture))
    }
    removeEventListener(type, listener, options) {
      const capture = typeof options === 'boolean' ? options : !!options?.capture
      const all = mapGet(this.#listeners, '' + type)
      if (all === undefined) return
      const left = list()
      for (let i = 0; i < all.length; i++) {
        if (all[i].listener === listener && all[i].capture === capture) all[i].removed = true
        else push(left, all[i])
      }
      mapSet(this.#listeners, '' + type, left)
    }
    dispatchEvent(event) {
      if (!isEvent(event))
        throw put(
          new TypeError('The "event" argument must be an instance of Event. ' + inspect.received(event)),
          'code',
          'ERR_INVALID_ARG_TYPE',
        )
      return dispatch(this, event)
    }
  }

  /** Listeners run in the order in which they were added; those added meanwhile do not. */
  function dispatch(target, event) {
    if (!begin(event, target))
      throw new DOMException('The event is already being dispatched', 'InvalidStateError')
    const all = listenersOf(target, event.type)
    const count = all?.length ?? 0
    for (let i = 0; i < count && !isStopped(event); i++) {
      const each = all[i]
      if (each.removed) continue
      if (each.once) target.removeEventListener(event.type, each.listener, each.capture)
      const { listener } = each
      try {
        if (typeof listener === 'function') apply(listener, target, [event])
        else listener.handleEvent(event)
      } catch (error) {
        // Nobody catches it: it is told as a rejection that nobody handles.
        new P((_, reject) => reject(error))
      }
    }
    return end(event)
  }

  let abort
  let made = false

  class AbortSignal extends EventTarget {
    #aborted = false
    #reason = undefined
    #onabort = null
    /** Signals that follow this one. */
    #followers = list()

    static {
      abort = (signal, reason) => {
        if (signal.#aborted) return
        signal.#aborted = true
        signal.#reason = reason
        dispatch(signal, trust(new Event('abort')))
        for (let i = 0; i < signal.#followers.length; i++) abort(signal.#followers[i], reason)
      }
      inspect.teach(AbortSignal, (value) => (#aborted in value ? of('aborted', value.#aborted) : undefined))
    }

    constructor() {
      if (!made) throw put(new TypeError('Illegal constructor'), 'code', 'ERR_ILLEGAL_CONSTRUCTOR')
      super()
    }
    static abort(reason) {
      const signal = fresh()
      signal.#aborted = true
      signal.#reason = reason === undefined ? aborted() : reason
      return signal
    }
    /** A durable timer: it takes a call, as `setTimeout` does. */
    static timeout(delay) {
      const signal = fresh()
      after(delay, () =>
        abort(signal, new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
      )
      return signal
    }
    static any(signals) {
      const signal = fresh()
      const all = list()
      for (const each of signals) {
        if (typeof each !== 'object' || each === null || !(#aborted in each))
          throw new TypeError('The "signals" argument must be an instance of AbortSignal.')
        push(all, each)
      }
      for (let i = 0; i < all.length && !signal.#aborted; i++) {
        if (!all[i].#aborted) continue
        signal.#aborted = true
        signal.#reason = all[i].#reason
      }
      if (!signal.#aborted) for (let i = 0; i < all.length; i++) push(all[i].#followers, signal)
      return signal
    }
    get aborted() {
      return this.#aborted
    }
    get reason() {
      return this.#reason
    }
    throwIfAborted() {
      if (this.#aborted) throw this.#reason
    }
    get onabort() {
      return this.#onabort
    }
    set onabort(listener) {
      if (this.#onabort !== null) this.removeEventListener('abort', this.#onabort)
      this.#onabort = typeof listener === 'function' ? listener : null
      if (this.#onabort !== null) this.addEventListener('abort', listener)
    }
  }

  function fresh() {
    made = true
    try {
      return new AbortSignal()
    } finally {
      made = false
    }
  }
  function aborted() {
    return new DOMException('This operation was aborted', 'AbortError')
  }

  class AbortController {
    #signal = fresh()
    static {
      inspect.teach(AbortController, (value) => (#signal in value ? of('signal', value.#signal) : undefined))
    }
    get signal() {
      return this.#signal
    }
    abort(reason) {
      abort(this.#signal, reason === undefined ? aborted() : reason)
    }
  }

  const phases = ['NONE', 'CAPTURING_PHASE', 'AT_TARGET', 'BUBBLING_PHASE']
  for (const [value, name] of phases.entries()) {
    kit.lock(Event, name, value)
    kit.lock(Event.prototype, name, value)
  }
  const classes = { __proto__: null, Event, CustomEvent, EventTarget, AbortController, AbortSignal }
  for (const name of kit.keys(classes)) kit.tag(classes[name], name)
  return classes
})
