/** The platform's classes that every JavaScript has: what they say here is what they say on Node. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encode } from '../../../src/base/codec.ts'
import { CLOCK, session } from '../session.ts'
import type { Session } from '../session.ts'
import { printedOnNode } from './on-node.ts'

/** Put before each program: runs `f`, and tells what it gives or throws. */
const TELL = `const tell = (f) => { try { console.log(f()) } catch (e) { console.log('!', e.name, e.message, e.code) } }\n`

const PROGRAMS: { readonly [about: string]: readonly string[] } = {
  URL: [
    'console.log(new URL("https://user:pass@example.com:8443/a/../b c?x=1&y=é#frag"))',
    'tell(() => new URL("nope")); tell(() => new URL("/x", "nope")); tell(() => new URL())',
    'try { new URL("nope", "base") } catch (e) { console.log(e.code, e.input, e.base, e instanceof TypeError) }',
    'console.log(new URL("../c?d#e", "http://a.b/x/y/z").href, new URL("//h/p", "https://a").href)',
    'console.log(URL.canParse("x"), URL.canParse("x:y"), URL.canParse("/x", "http://a"), URL.parse("x"), URL.parse("http://a")?.href)',
    'const u = new URL("http://a.b"); u.pathname = "/é x"; u.search = "q=1"; u.hash = "h"; u.port = "81"; u.host = "c.d:90"; u.hostname = "e.f"; u.protocol = "https"; u.username = "me"; u.password = "p@"; console.log(u.href, String(u), JSON.stringify({ u }), u.origin)',
    'const u = new URL("http://a.b"); u.port = "bad"; u.protocol = "no colon"; u.href = "ftp://x/y"; console.log(u.href); tell(() => { u.href = "zzz" }); console.log(u.href)',
    'const u = new URL("http://a.b/?x=1"); u.searchParams.append("y", "a b&c"); u.searchParams.delete("x"); console.log(u.href, u.search); u.search = "?z=9"; console.log([...u.searchParams], u.searchParams === u.searchParams)',
    'console.log(new URL("http://münchen.de/straße").href, new URL("http://[::1]:80/").host, new URL("data:text/plain,hi").pathname)',
    'class Mine extends URL { get last() { return this.pathname.split("/").at(-1) } }; console.log(new Mine("http://a/b/c").last, new Mine("http://a") instanceof URL)',
    'console.log(Object.prototype.toString.call(new URL("a:b")), `${new URL("a:b")}`, new URL("a:b") + "")',
  ],
  URLSearchParams: [
    'console.log(new URLSearchParams("?a=1&a=2&b=%20x+y&c&=e&%zz=%C3%A4"))',
    'console.log(String(new URLSearchParams({ a: 1, b: "x y", c: "é&=", d: null })), String(new URLSearchParams([["a", "1"], ["a", 2]])), String(new URLSearchParams(new Map([["m", "1"]]))))',
    'const p = new URLSearchParams("b=2&a=1&b=3"); console.log(p.get("b"), p.get("z"), p.getAll("b"), p.has("a"), p.has("b", "3"), p.has("b", "9"), p.size); p.sort(); console.log(String(p)); p.set("b", "x"); p.set("n", 1); p.delete("a", "7"); console.log(String(p), [...p.keys()], [...p.values()], [...p])',
    'const p = new URLSearchParams("a=1&b=2"); p.forEach((v, k, all) => console.log(k, v, all === p)); for (const [k, v] of p) console.log(k, v); console.log(Object.fromEntries(p), new URLSearchParams(p) + "", new URLSearchParams() + "", new URLSearchParams())',
    'tell(() => new URLSearchParams([["a"]])); tell(() => new URLSearchParams([1])); tell(() => new URLSearchParams({ [Symbol.iterator]: 1 })); tell(() => new URLSearchParams("a").append("x")); tell(() => new URLSearchParams("a").get())',
    'console.log(new URLSearchParams("a=\\ud800").toString(), new URLSearchParams({ "ä\\ud800": "~!*()\'" }).toString(), new URLSearchParams(null) + "", new URLSearchParams(undefined) + "", new URLSearchParams(5) + "")',
  ],
  'text and bytes': [
    'console.log(new TextEncoder().encode("aé漢🎉\\ud800"), new TextEncoder().encode(), new TextEncoder().encoding, new TextEncoder().encode("x".repeat(70)).length)',
    'console.log(new TextEncoder().encodeInto("aé🎉z", new Uint8Array(4)), new TextEncoder().encodeInto("ab", new Uint8Array(9)))',
    'console.log(new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 65, 0xc3, 0xa9])), new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 65])).length, new TextDecoder().decode(), new TextDecoder())',
    'tell(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([65, 255]))); console.log(JSON.stringify(new TextDecoder().decode(new Uint8Array([65, 255, 66]))))',
    'tell(() => new TextDecoder("nope")); console.log(new TextDecoder("latin1").encoding, new TextDecoder("latin1").decode(new Uint8Array([0x80, 0xe9])), new TextDecoder("utf-16le").decode(new Uint16Array([65, 0x6f22])), new TextDecoder("shift_jis").decode(new Uint8Array([0x83, 0x65])))',
    'const d = new TextDecoder(); const bytes = new TextEncoder().encode("a漢🎉b"); let out = ""; for (const b of bytes) out += "|" + d.decode(new Uint8Array([b]), { stream: true }); out += "|" + d.decode(); console.log(out, d.decode(new Uint8Array([66])))',
    'const b = new TextEncoder().encode("hello"); console.log(new TextDecoder().decode(b.buffer), new TextDecoder().decode(new DataView(b.buffer, 1, 2)), new TextDecoder().decode(b.subarray(2)))',
    'console.log(btoa("hi"), atob("aGk="), btoa(""), atob(" aG\\nk "), btoa(null)); tell(() => btoa("漢")); tell(() => atob("*")); tell(() => atob("a"))',
    'console.log((await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"))), Object.prototype.toString.call(crypto.subtle))',
    'for (const name of ["SHA-1", "sha-384", { name: "SHA-512" }]) console.log(new Uint8Array(await crypto.subtle.digest(name, new Uint8Array(0))).length)',
    'for (const f of [() => crypto.subtle.digest("MD5", new Uint8Array(1)), () => crypto.subtle.digest("SHA-256", "text")]) await f().catch((e) => console.log(e.name, e.message, e.code))',
    'const a = crypto.getRandomValues(new Uint8Array(4)); console.log(a.length, a.constructor.name, crypto.randomUUID().length, /^[0-9a-f-]{14}4/.test(crypto.randomUUID()))',
    'tell(() => crypto.getRandomValues(new Float32Array(1))); tell(() => crypto.getRandomValues(new Uint8Array(70000)))',
  ],
  structuredClone: [
    'const o = { a: [1, , 3], m: new Map([["k", 1]]), d: new Date(5), r: /x/gi, n: null, u: undefined, b: 5n }; o.self = o; o.twice = [o.m, o.m]; const c = structuredClone(o); console.log(c, c !== o, c.self === c, c.twice[0] === c.m)',
    'tell(() => structuredClone(() => {})); tell(() => structuredClone({ a: Symbol("x") })); tell(() => structuredClone([Promise.resolve(1)])); tell(() => structuredClone(new WeakMap())); tell(() => structuredClone(new URL("a:b"))); tell(() => structuredClone(class X {}))',
    'const e = structuredClone(Object.assign(new TypeError("m", { cause: { a: 1 } }), { code: 3 })); console.log(e instanceof TypeError, e.message, e.cause, e.code, Object.keys(e)); console.log(structuredClone(new (class E extends Error { name = "EE" })("m")).name)',
    'const e = structuredClone(new DOMException("m", "AbortError")); console.log(e.name, e.message, e.code, e instanceof DOMException)',
    'console.log(structuredClone(new (class A { x = 1; #y = 2; get z() { return 1 } m() {} })()), structuredClone({ get a() { return 2 }, [Symbol("q")]: 1 }), structuredClone(Object.assign([1], { z: 1 })))',
    'const buffer = new ArrayBuffer(8); const o = structuredClone({ a: new Uint8Array(buffer, 2, 2), b: new DataView(buffer) }); console.log(o.a, o.a.buffer === o.b.buffer, o.a.buffer !== buffer)',
    'const b = new Uint8Array([1, 2]); const c = structuredClone(b, { transfer: [b.buffer] }); console.log(b.length, c)',
    'console.log(structuredClone(Object.assign(/a/gy, { lastIndex: 1 })).lastIndex, structuredClone(new Date(NaN)), structuredClone(Object("s")), structuredClone(Object(1n)), structuredClone(-0), structuredClone("\\ud800") === "\\ud800")',
    'tell(() => structuredClone({ ["__proto__"]: 1 })); console.log(Object.keys(structuredClone(JSON.parse(\'{"__proto__":1}\'))))',
  ],
  'events and aborts': [
    'const t = new EventTarget(); const seen = []; const f = (e) => seen.push(e.type, e.detail); t.addEventListener("x", f); t.addEventListener("x", f); t.addEventListener("x", { handleEvent(e) { seen.push(this !== undefined, e.target === t, this.handleEvent.length) } }); console.log(t.dispatchEvent(new CustomEvent("x", { detail: 5 })), seen); t.removeEventListener("x", f); t.dispatchEvent(new Event("x")); console.log(seen.length)',
    'const t = new EventTarget(); t.addEventListener("x", (e) => { e.preventDefault(); e.stopImmediatePropagation() }, { once: true }); t.addEventListener("x", () => console.log("second")); console.log(t.dispatchEvent(new Event("x", { cancelable: true }))); console.log(t.dispatchEvent(new Event("x", { cancelable: true })))',
    'const t = new EventTarget(); const c = new AbortController(); t.addEventListener("x", () => console.log("heard"), { signal: c.signal }); t.dispatchEvent(new Event("x")); c.abort(); t.dispatchEvent(new Event("x"))',
    'tell(() => new EventTarget().dispatchEvent({})); tell(() => new Event()); tell(() => new EventTarget().addEventListener("x")); tell(() => new AbortSignal())',
    'const c = new AbortController(); console.log(c); c.signal.addEventListener("abort", (e) => console.log(e.type, e.isTrusted, e.target === c.signal)); c.signal.onabort = () => console.log("on"); c.abort(); c.abort("again"); console.log(c.signal, c.signal.reason.name, c.signal.reason.message, c.signal.reason.code)',
    'const c = new AbortController(); c.abort(new Error("why")); tell(() => c.signal.throwIfAborted()); console.log(AbortSignal.abort("r").reason, AbortSignal.abort().aborted)',
    'const a = new AbortController(), b = new AbortController(); const any = AbortSignal.any([a.signal, b.signal]); any.addEventListener("abort", () => console.log("any", any.reason)); b.abort("b"); a.abort("a"); console.log(any.aborted, AbortSignal.any([b.signal]).reason)',
    'class Bus extends EventTarget { say(m) { return this.dispatchEvent(new CustomEvent("m", { detail: m })) } }; const b = new Bus(); b.addEventListener("m", (e) => console.log(e.detail)); b.say([1]); console.log(b)',
    'console.log(new Event("e", { bubbles: true }).bubbles, new CustomEvent("c").detail, Event.AT_TARGET, String(new Event("x")), new Event("x").defaultPrevented)',
    'const e = new DOMException("m", "NotFoundError"); console.log(e.name, e.message, e.code, e instanceof Error, String(e), DOMException.ABORT_ERR, e.NOT_FOUND_ERR, DOMException.INVALID_CHARACTER_ERR, new DOMException().name, new DOMException("a", { name: "Q", cause: 1 }).cause)',
  ],
  'timers and microtasks': [
    'await new Promise((done) => { setTimeout((a, b) => { console.log(a, b); done() }, 5, 1, 2) })',
    'const seen = []; await new Promise((done) => { const id = setInterval((a) => { seen.push(a); if (seen.length === 3) { clearInterval(id); done() } }, 5, "tick") }); console.log(seen)',
    'const t = setTimeout(() => console.log("never"), 5); clearTimeout(t); const u = setTimeout(() => console.log("never"), 5); clearTimeout(+u); clearTimeout(undefined); await new Promise((done) => setTimeout(done, 20)); console.log(typeof +t, t.hasRef(), t.unref() === t, t.hasRef())',
    'await new Promise((done) => setImmediate((x) => { console.log(x); done() }, 4)); const i = setImmediate(() => console.log("never")); clearImmediate(i)',
    'tell(() => setTimeout("code", 1)); tell(() => setTimeout()); tell(() => queueMicrotask(1)); tell(() => setInterval(null)); tell(() => queueMicrotask(class Named {}.prototype))',
    'const order = []; setTimeout(() => order.push("timeout"), 0); queueMicrotask(() => order.push("micro")); Promise.resolve().then(() => order.push("then")); order.push("now"); await new Promise((done) => setTimeout(done, 5)); console.log(order)',
    'console.log(performance.now() >= 0, performance.timeOrigin > 0, typeof performance.now(), globalThis === global)',
    'console.log(String(new Date(0)), new Date(NaN) + "", new Date(1e12).toTimeString(), `${new Date(5)}`, new Date(0).toDateString(), new Date(0).toUTCString())',
  ],
}

