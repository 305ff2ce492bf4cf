/**
 * Values that are hard to write down, as recipes: data from which the guest and the host build the same value, each
 * with its own built-ins. A recipe is a list of nodes; parts are named by their place in it, so that anything may be
 * shared, or contain itself.
 */
import fc from 'fast-check'

/** A place in the list, or a leaf's number (below 0). */
type Part = number

export type Node =
  | {
      readonly kind: 'object'
      readonly flavour: string
      readonly fields: readonly (readonly [string, Part])[]
    }
  | { readonly kind: 'array'; readonly flavour: string; readonly items: readonly (readonly [number, Part])[] }
  | { readonly kind: 'map'; readonly heir: boolean; readonly entries: readonly (readonly [Part, Part])[] }
  | { readonly kind: 'set'; readonly heir: boolean; readonly items: readonly Part[] }
  | {
      readonly kind: 'error'
      readonly name: string
      readonly own: string
      readonly cause: Part
      readonly many: boolean
    }
  | {
      readonly kind: 'bytes'
      readonly name: string
      readonly of: Part
      readonly at: number
      readonly length: number
    }
  | { readonly kind: 'buffer'; readonly bytes: readonly number[] }
  | { readonly kind: 'boxed'; readonly of: Part }
  | { readonly kind: 'proxy'; readonly of: Part; readonly traps: string }
  | { readonly kind: 'odd'; readonly what: string }

export type Recipe = readonly Node[]

/**
 * `build(recipe)`, in plain JavaScript. Both sides run this text. It gives the value of the first node; whatever it
 * needs was taken before.
 */
