/**
 * The envelope in which payloads are stored: a format byte and what it says of the rest.
 *
 * V1  Bytes that come out are the bytes that went in, at the place they went in, or StateCorruptError.
 * V2  An entry's place is bound by its `chain`: the digest over the chain before it, the run, its place, its kind and
 *     its sealed payload. Rows that were edited, swapped, dropped or put in do not open.
 * V3  What stands outside the chain (blobs, states, heaps) carries its own digest over what it is for, the run, its
 *     position and its bytes.
 * V4  Every field is digested with its length before it: no two different rows digest the same bytes.
 *
 * Without a key this finds damage and mix-ups, not an attacker who recomputes digests. Format 1 is plain; encrypted
 * and compressed bodies will get bytes of their own.
 */
import { createHash, hash } from 'node:crypto'
import { StateCorruptError, UsageError } from '../base/errors.ts'
import type { EntryKind, Place, RunId } from './entry.ts'
import type { EntryRow } from './store.ts'

const PLAIN = 1
const DIGEST_BYTES = 32
const ENTRY_MARK = Buffer.from('pca-entry')
const BYTES_MARK = Buffer.from('pca-bytes')
/** What is longer is digested where it lies: copying it would cost more. */
const SHORT_BYTES = 8_192

/** No key sealed it. */
export const NO_KEY = ''

const encoder = new TextEncoder()

/** The chain before the first entry. */
export const GENESIS: Uint8Array = new Uint8Array(0)

/**
 * Seals one entry. `body` is the entry's own fields as JSON text.
 * @throws {UsageError} `body` is no well-formed text: it would not come back as it was.
 */
export function sealEntry(
  runId: RunId,
  place: Place,
  kind: EntryKind,
  body: string,
  previousChain: Uint8Array,
): { readonly payload: Uint8Array; readonly chain: Uint8Array } {
  if (!body.isWellFormed()) throw new UsageError(`The body of a ${kind} entry is not well-formed text.`)
  const payload = new Uint8Array(1 + Buffer.byteLength(body))
  payload[0] = PLAIN
  encoder.encodeInto(body, payload.subarray(1))
  return { payload, chain: chainOf(runId, { ...place, kind, payload }, previousChain) }
}

/**
 * Opens one entry: its body as JSON text.
 * @throws {StateCorruptError} naming run and seq, if the row is not the one that was written after `previousChain`.
 */
export function openEntry(row: EntryRow, runId: RunId, previousChain: Uint8Array): string {
  const what = `Entry ${row.seq} of run ${runId}`
  if (!isSame(row.chain, chainOf(runId, row, previousChain))) {
    throw new StateCorruptError(`${what} is damaged, or the entry before it is: its digest does not match.`)
  }
  checkFormat(row.payload, row.keyId, what)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(row.payload.subarray(1))
  } catch (cause) {
    throw new StateCorruptError(`${what} holds bytes that are no text.`, { cause })
  }
}

/** Seals bytes outside the chain. `context` says what they are for (`state`, `heap`, `blob`), `position` where they belong. */
export function sealBytes(context: string, runId: RunId, position: number, bytes: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(1 + DIGEST_BYTES + bytes.length)
  sealed[0] = PLAIN
  sealed.set(digestOf(context, runId, position, bytes), 1)
  sealed.set(bytes, 1 + DIGEST_BYTES)
  return sealed
}

/**
 * Opens what `sealBytes` sealed. The result is a view on `sealed`: copy it before you change it.
 * @throws {StateCorruptError} naming context and run, if it is damaged or was sealed for another place.
 */
export function openBytes(
  context: string,
  runId: RunId,
  position: number,
  sealed: Uint8Array,
  keyId: string = NO_KEY,
): Uint8Array {
  const what = `The ${context} of run ${runId} at ${position}`
  checkFormat(sealed, keyId, what)
  const bytes = sealed.subarray(1 + DIGEST_BYTES)
  const digest = sealed.subarray(1, 1 + DIGEST_BYTES)
  if (!isSame(digest, digestOf(context, runId, position, bytes))) {
    throw new StateCorruptError(`${what} is damaged or belongs elsewhere: its digest does not match.`)
  }
  return bytes
}

function checkFormat(payload: Uint8Array, keyId: string, what: string): void {
  if (keyId !== NO_KEY)
    throw new StateCorruptError(
      `${what} is sealed with the key ${JSON.stringify(keyId)}; this version reads no keys.`,
    )
  if (payload[0] === PLAIN) return
  throw new StateCorruptError(
    `${what} has the format ${payload[0] ?? 'of nothing'}; this version knows ${PLAIN}.`,
  )
}

/** V2, V4. */
function chainOf(
  runId: RunId,
  row: Place & { readonly kind: EntryKind; readonly payload: Uint8Array },
  previousChain: Uint8Array,
): Uint8Array {
  const numbers = [row.seq, row.at, row.epoch, row.v]
  return digest([ENTRY_MARK, previousChain, runId, numbers, row.kind], row.payload)
}

/** V3, V4. */
function digestOf(context: string, runId: RunId, position: number, bytes: Uint8Array): Uint8Array {
  return digest([BYTES_MARK, context, runId, [position]], bytes)
}

type Part = Uint8Array | string | readonly number[]

/**
 * V4: over each part with its length in bytes before it, as a number. Texts are UTF-16, so that two that UTF-8 would
 * make equal stay two; numbers are big-endian doubles. One buffer and one call: an entry is sealed in microseconds.
 */
function digest(parts: readonly Part[], last: Uint8Array): Uint8Array {
  const isShort = last.length <= SHORT_BYTES
  const size = parts.reduce((sum, part) => sum + 8 + sizeOf(part), 8)
  const bytes = Buffer.allocUnsafe(isShort ? size + last.length : size)
  let at = 0
  for (const part of parts) at = write(bytes, part, bytes.writeDoubleBE(sizeOf(part), at))
  at = bytes.writeDoubleBE(last.length, at)
  if (!isShort) return new Uint8Array(createHash('sha256').update(bytes).update(last).digest())
  bytes.set(last, at)
  // Out as text: a buffer of its own for 32 bytes costs as much as the digest.
  return new Uint8Array(Buffer.from(hash('sha256', bytes, 'hex'), 'hex'))
}

function sizeOf(part: Part): number {
  if (part instanceof Uint8Array) return part.length
  return part.length * (typeof part === 'string' ? 2 : 8)
}

/** The place behind it. */
function write(bytes: Buffer, part: Part, at: number): number {
  if (typeof part === 'string') return at + bytes.write(part, at, 'utf16le')
  if (part instanceof Uint8Array) {
    bytes.set(part, at)
    return at + part.length
  }
  let end = at
  for (const value of part) end = bytes.writeDoubleBE(value, end)
  return end
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
