/** People who are asked, approve and refuse; effects that need care; questions that the facts do not answer. */
import { z } from 'zod'
import { all, does, reads, same, type Asked, type Scene, type Task, type TaskTool } from './task.ts'

const none = z.object({})
const person = z.object({ id: z.string(), name: z.string(), town: z.string() })

/** Two of them have the same name. */
const PEOPLE = [
  { id: 'P1', name: 'Anna Schmidt', town: 'Bonn' },
  { id: 'P2', name: 'Anna Schmidt', town: 'Kiel' },
  { id: 'P3', name: 'Ben Okoro', town: 'Bonn' },
]

const ambiguous: Task = {
  id: 'which-anna',
  kind: 'people',
  task: 'Send Anna Schmidt the message "Your parcel is here". Answer with the id of who got it.',
  answer: z.string(),
  scene() {
    const sent: string[] = []
    const questions: string[] = []
    return {
      tools: [
        reads(
          'find_people',
          'People whose name contains a text',
          { input: z.object({ name: z.string() }), output: z.array(person) },
          ({ name }) => PEOPLE.filter((one) => one.name.toLowerCase().includes(name.toLowerCase())),
        ),
        does(
          'send_message',
          'Sends a message',
          { input: z.object({ to: z.string().describe('an id'), text: z.string() }), output: z.string() },
          ({ to }) => {
            sent.push(to)
            return 'sent'
          },
        ),
      ],
      person: ({ message = '' }) => {
        questions.push(message)
        return { type: 'respond', value: 'The one in Kiel' }
      },
      check: (answer) =>
        all(
          questions.length === 1 ? undefined : `asked ${questions.length} times`,
          /bonn|p1/i.test(questions[0] ?? '') && /kiel|p2/i.test(questions[0] ?? '')
            ? undefined
            : 'the question does not name both',
          same(sent, ['P2'], 'messages'),
          same(answer, 'P2'),
        ),
    }
  },
  solution: [
    `const found = await find_people({ name: 'Anna Schmidt' })
const said = await ask('Which Anna Schmidt: ' + found.map(({ id, town }) => id + ' in ' + town).join(', or ') + '?')
const meant = found.find(({ town }) => String(said).includes(town))
await send_message({ to: meant.id, text: 'Your parcel is here' })
finalAnswer(meant.id)`,
  ],
  wrong: 'P1',
}

function refunding(decide: (amount: number) => ReturnType<NonNullable<Scene['person']>>): {
  readonly paid: { readonly order: string; readonly amount: number }[]
  readonly tools: readonly TaskTool[]
  readonly person: (asked: Asked) => ReturnType<NonNullable<Scene['person']>>
} {
  const paid: { readonly order: string; readonly amount: number }[] = []
  const input = z.object({ order: z.string(), amount: z.number() })
  return {
    paid,
    tools: [
      {
        ...does(
          'refund',
          'Pays money back. A person approves each.',
          { input, output: z.string() },
          (given) => {
            paid.push(given)
            return `refunded ${given.amount} for ${given.order}`
          },
        ),
        needsApproval: true,
      },
    ],
    person: ({ call }) => decide((call?.args as { readonly amount: number } | undefined)?.amount ?? 0),
  }
}

const damaged = reads(
  'damaged_orders',
  'Orders that arrived damaged, with what they cost',
  { input: none, output: z.array(z.object({ order: z.string(), amount: z.number() })) },
  () => [
    { order: 'O1', amount: 30 },
    { order: 'O2', amount: 400 },
    { order: 'O3', amount: 45 },
  ],
)

