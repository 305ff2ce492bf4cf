/** `Intl` in the guest is the worker's own: what it says is what Node says, wherever the process runs (U1). */
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encode } from '../../../src/base/codec.ts'
import { CLOCK, session } from '../session.ts'
import type { Session } from '../session.ts'
import { printedOnNode } from './on-node.ts'

const TELL = `const tell = (f) => { try { console.log(f()) } catch (e) { console.log('!', e.name, e.message) } }\n`

const PROGRAMS: { readonly [about: string]: readonly string[] } = {
  numbers: [
    'for (const l of ["en-US", "de-DE", "fr-FR", "en-IN", "ar-EG", "ja-JP"]) console.log(new Intl.NumberFormat(l).format(-1234567.891), (0.256).toLocaleString(l, { style: "percent" }), (1234.5).toLocaleString(l, { style: "currency", currency: "EUR" }))',
    'const f = new Intl.NumberFormat("en", { maximumFractionDigits: 2 }); console.log([1.005, -0, NaN, Infinity, 1e21, "12345678901234567890.129", 10n ** 20n, null, true, {}, new Date(5)].map((v) => f.format(v)), f.format())',
    'console.log(new Intl.NumberFormat("de", { style: "unit", unit: "kilometer-per-hour" }).formatToParts(1234.5), new Intl.NumberFormat("en").formatRange(3, 5), new Intl.NumberFormat("en").formatRangeToParts(3, 3n))',
    'const { format } = new Intl.NumberFormat("en"); console.log([1000, 2000].map(format), format === new Intl.NumberFormat("en").format); const f = Intl.NumberFormat("de"); console.log(f.format === f.format, f instanceof Intl.NumberFormat, f, String(f), Intl.NumberFormat.name, f.constructor === Intl.NumberFormat)',
    'console.log(new Intl.NumberFormat("de-AT", { style: "currency", currency: "usd", notation: "compact", useGrouping: false }).resolvedOptions())',
    'console.log((12345.678).toLocaleString("de"), 12345678901234567890n.toLocaleString("en"), [1234.5, new Date(0), null, "x"].toLocaleString("de", { timeZone: "UTC" }), new Float64Array([1234.5, 2]).toLocaleString("fr"), Object(5).toLocaleString("en"))',
    'tell(() => (1).toLocaleString("en", { style: "currency" })); tell(() => (1).toLocaleString("en", { maximumFractionDigits: 101 })); tell(() => (1).toLocaleString("en", { maximumFractionDigits: NaN })); tell(() => new Intl.NumberFormat("en", { style: "odd" })); tell(() => new Intl.NumberFormat("en", { currency: "12" })); tell(() => Intl.NumberFormat("en", { unit: "parsec", style: "unit" }))',
    'let reads = []; const options = { get style() { reads.push("style"); return "percent" }, get currency() { reads.push("currency") } }; console.log(new Intl.NumberFormat("en", options).format(0.5), reads.sort()); console.log(new Intl.NumberFormat("en", Object.create({ style: "percent" })).format(0.5), new Intl.NumberFormat("en", { style: { toString: () => "percent" } }).format(1))',
    'console.log(new Intl.PluralRules("en", { type: "ordinal" }).select(22), new Intl.PluralRules("pl").select(3), new Intl.PluralRules("en").selectRange(0, 1), new Intl.PluralRules("ar").resolvedOptions().pluralCategories, new Intl.PluralRules("en").select("1"))',
  ],
  dates: [
    'const d = new Date(Date.UTC(2026, 2, 8, 6, 59, 59)); for (const timeZone of ["America/New_York", "Asia/Kolkata", "UTC", "+05:30"]) console.log(d.toLocaleString("en-US", { timeZone }), d.toLocaleDateString("de", { timeZone, dateStyle: "full" }), d.toLocaleTimeString("ja", { timeZone, timeZoneName: "short" }))',
    'const d = new Date(Date.UTC(2026, 2, 8)); console.log(d.toLocaleDateString("en-US"), d.toLocaleTimeString("en-US"), d.toLocaleString("en-US"), d.toLocaleDateString("en-US", { hour: "numeric" }), d.toLocaleTimeString("en-US", { month: "long" }), d.toLocaleString("en-US", { month: "long" }), d.toLocaleDateString("en-US", { weekday: "long" }), d.toLocaleTimeString("en-GB", { hour12: true }), d.toLocaleString("en", { era: "short" }), d.toLocaleString("en", { fractionalSecondDigits: 2 }))',
    'const f = new Intl.DateTimeFormat("en-US", { dateStyle: "long", timeStyle: "short", timeZone: "Europe/Paris" }); console.log(f.format(0), f.format(new Date(1e12)), f.formatToParts(0), f.formatRange(0, 1e9), f.formatRangeToParts(0, 1e6).at(-1), f.resolvedOptions(), [0, 1e12].map(f.format))',
    'tell(() => new Date(NaN).toLocaleString("en")); tell(() => new Intl.DateTimeFormat("en").format(NaN)); tell(() => new Intl.DateTimeFormat("en").format(9e15)); tell(() => new Date(0).toLocaleDateString("en", { timeStyle: "short" })); tell(() => new Date(0).toLocaleTimeString("en", { dateStyle: "short" })); tell(() => new Intl.DateTimeFormat("en", { timeZone: "Mars/Base" })); tell(() => new Intl.DateTimeFormat("en").formatRange(0)); tell(() => new Intl.DateTimeFormat("en", { dateStyle: "full", month: "long" }))',
    'console.log(new Intl.DateTimeFormat("en-u-ca-buddhist-nu-thai", { timeZone: "UTC" }).format(0), new Intl.DateTimeFormat("de", { hourCycle: "h11", hour: "numeric", timeZone: "utc" }).resolvedOptions().timeZone)',
    'const f = new Intl.RelativeTimeFormat("en", { numeric: "auto" }); console.log(f.format(-1, "day"), f.format(-0, "days"), f.format(2.5, "weeks"), f.formatToParts(-3, "month"), f.resolvedOptions()); tell(() => f.format(1, "eon")); tell(() => f.format(Infinity, "day"))',
    'console.log(new Intl.DurationFormat("en", { style: "short" }).format({ hours: 1, minutes: 46, seconds: 40 }), new Intl.DurationFormat("de", { style: "digital" }).format({ hours: 1, minutes: 2 }), new Intl.DurationFormat("en").formatToParts({ days: 2 })); tell(() => new Intl.DurationFormat("en").format({ hours: 1, minutes: -1 }))',
  ],
  texts: [
    'console.log(new Intl.ListFormat("en").format(["a", "b", "c"]), new Intl.ListFormat("de", { type: "disjunction" }).format(new Set(["x", "y"])), new Intl.ListFormat("en").formatToParts(["a", "b"]), new Intl.ListFormat("en").format([])); tell(() => new Intl.ListFormat("en").format([1])); tell(() => Intl.ListFormat("en"))',
    'const s = new Intl.Segmenter("en", { granularity: "word" }).segment("Don\'t panic, 3.14! 漢字"); console.log([...s], s.containing(7), s.containing(99), s.containing(-1), s.containing(), [...new Intl.Segmenter().segment("👨‍👩‍👧é🇩🇪x")].map((each) => each.segment), new Intl.Segmenter("en", { granularity: "sentence" }).segment("One. Two.")[Symbol.iterator]().next())',
    'console.log(["z", "ä", "a", "Z", "A", "é"].sort((a, b) => a.localeCompare(b, "de")), ["z", "ä", "a"].sort(new Intl.Collator("sv").compare), "a".localeCompare("A", "en", { sensitivity: "base" }), "résumé".localeCompare("resume", "en", { sensitivity: "base" }), "a".localeCompare("b"), ["file10", "file9", "File1"].sort(new Intl.Collator("en", { numeric: true }).compare), new Intl.Collator("de", { caseFirst: "upper" }).resolvedOptions())',
    'console.log("i".toLocaleUpperCase("tr"), "I".toLocaleLowerCase(["tr", "en"]), "ß".toLocaleUpperCase(), "ΑΣ".toLocaleLowerCase(), "ı".toLocaleUpperCase("en")); tell(() => "a".toLocaleUpperCase("x-y-z-")); tell(() => "a".localeCompare("b", "x"))',
    'console.log(new Intl.DisplayNames("en", { type: "region" }).of("JP"), new Intl.DisplayNames("de", { type: "currency" }).of("USD"), new Intl.DisplayNames("en", { type: "region", fallback: "none" }).of("ZZ"), new Intl.DisplayNames(["fr"], { type: "language" }).of("de-AT")); tell(() => new Intl.DisplayNames("en")); tell(() => new Intl.DisplayNames("en", { type: "region" }).of("nope!"))',
  ],
  locales: [
    'const l = new Intl.Locale("de-latn-at", { calendar: "buddhist", hourCycle: "h12", numeric: true }); console.log(String(l), l.language, l.script, l.region, l.calendar, l.hourCycle, l.numeric, l.caseFirst, l.baseName, String(new Intl.Locale("zh").maximize()), String(new Intl.Locale("en-Latn-US").minimize()), l.getWeekInfo(), l.getTextInfo(), new Intl.Locale("de").getTimeZones(), l.getCalendars(), l)',
    'console.log(Intl.getCanonicalLocales(["EN-us", "de"]), Intl.NumberFormat.supportedLocalesOf(["de", "xx", "tlh"]), Intl.supportedValuesOf("unit").length > 10, new Intl.NumberFormat(new Intl.Locale("de")).format(1.5), new Intl.NumberFormat(["xx", "de"]).format(1.5), Object.prototype.toString.call(Intl), typeof Intl)',
    'tell(() => new Intl.NumberFormat("x")); tell(() => new Intl.NumberFormat(null)); tell(() => new Intl.NumberFormat([5])); tell(() => new Intl.Locale()); tell(() => Intl.supportedValuesOf("x")); tell(() => new Intl.NumberFormat("en", null)); tell(() => new Intl.NumberFormat(5).format(1)); tell(() => new Intl.Locale(new Intl.Locale("fr"), { region: "CA" }).toString())',
    'class Money extends Intl.NumberFormat { constructor(l, c) { super(l, { style: "currency", currency: c }) } twice(v) { return this.format(2 * v) } }; console.log(new Money("en", "USD").twice(2), new Money("en", "USD") instanceof Intl.NumberFormat)',
  ],
}

