/** Rows to entries and back: every kind, in its place, or not at all. */
import { describe, expect, test } from 'vitest'
import { entryOf, placed, rowOf } from '../../src/journal/decode.ts'
import { ENTRY_VERSION, type Entry } from '../../src/journal/entry.ts'
import { plainSeal } from '../../src/journal/cipher.ts'
import { GENESIS, sealEntry } from '../../src/journal/envelope.ts'
import type { EntryRow } from '../../src/journal/store.ts'

const R = plainSeal('r')
const said = (seq: number, text: string): Entry => placed({ kind: 'message-said', text }, seq, 1_000 + seq, 2)

test('an entry comes back as it was', () => {
  const texts = ['', '\0', '\ud800', '__proto__', '\u2028', '"', 'é'.repeat(10_000)]
  for (const text of texts)
    expect(entryOf(R, rowOf(R, said(1, text), GENESIS), GENESIS)).toEqual(said(1, text))
})

test('a body that names its own place does not move the entry', () => {
  const body = JSON.stringify({ text: 'x', seq: 9, at: 9, epoch: 9, v: 9, kind: 'run-stopped' })
  const place = { seq: 1, at: 1, epoch: 1, v: 1 }
  const row = {
    ...place,
    kind: 'message-said' as const,
    ...sealEntry(R, place, 'message-said', body, GENESIS),
  }
  expect(entryOf(R, row, GENESIS)).toEqual({ ...place, kind: 'message-said', text: 'x' })
})

describe('a row that is not the one that was written after the one before is refused', () => {
  const first = rowOf(R, said(1, 'a'), GENESIS)
  const second = rowOf(R, said(2, 'b'), first.chain)
  const third = rowOf(R, said(3, 'c'), second.chain)
  const cases: Readonly<Record<string, readonly [EntryRow, Uint8Array]>> = {
    'after another row': [third, first.chain],
    'as the first': [second, GENESIS],
    'with another seq': [{ ...second, seq: 3 }, first.chain],
    'with another kind': [{ ...second, kind: 'run-stopped' }, first.chain],
    'with another text': [{ ...second, payload: first.payload }, first.chain],
    'under an unknown key': [{ ...second, keyId: 'k' }, first.chain],
  }
  test.each(Object.entries(cases))('%s', (_, [row, chain]) => {
    expect(() => entryOf(R, row, chain)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  })

  test('in another run', () => {
    expect(() => entryOf(plainSeal('other'), second, first.chain)).toThrow(/Entry 2 of run other/)
  })
})

test('an entry of a newer version is refused by name, with what to do', () => {
  const entry = { ...said(1, 'x'), v: ENTRY_VERSION + 1 }
  expect(() => entryOf(R, rowOf(R, entry, GENESIS), GENESIS)).toThrow(
    expect.objectContaining({
      code: 'STATE_CORRUPT',
      message: expect.stringContaining(`newer version (${ENTRY_VERSION + 1}`),
      hint: 'Update persistent-code-agent.',
    }),
  )
})

test('a payload that is no JSON is refused, though its chain holds', () => {
  const place = { seq: 1, at: 1, epoch: 1, v: 1 }
  const row = {
    ...place,
    kind: 'message-said' as const,
    ...sealEntry(R, place, 'message-said', '{', GENESIS),
  }
  expect(() => entryOf(R, row, GENESIS)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
})
