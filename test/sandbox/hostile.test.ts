/** Code that means harm (reliability.md §6.3). Each must cost its step at most: the next guest works, the host lives. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decode } from '../../src/base/codec.ts'
import type { Halt } from '../../src/base/halt.ts'
import { CLOCK, session } from './session.ts'
import type { Session } from './session.ts'

let guest: Session
const SMALL = { stepTimeout: 250, memory: 24 * 2 ** 20, callsPerStep: 50, outputChars: 2000 }

beforeAll(async () => {
  guest = await session(SMALL, { echo: (value: unknown) => value })
})
afterAll(() => guest[Symbol.asyncDispose]())

async function fresh(): Promise<void> {
  await guest.sandbox.open({ from: 'seed', seed: 's', clock: CLOCK }, ['echo'])
}

/** The first call's input of a fresh guest that runs this. */
async function inputOf(source: string): Promise<unknown> {
  await fresh()
  const halt = await guest.start(source)
  if (halt.kind !== 'waiting' || halt.calls[0] === undefined) throw new Error(JSON.stringify(halt))
  return decode(halt.calls[0].input)
}

async function endOf(source: string): Promise<Halt> {
  await fresh()
  return guest.start(source)
}

describe('what takes for ever, all memory or all stack kills the step, not the process', () => {
  const KILLED: { readonly [about: string]: readonly [source: string, ...reasons: string[]] } = {
    'H1 a loop': ['while (true) {}', 'timeout'],
    'H1 a loop after an await': ['await 1; for (;;);', 'timeout'],
    'H1 a loop that catches everything': ['for (;;) { try { for (;;); } catch {} }', 'timeout'],
    'H1 a loop in finally': ['try { throw 1 } finally { for (;;); }', 'timeout'],
    'H1 endless microtasks': ['for (;;) await null', 'timeout'],
    'H1 microtasks that breed': ['const f = () => { queueMicrotask(f) }; f()', 'timeout'],
    'H1 a regular expression': ['/^(a+)+$/.test("a".repeat(40) + "b")', 'timeout'],
    'H1 endless printing': ['for (;;) console.log("x".repeat(100))', 'timeout'],
    'H2 reverse of an endless array': ['Array.prototype.reverse.call({ length: 2 ** 53 - 2 })', 'timeout'],
    'H3 copyWithin of an endless array': [
      'Array.prototype.copyWithin.call({ length: 2 ** 53 - 2 }, 1, 0)',
      'timeout',
    ],
    'H4 join of a long array': ['const a = []; a.length = 2 ** 28; a.join()', 'timeout', 'memory'],
    'H5 recursion': ['function f() { return f() + 1 }; f()', 'stack'],
    'H5 recursion through toString': ['const o = { toString() { return "" + o } }; "" + o', 'stack'],
    'H5 recursion in an async function': [
      'const g = async () => { await g() }; await g()',
      'stack',
      'memory',
      'timeout',
    ],
    'H6 a growing map': ['const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })', 'memory', 'timeout'],
    'H7 fill': ['new Array(2 ** 32 - 1).fill(7)', 'memory', 'timeout'],
    'H8 typed arrays': ['const all = []; for (;;) all.push(new Uint8Array(2 ** 20))', 'memory', 'timeout'],
    'a rejection bomb': ['for (;;) Promise.reject(new Error("x"))', 'timeout', 'memory'],
    'a getter that loops in an input': ['tools.echo({ get a() { for (;;); } })', 'timeout'],
    'a proxy that loops in what is shown by a throw': [
      'throw new Proxy({}, { get() { for (;;); }, ownKeys() { for (;;); } })',
      'never',
    ],
    'a loop in the answer': ['finalAnswer({ get a() { for (;;); } })', 'timeout'],
    'a loop after the answer': ['try { finalAnswer(1) } catch { for (;;); }', 'never'],
  }
  for (const [about, [source, ...reasons]] of Object.entries(KILLED)) {
    test(`${about}`, async () => {
      const halt = await endOf(source)
      if (reasons[0] === 'never') expect(halt.kind).toBe('ended')
      else expect(reasons).toContain(halt.kind === 'killed' ? halt.reason : JSON.stringify(halt))
      await fresh()
      expect(await guest.show('1 + 1')).toBe('2')
    })
  }
})

