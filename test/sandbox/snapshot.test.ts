/** Snapshots at rest: what is damaged is refused before the engine sees a byte. */
import { beforeAll, expect, test } from 'vitest'
import { StateCorruptError, UsageError } from '../../src/base/errors.ts'
import { engineDigest } from '../../src/sandbox/parts.ts'
import { createSandbox } from '../../src/sandbox/sandbox-thread.ts'
import type { Image } from '../../src/sandbox/sandbox.ts'
import { pack, unpack } from '../../src/sandbox/snapshot.ts'
import { LIMITS, session } from './session.ts'

let image: Image
let packed: Uint8Array
const HEAD = 80

beforeAll(async () => {
  await using guest = await session()
  await guest.step('const big = Array.from({ length: 1000 }, (_, i) => ({ i }))')
  image = await guest.image()
  packed = await pack(image)
})

test('unpack gives the image that was packed', async () => {
  const back = await unpack(packed, engineDigest())
  expect(back.ok && Buffer.compare(back.image.bytes, image.bytes)).toBe(0)
  expect(packed.length).toBeLessThan(image.bytes.length / 2)
})

test('another engine’s snapshot is told apart from a damaged one', async () => {
  expect(await unpack(packed, 'f'.repeat(64))).toEqual({ ok: false, why: 'engine' })
})

test('K1: a change of any bit of the head is refused', async () => {
  for (let at = 0; at < HEAD; at++) {
    const bytes = Uint8Array.from(packed)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
    await expect(unpack(bytes, engineDigest()), `byte ${at}`).rejects.toThrow(StateCorruptError)
  }
})

test('K1: a change of a byte of the body is refused', async () => {
  for (let at = HEAD; at < packed.length; at += 997) {
    const bytes = Uint8Array.from(packed)
    bytes[at] = (bytes[at] ?? 0) ^ 0x10
    await expect(unpack(bytes, engineDigest()), `byte ${at}`).rejects.toThrow(StateCorruptError)
  }
})

test('what is cut short, or longer, or empty is refused', async () => {
  for (const length of [0, 1, 4, HEAD - 1, HEAD, HEAD + 1, packed.length - 1]) {
    await expect(unpack(packed.subarray(0, length), engineDigest()), `${length}`).rejects.toThrow(
      StateCorruptError,
    )
  }
  await expect(unpack(Buffer.concat([packed, Buffer.alloc(1)]), engineDigest())).rejects.toThrow(
    StateCorruptError,
  )
})

test('raw bytes that are no image are refused by open', async () => {
  await using sandbox = createSandbox(LIMITS)
  for (const bytes of [new Uint8Array(0), new Uint8Array(100), image.bytes.subarray(0, 1000)]) {
    await expect(sandbox.open({ from: 'image', image: { bytes } }, [])).rejects.toThrow(UsageError)
  }
  await sandbox.open({ from: 'image', image }, [])
})

test('opening does not take the caller’s bytes away', async () => {
  await using sandbox = createSandbox(LIMITS)
  const before = Buffer.from(image.bytes)
  await sandbox.open({ from: 'image', image }, [])
  await sandbox.open({ from: 'image', image }, [])
  expect(Buffer.compare(before, image.bytes)).toBe(0)
})