let guest: Session
beforeAll(async () => {
  guest = await session({ outputChars: 200_000 })
})
afterAll(() => guest[Symbol.asyncDispose]())

for (const [about, sources] of Object.entries(PROGRAMS)) {
  describe(`as on Node: ${about}`, () => {
    for (const source of sources) {
      test(`${source}`, async () => {
        const program = `{ ${TELL}${source} }\nundefined`
        expect(await guest.show(program)).toBe(await printedOnNode(program))
      })
    }
  })
}

test('what the machine would say is given: the locale is en-US, the zone UTC, now the time of the guest', async () => {
  const source = `[new Intl.NumberFormat().resolvedOptions().locale, new Intl.NumberFormat('tlh').resolvedOptions().locale,
  Intl.DateTimeFormat().resolvedOptions().timeZone, new Date(0).toLocaleString(), (1234.5).toLocaleString(), new Intl.DateTimeFormat().format(),
  new Intl.DateTimeFormat('en', { timeStyle: 'long' }).format() === new Intl.DateTimeFormat('en', { timeStyle: 'long' }).format(${CLOCK})].join('|')`
  expect(await guest.show(source)).toBe("'en-US|en-US|UTC|1/1/1970, 12:00:00 AM|1,234.5|1/2/2026|true'")
})

