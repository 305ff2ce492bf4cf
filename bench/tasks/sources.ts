/** Several sources that have to be put together, and sources that come in pages. */
import { z } from 'zod'
import { asking, numbers, reads, type Task } from './task.ts'

const none = z.object({})

const spentInEuro: Task = {
  id: 'spent-in-euro',
  kind: 'joins',
  task: 'What did each customer spend in euro, rounded to cents at the end? The rates say what one euro is worth. Answer with a record from the customer’s name to euro; leave out who has ordered nothing.',
  answer: z.record(z.string(), z.number()),
  scene() {
    const customers = [
      { id: 1, name: 'Ada' },
      { id: 2, name: 'Bo' },
      { id: 3, name: 'Cy' },
    ]
    const orders = [
      { customer: 1, amount: 100, currency: 'USD' },
      { customer: 1, amount: 30, currency: 'EUR' },
      { customer: 2, amount: 9_000, currency: 'JPY' },
      { customer: 1, amount: 55, currency: 'CHF' },
    ]
    const rates = { USD: 1.08, JPY: 163.4, CHF: 0.95 }
    const right = {
      Ada: Math.round((100 / 1.08 + 30 + 55 / 0.95) * 100) / 100,
      Bo: Math.round((9_000 / 163.4) * 100) / 100,
    }
    return asking(
      [
        reads(
          'customers',
          'All customers',
          { input: none, output: z.array(z.object({ id: z.number(), name: z.string() })) },
          () => customers,
        ),
        reads(
          'orders',
          'All orders; `customer` is the id',
          {
            input: none,
            output: z.array(z.object({ customer: z.number(), amount: z.number(), currency: z.string() })),
          },
          () => orders,
        ),
        reads(
          'rates',
          'What one euro is worth in other currencies',
          { input: none, output: z.record(z.string(), z.number()) },
          () => rates,
        ),
      ],
      right,
    )
  },
  solution: [
    `const [people, all, worth] = await Promise.all([customers({}), orders({}), rates({})])
const spent = {}
for (const { id, name } of people) {
  const own = all.filter(({ customer }) => customer === id)
  if (own.length > 0) spent[name] = Math.round(own.reduce((sum, { amount, currency }) => sum + amount / (worth[currency] ?? 1), 0) * 100) / 100
}
finalAnswer(spent)`,
  ],
  wrong: { Ada: 180.49, Bo: 55.08, Cy: 0 },
}

const reorder: Task = {
  id: 'reorder',
  kind: 'joins',
  task: 'Which articles have to be ordered again? Those whose stock, with what is on its way, is less than what was sold in the last 14 days up to the day of the report, that day included. Answer with their codes, sorted.',
  answer: z.array(z.string()),
  scene() {
    const stock = [
      { code: 'A', pieces: 5, onTheWay: 0 },
      { code: 'B', pieces: 2, onTheWay: 10 },
      { code: 'C', pieces: 7, onTheWay: 0 },
      { code: 'D', pieces: 0, onTheWay: 1 },
    ]
    const sales = [
      { code: 'A', pieces: 6, date: '2026-05-10' },
      { code: 'B', pieces: 11, date: '2026-05-12' },
      { code: 'C', pieces: 8, date: '2026-04-30' },
      { code: 'D', pieces: 2, date: '2026-05-01' },
      { code: 'C', pieces: 1, date: '2026-05-14' },
    ]
    return asking(
      [
        reads(
          'stock',
          'What is there',
          {
            input: none,
            output: z.array(z.object({ code: z.string(), pieces: z.number(), onTheWay: z.number() })),
          },
          () => stock,
        ),
        reads(
          'sales',
          'What was sold since a date',
          {
            input: z.object({ since: z.string().describe('YYYY-MM-DD') }),
            output: z.array(z.object({ code: z.string(), pieces: z.number(), date: z.string() })),
          },
          ({ since }) => sales.filter(({ date }) => date >= since),
        ),
        reads('report_day', 'The day of the report', { input: none, output: z.string() }, () => '2026-05-14'),
      ],
      ['A', 'D'],
    )
  },
  solution: [
    `const day = await report_day({})
const since = new Date(Date.parse(day) - 13 * 86_400_000).toISOString().slice(0, 10)
const [here, sold] = await Promise.all([stock({}), sales({ since })])
const need = (code) => sold.filter((one) => one.code === code).reduce((sum, { pieces }) => sum + pieces, 0)
finalAnswer(here.filter(({ code, pieces, onTheWay }) => pieces + onTheWay < need(code)).map(({ code }) => code).sort())`,
  ],
  wrong: ['A', 'C', 'D'],
}

