/** Tools found by words. */
import { describe, expect, test } from 'vitest'
import { areSearched, ToolIndex } from '../../src/tool/find.ts'
import { tool } from '../../src/tool/tool.ts'
import { toolsOf, type Tool } from '../../src/tool/tools.ts'

const made = (all: Readonly<Record<string, string>>): ReadonlyMap<string, Tool> =>
  toolsOf(Object.entries(all).map(([name, description]) => tool({ name, description, execute: () => 0 })))

const SHOP = {
  listOrders: 'Lists the orders of a customer',
  refund_order: 'Pays money back for an order',
  getCustomer: 'The record of a customer',
  'send-mail': 'Sends a message to a customer by e-mail',
  convertCurrency: 'Turns an amount of money into another currency',
}

describe('search', () => {
  test.each([
    ['refund', ['refund_order']],
    ['pay money back', ['refund_order', 'convertCurrency']],
    ['customers', ['getCustomer', 'listOrders', 'send-mail']],
    ['EMAIL mail', ['send-mail']],
    ['curr', ['convertCurrency']],
    ['nothing of that kind', []],
    ['', []],
    ['...', []],
  ])('%j', (words, expected) => {
    expect(new ToolIndex(made(SHOP)).search(words, 10).map(({ name }) => name)).toEqual(expected)
  })

  test('gives no more than asked for, and the same list each time', () => {
    const many = made(
      Object.fromEntries(Array.from({ length: 200 }, (_none, n) => [`tool${n}`, 'Does the same'])),
    )
    const names = (): readonly string[] => new ToolIndex(many).search('the same', 3).map(({ name }) => name)
    expect(names()).toEqual(['tool0', 'tool1', 'tool2'])
    expect(names()).toEqual(names())
  })
})

test('many tools are looked up, unless one of them has the name', () => {
  const many = (more: Readonly<Record<string, string>>) =>
    made({ ...Object.fromEntries(Array.from({ length: 31 }, (_none, n) => [`t${n}`, 'x'])), ...more })
  expect(areSearched([...made(SHOP).values()])).toBe(false)
  expect(areSearched([...many({}).values()])).toBe(true)
  expect(areSearched([...many({ search: 'Searches the web' }).values()])).toBe(false)
})
