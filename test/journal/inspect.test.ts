/** What a file is, while another process creates or closes it. */
import { utimesSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { inspect } from '../../src/journal/sqlite/inspect.ts'
import type { Connect } from '../../src/journal/sqlite/database.ts'
import { sqliteStore } from '../../src/journal/sqlite.ts'
import { createRun, scratch } from './fixtures/files.ts'

const open: Connect = (path, { readOnly }) => new DatabaseSync(path, { readOnly })

/** Fails as often, after `meanwhile`; then opens the file. */
function failing(
  times: number,
  meanwhile: () => void,
): { readonly connect: Connect; readonly asked: () => number } {
  let asked = 0
  const connect: Connect = (path, options) => {
    if (path === ':memory:' || ++asked > times) return open(path, options)
    meanwhile()
    throw new Error('it changed under my hands')
  }
  return { connect, asked: () => asked }
}

test('a file that was changed while it was read is read again', async () => {
  using place = scratch()
  await made(place.file)
  let second = 1
  const { connect } = failing(3, () => utimesSync(place.file, second, second++))
  expect(inspect(connect, place.file).is).toBe('ours')
})

test('a file that nobody has changed is what it was at the first look', async () => {
  using place = scratch()
  await made(place.file)
  const { connect, asked } = failing(3, () => undefined)
  expect(() => inspect(connect, place.file)).toThrow('it changed under my hands')
  expect(asked()).toBe(1)
})

async function made(path: string): Promise<void> {
  await using store = sqliteStore(path)
  await createRun(store)
}