describe('G6: out of memory and stack overflow kill the step also if the code catches them', () => {
  const DEEP = 'const deep = () => deep() + 1;'
  const MUCH = 'const all = []; const fill = () => { for (;;) all.push(new Uint8Array(2 ** 20)) };'
  const CAUGHT: { readonly [about: string]: readonly [source: string, reason: string] } = {
    'a catch': [`${DEEP} try { deep() } catch {} 'alive'`, 'stack'],
    'a promise': [`${DEEP} await Promise.try(deep).catch(() => 1); 'alive'`, 'stack'],
    'a rejection that nobody hears': [
      `${DEEP} Promise.try(deep).catch(() => 1); tools.echo(1); 'alive'`,
      'stack',
    ],
    'finally and return': [`${DEEP} const f = () => { try { deep() } finally { return 1 } }; f()`, 'stack'],
    'an answer': [`${DEEP} try { deep() } catch { finalAnswer(1) }`, 'stack'],
    'a call': [`${DEEP} try { deep() } catch {} await tools.echo(1)`, 'stack'],
    'for ever': [`${DEEP} for (;;) try { deep() } catch {}`, 'stack'],
    'a callback of a built-in': [`${DEEP} try { [2, 1].sort(deep) } catch {} 'alive'`, 'stack'],
    'a getter of an input': [`${DEEP} try { tools.echo({ get a() { return deep() } }) } catch {} 1`, 'stack'],
    'deep JSON': ['try { JSON.parse("[".repeat(1e6)) } catch {} 1', 'stack'],
    'a replaced constructor': [
      `${DEEP} globalThis.RangeError = Error; Error.captureStackTrace = null; try { deep() } catch {} 1`,
      'stack',
    ],
    'memory, a catch': [`${MUCH} try { fill() } catch {} all.length = 0; 'alive'`, 'memory'],
    'memory, one large piece': ['try { new Uint8Array(2 ** 30) } catch {} 1', 'memory'],
    'memory, small pieces': [
      'let m = new Map(); try { for (let i = 0; ; i++) m.set(i, { i }) } catch { m = null } 1',
      'memory',
    ],
    'memory, for ever': [`${MUCH} for (;;) try { fill() } catch { all.length = 0 }`, 'memory'],
  }
  for (const [about, [source, reason]] of Object.entries(CAUGHT)) {
    test(`${about}`, async () => {
      await using patient = await session({ ...SMALL, stepTimeout: 10_000 }, { echo: () => 1 })
      const halt = await patient.start(source)
      expect(halt).toMatchObject({ kind: 'killed', reason })
      await patient.sandbox.open({ from: 'seed', seed: 's', clock: CLOCK }, [])
      expect(await patient.show('1 + 1')).toBe('2')
    })
  }

  test('an overflow that is not caught tells where', async () => {
    expect(await endOf('function deep() {\n  return deep() + 1\n}\ndeep()')).toMatchObject({
      kind: 'killed',
      reason: 'stack',
      message: expect.stringMatching(/stack[^]*\n {4}at deep \(step\d+\.ts:2:/),
    })
  })

  test('an error that only has the same text is an ordinary one', async () => {
    await fresh()
    const error = 'new RangeError("Maximum call stack size exceeded")'
    expect(await guest.show(`try { throw ${error} } catch {} 'alive'`)).toBe("'alive'")
    expect(await guest.show(`throw ${error}`)).toMatch(/! RangeError: Maximum/)
    expect(await guest.show('try { new Array(-1) } catch {} try { (1).toFixed(200) } catch {} 1')).toBe('1')
  })
})

describe('what is too much for an engine is an ordinary error', () => {
  const ERRORS: readonly string[] = [
    'JSON.parse("[".repeat(1e6))',
    'JSON.parse(`{"a":`.repeat(1e5))',
    'new Function("(".repeat(2e5))',
    'new RegExp("(".repeat(1e5))',
    'eval("[".repeat(1e5))',
    'new Uint8Array(2 ** 31)',
    'let s = "x"; for (;;) s += s',
    '"x".repeat(2 ** 30)',
  ]
  for (const source of ERRORS) {
    test(`H9 ${source}`, async () => {
      const halt = await endOf(source)
      if (halt.kind === 'ended') expect(halt.ending.kind).toBe('error')
      else
        expect(halt).toMatchObject({ kind: 'killed', reason: expect.stringMatching(/memory|stack|timeout/) })
    })
  }

  test('H9 a chain of a million proxies', async () => {
    const halt = await endOf('let p = {}; for (let i = 0; i < 1e6; i++) p = new Proxy(p, {}); p.x; p')
    expect(['ended', 'killed']).toContain(halt.kind)
    await fresh()
    expect(await guest.show('1')).toBe('1')
  })
})

describe('what is too much for an input is refused before it leaves the guest', () => {
  const REFUSED: { readonly [about: string]: readonly [source: string, message: RegExp] } = {
    'H11 2^26 references': [
      'let d = {}; for (let i = 0; i < 26; i++) d = { a: d, b: d }; await tools.echo(d)',
      /too large: written out/,
    ],
    'H11 a string shared often': [
      'const s = "x".repeat(1e6); await tools.echo(Array(1000).fill(s))',
      /too large/,
    ],
    'H12 very many keys': [
      'const o = {}; for (let i = 0; i < 3e5; i++) o["k" + i] = 0; await tools.echo(o)',
      /too large/,
    ],
    'H13 a very long string': ['await tools.echo("x".repeat(3e6))', /too large/],
    'nested very deeply': [
      'let d = []; for (let i = 0; i < 1e5; i++) d = [d]; await tools.echo(d)',
      /nested too deeply/,
    ],
    'a proxy without end': [
      'await tools.echo(new Proxy([], { get: (t, k) => k === "length" ? 1e15 : 0, has: () => true, getOwnPropertyDescriptor: () => ({ value: 0, configurable: true, enumerable: true }) }))',
      /too large|cannot/,
    ],
    'a map that grows while it is read': [
      'const m = new Map(); m.set({ get x() { m.set({}, 1); return 1 } }, 1); for (let i = 0; i < 9; i++) m.set(i, { get y() { m.set({}, this); return m } }); await tools.echo(m); throw new Error("fine")',
      /too large|fine/,
    ],
    'a function deep inside': [
      'await tools.echo({ a: { b: [() => 1] } })',
      /echo\.a\.b\[0\] cannot be passed out of the sandbox: it is a function/,
    ],
    'an answer too large': ['finalAnswer("x".repeat(3e6))', /The final answer is too large/],
  }
  for (const [about, [source, message]] of Object.entries(REFUSED)) {
    test(`${about}`, async () => {
      await using roomy = await session({ memory: 128 * 2 ** 20, stepTimeout: 20_000 }, { echo: () => 0 })
      expect(await roomy.show(source)).toMatch(message)
    })
  }

  test('H10 a sparse array of 2^32-1 costs what it holds', async () => {
    const back = (await inputOf('const a = []; a[2 ** 32 - 2] = 1; await tools.echo(a)')) as unknown[]
    expect([back.length, back[2 ** 32 - 2]]).toEqual([2 ** 32 - 1, 1])
  })
})

test('H14: __proto__ and constructor keys stay data, in and out', async () => {
  const back = (await inputOf(
    'await tools.echo(JSON.parse(`{"__proto__":{"admin":true},"constructor":{"x":1}}`))',
  )) as object
  expect(Object.keys(back)).toEqual(['__proto__', 'constructor'])
  expect('admin' in back).toBe(false)
  await fresh()
  expect(
    await guest.show(
      'const r = await tools.echo({ ["__proto__"]: { admin: true } }); [Object.keys(r), r.admin, ({}).admin]',
    ),
  ).toBe("[ [ '__proto__' ], undefined, undefined ]")
})

test('H15: a value that answers differently the second time is read once; toJSON is not asked', async () => {
  expect(await inputOf('let n = 0; await tools.echo({ get a() { return ++n }, toJSON: undefined })')).toEqual(
    { a: 1, toJSON: undefined },
  )
  expect(
    await inputOf(
      'let k = 0; await tools.echo(new Proxy({ x: 1 }, { get: (t, p) => p === "x" ? ++k : t[p] }))',
    ),
  ).toEqual({ x: 1 })
})

test('H16: replaced intrinsics change nothing in the bridge', async () => {
  await fresh()
  const evil = `
    const steal = () => { throw new Failure('stolen') }
    const targets = []
    for (const C of [Promise, Map, Set, WeakMap, Array, String, RegExp, Date, Number, Function, Error, Uint8Array, Object.getPrototypeOf(Uint8Array)]) {
      for (const key of Reflect.ownKeys(C.prototype)) if (key !== 'constructor') targets[targets.length] = [C.prototype, key]
    }
    for (const host of [JSON, Reflect, Math, Object, Promise, Array, Number, Symbol, Error]) {
      for (const key of Reflect.ownKeys(host)) if (key !== 'prototype') targets[targets.length] = [host, key]
    }
    for (let i = 0; i < targets.length; i++) {
      try { defineProperty(targets[i][0], targets[i][1], { value: steal, configurable: true, writable: true }) } catch {}
    }
    for (let i = 0, keys = ['toJSON', '0', '1', '2', 'get', 'map', 'stack', 'length', 'name', 'enumerable']; i < keys.length; i++) {
      const trap = { __proto__: null, configurable: true, get: steal, set: steal }
      try { defineProperty(Object.prototype, keys[i], trap) } catch {}
      try { defineProperty(Array.prototype, keys[i], trap) } catch {}
    }
    globalThis.Promise = globalThis.Map = globalThis.JSON = globalThis.Error = globalThis.Reflect = steal`
  expect(await guest.show(`const { defineProperty } = Object; const Failure = Error; ${evil}\nnull`)).toBe(
    'null',
  )
  const halt = await guest.start(
    'const back = await tools.echo({ a: [1, { b: "x" }], m: 5n }); print(back.a[1].b, back); finalAnswer(back)',
  )
  const call = halt.kind === 'waiting' ? halt.calls[0] : undefined
  expect(call?.input).toBe('[{"a":1,"m":5},[2,3],1,{"b":4},"x",["BigInt","5"]]')
  const ended = await guest.resolve(call?.id ?? '', { a: [1, { b: 'y' }] })
  expect(ended).toMatchObject({
    kind: 'ended',
    output: expect.stringMatching(/^y .*b: 'y'/s),
    ending: { kind: 'answer' },
  })
})

test('H17: odd strings and a thenable come through as they are', async () => {
  for (const text of ['\ud800', 'a\0b', '\u202e', '\u2028', '</script>', '\udfff\ud800']) {
    expect(await inputOf(`await tools.echo(${JSON.stringify(text)})`)).toBe(text)
  }
  await fresh()
  expect(
    await guest.show('const t = await tools.echo({ then: 5, z: -0 }); [t.then, Object.is(t.z, -0)]'),
  ).toBe('[ 5, true ]')
})

describe('H18: there is nothing of the host', () => {
  const ABSENT = [
    'process',
    'require',
    'WebAssembly',
    'Atomics',
    'WeakRef',
    'FinalizationRegistry',
    'Buffer',
    'fetch',
    'Deno',
    'module',
  ]
  for (const name of ABSENT) {
    test(`${name}`, async () => {
      await fresh()
      expect(await guest.show(`[typeof ${name}, typeof Function("return this")()?.${name}]`)).toBe(
        "[ 'undefined', 'undefined' ]",
      )
    })
  }
  test('stacks show no frames of the prelude, and cannot be made to', async () => {
    await fresh()
    const shown = await guest.show(`
      let seen = 'none'
      try { Error.prepareStackTrace = (e, sites) => { seen = sites; return e } } catch (e) { seen = e.name }
      let stack = ''
      try { await tools.echo({ get x() { stack = new Error('in').stack } }) } catch {}
      [seen, stack.includes('/'), stack.includes('node')]`)
    expect(shown).toBe("[ 'TypeError', false, false ]")
  })
})

test('H19: a name that was not granted is no function, an internal one neither', async () => {
  await fresh()
  expect(
    await guest.show('[typeof tools.rm, typeof tools.$ask, typeof globalThis.look, Object.isFrozen(tools)]'),
  ).toBe("[ 'undefined', 'undefined', 'undefined', true ]")
  for (const source of [
    'tools = {}',
    'tools.echo = 1',
    'globalThis.finalAnswer = 1',
    'delete globalThis.tools',
    'delete tools.echo',
  ]) {
    expect(await guest.show(source)).toMatch(/! TypeError/)
  }
})

test('H20: a tool’s error brings its name and message, and only frames of the model’s code', async () => {
  await fresh()
  const halt = await guest.start(
    'try { await tools.echo(1) } catch (e) { finalAnswer([e.name, e.message, e.stack]) }',
  )
  const id = halt.kind === 'waiting' ? (halt.calls[0]?.id ?? '') : ''
  const error = { name: 'ToolError', message: 'no', stack: 'ToolError: no\n    at /home/me/secret.ts:1:1' }
  const ended = await guest.sandbox.settle(id, { ok: false, error }, { clock: CLOCK })
  const answer = ended.kind === 'ended' && ended.ending.kind === 'answer' ? decode(ended.ending.value) : []
  expect(answer).toEqual([
    'ToolError',
    'no',
    expect.stringMatching(/^ToolError: no\n {4}at step\d+\.ts:1:\d+$/),
  ])
})

test('a guest that settles its own calls fools only itself', async () => {
  await fresh()
  const halt = await guest.start(
    'const P = Promise.prototype.then; const c = tools.echo(1); await Promise.race([c, 5])',
  )
  expect(halt).toMatchObject({ kind: 'ended', open: [expect.any(String)] })
})

test('nothing that was frozen, sealed or made exotic breaks the display', async () => {
  await fresh()
  const source = `const r = Proxy.revocable({}, {}); r.revoke(); const o = Object.create(null); o.self = o
    print(r.proxy, o, new Proxy([1, 2], { get() { throw 1 } }), { get bad() { throw 1 } }, Object.create({ constructor: { name: 5 } }))
    print(class A {}, function* g() {}, async () => {}, Symbol('x'), [ , 1], [undefined, null, -0], new Error('e').message)`
  expect(await guest.show(source)).toMatch(
    /^<Revoked Proxy> <ref \*1> \[Object: null prototype\] \{ self: \[Circular \*1\] \} \[ 1, 2 \] \{ bad: \[Getter\] \}/,
  )
})
