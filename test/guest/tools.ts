/** The world of the corpus: tools that answer the same on Node and in the guest, each after a while of its own. */
import { decode, encode } from '../../src/base/codec.ts'

/** When every program begins. */
export const BEGIN: number = Date.UTC(2026, 0, 15, 9, 30)

/** What a call comes to, and how long that takes on the world's clock, in ms. */
export interface Answer {
  readonly after: number
  readonly outcome:
    | { readonly ok: true; readonly value: string }
    | { readonly ok: false; readonly error: { readonly name: string; readonly message: string } }
}

class Refusal extends Error {
  constructor(name: string, message: string) {
    super(message)
    this.name = name
  }
}

type Input = Readonly<Record<string, unknown>>

const CUSTOMERS = [
  { id: 1, name: 'Ada Lovelace', city: 'London', tier: 'gold', since: new Date('2019-03-14') },
  { id: 2, name: 'Grace Hopper', city: 'New York', tier: 'silver', since: new Date('2020-11-02') },
  { id: 3, name: 'José Álvarez', city: 'Sevilla', tier: 'bronze', since: new Date('2023-07-30') },
  { id: 4, name: 'Zoë Müller', city: 'Köln', tier: 'gold', since: new Date('2021-01-01') },
  { id: 5, name: '山田 太郎', city: '東京', tier: 'silver', since: new Date('2024-02-29') },
]

const STATUSES = ['paid', 'open', 'refunded', 'paid', 'paid', 'damaged'] as const
const SKUS = ['LAMP-01', 'DESK-07', 'PEN-99', 'MUG-12'] as const

const ORDERS = Array.from({ length: 47 }, (_, i) => ({
  id: 1001 + i,
  customerId: (i % 5) + 1,
  sku: SKUS[i % SKUS.length],
  quantity: (i % 3) + 1,
  amount: Math.round(((i * 37.17) % 240) * 100) / 100,
  status: STATUSES[i % STATUSES.length],
  placedAt: new Date(Date.UTC(2025, 9, 1) + i * 46 * 3_600_000).toISOString(),
  ...(i % 7 === 0 ? { note: `gift #${i}` } : {}),
}))

const FILES: Readonly<Record<string, string>> = {
  'sales.csv': [
    'date,region,product,units,price',
    '2025-01-03,North,"Lamp, small",3,19.90',
    '2025-01-03,South,Desk,1,240.00',
    '2025-01-17,North,Pen,120,0.75',
    '2025-02-02,West,"Mug ""Best Dad""",14,8.50',
    '2025-02-11,South,"Lamp, small",7,19.90',
    '2025-02-28,North,Desk,2,235.50',
    '2025-03-09,West,Pen,60,0.80',
    '2025-03-31,South,"Mug ""Best Dad""",5,8.50',
  ].join('\n'),
  'app.log': [
    '2025-11-02T08:00:01.120Z INFO  [api] GET /orders 200 12ms',
    '2025-11-02T08:00:02.004Z WARN  [db] slow query took 1840ms',
    '2025-11-02T08:00:02.950Z INFO  [api] POST /orders 201 48ms',
    '2025-11-02T08:01:10.001Z ERROR [pay] card declined: code=51 user=3',
    '2025-11-02T08:01:11.777Z INFO  [api] GET /orders/17 404 3ms',
    '2025-11-02T08:02:45.500Z ERROR [pay] timeout after 5000ms user=5',
    '    at Gateway.charge (gateway.ts:88:13)',
    '2025-11-02T08:03:00.000Z INFO  [api] GET /health 200 1ms',
  ].join('\n'),
  'config.json':
    '{"name":"shop","version":"2.14.0-rc.1","limits":{"perPage":20,"burst":null},"flags":["beta","eu"],"nested":{"a":{"b":{"c":[1,{"d":2}]}}}}',
  'notes.md':
    '# Title\n\nSome *emphasis* and `code`.\n\n- [x] done\n- [ ] open\n- [ ] later\n\n## Part two\n\n1. one\n2. two\n\n[link](https://example.com/a?b=1&c=2)\n',
  'poem.txt':
    'The quick brown fox\njumps over the lazy dog.\n\nThe dog sleeps; the fox — naïve café — runs.\n',
}

