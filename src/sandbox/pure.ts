/**
 * What the guest asks of the host while it computes: what the worker's own libraries know (URLs, encodings, digests,
 * ICU), so that the guest needs none of it in its heap.
 *
 * U1  Pure: the answer depends on the question alone (and, of ICU's, on its version: `hostLibraries`). No clock, no
 *     zone, no locale of the machine; what a library would take from there is given. What is kept is only for speed.
 * U2  Texts only. A question is an operation and the JSON of its arguments; the answer is `=` and the JSON of a value,
 *     or `!` and that of an error's name, message and code.
 * U3  Nothing thrown gets past this file but what the engine must hear of.
 *
 * It is on the path of a worker's start: what takes time to load is loaded when it is asked for.
 */
import { parseJson, type Json } from '../base/json.ts'
import { digest } from './pure/digest.ts'
import {
  askFormatter,
  canonicalLocales,
  changeCase,
  localeOf,
  makeFormatter,
  plainOrder,
  supportedLocales,
  supportedValues,
} from './pure/intl.ts'
import { decodeText, encodeText } from './pure/text.ts'
import { changeUrl, parseQuery, parseUrl, writeQuery } from './pure/url.ts'

type Operation = (...args: never[]) => Json

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'url.parse': parseUrl,
  'url.change': changeUrl,
  'query.parse': parseQuery,
  'query.write': writeQuery,
  'text.encode': encodeText,
  'text.decode': decodeText,
  digest,
  'intl.make': makeFormatter,
  'intl.ask': askFormatter,
  'intl.canonical': canonicalLocales,
  'intl.supported': supportedLocales,
  'intl.values': supportedValues,
  'intl.locale': localeOf,
  'intl.case': changeCase,
  'intl.order': plainOrder,
}

/** The versions of the libraries on whose data answers depend: of ICU, Unicode, CLDR, the time zones, and of URLs. */
export function hostLibraries(): string {
  const { icu, unicode, cldr, tz, ada } = process.versions
  return JSON.stringify({ icu, unicode, cldr, tz, ada })
}

/** The answer to `question`: the operation, a line break, and the JSON of its arguments. */
export function pure(question: string): string {
  const end = question.indexOf('\n')
  const name = question.slice(0, end)
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
  if (operation === undefined) return refused(new TypeError('There is no such question.'))
  const args = parseJson(question.slice(end + 1), 'What the guest asks') as never[]
  try {
    return `=${JSON.stringify(operation(...args))}`
  } catch (error) {
    return refused(error)
  }
}

function refused(error: unknown): string {
  if (!(error instanceof Error)) return '!["Error","It failed."]'
  const code = 'code' in error && typeof error.code === 'string' ? [error.code] : []
  return `!${JSON.stringify([error.name, error.message, ...code])}`
}
