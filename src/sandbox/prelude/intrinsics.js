/**
 * The built-ins that the prelude will ever use, taken before any foreign code runs.
 *
 * N1  Nothing in the prelude reads a global, calls a method of a value, iterates with an iterator, or assigns to an
 *     index that may be absent (a setter on a prototype would see it). It uses these functions, and null-prototype
 *     records (`list`) instead of arrays.
 */
;(function intrinsics() {
  'use strict'
  const { apply, construct, defineProperty, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect
  const descriptorOf = Reflect.getOwnPropertyDescriptor
  /** Without a prototype: a data property has no `get`, whatever `Object.prototype` has. */
  const getOwnPropertyDescriptor = (object, key) => {
    const found = descriptorOf(object, key)
    if (found !== undefined) setPrototypeOf(found, null)
    return found
  }
  const uncurry = Function.prototype.bind.bind(Function.prototype.call)
  const getter = (proto, key) => uncurry(getOwnPropertyDescriptor(proto, key).get)
  const Typed = getPrototypeOf(Uint8Array)
  /** In the order in which they are written. The getter `flags` would ask the pattern for its properties. */
  const flags = [
    ['d', getter(RegExp.prototype, 'hasIndices')],
    ['g', getter(RegExp.prototype, 'global')],
    ['i', getter(RegExp.prototype, 'ignoreCase')],
    ['m', getter(RegExp.prototype, 'multiline')],
    ['s', getter(RegExp.prototype, 'dotAll')],
    ['u', getter(RegExp.prototype, 'unicode')],
    ['v', getter(RegExp.prototype, 'unicodeSets')],
    ['y', getter(RegExp.prototype, 'sticky')],
  ]
  function regExpFlags(pattern) {
    let text = ''
    for (let i = 0; i < flags.length; i++) if (flags[i][1](pattern)) text += flags[i][0]
    return text
  }
  const array = []
  const map = new Map()
  const builtIns = new Set()
  for (const name of Object.getOwnPropertyNames(globalThis))
    if (typeof globalThis[name] === 'function') builtIns.add(globalThis[name])

  return {
    apply,
    construct,
    defineProperty,
    getOwnPropertyDescriptor,
    getPrototypeOf,
    ownKeys,
    uncurry,
    getter,
    Typed,
    keys: Object.keys,
    freeze: Object.freeze,
    create: Object.create,
    is: Object.is,
    get: Reflect.get,
    setPrototypeOf,
    isArray: Array.isArray,
    isInteger: Number.isInteger,
    hasOwn: Object.hasOwn,
    isEnumerable: uncurry(Object.prototype.propertyIsEnumerable),
    Array,
    ArrayBuffer,
    BigInt,
    DataView,
    Date,
    Error,
    Function,
    Map,
    Number,
    Object,
    Promise,
    Proxy,
    RegExp,
    Set,
    String,
    Symbol,
    Uint8Array,
    AggregateError,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    WeakMap,
    abs: Math.abs,
    floor: Math.floor,
    trunc: Math.trunc,
    max: Math.max,
    min: Math.min,
    imul: Math.imul,
    parseInt,
    parseFloat,
    ceil: Math.ceil,
    sqrt: Math.sqrt,
    parse: JSON.parse,
    stringify: JSON.stringify,
    isError: Error.isError,
    indexOf: uncurry(String.prototype.indexOf),
    lastIndexOf: uncurry(String.prototype.lastIndexOf),
    slice: uncurry(String.prototype.slice),
    charCode: uncurry(String.prototype.charCodeAt),
    fromCode: String.fromCharCode,
    upper: uncurry(String.prototype.toUpperCase),
    lower: uncurry(String.prototype.toLowerCase),
    toWellFormed: uncurry(String.prototype.toWellFormed),
    isWellFormed: uncurry(String.prototype.isWellFormed),
    padStart: uncurry(String.prototype.padStart),
    padEnd: uncurry(String.prototype.padEnd),
    repeat: uncurry(String.prototype.repeat),
    exec: uncurry(RegExp.prototype.exec),
    numberText: uncurry(Number.prototype.toString),
    toFixed: uncurry(Number.prototype.toFixed),
    symbolText: uncurry(Symbol.prototype.toString),
    functionText: uncurry(Function.prototype.toString),
    tagText: uncurry(Object.prototype.toString),
    sort: uncurry(Array.prototype.sort),
    mapGet: uncurry(Map.prototype.get),
    mapSet: uncurry(Map.prototype.set),
    mapHas: uncurry(Map.prototype.has),
    mapDelete: uncurry(Map.prototype.delete),
    mapClear: uncurry(Map.prototype.clear),
    mapEach: uncurry(Map.prototype.forEach),
    mapSize: getter(Map.prototype, 'size'),
    weakGet: uncurry(WeakMap.prototype.get),
    weakSet: uncurry(WeakMap.prototype.set),
    setAdd: uncurry(Set.prototype.add),
    setHas: uncurry(Set.prototype.has),
    setDelete: uncurry(Set.prototype.delete),
    setEach: uncurry(Set.prototype.forEach),
    setSize: getter(Set.prototype, 'size'),
    mapEntries: uncurry(Map.prototype.entries),
    setValues: uncurry(Set.prototype.values),
    mapNext: uncurry(getPrototypeOf(map.entries()).next),
    setNext: uncurry(getPrototypeOf(new Set().values()).next),
    /** True for what the language itself defines. */
    isBuiltIn: uncurry(Set.prototype.has).bind(undefined, builtIns),
    dateTime: uncurry(Date.prototype.getTime),
    dateISO: uncurry(Date.prototype.toISOString),
    regExpSource: getter(RegExp.prototype, 'source'),
    regExpFlags,
    regExpGlobal: getter(RegExp.prototype, 'global'),
    bufferLength: getter(ArrayBuffer.prototype, 'byteLength'),
    bufferSlice: uncurry(ArrayBuffer.prototype.slice),
    detach: uncurry(ArrayBuffer.prototype.transfer),
    isView: ArrayBuffer.isView,
    viewBuffer: getter(DataView.prototype, 'buffer'),
    viewOffset: getter(DataView.prototype, 'byteOffset'),
    viewLength: getter(DataView.prototype, 'byteLength'),
    typedName: getter(Typed.prototype, Symbol.toStringTag),
    typedBuffer: getter(Typed.prototype, 'buffer'),
    typedOffset: getter(Typed.prototype, 'byteOffset'),
    typedBytes: getter(Typed.prototype, 'byteLength'),
    typedLength: getter(Typed.prototype, 'length'),
    typedSet: uncurry(Typed.prototype.set),
    toBase64: uncurry(Uint8Array.prototype.toBase64),
    fromBase64: Uint8Array.fromBase64,
    numberValue: uncurry(Number.prototype.valueOf),
    stringValue: uncurry(String.prototype.valueOf),
    booleanValue: uncurry(Boolean.prototype.valueOf),
    bigintValue: uncurry(BigInt.prototype.valueOf),
    symbolValue: uncurry(Symbol.prototype.valueOf),
    stackOf: getter(Error.prototype, 'stack'),
    then: uncurry(Promise.prototype.then),
    microtask: queueMicrotask,

    /** A growing record of values, in place of an array (N1). */
    list: () => ({ __proto__: null, length: 0 }),
    push(items, value) {
      items[items.length] = value
      items.length += 1
    },
    /** An own, ordinary property, whatever stands on the prototypes. */
    put(target, key, value) {
      defineProperty(target, key, {
        __proto__: null,
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      })
      return target
    },
    hide(target, key, value) {
      defineProperty(target, key, {
        __proto__: null,
        value,
        writable: true,
        enumerable: false,
        configurable: true,
      })
      return target
    },
    /** What `Object.prototype.toString` says of a class's values. */
    tag(Class, name) {
      const value = { __proto__: null, value: name, configurable: true }
      defineProperty(Class.prototype, Symbol.toStringTag, value)
    },
    lock(target, key, value) {
      defineProperty(target, key, {
        __proto__: null,
        value,
        writable: false,
        enumerable: false,
        configurable: false,
      })
      return target
    },

    /** The built-in prototypes by which `tagOf` knows a value; one lookup in place of a dozen brand checks. */
    prototypes: [
      ['Array', Array.prototype],
      ['Map', Map.prototype],
      ['Set', Set.prototype],
      ['Date', Date.prototype],
      ['RegExp', RegExp.prototype],
      ['Error', Error.prototype],
      ['ArrayBuffer', ArrayBuffer.prototype],
      ['SharedArrayBuffer', SharedArrayBuffer.prototype],
      ['DataView', DataView.prototype],
      ['Typed', Typed.prototype],
      ['Number', Number.prototype],
      ['String', String.prototype],
      ['Boolean', Boolean.prototype],
      ['BigInt', BigInt.prototype],
      ['Symbol', Symbol.prototype],
      ['Promise', Promise.prototype],
      ['WeakMap', WeakMap.prototype],
      ['WeakSet', WeakSet.prototype],
      ['WeakRef', WeakRef.prototype],
      ['Iterator', Iterator.prototype],
      ['AsyncIterator', getPrototypeOf(getPrototypeOf(getPrototypeOf((async function* () {})())))],
    ],
    arrayIterator: getPrototypeOf(array[Symbol.iterator]()),
    mapIterator: getPrototypeOf(map[Symbol.iterator]()),
  }
})
