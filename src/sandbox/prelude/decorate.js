/**
 * The guest's half of decorators: what a class that was written with them calls while it is made. See `decorators.ts`.
 *
 * Q1  The decorators of static members other than fields are applied first, then those of the others, then those of
 *     static fields, of fields, of the class; of several at one place the last first.
 */
;(function decorators(kit) {
  'use strict'
  const { list, push, apply, defineProperty, getOwnPropertyDescriptor } = kit

  function callable(value, what) {
    if (typeof value !== 'function') throw new kit.TypeError(what + ' is not a function')
    return value
  }
  function call(f, self, first, second) {
    const args = list()
    push(args, first)
    push(args, second)
    return apply(f, self, args)
  }
  function runAll(functions, self, value) {
    for (let i = 0; i < functions.length; i++) value = call(functions[i], self, value)
    return value
  }

  /** What a decorator is told of a member, or of the class. */
  function contextOf(item, extras) {
    const { kind, name, isStatic, access, metadata } = item
    let isOpen = true
    const context = { kind, name }
    if (kind !== 'class') {
      context.static = isStatic
      context.private = item.isPrivate
      context.access = access
    }
    context.metadata = metadata
    context.addInitializer = (initializer) => {
      if (!isOpen) throw new kit.TypeError('addInitializer was called after the decorator had returned')
      push(extras, callable(initializer, 'An initializer'))
    }
    return { context, close: () => (isOpen = false) }
  }

  function accessTo(kind, key) {
    const access = { has: (object) => key in object }
    if (kind !== 'setter') access.get = (object) => object[key]
    if (kind === 'field' || kind === 'accessor' || kind === 'setter')
      access.set = (object, value) => {
        object[key] = value
      }
    return access
  }

  /** The decorators of a member, applied to what it is; its functions may become others. */
  function applyTo(item, target) {
    const { kind, key, decorators } = item
    const isField = kind === 'field'
    const found = isField ? undefined : getOwnPropertyDescriptor(target, key)
    const part = kind === 'getter' ? 'get' : kind === 'setter' ? 'set' : 'value'
    for (let i = decorators.length - 1; i >= 0; i--) {
      const decorator = callable(decorators[i], 'A decorator')
      const { context, close } = contextOf(item, item.extras)
      const given = isField
        ? undefined
        : kind === 'accessor'
          ? { get: found.get, set: found.set }
          : found[part]
      const result = call(decorator, undefined, given, context)
      close()
      if (result === undefined) continue
      if (kind === 'accessor') {
        if (typeof result !== 'object' || result === null)
          throw new kit.TypeError('The decorator of an accessor gives an object, or nothing')
        const { get, set, init } = result
        if (get !== undefined) found.get = callable(get, 'A getter')
        if (set !== undefined) found.set = callable(set, 'A setter')
        if (init !== undefined) unshift(item, callable(init, 'An initializer'))
      } else if (isField) unshift(item, callable(result, 'What a decorator gives'))
      else found[part] = callable(result, 'What a decorator gives')
    }
    if (!isField) defineProperty(target, key, found)
  }
  function unshift(item, initializer) {
    const all = list()
    push(all, initializer)
    for (let i = 0; i < item.inits.length; i++) push(all, item.inits[i])
    item.inits = all
  }

  return function $decorate(classDecorators, make) {
    const items = { __proto__: null } // by the member's place in the class
    const keys = { __proto__: null } // of computed names
    const instance = list() // initializers of methods and accessors
    const own = list() // initializers of the class
    const order = list()
    const k = {
      __proto__: null,
      class: undefined,
      key(index, key) {
        keys[index] = typeof key === 'symbol' ? key : '' + key
        return keys[index]
      },
      begin(target, name, given) {
        if (name !== null && getOwnPropertyDescriptor(target, 'name')?.value === '')
          defineProperty(target, 'name', { __proto__: null, value: name, configurable: true })
        const mark = kit.Symbol.metadata
        const metadata = mark === undefined ? undefined : kit.create(target[mark] ?? null)
        for (let i = 0; i < given.length; i++) {
          const entry = given[i]
          const key = entry[3] === undefined ? keys[entry[0]] : entry[3]
          const isPrivate = entry[5] !== undefined
          items[entry[0]] = {
            __proto__: null,
            kind: entry[1],
            isStatic: entry[2],
            key: typeof key === 'symbol' ? key : '' + key,
            name: typeof key === 'symbol' ? key : '' + key,
            decorators: entry[4],
            isPrivate,
            access: isPrivate ? entry[5] : accessTo(entry[1], typeof key === 'symbol' ? key : '' + key),
            metadata,
            inits: list(),
            extras: entry[1] === 'field' || entry[1] === 'accessor' || entry[2] ? list() : instance,
          }
          push(order, items[entry[0]])
        }
        for (let round = 0; round < 4; round++) {
          for (let i = 0; i < order.length; i++) {
            const item = order[i]
            const turn = (item.kind === 'field' ? 2 : 0) + (item.isStatic ? 0 : 1)
            if (turn === round) applyTo(item, item.isStatic ? target : target.prototype)
          }
        }
        k.class = target
        for (let i = classDecorators.length - 1; i >= 0; i--) {
          const about = { kind: 'class', name: name ?? '', metadata }
          const { context, close } = contextOf(about, own)
          const result = call(callable(classDecorators[i], 'A decorator'), undefined, k.class, context)
          close()
          if (result !== undefined) k.class = callable(result, 'What a decorator gives')
        }
        if (mark !== undefined)
          defineProperty(k.class, mark, {
            __proto__: null,
            value: metadata,
            configurable: true,
            writable: true,
          })
        for (let i = 0; i < order.length; i++) {
          const item = order[i]
          if (item.isStatic && item.kind !== 'field' && item.kind !== 'accessor') runAll(item.extras, target)
        }
        return k.class
      },
      start(self) {
        for (let i = 0; i < instance.length; i++) call(instance[i], self)
      },
      init: (index, self, value) => runAll(items[index].inits, self, value),
      after(index, self) {
        const { extras } = items[index]
        for (let i = 0; i < extras.length; i++) call(extras[i], self)
      },
      made() {
        for (let i = 0; i < own.length; i++) call(own[i], k.class)
      },
    }
    return make(k)
  }
})
