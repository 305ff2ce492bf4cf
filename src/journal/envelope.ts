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
import { createHash } from 'node:crypto'
import { StateCorruptError, UsageError } from '../base/errors.ts'
import type { EntryKind, Place, RunId } from './entry.ts'
import type { EntryRow } from './store.ts'

const PLAIN = 1
const DIGEST_BYTES = 32

/** No key sealed it. */
export const NO_KEY = ''

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
  const text = Buffer.from(body, 'utf8')
  const payload = new Uint8Array(1 + text.length)
  payload[0] = PLAIN
  payload.set(text, 1)
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
  return digest([
    Buffer.from('pca-entry'),
    previousChain,
    textBytes(runId),
    numbers(row.seq, row.at, row.epoch, row.v),
    textBytes(row.kind),
    row.payload,
  ])
}

/** V3, V4. */
function digestOf(context: string, runId: RunId, position: number, bytes: Uint8Array): Uint8Array {
  return digest([Buffer.from('pca-bytes'), textBytes(context), textBytes(runId), numbers(position), bytes])
}

function digest(parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  const length = Buffer.alloc(8)
  for (const part of parts) {
    length.writeDoubleBE(part.length)
    hash.update(length).update(part)
  }
  return new Uint8Array(hash.digest())
}

/** UTF-16, so that two texts that UTF-8 would make equal stay two. */
function textBytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf16le')
}

function numbers(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(8 * values.length)
  for (const [index, value] of values.entries()) bytes.writeDoubleBE(value, 8 * index)
  return bytes
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
