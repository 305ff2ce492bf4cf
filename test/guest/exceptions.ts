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
}
