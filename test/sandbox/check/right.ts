/** Programs that run, and that a type checker which believes in types would refuse. By what it would say. */

export const RIGHT: Readonly<Record<string, string>> = {
  'a variable that gets a value of another type':
    "let r = ''\nr = await bare()\nprint(r.items.map((x) => x.id))",
  'an element that gets a value of another type':
    "const row = 'a,5'.split(',')\nrow[1] = Number(row[1])\nprint(row[1].toFixed(2))",
  'elements changed through a callback parameter':
    "const rows = 'a,1'.split('\\n').map((l) => l.split(','))\nrows.forEach((r) => { r[1] = +r[1] })\nprint(rows[0][1].toFixed(1))",
  'elements changed in a loop':
    "const rows = 'a,1'.split('\\n').map((l) => l.split(','))\nfor (const r of rows) r[1] = +r[1]\nprint(rows[0][1].toFixed(1))",
  'elements changed by a function':
    "function fix(r) { r[1] = { n: +r[1] } }\nconst row = 'a,1'.split(',')\nfix(row)\nprint(row[1].n.toFixed(1))",
  'elements changed through an alias':
    "const row = 'a,1'.split(',')\nconst same = row\nsame[1] = { n: 1 }\nprint(row[1].n.toFixed(1))",
  'elements changed through what a function gives':
    "const all = ['a']\nconst get = () => all\nget().push({ n: 1 })\nprint(all[1].n.toFixed(1))",
  'an array that gets elements of another type':
    "const list = ['a']\nlist.push({ name: 'b' })\nprint(list[1].name.toUpperCase())",
  'a property that gets a value of another type':
    "const state = { result: '' }\nstate.result = await bare()\nprint(state.result.items.length)",
  'a property made by a computed write':
    "const s = { a: '' }\nconst k = 'a'\ns[k] = { deep: { x: 1 } }\nprint(s.a.deep.x)",
  'a field of a class that gets another value':
    "class A { #x = ''; set(v) { this.#x = v } get() { return this.#x.items.length } }\nconst a = new A()\na.set(await bare())\nprint(a.get())",
  'a field that no class declares': 'class A { constructor() { this.n = 1 } }\nprint(new A().n.toFixed())',
  'a map whose values change their type':
    "const m = new Map([['a', 1]])\nm.set('b', { x: { y: 1 } })\nprint(m.get('b').x.y)",
  'properties added later': 'const o = {}\no.x = 1\no.f = () => 2\nprint(o.x + o.f())',
  'properties added by Object.assign': 'const o = {}\nObject.assign(o, { f() { return 1 } })\nprint(o.f())',
  'a member that is asked for': "const s = 'abc'\nif (s.foo) s.foo()\nprint(s.foo?.(), s?.bar)",
  'a method added to a prototype':
    'Array.prototype.last = function () { return this[this.length - 1] }\nprint([1].last().toFixed())',
  'a method added to a prototype by a computed name':
    "for (const k of ['last']) Array.prototype[k] = function () { return this[0] }\nprint([1].last().toFixed())",
  'a method added by defineProperty':
    "Object.defineProperty(String.prototype, 'shout', { value() { return this.toUpperCase() } })\nprint('a'.shout())",
  'a parameter with a default': "function f(n = 1) { return n.toUpperCase() }\nprint(f('a'))",
  'a reduce that changes its accumulator':
    'print([1, 2].reduce((acc, x) => { if (acc === 0) return [x]; acc.push(x); return acc }, 0).map((x) => x))',
  'a variable that begins as null':
    'let best = null\nfor (const x of [1]) if (best === null || x > best.n) best = { n: x }\nprint(best.n)',
  'a variable that begins undefined':
    'let best\nfor (const x of [{ n: 1 }]) best = x\nprint(best.n.toFixed())',
  'an annotation that is wrong':
    "const n: number = 'abc' as any\nprint((n as any).length)\nconst m: number = await bare()\nprint(m.items)",
  'an annotation that lacks a property':
    'interface Row { a: number }\nconst rows: Row[] = await bare()\nprint(rows[0].b)',
  'a type that nobody declared': 'const rows: Row[] = (await bare()) as Foo\nprint(rows satisfies Bar)',
  'a type of an earlier step':
    'type X = Y<number>\nfunction f<T extends Z>(x: T): X { return x as any }\nprint(f(1))',
  'too many arguments, too few':
    'function f(a, b) { return [a, b] }\nprint(f(1), f(1, 2, 3), [1].map(String, 1, 2), Math.max())',
  'arguments of another type':
    "print(parseInt(5), isNaN('a'), Math.round('2.5'), 'a'.padStart('3'), [1].includes('a'))",
  'arithmetic on what is no number':
    "print('5' * 2, new Date(5) - new Date(3), true + 1, [] + {}, +'3', -'2', '7' % 4)",
  'comparisons that are always false': "const a = 'x'\nprint(a === 5, a == 'y', typeof a === 'nothing')",
  'a const string for a union':
    "const status = 'open'\nawait search({ query: 'a', status })\nconst o = { query: 'a', status: 'open' }\nawait search(o)",
  'a list for a tuple': "const range = [1, 2]\nawait search({ query: 'a', range })",
  'a choice for a union':
    "const q = given ? 'open' : 'closed'\nawait search({ query: 'a', status: q })\nlet s = 'open'\nif (given) s = 'closed'\nawait search({ query: 'a', status: s })",
  'an input that is filled in later':
    "const input = {}\ninput.order = 'a'\ninput.amount = 5\nawait refund(input)",
  'an input that is spread':
    "const base = { order: 'a' }\nawait refund({ ...base, ...given, amount: 1 })\nawait refund({ ...given })",
  'an input of any':
    'const rows = await bare()\nfor (const r of rows) await refund({ order: r.id, amount: r.total })',
  'rows of mixed values':
    "for (const [order, amount] of [['A', 40], ['B', 250]]) await refund({ order, amount })\nconst rows = [['A', 1]].map(([a, b]) => ({ order: a, amount: b }))\nfor (const row of rows) await refund(row)\nconst list = [{ order: 'a' }, { order: 'b', amount: 1 }]\nfor (const each of list) await refund(each)\nawait refund({ order: given ? 'a' : 5, amount: given ? 1 : 'x' })",
  'an optional for a required':
    "const rows = await search({ query: 'a' })\nawait refund({ order: rows[0].note, amount: rows.find((r) => r.total > 1)?.total })",
  'what takes anything':
    'await anything()\nawait anything(5)\nawait bare()\nawait bare({ x: 1 })\nawait bare(1, 2)',
  'members of one side of a union':
    "const p = await pay({ amount: 1 })\nprint(p.ok ? p.receipt : p.error, p.error ?? 'none')\nif (!p.ok) print(p.error)",
  'what a nullable may lack': 'const c = await customer({ id: 1 })\nprint(c.address.city, c.address?.city)',
  'a declared result that is changed':
    "const rows = await search({ query: 'a' })\nrows[0].extra = { n: 1 }\nprint(rows[0].extra.n)\nrows[0].total = { value: rows[0].total }\nprint(rows[0].total.value.toFixed())",
  'a member that the result may have':
    "const [r] = await search({ query: 'a' })\nprint(r.title ?? r.id, r.title || 'x')\nif (r.title) print(r.title)\nconst { subtitle = 'none' } = r",
  'tools by their strange names':
    "await tools['note-down']({ text: 'a' })\nawait tools.delete({ id: 1 })\nawait tools.search({ query: 'a' })\nprint(Object.keys(tools), tools['nothing'])",
  'a tool that is shadowed':
    "const search = await tools.search({ query: 'a' })\nprint(search.length)\nfunction f(refund) { return refund(1, 2, 3) }\nprint(f((x) => x))",
  'a tool shadowed by what it gives': "const search = await search({ query: 'a' })\nprint(search[0].id)",
  'a local function of a tool’s name':
    'function g() { const refund = (a, b) => a\n return refund() }\nprint(g())',
  'names that are asked for':
    "if (typeof fetch !== 'undefined') await fetch('x')\nconst p = typeof process === 'object' ? process.env : {}\nif ('Buffer' in globalThis) Buffer.from('a')\nif (globalThis.Deno) Deno.exit()",
  'globals that are made': 'globalThis.counter = 1\ncounter++\nprint(counter)',
  'globals that are made by code': "(0, eval)('var made = 1')\nprint(made)",
  'what is caught':
    "try { nothing() } catch (e) { print(e.message) }\ntry { (5)() } catch {}\ntry { null.x } catch {}\ntry { 'a'.foo() } catch {}\ntry { const c = 1; c = 2 } catch {}\ntry { x; let x = 1 } catch {}",
  'what a promise catches':
    'const f = async () => nothing()\nawait f().catch((e) => print(e.name))\nawait Promise.resolve().then(() => nowhere()).catch(() => 0)\nawait Promise.allSettled([f()])\nawait (async () => gone())().then(print, print)',
  'what a helper catches':
    "function attempt(f) { try { return f() } catch (e) { return e.message } }\nprint(attempt(() => nothing()), attempt(() => 'a'.foo()))\nconst safe = async (f) => f().catch(() => 0)\nprint(await safe(async () => gone()))",
  'what is caught by a table':
    "const cases = [['a', () => nothing()], ['b', () => (5)()]]\nfor (const [n, f] of cases) try { f() } catch (e) { print(n, e.name) }",
  'what is caught by name':
    'function boom() { return deeper() }\nfunction deeper() { return nothing() }\ntry { boom() } catch (e) { print(e.name) }',
  'a function for later':
    'function total(rows) { return helper(rows) }\nconst later = () => another()\nclass P { run() { return third() } }\nprint(1)',
  'closures over what comes below':
    'const f = () => below\nconst below = 1\nprint(f())\nfunction g() { return lower }\nlet lower = 2\nprint(g())',
  'properties of errors':
    "const e = new Error('x')\nprint(e.code, e.status)\nclass HttpError extends Error { constructor(m) { super(m); this.status = 5 } }\ntry { throw new HttpError('a') } catch (e) { print(e.status, e.cause?.x) }",
  'properties of functions': 'function f() { f.count = (f.count ?? 0) + 1 }\nf()\nprint(f.count)',
  'narrowing that TypeScript cannot see':
    "let done = false\nconst finish = () => { done = true }\nfinish()\nif (done) print('yes')\nconst s = { n: 0 }\nconst add = () => { s.n++ }\nadd()\nif (s.n === 1) print(s.n.toFixed())",
  'a switch over what cannot be':
    "const kind = 'a'\nswitch (kind) { case 'b': print(kind.length); break; default: print(kind) }",
  'unused, unreachable, unlabelled':
    'const unused = 1\nfunction f() { return 1; print(2) }\nx: for (;;) { break }\nprint(f())',
  'an implicit any everywhere':
    'const f = (a, { b, c }, ...d) => [a, b, c, d]\nprint(f(1, {}, 2))\nprint([[1, 2]].map(([a, b]) => a + b))',
  'sparse, mixed and nested lists':
    "const xs = [1, 'a', null, { b: 1 }, [2]]\nprint(xs[3].b, xs[4][0], xs.flat(Infinity).length)\nconst g = Array.from({ length: 2 }, () => Array(2).fill(null))\ng[0][1] = { x: 1 }\nprint(g[0][1].x)",
  'iteration over anything':
    'for (const x of given) print(x)\nfor (const [k, v] of Object.entries(given)) print(k, v.name)\nfor await (const x of [Promise.resolve(1)]) print(x)\nprint(...given, [...(await bare())])',
  'symbols, proxies, getters':
    'const o = { get x() { return 1 }, [Symbol.iterator]: function* () { yield 1 } }\nprint(o.x, [...o])\nconst p = new Proxy({}, { get: (_, k) => k })\nprint(p.whatever, p.foo.length)\nprint(Reflect.ownKeys(o).length)',
  'an accumulator by groups':
    "const rows = await search({ query: 'a' })\nconst by = {}\nfor (const r of rows) (by[r.id] ??= []).push(r)\nconst g = Object.groupBy(rows, (r) => r.id)\nprint(by.a?.length, g.b?.map((r) => r.total), Object.values(g)[0][0].total.toFixed())",
  'enums, namespaces, parameter properties':
    "enum Color { Red = 'red', Blue = 'blue' }\nnamespace N { export const x = 1 }\nclass P { constructor(public name: string, private n = 1) {} }\nprint(Color.Red.toUpperCase(), N.x, new P('a').name, Object.values(Color))",
  'a return at the top level':
    "const rows = await search({ query: 'a' })\nif (rows.length === 0) return 'none'\nreturn rows[0].id.toUpperCase()",
  'what finalAnswer leaves behind':
    "const rows = await search({ query: 'a' })\nif (rows.length > 0) finalAnswer(rows.map((r) => r.id))\nfinalAnswer(null)\nprint(rows[0].id)",
  'a comment that speaks to the checker':
    "// @ts-nocheck\n/** @type {Nothing} */\nconst x = 1\n/// <reference path='/etc/passwd' />\nprint(x) // @ts-expect-error\n",
  'text that is not ASCII':
    "const größe = '💥'\nprint(größe.length, `${größe}日本`)\nconst o = { 'é-à': 1 }\nprint(o['é-à'].toFixed())",
  'numbers of all kinds': 'print(1n + 2n, 5n * 2n, BigInt(3) > 2, 0x1f.toString(16), 1_000, 5..toFixed(1))',
  'dates and times':
    "const d = new Date('2024-01-01')\nd.setDate(d.getDate() + 1)\nprint(d.toISOString(), d > new Date(0), d.getTime() - Date.now())",
  'sleep and ask':
    "await sleep('1s')\nawait sleep(5)\nconst size = await ask('Which?')\nprint(size.toUpperCase(), (await ask('a', { type: 'number' })).toFixed())",
  'promises all the way':
    "const [a, b] = await Promise.all([search({ query: 'a' }), bare()])\nprint(a[0].id, b.x)\nconst p = search({ query: 'b' })\nprint((await p).length, await p.then((r) => r.length))\nconst first = await Promise.race([p, sleep(5)])\nprint(first)",
}
