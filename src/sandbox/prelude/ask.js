/** How the prelude asks the host for what its libraries know (G8 of `engine.ts`, `pure.ts`). Never the code itself. */
;(function asker(kit, coder, pure) {
  'use strict'
  const { list, push, slice, charCode } = kit
  const { quote, newError } = coder
  const REFUSED = 33
  const SHORT = 64
  /** The host takes a multiple of it while it answers. */
  const LONGEST = 2 ** 23
  /** What JSON writes as it is. */
  const PLAIN = /^[ !#-;=-[\]-~]*$/

  /** The JSON of a text, a number (what JSON has no number for is a text), a truth, `undefined`, or a list of such. */
  function json(value) {
    switch (typeof value) {
      case 'string':
        return value.length <= SHORT && kit.exec(PLAIN, value) !== null ? '"' + value + '"' : quote(value)
      case 'number':
        if (value - value !== 0) return '"' + value + '"'
        return value === 0 && 1 / value < 0 ? '-0' : kit.numberText(value)
      case 'boolean':
        return value ? 'true' : 'false'
      case 'object': {
        if (value === null) return 'null'
        let text = '['
        for (let i = 0; i < value.length; i++) text += (i > 0 ? ',' : '') + json(value[i])
        return text + ']'
      }
      default:
        return 'null'
    }
  }

  /** The host's answer to the operation with these arguments. @throws what it refuses. */
  function ask(operation, args) {
    const text = operation + '\n' + json(args)
    if (text.length > LONGEST) {
      throw new kit.RangeError('The text is too long: more than ' + LONGEST + ' characters, as it crosses')
    }
    return answered(pure(text))
  }

  function answered(text) {
    const value = kit.parse(slice(text, 1))
    if (charCode(text, 0) !== REFUSED) return value
    const error = newError(value[0], value[1], false)
    if (value.length > 2) kit.put(error, 'code', value[2])
    throw error
  }

  function of(...items) {
    const made = list()
    for (let i = 0; i < items.length; i++) push(made, items[i])
    return made
  }

  return { ask, of, json }
})
