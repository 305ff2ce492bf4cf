/**
 * The programs of the corpus that do not say here what they say on Node, each with its reason. One that does must be
 * taken off the list.
 */

export type Exception =
  /** It is so on purpose. `says`: all that the guest says. */
  | { readonly why: string; readonly says: string }
  /** It is not built yet: what is missing, and in which part. */
  | { readonly open: 'prelude' | 'front' | 'codec'; readonly missing: string }

export const EXCEPTIONS: Readonly<Record<string, Exception>> = {
  'classes/classes/a string tag by a getter': {
    why: 'inspect runs no code of the program: a getter is not asked for the tag',
    says: "Tagged {} [object T] [object own] Field { Symbol(Symbol.toStringTag): 'own' }\n",
  },
  'collections/iteration/an object from the spread of a text': {
    why: 'the engine copies nothing of a text that is spread into an object',
    says: "{} { '0': 'h', '1': 'i' } [ 'h', 'i' ]\n",
  },
  'web/platform/buffers as node has them': {
    why: 'Buffer is of Node, not of the language: the error names what to use instead',
    says: '! ReferenceError: Buffer is not defined. Use Uint8Array (with toBase64, fromBase64, toHex, fromHex).\n',
  },
  'async/control/abort': { open: 'prelude', missing: 'AbortController, AbortSignal, EventTarget, Event' },
  'async/control/abort by timeout': {
    open: 'prelude',
    missing: 'AbortController, AbortSignal, EventTarget, Event',
  },
  'async/control/event target': {
    open: 'prelude',
    missing: 'AbortController, AbortSignal, EventTarget, Event',
  },
  'async/control/intervals': { open: 'prelude', missing: 'setInterval' },
  'classes/errors/errors shown inside values': {
    open: 'prelude',
    missing: "an error's `stack`, once assigned, is what is shown",
  },
  'collections/maps-sets/map basics shown': {
    open: 'prelude',
    missing: 'inspect of the iterators of maps and sets: their entries',
  },
  'dates/dates/all the getters': {
    open: 'prelude',
    missing: 'Date.prototype.toString names the zone: `GMT+0000 (Coordinated Universal Time)`',
  },
  'dates/zones/date styles': { open: 'prelude', missing: 'Intl.DateTimeFormat, toLocaleString and its kin' },
  'dates/zones/eras, calendars, and numbering': {
    open: 'prelude',
    missing: 'Intl.DateTimeFormat, toLocaleString and its kin',
  },
  'dates/zones/hours of business in a zone': {
    open: 'prelude',
    missing: 'Intl.DateTimeFormat, toLocaleString and its kin',
  },
  'dates/zones/meeting across zones': {
    open: 'prelude',
    missing: 'Intl.DateTimeFormat, toLocaleString and its kin',
  },
  'dates/zones/months and weekdays in languages': {
    open: 'prelude',
    missing: 'Intl.DateTimeFormat, toLocaleString and its kin',
  },
  'dates/zones/offset of a zone': {
    open: 'prelude',
    missing: 'Intl.DateTimeFormat, toLocaleString and its kin',
  },
  'dates/zones/parts and ranges': {
    open: 'prelude',
    missing: 'Intl.DateTimeFormat, toLocaleString and its kin',
  },
  'dates/zones/relative times': {
    open: 'prelude',
    missing: 'Intl.DateTimeFormat, toLocaleString and its kin',
  },
  'dates/zones/sorting and grouping by local day': {
    open: 'prelude',
    missing: 'Intl.DateTimeFormat, toLocaleString and its kin',
  },
  'dates/zones/time zones': { open: 'prelude', missing: 'Intl.DateTimeFormat, toLocaleString and its kin' },
  'dates/zones/toLocaleDateString in common forms': {
    open: 'prelude',
    missing: 'Intl.DateTimeFormat, toLocaleString and its kin',
  },
  'dates/zones/zone of the program': {
    open: 'prelude',
    missing: 'Intl.DateTimeFormat, toLocaleString and its kin',
  },
  'display/inspect/iterators and generators': {
    open: 'prelude',
    missing: 'inspect of the iterators of maps and sets: their entries',
  },
  'intl/numbers/compact and units': { open: 'prelude', missing: 'Intl.NumberFormat, toLocaleString' },
  'intl/numbers/currency': { open: 'prelude', missing: 'Intl.NumberFormat, toLocaleString' },
  'intl/numbers/digits and rounding': { open: 'prelude', missing: 'Intl.NumberFormat, toLocaleString' },
  'intl/numbers/invoices': { open: 'prelude', missing: 'Intl.NumberFormat, toLocaleString' },
  'intl/numbers/number formats as functions': {
    open: 'prelude',
    missing: 'Intl.NumberFormat, toLocaleString',
  },
  'intl/numbers/parsing localized numbers': { open: 'prelude', missing: 'Intl.NumberFormat, toLocaleString' },
  'intl/numbers/parts of numbers': { open: 'prelude', missing: 'Intl.NumberFormat, toLocaleString' },
  'intl/numbers/rates by locale': { open: 'prelude', missing: 'Intl.NumberFormat, toLocaleString' },
  'intl/numbers/the Intl object': { open: 'prelude', missing: 'Intl.NumberFormat, toLocaleString' },
  'intl/numbers/toLocaleString': { open: 'prelude', missing: 'Intl.NumberFormat, toLocaleString' },
  'intl/text/case by locale': { open: 'prelude', missing: 'toLocaleUpperCase, toLocaleLowerCase by locale' },
  'intl/text/display names': { open: 'prelude', missing: 'Intl.DisplayNames' },
  'intl/text/graphemes and words': { open: 'prelude', missing: 'Intl.Segmenter' },
  'intl/text/group by first letter': { open: 'prelude', missing: 'Intl.Collator, localeCompare' },
  'intl/text/intl durations and supported values': {
    open: 'prelude',
    missing: 'Intl.DurationFormat, Intl.supportedValuesOf',
  },
  'intl/text/lists': { open: 'prelude', missing: 'Intl.ListFormat' },
  'intl/text/messages with plural and number': { open: 'prelude', missing: 'Intl.PluralRules' },
  'intl/text/numeric collation': { open: 'prelude', missing: 'Intl.Collator, localeCompare' },
  'intl/text/plurals': { open: 'prelude', missing: 'Intl.PluralRules' },
  'intl/text/search ignoring accents': { open: 'prelude', missing: 'Intl.Collator, localeCompare' },
  'intl/text/sorting names': { open: 'prelude', missing: 'Intl.Collator, localeCompare' },
  'intl/text/truncate by graphemes': { open: 'prelude', missing: 'Intl.Segmenter' },
  'intl/text/unicode normalisation and width': { open: 'prelude', missing: 'Intl.Collator, localeCompare' },
  'numbers/parsing/packing and unpacking': { open: 'prelude', missing: 'TextEncoder, TextDecoder' },
  'regex/extract/legacy corners': { open: 'prelude', missing: 'localeCompare by locale, not by code units' },
  'syntax/types/decorators on fields, classes, accessors': { open: 'front', missing: 'decorators' },
  'syntax/types/decorators on methods': { open: 'front', missing: 'decorators' },
  'syntax/types/namespaces': {
    open: 'front',
    missing: 'a namespace that goes on sees the exported names of its first part',
  },
  'web/platform/a digest': { open: 'prelude', missing: 'crypto.subtle' },
  'web/platform/abort listeners and reasons': {
    open: 'prelude',
    missing: 'AbortController, AbortSignal, EventTarget, Event',
  },
  'web/platform/events of the platform': {
    open: 'prelude',
    missing: 'AbortController, AbortSignal, EventTarget, Event',
  },
  'web/platform/random ids': { open: 'prelude', missing: 'crypto.subtle' },
  'web/platform/what is there and what is not': {
    open: 'prelude',
    missing: 'what the names in the program say is missing',
  },
  'web/url/a url shown': { open: 'prelude', missing: 'URL, URLSearchParams' },
  'web/url/base64': { open: 'prelude', missing: 'TextEncoder, TextDecoder' },
  'web/url/building a query': { open: 'prelude', missing: 'URL, URLSearchParams' },
  'web/url/headers and form fields by hand': { open: 'prelude', missing: 'URL, URLSearchParams' },
  'web/url/hex and bytes': { open: 'prelude', missing: 'TextEncoder, TextDecoder' },
  'web/url/links of a page': { open: 'prelude', missing: 'URL, URLSearchParams' },
  'web/url/parts of a url': { open: 'prelude', missing: 'URL, URLSearchParams' },
  'web/url/relative and invalid': { open: 'prelude', missing: 'URL, URLSearchParams' },
  'web/url/search params alone': { open: 'prelude', missing: 'URL, URLSearchParams' },
  'web/url/text encoder and decoder': { open: 'prelude', missing: 'TextEncoder, TextDecoder' },
}
