/** Tools that fail, time out, or do a part of what they were asked. */
import { z } from 'zod'
import { ToolError } from '../../src/index.ts'
import { all, asking, does, reads, same, type Task } from './task.ts'

const none = z.object({})

const flaky: Task = {
  id: 'flaky-prices',
  kind: 'trouble',
  task: 'What do the articles A, B, C, D and E cost together? The price service is overloaded at times; asking again helps.',
  answer: z.number(),
  scene() {
    const prices: Readonly<Record<string, number>> = { A: 12, B: 30, C: 7, D: 41, E: 5 }
    const asked = new Map<string, number>()
    return asking(
      [
        reads(
          'price',
          'The price of an article',
          { input: z.object({ code: z.string() }), output: z.number() },
          ({ code }) => {
            const times = (asked.get(code) ?? 0) + 1
            asked.set(code, times)
            if (times < (code === 'C' ? 3 : 2))
              throw new ToolError('The price service is overloaded. Try again.')
            return prices[code] ?? 0
          },
        ),
      ],
      95,
    )
  },
  solution: [
    `async function priceOf(code) {
  for (let tries = 1; ; tries++) try { return await price({ code }) } catch (error) { if (tries === 5) throw error }
}
finalAnswer((await Promise.all([...'ABCDE'].map(priceOf))).reduce((sum, one) => sum + one, 0))`,
  ],
  wrong: 88,
}

const oneFails: Task = {
  id: 'one-of-twelve-fails',
  kind: 'trouble',
  task: 'Look all twelve sensors (S1 to S12) up. Answer with the mean of the temperatures that could be read, to one decimal, and with the sensors that could not be read.',
  answer: z.object({ mean: z.number(), failed: z.array(z.string()) }),
  scene() {
    return asking(
      [
        reads(
          'sensor',
          'The temperature at a sensor',
          { input: z.object({ id: z.string() }), output: z.number() },
          ({ id }) => {
            const n = Number(id.slice(1))
            if (n === 5 || n === 11) throw new ToolError(`${id} does not answer. It is broken.`)
            return 15 + n * 0.5
          },
        ),
      ],
      { mean: 18.1, failed: ['S5', 'S11'] },
    )
  },
  solution: [
    `const ids = Array.from({ length: 12 }, (_, n) => 'S' + (n + 1))
const read = await Promise.all(ids.map((id) => sensor({ id }).then((value) => ({ id, value }), () => ({ id }))))
const good = read.filter((one) => 'value' in one)
finalAnswer({ mean: Math.round((good.reduce((sum, { value }) => sum + value, 0) / good.length) * 10) / 10, failed: read.filter((one) => !('value' in one)).map(({ id }) => id) })`,
  ],
  wrong: { mean: 18.3, failed: [] },
}

const charges: Task = {
  id: 'charge-once',
  kind: 'trouble',
  task: 'Charge the customers C1, C2 and C3 with 20 each, exactly once. Answer with the ids of the charges in the order of the customers.',
  answer: z.array(z.string()),
  scene() {
    const made: { readonly id: string; readonly customer: string; readonly amount: number }[] = []
    const attempts = new Map<string, number>()
    const charge = z.object({ id: z.string(), customer: z.string(), amount: z.number() })
    return {
      tools: [
        does(
          'charge',
          'Charges a customer',
          { input: z.object({ customer: z.string(), amount: z.number() }), output: charge },
          ({ customer, amount }) => {
            const times = (attempts.get(customer) ?? 0) + 1
            attempts.set(customer, times)
            const late = new ToolError('charge did not return within 5 s. Whether it happened is not known.')
            // C2: it happened, and the reply was lost. C3: it did not happen.
            if (customer === 'C3' && times === 1) throw late
            const done = { id: `ch_${customer}_${made.length + 1}`, customer, amount }
            made.push(done)
            if (customer === 'C2' && times === 1) throw late
            return done
          },
        ),
        reads(
          'charges',
          'The charges of a customer',
          { input: z.object({ customer: z.string() }), output: z.array(charge) },
          ({ customer }) => made.filter((one) => one.customer === customer),
        ),
      ],
      check: (answer) => {
        const ids = ['C1', 'C2', 'C3'].map((customer) => made.filter((one) => one.customer === customer))
        const twice = ids.find((own) => own.length !== 1 || own[0]?.amount !== 20)
        if (twice !== undefined) return `not charged exactly once with 20: ${JSON.stringify(made)}`
        return same(
          answer,
          ids.map(([own]) => own?.id),
        )
      },
    }
  },
  solution: [
    `const outcome = {}
for (const customer of ['C1', 'C2', 'C3']) {
  try { outcome[customer] = await charge({ customer, amount: 20 }) } catch (error) { print(customer, error.message) }
}`,
    `for (const customer of ['C1', 'C2', 'C3']) {
  if (outcome[customer]) continue
  const [known] = await charges({ customer })
  outcome[customer] = known ?? (await charge({ customer, amount: 20 }))
}
finalAnswer(['C1', 'C2', 'C3'].map((customer) => outcome[customer].id))`,
  ],
  wrong: ['ch_C1_1', 'ch_C2_2', 'ch_C3_9'],
}

