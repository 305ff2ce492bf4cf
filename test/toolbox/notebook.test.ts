/** Values that outlive runs, under keys that may be anything. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { notebook } from '../../src/toolbox.ts'
import { scratch } from '../journal/fixtures/files.ts'
import { call, named } from './call.ts'

test('notes, recalls, lists and forgets, over processes', async () => {
  using dir = scratch()
  const use = (name: string, input: unknown) => call(named(notebook(join(dir.path, 'book')), name), input)
  await use('note', { key: 'city/Bern', value: { people: 134_000 } })
  await use('note', { key: 'city/Rome', value: [1, null] })
  await use('note', { key: 'other', value: 'x' })
  expect(await use('recall', 'city/Bern')).toEqual({ people: 134_000 })
  expect(await use('recall', 'nothing')).toBeUndefined()
  expect(await use('listNotes', 'city/')).toEqual(['city/Bern', 'city/Rome'])
  await use('forget', 'city/Rome')
  await use('forget', 'city/Rome')
  expect(await use('listNotes', '')).toEqual(['city/Bern', 'other'])
})

test('a key is never a path, and no key is another one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        fc.oneof(
          fc.constantFrom('..', '.', '/', '../x', 'a/b', 'CON', '*', '%2E', 'a.json', 'é'),
          fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
        ),
        { minLength: 1, maxLength: 6 },
      ),
      async (keys) => {
        using dir = scratch()
        const book = join(dir.path, 'book')
        const use = (name: string, input: unknown) => call(named(notebook(book), name), input)
        for (const [index, key] of keys.entries()) await use('note', { key, value: index })
        expect(readdirSync(dir.path)).toEqual(['book'])
        for (const [index, key] of keys.entries()) expect(await use('recall', key)).toBe(index)
        expect(new Set((await use('listNotes', '')) as string[])).toEqual(new Set(keys))
      },
    ),
    { numRuns: 30 },
  )
})

test('what JSON cannot hold, and what is too large', async () => {
  using dir = scratch()
  const note = named(notebook(dir.path), 'note')
  await expect(call(note, { key: 'a', value: undefined })).rejects.toThrow('nothing that JSON can hold')
  await expect(call(note, { key: 'a', value: 'x'.repeat(1_100_000) })).rejects.toThrow(
    'more than 1048576 bytes',
  )
  expect(readdirSync(dir.path)).toEqual([])
})
