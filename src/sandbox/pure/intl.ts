/**
 * The worker's own ICU, asked by class, locales, options, method and values (U1: what would come from the machine is
 * given: the locale is en-US, the zone is UTC, the time is the guest's). Formatters are kept, since making one takes
 * longer than what it is used for.
 */
import { parseJson, type Json } from '../../base/json.ts'

/** What stands in for the machine's own. */
const LOCALE = 'en-US'
const ZONE = 'UTC'
const KEPT = 200

/** Of `Date`'s methods: which of the fields they want, and so which they add if none is asked for. */
type Needed = 'any' | 'date' | 'time'
type Options = Readonly<Record<string, Json>>
type Formatter = Readonly<Record<string, (...args: readonly Json[]) => Json | undefined>>

const kept = new Map<string, object>()

/** Makes sure that there is such a formatter. @throws {RangeError | TypeError} as the platform does. */
export function makeFormatter(key: string): null {
  formatterOf(key)
  return null
}

/** What the formatter's method gives. `key` is the JSON of class, locales, options, and of a date what it needs. */
export function askFormatter(key: string, method: string, ...args: Json[]): Json {
  const formatter = formatterOf(key)
  const [first] = args
  if (formatter instanceof Intl.Segmenter && typeof first === 'string') return segments(formatter, first)
  return (formatter as Formatter)[method]?.(...given(formatter, args)) ?? null
}

/** A list crosses as its items, a duration as its JSON. */
function given(formatter: object, args: readonly Json[]): readonly Json[] {
  if (formatter instanceof Intl.ListFormat) return [args]
  const [first] = args
  if (formatter instanceof Intl.DurationFormat && typeof first === 'string' && first.startsWith('{'))
    return [parseJson(first, 'A duration')]
  return args
}

/** The oldest goes where there are too many; one that is used is young again. */
function formatterOf(key: string): object {
  const known = kept.get(key)
  const formatter = known ?? made(key)
  if (known !== undefined) kept.delete(key)
  else if (kept.size >= KEPT) kept.delete(kept.keys().next().value ?? '')
  kept.set(key, formatter)
  return formatter
}

function made(key: string): object {
  const [name, asked, options, needed] = parseJson(key, 'A formatter') as unknown as [
    string,
    readonly string[],
    Options,
    Needed?,
  ]
  const locales = [...asked, LOCALE]
  switch (name) {
    case 'NumberFormat':
      return new Intl.NumberFormat(locales, options)
    case 'DateTimeFormat':
      return needed !== undefined && hasCycle(options)
        ? dateMethod(locales, options, needed)
        : new Intl.DateTimeFormat(locales, dateOptions(options, needed))
    case 'Collator':
      return new Intl.Collator(locales, options)
    case 'PluralRules':
      return new Intl.PluralRules(locales, options)
    case 'RelativeTimeFormat':
      return new Intl.RelativeTimeFormat(locales, options)
    case 'ListFormat':
      return new Intl.ListFormat(locales, options)
    case 'DisplayNames':
      return new Intl.DisplayNames(locales, options as unknown as Intl.DisplayNamesOptions)
    case 'DurationFormat':
      return new Intl.DurationFormat(locales, options)
    default:
      return new Intl.Segmenter(locales, options)
  }
}

const DAY = ['weekday', 'year', 'month', 'day'] as const
const TIME = ['dayPeriod', 'hour', 'minute', 'second', 'fractionalSecondDigits'] as const

/** What ECMA-402 calls ToDateTimeOptions, with the zone. */
function dateOptions(given: Options, needed: Needed | undefined): Options {
  if (typeof given !== 'object' || given === null) return given
  const options = { timeZone: ZONE, ...given }
  if (needed === undefined) return options
  const asks = (names: readonly string[]): boolean => names.some((name) => Object.hasOwn(given, name))
  if (needed === 'date' && asks(['timeStyle'])) throw new TypeError('Invalid option : timeStyle')
  if (needed === 'time' && asks(['dateStyle'])) throw new TypeError('Invalid option : dateStyle')
  if (asks(['dateStyle', 'timeStyle'])) return options
  if (needed !== 'time' && asks(DAY)) return options
  if (needed !== 'date' && asks(TIME)) return options
  const day = { year: 'numeric', month: 'numeric', day: 'numeric' }
  const time = { hour: 'numeric', minute: 'numeric', second: 'numeric' }
  return { ...options, ...(needed === 'time' ? {} : day), ...(needed === 'date' ? {} : time) }
}

