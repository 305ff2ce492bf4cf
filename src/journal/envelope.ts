/**
 * The envelope in which payloads are stored: a format byte and what it says of the rest.
 *
 * V1  Bytes that come out are the bytes that went in, at the place they went in, or StateCorruptError.
 * V2  An entry's place is bound by its `chain`: the digest over the chain before it, the run, its place, its kind and
 *     its sealed payload. Rows that were edited, swapped, dropped or put in do not open. Without a key it can be
 *     checked, though not read.
 * V3  What stands outside the chain (blobs, states, heaps, rows that the store itself writes) is bound to what it is
 *     for, the run and its position.
 * V4  Every field is digested with its length before it: no two different rows digest the same bytes.
 * V5  Format 1 is plain: a digest finds damage and mix-ups, not an attacker who recomputes it. Format 2 is encrypted
 *     with the run's data key, and V2 and V3 are its associated data. What a run with a key finds in plain, or the
 *     other way round, does not open.
 */
import { createHash, hash } from 'node:crypto'
import { StateCorruptError, UsageError } from '../base/errors.ts'
import { keyIdOf, NO_KEY, type Cipher, type Seal } from './cipher.ts'
import type { EntryKind, Place, RunId } from './entry.ts'
import type { EntryRow } from './store.ts'

const PLAIN = 1
const SEALED = 2
const DIGEST_BYTES = 32
const ENTRY_MARK = Buffer.from('pca-entry')
const BYTES_MARK = Buffer.from('pca-bytes')
/** What is longer is digested where it lies: copying it would cost more. */
const SHORT_BYTES = 8_192

const encoder = new TextEncoder()

/** The chain before the first entry. */
export const GENESIS: Uint8Array = new Uint8Array(0)

/**
 * Seals one entry. `body` is the entry's own fields as JSON text.
 * @throws {UsageError} `body` is no well-formed text: it would not come back as it was.
 */
export function sealEntry(
  seal: Seal,
  place: Place,
  kind: EntryKind,
  body: string,
  previousChain: Uint8Array,
): { readonly payload: Uint8Array; readonly chain: Uint8Array; readonly keyId: string } {
  if (!body.isWellFormed()) throw new UsageError(`The body of a ${kind} entry is not well-formed text.`)
  const payload = sealBody(seal, place, kind, body, previousChain)
  return {
    payload,
    chain: chainOf(seal.runId, { ...place, kind, payload }, previousChain),
    keyId: keyIdOf(seal),
  }
}

function sealBody(
  { runId, cipher }: Seal,
  place: Place,
  kind: EntryKind,
  body: string,
  previousChain: Uint8Array,
): Uint8Array {
  if (cipher !== undefined) {
    const aad = chainOf(runId, { ...place, kind, payload: mark(cipher) }, previousChain)
    return marked(SEALED, cipher.seal('entry', aad, encoder.encode(body), 1))
  }
  const payload = new Uint8Array(1 + Buffer.byteLength(body))
  encoder.encodeInto(body, payload.subarray(1))
  return marked(PLAIN, payload)
}

/**
 * Opens one entry: its body as JSON text.
 * @throws {StateCorruptError} naming run and seq, if the row is not the one that was written after `previousChain`.
 */
export function openEntry(row: EntryRow, seal: Seal, previousChain: Uint8Array): string {
  checkChain(row, seal.runId, previousChain)
  const { runId, cipher } = seal
  const what = `Entry ${row.seq} of run ${runId}`
  checkFormat(row.payload, row.keyId, seal, what)
  const bytes =
    cipher === undefined
      ? row.payload.subarray(1)
      : opened(what, () =>
          cipher.open(
            'entry',
            chainOf(runId, { ...row, payload: mark(cipher) }, previousChain),
            row.payload.subarray(1),
          ),
        )
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new StateCorruptError(`${what} holds bytes that are no text.`, { cause })
  }
}

/** V2, which needs no key. @throws {StateCorruptError} naming run and seq. */
export function checkChain(row: EntryRow, runId: RunId, previousChain: Uint8Array): void {
  if (isSame(row.chain, chainOf(runId, row, previousChain))) return
  throw new StateCorruptError(
    `Entry ${row.seq} of run ${runId} is damaged, or the entry before it is: its digest does not match.`,
  )
}

/** Seals bytes outside the chain. `context` says what they are for (`state`, `heap`, `blob`), `position` where they belong. */
export function sealBytes(seal: Seal, context: string, position: number, bytes: Uint8Array): Uint8Array {
  const { runId, cipher } = seal
  if (cipher !== undefined) {
    const aad = digestOf(context, runId, position, mark(cipher))
    return marked(SEALED, cipher.seal('bytes', aad, bytes, 1))
  }
  const sealed = new Uint8Array(1 + DIGEST_BYTES + bytes.length)
  sealed.set(digestOf(context, runId, position, bytes), 1)
  sealed.set(bytes, 1 + DIGEST_BYTES)
  return marked(PLAIN, sealed)
}

/**
 * Opens what `sealBytes` sealed. The result is a view on `sealed` where that is plain: copy it before you change it.
 * @throws {StateCorruptError} naming context and run, if it is damaged or was sealed for another place.
 */
export function openBytes(
  seal: Seal,
  context: string,
  position: number,
  sealed: Uint8Array,
  keyId: string = keyIdOf(seal),
): Uint8Array {
  const { runId, cipher } = seal
  const [name = ''] = context.split(' ', 1)
  const what = `The ${name} of run ${runId} at ${position}`
  checkFormat(sealed, keyId, seal, what)
  if (cipher !== undefined) {
    const aad = digestOf(context, runId, position, mark(cipher))
    return opened(what, () => cipher.open('bytes', aad, sealed.subarray(1)))
  }
  const bytes = sealed.subarray(1 + DIGEST_BYTES)
  const digest = sealed.subarray(1, 1 + DIGEST_BYTES)
  if (!isSame(digest, digestOf(context, runId, position, bytes))) {
    throw new StateCorruptError(`${what} is damaged or belongs elsewhere: its digest does not match.`)
  }
  return bytes
}

/** The name under which bytes are kept once: their digest, or with a key one that tells nothing of them. In hex. */
export function nameOf({ cipher }: Seal, bytes: Uint8Array): string {
  return cipher === undefined ? createHash('sha256').update(bytes).digest('hex') : cipher.name(bytes)
}

/** V5. */
function checkFormat(payload: Uint8Array, keyId: string, seal: Seal, what: string): void {
  const wanted = keyIdOf(seal)
  if (keyId !== wanted) {
    const how = (id: string): string => (id === NO_KEY ? 'in plain' : `sealed with the data key ${id}`)
    throw new StateCorruptError(`${what} is ${how(keyId)}, its run ${how(wanted)}.`)
  }
  const format = wanted === NO_KEY ? PLAIN : SEALED
  if (payload[0] === format) return
  throw new StateCorruptError(`${what} has the format ${payload[0] ?? 'of nothing'}, not ${format}.`)
}

/** What is authenticated in place of a payload that is encrypted: its format, and the key. */
function mark(cipher: Cipher): Uint8Array {
  return encoder.encode(`${SEALED} ${cipher.keyId}`)
}

function marked(format: number, payload: Uint8Array): Uint8Array {
  payload[0] = format
  return payload
}

function opened(what: string, open: () => Uint8Array): Uint8Array {
  try {
    return open()
  } catch (cause) {
    throw new StateCorruptError(`${what} is damaged, or belongs elsewhere.`, { cause })
  }
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