const rejected: Task = {
  id: 'one-is-rejected',
  kind: 'people',
  task: 'Refund the damaged orders in full. Answer with the orders that were refunded and those that were not, each sorted.',
  answer: z.object({ refunded: z.array(z.string()), notRefunded: z.array(z.string()) }),
  scene() {
    const {
      paid,
      tools,
      person: says,
    } = refunding((amount) =>
      amount > 100 ? { type: 'reject', reason: 'too much, leave it' } : { type: 'approve' },
    )
    return {
      tools: [damaged, ...tools],
      person: says,
      check: (answer) =>
        all(
          same(paid.map(({ order }) => order).toSorted(), ['O1', 'O3'], 'refunds'),
          same(answer, { refunded: ['O1', 'O3'], notRefunded: ['O2'] }),
        ),
    }
  },
  solution: [
    `const refunded = [], notRefunded = []
await Promise.all((await damaged_orders({})).map(({ order, amount }) => refund({ order, amount }).then(() => refunded.push(order), () => notRefunded.push(order))))
finalAnswer({ refunded: refunded.sort(), notRefunded: notRefunded.sort() })`,
  ],
  wrong: { refunded: ['O1', 'O2', 'O3'], notRefunded: [] },
}

const instructed: Task = {
  id: 'rejected-with-a-word',
  kind: 'people',
  task: 'Make good for order O2, which arrived damaged and cost 400: refund it. Answer with what the customer got in the end.',
  answer: z.object({ kind: z.enum(['refund', 'voucher', 'nothing']), amount: z.number() }),
  scene() {
    const vouchers: number[] = []
    const {
      paid,
      tools,
      person: says,
    } = refunding(() => ({ type: 'reject', reason: 'give a voucher over 350 instead' }))
    return {
      tools: [
        ...tools,
        does(
          'voucher',
          'Gives a voucher',
          { input: z.object({ order: z.string(), amount: z.number() }), output: z.string() },
          ({ amount }) => {
            vouchers.push(amount)
            return 'given'
          },
        ),
      ],
      person: says,
      check: (answer) =>
        all(
          same(paid, [], 'refunds'),
          same(vouchers, [350], 'vouchers'),
          same(answer, { kind: 'voucher', amount: 350 }),
        ),
    }
  },
  solution: [
    `try { await refund({ order: 'O2', amount: 400 }) } catch (error) { print(error.message) }`,
    `await voucher({ order: 'O2', amount: 350 })
finalAnswer({ kind: 'voucher', amount: 350 })`,
  ],
  wrong: { kind: 'refund', amount: 400 },
}

const missing: Task = {
  id: 'which-size',
  kind: 'people',
  task: 'Order one T-shirt for me; I know which size I want. Answer with the number of the order.',
  answer: z.string(),
  scene() {
    const ordered: string[] = []
    let asked = 0
    return {
      tools: [
        reads('sizes', 'The sizes that there are', { input: none, output: z.array(z.string()) }, () => [
          'S',
          'M',
          'L',
          'XL',
        ]),
        does(
          'order_shirt',
          'Orders a T-shirt',
          { input: z.object({ size: z.enum(['S', 'M', 'L', 'XL']) }), output: z.string() },
          ({ size }) => {
            ordered.push(size)
            return `T-${size}-1`
          },
        ),
      ],
      person: () => {
        asked++
        return { type: 'respond', value: 'L' }
      },
      check: (answer) =>
        all(
          asked === 1 ? undefined : `asked ${asked} times`,
          same(ordered, ['L'], 'orders'),
          same(answer, 'T-L-1'),
        ),
    }
  },
  solution: [
    `const size = await ask('Which size: ' + (await sizes({})).join(', ') + '?', { type: 'string', enum: await sizes({}) })
finalAnswer(await order_shirt({ size }))`,
  ],
  wrong: 'T-M-1',
}

const cancelOld: Task = {
  id: 'cancel-the-old',
  kind: 'effects',
  task: 'Cancel the reservations that were never paid and were made before 1 March 2026. Answer with the ids that you cancelled, sorted.',
  answer: z.array(z.string()),
  scene() {
    const cancelled: string[] = []
    const rows = [
      { id: 'V1', paid: false, made: '2026-02-27' },
      { id: 'V2', paid: true, made: '2026-01-05' },
      { id: 'V3', paid: false, made: '2026-03-01' },
      { id: 'V4', paid: false, made: '2025-12-31' },
    ]
    return {
      tools: [
        reads(
          'reservations',
          'All reservations',
          { input: none, output: z.array(z.object({ id: z.string(), paid: z.boolean(), made: z.string() })) },
          () => rows,
        ),
        does(
          'cancel',
          'Cancels a reservation for good',
          { input: z.object({ id: z.string() }), output: z.string() },
          ({ id }) => {
            cancelled.push(id)
            return 'cancelled'
          },
        ),
      ],
      check: (answer) =>
        all(same(cancelled.toSorted(), ['V1', 'V4'], 'cancellations'), same(answer, ['V1', 'V4'])),
    }
  },
  solution: [
    `const old = (await reservations({})).filter(({ paid, made }) => !paid && made < '2026-03-01').map(({ id }) => id).sort()
await Promise.all(old.map((id) => cancel({ id })))
finalAnswer(old)`,
  ],
  wrong: ['V1', 'V3', 'V4'],
}