function hasCycle(options: Options): boolean {
  return typeof options === 'object' && options !== null && ('hour12' in options || 'hourCycle' in options)
}

/** The methods of `Date` choose another pattern where the hour is theirs and its cycle is asked for. */
function dateMethod(locales: readonly string[], given: Options, needed: Needed): object {
  const options = { timeZone: ZONE, ...given }
  const method = `toLocale${needed === 'any' ? '' : needed === 'date' ? 'Date' : 'Time'}String` as const
  return { format: (ms: number) => new Date(ms)[method](locales as string[], options) }
}

/** Where each segment begins; of words, below zero (as its complement) where it is none. */
function segments(segmenter: Intl.Segmenter, text: string): Json {
  return Array.from(segmenter.segment(text), ({ index, isWordLike }) =>
    isWordLike === false ? ~index : index,
  )
}

export function canonicalLocales(...locales: string[]): Json {
  return Intl.getCanonicalLocales(locales)
}

export function supportedLocales(name: string, locales: string[], options: string): Json {
  const Service = Intl[name as 'NumberFormat']
  return Service.supportedLocalesOf(locales, parseJson(options, 'Options') as object)
}

export function supportedValues(key: string): Json {
  return Intl.supportedValuesOf(key as 'calendar')
}

const GETTERS = [
  'baseName',
  'calendar',
  'caseFirst',
  'collation',
  'firstDayOfWeek',
  'hourCycle',
  'language',
  'numberingSystem',
  'numeric',
  'region',
  'script',
  'variants',
] as const

/** What there is to know of a locale; with a method, what that gives. */
export function localeOf(tag: string, options: string, method?: string): Json {
  const locale = new Intl.Locale(tag, parseJson(options, 'Options') as object)
  const about = locale as unknown as Readonly<Record<string, Json | (() => Json | Intl.Locale)>>
  if (method !== undefined) {
    const ask = about[method]
    const answer = typeof ask === 'function' ? ask.call(locale) : null
    return answer instanceof Intl.Locale ? answer.toString() : (answer ?? null)
  }
  const known: Record<string, Json> = { tag: locale.toString() }
  for (const name of GETTERS) {
    const value = about[name]
    if (value !== undefined && typeof value !== 'function') known[name] = value
  }
  return known
}

export function changeCase(text: string, isUpper: boolean, ...asked: string[]): string {
  const locales = asked.length === 0 ? LOCALE : asked
  return isUpper ? text.toLocaleUpperCase(locales) : text.toLocaleLowerCase(locales)
}

/** Languages in which no two letters of ASCII are sorted as one. */
const PLAIN = new Set(['en', 'de', 'fr', 'it', 'es', 'pt', 'nl'])
const PRINTABLE = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))

/**
 * How a collator sorts the printable characters of ASCII from the space on, so that the guest can sort plain texts by
 * itself: of each its rank by what it is (0, 1, …), and 1 if it comes after its like of the same rank. `null` where
 * more than the single characters would have to be looked at.
 */
export function plainOrder(key: string): Json {
  const collator = formatterOf(key)
  if (!(collator instanceof Intl.Collator)) return null
  const { locale, usage, caseFirst, ignorePunctuation, sensitivity } = collator.resolvedOptions()
  const isPlain = PLAIN.has(new Intl.Locale(locale).language) && usage === 'sort'
  if (!isPlain || caseFirst !== 'false' || ignorePunctuation) return null
  const base = new Intl.Collator(locale, { sensitivity: 'base' })
  const sorted = PRINTABLE.toSorted((a, b) => base.compare(a, b))
  const ranks = new Map<string, number>()
  for (const [index, each] of sorted.entries()) {
    const before = sorted[index - 1]
    const rank =
      before === undefined ? 0 : (ranks.get(before) ?? 0) + (base.compare(before, each) === 0 ? 0 : 1)
    ranks.set(each, rank)
  }
  const isCased = sensitivity === 'variant' || sensitivity === 'case'
  return PRINTABLE.map((each) => {
    const isAfter =
      isCased &&
      PRINTABLE.some((other) => base.compare(other, each) === 0 && collator.compare(other, each) < 0)
    return [ranks.get(each) ?? 0, isAfter ? 1 : 0]
  })
}
