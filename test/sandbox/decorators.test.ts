/** Standard decorators and accessors, which are made into classes that the engine knows. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { session } from './session.ts'
import type { Session } from './session.ts'

const LOG = `function log(value: any, context: any) {
  print(context.kind, String(context.name), context.static, context.private)
  if (context.kind === 'method') return function (this: any, ...args: any[]) { return [value.apply(this, args)] }
}
`
const MIN =
  'const min = (n: number) => (_: undefined, context: unknown) => (value: number) => Math.max(n, value)\n'

const MEMBERS: Readonly<Record<string, readonly [source: string, shown: string]>> = {
  'a method': [
    `${LOG}class A { @log m(x: number) { return x * 2 } }\nnew A().m(4)`,
    'method m false false\n[ 8 ]',
  ],
  'a static method': [
    `${LOG}class A { @log static m() { return this.name } }\nA.m()`,
    "method m true false\n[ 'A' ]",
  ],
  'a method that calls the one above': [
    `${LOG}class A { m() { return 1 } }\nclass B extends A { @log override m() { return super.m() + 1 } }\nnew B().m()`,
    'method m false false\n[ 2 ]',
  ],
  'an async generator': [
    `${LOG}class A { @log async *m() { yield 1 } }\nconst [it] = new A().m() as any; (await it.next()).value`,
    'method m false false\n1',
  ],
  'a getter and a setter': [
    `const twice = (get: any, context: any) => { print(context.kind); return function (this: any) { return get.call(this) * 2 } }
const half = (set: any, context: any) => { print(context.kind); return function (this: any, v: number) { set.call(this, v / 2) } }
class A { #v = 1; @twice get v() { return this.#v } @half set v(v) { this.#v = v } }
const a = new A(); const first = a.v; a.v = 20; [first, a.v]`,
    'getter\nsetter\n[ 2, 20 ]',
  ],
  fields: [
    `${MIN}class A { @min(5) a = 1; @min(0) b = 7; @min(1) static c = 3; @min(9) #d = 4; d() { return this.#d } @min(2) ['e'] = 1 }
const a = new A(); [a.a, a.b, A.c, a.d(), a.e]`,
    '[ 5, 7, 3, 9, 2 ]',
  ],
  'a field without a value': [
    `const start = (_: any, context: any) => (value: any) => value ?? 'none'\nclass A { @start a?: string; @start b\n c = 1 }\nnew A()`,
    "A { a: 'none', b: 'none', c: 1 }",
  ],
  'a private field, seen from outside': [
    `let access: any; const keep = (_: any, context: any) => { access = context.access; print(context.name, context.private) }
class A { @keep #p = 4 }
const a = new A(); access.set(a, access.get(a) + 1); [access.get(a), access.has(a), access.has({})]`,
    '#p true\n[ 5, true, false ]',
  ],
  'names of every kind': [
    `${LOG}const key = 'computed'\nclass A { @log [key]() {} @log 'a b' = 1; @log 5 = 1; @log [Symbol.iterator] = 1; @log get() {} @log static() {} @log static async() {} }`,
    'method computed false false\nmethod get false false\nmethod static false false\nmethod async true false\n'
      .split('\n')
      .toSorted((a, b) => Number(b.includes('async')) - Number(a.includes('async')))
      .join('\n') + 'field a b false false\nfield 5 false false\nfield Symbol(Symbol.iterator) false false\n',
  ],
}

const ACCESSORS: Readonly<Record<string, readonly [source: string, shown: string]>> = {
  plain: [
    `class A { accessor a = 'x'; static accessor count = 0; accessor 'a b' = 1; accessor #p = 5; accessor none; p() { return this.#p } }
const a = new A(); a.a += 'y'; A.count++; [a.a, A.count, a['a b'], a.p(), a.none, Object.keys(a)]`,
    "[ 'xy', 1, 1, 5, undefined, [] ]",
  ],
  'without a semicolon': [
    'class A {\n  accessor a = 1\n  accessor b = 2\n  c = 3\n}\nconst a = new A(); [a.a, a.b, a.c]',
    '[ 1, 2, 3 ]',
  ],
  decorated: [
    `function twice({ get, set }: any, context: any) {
  return { get() { return get.call(this) * 2 }, set(v: number) { set.call(this, v) }, init(v: number) { return v + 1 } }
}
class A { @twice accessor n = 4; @twice static accessor m = 1 }
const a = new A(); const first = a.n; a.n = 1; [first, a.n, A.m]`,
    '[ 10, 2, 4 ]',
  ],
  'a class that inherits them': [
    'class A { accessor a = 1 }\nclass B extends A { accessor b = this.a + 1 }\nnew B().b',
    '2',
  ],
  'the word is a name elsewhere': [
    'class A { accessor = 1; b = 2 }\nclass B { accessor() { return 3 } }\nclass C { accessor\n d = 4 }\nconst accessor = 5; [new A().accessor, new B().accessor(), new C().d, accessor]',
    '[ 1, 3, 4, 5 ]',
  ],
}

const CLASSES: Readonly<Record<string, readonly [source: string, shown: string]>> = {
  'of a declaration, seen from within': [
    `const tag = (text: string) => (target: any, context: any) => {
  context.addInitializer(function (this: any) { print('made', this.name) })
  target.tag = text
}
@tag('one') class A { static v = A.tag; who() { return A.tag } }
[A.name, A.tag, A.v, new A().who()]`,
    "made A\n[ 'A', 'one', 'one', 'one' ]",
  ],
  'that gives another class': [
    `function singleton(target: any, context: any): any {
  let one: any
  return class extends target { constructor() { super(); return (one ??= this) } }
}
@singleton class A { static again() { return new A() } }
[new A() === new A(), A.again() === new A()]`,
    '[ true, true ]',
  ],
  'of an expression': [
    `${LOG}const B = @log class C { @log x = 1 }\nnew B().x`,
    'field x false false\nclass C undefined undefined\n1',
  ],
  'of an export': [
    `${LOG}@log export class A {}\nexport @log class B {}\n[A.name, B.name]`,
    "class A undefined undefined\nclass B undefined undefined\n[ 'A', 'B' ]",
  ],
  'in a function': [
    `${LOG}function f() { @log class A { @log a = 1 } return new A() }\nf()`,
    'field a false false\nclass A undefined undefined\nA { a: 1 }',
  ],
  'with a class in its own arguments': [
    `const use = (given: any) => (target: any, context: any) => { target.given = new given().v }
@use(@use(class { v = 1 }) class { v = 2 }) class A {}
(A as any).given`,
    '2',
  ],
  'with parameter properties and an enum, which are reprinted': [
    `${LOG}enum E { A = 3 }\nclass T { @log private readonly x = E.A; constructor(public y: number) {} sum() { return this.x + this.y } }\nnew T(3).sum()`,
    'field x false false\n6',
  ],
}

const ORDER = `const order: string[] = []
const d = (name: string) => {
  order.push('eval ' + name)
  return (_: any, context: any) => { order.push('apply ' + name); context.addInitializer(() => order.push('init ' + name)) }
}
@d('class 1') @d('class 2') class A {
  @d('field') f = order.push('value of field')
  @d('method') m() {}
  @d('static method') static m() {}
  @d('static field') static f = order.push('value of static field')
  @d('accessor') accessor a = order.push('value of accessor')
}
new A()
order.join('\\n')`

let guest: Session
beforeAll(async () => {
  guest = await session()
})
afterAll(() => guest[Symbol.asyncDispose]())

for (const [about, rows] of Object.entries({ members: MEMBERS, accessors: ACCESSORS, classes: CLASSES })) {
  describe(`${about}`, () => {
    for (const [title, [source, shown]] of Object.entries(rows)) {
      test(`${title}`, async () => expect(await guest.show(source)).toBe(shown))
    }
  })
}

test('Q1: the order in which things happen', async () => {
  await guest.step(ORDER)
  expect(await guest.show('print(order.join("\\n"))')).toBe(`eval class 1
eval class 2
eval field
eval method
eval static method
eval static field
eval accessor
apply static method
apply method
apply accessor
apply static field
apply field
apply class 2
apply class 1
init static method
value of static field
init static field
init class 2
init class 1
init method
value of field
init field
value of accessor
init accessor
`)
})

test('a decorated class lives on and may be declared again', async () => {
  await guest.step(`${LOG}@log class Kept { @log m() { return 1 } }`)
  expect(await guest.show('new Kept().m()')).toBe('[ 1 ]')
  expect(await guest.show('class Kept { m() { return 2 } }\nnew Kept().m()')).toBe('2')
})

test('what a decorator gives is checked', async () => {
  expect(await guest.show('const bad: any = () => 5\nclass A { @bad m() {} }')).toBe(
    '! TypeError: What a decorator gives is not a function',
  )
  expect(await guest.show('const bad: any = () => 5\nclass A { @bad accessor m }')).toMatch(
    /gives an object, or nothing/,
  )
  expect(await guest.show('const bad: any = 5\nclass A { @bad m() {} }')).toBe(
    '! TypeError: A decorator is not a function',
  )
  expect(
    await guest.show(
      'let add: any; const keep = (_: any, c: any) => { add = c.addInitializer }\nclass A { @keep m() {} }\nadd(() => {})',
    ),
  ).toMatch(/after the decorator had returned/)
})

test('an error in a decorated class is where it was written, and nothing else is in its stack', async () => {
  const { ending } = await guest.step(`${LOG}class A {
  a = 1
  @log
  c() {
    throw new Error('here')
  }
  @log b = 2
}
new A().c()`)
  const stack = ending.kind === 'error' ? (ending.error.stack ?? '') : ''
  expect(stack.replaceAll(/step\d+/g, 'step')).toBe(`Error: here
  9 |     throw new Error('here')
    |               ^
    at c (step.ts:9:15)
    at step.ts:3:106
    at step.ts:13:9`)
})
