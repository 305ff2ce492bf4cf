/** `toLocaleString` and its kin of numbers, dates and lists. */
;(function locales(kit, parts) {
  'use strict'
  const { once, Intl } = parts
  const { hide, dateTime, TypeError } = kit

  const number = kit.Number.prototype
  hide(number, 'toLocaleString', function toLocaleString(locales, options) {
    return once('NumberFormat', locales, options, kit.numberValue(this))
  })
  hide(kit.BigInt.prototype, 'toLocaleString', function toLocaleString(locales, options) {
    return once('NumberFormat', locales, options, '' + kit.bigintValue(this))
  })

  const dates = {
    __proto__: null,
    toLocaleString: 'any',
    toLocaleDateString: 'date',
    toLocaleTimeString: 'time',
  }
  for (const name of kit.keys(dates)) {
    const needed = dates[name]
    const methods = {
      [name](locales, options) {
        const ms = dateTime(this)
        return ms !== ms ? 'Invalid Date' : once('DateTimeFormat', locales, options, ms, needed)
      },
    }
    hide(kit.Date.prototype, name, methods[name])
  }

  /** The items' own, with commas between. */
  function listed(items, length, locales, options) {
    let text = ''
    for (let i = 0; i < length; i++) {
      if (i > 0) text += ','
      const item = items[i]
      if (item !== undefined && item !== null) text += item.toLocaleString(locales, options)
    }
    return text
  }
  hide(kit.Array.prototype, 'toLocaleString', function toLocaleString(locales, options) {
    if (this === undefined || this === null)
      throw new TypeError('Array.prototype.toLocaleString called on null or undefined')
    const items = kit.Object(this)
    return listed(items, items.length, locales, options)
  })
  hide(kit.Typed.prototype, 'toLocaleString', function toLocaleString(locales, options) {
    return listed(this, kit.typedLength(this), locales, options)
  })

  return Intl
})
