/**
 * How the payloads of one run are encrypted: a data key of its own, and from it a key for each purpose.
 *
 * C1  AES-256-GCM. What is sealed opens only with the same key, the same purpose and the same associated data.
 * C2  Nonces are random, 96 bits. Two messages of one key share one with a chance below 2^-32 as long as the key seals
 *     fewer than 2^32 messages (NIST SP 800-38D, 8.3): as many as a run can have entries. Each purpose has its own key.
 * C3  A key's id tells nothing of the key: it is derived from it (HKDF-SHA-256), as the keys of the purposes are.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { StateCorruptError } from '../base/errors.ts'
import type { RunId } from './entry.ts'

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
export const KEY_BYTES = 32
const ID_BYTES = 6
/** Random bytes are cheaper by the dozen. */
const NONCES_AT_ONCE = 256

export type Purpose = 'entry' | 'bytes' | 'name'

/** All that a run's data key is used for. */
export interface Cipher {
  /** Which data key it is; stands in plain beside what it sealed. */
  readonly keyId: string
  /** Nonce, tag and ciphertext, after `head` bytes that are left for the caller. */
  seal(purpose: Purpose, aad: Uint8Array, bytes: Uint8Array, head: number): Uint8Array
  /** @throws {StateCorruptError} `sealed` is not what this key sealed with this associated data. */
  open(purpose: Purpose, aad: Uint8Array, sealed: Uint8Array): Uint8Array
  /** A name for `bytes` that tells nothing of them without the key, and is always the same; in hex. */
  name(bytes: Uint8Array): string
}

/** How everything of one run is sealed. Without a cipher: in plain. */
export interface Seal {
  readonly runId: RunId
  readonly cipher?: Cipher
}

/** No key sealed it. */
export const NO_KEY = ''

export function plainSeal(runId: RunId): Seal {
  return { runId }
}

/** What stands in plain beside all that `seal` sealed. */
export function keyIdOf(seal: Seal): string {
  return seal.cipher?.keyId ?? NO_KEY
}

export function cipherOf(dataKey: Uint8Array): Cipher {
  const keys = new Map<Purpose, KeyObject>()
  const keyOf = (purpose: Purpose): KeyObject => {
    const known = keys.get(purpose) ?? createSecretKey(derived(dataKey, `pca ${purpose}`))
    keys.set(purpose, known)
    return known
  }
  return {
    keyId: idOfKey(dataKey),
    seal: (purpose, aad, bytes, head) => encrypt(keyOf(purpose), aad, bytes, head),
    open: (purpose, aad, sealed) => decrypt(keyOf(purpose), aad, sealed),
    name: (bytes) => createHmac('sha256', keyOf('name')).update(bytes).digest('hex'),
  }
}

/** C3. */
export function idOfKey(key: Uint8Array): string {
  return Buffer.from(derived(key, 'pca key id')).toString('hex', 0, ID_BYTES)
}

/** A key for one use, from another one. */
export function derived(key: Uint8Array, use: string, salt: Uint8Array = new Uint8Array(0)): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, use, KEY_BYTES))
}

/** C1. */
export function encrypt(key: KeyObject, aad: Uint8Array, bytes: Uint8Array, head: number): Uint8Array {
  const nonce = newNonce()
  const cipher = createCipheriv(ALGORITHM, key, nonce)
  cipher.setAAD(aad)
  const body = cipher.update(bytes)
  cipher.final()
  const sealed = new Uint8Array(head + NONCE_BYTES + TAG_BYTES + body.length)
  sealed.set(nonce, head)
  sealed.set(cipher.getAuthTag(), head + NONCE_BYTES)
  sealed.set(body, head + NONCE_BYTES + TAG_BYTES)
  return sealed
}

/** C1. @throws {StateCorruptError} */
export function decrypt(key: KeyObject, aad: Uint8Array, sealed: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(aad)
    decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    const bytes = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES))
    decipher.final()
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  } catch (cause) {
    throw new StateCorruptError('It is not what was sealed there.', { cause })
  }
}

let nonces = Buffer.alloc(0)
let used = 0

/** C2. */
function newNonce(): Uint8Array {
  if (used === nonces.length) {
    nonces = randomBytes(NONCE_BYTES * NONCES_AT_ONCE)
    used = 0
  }
  used += NONCE_BYTES
  return nonces.subarray(used - NONCE_BYTES, used)
}
