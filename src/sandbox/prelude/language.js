/**
 * Texts by the rules of a language: `Intl.Collator` and `localeCompare`, `Intl.Segmenter`, and case.
 *
 * L1  Plain texts (printable ASCII) are compared here, by the order that the host tells once for each collator: a sort
 *     compares each text many times. What they are compared by is kept until the step ends. All else asks the host.
 */
;(function languages(kit, parts) {
  'use strict'
  const { ask, of, service, bound, keyOf, localesOf } = parts
  const { charCode, fromCode, slice, exec, mapGet, mapSet, mapSize, mapClear, put } = kit

  const PLAIN = /^[ -~]*$/
  const MOST_TEXTS = 20_000
  const LONGEST = 200
  const ZERO = 48
  const NINE = 57

  const orders = new kit.Map() // collator's key → { ranks, after, numeric, weights }; null where the host is asked

  /** How a collator sorts plain texts (L1). */
  function orderOf(key) {
    const known = mapGet(orders, key)
    if (known !== undefined) return known
    const told = ask('intl.order', of(key))
    const numeric = told !== null && ask('intl.ask', of(key, 'resolvedOptions')).numeric === true
    const made = told === null ? null : { __proto__: null, told, numeric, weights: new kit.Map() }
    mapSet(orders, key, made)
    return made
  }

  /** A text that sorts, unit by unit, as the collator sorts `text`; `undefined` where that cannot be told. */
  function weightOf(order, text) {
    const known = mapGet(order.weights, text)
    if (known !== undefined) return known
    if (text.length > LONGEST || exec(PLAIN, text) === null) return undefined
    const { told, numeric } = order
    let first = ''
    let second = ''
    for (let i = 0; i < text.length;) {
      const code = charCode(text, i)
      const place = told[code - 32]
      first += fromCode(place[0] + 1)
      second += place[1] === 1 ? '1' : '0'
      i++
      if (!numeric || code < ZERO || code > NINE) continue
      // A run of digits is one number: by its length without leading zeros, then by its digits.
      let from = i - 1
      while (i < text.length && charCode(text, i) >= ZERO && charCode(text, i) <= NINE) i++
      while (from < i - 1 && charCode(text, from) === ZERO) from++
      first =
        slice(first, 0, first.length - 1) +
        fromCode(told[ZERO - 32][0] + 1, i - from + 1) +
        slice(text, from, i)
    }
    const weight = first + '\0' + second
    if (mapSize(order.weights) >= MOST_TEXTS) mapClear(order.weights)
    mapSet(order.weights, text, weight)
    return weight
  }

  function compare(key, a, b) {
    if (a === b) return 0
    const order = orderOf(key)
    if (order !== null) {
      const one = weightOf(order, a)
      const two = one === undefined ? undefined : weightOf(order, b)
      if (two !== undefined) return one < two ? -1 : one > two ? 1 : 0
    }
    return ask('intl.ask', of(key, 'compare', a, b))
  }

  /** The step ends: what texts were compared by is of no use any more. */
  function forget() {
    kit.mapEach(orders, (order) => {
      if (order !== null) mapClear(order.weights)
    })
  }

  service(
    'Collator',
    (query, key) => {
      const comparer = bound((self) => {
        const own = key(self)
        return (a, b) => compare(own, '' + a, '' + b)
      })
      return {
        get compare() {
          return comparer(this)
        },
      }
    },
    true,
  )

  const plain = keyOf('Collator')
  const isBlank = (value) => value === undefined

  function self(value, method) {
    if (value === undefined || value === null)
      throw new kit.TypeError('String.prototype.' + method + ' called on null or undefined')
    return '' + value
  }
  function cased(text, isUpper, locales) {
    const asked = localesOf(locales)
    const all = of(text, isUpper)
    if (asked.length === 0) return isUpper ? kit.upper(text) : kit.lower(text)
    for (let i = 0; i < asked.length; i++) kit.push(all, asked[i])
    return ask('intl.case', all)
  }
  const methods = {
    localeCompare(that, locales, options) {
      const text = self(this, 'localeCompare')
      const key = isBlank(locales) && isBlank(options) ? plain : keyOf('Collator', locales, options)
      return compare(key, text, '' + that)
    },
    toLocaleUpperCase(locales) {
      return cased(self(this, 'toLocaleUpperCase'), true, locales)
    },
    toLocaleLowerCase(locales) {
      return cased(self(this, 'toLocaleLowerCase'), false, locales)
    },
  }
  for (const name of kit.keys(methods)) kit.hide(kit.String.prototype, name, methods[name])

  // Segments: the host tells once where each begins.

  class Segments {
    #text
    #begins
    #isOfWords
    constructor(text, begins, isOfWords) {
      this.#text = text
      this.#begins = begins
      this.#isOfWords = isOfWords
    }
    #at(place) {
      const mark = this.#begins[place]
      const index = mark < 0 ? ~mark : mark
      const next = this.#begins[place + 1]
      const end = next === undefined ? this.#text.length : next < 0 ? ~next : next
      const data = {}
      put(data, 'segment', slice(this.#text, index, end))
      put(data, 'index', index)
      put(data, 'input', this.#text)
      if (this.#isOfWords) put(data, 'isWordLike', mark >= 0)
      return data
    }
    containing(index) {
      const at = kit.trunc(+index || 0)
      if (at < 0 || at >= this.#text.length) return undefined
      let low = 0
      let high = this.#begins.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        const mark = this.#begins[middle]
        if ((mark < 0 ? ~mark : mark) <= at) low = middle
        else high = middle - 1
      }
      return this.#at(low)
    }
    *[Symbol.iterator]() {
      for (let i = 0; i < this.#begins.length; i++) yield this.#at(i)
    }
  }

  service('Segmenter', (query) => ({
    segment(input) {
      const text = '' + input
      const { granularity } = query(this, 'resolvedOptions', of())
      return new Segments(text, query(this, 'segment', of(text)), granularity === 'word')
    },
  }))

  return { forget }
})