const ledgers: Task = {
  id: 'two-ledgers',
  kind: 'joins',
  task: 'Compare the bank’s ledger with ours by reference: which references are only in ours, which only in the bank’s, and which have different amounts? Each list sorted.',
  answer: z.object({
    onlyOurs: z.array(z.string()),
    onlyBank: z.array(z.string()),
    differ: z.array(z.string()),
  }),
  scene() {
    const next = numbers(13)
    const ours = Array.from({ length: 120 }, (_, index) => ({
      reference: `R${1_000 + index}`,
      cents: next(100_000),
    }))
    const bank = ours
      .filter((_, index) => index % 31 !== 5)
      .map((row, index) => (index % 40 === 7 ? { ...row, cents: row.cents + 1 } : row))
    const extra = [{ reference: 'R2000', cents: 5 }]
    const right = {
      onlyOurs: ours.filter((_, index) => index % 31 === 5).map(({ reference }) => reference),
      onlyBank: ['R2000'],
      differ: bank.filter((_, index) => index % 40 === 7).map(({ reference }) => reference),
    }
    const output = z.array(z.object({ reference: z.string(), cents: z.number() }))
    return asking(
      [
        reads('our_ledger', 'Our bookings', { input: none, output }, () => ours),
        reads('bank_ledger', 'The bank’s bookings', { input: none, output }, () => [...extra, ...bank]),
      ],
      right,
    )
  },
  solution: [
    `const [own, other] = (await Promise.all([our_ledger({}), bank_ledger({})])).map((rows) => new Map(rows.map(({ reference, cents }) => [reference, cents])))
const lacks = (from, to) => [...from.keys()].filter((key) => !to.has(key)).sort()
finalAnswer({
  onlyOurs: lacks(own, other), onlyBank: lacks(other, own),
  differ: [...own].filter(([key, cents]) => other.has(key) && other.get(key) !== cents).map(([key]) => key).sort(),
})`,
  ],
  wrong: { onlyOurs: [], onlyBank: ['R2000'], differ: [] },
}

const reports: Task = {
  id: 'all-reports',
  kind: 'joins',
  task: 'How many people work below employee E1, at any depth? `reports` gives the direct ones only.',
  answer: z.number(),
  scene() {
    const below = (id: string): readonly string[] => {
      const n = Number(id.slice(1))
      return [2 * n, 2 * n + 1].filter((one) => one <= 40).map((one) => `E${one}`)
    }
    return asking(
      [
        reads(
          'reports',
          'Ids of those who report to an employee',
          { input: z.object({ id: z.string() }), output: z.array(z.string()) },
          ({ id }) => [...below(id)],
        ),
      ],
      39,
    )
  },
  solution: [
    `let count = 0
for (let level = ['E1']; level.length > 0;) {
  level = (await Promise.all(level.map((id) => reports({ id })))).flat()
  count += level.length
}
finalAnswer(count)`,
  ],
  wrong: 40,
}

const pageOf = z.object({
  items: z.array(z.object({ id: z.number(), tag: z.string() })),
  next: z.string().nullable(),
})