const transfer: Task = {
  id: 'even-out',
  kind: 'effects',
  task: 'Move money between the three accounts so that all have the same, with as few transfers as can be. Answer with what each has afterwards.',
  answer: z.number(),
  scene() {
    const balances: Record<string, number> = { main: 900, rent: 100, food: 200 }
    let transfers = 0
    return {
      tools: [
        reads(
          'balances',
          'What is on the accounts',
          { input: none, output: z.record(z.string(), z.number()) },
          () => ({ ...balances }),
        ),
        does(
          'transfer',
          'Moves money',
          {
            input: z.object({ from: z.string(), to: z.string(), amount: z.number().positive() }),
            output: z.string(),
          },
          ({ from, to, amount }) => {
            if ((balances[from] ?? 0) < amount) throw new Error(`There is not enough on ${from}`)
            balances[from] = (balances[from] ?? 0) - amount
            balances[to] = (balances[to] ?? 0) + amount
            transfers++
            return 'moved'
          },
        ),
      ],
      check: (answer) =>
        all(
          same(balances, { main: 400, rent: 400, food: 400 }, 'balances'),
          transfers === 2 ? undefined : `${transfers} transfers, not 2`,
          same(answer, 400),
        ),
    }
  },
  solution: [
    `const now = await balances({})
const each = Object.values(now).reduce((sum, one) => sum + one, 0) / 3
for (const name of Object.keys(now)) if (now[name] < each) await transfer({ from: 'main', to: name, amount: each - now[name] })
finalAnswer(each)`,
  ],
  wrong: 300,
}

const noData: Task = {
  id: 'no-such-year',
  kind: 'unanswerable',
  task: 'What was the turnover of 2019? Answer with the number, or with null if the figures do not tell.',
  answer: z.object({ turnover: z.number().nullable() }),
  scene() {
    const figures = { '2021': 120, '2022': 150, '2023': 145 }
    return {
      tools: [
        reads(
          'turnover',
          'The turnover by year',
          { input: none, output: z.record(z.string(), z.number()) },
          () => figures,
        ),
      ],
      check: (answer) => same(answer, { turnover: null }),
    }
  },
  solution: [`const all = await turnover({})\nfinalAnswer({ turnover: all['2019'] ?? null })`],
  wrong: { turnover: 100 },
}

const contradiction: Task = {
  id: 'sources-contradict',
  kind: 'unanswerable',
  task: 'How many pieces of article K are in stock? If the two systems do not agree, answer with null and both figures; do not choose.',
  answer: z.object({
    pieces: z.number().nullable(),
    figures: z.array(z.number()).describe('that of the shop, then that of the warehouse'),
  }),
  scene() {
    const input = z.object({ article: z.string() })
    return {
      tools: [
        reads('shop_stock', 'Pieces, as the shop has it', { input, output: z.number() }, () => 14),
        reads('warehouse_stock', 'Pieces, as the warehouse has it', { input, output: z.number() }, () => 41),
      ],
      check: (answer) => same(answer, { pieces: null, figures: [14, 41] }),
    }
  },
  solution: [
    `const figures = await Promise.all([shop_stock({ article: 'K' }), warehouse_stock({ article: 'K' })])
finalAnswer({ pieces: figures[0] === figures[1] ? figures[0] : null, figures })`,
  ],
  wrong: { pieces: 41, figures: [14, 41] },
}

export const people: readonly Task[] = [
  ambiguous,
  rejected,
  instructed,
  missing,
  cancelOld,
  transfer,
  noData,
  contradiction,
]
