/**
 * What the variables of a session are: those that are new or have changed since a step before has ended.
 *
 * C1  Runs nothing of the code: getters, proxies and iterators are named, not asked.
 * C2  Changed is another value, or another size. What happens deep inside of an object is not looked for.
 * C3  Tells what a value is and how large, not what is in it: what was not printed is not told.
 * C4  Keeps nothing of the code alive: of an object there is a number, of a long text its length and its ends.
 * C5  What is in them is shown to a person who looks (`held`), not to the model. C1 holds there as well.
 */
;(function variables(kit, tagOf, look, show) {
  'use strict'
  const { list, push, slice, keys, getOwnPropertyDescriptor, getPrototypeOf, mapGet, mapSet } = kit
  const global = globalThis
  const PROXY = 9
  /** A variable of its program alone, see `rewrite.ts`. */
  const OWN_ANSWER = '$inalAnswer'
  /** So many are told of a step; how many there are more is told too. */
  const MOST = 50
  const END = 40
  /** How far up prototypes are followed. */
  const HIGH = 100
  const KEYS = 6
  const LONGEST = 120
  /** So many are shown to who looks, and so much of each. */
  const MOST_HELD = 500
  const LONGEST_VALUE = 4_000
  const STATES = ['', 'pending', 'fulfilled', 'rejected']

  const known = new kit.Map() // name → what it was: type and mark, when a step last ended
  const numbers = new kit.WeakMap() // object → its number
  let count = 0

  /** What tells one value from another, without keeping it (C4). */
  function markOf(value) {
    if (typeof value === 'string')
      return value.length + ':' + slice(value, 0, END) + slice(value, value.length - END)
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value
    const had = kit.weakGet(numbers, value)
    if (had !== undefined) return had
    kit.weakSet(numbers, value, ++count)
    return count
  }

  function of(size, what) {
    return what + ' of ' + size
  }

  /** Type and size in a few words. */
  function typeOf(value) {
    if (typeof value === 'string') return 'string of ' + value.length + ' characters'
    if (typeof value === 'function') return kindOf(value)
    if (value === null) return 'null'
    if (typeof value !== 'object') return typeof value
    if (look(value) === PROXY) return 'Proxy'
    if (kit.isLarge(value)) return 'handle of ' + getOwnPropertyDescriptor(value, 'about').value
    if (!isPlain(value)) return 'object'
    const tag = tagOf(value)
    switch (tag) {
      case 'Array':
        return of(value.length, 'array') + rowOf(getOwnPropertyDescriptor(value, 0)?.value)
      case 'Map':
        return of(kit.mapSize(value), 'Map')
      case 'Set':
        return of(kit.setSize(value), 'Set')
      case 'Date':
      case 'RegExp':
        return tag
      case 'Error':
        return 'error'
      case 'Promise':
        return 'Promise, ' + STATES[look(value)]
      default:
        break
    }
    const size = sizeOf(tag, value)
    if (size !== undefined) return of(size, tag)
    return classOf(value) + keysOf(value)
  }
  /** The text of a function is not asked for: of a built-in one, the engine makes it of its `name`. */
  function kindOf(value) {
    if (look(value) === PROXY) return 'function'
    return getOwnPropertyDescriptor(value, 'prototype')?.writable === false ? 'class' : 'function'
  }
  /** No proxy is above it: those who read prototypes would ask it. */
  function isPlain(value) {
    let at = value
    for (let steps = 0; at !== null && steps < HIGH; steps++) {
      if (look(at) === PROXY) return false
      at = getPrototypeOf(at)
    }
    return at === null
  }
  function sizeOf(tag, value) {
    if (tag === 'ArrayBuffer') return kit.bufferLength(value)
    return kit.isView(value) && tag !== 'DataView' ? kit.typedLength(value) : undefined
  }

  /** The keys of the first row, if the rows are records. */
  function rowOf(row) {
    if (typeof row !== 'object' || row === null || !isPlain(row) || tagOf(row) !== 'Object') return ''
    return ' ' + keysOf(row)
  }
  function keysOf(value) {
    const all = keys(value)
    let text = ''
    for (let i = 0; i < all.length && i < KEYS; i++) text += (i > 0 ? ', ' : ' ') + all[i]
    if (all.length > KEYS) text += ', … ' + all.length + ' keys'
    return text === '' ? '{}' : '{' + text + ' }'
  }
  /** The name of its class before the braces; nothing for a plain object. */
  function classOf(value) {
    const above = getPrototypeOf(value)
    if (above === null || above === kit.Object.prototype) return ''
    const made = getOwnPropertyDescriptor(above, 'constructor')?.value
    if (typeof made !== 'function' || look(made) === PROXY) return ''
    const name = getOwnPropertyDescriptor(made, 'name')?.value
    return typeof name === 'string' && name !== '' ? name + ' ' : ''
  }

  /** Calls `act` with the name and the value of each variable. */
  function each(act) {
    const names = keys(global)
    for (let i = 0; i < names.length; i++) {
      const own = getOwnPropertyDescriptor(global, names[i])
      if (names[i] === OWN_ANSWER || own === undefined || own.get !== undefined || own.set !== undefined)
        continue
      act(names[i], own.value)
    }
  }
  function short(text, most) {
    return text.length > most ? slice(text, 0, most) + '…' : text
  }

  /** A step has ended: what is new or has changed since the last time, `{ name, type, isNew }`, and how many more. */
  function told() {
    const changed = list()
    let more = 0
    each((name, value) => {
      const type = short(typeOf(value), LONGEST)
      const mark = markOf(value)
      const had = mapGet(known, name)
      if (had !== undefined && had.type === type && kit.is(had.mark, mark)) return
      mapSet(known, name, { __proto__: null, type, mark })
      if (changed.length < MOST) push(changed, { __proto__: null, name, type, isNew: had === undefined })
      else more++
    })
    return { __proto__: null, changed, more }
  }

  /** What they hold, `{ name, type, value }`, each as `print` shows it (C5); of very many the first. */
  function held() {
    const all = list()
    each((name, value) => {
      if (all.length >= MOST_HELD) return
      const type = short(typeOf(value), LONGEST)
      push(all, { __proto__: null, name, type, value: short(show(value), LONGEST_VALUE) })
    })
    return all
  }

  return { __proto__: null, told, held }
})
