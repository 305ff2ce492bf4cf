/** docs/reliability.md is written by `npm run test:crash`: it is of this code if it names what this code has. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FAULT_POINTS } from '../../src/base/fault-point.ts'
import { ROWS } from './fixtures/coverage.ts'
import { plants } from './fixtures/plants.ts'
import { programs } from './fixtures/reference.ts'
import { PAGE } from './fixtures/report.ts'

const page = readFileSync(PAGE, 'utf8')

/** The rows of all tables, by their first cell. */
const rows = new Map(
  page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(' | '))
    .map(([first = '', ...cells]) => [first, cells]),
)

test('it names every row, fault point, program and planted bug', () => {
  const names = [
    ...Object.keys(ROWS),
    ...Object.keys(FAULT_POINTS),
    ...programs.map(({ name }) => name),
    ...plants.map(({ name }) => name),
  ]
  expect(names.filter((name) => !rows.has(name))).toEqual([])
})

test('it says that nothing was found, and all planted bugs were', () => {
  expect(page).toContain(`planted bugs ${plants.length}/${plants.length} caught`)
  expect(page).toMatch(/ processes killed, 0 violations, /)
})