let guest: Session
beforeAll(async () => {
  guest = await session()
})
afterAll(() => guest[Symbol.asyncDispose]())

for (const [about, sources] of Object.entries(PROGRAMS)) {
  describe(`as on Node: ${about}`, () => {
    for (const source of sources) {
      test(`${source}`, async () => {
        const program = `{ ${TELL}${source} }\nundefined`
        expect(await guest.show(program)).toBe(await printedOnNode(program))
      })
    }
  })
}

test('any bytes are decoded, and any text encoded, as on Node', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'binary', maxLength: 100 }),
      async (bytes, text) => {
        const source =
          'const r = [new TextDecoder().decode(bytes), [...new TextEncoder().encode(text)].join()]; r.join()'
        const here = [new TextDecoder().decode(bytes), [...new TextEncoder().encode(text)].join()].join()
        await guest.step(
          `${source.replace('; r.join()', '')}; print(r.join() === here)`,
          encode({ bytes, text, here }),
        )
        expect(await guest.show('r.join() === here')).toBe('true')
      },
    ),
    { numRuns: 60 },
  )
})

test('any query is read and written as on Node', async () => {
  const part = fc.string({
    unit: fc.oneof(
      fc.constantFrom('&', '=', '+', '%', '%C3', '?', '#', 'é', '\ud800'),
      fc.string({ maxLength: 1 }),
    ),
  })
  await fc.assert(
    fc.asyncProperty(part, async (query) => {
      const here = new URLSearchParams(query)
      const variables = encode({ query, written: here.toString(), read: [...here] })
      expect(
        await guest.show(
          'const p = new URLSearchParams(query); [p.toString() === written, JSON.stringify([...p]) === JSON.stringify(read)].join()',
          variables,
        ),
      ).toBe("'true,true'")
    }),
    { numRuns: 60 },
  )
})

