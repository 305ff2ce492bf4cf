/**
 * The guest's side of the wire format: the same text for the same value as `base/codec.ts` (devalue's algorithm).
 *
 * E1  A value is read once. Getters and proxies may run, and may lie, but what they said first is the text.
 * E2  Size is bounded while encoding: values, characters, depth, and the size of the value with every shared part
 *     written out at each place where it is shared (2^26 references to one object are 2^26 objects for whoever walks it).
 * E3  Uses nothing that foreign code can replace (N1).
 * E4  What foreign code gave becomes text only as what it is known to be: a number, or a quoted string.
 */
;(function codec(kit, look) {
  'use strict'
  const { list, push, put, hide, isArray, hasOwn, stringify, slice, charCode, indexOf } = kit
  const { mapGet, mapSet, getPrototypeOf, TypeError, RangeError } = kit

  const PROXY = 9
  const MAX_VALUES = 200_000
  const MAX_EXPANDED = 2_000_000
  const MAX_CHARS = 2 ** 21
  const MAX_DEPTH = 300
  const UNDEFINED = -1
  const HOLE = -2
  const NAN = -3
  const INFINITE = -4
  const NEGATIVE_INFINITE = -5
  const NEGATIVE_ZERO = -6
  const SPARSE = -7
  /** To write a longer one takes the engine seconds. */
  const MAX_BITS = 100_000
  const HUGE = 2n ** 100_000n
  /** So many characters of the code are a value's worth. */
  const WORTH = 64
  const MAX_LENGTH = 2 ** 32 - 1
  const SHOWN_KEY = 60
  const PROTO_KEY = /^\0*__proto__$/
  const IDENTIFIER = /^[a-zA-Z_$][a-zA-Z_$0-9]*$/
  const INDEX = /^(?:0|[1-9][0-9]*)$/

  const known = new kit.Map()
  for (let i = 0; i < kit.prototypes.length; i++) mapSet(known, kit.prototypes[i][1], kit.prototypes[i][0])

  /** True if `read` finds the internal slot that only the real thing has. */
  function holds(read, value) {
    try {
      read(value)
      return true
    } catch {
      return false
    }
  }

  function confirmed(tag, value) {
    switch (tag) {
      case 'Map':
        return holds(kit.mapSize, value)
      case 'Set':
        return holds(kit.setSize, value)
      case 'Date':
        return holds(kit.dateTime, value)
      case 'RegExp':
        return holds(kit.regExpGlobal, value) && kit.regExpGlobal(value) !== undefined
      case 'ArrayBuffer':
        return holds(kit.bufferLength, value)
      case 'DataView':
        return holds(kit.viewLength, value)
      case 'Number':
        return holds(kit.numberValue, value)
      case 'String':
        return holds(kit.stringValue, value)
      case 'Boolean':
        return holds(kit.booleanValue, value)
      case 'BigInt':
        return holds(kit.bigintValue, value)
      case 'Symbol':
        return holds(kit.symbolValue, value)
      case 'Array':
        return false // a real one was seen before
      case 'Error':
        return kit.isError(value)
      default:
        return taught[tag] === undefined || holds(taught[tag].textOf, value)
    }
  }

  /** Classes of the prelude that cross as what they are: by tag, the text of a value and the value of a text. */
  const taught = { __proto__: null }
  function teach(Class, tag, textOf) {
    taught[tag] = { __proto__: null, textOf, make: (text) => new Class(text) }
    mapSet(known, Class.prototype, tag)
  }

  /** The built-ins that a mere heir of their prototype is not taken for: the language gives it no tag. */
  const UNTAGGED = {
    __proto__: null,
    Array: true,
    Date: true,
    RegExp: true,
    Number: true,
    String: true,
    Boolean: true,
    Error: true,
  }

  /** What an object is by its internal slots: a built-in's name, or `Object`. */
  function tagOf(value) {
    if (isArray(value)) return 'Array'
    if (kit.isError(value)) return 'Error'
    let depth = 0
    for (let proto = getPrototypeOf(value); proto !== null; proto = getPrototypeOf(proto)) {
      const tag = mapGet(known, proto)
      if (tag === 'Typed') return kit.typedName(value) ?? 'Object'
      if (tag !== undefined) return confirmed(tag, value) ? tag : UNTAGGED[tag] ? 'Object' : 'false ' + tag
      // A proxy would be asked for what is above it.
      if (++depth > 1000 || (proto !== kit.Object.prototype && look(proto) === PROXY)) break
    }
    return 'Object'
  }

  function replace(text, char, by) {
    let at = indexOf(text, char)
    if (at < 0) return text
    let out = ''
    let from = 0
    for (; at >= 0; at = indexOf(text, char, from)) {
      out += slice(text, from, at) + by
      from = at + 1
    }
    return out + slice(text, from)
  }

  function quote(text) {
    const json = stringify(text)
    return replace(replace(replace(json, '<', '\\u003C'), '\u2028', '\\u2028'), '\u2029', '\\u2029')
  }

  function escapeKey(key) {
    return kit.exec(PROTO_KEY, key) === null ? key : '\0' + key
  }

  function unescapeKey(key) {
    return charCode(key, 0) === 0 && kit.exec(PROTO_KEY, key) !== null ? slice(key, 1) : key
  }

  /** What the language calls an object that is no built-in: its `Symbol.toStringTag`, or what it is. */
  function calledOf(value) {
    const text = kit.tagText(value)
    return slice(text, 8, text.length - 1)
  }

  /** The leading own keys that are array indices, as devalue picks them. */
  function indices(array) {
    const keys = kit.keys(array)
    const found = list()
    let end = keys.length
    while (end > 0 && !(kit.exec(INDEX, keys[end - 1]) !== null && +keys[end - 1] < 2 ** 32 - 1)) end--
    for (let i = 0; i < end; i++) push(found, keys[i])
    return found
  }

  function errorFields(error) {
    const name = error.name
    const message = error.message
    const fields = {}
    put(fields, 'name', typeof name === 'string' ? name : 'Error')
    put(fields, 'message', typeof message === 'string' ? message : '')
    if (hasOwn(error, 'cause')) put(fields, 'cause', error.cause)
    const errors = 'errors' in error ? error.errors : undefined
    if (isArray(errors)) put(fields, 'errors', errors)
    return fields
  }

  const TYPED = { __proto__: null }
  for (const name of [
    'Int8Array',
    'Uint8Array',
    'Uint8ClampedArray',
    'Int16Array',
    'Uint16Array',
    'Float16Array',
    'Int32Array',
    'Uint32Array',
    'Float32Array',
    'Float64Array',
    'BigInt64Array',
    'BigUint64Array',
  ])
    TYPED[name] = globalThis[name]

  /** The text of `root`. `what` is the name in the path of a refusal. */
  function encode(root, what) {
    // Text and weight of each value, in turn. In one record: of two that grow alike the engine would copy the shape of
    // one at each step.
    const parts = list()
    const indexes = new kit.Map()
    const path = list()
    let next = 0
    let count = 0
    let chars = 0
    let weight = 0
    let depth = 0
    let fault = null

    function where() {
      let text = what
      for (let i = 0; i < path.length; i++) {
        const key = path[i]
        if (typeof key === 'number') text += '[' + key + ']'
        else if (typeof key === 'string' && kit.exec(IDENTIFIER, key) !== null) text += '.' + shortened(key)
        else if (typeof key === 'string') text += '[' + stringify(shortened(key)) + ']'
        else text += '.get(…)'
      }
      return text
    }
    /** The error is made when all is unwound: below, the frames of the code would be too far away to be told. */
    function fail(Class, text) {
      fault = { __proto__: null, Class, text }
      throw fault
    }
    function refuse(reason) {
      return fail(TypeError, where() + ' cannot be passed out of the sandbox: ' + reason)
    }
    function shortened(key) {
      return key.length > SHOWN_KEY ? slice(key, 0, SHOWN_KEY) + '…' : key
    }
    function tick() {
      if (++count > MAX_VALUES) {
        fail(RangeError, what + ' is too large: more than ' + MAX_VALUES + ' values')
      }
    }
    function at(key, value) {
      path[path.length++] = key
      const index = flatten(value)
      path.length--
      return index
    }

    function weigh(more) {
      weight += more
      if (weight > MAX_EXPANDED) {
        fail(RangeError, what + ' is too large: written out it has more than ' + MAX_EXPANDED + ' values')
      }
    }

    function flatten(thing) {
      tick()
      weigh(1)
      if (thing === undefined) return UNDEFINED
      if (typeof thing === 'number') {
        if (thing !== thing) return NAN
        if (thing === Infinity) return INFINITE
        if (thing === -Infinity) return NEGATIVE_INFINITE
        if (thing === 0 && 1 / thing < 0) return NEGATIVE_ZERO
      }
      const seen = mapGet(indexes, thing)
      if (seen !== undefined) {
        weigh(parts[2 * seen + 1] ?? 0)
        return seen
      }
      const index = next++
      mapSet(indexes, thing, index)
      const before = weight
      if (++depth > MAX_DEPTH) {
        fail(RangeError, what + ' is nested too deeply: more than ' + MAX_DEPTH + ' levels')
      }
      const text = write(thing)
      depth--
      weigh(kit.floor(text.length / WORTH))
      parts[2 * index + 1] = weight - before
      chars += text.length + 1
      if (chars > MAX_CHARS) {
        fail(RangeError, what + ' is too large: more than ' + MAX_CHARS + ' characters when encoded')
      }
      parts[2 * index] = text
      return index
    }

    function write(thing) {
      switch (typeof thing) {
        case 'string':
          if (thing.length > MAX_CHARS) {
            fail(RangeError, what + ' is too large: more than ' + MAX_CHARS + ' characters when encoded')
          }
          return quote(thing)
        case 'number':
          return kit.numberText(thing)
        case 'boolean':
          return thing ? 'true' : 'false'
        case 'bigint':
          if (thing >= HUGE || thing <= -HUGE) {
            fail(RangeError, what + ' is too large: a bigint of more than ' + MAX_BITS + ' bits')
          }
          return '["BigInt","' + thing + '"]'
        case 'function':
          return refuse('it is a function')
        case 'symbol':
          return refuse('it is a symbol')
      }
      if (thing === null) return 'null'
      if (kit.isLarge(thing)) refuse('it is ' + kit.toldLarge(thing))
      const tag = tagOf(thing)
      if (TYPED[tag] !== undefined) {
        const buffer = kit.typedBuffer(thing)
        const whole = kit.typedBytes(thing) === kit.bufferLength(buffer)
        const head = '["' + tag + '",' + flatten(buffer)
        return whole ? head + ']' : head + ',' + kit.typedOffset(thing) + ',' + kit.typedLength(thing) + ']'
      }
      switch (tag) {
        case 'Error':
          return '["Error",' + flatten(errorFields(thing)) + ']'
        case 'Number':
          return '["Object",' + flatten(kit.numberValue(thing)) + ']'
        case 'String':
          return '["Object",' + flatten(kit.stringValue(thing)) + ']'
        case 'Boolean':
          return '["Object",' + flatten(kit.booleanValue(thing)) + ']'
        case 'BigInt':
          return '["Object",' + flatten(kit.bigintValue(thing)) + ']'
        case 'Date': {
          const time = kit.dateTime(thing)
          return time !== time ? '["Date",""]' : '["Date","' + kit.dateISO(thing) + '"]'
        }
        case 'RegExp': {
          const flags = kit.regExpFlags(thing)
          return '["RegExp",' + quote(kit.regExpSource(thing)) + (flags ? ',"' + flags + '"]' : ']')
        }
        case 'Array':
          return writeArray(thing)
        case 'Set': {
          // Not by `forEach`, which takes more of the engine's own stack at each level.
          let text = '["Set"'
          const values = kit.setValues(thing)
          for (let at = kit.setNext(values); !at.done; at = kit.setNext(values))
            text += ',' + flatten(at.value)
          return text + ']'
        }
        case 'Map': {
          let text = '["Map"'
          const entries = kit.mapEntries(thing)
          for (let one = kit.mapNext(entries); !one.done; one = kit.mapNext(entries)) {
            text += ',' + flatten(one.value[0]) + ',' + at(thing, one.value[1])
          }
          return text + ']'
        }
        case 'DataView': {
          const buffer = kit.viewBuffer(thing)
          const length = kit.viewLength(thing)
          const head = '["DataView",' + flatten(buffer)
          return length === kit.bufferLength(buffer)
            ? head + ']'
            : head + ',' + kit.viewOffset(thing) + ',' + length + ']'
        }
        case 'ArrayBuffer': {
          if (kit.bufferLength(thing) > MAX_CHARS) {
            fail(RangeError, what + ' is too large: more than ' + MAX_CHARS + ' characters when encoded')
          }
          return '["ArrayBuffer","' + kit.toBase64(new kit.Uint8Array(thing)) + '"]'
        }
        case 'Promise':
          return refuse('it is a Promise; await it first')
        case 'Object': {
          const called = calledOf(thing)
          if (called !== 'Object' && called !== 'Arguments') {
            return refuse('it is a ' + shortened(called) + ', which has no plain form')
          }
          return writeObject(thing)
        }
        default:
          if (taught[tag] !== undefined) return '["' + tag + '",' + quote(taught[tag].textOf(thing)) + ']'
          return refuse('it is a ' + tag + ', which has no plain form')
      }
    }

    function writeArray(array) {
      const length = array.length
      if (!kit.isInteger(length) || length < 0 || length > MAX_LENGTH) refuse('its length is none')
      let text = '['
      let dense = false
      for (let i = 0; i < length; i++) {
        if (i > 0) text += ','
        if (hasOwn(array, i)) {
          text += at(i, array[i])
        } else if (dense) {
          tick()
          text += HOLE
        } else {
          const found = indices(array)
          const digits = ('' + length).length
          if ((length - found.length) * 3 > 4 + digits + found.length * (digits + 1)) {
            text = '[' + SPARSE + ',' + length
            for (let j = 0; j < found.length; j++)
              text += ',' + found[j] + ',' + at(+found[j], array[found[j]])
            break
          }
          dense = true
          text += HOLE
        }
      }
      return text + ']'
    }

    function writeObject(object) {
      const all = kit.ownKeys(object)
      for (let i = 0; i < all.length; i++) {
        if (typeof all[i] === 'symbol' && kit.getOwnPropertyDescriptor(object, all[i])?.enumerable) {
          refuse('it has symbol keys')
        }
      }
      const bare = getPrototypeOf(object) === null
      const keys = kit.keys(object)
      let text = bare ? '["null"' : '{'
      for (let i = 0; i < keys.length; i++) {
        const name = quote(escapeKey(keys[i]))
        if (bare) text += ',' + name + ','
        else text += (i > 0 ? ',' : '') + name + ':'
        text += at(keys[i], object[keys[i]])
      }
      return text + (bare ? ']' : '}')
    }

    let first
    try {
      first = flatten(root)
    } catch (error) {
      if (fault === null || error !== fault) throw error
      throw new fault.Class(fault.text)
    }
    if (first < 0) return '' + first
    let text = '['
    for (let i = 0; i < next; i++) text += i > 0 ? ',' + parts[2 * i] : parts[0]
    return text + ']'
  }

  const CLASSES = {
    __proto__: null,
    EvalError: kit.EvalError,
    RangeError,
    ReferenceError: kit.ReferenceError,
    SyntaxError: kit.SyntaxError,
    TypeError,
    URIError: kit.URIError,
  }

  /** An error with this name: a built-in class where the name is one, otherwise `Error` with an own `name`. */
  function newError(name, message, aggregate) {
    const Class = aggregate ? kit.AggregateError : (CLASSES[name] ?? kit.Error)
    const error = aggregate ? new Class([], message) : new Class(message)
    const own = aggregate ? 'AggregateError' : CLASSES[name] === undefined ? 'Error' : name
    if (own !== name) hide(error, 'name', name)
    return error
  }

  /** The value of a text that `encode` of either side made. */
  function decode(text) {
    const values = kit.parse(text)
    if (typeof values === 'number') return special(values)
    const made = list()
    const errors = list()

    function special(index) {
      if (index === UNDEFINED) return undefined
      if (index === NAN) return NaN
      if (index === INFINITE) return Infinity
      if (index === NEGATIVE_INFINITE) return -Infinity
      if (index === NEGATIVE_ZERO) return -0
      throw new RangeError('not a value')
    }
    function hydrate(index) {
      if (index < 0) return special(index)
      if (index in made) return made[index]
      const value = values[index]
      if (value === null || typeof value !== 'object') return (made[index] = value)
      if (!isArray(value)) return readObject(index, value)
      if (value.length > 0 && typeof value[0] === 'string') return readTagged(index, value)
      return readArray(index, value)
    }
    function readObject(index, value) {
      const object = (made[index] = {})
      const keys = kit.keys(value)
      for (let i = 0; i < keys.length; i++) put(object, unescapeKey(keys[i]), hydrate(value[keys[i]]))
      return object
    }
    function readArray(index, value) {
      const array = (made[index] = [])
      if (value.length > 0 && value[0] === SPARSE) {
        array.length = value[1]
        for (let i = 2; i < value.length; i += 2) put(array, value[i], hydrate(value[i + 1]))
        return array
      }
      array.length = value.length
      for (let i = 0; i < value.length; i++) if (value[i] !== HOLE) put(array, i, hydrate(value[i]))
      return array
    }
    function readError(index) {
      const fields = hydrate(index)
      const error = errors[index] ?? newError(fields.name, fields.message, hasOwn(fields, 'errors'))
      errors[index] = error
      if (hasOwn(fields, 'cause')) hide(error, 'cause', fields.cause)
      if (hasOwn(fields, 'errors')) hide(error, 'errors', fields.errors)
      return error
    }
    function readTagged(index, value) {
      const tag = value[0]
      if (TYPED[tag] !== undefined || tag === 'DataView') {
        const View = TYPED[tag] ?? kit.DataView
        const buffer = hydrate(value[1])
        return (made[index] = value.length > 2 ? new View(buffer, value[2], value[3]) : new View(buffer))
      }
      switch (tag) {
        case 'Error':
          return (made[index] = readError(value[1]))
        case 'Date':
          return (made[index] = new kit.Date(value[1]))
        case 'RegExp':
          return (made[index] = new kit.RegExp(value[1], value.length > 2 ? value[2] : ''))
        case 'BigInt':
          return (made[index] = kit.BigInt(value[1]))
        case 'Object':
          return (made[index] = kit.Object(hydrate(value[1])))
        case 'ArrayBuffer':
          return (made[index] = kit.typedBuffer(kit.fromBase64(value[1])))
        case 'Set': {
          const set = (made[index] = new kit.Set())
          for (let i = 1; i < value.length; i++) kit.setAdd(set, hydrate(value[i]))
          return set
        }
        case 'Map': {
          const map = (made[index] = new kit.Map())
          for (let i = 1; i < value.length; i += 2) mapSet(map, hydrate(value[i]), hydrate(value[i + 1]))
          return map
        }
        case 'null': {
          const object = (made[index] = kit.create(null))
          for (let i = 1; i < value.length; i += 2) put(object, unescapeKey(value[i]), hydrate(value[i + 1]))
          return object
        }
        default:
          if (taught[tag] !== undefined) return (made[index] = taught[tag].make(value[1]))
          return (made[index] = value[1]) // Temporal: its text
      }
    }
    return hydrate(0)
  }

  return { encode, decode, newError, tagOf, quote, teach }
})
