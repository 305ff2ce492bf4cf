/** Timers that outlive the process: each waits by a call of its own, and its callback stays in the heap. */
;(function timers(kit, parts) {
  'use strict'
  const { sleep, inspect, of } = parts
  const { apply, hide, mapGet, mapSet, mapDelete } = kit
  const P = kit.Promise

  const open = new kit.Map() // id → Timeout
  let last = 0

  /** Calls `act` after `delay` ms, in any process. */
  function after(delay, act) {
    const ms = +delay
    const waited = sleep(ms > 0 && ms < Infinity ? ms : 0)
    hide(waited, 'constructor', P)
    kit.then(waited, act)
  }

  /** What `setTimeout` gives. It is its number too, as in browsers. */
  class Timeout {
    #id
    #delay
    #act
    #isRepeated
    /** Counts up with each `refresh`: an older wait is for nothing. */
    #turn = 0
    #isRef = true

    constructor(delay, isRepeated, act) {
      this.#id = ++last
      this.#delay = delay
      this.#isRepeated = isRepeated
      this.#act = act
      mapSet(open, this.#id, this)
      this.#wait()
    }
    #wait() {
      const turn = ++this.#turn
      after(this.#delay, () => {
        if (turn !== this.#turn || mapGet(open, this.#id) !== this) return
        if (!this.#isRepeated) mapDelete(open, this.#id)
        try {
          this.#act()
        } finally {
          if (this.#isRepeated && turn === this.#turn && mapGet(open, this.#id) === this) this.#wait()
        }
      })
    }
    ref() {
      this.#isRef = true
      return this
    }
    unref() {
      this.#isRef = false
      return this
    }
    hasRef() {
      return this.#isRef
    }
    refresh() {
      if (mapGet(open, this.#id) === this) this.#wait()
      return this
    }
    close() {
      mapDelete(open, this.#id)
      return this
    }
    [Symbol.toPrimitive]() {
      return this.#id
    }
    [Symbol.dispose]() {
      mapDelete(open, this.#id)
    }
    static {
      inspect.teach(Timeout, (timer) =>
        #id in timer ? of('id', timer.#id, 'delay', timer.#delay) : undefined,
      )
    }
  }

  function begun(isRepeated, callback, delay, args) {
    if (typeof callback !== 'function') {
      const error = new kit.TypeError(
        'The "callback" argument must be of type function. ' + inspect.received(callback),
      )
      throw kit.put(error, 'code', 'ERR_INVALID_ARG_TYPE')
    }
    return new Timeout(delay, isRepeated, () => apply(callback, undefined, args))
  }
  function clear(timer) {
    if (timer instanceof Timeout) timer.close()
    else if (typeof timer === 'number' || typeof timer === 'string') mapDelete(open, +timer)
  }

  return {
    after,
    globals: {
      __proto__: null,
      setTimeout(callback, delay = 0, ...args) {
        return begun(false, callback, delay, args)
      },
      clearTimeout(timer) {
        clear(timer)
      },
      setInterval(callback, delay = 0, ...args) {
        return begun(true, callback, +delay >= 1 ? delay : 1, args)
      },
      clearInterval(timer) {
        clear(timer)
      },
      setImmediate(callback, ...args) {
        return begun(false, callback, 0, args)
      },
      clearImmediate(timer) {
        clear(timer)
      },
    },
  }
})