export const BUILD = String.raw`(() => {
  'use strict'
  const leaves = [
    undefined, null, true, false, 0, -0, 1.5, NaN, Infinity, -Infinity, 1e21, 5e-324, 2 ** 53, '', 'a', 'a', '__proto__',
    '\ud800', 'x\udfffy', '<script>', '\u2028\u2029', '\0\x7f', '"\\', '\u{1f600}', 'é', 10n, -(2n ** 70n), 0n,
  ]
  const { defineProperty, setPrototypeOf, create, freeze, seal } = Object
  class Plain { #hidden = 1; get computed() { throw new Error('a getter of the class') } }
  class Heir extends Plain { own = 'own' }
  class List extends Array {}
  class Dict extends Map {}
  class Bag extends Set {}
  class Odd extends RangeError { extra = 1 }
  const data = (object, key, value) => defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  const bare = {
    object: {
      plain: () => ({}), bare: () => create(null), class: () => new Plain(), heir: () => new Heir(), child: () => create({ inherited: 1 }),
      arguments: () => (function () { return arguments })('first', 'second'), frozen: () => ({}), getters: () => ({}), sealed: () => ({}),
      hidden: () => defineProperty({}, 'hidden', { value: 1, enumerable: false }), toJSON: () => data({}, 'toJSON', null),
      tagged: () => defineProperty({}, Symbol.toStringTag, { value: 'Date' }), symbol: () => ({ [Symbol('s')]: 1 }),
      constructor: () => data({}, 'constructor', null), dated: () => create(Date.prototype), listed: () => create(Array.prototype), mapped: () => create(Map.prototype),
      erroneous: () => create(Error.prototype), prototype: () => Plain.prototype, module: () => Math,
    },
    odd: {
      date: () => new Date(0), never: () => new Date(NaN), far: () => new Date(8.64e15), bc: () => new Date(-1e15), regexp: () => /a\/[/]\n<b>/dgimsuy, vflag: () => /[\p{L}--x]/v, empty: () => new RegExp(''),
      function: () => () => 1, symbol: () => Symbol('x'), promise: () => Promise.resolve(1), weak: () => new WeakMap(), generator: () => (function* () {})(), iterator: () => [1][Symbol.iterator](),
      boxedSymbol: () => Object(Symbol('y')), long: () => data([], 2 ** 32 - 2, 'end'), holes: () => new Array(7), thenable: () => ({ then: 5 }), then: () => ({ then() {} }),
      throws: () => ({ get bad() { throw new TypeError('no') } }), counter: () => { let n = 0; return { get a() { return ++n }, get b() { return ++n } } },
      late: () => { const o = { get a() { o.z = 1; delete o.b; return 1 }, b: 2, c: 3 }; return o }, grows: () => { const a = [0]; defineProperty(a, 0, { get() { if (a.length < 9) a.push(a.length); return 0 }, enumerable: true, configurable: true }); return a },
      shrinks: () => { const a = [0, 1, 2, 3]; defineProperty(a, 1, { get() { a.length = 2; return 1 }, enumerable: true, configurable: true }); return a },
      setGrows: () => { const s = new Set(); let n = 0; s.add({ get a() { if (n++ < 3) s.add(n); return n } }); return s },
      mapDeletes: () => { const m = new Map([[1, 1]]); m.set('k', { get a() { m.delete('z'); return 1 } }).set('z', 1); return m },
      revoked: () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy }, nameless: () => defineProperty(new Error('m'), 'name', { value: 5 }),
      stacked: () => defineProperty(new Error('m'), 'stack', { value: 'secret', configurable: true }), odd: () => new Odd('odd'), patterned: () => Object.assign(/x/g, { lastIndex: 3, extra: 1 }),
      named: () => ['size', 'forEach', 'entries', 'get', 'constructor'].reduce((map, key) => data(map, key, 1), new Map([[1, 2]])), viewed: () => defineProperty(new Uint8Array([1, 2]), 'length', { value: 99 }), function2: () => class {},
    },
  }
  const traps = {
    none: {}, get: { get: (t, k, r) => (typeof k === 'symbol' || k === 'length' ? Reflect.get(t, k) : 'got ' + k) }, keys: { ownKeys: () => ['b', 'a'], getOwnPropertyDescriptor: (t, k) => ({ value: k, enumerable: k !== 'b', configurable: true }) },
    proto: { getPrototypeOf: () => null }, throws: { get() { throw new RangeError('trap') } }, length: { get: (t, k) => (k === 'length' ? 3 : t[k]) }, has: { has: () => false },
  }
  const isList = (value) => { try { return Array.isArray(value) } catch { return false } }
  return (recipe) => {
    const made = []
    const raw = (i) => {
      const node = recipe[i]
      switch (node.kind) {
        case 'object': return bare.object[node.flavour]()
        case 'array': return node.flavour === 'list' ? new List() : []
        case 'map': return node.heir ? new Dict() : new Map()
        case 'set': return node.heir ? new Bag() : new Set()
        case 'error': return node.many ? new AggregateError([], 'many') : new (globalThis[node.name] ?? Odd)('message')
        case 'buffer': return Uint8Array.from(node.bytes).buffer
        case 'odd': return bare.odd[node.what]()
        default: return undefined
      }
    }
    for (let i = 0; i < recipe.length; i++) made.push(raw(i))
    const part = (at) => (at < 0 ? leaves[(-at - 1) % leaves.length] : made[at % recipe.length])
    for (let i = recipe.length - 1; i >= 0; i--) {
      const node = recipe[i]
      if (node.kind === 'boxed') made[i] = Object(part(node.of) ?? 'boxed')
      if (node.kind === 'proxy') { const of = part(node.of); made[i] = typeof of === 'object' && of !== null ? new Proxy(of, traps[node.traps === 'keys' && isList(of) ? 'none' : node.traps]) : {} }
      if (node.kind === 'bytes') {
        const of = part(node.of)
        const buffer = node.of >= 0 && recipe[node.of % recipe.length].kind === 'buffer' ? of : new ArrayBuffer(16)
        const Class = globalThis[node.name]
        const size = Class.BYTES_PER_ELEMENT ?? 1
        const at = Math.min(node.at * size, Math.floor(buffer.byteLength / size) * size)
        made[i] = new Class(buffer, at, Math.min(node.length, Math.floor((buffer.byteLength - at) / size)))
      }
    }
    for (let i = 0; i < recipe.length; i++) {
      const node = recipe[i]
      const at = made[i]
      if (node.kind === 'object' && node.flavour !== 'module' && node.flavour !== 'prototype') {
        for (const [key, value] of node.fields) {
          if (node.flavour === 'getters') defineProperty(at, key, { get: () => part(value), enumerable: true, configurable: true })
          else data(at, key, part(value))
        }
        if (node.flavour === 'frozen') freeze(at)
        if (node.flavour === 'sealed') seal(at)
      }
      if (node.kind === 'array') {
        for (const [index, value] of node.items) at[index] = part(value)
        if (node.flavour === 'named') { at.extra = 1; at['-1'] = 2; at['01'] = 3; at[4294967295] = 4 }
        if (node.flavour === 'long') at.length = 40
        if (node.flavour === 'odd') setPrototypeOf(at, null)
      }
      if (node.kind === 'map') for (const [key, value] of node.entries) at.set(part(key), part(value))
      if (node.kind === 'set') for (const value of node.items) at.add(part(value))
      if (node.kind === 'error') {
        if (node.own !== '') data(at, node.own, part(node.cause))
        else defineProperty(at, 'cause', { value: part(node.cause), configurable: true })
        if (node.many) at.errors.push(part(node.cause), at)
      }
    }
    return made[0]
  }
})()`

