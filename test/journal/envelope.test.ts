/** What was sealed opens as it was, at its own place, and nowhere else (V1–V4). */
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GENESIS, openBytes, openEntry, sealBytes, sealEntry } from '../../src/journal/envelope.ts'
import type { EntryRow } from '../../src/journal/store.ts'

const place = { seq: 3, at: 1_700_000_000_000, epoch: 2, v: 1 }
const previous = Uint8Array.from({ length: 32 }, (_, index) => index)

function sealed(body: string, runId = 'run-1', chain: Uint8Array = previous): EntryRow {
  return {
    ...place,
    kind: 'message-said',
    keyId: '',
    ...sealEntry(runId, place, 'message-said', body, chain),
  }
}

describe('entries', () => {
  test('any JSON text comes back', () => {
    fc.assert(
      fc.property(fc.json(), fc.string({ unit: 'binary' }), (body, runId) => {
        expect(openEntry(sealed(body, runId), runId, previous)).toBe(body)
      }),
    )
  })

  test('a byte order mark and a NUL are text', () => {
    for (const body of ['\ufeff{}', '"\0"', '']) expect(openEntry(sealed(body), 'run-1', previous)).toBe(body)
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
      expect(() => openEntry(other, 'run-1', previous)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
      expect(() => openEntry(other, 'run-1', previous)).toThrow(`Entry ${other.seq} of run run-1`)
    },
  )

  test('in another run, or after another entry, it does not open', () => {
    for (const [runId, chain] of [
      ['run-2', previous],
      ['run-1', GENESIS],
      ['run-1', row.chain],
    ] as const) {
      expect(() => openEntry(row, runId, chain)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
    }
  })

  test('no flipped bit goes unseen', () => {
    fc.assert(
      fc.property(fc.nat(row.payload.length - 1), fc.nat(7), (index, bit) => {
        const payload = row.payload.slice()
        payload[index] = (payload[index] ?? 0) ^ (1 << bit)
        expect(() => openEntry({ ...row, payload }, 'run-1', previous)).toThrow(
          expect.objectContaining({ code: 'STATE_CORRUPT' }),
        )
      }),
    )
  })

  test('no field runs over into the next (V4)', () => {
    const [one, two] = [
      sealEntry('ab', place, 'message-said', 'x', GENESIS),
      sealEntry('a', place, 'message-said', 'bx', GENESIS),
    ]
    expect(one.chain).not.toEqual(two.chain)
  })

  test('a key that we do not have', () => {
    expect(() => openEntry({ ...row, keyId: 'k1' }, 'run-1', previous)).toThrow(/key "k1"/)
  })

  test('the format of an entry does not change', () => {
    const { payload, chain } = sealEntry(
      'run-1',
      { seq: 1, at: 1, epoch: 0, v: 1 },
      'task-added',
      '{}',
      GENESIS,
    )
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
      const sealed = sealBytes('heap', 'rün', 7, bytes)
      expect(Buffer.from(sealed.subarray(1, 33)).toString('hex')).toBe(hash.digest('hex'))
    }
  })

  test('any bytes come back, as a view', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), fc.nat(), (bytes, context, position) => {
        expect(openBytes(context, 'run-1', position, sealBytes(context, 'run-1', position, bytes))).toEqual(
          bytes,
        )
      }),
    )
  })

  test('for something else, another run or another position they do not open', () => {
    const heap = sealBytes('heap', 'run-1', 7, Uint8Array.of(1, 2, 3))
    for (const [context, runId, position] of [
      ['state', 'run-1', 7],
      ['heap', 'run-2', 7],
      ['heap', 'run-1', 8],
    ] as const) {
      expect(() => openBytes(context, runId, position, heap)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
    }
  })

  test('every cut and every flipped byte is seen', () => {
    const heap = sealBytes('heap', 'run-1', 7, Uint8Array.of(1, 2, 3))
    for (const index of heap.keys()) {
      expect(() => openBytes('heap', 'run-1', 7, heap.subarray(0, index))).toThrow(/run run-1 at 7/)
      const flipped = heap.map((byte, at) => (at === index ? byte ^ 1 : byte))
      expect(() => openBytes('heap', 'run-1', 7, flipped)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
    }
  })
})
