/** `structuredClone`: the platform's algorithm, for what there is here. */
;(function cloner(kit, parts) {
  'use strict'
  const { tagOf, DOMException, newError, inspect } = parts
  const { put, hide, hasOwn, mapGet, mapSet, getOwnPropertyDescriptor } = kit

  const ERRORS = {
    __proto__: null,
    EvalError: true,
    RangeError: true,
    ReferenceError: true,
    SyntaxError: true,
    TypeError: true,
    URIError: true,
  }

  const views = { __proto__: null }
  for (const name of kit.ownKeys(globalThis)) {
    const View = globalThis[name]
    if (typeof View === 'function' && kit.getPrototypeOf(View) === kit.Typed) views[name] = View
  }

  function structuredClone(value, options) {
    if (arguments.length === 0) throw new kit.TypeError('The "value" argument must be specified')
    const seen = new kit.Map()
    const copy = clone(seen, value)
    if (options?.transfer !== undefined)
      for (const buffer of options.transfer) if (tagOf(buffer) === 'ArrayBuffer') kit.detach(buffer)
    return copy
  }

  function refuse(value) {
    const name = typeof value === 'object' ? nameOf(value) : undefined
    const text =
      name === undefined
        ? typeof value === 'symbol'
          ? kit.symbolText(value)
          : kit.functionText(value)
        : name
    throw new DOMException(text + ' could not be cloned.', 'DataCloneError')
  }
  function refuseKnown() {
    throw new DOMException('Cannot clone object of unsupported type.', 'DataCloneError')
  }
  function nameOf(value) {
    const maker = value.constructor
    return typeof maker === 'function' ? '#<' + maker.name + '>' : kit.tagText(value)
  }

  function clone(seen, value) {
    if (typeof value === 'function' || typeof value === 'symbol') return refuse(value)
    if (typeof value !== 'object' || value === null) return value
    const known = mapGet(seen, value)
    if (known !== undefined) return known
    const tag = tagOf(value)
    switch (tag) {
      case 'Array': {
        const copy = kept(seen, value, [])
        copy.length = value.length
        return fill(seen, value, copy)
      }
      case 'Object':
        if (inspect.knows(value)) return refuseKnown()
        return fill(seen, value, kept(seen, value, {}))
      case 'Map': {
        const copy = kept(seen, value, new kit.Map())
        const pairs = kit.list()
        kit.mapEach(value, (item, key) => {
          kit.push(pairs, key)
          kit.push(pairs, item)
        })
        for (let i = 0; i < pairs.length; i += 2)
          mapSet(copy, clone(seen, pairs[i]), clone(seen, pairs[i + 1]))
        return copy
      }
      case 'Set': {
        const copy = kept(seen, value, new kit.Set())
        const items = kit.list()
        kit.setEach(value, (item) => kit.push(items, item))
        for (let i = 0; i < items.length; i++) kit.setAdd(copy, clone(seen, items[i]))
        return copy
      }
      case 'Date':
        return kept(seen, value, new kit.Date(kit.dateTime(value)))
      case 'RegExp':
        return kept(seen, value, new kit.RegExp(kit.regExpSource(value), kit.regExpFlags(value)))
      case 'Error':
        return cloneError(seen, value)
      case 'Number':
        return kept(seen, value, kit.Object(kit.numberValue(value)))
      case 'String':
        return kept(seen, value, kit.Object(kit.stringValue(value)))
      case 'Boolean':
        return kept(seen, value, kit.Object(kit.booleanValue(value)))
      case 'BigInt':
        return kept(seen, value, kit.Object(kit.bigintValue(value)))
      case 'ArrayBuffer':
        return kept(seen, value, kit.bufferSlice(value, 0))
      case 'DataView': {
        const buffer = clone(seen, kit.viewBuffer(value))
        return kept(seen, value, new kit.DataView(buffer, kit.viewOffset(value), kit.viewLength(value)))
      }
    }
    if (inspect.knows(value)) return refuseKnown()
    if (kit.typedName(value) === undefined) return refuse(value)
    const buffer = clone(seen, kit.typedBuffer(value))
    const View = views[kit.typedName(value)]
    return kept(seen, value, new View(buffer, kit.typedOffset(value), kit.typedLength(value)))
  }

  function kept(seen, value, copy) {
    mapSet(seen, value, copy)
    return copy
  }

  /** Own enumerable properties by name; getters run. */
  function fill(seen, value, copy) {
    const keys = kit.keys(value)
    for (let i = 0; i < keys.length; i++)
      if (hasOwn(value, keys[i])) put(copy, keys[i], clone(seen, value[keys[i]]))
    return copy
  }

  function cloneError(seen, value) {
    const { name } = value
    if (value instanceof DOMException) return kept(seen, value, new DOMException(value.message, '' + name))
    const copy = kept(seen, value, newError(ERRORS[name] ? name : 'Error', '', false))
    const message = getOwnPropertyDescriptor(value, 'message')
    if (message === undefined) delete copy.message
    else if ('value' in message) hide(copy, 'message', '' + message.value)
    const stack = value.stack
    if (typeof stack === 'string') hide(copy, 'stack', stack)
    const cause = getOwnPropertyDescriptor(value, 'cause')
    if (cause !== undefined && 'value' in cause) hide(copy, 'cause', clone(seen, cause.value))
    return copy
  }

  return structuredClone
})