const letters: Task = {
  id: 'part-is-refused',
  kind: 'trouble',
  task: 'Send the letter "Welcome" to everybody on the list, once. Answer with who got it and who could not get it, each sorted.',
  answer: z.object({ sent: z.array(z.string()), failed: z.array(z.string()) }),
  scene() {
    const people = ['ada@x.org', 'bo@x.org', 'cy@blocked.org', 'dee@x.org', 'eli@blocked.org']
    const sent: string[] = []
    return {
      tools: [
        reads('recipients', 'Who gets it', { input: none, output: z.array(z.string()) }, () => people),
        does(
          'send_letter',
          'Sends a letter',
          { input: z.object({ to: z.string(), subject: z.string() }), output: z.string() },
          ({ to }) => {
            if (to.endsWith('@blocked.org')) throw new ToolError(`${to} is blocked and will stay so.`)
            sent.push(to)
            return 'sent'
          },
        ),
      ],
      check: (answer) =>
        all(
          same(sent.toSorted(), ['ada@x.org', 'bo@x.org', 'dee@x.org'], 'letters'),
          same(answer, {
            sent: ['ada@x.org', 'bo@x.org', 'dee@x.org'],
            failed: ['cy@blocked.org', 'eli@blocked.org'],
          }),
        ),
    }
  },
  solution: [
    `const sent = [], failed = []
await Promise.all((await recipients({})).map((to) => send_letter({ to, subject: 'Welcome' }).then(() => sent.push(to), () => failed.push(to))))
finalAnswer({ sent: sent.sort(), failed: failed.sort() })`,
  ],
  wrong: { sent: ['ada@x.org', 'bo@x.org', 'cy@blocked.org', 'dee@x.org', 'eli@blocked.org'], failed: [] },
}

const strange: Task = {
  id: 'strange-rows',
  kind: 'trouble',
  task: 'What do the amounts of all rows come to? Some rows are not as they should be: amounts are numbers, or text like "1,234.50" or "EUR 12.00"; rows without an amount count as 0.',
  answer: z.number(),
  scene() {
    const rows: readonly unknown[] = [
      { amount: 10 },
      { amount: '1,234.50' },
      { amount: null },
      {},
      { amount: 'EUR 12.00' },
      { amount: '-3.5' },
      { amount: '' },
    ]
    return asking(
      [
        reads('rows', 'Rows as they were entered', { input: none, output: z.array(z.any()) }, () => [
          ...rows,
        ]),
      ],
      1_253,
    )
  },
  solution: [
    `const number = (amount) => (typeof amount === 'number' ? amount : Number(String(amount ?? '').replace(/[^\\d.-]/g, '')) || 0)
finalAnswer((await rows({})).reduce((sum, { amount }) => sum + number(amount), 0))`,
  ],
  wrong: 10,
}

export const trouble: readonly Task[] = [flaky, oneFails, charges, letters, strange]
