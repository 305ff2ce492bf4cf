/**
 * The agent of `npm start`: it reconciles invoices with a bank statement.
 *
 * `pca` can drive it too (`--agent examples/start/agent.ts`): the default export is the agent on the place where
 * `npm start` keeps its run.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import { z } from 'zod'
// In a project of your own: 'persistent-code-agent' and 'persistent-code-agent/testing'. This checkout runs from source.
import { PersistentCodeAgent, tool } from '../../src/index.ts'
import { scriptedModel } from '../../src/testing.ts'
import { post } from './ledger.ts'

export const TASK =
  'Reconcile the October invoices with the bank: book what was paid, correct what is wrong, report.'

/** Where `npm start` keeps what it makes. `.pca/` is not under version control. */
export const folder: string = process.env['PCA_EXAMPLE_DIR'] ?? join(import.meta.dirname, '../../.pca/start')
export const storagePath: string = join(folder, 'agent_state.db')
export const ledgerPath: string = join(folder, 'ledger.jsonl')
/** What the agent reads. */
export const input: string = join(import.meta.dirname, '../invoices')

/** What the caller gives the tools. It is never journaled. */
export interface Desk {
  /** The invoice whose booking the accounting system answers late, the first time. */
  readonly slow?: string | undefined
}

const listInvoices = tool({
  name: 'listInvoices',
  description: 'The invoices of the month. Amounts are in cents.',
  effect: 'read',
  execute: async () => {
    const [, ...rows] = readFileSync(join(input, 'invoices.csv'), 'utf8').trim().split('\n')
    return rows.map((row) => {
      const [number = '', customer = '', , due = '', amount = ''] = row.split(',')
      return { number, customer, due, amount: cents(amount) }
    })
  },
})

const bankStatement = tool({
  name: 'bankStatement',
  description:
    'The payments that came in. Amounts are in cents; `reference` is the invoice that the payer named.',
  effect: 'read',
  execute: async () => {
    const { payments } = Statement.parse(JSON.parse(readFileSync(join(input, 'bank-statement.json'), 'utf8')))
    return payments.map((payment) => ({ ...payment, amount: cents(payment.amount) }))
  },
})

const Statement = z.object({
  payments: z.array(
    z.object({ date: z.string(), from: z.string(), reference: z.string(), amount: z.string() }),
  ),
})

const bookPayment = tool({
  name: 'bookPayment',
  description: 'Books a payment for an invoice. The amount is in cents.',
  inputSchema: z.object({ invoice: z.string(), amount: z.number().int() }),
  // The accounting system drops repetitions of a key: after a crash the call may be sent again, with the same key.
  effect: 'keyed',
  execute: async ({ invoice, amount }, { idempotencyKey, attempt, abortSignal, context }) => {
    const entry = post(ledgerPath, { key: idempotencyKey, what: 'book', invoice, amount })
    const late = attempt === 1 && deskOf(context).slow === invoice
    await delay(late ? 60_000 : 20, undefined, { signal: abortSignal })
    return { entry, amount }
  },
})

const correctInvoice = tool({
  name: 'correctInvoice',
  description: 'Changes the amount of an invoice. Amounts are in cents.',
  inputSchema: z.object({ invoice: z.string(), from: z.number().int(), to: z.number().int() }),
  // `effect` is 'once', the default: cut in the middle, it would not be sent again, a person would be asked.
  needsApproval: ({ invoice, from, to }) => ({
    required: true,
    message: `Correct invoice ${invoice} from ${euros(from)} to ${euros(to)}?`,
  }),
  execute: async ({ invoice, to }, { idempotencyKey }) => {
    post(ledgerPath, { key: idempotencyKey, what: 'correct', invoice, amount: to })
    return `${invoice} is now ${euros(to)}`
  },
})

/** What a real model would write. It is told the same prompt; it answers with these programs, one for each step. */
const model = scriptedModel([
  `const [invoices, payments] = await Promise.all([listInvoices(), bankStatement()])
print(invoices.length, 'invoices and', payments.length, 'payments, for example', invoices[0], payments[0])`,

  `const paymentFor = new Map(payments.map((payment) => [payment.reference, payment]))
const booked = [], corrected = [], refused = [], unpaid = []
for (const { number: invoice, amount } of invoices) {
  const payment = paymentFor.get(invoice)
  if (payment === undefined) {
    unpaid.push(invoice)
    continue
  }
  if (payment.amount !== amount) {
    try {
      await correctInvoice({ invoice, from: amount, to: payment.amount })
      corrected.push(invoice)
    } catch (error) {
      refused.push(\`\${invoice} (\${error.message})\`)
      continue
    }
  }
  booked.push(await bookPayment({ invoice, amount: payment.amount }))
}
print(booked.length, 'booked,', corrected.length, 'corrected,', unpaid.length, 'unpaid')`,

  `const known = new Set(invoices.map((invoice) => invoice.number))
finalAnswer({
  invoices: invoices.length,
  booked: booked.length,
  total: booked.reduce((sum, { amount }) => sum + amount, 0),
  corrected,
  refused,
  unpaid,
  unknown: payments.filter((payment) => !known.has(payment.reference)).map((payment) => payment.reference),
})`,
])

/** The report that the task asks for. An answer of another shape is given back to the model. */
const Report = z.object({
  invoices: z.number(),
  booked: z.number(),
  /** In cents. */
  total: z.number(),
  corrected: z.array(z.string()),
  refused: z.array(z.string()),
  unpaid: z.array(z.string()),
  unknown: z.array(z.string()),
})
export type Report = z.infer<typeof Report>

/** The agent, on the run's place. */
export function createAgent(desk: Desk = {}): PersistentCodeAgent<Report> {
  mkdirSync(folder, { recursive: true })
  return new PersistentCodeAgent<Report>({
    name: 'reconciler',
    model,
    tools: [listInvoices, bankStatement, bookPayment, correctInvoice],
    outputSchema: Report,
    storagePath,
    pauseGrace: '500ms',
    context: desk,
  })
}

export function euros(amount: number): string {
  return (amount / 100).toFixed(2)
}

function cents(amount: string): number {
  return Math.round(Number(amount) * 100)
}

function deskOf(context: unknown): Desk {
  return typeof context === 'object' && context !== null ? context : {}
}

const reconciler: PersistentCodeAgent<Report> = createAgent()
export default reconciler