const cursor: Task = {
  id: 'count-over-pages',
  kind: 'paging',
  task: 'How many items have the tag "red"? `items` gives a page and the cursor of the next, or null at the end.',
  answer: z.number(),
  scene() {
    const next = numbers(17)
    const items = Array.from({ length: 430 }, (_, id) => ({
      id,
      tag: ['red', 'green', 'blue'][next(3)] ?? '',
    }))
    const right = items.filter(({ tag }) => tag === 'red').length
    return asking(
      [
        reads(
          'items',
          'A page of 50 items at most',
          { input: z.object({ cursor: z.string().optional() }), output: pageOf },
          ({ cursor: from = '0' }) => {
            const at = Number(from)
            return { items: items.slice(at, at + 50), next: at + 50 < items.length ? String(at + 50) : null }
          },
        ),
      ],
      right,
    )
  },
  solution: [
    `let red = 0
for (let cursor; cursor !== null;) {
  const page = await items(cursor === undefined ? {} : { cursor })
  red += page.items.filter(({ tag }) => tag === 'red').length
  cursor = page.next
}
finalAnswer(red)`,
  ],
  wrong: 16,
}

const emptyPage: Task = {
  id: 'an-empty-page',
  kind: 'paging',
  task: 'What is the highest id that `events` has? A page may be empty although more pages follow; the last one has no `next`.',
  answer: z.number(),
  scene() {
    const pages = [[3, 9], [], [14, 2], [], [], [11]]
    return asking(
      [
        reads(
          'events',
          'Ids of events, by pages from 0',
          {
            input: z.object({ page: z.number() }),
            output: z.object({ ids: z.array(z.number()), next: z.number().optional() }),
          },
          ({ page }) => ({ ids: pages[page] ?? [], ...(page + 1 < pages.length ? { next: page + 1 } : {}) }),
        ),
      ],
      14,
    )
  },
  solution: [
    `let highest = -Infinity
for (let page = 0; page !== undefined;) {
  const { ids, next } = await events({ page })
  highest = Math.max(highest, ...ids)
  page = next
}
finalAnswer(highest)`,
  ],
  wrong: 9,
}

const ratings: Task = {
  id: 'search-then-details',
  kind: 'paging',
  task: 'What is the mean rating of the hotels in Lisbon, to one decimal? `search` gives ids only, page by page from 1, and an empty page after the last.',
  answer: z.number(),
  scene() {
    const next = numbers(19)
    const hotels = Array.from({ length: 27 }, (_, id) => ({ id, rating: 1 + next(41) / 10 }))
    const right = Math.round((hotels.reduce((sum, { rating }) => sum + rating, 0) / hotels.length) * 10) / 10
    return asking(
      [
        reads(
          'search',
          'Ids of hotels in a town',
          { input: z.object({ town: z.string(), page: z.number() }), output: z.array(z.number()) },
          ({ town, page }) =>
            town.toLowerCase() === 'lisbon'
              ? hotels.slice((page - 1) * 10, page * 10).map(({ id }) => id)
              : [],
        ),
        reads(
          'hotel',
          'A hotel by its id',
          { input: z.object({ id: z.number() }), output: z.object({ id: z.number(), rating: z.number() }) },
          ({ id }) => {
            const found = hotels[id]
            if (found === undefined) throw new Error(`There is no hotel ${id}`)
            return found
          },
        ),
      ],
      right,
    )
  },
  solution: [
    `const ids = []
for (let page = 1; ; page++) {
  const more = await search({ town: 'Lisbon', page })
  if (more.length === 0) break
  ids.push(...more)
}
const all = await Promise.all(ids.map((id) => hotel({ id })))
finalAnswer(Math.round((all.reduce((sum, { rating }) => sum + rating, 0) / all.length) * 10) / 10)`,
  ],
  wrong: 5,
}

export const sources: readonly Task[] = [spentInEuro, reorder, ledgers, reports, cursor, emptyPage, ratings]