const WEATHER: Readonly<Record<string, unknown>> = {
  Berlin: { city: 'Berlin', temperature: 3.4, unit: 'C', conditions: ['cloudy', 'wind'] },
  Lima: { city: 'Lima', temperature: 22, unit: 'C', conditions: [] },
  Oslo: { city: 'Oslo', temperature: -11.5, unit: 'C', conditions: ['snow'] },
}

const RATES: Readonly<Record<string, number>> = { EUR: 1, USD: 1.0837, GBP: 0.8412, JPY: 162.35 }

const TOOLS: Readonly<Record<string, (input: Input, attempt: number) => unknown>> = {
  /** `{ page = 1, size = 10 }` */
  fetchRows: ({ page = 1, size = 10 }) => {
    const from = (Number(page) - 1) * Number(size)
    const rows = ORDERS.slice(from, from + Number(size))
    const next = from + Number(size) < ORDERS.length ? Number(page) + 1 : null
    return { rows, page, next, total: ORDERS.length }
  },
  lookup: ({ id }) => {
    const found = CUSTOMERS.find((each) => each.id === id)
    if (found === undefined) throw new Refusal('NotFoundError', `no customer ${String(id)}`)
    return found
  },
  search: ({ query, limit = 5 }) =>
    ORDERS.filter((each) => JSON.stringify(each).toLowerCase().includes(String(query).toLowerCase()))
      .slice(0, Number(limit))
      .map(({ id, sku, status }) => ({ id, sku, status, score: Math.round((id % 7) * 14.3) / 100 })),
  readFile: ({ path }) => {
    const text = FILES[String(path)]
    if (text === undefined) throw new Refusal('ToolError', `ENOENT: no such file '${String(path)}'`)
    return text
  },
  getWeather: ({ city }) => WEATHER[String(city)] ?? null,
  getRates: ({ base = 'EUR' }) =>
    new Map(Object.entries(RATES).map(([code, rate]) => [code, rate / (RATES[String(base)] ?? 1)])),
  /** Fails twice for each key, then gives the number of the attempt. */
  flaky: ({ key }, attempt) => {
    if (attempt < 3) throw new Refusal('TemporaryError', `try ${attempt} of ${String(key)} failed`)
    return { key, attempt }
  },
  /** Gives `value` after `ms`, or throws `error`. */
  slow: ({ value, error }) => {
    if (typeof error === 'string') throw new Refusal('Error', error)
    return value
  },
  /** Gives back what it got. */
  echo: (input) => input,
}

export const toolNames: readonly string[] = Object.keys(TOOLS)

/** The tools of one program. */
export class World {
  readonly #attempts = new Map<string, number>()

  /** @param input as it crosses: in the wire format. */
  answer(name: string, input: string): Answer {
    const given = (decode(input) ?? {}) as Input
    const key = `${name} ${String(given['key'])}`
    const attempt = (this.#attempts.get(key) ?? 0) + 1
    this.#attempts.set(key, attempt)
    const after = name === 'slow' ? Number(given['ms']) : 20
    try {
      const tool = TOOLS[name]
      if (tool === undefined) throw new Refusal('Error', `no tool ${name}`)
      return { after, outcome: { ok: true, value: encode(tool(given, attempt)) } }
    } catch (error) {
      const { name: title, message } = error as Error
      return { after, outcome: { ok: false, error: { name: title, message } } }
    }
  }
}

interface Event<T> {
  readonly due: number
  readonly what: T
}

/** What is to come, the earliest first; of two at the same time, that which was planned first. */
export class Agenda<T> {
  readonly #events: Event<T>[] = []

  plan(due: number, what: T): void {
    const at = this.#events.findIndex((each) => each.due > due)
    this.#events.splice(at < 0 ? this.#events.length : at, 0, { due, what })
  }

  next(): Event<T> | undefined {
    return this.#events.shift()
  }
}
