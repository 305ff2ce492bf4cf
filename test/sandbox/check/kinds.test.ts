/** What sort of value a type's text stands for. */
import { expect, test } from 'vitest'
import { alternatives, kindsOf, literalsOf } from '../../../src/sandbox/check/kinds.ts'

test.each([
  ['string', ['string']],
  ['"a | b"', ['string']],
  ['"it\\"s | x" | 5', ['string', 'number']],
  ['-1.5e3', ['number']],
  ['5n', ['bigint']],
  ['true | false', ['boolean', 'boolean']],
  ['string[]', ['array']],
  ['(string | number)[]', ['array']],
  ['readonly [a: string, b?: number]', ['array']],
  ['{ a: string | number; }', ['object']],
  ['Promise<string | number>', ['object']],
  ['Declared<{ a: string; }>', ['object']],
  ['(a: string) => string | number', ['function']],
  ['TreeNode', undefined],
  ['string | TreeNode', undefined],
  ['any', undefined],
] as const)('%s', (type, kinds) => expect(kindsOf(type)).toEqual(kinds))

test('a union is cut outside of brackets and quotes', () => {
  expect(alternatives(`{ a: 'x' | "}" } | Map<string, 1 | 2> | "|"`)).toEqual([
    `{ a: 'x' | "}" }`,
    'Map<string, 1 | 2>',
    '"|"',
  ])
})

test('literals, where there is nothing else', () => {
  expect(literalsOf('"a" | "b" | 5')).toEqual(['"a"', '"b"', '5'])
  expect(literalsOf('"a" | string')).toBeUndefined()
})
