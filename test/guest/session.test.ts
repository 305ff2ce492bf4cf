/**
 * A session of ten steps as a person would type it, with mistakes, as the model reads it: issue 4, Shows 3. What is
 * printed is the transcript; a change of what a model is told is a change of it.
 */
import { expect, test } from 'vitest'
import type { Halt } from '../../src/base/halt.ts'
import { compile } from '../../src/sandbox/compile.ts'
import { session, type Session } from '../sandbox/session.ts'

const ORDERS = [
  { id: 'A-1', customer: 'Ada', placed: '2026-01-30', items: [{ sku: 'mug', cents: 1250, count: 2 }] },
  { id: 'A-2', customer: 'Bo', placed: '2026-02-01', items: [] },
  { id: 'A-3', customer: 'Ada', placed: '2026-02-03', items: [{ sku: 'cap', cents: 900, count: 1 }] },
]
const TOOLS = {
  orders: ({ customer }: { readonly customer?: string } = {}) =>
    ORDERS.filter((order) => customer === undefined || order.customer === customer),
  refund: ({ id }: { readonly id: string }) => {
    if (id !== 'A-3') throw new RangeError(`Order ${id} is too old for a refund`)
    return { id, refunded: true }
  },
}

/** As a person would: each is run, and the next is typed after reading what came of it. */
const TYPED = [
  // 1: an import, by habit.
  `import _ from 'lodash'
const orders = await tools.orders({})`,
  // 2: a type, and a name that is the tool's.
  `interface Item { sku: string; cents: number; count: number }
interface Order { id: string; customer: string; placed: string; items: Item[] }
const orders: Order[] = await orders({})
orders.map(({ id, customer, items }) => ({ id, customer, items: items.length }))`,
  // 3: a function that fails for one of them. What comes before the error stays.
  `enum Size { Small, Large }
function total(order: Order): number {
  return order.items[0].cents * order.items[0].count
}
const limit = 2000
const sizes = orders.map((order) => total(order) > limit ? Size.Large : Size.Small)`,
  // 4: mended. The name is declared again.
  `function total(order: Order): number {
  return order.items.reduce((sum, item) => sum + item.cents * item.count, 0)
}
const sizes = orders.map((order) => total(order) > limit ? Size.Large : Size.Small)
sizes.map((size) => Size[size])`,
  // 5: a missing bracket.
  `const byCustomer = Object.groupBy(orders, (order) => order.customer
for (const [name, own] of Object.entries(byCustomer)) print(name, own.length)`,
  // 6: a constant, and what is not yet there.
  `const byCustomer = Object.groupBy(orders, (order) => order.customer)
limit = best.cents
const best = { cents: 1 }`,
  // 7: used before it is there, then a step that prints and shows.
  `const spent = new Map<string, number>()
for (const [name, own] of Object.entries(byCustomer)) {
  spent.set(name, own!.reduce((sum, order) => sum + total(order), 0))
}
console.table([...spent].map(([customer, cents]) => ({ customer, euro: cents / 100 })))
spent`,
  // 8: a tool refuses; an async helper from the stack.
  `async function giveBack(id: string) {
  const { refunded } = await tools.refund({ id })
  return refunded
}
const given = await Promise.all(orders.filter((order) => order.customer === 'Ada').map((order) => giveBack(order.id)))`,
  // 9: all of them, whatever becomes of each; a top-level return.
  `const results = await Promise.allSettled(orders.map((order) => giveBack(order.id)))
const refused = results.filter((each) => each.status === 'rejected').map((each) => each.reason.message)
if (refused.length > 0) return { refused, given: typeof given }
'all given back'`,
  // 10: the answer, from inside a callback and a try.
  `const finish = (text: string) => { try { finalAnswer({ text, spent }) } catch { print('caught') } }
results.forEach((each, at) => { if (each.status === 'fulfilled') finish(\`Order \${orders[at].id} was given back\`) })
print('never printed')`,
]

