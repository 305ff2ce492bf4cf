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
  'collections/maps-sets/map basics shown': {
    why: 'an iterator is not run ahead to see what it holds: it would be at its end then',
    says: "Map(6) {\n  'a' => 1,\n  1 => 'one',\n  NaN => 'nan',\n  { k: 1 } => [ 1, 2 ],\n  null => undefined,\n  'nested' => Map(1) { 'x' => Set(2) { 1, 2 } }\n} 6 nan true undefined\n[ 'a', 1, NaN, { k: 1 }, null, 'nested' ] Object [Map Iterator] {} Object [Map Iterator] {} true\na 1\nnested Map(1) { 'x' => Set(2) { 1, 2 } }\ntrue false Map(0) {} Set(0) {} Set(4) { 'h', 'e', 'l', 'o' } Set(2) { [ 1 ], { a: Set(0) {} } }\n",
  },
  'display/inspect/iterators and generators': {
    why: 'an iterator is not run ahead to see what it holds: it would be at its end then',
    says: 'Object [Generator] {} Object [Array Iterator] {} Object [Set Iterator] {} Object [Map Iterator] {} Object [String Iterator] {} Object [RegExp String Iterator] {} Object [Array Iterator] {}\n[GeneratorFunction: gen] { gen: Object [Generator] {} } Object [Map Iterator] {} Object [AsyncGenerator] {}\n',
  },
  'web/platform/buffers as node has them': {
    why: 'Buffer is of Node, not of the language: the error names what to use instead',
    says: '! ReferenceError: Buffer is not defined. Use Uint8Array (toBase64, fromBase64, toHex, fromHex) with TextEncoder and TextDecoder.\n',
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
  'regex/extract/legacy corners': { open: 'prelude', missing: 'localeCompare by locale, not by code units' },
  'web/platform/what is there and what is not': {
    open: 'prelude',
    missing: 'what the names in the program say is missing',
  },
}
