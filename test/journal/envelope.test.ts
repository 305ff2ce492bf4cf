/** What was sealed opens as it was, at its own place, and nowhere else (V1–V4). */
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cipherOf, plainSeal, type Seal } from '../../src/journal/cipher.ts'
import { GENESIS, nameOf, openBytes, openEntry, sealBytes, sealEntry } from '../../src/journal/envelope.ts'
import type { EntryRow } from '../../src/journal/store.ts'

const place = { seq: 3, at: 1_700_000_000_000, epoch: 2, v: 1 }
const ONE = plainSeal('run-1')
const previous = Uint8Array.from({ length: 32 }, (_, index) => index)

function sealed(body: string, runId = 'run-1', chain: Uint8Array = previous): EntryRow {
  return {
    ...place,
    kind: 'message-said',
    ...sealEntry(plainSeal(runId), place, 'message-said', body, chain),
  }
}

describe('entries', () => {
  test('any JSON text comes back', () => {
    fc.assert(
      fc.property(fc.json(), fc.string({ unit: 'binary' }), (body, runId) => {
        expect(openEntry(sealed(body, runId), plainSeal(runId), previous)).toBe(body)
      }),
    )
  })

  test('a byte order mark and a NUL are text', () => {
    for (const body of ['\ufeff{}', '"\0"', '']) expect(openEntry(sealed(body), ONE, previous)).toBe(body)
  })

  test('a body that UTF-8 would change is refused', () => {
    expect(() => sealed('"\ud800"')).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  const row = sealed('{"text":"ahoy"}')
  const swapped: Readonly<Record<string, EntryRow>> = {
    seq: { ...row, seq: 4 },
    at: { ...row, at: row.at + 0.5 },
    epoch: { ...row, epoch: 1 },
    version: { ...row, v: 2 },
    kind: { ...row, kind: 'run-stopped' },
    payload: { ...row, payload: Uint8Array.from([...row.payload, 0]) },
    'no payload': { ...row, payload: new Uint8Array(0) },
    chain: { ...row, chain: row.chain.toReversed() },
    'no chain': { ...row, chain: new Uint8Array(0) },
  }
  test.each(Object.entries(swapped))(
    'another %s does not open, and the error names run and seq',
    (_, other) => {
      expect(() => openEntry(other, ONE, previous)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
      expect(() => openEntry(other, ONE, previous)).toThrow(`Entry ${other.seq} of run run-1`)
    },
  )

  test('in another run, or after another entry, it does not open', () => {
    for (const [runId, chain] of [
      ['run-2', previous],
      ['run-1', GENESIS],
      ['run-1', row.chain],
    ] as const) {
      expect(() => openEntry(row, plainSeal(runId), chain)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
    }
  })

  test('no flipped bit goes unseen', () => {
    fc.assert(
      fc.property(fc.nat(row.payload.length - 1), fc.nat(7), (index, bit) => {
        const payload = row.payload.slice()
        payload[index] = (payload[index] ?? 0) ^ (1 << bit)
        expect(() => openEntry({ ...row, payload }, ONE, previous)).toThrow(
          expect.objectContaining({ code: 'STATE_CORRUPT' }),
        )
      }),
    )
  })

  test('no field runs over into the next (V4)', () => {
    const [one, two] = [
      sealEntry(plainSeal('ab'), place, 'message-said', 'x', GENESIS),
      sealEntry(plainSeal('a'), place, 'message-said', 'bx', GENESIS),
    ]
    expect(one.chain).not.toEqual(two.chain)
  })

  test('a key that we do not have', () => {
    expect(() => openEntry({ ...row, keyId: 'k1' }, ONE, previous)).toThrow(/key k1/)
  })

  test('the format of an entry does not change', () => {
    const { payload, chain } = sealEntry(ONE, { seq: 1, at: 1, epoch: 0, v: 1 }, 'task-added', '{}', GENESIS)
    expect(Buffer.from(payload).toString('hex')).toBe('017b7d')
    expect(Buffer.from(chain).toString('hex')).toMatchInlineSnapshot(
      `"6d9cbde9293396ab6a889fd4c32c57baf1dce6fb74785c91fdc1d98e5fe2808c"`,
    )
  })
})

describe('bytes outside the chain', () => {
  test('the layout is one for all lengths: each part with its length before it (V4)', () => {
    const number = (value: number): Buffer => {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleBE(value)
      return bytes
    }
    for (const length of [0, 1, 8_191, 8_192, 8_193, 100_000]) {
      const bytes = Buffer.alloc(length, 'ahoy')
      const parts = [
        Buffer.from('pca-bytes'),
        ...['heap', 'rün'].map((text) => Buffer.from(text, 'utf16le')),
        number(7),
      ]
      const hash = createHash('sha256')
      for (const part of [...parts, bytes]) hash.update(number(part.length)).update(part)
      const sealed = sealBytes(plainSeal('rün'), 'heap', 7, bytes)
      expect(Buffer.from(sealed.subarray(1, 33)).toString('hex')).toBe(hash.digest('hex'))
    }
  })

  test('any bytes come back, as a view', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), fc.nat(), (bytes, context, position) => {
        expect(openBytes(ONE, context, position, sealBytes(ONE, context, position, bytes))).toEqual(bytes)
      }),
    )
  })

  test('for something else, another run or another position they do not open', () => {
    const heap = sealBytes(ONE, 'heap', 7, Uint8Array.of(1, 2, 3))
    for (const [context, runId, position] of [
      ['state', 'run-1', 7],
      ['heap', 'run-2', 7],
      ['heap', 'run-1', 8],
    ] as const) {
      expect(() => openBytes(plainSeal(runId), context, position, heap)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
    }
  })

  test('every cut and every flipped byte is seen', () => {
    const heap = sealBytes(ONE, 'heap', 7, Uint8Array.of(1, 2, 3))
    for (const index of heap.keys()) {
      expect(() => openBytes(ONE, 'heap', 7, heap.subarray(0, index))).toThrow(/run run-1 at 7/)
      const flipped = heap.map((byte, at) => (at === index ? byte ^ 1 : byte))
      expect(() => openBytes(ONE, 'heap', 7, flipped)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
    }
  })
})

/** What a thief does who can write to the file and knows how we digest, but has no key. */
describe('sealed with a key (V5)', () => {
  const dataKey = Buffer.alloc(32, 7)
  const seal: Seal = { runId: 'run-1', cipher: cipherOf(dataKey) }
  const secret = '{"text":"the treasure is under the palm"}'
  const sealedRow = (runId = 'run-1', chain: Uint8Array = previous): EntryRow => ({
    ...place,
    kind: 'message-said',
    ...sealEntry({ ...seal, runId }, place, 'message-said', secret, chain),
  })
  /** The chain made right again after the row was changed: it needs no key. */
  const rechained = (row: EntryRow, runId = 'run-1', chain: Uint8Array = previous): EntryRow => {
    const number = (value: number): Buffer => {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleBE(value)
      return bytes
    }
    const numbers = Buffer.concat([row.seq, row.at, row.epoch, row.v].map(number))
    const texts = [runId, row.kind].map((text) => Buffer.from(text, 'utf16le'))
    const [run = Buffer.alloc(0), kind = Buffer.alloc(0)] = texts
    const hash = createHash('sha256')
    for (const part of [Buffer.from('pca-entry'), chain, run, numbers, kind, row.payload])
      hash.update(number(part.length)).update(part)
    return { ...row, chain: new Uint8Array(hash.digest()) }
  }

  test('what was sealed opens, and is not to be seen', () => {
    const row = sealedRow()
    expect(openEntry(row, seal, previous)).toBe(secret)
    expect(Buffer.from(row.payload).includes('palm')).toBe(false)
    const bytes = sealBytes(seal, 'heap', 7, Buffer.from(secret))
    expect(Buffer.from(bytes).includes('palm')).toBe(false)
    expect(Buffer.from(openBytes(seal, 'heap', 7, bytes)).toString()).toBe(secret)
  })

  test('the same words are never sealed in the same way', () => {
    const seen = new Set(
      Array.from({ length: 2_000 }, () => Buffer.from(sealedRow().payload.subarray(1, 13)).toString('hex')),
    )
    expect(seen.size).toBe(2_000)
  })

  test('the thief can make a chain right again', () => {
    expect(rechained(sealedRow())).toEqual(expect.objectContaining({ seq: 3 }))
    const row = sealedRow()
    expect(rechained(row).chain).toEqual(row.chain)
  })

  const moved: Readonly<Record<string, (row: EntryRow) => EntryRow>> = {
    'another seq': (row) => ({ ...row, seq: 4 }),
    'another time': (row) => ({ ...row, at: row.at + 0.5 }),
    'another epoch': (row) => ({ ...row, epoch: 1 }),
    'another version': (row) => ({ ...row, v: 2 }),
    'another kind': (row) => ({ ...row, kind: 'run-stopped' }),
    'a flipped bit': (row) => ({
      ...row,
      payload: row.payload.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
    }),
    'a flipped nonce': (row) => ({
      ...row,
      payload: row.payload.map((byte, at) => (at === 1 ? byte ^ 1 : byte)),
    }),
    'a flipped tag': (row) => ({
      ...row,
      payload: row.payload.map((byte, at) => (at === 13 ? byte ^ 1 : byte)),
    }),
    'a cut end': (row) => ({ ...row, payload: row.payload.subarray(0, -1) }),
    'no tag': (row) => ({ ...row, payload: row.payload.subarray(0, 13) }),
    'nothing but a format': (row) => ({ ...row, payload: row.payload.subarray(0, 1) }),
    'another format': (row) => ({ ...row, payload: row.payload.map((byte, at) => (at === 0 ? 1 : byte)) }),
    'words in plain': (row) => ({ ...row, ...sealEntry(ONE, row, row.kind, secret, previous) }),
    'words in plain under the id of the key': (row) => ({
      ...row,
      ...sealEntry(ONE, row, row.kind, secret, previous),
      keyId: row.keyId,
    }),
    'the id of no key': (row) => ({ ...row, keyId: '' }),
    'the id of another key': (row) => ({ ...row, keyId: 'abcdefabcdef' }),
  }
  test.each(Object.entries(moved))('%s with a chain that fits does not open', (_, change) => {
    expect(() => openEntry(rechained(change(sealedRow())), seal, previous)).toThrow(
      expect.objectContaining({ code: 'STATE_CORRUPT' }),
    )
  })

  test('in another run, after another entry, or with another key it does not open', () => {
    const elsewhere: Seal = { ...seal, runId: 'run-2' }
    expect(() => openEntry(rechained(sealedRow(), 'run-2'), elsewhere, previous)).toThrow(
      /Entry 3 of run run-2/,
    )
    const chain = sealedRow().chain
    expect(() => openEntry(rechained(sealedRow(), 'run-1', chain), seal, chain)).toThrow(/Entry 3/)
    const locked: Seal = {
      runId: 'run-1',
      cipher: { ...cipherOf(Buffer.alloc(32, 8)), keyId: sealedRow().keyId },
    }
    expect(() => openEntry(sealedRow(), locked, previous)).toThrow(/Entry 3/)
    expect(() => openEntry(sealedRow(), ONE, previous)).toThrow(/sealed with the data key/)
  })

  test('bytes: for something else, another run or position, cut or flipped anywhere, they do not open', () => {
    const heap = sealBytes(seal, 'heap', 7, Uint8Array.of(1, 2, 3))
    for (const [context, runId, position] of [
      ['state', 'run-1', 7],
      ['heap', 'run-2', 7],
      ['heap', 'run-1', 8],
    ] as const) {
      expect(() => openBytes({ ...seal, runId }, context, position, heap)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
    }
    for (const index of heap.keys()) {
      expect(() => openBytes(seal, 'heap', 7, heap.subarray(0, index))).toThrow(/run run-1 at 7/)
      const flipped = heap.map((byte, at) => (at === index ? byte ^ 1 : byte))
      expect(() => openBytes(seal, 'heap', 7, flipped)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
    }
    expect(() => openBytes(seal, 'heap', 7, sealBytes(ONE, 'heap', 7, Uint8Array.of(1)))).toThrow(/format 1/)
    expect(() => openBytes(ONE, 'heap', 7, heap)).toThrow(/format 2/)
  })

  test('a name tells nothing of the bytes to whom has no key, and is the same to whom has', () => {
    const bytes = Buffer.from(secret)
    expect(nameOf(seal, bytes)).toBe(nameOf({ runId: 'x', cipher: cipherOf(dataKey) }, bytes))
    expect(nameOf(seal, bytes)).not.toBe(nameOf(ONE, bytes))
    expect(nameOf(seal, bytes)).not.toBe(nameOf({ runId: 'x', cipher: cipherOf(Buffer.alloc(32)) }, bytes))
  })
})