test('a session of ten steps with mistakes', async () => {
  await using guest = await session({}, TOOLS)
  const told: string[] = []
  for (const [index, code] of TYPED.entries()) told.push(await typed(guest, index + 1, code))
  const transcript = told.join('\n\n')
  console.log(transcript)
  expect(`\n${transcript}\n`).toMatchInlineSnapshot(`
    "
    1>  import _ from 'lodash'
      . const orders = await tools.orders({})
    SyntaxError: Nothing can be imported here, \`lodash\` neither. Use the methods of arrays, \`Object.groupBy\`, \`Map\`, \`Set\`, \`structuredClone\`. (step1.ts:1:1)
      1 | import _ from 'lodash'
        | ^
        at step1.ts:1:1

    2>  interface Item { sku: string; cents: number; count: number }
      . interface Order { id: string; customer: string; placed: string; items: Item[] }
      . const orders: Order[] = await orders({})
      . orders.map(({ id, customer, items }) => ({ id, customer, items: items.length }))
    [
      { id: 'A-1', customer: 'Ada', items: 1 },
      { id: 'A-2', customer: 'Bo', items: 0 },
      { id: 'A-3', customer: 'Ada', items: 1 }
    ]

    3>  enum Size { Small, Large }
      . function total(order: Order): number {
      .   return order.items[0].cents * order.items[0].count
      . }
      . const limit = 2000
      . const sizes = orders.map((order) => total(order) > limit ? Size.Large : Size.Small)
    TypeError: Cannot read properties of undefined (reading 'cents')
      3 |   return order.items[0].cents * order.items[0].count
        |          ^
        at total (step3.ts:3:10)
        at step3.ts:6:43
        at step3.ts:6:22

    4>  function total(order: Order): number {
      .   return order.items.reduce((sum, item) => sum + item.cents * item.count, 0)
      . }
      . const sizes = orders.map((order) => total(order) > limit ? Size.Large : Size.Small)
      . sizes.map((size) => Size[size])
    [ 'Large', 'Small', 'Small' ]

    5>  const byCustomer = Object.groupBy(orders, (order) => order.customer
      . for (const [name, own] of Object.entries(byCustomer)) print(name, own.length)
    SyntaxError: Expected ',', got 'for' (step5.ts:2:1)
      2 | for (const [name, own] of Object.entries(byCustomer)) print(name, own.length)
        | ^
        at step5.ts:2:1

    6>  const byCustomer = Object.groupBy(orders, (order) => order.customer)
      . limit = best.cents
      . const best = { cents: 1 }
    ReferenceError: Cannot access 'best' before initialization
      2 | limit = best.cents
        |         ^
        at step6.ts:2:9

    7>  const spent = new Map<string, number>()
      . for (const [name, own] of Object.entries(byCustomer)) {
      .   spent.set(name, own!.reduce((sum, order) => sum + total(order), 0))
      . }
      . console.table([...spent].map(([customer, cents]) => ({ customer, euro: cents / 100 })))
      . spent
    ┌─────────┬──────────┬──────┐
    │ (index) │ customer │ euro │
    ├─────────┼──────────┼──────┤
    │ 0       │ 'Ada'    │ 34   │
    │ 1       │ 'Bo'     │ 0    │
    └─────────┴──────────┴──────┘
    Map(2) { 'Ada' => 3400, 'Bo' => 0 }

    8>  async function giveBack(id: string) {
      .   const { refunded } = await tools.refund({ id })
      .   return refunded
      . }
      . const given = await Promise.all(orders.filter((order) => order.customer === 'Ada').map((order) => giveBack(order.id)))
    RangeError: Order A-1 is too old for a refund
      2 |   const { refunded } = await tools.refund({ id })
        |                                    ^
        at giveBack (step8.ts:2:36)
        at step8.ts:5:108
        at step8.ts:5:84

    9>  const results = await Promise.allSettled(orders.map((order) => giveBack(order.id)))
      . const refused = results.filter((each) => each.status === 'rejected').map((each) => each.reason.message)
      . if (refused.length > 0) return { refused, given: typeof given }
      . 'all given back'
    {
      refused: [
        'Order A-1 is too old for a refund',
        'Order A-2 is too old for a refund'
      ],
      given: 'undefined'
    }

    10> const finish = (text: string) => { try { finalAnswer({ text, spent }) } catch { print('caught') } }
      . results.forEach((each, at) => { if (each.status === 'fulfilled') finish(\`Order \${orders[at].id} was given back\`) })
      . print('never printed')
    The answer: [{"text":1,"spent":2},"Order A-3 was given back",["Map",3,4,5,6],"Ada",3400,"Bo",0]
    "
  `)
})

async function typed(guest: Session, step: number, code: string): Promise<string> {
  const asked = code
    .split('\n')
    .map((line, at) => `${at === 0 ? `${step}>`.padEnd(4) : '  . '}${line}`)
    .join('\n')
  const compiled = compile(step, code)
  // One that does not compile is a step all the same.
  const ended = guest.step(code)
  const told = compiled.ok ? shownOf(await ended) : await ended.then(shownOf, () => compiled.error.stack)
  return `${asked}\n${told}`.trimEnd()
}

function shownOf({ output, ending }: Halt & { readonly kind: 'ended' }): string {
  switch (ending.kind) {
    case 'value':
      return output + (ending.shown ?? '')
    case 'error':
      return output + (ending.error.stack ?? `${ending.error.name}: ${ending.error.message}`)
    case 'answer':
      return `${output}The answer: ${ending.value}`
  }
}
