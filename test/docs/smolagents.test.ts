/** docs/smolagents.md: every row names tests that are there, and every number of the list has its row. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './pages.ts'

const page = readFileSync(join(root, 'docs/smolagents.md'), 'utf8')

/** The titles of a file's tests and of what they stand under, as they are written. */
function titlesOf(file: string): readonly string[] {
  const source = readFileSync(join(root, 'docs', file), 'utf8')
  const calls = source.matchAll(/\)?\(\s*(['"`])((?:(?!\1)[^\\\n]|\\.)+)\1,/g)
  return Array.from(calls, ([, , title = '']) => title)
}

interface Link {
  readonly title: string
  readonly file: string
}

const links: readonly Link[] = Array.from(
  page.matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+)\)/g),
  ([, title = '', file = '']) => ({ title, file }),
)

test('every linked test exists by its name', () => {
  expect(links.length).toBeGreaterThan(80)
  const missing = links.filter(({ title, file }) => {
    const titles = titlesOf(file)
    return /^7\.\d+$/.test(title)
      ? !titles.some((one) => one === title || one.startsWith(`${title} `))
      : !titles.includes(title)
  })
  expect(missing).toEqual([])
})

test('every row of the features has a test', () => {
  const table = page.slice(page.indexOf('## Features'), page.indexOf('Left out'))
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| feature'))
  expect(rows.length).toBeGreaterThan(30)
  expect(rows.filter((row) => !row.includes('](../test/'))).toEqual([])
})

/** The numbers of the list; those that it does not have were never part of it. */
const NUMBERS = [
  1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 16, 17, 18, 19, 20, 22, 23, 25, 26, 27, 28, 29, 30, 31, 32, 33, 35,
  36, 37, 38, 40, 41, 42, 43, 44, 45, 47, 48, 49, 50, 51, 52, 54, 55, 56, 58, 60, 61, 63, 64, 66,
]

test('every number of the acceptance list has a row, with its own test or a reason', () => {
  const list = page.slice(page.indexOf('## The acceptance list'))
  const rows = Array.from(
    list.matchAll(/^\| 7\.(\d+) \| (.+) \| (.+) \|$/gm),
    ([, number, , shown = '']) => ({
      number: Number(number),
      shown,
    }),
  )
  expect(rows.map(({ number }) => number)).toEqual(NUMBERS)
  const others = rows.filter(({ number, shown }) => shown.includes('](') && !shown.includes(`[7.${number}](`))
  expect(others).toEqual([])
})
