/**
 * `Intl`: thin classes that ask the worker's ICU (`pure/intl.ts`). A formatter is its key: the JSON of its class, its
 * locales and its options, as they were read when it was made.
 */
;(function internationals(kit, parts) {
  'use strict'
  const { ask, of, json, inspect, now } = parts
  const { list, push, hide, defineProperty, TypeError, RangeError } = kit

  const DIGITS =
    'minimumIntegerDigits minimumFractionDigits maximumFractionDigits minimumSignificantDigits maximumSignificantDigits roundingIncrement roundingMode roundingPriority trailingZeroDisplay'
  const OPTIONS = {
    __proto__: null,
    NumberFormat:
      'localeMatcher numberingSystem style currency currencyDisplay currencySign unit unitDisplay notation compactDisplay useGrouping signDisplay ' +
      DIGITS,
    DateTimeFormat:
      'localeMatcher calendar numberingSystem hour12 hourCycle timeZone weekday era year month day dayPeriod hour minute second fractionalSecondDigits timeZoneName formatMatcher dateStyle timeStyle',
    Collator: 'usage localeMatcher collation numeric caseFirst sensitivity ignorePunctuation',
    PluralRules: 'localeMatcher type notation compactDisplay ' + DIGITS,
    RelativeTimeFormat: 'localeMatcher numberingSystem style numeric',
    ListFormat: 'localeMatcher type style',
    DisplayNames: 'localeMatcher style type fallback languageDisplay',
    Segmenter: 'localeMatcher granularity',
    DurationFormat:
      'localeMatcher numberingSystem style years yearsDisplay months monthsDisplay weeks weeksDisplay days daysDisplay hours hoursDisplay minutes minutesDisplay seconds secondsDisplay milliseconds millisecondsDisplay microseconds microsecondsDisplay nanoseconds nanosecondsDisplay fractionalDigits',
    Locale:
      'language script region variants calendar collation hourCycle caseFirst numeric numberingSystem firstDayOfWeek',
  }
  const NAMES = { __proto__: null }
  for (const name of kit.keys(OPTIONS)) NAMES[name] = kit.freeze(OPTIONS[name].split(' '))

  /** The JSON of the options that the class knows, each read once. */
  function optionsText(name, options) {
    if (options === undefined) return '{}'
    if ((typeof options !== 'object' && typeof options !== 'function') || options === null)
      return json(typeof options === 'bigint' ? 0 : options)
    const names = NAMES[name]
    let text = ''
    for (let i = 0; i < names.length; i++) {
      const value = options[names[i]]
      if (value === undefined) continue
      const type = typeof value
      const plain = type === 'number' || type === 'boolean' || type === 'string' || value === null
      text += (text === '' ? '' : ',') + '"' + names[i] + '":' + json(plain ? value : '' + value)
    }
    return '{' + text + '}'
  }

  let tagOf = () => undefined

  /** The tags that are asked for, as texts. */
  function localesOf(locales) {
    if (locales === undefined) return list()
    if (typeof locales === 'string') return of(locales)
    if (locales === null) throw new TypeError('Cannot convert undefined or null to object')
    const own = tagOf(locales)
    if (own !== undefined) return of(own)
    const tags = list()
    const { length } = kit.Object(locales)
    for (let i = 0; i < length; i++) {
      if (!(i in locales)) continue
      const tag = locales[i]
      if (typeof tag !== 'string' && (typeof tag !== 'object' || tag === null))
        throw new TypeError('Language ID should be string or object.')
      push(tags, typeof tag === 'string' ? tag : (tagOf(tag) ?? '' + tag))
    }
    return tags
  }

  /** `needed`: of a date, which of its fields are wanted. */
  function keyOf(name, locales, options, needed) {
    const last = needed === undefined ? ']' : ',"' + needed + '"]'
    return '["' + name + '",' + json(localesOf(locales)) + ',' + optionsText(name, options) + last
  }

  /** What a number format takes: a text has all its digits, a bigint too. */
  function amount(value) {
    if (typeof value === 'number' || typeof value === 'string') return value
    return typeof value === 'bigint' ? '' + value : kit.Number(value)
  }
  function number(value) {
    return +value
  }
  function time(date) {
    const ms = date === undefined ? now() : +date
    if (!(kit.abs(ms) <= 8.64e15)) throw new RangeError('Invalid time value')
    return ms
  }
  function given(date) {
    if (date === undefined) throw new TypeError('Invalid time value')
    return time(date)
  }
  function texts(items) {
    const all = list()
    if (items === undefined) return all
    for (const item of items) {
      if (typeof item !== 'string')
        throw new TypeError('Iterable yielded ' + inspect(item) + ' which is not a string')
      push(all, item)
    }
    return all
  }

  const Intl = {}
  defineProperty(Intl, kit.Symbol.toStringTag, { __proto__: null, value: 'Intl', configurable: true })

  /**
   * Defines `Intl[name]`. `define(prototype, query)` adds its methods: `query(self, method, args)` asks the host.
   * `isCallable`: it may be called without `new`.
   */
  function service(name, define, isCallable) {
    class Service {
      #key
      constructor(locales, options) {
        this.#key = keyOf(name, locales, options)
        ask('intl.make', of(this.#key))
      }
      static key(self) {
        return self.#key
      }
      resolvedOptions() {
        return ask('intl.ask', of(this.#key, 'resolvedOptions'))
      }
    }
    const { key } = Service
    const construct = function (locales, options) {
      if (new.target === undefined && !isCallable)
        throw new TypeError('Constructor Intl.' + name + " requires 'new'")
      return kit.construct(Service, [locales, options], new.target ?? construct)
    }
    const { prototype } = Service
    defineProperty(construct, 'name', { __proto__: null, value: name, configurable: true })
    defineProperty(construct, 'prototype', { __proto__: null, value: prototype, writable: false })
    hide(prototype, 'constructor', construct)
    hide(construct, 'supportedLocalesOf', (locales, options) => {
      const asked = localesOf(locales)
      return ask('intl.supported', of(name, asked, optionsText(name, options)))
    })
    kit.tag(construct, 'Intl.' + name)
    const query = (self, method, args) => {
      const all = of(key(self), method)
      for (let i = 0; i < args.length; i++) push(all, args[i])
      return ask('intl.ask', all)
    }
    const methods = define(query, key)
    for (const each of kit.ownKeys(methods)) {
      const found = kit.getOwnPropertyDescriptor(methods, each)
      found.enumerable = false
      defineProperty(prototype, each, found)
    }
    hide(Intl, name, construct)
    return construct
  }

  /** A getter of a function that belongs to its object, made once for it. */
  function bound(make) {
    const made = new WeakMap()
    return (self) => {
      const known = kit.weakGet(made, self)
      if (known !== undefined) return known
      const method = make(self)
      defineProperty(method, 'name', { __proto__: null, value: '', configurable: true })
      kit.weakSet(made, self, method)
      return method
    }
  }

  service(
    'NumberFormat',
    (query, key) => {
      const format = bound((self) => (key(self), (value) => query(self, 'format', of(amount(value)))))
      return {
        get format() {
          return format(this)
        },
        formatToParts(value) {
          return query(this, 'formatToParts', of(amount(value)))
        },
        formatRange(start, end) {
          return query(this, 'formatRange', of(amount(start), amount(end)))
        },
        formatRangeToParts(start, end) {
          return query(this, 'formatRangeToParts', of(amount(start), amount(end)))
        },
      }
    },
    true,
  )

  service(
    'DateTimeFormat',
    (query, key) => {
      const format = bound((self) => (key(self), (date) => query(self, 'format', of(time(date)))))
      return {
        get format() {
          return format(this)
        },
        formatToParts(date) {
          return query(this, 'formatToParts', of(time(date)))
        },
        formatRange(start, end) {
          return query(this, 'formatRange', of(given(start), given(end)))
        },
        formatRangeToParts(start, end) {
          return query(this, 'formatRangeToParts', of(given(start), given(end)))
        },
      }
    },
    true,
  )

  service('PluralRules', (query) => ({
    select(value) {
      return query(this, 'select', of(number(value)))
    },
    selectRange(start, end) {
      return query(this, 'selectRange', of(number(start), number(end)))
    },
  }))

  service('RelativeTimeFormat', (query) => ({
    format(value, unit) {
      return query(this, 'format', of(number(value), '' + unit))
    },
    formatToParts(value, unit) {
      return query(this, 'formatToParts', of(number(value), '' + unit))
    },
  }))

  service('ListFormat', (query) => ({
    format(items) {
      return query(this, 'format', texts(items))
    },
    formatToParts(items) {
      return query(this, 'formatToParts', texts(items))
    },
  }))

  service('DisplayNames', (query) => ({
    of(code) {
      return query(this, 'of', of('' + code)) ?? undefined
    },
  }))

  const SPANS = 'years months weeks days hours minutes seconds milliseconds microseconds nanoseconds'.split(
    ' ',
  )
  /** The host takes the JSON of a duration. */
  function span(duration) {
    if (typeof duration === 'string') return duration
    if (typeof duration !== 'object' || duration === null)
      throw new TypeError('The duration must be an object')
    let text = ''
    for (let i = 0; i < SPANS.length; i++) {
      const value = duration[SPANS[i]]
      if (value !== undefined) text += (text === '' ? '' : ',') + '"' + SPANS[i] + '":' + json(+value)
    }
    return '{' + text + '}'
  }
  service('DurationFormat', (query) => ({
    format(duration) {
      return query(this, 'format', of(span(duration)))
    },
    formatToParts(duration) {
      return query(this, 'formatToParts', of(span(duration)))
    },
  }))

  class Locale {
    #about
    static {
      tagOf = (value) =>
        typeof value === 'object' && value !== null && #about in value ? value.#about.tag : undefined
      for (const name of 'baseName calendar caseFirst collation firstDayOfWeek hourCycle language numberingSystem numeric region script'.split(
        ' ',
      ))
        defineProperty(Locale.prototype, name, {
          __proto__: null,
          get() {
            return kit.hasOwn(this.#about, name) ? this.#about[name] : undefined
          },
          configurable: true,
        })
      for (const name of 'getCalendars getCollations getHourCycles getNumberingSystems getTimeZones getTextInfo getWeekInfo'.split(
        ' ',
      ))
        hide(Locale.prototype, name, function () {
          return ask('intl.locale', of(this.#about.tag, '{}', name)) ?? undefined
        })
    }
    constructor(tag, options) {
      if (typeof tag !== 'string' && (typeof tag !== 'object' || tag === null))
        throw new TypeError("First argument to Intl.Locale constructor can't be empty or missing")
      this.#about = ask('intl.locale', of(tagOf(tag) ?? '' + tag, optionsText('Locale', options)))
    }
    toString() {
      return this.#about.tag
    }
    maximize() {
      return new Locale(ask('intl.locale', of(this.#about.tag, '{}', 'maximize')))
    }
    minimize() {
      return new Locale(ask('intl.locale', of(this.#about.tag, '{}', 'minimize')))
    }
  }
  kit.tag(Locale, 'Intl.Locale')
  hide(Intl, 'Locale', Locale)

  hide(Intl, 'getCanonicalLocales', (locales) => ask('intl.canonical', localesOf(locales)))
  hide(Intl, 'supportedValuesOf', (key) => ask('intl.values', of('' + key)))

  /** The answer for a formatter that is made for this once. */
  function once(name, locales, options, value, needed) {
    return ask('intl.ask', of(keyOf(name, locales, options, needed), 'format', value))
  }

  return { Intl, service, bound, keyOf, localesOf, once, amount }
})
