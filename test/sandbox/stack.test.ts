/** Where the model is told that something happened: K1–K3 of prelude/stack.js. Positions are in compile.test.ts. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { session } from './session.ts'
import type { Session } from './session.ts'

let guest: Session
beforeEach(async () => {
  guest = await session(
    {},
    {
      echo: (value: unknown) => value,
      fail: (message: string) => {
        throw new RangeError(message)
      },
    },
  )
})
afterEach(() => guest[Symbol.asyncDispose]())

/** All that the model reads of a step that failed. */
async function failure(source: string): Promise<string> {
  const { ending } = await guest.step(source)
  return ending.kind === 'error' ? (ending.error.stack ?? '(no stack)') : '(no error)'
}

test('K1: the line with a caret, then the functions of the model, through a callback of a built-in', async () => {
  const source = `type Row = { price: { amount: number } }
function total(rows: Row[]): number {
  return rows.map((row: Row) => row.price.amount).reduce((a, b) => a + b, 0)
}
const sum: number = total([{}] as Row[])`
  expect(await failure(source)).toBe(`TypeError: Cannot read properties of undefined (reading 'amount')
  3 |   return rows.map((row: Row) => row.price.amount).reduce((a, b) => a + b, 0)
    |                                 ^
    at step1.ts:3:33
    at total (step1.ts:3:15)
    at step1.ts:5:21`)
})

test('of a function of an earlier step there are its name and place, and no line', async () => {
  await guest.step('function total(rows: unknown[]) {\n  throw new RangeError("no rows")\n}')
  expect(await failure('const n = 1\ntotal([])')).toBe(`RangeError: no rows
    at total (step1.ts:2:13)
    at step2.ts:2:1`)
})

test("a tool's error is where the tool was called", async () => {
  expect(await failure('const load = async () => {\n  await tools.fail("gone")\n}\nawait load()'))
    .toBe(`RangeError: gone
  2 |   await tools.fail("gone")
    |               ^
    at load (step1.ts:2:15)
    at step1.ts:4:7`)
})

test('after an await there is the function that went on', async () => {
  expect(await failure('async function later() {\n  await echo(1)\n  null!.x\n}\nawait later()')).toBe(
    `TypeError: Cannot read properties of null (reading 'x')
  3 |   null!.x
    |   ^
    at later (step1.ts:3:3)`,
  )
})

test('the lines are those of the source, where it was reprinted too', async () => {
  expect(
    await failure(
      'enum Color { Red, Green }\nconst f = (c: Color): never => { throw new Error("red") }\n\nf(Color.Green)',
    ),
  ).toBe(
    `Error: red
  2 | const f = (c: Color): never => { throw new Error("red") }
    |                                            ^
    at f (step1.ts:2:44)
    at step1.ts:4:1`,
  )
})

test('an error of a class of the model is where it was made, not in its constructors', async () => {
  const source = `class AppError extends Error { constructor(m: string) { super(m); this.name = 'AppError' } }
class NotFound extends AppError { status = 404 }
function find() {
  throw new NotFound('gone')
}
find()`
  expect(await failure(source)).toBe(`AppError: gone
  4 |   throw new NotFound('gone')
    |             ^
    at find (step1.ts:4:13)
    at step1.ts:6:1`)
})

test('a rejection that nobody waits for is the error of the step, with its place', async () => {
  expect(await failure('async function save() {\n  throw new Error("lost")\n}\nsave()\nprint("on")'))
    .toBe(`Error: lost
  2 |   throw new Error("lost")
    |             ^
    at save (step1.ts:2:13)
    at step1.ts:4:1`)
})

test('causes are told, and theirs', async () => {
  expect(
    await failure('throw new Error("a", { cause: new TypeError("b", { cause: { code: 7 } }) })'),
  ).toMatch(/^Error: a \(cause: TypeError: b \(cause: { code: 7 }\)\)\n/)
})

test('an uncaught DOMException has its name', async () => {
  expect(await failure('structuredClone(() => 1)')).toMatch(/^DataCloneError: .*\n {2}1 \| structuredClone/)
})

test('a cause that leads back to itself ends', async () => {
  expect(
    await failure('const a = new Error("a"), b = new Error("b", { cause: a }); a.cause = b; throw a'),
  ).toMatch(/^Error: a \(cause: Error: b /)
})

const STACKS: Readonly<Record<string, readonly [source: string, shown: string]>> = {
  'name, message and place': [
    'function f() { return new TypeError("m").stack } print(f())',
    'TypeError: m\n    at f (step1.ts:1:27)\n    at step1.ts:1:55\n',
  ],
  'no message': ['print(new Error().stack.split("\\n")[0])', 'Error\n'],
  'the name that it has by then': [
    'class E1 extends Error { constructor(m: string) { super(m); this.name = "Late" } }\nclass E2 extends Error {}\nE2.prototype.name = "Early"\nprint([new E1("x"), new E2("y")].map((e) => e.stack.split("\\n")[0]))',
    "[ 'Late: x', 'Early: y' ]\n",
  ],
  'captured: from there on, with the name of now': [
    'class E3 extends Error { constructor(m: string) { super(m); this.name = "Mine"; Error.captureStackTrace(this, E3) } }\nfunction g() { throw new E3("m") }\ntry { g() } catch (e) { print(e.stack) }',
    'Mine: m\n    at g (step1.ts:2:26)\n    at step1.ts:3:7\n',
  ],
  'captured on an object that is no error': [
    'const o = {}; Error.captureStackTrace(o); print(o.stack)',
    'Error\n    at step1.ts:1:39\n',
  ],
  'it may be written': ['const e = new Error("m"); e.stack = "mine"; print(e.stack)', 'mine\n'],
  'what is no error has none': [
    'print(Object.create(Error.prototype).stack, Reflect.get(Error.prototype, "stack", {}))',
    'undefined undefined\n',
  ],
  'getters on the prototypes are not asked': [
    'Object.defineProperty(Error.prototype, "name", { get() { print("asked"); return "X" } }); print(new Error("m").stack.split("\\n")[0])',
    'Error: m\n',
  ],
  'of a DOMException': [
    'const d = new DOMException("m", "AbortError"); print(d.stack, d.constructor === DOMException, DOMException.ABORT_ERR)',
    'AbortError: m\n    at step1.ts:1:15 true 20\n',
  ],
  'through a proxy': ['print(new Proxy(new Error("m"), {}).stack)', 'undefined\n'],
}
for (const [about, [source, shown]] of Object.entries(STACKS)) {
  test(`K3: error.stack: ${about}`, async () => expect(await guest.show(source)).toBe(shown))
}

test('K1: nothing of the prelude is in a stack that a callback of its own is on', async () => {
  const shown = await guest.show(
    'try { structuredClone({ get a() { throw new Error("x") } }) } catch (e) { print(e.stack ?? "none") }\nsetTimeout(() => print(new Error("t").stack), 1); await sleep(5)',
  )
  expect(shown).not.toMatch(/sandbox|native|<eval>|null/)
})
