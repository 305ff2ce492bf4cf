/** Data that are there and have to be worked on. */
import { z } from 'zod'
import { asking, numbers, reads, type Task } from './task.ts'

const none = z.object({})
const COUNTRIES = ['AT', 'BE', 'CH', 'DE', 'FR']
const NAMES = ['Ada', 'Bo', 'Cy', 'Dee', 'Eli', 'Flo', 'Gus', 'Hal', 'Ida', 'Jo']

interface Order {
  readonly id: number
  readonly customer: string
  readonly country: string
  readonly cents: number
}

const order = z.object({ id: z.number(), customer: z.string(), country: z.string(), cents: z.number() })

function ordersOf(seed: number, count: number): readonly Order[] {
  const next = numbers(seed)
  return Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    customer: NAMES[next(NAMES.length)] ?? '',
    country: COUNTRIES[next(COUNTRIES.length)] ?? '',
    cents: 100 + next(50_000),
  }))
}

function ordersTool(orders: readonly Order[]) {
  return reads('orders', 'All orders', { input: none, output: z.array(order) }, () => [...orders])
}

function sumsBy(orders: readonly Order[], key: 'country' | 'customer'): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const one of orders) sums[one[key]] = (sums[one[key]] ?? 0) + one.cents
  return sums
}

const sumByCountry: Task = {
  id: 'sum-by-country',
  kind: 'data',
  task: 'What did the orders of each country come to, in cents? Answer with a record from country code to cents.',
  answer: z.record(z.string(), z.number()),
  scene() {
    const orders = ordersOf(1, 240)
    return asking([ordersTool(orders)], sumsBy(orders, 'country'))
  },
  solution: [
    `const sums = {}
for (const { country, cents } of await orders({})) sums[country] = (sums[country] ?? 0) + cents
finalAnswer(sums)`,
  ],
  wrong: { AT: 1, BE: 2, CH: 3, DE: 4, FR: 5 },
}

const median: Task = {
  id: 'median',
  kind: 'data',
  task: 'What is the median amount of the orders, in cents? With an even number of orders it is the mean of the two in the middle.',
  answer: z.number(),
  scene() {
    const orders = ordersOf(2, 180)
    const sorted = orders.map(({ cents }) => cents).toSorted((a, b) => a - b)
    return asking([ordersTool(orders)], ((sorted[89] ?? 0) + (sorted[90] ?? 0)) / 2)
  },
  solution: [
    `const sorted = (await orders({})).map(({ cents }) => cents).toSorted((a, b) => a - b)
const half = sorted.length / 2
finalAnswer(Number.isInteger(half) ? (sorted[half - 1] + sorted[half]) / 2 : sorted[Math.floor(half)])`,
  ],
  wrong: 25_000,
}

const topThree: Task = {
  id: 'top-three',
  kind: 'data',
  task: 'Who are the three customers that spent the most? Answer with their names, the biggest first; of two with the same sum the one whose name comes first in the alphabet.',
  answer: z.array(z.string()),
  scene() {
    // Two of them are level.
    const orders = [
      ...ordersOf(3, 200).filter(({ customer }) => customer !== 'Ada' && customer !== 'Bo'),
      { id: 901, customer: 'Bo', country: 'AT', cents: 9_000_000 },
      { id: 902, customer: 'Ada', country: 'AT', cents: 9_000_000 },
    ]
    const sums = Object.entries(sumsBy(orders, 'customer'))
    const best = sums.toSorted((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))
    return asking(
      [ordersTool(orders)],
      best.slice(0, 3).map(([name]) => name),
    )
  },
  solution: [
    `const sums = new Map()
for (const { customer, cents } of await orders({})) sums.set(customer, (sums.get(customer) ?? 0) + cents)
finalAnswer([...sums].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, 3).map(([name]) => name))`,
  ],
  wrong: ['Bo', 'Ada', 'Cy'],
}

const addresses: Task = {
  id: 'distinct-addresses',
  kind: 'data',
  task: 'How many different mail addresses are on the list? Case and spaces around them make no difference; what stands after a + before the @ makes none either. Entries that are no address do not count.',
  answer: z.number(),
  scene() {
    const next = numbers(4)
    const people = Array.from({ length: 60 }, (_, index) => `user${index}@example.org`)
    const list = Array.from({ length: 300 }, () => {
      const address = people[next(people.length)] ?? ''
      const [name = '', host = ''] = address.split('@')
      return (
        [address, address.toUpperCase(), `  ${address} `, `${name}+news@${host}`, 'n/a', name][next(6)] ?? ''
      )
    })
    const right = new Set(
      list
        .map((entry) => entry.trim().toLowerCase())
        .filter((entry) => entry.includes('@'))
        .map((entry) => entry.replace(/\+[^@]*/, '')),
    ).size
    return asking(
      [
        reads(
          'mailing_list',
          'The list as it was typed',
          { input: none, output: z.array(z.string()) },
          () => list,
        ),
      ],
      right,
    )
  },
  solution: [
    `const list = await mailing_list({})
const clean = list.map((entry) => entry.trim().toLowerCase()).filter((entry) => entry.includes('@'))
finalAnswer(new Set(clean.map((entry) => entry.replace(/\\+[^@]*/, ''))).size)`,
  ],
  wrong: 300,
}

