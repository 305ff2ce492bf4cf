/** What a step's end says of the session's variables: those that are new or changed, with type and size (C1–C4). */
import { expect, test } from 'vitest'
import type { ToldVariable } from '../../src/base/halt.ts'
import { session, type Session } from './session.ts'

async function told(guest: Session, source: string): Promise<readonly ToldVariable[]> {
  return (await guest.step(source)).variables ?? []
}

/** `name: type`, a star where it is new. */
async function words(guest: Session, source: string): Promise<readonly string[]> {
  return (await told(guest, source)).map(
    ({ name, type, isNew }) => `${name}${isNew === true ? '*' : ''}: ${type}`,
  )
}

test('type and size, not what is in them', async () => {
  await using guest = await session()
  const code = `
const n = 42, big = 7n, yes = true, none = null, nothing = undefined
const secret = 'hunter2'
const rows = [{ id: 1, cents: 250 }, { id: 2, cents: 900 }], list = [1, 2, 3], empty = []
const seen = new Set([1, 2]), byId = new Map([[1, 2]])
const record = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 }, bare = {}
class Order { id = 1; #x = 2 }
const order = new Order(), when = new Date(0), pattern = /a/, bytes = new Uint8Array(16)
function total() {}
const waits = new Promise(() => {}), proxied = new Proxy({}, {})
let failed = new TypeError('no')`
  expect((await words(guest, code)).toSorted()).toEqual(
    [
      'n*: number',
      'big*: bigint',
      'yes*: boolean',
      'none*: null',
      'nothing*: undefined',
      'secret*: string of 7 characters',
      'rows*: array of 2 { id, cents }',
      'list*: array of 3',
      'empty*: array of 0',
      'seen*: Set of 2',
      'byId*: Map of 1',
      'record*: { a, b, c, d, e, f, … 7 keys }',
      'bare*: {}',
      'Order*: class',
      'order*: Order { id }',
      'when*: Date',
      'pattern*: RegExp',
      'bytes*: Uint8Array of 16',
      'waits*: Promise, pending',
      'proxied*: Proxy',
      'failed*: error',
      'total*: function',
    ].toSorted(),
  )
})

test('changed is another value or another size; what is as it was is not told again', async () => {
  await using guest = await session()
  expect(
    await words(guest, 'let n = 1; const rows = [1]; const box = { a: 1 }; let text = "a"'),
  ).toHaveLength(4)
  expect(await words(guest, 'print(n)')).toEqual([])
  expect(await words(guest, 'n = 2; rows.push(2); text = "b"')).toEqual([
    'n: number',
    'text: string of 1 characters',
    'rows: array of 2',
  ])
  // The same keys: not looked for.
  expect(await words(guest, 'box.a = 2')).toEqual([])
  expect(await words(guest, 'const box = { a: 2 }')).toEqual(['box: { a }'])
  expect(await words(guest, 'const box = { a: 2, b: 3 }; globalThis.late = 1')).toEqual([
    'box: { a, b }',
    'late*: number',
  ])
})

test('after a step that threw, and one that answered', async () => {
  await using guest = await session()
  expect(await words(guest, 'const kept = 1; null.x; const never = 2')).toEqual(['kept*: number'])
  expect(await words(guest, 'const result = [1]; finalAnswer(result)')).toEqual(['result*: array of 1'])
})

test('of many the first fifty, and how many more', async () => {
  await using guest = await session()
  const halt = await guest.step('for (let i = 0; i < 60; i++) globalThis["v" + i] = i')
  expect(halt.variables).toHaveLength(50)
  expect(halt.moreVariables).toBe(10)
})

test('runs nothing of the code, whatever it has put there', async () => {
  await using guest = await session()
  const code = `
let ran = 0
const trap = new Proxy({}, { get() { ran++ }, ownKeys() { ran++; return [] }, getPrototypeOf() { ran++; return null } })
const rows = [trap]
const odd = Object.create(trap)
class Odd { get id() { ran++ } static get name() { ran++; return 'x' } get [Symbol.toStringTag]() { ran++; return 'y' } }
const made = new Odd()
Object.defineProperty(globalThis, 'asked', { get() { ran++; return 1 }, enumerable: true, configurable: true })
const own = { get length() { ran++; return 3 }, toString() { ran++; return '' } }`
  const names = (await told(guest, code)).map(({ name }) => name)
  expect(names).not.toContain('asked')
  expect(names).toContain('odd')
  expect(await guest.show('ran')).toBe('0')
})

test('keeps nothing alive', async () => {
  await using guest = await session({ memory: 8 * 2 ** 20 })
  for (let i = 0; i < 20; i++)
    expect(
      (
        await guest.step(
          `let big = null, text = ''; big = new Uint8Array(3 * 2 ** 20); text = 'x'.repeat(2 ** 20) + ${i}`,
        )
      ).ending.kind,
    ).toBe('value')
})

test('goes on in another engine as it would have here', async () => {
  await using guest = await session()
  await guest.step('const rows = [1]; const box = {}')
  await guest.sandbox.open({ from: 'heap', heap: await guest.heap() }, [])
  expect(await words(guest, 'rows.push(2)')).toEqual(['rows: array of 2'])
})