test('U1: the host’s answers do not depend on its language and zone', () => {
  const script = new URL('../fixtures/pure-answers.ts', import.meta.url).pathname
  const [first, ...others] = [
    { LC_ALL: 'C', TZ: 'UTC' },
    { LC_ALL: 'de_DE.UTF-8', TZ: 'Asia/Tokyo' },
    { LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8', TZ: 'America/New_York' },
  ].map((env) => execFileSync(process.execPath, [script], { env, encoding: 'utf8' }))
  expect(first).toContain('1,234.5')
  for (const other of others) expect(other).toBe(first)
})

const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'A', 'b', 'B', 'z', '0', '1', '9', ' ', '-', '_', '.', '~'),
    maxLength: 6,
  }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('a', 'é', 'ß', 'ä', 'A', '漢', '\ud800', '\u0301', '\t'), maxLength: 4 }),
)
const order = fc.record({
  locale: fc.constantFrom('en', 'de', 'fr', 'es', 'cs', 'sv', 'da', 'hu', 'et', 'ja'),
  numeric: fc.boolean(),
  sensitivity: fc.constantFrom('base', 'accent', 'case', 'variant'),
  caseFirst: fc.constantFrom('false', 'upper', 'lower'),
})

test('L1: texts are sorted as Node sorts them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 12 }), order, async (texts, { locale, ...options }) => {
      const { compare } = new Intl.Collator(locale, options)
      const pairs = texts.flatMap((a) => texts.map((b) => Math.sign(compare(a, b)))).join()
      const variables = encode({ texts, locale, options })
      const source = 'texts.flatMap((a) => texts.map((b) => a.localeCompare(b, locale, options))).join()'
      expect(await guest.show(source, variables)).toBe(`'${pairs}'`)
    }),
    { numRuns: 200 },
  )
})