const logCodes: Task = {
  id: 'log-codes',
  kind: 'data',
  task: 'How often does each status code of 500 and above occur in the log? Answer with a record from code to count.',
  answer: z.record(z.string(), z.number()),
  scene() {
    const next = numbers(5)
    const codes = [200, 200, 200, 301, 404, 500, 502, 503]
    const lines = Array.from({ length: 400 }, (_, index) => {
      const code = codes[next(codes.length)] ?? 0
      return `2026-03-0${1 + next(9)}T10:${String(index % 60).padStart(2, '0')}:00Z GET /item/${500 + next(40)} ${code} ${next(900)}ms`
    })
    const counts: Record<string, number> = {}
    for (const line of lines) {
      const code = line.split(' ')[3] ?? ''
      if (Number(code) >= 500) counts[code] = (counts[code] ?? 0) + 1
    }
    return asking(
      [
        reads('access_log', 'The access log as text', { input: none, output: z.string() }, () =>
          lines.join('\n'),
        ),
      ],
      counts,
    )
  },
  solution: [
    `const counts = {}
for (const line of (await access_log({})).split('\\n')) {
  const code = line.split(' ')[3]
  if (Number(code) >= 500) counts[code] = (counts[code] ?? 0) + 1
}
finalAnswer(counts)`,
  ],
  wrong: { '500': 400 },
}

const quotedCsv: Task = {
  id: 'quoted-csv',
  kind: 'data',
  task: 'What do all rows of the file come to (price times quantity)? Fields may be quoted, and a quoted field may hold commas, line breaks and doubled quotes.',
  answer: z.number(),
  scene() {
    const rows = [
      ['Chair, blue', 3, 40],
      ['Table "Oak"', 1, 250],
      ['Lamp\nwith shade', 2, 35],
      ['Shelf', 4, 60],
    ] as const
    const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`
    const csv = [
      'item,quantity,price',
      ...rows.map(([item, quantity, price]) => `${quote(item)},${quantity},${price}`),
    ]
    const right = rows.reduce((sum, [, quantity, price]) => sum + quantity * price, 0)
    return asking(
      [reads('read_file', 'The file as text', { input: none, output: z.string() }, () => csv.join('\n'))],
      right,
    )
  },
  solution: [
    `const text = await read_file({})
const rows = []
let row = [], field = '', quoted = false
for (let i = 0; i <= text.length; i++) {
  const char = text[i]
  if (quoted && char === '"' && text[i + 1] === '"') { field += '"'; i++ }
  else if (char === '"') quoted = !quoted
  else if (!quoted && (char === ',' || char === '\\n' || char === undefined)) {
    row.push(field); field = ''
    if (char !== ',') { rows.push(row); row = [] }
  } else field += char
}
finalAnswer(rows.slice(1).reduce((sum, [, quantity, price]) => sum + quantity * price, 0))`,
  ],
  wrong: 240,
}

const belowZero: Task = {
  id: 'below-zero',
  kind: 'data',
  task: 'On which date did the account first go below zero, counting all bookings of a date together? The bookings are in no order. It began with 1000.00.',
  answer: z.string().describe('YYYY-MM-DD'),
  scene() {
    const next = numbers(7)
    const bookings = Array.from({ length: 90 }, (_, index) => ({
      date: new Date(Date.UTC(2026, 0, 1 + Math.floor(index / 2))).toISOString().slice(0, 10),
      cents: next(30_000) - 18_000,
    }))
    let balance = 100_000
    let right = ''
    for (const date of [...new Set(bookings.map((one) => one.date))].toSorted()) {
      for (const one of bookings) if (one.date === date) balance += one.cents
      if (balance < 0 && right === '') right = date
    }
    const shuffled = bookings.toSorted((a, b) => a.cents - b.cents)
    const output = z.array(z.object({ date: z.string(), cents: z.number() }))
    return asking([reads('bookings', 'All bookings', { input: none, output }, () => shuffled)], right)
  },
  solution: [
    `const byDate = Map.groupBy(await bookings({}), ({ date }) => date)
let balance = 100_000
for (const date of [...byDate.keys()].sort()) {
  balance += byDate.get(date).reduce((sum, { cents }) => sum + cents, 0)
  if (balance < 0) finalAnswer(date)
}`,
  ],
  wrong: '2026-01-02',
}

const cheapest: Task = {
  id: 'cheapest-route',
  kind: 'data',
  task: 'What is the cheapest way from A to Z, and what does it cost? Answer with the places in order and the sum.',
  answer: z.object({ route: z.array(z.string()), cost: z.number() }),
  scene() {
    const roads = [
      ['A', 'B', 4],
      ['A', 'C', 2],
      ['C', 'B', 1],
      ['B', 'D', 5],
      ['C', 'D', 8],
      ['C', 'E', 10],
      ['D', 'E', 2],
      ['D', 'Z', 6],
      ['E', 'Z', 3],
      ['A', 'Z', 20],
    ].map(([from, to, cost]) => ({ from: String(from), to: String(to), cost: Number(cost) }))
    const output = z.array(z.object({ from: z.string(), to: z.string(), cost: z.number() }))
    return asking([reads('roads', 'Roads, one way each', { input: none, output }, () => roads)], {
      route: ['A', 'C', 'B', 'D', 'E', 'Z'],
      cost: 13,
    })
  },
  solution: [
    `const all = await roads({})
const best = new Map([['A', { cost: 0, route: ['A'] }]])
for (let round = 0; round < all.length; round++)
  for (const { from, to, cost } of all) {
    const here = best.get(from)
    if (here && here.cost + cost < (best.get(to)?.cost ?? Infinity)) best.set(to, { cost: here.cost + cost, route: [...here.route, to] })
  }
finalAnswer(best.get('Z'))`,
  ],
  wrong: { route: ['A', 'Z'], cost: 20 },
}

export const data: readonly Task[] = [
  sumByCountry,
  median,
  topThree,
  addresses,
  logCodes,
  quotedCsv,
  belowZero,
  cheapest,
]
