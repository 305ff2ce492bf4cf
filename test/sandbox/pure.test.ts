/** What the guest asks of the host: texts in and out, and nothing that a question can do but cost its step. */
import { describe, expect, test } from 'vitest'
import { hostLibraries, pure } from '../../src/sandbox/pure.ts'
import { session } from './session.ts'

function ask(operation: string, ...args: readonly unknown[]): string {
  return pure(`${operation}\n${JSON.stringify(args)}`)
}

describe('U2: a value, or an error by name, message and code', () => {
  const key = JSON.stringify(['NumberFormat', ['de'], {}])
  const ROWS: readonly (readonly [answer: string, operation: string, ...args: readonly unknown[]])[] = [
    ['="1.234,5"', 'intl.ask', key, 'format', 1234.5],
    ['="-0"', 'intl.ask', key, 'format', '-0'],
    ['=null', 'url.parse', 'no url', null],
    ['=["a","1","","é"]', 'query.parse', '?a=1&=%C3%A9'],
    ['="w6Q="', 'text.encode', 'ä'],
    ['=["ä","utf-8"]', 'text.decode', 'utf8', true, false, false, 'w6Q='],
    ['=null', 'digest', 'MD5', ''],
    [
      '!["TypeError","The encoded data was not valid for encoding utf-8","ERR_ENCODING_INVALID_ENCODED_DATA"]',
      'text.decode',
      'utf-8',
      true,
      false,
      false,
      '/w==',
    ],
    [
      '!["RangeError","Invalid time zone specified: Foo"]',
      'intl.make',
      JSON.stringify(['DateTimeFormat', [], { timeZone: 'Foo' }]),
    ],
    ['!["TypeError","There is no such question."]', 'constructor'],
  ]
  for (const [answer, operation, ...args] of ROWS)
    test(`${operation} ${JSON.stringify(args)}`, () => expect(ask(operation, ...args)).toBe(answer))
})

test('U1: the versions of the libraries whose data tell in answers', () => {
  expect(Object.keys(JSON.parse(hostLibraries()) as object)).toEqual(['icu', 'unicode', 'cldr', 'tz', 'ada'])
})

const BOMBS: readonly string[] = [
  'new TextEncoder().encode("é".repeat(5e6)).length',
  'const all = []; for (;;) all.push(new TextEncoder().encode("é".repeat(1e6)))',
  'new TextDecoder().decode(new Uint8Array(4e7)).length',
  '"é".repeat(2e7).localeCompare("é".repeat(2e7) + "x")',
  '[...new Intl.Segmenter().segment("a".repeat(5e6))].length',
  'new Intl.NumberFormat("en").format(10n ** 100000n).length',
  'new URL("http://a/" + "é".repeat(5e6)).href.length',
  'new URLSearchParams("a=1&".repeat(2e6)).size',
  'new Intl.NumberFormat(Array(1e6).fill("de-DE"))',
  'for (;;) (1).toLocaleString("de", { style: "currency", currency: "EUR" })',
  'const d = new TextDecoder(); for (;;) d.decode(new Uint8Array(1e5), { stream: true })',
]

for (const code of BOMBS) {
  test(`it costs a step: ${code}`, async () => {
    await using guest = await session({ stepTimeout: 1_000 })
    await guest.step('let kept = 1')
    await guest.sandbox.mark(1)
    const halt = await guest.start(code)
    expect(['ended', 'killed']).toContain(halt.kind)
    expect(JSON.stringify(halt)).not.toMatch(/file:|node_modules|engine\.ts/)
    if (halt.kind === 'killed') await guest.sandbox.back()
    expect(await guest.show('kept')).toBe('1')
  })
}

test('a question that is too long is an error in the code', async () => {
  await using guest = await session()
  expect(
    await guest.show('try { new URL("http://a/" + "x".repeat(9e6)) } catch (e) { print(e.name, e.message) }'),
  ).toBe('RangeError The text is too long: more than 8388608 characters, as it crosses\n')
})

test('the code finds no way to ask', async () => {
  await using guest = await session()
  const source = `const seen = new Set(), names = []
const visit = (value, path) => {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value) || seen.size > 20000) return
  seen.add(value)
  if (typeof value === 'function' && /^(?:pure|look)$/.test(value.name)) names.push(path)
  for (const key of Reflect.ownKeys(value)) {
    const own = Object.getOwnPropertyDescriptor(value, key)
    for (const each of [own.value, own.get, own.set]) visit(each, path + '.' + String(key))
  }
  visit(Object.getPrototypeOf(value), path + '.__proto__')
}
visit(globalThis, 'globalThis'); [seen.size > 500, names.length]`
  expect(await guest.show(source)).toBe('[ true, 0 ]')
})