const part = fc.oneof(fc.integer({ min: -28, max: -1 }), fc.nat(11))
const KEYS = [
  'a',
  'b',
  'c c',
  '0',
  '10',
  '-1',
  '__proto__',
  '\0__proto__',
  'constructor',
  'toJSON',
  'then',
  'length',
  '\ud800',
  '<',
  '',
  'é',
]
const key = fc.oneof(fc.constantFrom(...KEYS), fc.string({ unit: 'binary', maxLength: 4 }))
const TYPED =
  'Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Float16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array BigUint64Array DataView'
const PLAIN = 'plain bare class heir child arguments frozen sealed getters hidden toJSON constructor'
const STRANGE = 'tagged symbol dated listed mapped erroneous prototype module'
const HARMLESS =
  'date never far bc regexp vflag empty long holes thenable counter late grows shrinks setGrows mapDeletes nameless stacked odd patterned named viewed'
const REFUSED = 'function symbol promise weak generator iterator boxedSymbol then throws revoked function2'
const words = (text: string): fc.Arbitrary<string> => fc.constantFrom(...text.split(' '))

function nodes(strange: boolean): fc.Arbitrary<Node> {
  return fc.oneof(
    fc.record({
      kind: fc.constant('object' as const),
      flavour: words(strange ? `${PLAIN} ${STRANGE}` : PLAIN),
      fields: fc.array(fc.tuple(key, part), { maxLength: 5 }),
    }),
    fc.record({
      kind: fc.constant('array' as const),
      flavour: words('plain list named long odd'),
      items: fc.array(fc.tuple(fc.oneof(fc.nat(6), fc.constantFrom(30, 200, 70_000)), part), {
        maxLength: 6,
      }),
    }),
    fc.record({
      kind: fc.constant('map' as const),
      heir: fc.boolean(),
      entries: fc.array(fc.tuple(part, part), { maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constant('set' as const),
      heir: fc.boolean(),
      items: fc.array(part, { maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constant('error' as const),
      name: words('Error TypeError RangeError SyntaxError Odd'),
      own: words('name message code').map((name) => (name === 'code' ? '' : name)),
      cause: part,
      many: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('bytes' as const),
      name: words(TYPED),
      of: part,
      at: fc.nat(2),
      length: fc.nat(9),
    }),
    fc.record({ kind: fc.constant('buffer' as const), bytes: fc.array(fc.nat(255), { maxLength: 24 }) }),
    fc.record({ kind: fc.constant('boxed' as const), of: part.filter((at) => at < 0) }),
    fc.record({
      kind: fc.constant('odd' as const),
      what: words(strange ? `${HARMLESS} ${REFUSED}` : HARMLESS),
    }),
    ...(strange
      ? [
          fc.record({
            kind: fc.constant('proxy' as const),
            of: part.filter((at) => at >= 0),
            traps: words('none get keys proto throws length has'),
          }),
        ]
      : []),
  )
}

/** @param strange also with what may be refused: proxies, functions, broken prototypes. */
export function recipes(strange: boolean): fc.Arbitrary<Recipe> {
  return fc.array(nodes(strange), { minLength: 1, maxLength: 12, size: 'max' })
}