test('URLs cross as URLs, in both directions', async () => {
  const [u, p] = [new URL('http://a/?x=é#y'), new URLSearchParams('x=1&y=2')]
  const source =
    'const crossed = [given, given.u instanceof URL, given.u.search, given.p.get("y")]; finalAnswer(given)'
  const halt = await guest.start(source, encode({ given: { u, p, again: u } }))
  expect(halt).toMatchObject({ kind: 'ended', ending: { value: encode({ u, p, again: u }) } })
  expect(await guest.show('crossed.slice(1)')).toBe("[ true, '?x=%C3%A9', '2' ]")
  expect(await guest.show('finalAnswer(Object.create(URL.prototype))')).toMatch(/cannot be passed out/)
})

describe('timers are calls', () => {
  test('a timer that is waited for outlives the process; one that is not ends with the step', async () => {
    const waiting = await guest.start(
      'const t = AbortSignal.timeout(60_000); await new Promise((r) => t.addEventListener("abort", r)); t.reason.name',
    )
    expect(waiting).toMatchObject({ kind: 'waiting', calls: [{ name: '$sleep' }] })
    const [call] = waiting.kind === 'waiting' ? waiting.calls : []
    const ended = await guest.sandbox.settle(
      call?.id ?? '',
      { ok: true, value: '-1' },
      { clock: CLOCK + 60_000 },
    )
    expect(ended).toMatchObject({ kind: 'ended', ending: { shown: "'TimeoutError'" } })
    const left = await guest.start('setTimeout(() => print("never"), 5); 1')
    expect(left).toMatchObject({
      kind: 'ended',
      open: expect.arrayContaining([expect.stringMatching(/\.1$/)]),
    })
  })

  test('what a callback throws is told: of a timer, a microtask, a listener', async () => {
    for (const source of [
      'setTimeout(() => { throw new Error("thrown") }, 1); await sleep(5)',
      'queueMicrotask(() => { throw new Error("thrown") })',
      'const t = new EventTarget(); t.addEventListener("x", () => { throw new Error("thrown") }); t.dispatchEvent(new Event("x")); 1',
    ])
      expect(await guest.show(source)).toMatch(/! Error: thrown/)
  })
})

