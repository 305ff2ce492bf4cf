/**
 * What the code gets in place of a result that is too large for its heap: it reads of it what it needs. Each read is a
 * call, like a tool's. Whoever takes the handle for the value hears what it is and how to read it.
 */
;(function makeLarge(kit, call) {
  'use strict'
  const READS = {
    __proto__: null,
    text: 'await it.slice(0, 1000), await it.lines(0, 20), for await (const line of it), or await it.json()',
    list: 'await it.slice(0, 20), await it.get(7), or for await (const item of it)',
    record: 'await it.keys(), await it.get(key), or for await (const key of it)',
  }
  const COUNTS = { __proto__: null, text: 'characters', list: 'items', record: 'keys' }
  /** Characters that one read of many asks for, about. */
  const PAGE = 262_144

  class LargeValue {
    #ref
    constructor(ref) {
      this.#ref = ref
      this.about = `a ${ref.is} of ${ref.length} ${COUNTS[ref.is]}, too large to be here whole`
      this.read = READS[ref.is]
      kit.freeze(this)
    }
    static is(value) {
      return #ref in value
    }
    static told(value) {
      const { about, read } = value
      return `${about}: read of it what you need, with ${read}`
    }
    /** Characters, items, or keys. */
    get length() {
      return this.#ref.length
    }
    /** From `from` up to, not with, `to`; of a text, characters. */
    async slice(from, to) {
      return this.#read('slice', from, to)
    }
    /** The lines of a text from `from` up to, not with, `to`. */
    async lines(from, to) {
      return this.#read('lines', from, to)
    }
    /** The first items of a list, lines of a text, or keys. */
    async head(count = 20) {
      if (this.#ref.is === 'record') return (await this.#read('keys')).slice(0, count)
      return this.#read(this.#ref.is === 'text' ? 'lines' : 'slice', 0, count)
    }
    async keys() {
      return this.#read('keys')
    }
    async get(key) {
      return this.#read('get', key)
    }
    /** A text, read as JSON; a handle again, if that is large. */
    async json() {
      return this.#read('json')
    }
    async *[Symbol.asyncIterator]() {
      const { is, length, size } = this.#ref
      if (is === 'record') {
        for (const key of await this.#read('keys')) yield key
        return
      }
      const page = is === 'text' ? PAGE : kit.max(1, kit.floor((PAGE * length) / size))
      let rest = ''
      for (let at = 0; at < length; at += page) {
        const part = await this.#read('slice', at, at + page)
        if (is === 'list') for (const item of part) yield item
        else {
          const lines = (rest + part).split('\n')
          rest = lines.pop()
          for (const line of lines) yield line
        }
      }
      if (is === 'text' && rest !== '') yield rest
    }
    async #read(part, from, to) {
      const got = await call('$read', [this.#ref, part, from, to], 'What is read')
      return kit.hasOwn(got, 'large') ? new LargeValue(got.large) : got.value
    }
  }
  const known = { __proto__: null, then: true, toJSON: true, asymmetricMatch: true }
  kit.setPrototypeOf(
    LargeValue.prototype,
    new kit.Proxy(kit.Object.prototype, {
      __proto__: null,
      get(target, key, receiver) {
        if (typeof key === 'symbol' || known[key] === true || key in target)
          return kit.get(target, key, receiver)
        throw new kit.TypeError(`There is no .${key} here: this is ${LargeValue.told(receiver)}`)
      },
    }),
  )
  return LargeValue
})
