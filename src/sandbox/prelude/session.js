/**
 * The names of a session: the global variables that the steps leave.
 *
 * V1  A name that a step declares is, until its declaration runs, what the steps before left: so the right side of
 *     `const search = await search(…)` is the tool, or the older variable. With nothing before, it cannot be read.
 * V2  A declaration that never ran, since the step failed or returned before it, changed nothing.
 * V3  A constant cannot be assigned, by no step; each step may declare the name anew, as whatever it likes.
 */
;(function session(kit) {
  'use strict'
  const { defineProperty, getOwnPropertyDescriptor, indexOf, slice, mapSet, mapDelete, mapEach, apply } = kit
  const global = globalThis
  const waiting = new kit.Map() // name → what had the name before, of declarations that have not run

  function define(name, value, writable) {
    defineProperty(global, name, {
      __proto__: null,
      value,
      writable,
      enumerable: true,
      configurable: true,
    })
  }

  /** What can be declared anew. The globals of the language that are locked cannot. */
  function isFree(had) {
    return had === undefined || had.configurable
  }

  function declare(name, isConst) {
    const had = getOwnPropertyDescriptor(global, name)
    if (!isFree(had)) return
    mapSet(waiting, name, had)
    // Code of an earlier step may still assign to the variable that it knows: that does not make the new one constant.
    const writable = !isConst || had !== undefined
    defineProperty(global, name, {
      __proto__: null,
      get() {
        if (had === undefined)
          throw new kit.ReferenceError("Cannot access '" + name + "' before initialization")
        return had.get === undefined ? had.value : apply(had.get, global, kit.list())
      },
      set(value) {
        mapDelete(waiting, name)
        if (writable && isConst) mapSet(constants, name, true)
        define(name, value, writable)
      },
      enumerable: true,
      configurable: true,
    })
  }
  const constants = new kit.Map() // names that become constant at the step's end

  function each(names, visit) {
    for (let from = 0; from < names.length;) {
      const comma = indexOf(names, ',', from)
      const end = comma < 0 ? names.length : comma
      visit(slice(names, from, end))
      from = end + 1
    }
  }

  return {
    /** Called by a program before its first line: the names that it declares, by kind, with commas between. */
    names(vars, lets, consts) {
      each(vars, (name) => {
        const had = getOwnPropertyDescriptor(global, name)
        if (had === undefined) define(name, undefined, true)
        else if (isFree(had) && had.writable === false) define(name, had.value, true)
      })
      each(lets, (name) => declare(name, false))
      each(consts, (name) => declare(name, true))
    },

    /** The step has ended (V2). */
    ended() {
      mapEach(waiting, (had, name) => {
        if (had === undefined) delete global[name]
        else defineProperty(global, name, had)
      })
      kit.mapClear(waiting)
      mapEach(constants, (_, name) => {
        const now = getOwnPropertyDescriptor(global, name)
        if (now !== undefined && now.configurable && now.get === undefined) define(name, now.value, false)
      })
      kit.mapClear(constants)
    },
  }
})
