/** Code that means harm (H1–H20), and what the model must read after it. */

export interface Attack {
  /** The name of the threat. */
  readonly id: string
  readonly about: string
  readonly code: string
  /** What the model reads. */
  readonly sees: RegExp
  /** What the tool got: the value that its approval saw too. */
  readonly gets?: unknown
}

const TIMEOUT = /limit \(timeout\)/
const SPENT = /limit \((?:timeout|memory)\)/

export const ATTACKS: readonly Attack[] = [
  { id: 'H1', about: 'an endless loop', code: 'kept.list = null; while (true) {}', sees: TIMEOUT },
  {
    id: 'H1',
    about: 'a loop that catches everything',
    code: 'for (;;) { try { for (;;); } catch {} finally { continue } }',
    sees: TIMEOUT,
  },
  { id: 'H1', about: 'endless microtasks', code: 'kept.list.push(9); for (;;) await null', sees: TIMEOUT },
  {
    id: 'H1',
    about: 'an async loop that breeds',
    code: 'const f = async () => { queueMicrotask(f); await f }; f(); await new Promise(() => {})',
    sees: TIMEOUT,
  },
  { id: 'H1', about: 'a catastrophic pattern', code: '/^(a+)+$/.test("a".repeat(40) + "b")', sees: TIMEOUT },
  { id: 'H1', about: 'endless output', code: 'for (;;) console.log("x".repeat(1000))', sees: TIMEOUT },
  {
    id: 'H2',
    about: 'reverse of 2^53 items',
    code: 'Array.prototype.reverse.call({ length: 2 ** 53 - 2 })',
    sees: TIMEOUT,
  },
  {
    id: 'H3',
    about: 'copyWithin of 2^53 items',
    code: 'Array.prototype.copyWithin.call({ length: 2 ** 53 - 2 }, 1, 0)',
    sees: TIMEOUT,
  },
  { id: 'H4', about: 'join of 2^28 items', code: 'const a = []; a.length = 2 ** 28; a.join()', sees: SPENT },
  {
    id: 'H5',
    about: 'unbounded recursion',
    code: 'kept.map.clear()\nfunction deep() { return deep() + 1 }\ndeep()',
    sees: /limit \(stack\)[^]*at deep \(step2\.ts:2:/,
  },
  {
    id: 'H5',
    about: 'recursion through toString, caught',
    code: 'const o = { toString() { return "" + o } }; try { "" + o } catch {} "alive"',
    sees: /limit \(stack\)/,
  },
  {
    id: 'H6',
    about: 'a map that grows until there is no memory',
    code: 'const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })',
    sees: SPENT,
  },
  { id: 'H7', about: 'fill of 2^32 items', code: 'new Array(2 ** 32 - 1).fill(7)', sees: SPENT },
  {
    id: 'H8',
    about: 'typed arrays of 2 GiB',
    code: 'const all = []; try { for (;;) all.push(new Uint8Array(2 ** 31 - 1)) } catch {} all.length',
    sees: /limit \((?:memory|timeout)\)|RangeError/,
  },
  {
    id: 'H8',
    about: 'many typed arrays',
    code: 'const all = []; for (;;) all.push(new Uint8Array(2 ** 20).fill(1))',
    sees: SPENT,
  },
  {
    id: 'H9',
    about: 'JSON a million deep',
    code: 'JSON.parse("[".repeat(1e6))',
    sees: /limit \(stack\)|SyntaxError/,
  },
  {
    id: 'H9',
    about: 'a chain of a million proxies',
    code: 'let p = {}; for (let i = 0; i < 1e6; i++) p = new Proxy(p, {}); p.x',
    sees: /limit \((?:stack|memory|timeout)\)/,
  },
  {
    id: 'H9',
    about: '100 000 groups of a pattern',
    code: 'new RegExp("(".repeat(1e5) + ")".repeat(1e5))',
    sees: /SyntaxError|limit \((?:stack|memory|timeout)\)/,
  },
  {
    id: 'H9',
    about: '200 000 parentheses in eval',
    code: 'eval("(".repeat(2e5))',
    sees: /SyntaxError|limit \((?:stack|memory|timeout)\)/,
  },
  {
    id: 'H10',
    about: 'a sparse array of 2^32-1 as input',
    code: 'const a = []; a[2 ** 32 - 2] = 1; const b = await echo([a]); b[0].length',
    sees: /4294967295/,
  },
  {
    id: 'H11',
    about: 'a shared graph of 2^26 as input',
    code: 'let d = {}; for (let i = 0; i < 26; i++) d = { a: d, b: d }\nawait echo(d)',
    sees: /RangeError: The input of echo is too large: written out[^]*step2\.ts:2:/,
  },
  {
    id: 'H12',
    about: '300 000 keys as input',
    code: 'const o = {}; for (let i = 0; i < 3e5; i++) o[i] = 0\nawait echo(o)',
    sees: /RangeError: The input of echo is too large|limit \((?:timeout|memory)\)/,
  },
  {
    id: 'H13',
    about: 'a text of 30 MB as input',
    code: 'await echo("x".repeat(3e7))',
    sees: /RangeError: The input of echo/,
  },
  {
    id: 'H14',
    about: 'keys __proto__ and constructor as input',
    code: 'const r = await echo(JSON.parse(`{"__proto__":{"admin":1},"constructor":{"x":1}}`)); [Object.keys(r), r.admin, ({}).admin]',
    sees: /\[ \[ '__proto__', 'constructor' \], undefined, undefined \]/,
  },
  {
    id: 'H15',
    about: 'an input that answers differently each time',
    code: 'let n = 0; await echo({ get amount() { return ++n }, toJSON: undefined }); n',
    sees: /^1$/m,
    gets: { amount: 1, toJSON: undefined },
  },
  {
    id: 'H15',
    about: 'an input whose keys loop',
    code: 'await echo(new Proxy({}, { ownKeys() { for (;;); } }))',
    sees: TIMEOUT,
  },
  {
    id: 'H15',
    about: 'an input whose getter throws',
    code: 'await echo({ get a() { throw new RangeError("mine") } })',
    sees: /RangeError: mine[^]*step2\.ts:1:/,
  },
  {
    id: 'H16',
    about: 'intrinsics overwritten',
    code: `const lie = () => 'stolen'
JSON.stringify = JSON.parse = lie; Promise.prototype.then = lie; Array.prototype[Symbol.iterator] = lie; Object.keys = lie
Object.prototype.toJSON = lie; Reflect.ownKeys = lie; Object.freeze(globalThis.Array)
const back = await echo({ a: [1, { b: 'x' }] }); back.a[1].b`,
    sees: /^'x'$/m,
    gets: { a: [1, { b: 'x' }] },
  },
  {
    id: 'H17',
    about: 'a thenable, odd strings, and -0 as a result',
    code: 'const t = await odd({}); [t.then, Object.is(t.minus, -0), t.lone, t.nul, t.bidi.length]',
    sees: /\[ 'no function', true, '\\uD800', 'a\\x00b', 5 \]/i,
  },
  {
    id: 'H17',
    about: 'an error with a forged stack as a result',
    code: 'const { error } = await forged({}); [error.message, error.stack]',
    sees: /^(?![^]*host\.js)[^]*'forged'/,
  },
  { id: 'H18', about: 'import of node:fs', code: 'const fs = await import("node:fs")', sees: /Error/ },
  {
    id: 'H18',
    about: 'the host’s objects',
    code: 'const f = Function("return this")(); [typeof f.process, typeof f.require, typeof f.WebAssembly, typeof f.Atomics, typeof (0, eval)("this").Deno]',
    sees: /\[ ('undefined',?\s+){5}\]/,
  },
  {
    id: 'H19',
    about: 'a tool that was not granted, and an internal name',
    code: 'const seen = []; for (const name of ["rm", "$ask", "$sleep"]) { try { await tools[name]({}) } catch (e) { seen.push(e.name) } }\nseen',
    sees: /\[ 'TypeError', 'TypeError', 'TypeError' \]/,
  },
  {
    id: 'H19',
    about: 'a million calls',
    code: 'for (let i = 0; i < 1e6; i++) echo(i)\nawait 1',
    sees: /limit \(calls\)[^]*more than 50 calls/,
  },
  {
    id: 'H20',
    about: 'a tool’s error with a path and a token',
    code: 'try { await fails({}) } catch (e) { print(e.name, e.message, e.stack) }',
    sees: /^(?![^]*(?:id_rsa|sk-token))[^]*Error open <path> failed/,
  },
]
