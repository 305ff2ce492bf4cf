/** Programs that fail, or that break what a tool declares; with what is told, first of each fault. */

export const WRONG: Readonly<Record<string, readonly [code: string, ...told: readonly string[]]>> = {
  'a property that the input has not': [
    "await search({ qury: 'a' })",
    "Object literal may only specify known properties, but 'qury' does not exist in type",
  ],
  'a property too many': [
    "await refund({ order: 'a', amount: 1, note: 'x' })",
    "and 'note' does not exist in type",
  ],
  'a value of another type': [
    'await refund({ order: 5, amount: 1 })',
    "Type 'number' is not assignable to type 'string'.",
  ],
  'a value out of a list of words': [
    "await search({ query: 'a', status: 'opne' })",
    `Type '"opne"' is not assignable to type`,
  ],
  'a value of another type from a result': [
    "const [r] = await search({ query: 'a' })\nawait refund({ order: r.total, amount: 1 })",
    "Type 'number' is not assignable to type 'string'.",
  ],
  'a property that is missing': ["await refund({ order: 'a' })", "Property 'amount' is missing in type"],
  'properties that are missing from a variable': [
    "const input = { order: 'a' }\nawait refund(input)",
    "Property 'amount' is missing in type",
  ],
  'text for an object': [
    "await search('lamps')",
    "Argument of type 'string' is not assignable to parameter of type",
  ],
  'no input': ['await search()', 'Expected 1 arguments, but got 0.'],
  'a promise for an input': [
    'const q = bare()\nawait refund({ order: q, amount: 1 })\nawait refund(q)',
    "Type 'Promise<any>' is not assignable to type 'string'.",
    "'Promise<any>'",
  ],
  'an input of the wrong kind, by tools': ['await tools.refund([])', 'missing the following properties'],
  'a tool that is not there': [
    "await serach({ query: 'a' })",
    "Cannot find name 'serach'. Did you mean 'search'?",
  ],
  'a tool that is not there, by tools': [
    "await tools.serach({ query: 'a' })",
    "Property 'serach' does not exist on type 'tools'. Did you mean 'search'?",
  ],
  'a tool that is not there, in a try': [
    "try { await serach({ query: 'a' }) } catch (e) { print(e) }",
    "Cannot find name 'serach'.",
  ],
  'a property that the result has not': [
    "const rows = await search({ query: 'a' })\nfor (const r of rows) print(r.totl)",
    "Property 'totl' does not exist on type",
  ],
  'a property that a part of the result has not': [
    'const c = await customer({ id: 1 })\nprint(c.orders[0].price, c.address.street)',
    "Property 'price' does not exist",
    "Property 'street' does not exist",
  ],
  'a property that is taken out of a result': [
    "const [{ id, titel }] = await search({ query: 'a' })\nprint(id, titel)",
    "Property 'titel' does not exist",
  ],
  'a result in an envelope that it has not': [
    "const { rows } = await search({ query: 'a' })\nprint(rows)",
    "Property 'rows' does not exist on type",
  ],
  'a forgotten await': [
    "const rows = search({ query: 'a' })\nprint(rows.length)\nfor (const r of rows) print(r)",
    "Property 'length' does not exist on type 'Promise<",
    "must have a '[Symbol.iterator]()' method",
  ],
  'a forgotten await of what nobody declared': [
    'const r = bare()\nprint(r.items)',
    "Property 'items' does not exist on type 'Promise<any>'.",
  ],
  'a name that is not there': ['print(nothing)', "Cannot find name 'nothing'."],
  'what only Node has': [
    "const fs = require('fs')\nprocess.exit(1)\nawait fetch('https://example.com')\nBuffer.from('a')",
    'can be imported here',
    'There is no process here',
    'There is no network here',
    'Use Uint8Array',
  ],
  'an import that is computed': [
    "const fs = await import('node:fs')\nprint(await import('lodash'))",
    'can be imported here',
    'can be imported here',
  ],
  'a method that strings have not': [
    "print('abc'.contains('a'))",
    "Property 'contains' does not exist on type",
  ],
  'a method that lists have not': [
    "const rows = await search({ query: 'a' })\nprint(rows.first().id, rows[0].tags.size())",
    "Property 'first' does not exist",
    "Property 'size' does not exist",
  ],
  'a method that Math has not': ['print(Math.sum(1, 2))', "Property 'sum' does not exist on type 'Math'."],
  'a length that is called': [
    "const rows = await search({ query: 'a' })\nprint(rows.length())",
    'This expression is not callable.',
  ],
  'a number that is called': ['const n = 5\nn()', 'This expression is not callable.'],
  'a class without new': [
    'const m = Map()\nclass A {}\nA()',
    "Value of type 'MapConstructor' is not callable.",
    "Value of type 'typeof A' is not callable.",
  ],
  'what cannot be made': ['new Math()', 'This expression is not constructable.'],
  'a constant that is assigned': ['const n = 1\nn = 2', "Cannot assign to 'n' because it is a constant."],
  'a variable before its declaration': [
    'print(late)\nlet late = 1',
    "Block-scoped variable 'late' used before its declaration.",
  ],
  'bigints and numbers mixed': ['print(1n + 1)', "Operator '+' cannot be applied to types"],
  'what no loop goes over': ['for (const x of 5) print(x)', 'must have a'],
  'a type as a value': ['print(Partial)', "'Partial' only refers to a type"],
  'a name in a function that is called': [
    'function main() { return helpr() }\nprint(main())',
    "Cannot find name 'helpr'.",
  ],
  'what the guest lacks': ['print(new WeakRef({}))', "Cannot find name 'WeakRef'."],
  'a shorthand for nothing': [
    'print({ nothing })',
    "No value exists in scope for the shorthand property 'nothing'.",
  ],
  'in a program that is reprinted': [
    "enum Color { Red }\nprint(Color.Red)\nawait search({ qury: 'a' })",
    "'qury' does not exist",
  ],
  'behind text that is not ASCII': [
    "const größe = '💥日本'; await refund({ order: größe })",
    "Property 'amount' is missing",
  ],
}