test('what the code does to built-ins does not reach the platform’s classes', async () => {
  const source = `const saved = [Array.prototype[Symbol.iterator], String.prototype.slice, JSON.parse, Map.prototype.get, Promise.reject]
Array.prototype[Symbol.iterator] = () => { throw 1 }; String.prototype.slice = () => 'x'; JSON.parse = () => 9; Map.prototype.get = () => 9
Array.prototype.toJSON = Object.prototype.toJSON = String.prototype.toJSON = () => 'mine'; Promise.reject = () => 9
const u = new URL('http://a.b/?x=é'); u.searchParams.append('y', '2')
print(u.href, new TextDecoder().decode(new TextEncoder().encode('é')), structuredClone({ a: 1 }).a, AbortSignal.abort().aborted)
delete Array.prototype.toJSON; delete Object.prototype.toJSON; delete String.prototype.toJSON
Array.prototype[Symbol.iterator] = saved[0]; String.prototype.slice = saved[1]; JSON.parse = saved[2]; Map.prototype.get = saved[3]; Promise.reject = saved[4]; undefined`
  expect(await guest.show(source)).toBe('http://a.b/?x=%C3%A9&y=2 é 1 true\n')
})

const ABSENT: readonly (readonly [code: string, words: RegExp])[] = [
  ['await fetch("http://a")', /fetch is not defined\. There is no network here; use a tool\./],
  ['require("fs")', /require is not defined\. Nothing can be imported/],
  ['process.env.HOME', /process is not defined\. There is no process/],
  ['Buffer.from("a")', /Buffer is not defined\. Use Uint8Array/],
  ['fs.readFileSync("a")', /fs is not defined\. There are no files/],
  ['document.title', /document is not defined\. There is no page/],
  ['module.exports = 1', /module is not defined\. Nothing can be imported or exported/],
]

for (const [code, words] of ABSENT) {
  test(`what is not there says what is there instead: ${code}`, async () => {
    expect(await guest.show(code)).toMatch(words)
    expect(await guest.show('typeof fetch')).toBe("'undefined'")
  })
}