test('numbers and dates are written as Node writes them', async () => {
  const value = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.constantFrom('0.1', '-0', '1e400', 'no number'),
  )
  const locale = fc.constantFrom('en-US', 'de', 'ar', 'hi', 'fa-IR', 'ja', 'pt-BR')
  const digits = fc.record(
    {
      maximumFractionDigits: fc.nat(20),
      notation: fc.constantFrom('standard', 'scientific', 'compact'),
      style: fc.constantFrom('decimal', 'percent'),
      useGrouping: fc.constantFrom(true, false, 'always', 'min2'),
      signDisplay: fc.constantFrom('auto', 'always', 'exceptZero'),
    },
    { requiredKeys: [] },
  )
  const date = fc.record(
    {
      timeZone: fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
      year: fc.constantFrom('numeric', '2-digit'),
      month: fc.constantFrom('long', 'short', 'narrow', 'numeric', '2-digit'),
      hour: fc.constantFrom('numeric', '2-digit'),
      hour12: fc.boolean(),
      timeZoneName: fc.constantFrom('short', 'longOffset'),
    },
    { requiredKeys: ['timeZone'] },
  )
  const time = fc.integer({ min: -8e14, max: 8e14 })
  await fc.assert(
    fc.asyncProperty(value, time, locale, digits, date, async (amount, ms, tag, style, fields) => {
      const at = new Date(ms)
      const options = fields as Intl.DateTimeFormatOptions
      const here = [
        new Intl.NumberFormat(tag, style as Intl.NumberFormatOptions).format(amount as number),
        at.toLocaleString(tag, options),
        at.toLocaleDateString(tag, options),
        at.toLocaleTimeString(tag, options),
        JSON.stringify(new Intl.DateTimeFormat(tag, options).formatToParts(at)),
      ]
      const variables = encode({ amount, at, tag, style, fields, here })
      const source = `JSON.stringify([new Intl.NumberFormat(tag, style).format(amount), at.toLocaleString(tag, fields),
  at.toLocaleDateString(tag, fields), at.toLocaleTimeString(tag, fields), JSON.stringify(new Intl.DateTimeFormat(tag, fields).formatToParts(at))]) === JSON.stringify(here)`
      expect(await guest.show(source, variables)).toBe('true')
    }),
    { numRuns: 150 },
  )
})

test('more formatters than are kept are made anew, and say the same', async () => {
  const source = `const all = Array.from({ length: 300 }, (_, i) => new Intl.NumberFormat('en', { minimumFractionDigits: i % 20, maximumFractionDigits: 20, minimumIntegerDigits: 1 + (i % 15) }))
const one = all.map((f) => f.format(1.5)).join(), two = all.map((f) => f.format(1.5)).join()
one === two && all[19].format(1.5) === '00,001.5' + '0'.repeat(18)`
  expect(await guest.show(source)).toBe('true')
})

test('a formatter lives on in a heap that goes on elsewhere', async () => {
  await using first = await session()
  await first.step(
    'const kept = new Intl.DateTimeFormat("de", { dateStyle: "long", timeZone: "Asia/Tokyo" }); const { compare } = new Intl.Collator("en", { numeric: true })',
  )
  await guest.sandbox.open({ from: 'heap', heap: await first.heap() }, [])
  expect(
    await guest.show('[kept.format(0), compare("a10", "a9"), ["b", "a"].sort(compare).join()].join()'),
  ).toBe("'1. Januar 1970,1,a,b'")
})

test('what the code does to built-ins does not reach Intl', async () => {
  const source = `const saved = [JSON.parse, Array.prototype[Symbol.iterator], Map.prototype.get, String.prototype.slice]
JSON.parse = () => 9; Array.prototype[Symbol.iterator] = () => { throw 1 }; Map.prototype.get = () => 9; String.prototype.slice = () => 'x'
Array.prototype.toJSON = Object.prototype.toJSON = () => 'mine'; Object.prototype.style = undefined
print((1234.5).toLocaleString('de'), 'b'.localeCompare('a'), new Date(0).toLocaleDateString('en'), new Intl.Segmenter().segment('ab').containing(1).segment)
delete Array.prototype.toJSON; delete Object.prototype.toJSON; delete Object.prototype.style
JSON.parse = saved[0]; Array.prototype[Symbol.iterator] = saved[1]; Map.prototype.get = saved[2]; String.prototype.slice = saved[3]; undefined`
  expect(await guest.show(source)).toBe('1.234,5 1 1/1/1970 b\n')
})
