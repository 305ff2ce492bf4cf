/** `URL` and `URLSearchParams`. The host parses; the objects are ours. */
;(function urls(kit, parts) {
  'use strict'
  const { ask, of, inspect, teach } = parts
  const { list, push, put, defineProperty, TypeError } = kit

  /** What a query is for the URL that it belongs to. */
  let link
  let pairsOf

  class URLSearchParams {
    /** Names and values in turn. */
    #pairs = list()
    #changed = null

    static {
      link = (params, pairs, changed) => {
        params.#pairs = pairs
        params.#changed = changed
      }
      pairsOf = (params) => (#pairs in params ? params.#pairs : undefined)
    }

    constructor(init = '') {
      if (typeof init === 'function' || (typeof init === 'object' && init !== null)) this.#take(init)
      else this.#pairs = parsed('' + init)
    }

    #take(init) {
      const known = pairsOf(init)
      if (known !== undefined) {
        for (let i = 0; i < known.length; i++) push(this.#pairs, known[i])
        return
      }
      if (init[kit.Symbol.iterator] === undefined || init[kit.Symbol.iterator] === null) {
        const names = kit.keys(init)
        for (let i = 0; i < names.length; i++) this.#add(names[i], init[names[i]])
        return
      }
      if (typeof init[kit.Symbol.iterator] !== 'function')
        throw coded(new TypeError('Query pairs must be iterable'), 'ERR_ARG_NOT_ITERABLE')
      for (const pair of init) {
        const items = []
        if ((typeof pair !== 'object' && typeof pair !== 'function') || pair === null) throw notAPair()
        for (const item of pair) put(items, items.length, item)
        if (items.length !== 2) throw notAPair()
        this.#add(items[0], items[1])
      }
    }

    #add(name, value) {
      push(this.#pairs, wellFormed(name))
      push(this.#pairs, wellFormed(value))
    }

    /** Keeps the pairs for which `keep` is true. */
    #filter(keep) {
      const pairs = this.#pairs
      const kept = list()
      for (let i = 0; i < pairs.length; i += 2) {
        if (!keep(pairs[i], pairs[i + 1])) continue
        push(kept, pairs[i])
        push(kept, pairs[i + 1])
      }
      this.#pairs = kept
    }

    get size() {
      return this.#pairs.length / 2
    }
    append(name, value) {
      needs(arguments, 2, '"name" and "value"')
      this.#add(name, value)
      this.#changed?.()
    }
    delete(name, value) {
      needs(arguments, 1, '"name"')
      const one = wellFormed(name)
      const two = value === undefined ? undefined : wellFormed(value)
      this.#filter((each, its) => each !== one || (two !== undefined && its !== two))
      this.#changed?.()
    }
    get(name) {
      needs(arguments, 1, '"name"')
      const wanted = wellFormed(name)
      for (let i = 0; i < this.#pairs.length; i += 2) if (this.#pairs[i] === wanted) return this.#pairs[i + 1]
      return null
    }
    getAll(name) {
      needs(arguments, 1, '"name"')
      const wanted = wellFormed(name)
      const found = []
      for (let i = 0; i < this.#pairs.length; i += 2)
        if (this.#pairs[i] === wanted) put(found, found.length, this.#pairs[i + 1])
      return found
    }
    has(name, value) {
      needs(arguments, 1, '"name"')
      const wanted = wellFormed(name)
      for (let i = 0; i < this.#pairs.length; i += 2)
        if (this.#pairs[i] === wanted && (value === undefined || this.#pairs[i + 1] === wellFormed(value)))
          return true
      return false
    }
    set(name, value) {
      needs(arguments, 2, '"name" and "value"')
      const wanted = wellFormed(name)
      const given = wellFormed(value)
      let isSet = false
      for (let i = 0; i < this.#pairs.length && !isSet; i += 2) {
        if (this.#pairs[i] !== wanted) continue
        this.#pairs[i + 1] = given
        isSet = true
      }
      if (isSet) {
        let isFirst = true
        this.#filter((each) => each !== wanted || (isFirst && !(isFirst = false)))
      } else {
        this.#add(wanted, given)
      }
      this.#changed?.()
    }
    sort() {
      const pairs = this.#pairs
      const order = []
      for (let i = 0; i < pairs.length; i += 2) put(order, order.length, i)
      kit.sort(order, (a, b) => (pairs[a] < pairs[b] ? -1 : pairs[a] > pairs[b] ? 1 : a - b))
      const sorted = list()
      for (let i = 0; i < order.length; i++) {
        push(sorted, pairs[order[i]])
        push(sorted, pairs[order[i] + 1])
      }
      this.#pairs = sorted
      this.#changed?.()
    }
    forEach(callback, receiver) {
      if (typeof callback !== 'function')
        throw coded(
          new TypeError('The "callback" argument must be of type function.'),
          'ERR_INVALID_ARG_TYPE',
        )
      for (let i = 0; i < this.#pairs.length; i += 2)
        kit.apply(callback, receiver, [this.#pairs[i + 1], this.#pairs[i], this])
    }
    *entries() {
      for (let i = 0; i < this.#pairs.length; i += 2) yield [this.#pairs[i], this.#pairs[i + 1]]
    }
    *keys() {
      for (let i = 0; i < this.#pairs.length; i += 2) yield this.#pairs[i]
    }
    *values() {
      for (let i = 0; i < this.#pairs.length; i += 2) yield this.#pairs[i + 1]
    }
    toString() {
      return written(this.#pairs)
    }
  }
  kit.hide(URLSearchParams.prototype, kit.Symbol.iterator, URLSearchParams.prototype.entries)

  function wellFormed(value) {
    return kit.toWellFormed('' + value)
  }
  function written(pairs) {
    return pairs.length === 0 ? '' : ask('query.write', pairs)
  }
  function parsed(text) {
    const pairs = list()
    if (text === '' || text === '?') return pairs
    const found = ask('query.parse', of(text))
    for (let i = 0; i < found.length; i++) push(pairs, found[i])
    return pairs
  }
  function needs(given, count, names) {
    if (given.length >= count) return
    const words = 'The ' + names + ' argument' + (count > 1 ? 's' : '') + ' must be specified'
    throw coded(new TypeError(words), 'ERR_MISSING_ARGS')
  }
  function notAPair() {
    return coded(
      new TypeError('Each query pair must be an iterable [name, value] tuple'),
      'ERR_INVALID_TUPLE',
    )
  }
  function coded(error, code) {
    return put(error, 'code', code)
  }

  class URL {
    /** What the host said of it. */
    #parts
    #params = undefined

    constructor(input, base) {
      needs(arguments, 1, '"url"')
      const text = '' + input
      const found = ask('url.parse', of(text, base === undefined ? undefined : '' + base))
      if (found === null) {
        const error = put(coded(new TypeError('Invalid URL'), 'ERR_INVALID_URL'), 'input', text)
        throw base === undefined ? error : put(error, 'base', '' + base)
      }
      this.#parts = found
    }
    static canParse(url, base) {
      needs(arguments, 1, '"url"')
      return ask('url.parse', of('' + url, base === undefined ? undefined : '' + base)) !== null
    }
    static parse(url, base) {
      return URL.canParse(url, base) ? new URL(url, base) : null
    }

    #change(part, value) {
      this.#parts = ask('url.change', of(this.#parts.href, part, '' + value))
      this.#refresh()
    }
    #refresh() {
      if (this.#params !== undefined) link(this.#params, parsed(this.#parts.search), this.#queried)
    }
    #queried = () => {
      this.#parts = ask('url.change', of(this.#parts.href, 'search', this.#params.toString()))
    }

    get href() {
      return this.#parts.href
    }
    set href(value) {
      const found = ask('url.parse', of('' + value))
      if (found === null)
        throw put(coded(new TypeError('Invalid URL'), 'ERR_INVALID_URL'), 'input', '' + value)
      this.#parts = found
      this.#refresh()
    }
    get origin() {
      return this.#parts.origin
    }
    get searchParams() {
      return this.#query()
    }
    #query() {
      if (this.#params === undefined) {
        this.#params = new URLSearchParams()
        this.#refresh()
      }
      return this.#params
    }
    toString() {
      return this.#parts.href
    }
    toJSON() {
      return this.#parts.href
    }

    static {
      const names = [
        'protocol',
        'username',
        'password',
        'host',
        'hostname',
        'port',
        'pathname',
        'search',
        'hash',
      ]
      for (let i = 0; i < names.length; i++) {
        const name = names[i]
        defineProperty(URL.prototype, name, {
          __proto__: null,
          get() {
            return this.#parts[name]
          },
          set(value) {
            this.#change(name, value)
          },
          enumerable: true,
          configurable: true,
        })
      }
      teach(URL, 'URL', (url) => url.#parts.href)
      inspect.teach(URL, (url) => {
        if (!(#parts in url)) return undefined
        const shown = list()
        const all = kit.keys(url.#parts)
        for (let i = 0; i < all.length; i++) {
          if (all[i] === 'hash') {
            push(shown, 'searchParams')
            push(shown, url.#query())
          }
          push(shown, all[i])
          push(shown, url.#parts[all[i]])
        }
        return shown
      })
    }
  }
  inspect.teach(URLSearchParams, pairsOf, ' => ')
  teach(URLSearchParams, 'URLSearchParams', (params) => written(pairsOf(params)))

  kit.tag(URL, 'URL')
  kit.tag(URLSearchParams, 'URLSearchParams')
  return { URL, URLSearchParams }
})
