/**
 * State keys: what an author gives, and how it wraps the data key of each run.
 *
 * K1  Every run has a random data key. It is stored wrapped: AES-256-GCM under a key that HKDF-SHA-256 derives from the
 *     state key and a salt of the wrap's own; the run and both key ids are associated data. To change the state key is
 *     to wrap anew (`rekey`); to drop the wrap is to shred the run.
 * K2  A text that decodes (hex, base64, base64url) to exactly 32 bytes is a key. Any other is a passphrase, stretched
 *     by scrypt with N 2^15, r 8, p 3 (32 MiB and about 0.2 s, once for each process and salt); parameters and salt
 *     stand beside the wrap.
 * K3  What a file asks for is bounded before it is done: stretching never takes more than 256 MiB.
 * K4  A key that is missing or another one is refused with the id that is wanted, before anything is written.
 */
import { createSecretKey, randomBytes, scrypt } from 'node:crypto'
import { StateCorruptError, UsageError } from '../base/errors.ts'
import { decrypt, derived, encrypt, idOfKey, KEY_BYTES } from './cipher.ts'
import type { RunId } from './entry.ts'

type KeyGiven = Uint8Array | string

/**
 * 32 bytes, a text (see K2), or a function from a key's id to it. The function is asked with `undefined` for the key
 * of new runs; where it gives none, they are kept in plain.
 */
export type StateKey =
  | KeyGiven
  | ((keyId: string | undefined) => KeyGiven | undefined | Promise<KeyGiven | undefined>)

/** A run's data key as it is stored. */
export interface KeyWrap {
  /** The id of the data key. */
  readonly dataKeyId: string
  /** The id of the state key that wrapped it. */
  readonly keyId: string
  /** How the state key was stretched (K2); empty for one that is no passphrase. */
  readonly stretch: string
  readonly salt: Uint8Array
  readonly wrapped: Uint8Array
}

export interface Keyring {
  /** Wraps a data key under the key of new runs; undefined where there is none. `near`: a stretch that may be used again. */
  wrap(runId: RunId, dataKey: Uint8Array, near?: string): Promise<KeyWrap | undefined>
  /** @throws {UsageError} no key, or another one (K4). @throws {StateCorruptError} the wrap is damaged, or of another run. */
  unwrap(runId: RunId, wrap: KeyWrap): Promise<Uint8Array>
}

const SALT_BYTES = 16
const COST = { log2: 15, r: 8, p: 3 }
const LARGEST = { memory: 256 * 2 ** 20, p: 16 }
const STRETCH = /^scrypt:(\d{1,2}):(\d{1,2}):(\d{1,2}):([\w-]{16,64})$/

/** A key that is ready for use: 32 bytes, and how a passphrase became them. */
interface Ready {
  readonly key: Uint8Array
  readonly keyId: string
  readonly stretch: string
}

/** @throws {UsageError} `given` can be no key. */
export function keyringOf(given: StateKey | undefined): Keyring {
  const stretched = new Map<string, Promise<Uint8Array>>()
  if (given !== undefined && typeof given !== 'function') decoded(given)

  async function givenFor(keyId: string | undefined): Promise<KeyGiven | undefined> {
    return typeof given === 'function' ? given(keyId) : given
  }

  async function ready(key: KeyGiven, stretch: string): Promise<Ready> {
    const raw = decoded(key)
    if (typeof raw !== 'string') return { key: raw, keyId: idOfKey(raw), stretch: '' }
    const place = `${stretch} ${raw}`
    const known = stretched.get(place) ?? stretchKey(raw, stretch)
    stretched.set(place, known)
    const bytes = await known
    return { key: bytes, keyId: idOfKey(bytes), stretch }
  }

  return {
    async wrap(runId, dataKey, near) {
      const key = await givenFor(undefined)
      if (key === undefined) return undefined
      const { keyId, stretch, ...made } = await ready(key, near ?? newStretch())
      const [salt, dataKeyId] = [new Uint8Array(randomBytes(SALT_BYTES)), idOfKey(dataKey)]
      const aad = aadOf(runId, keyId, dataKeyId)
      return { dataKeyId, keyId, stretch, salt, wrapped: encrypt(wrapKey(made.key, salt), aad, dataKey, 0) }
    },
    async unwrap(runId, wrap) {
      const { dataKeyId, keyId, stretch, salt, wrapped } = wrap
      const key = await givenFor(keyId)
      if (key === undefined) throw missing(runId, keyId)
      // A key that is no passphrase needs no stretching, whatever the file says.
      const made = stretch === '' && typeof decoded(key) === 'string' ? undefined : await ready(key, stretch)
      if (made === undefined) throw wrong(runId, keyId, undefined)
      if (made.keyId !== keyId)
        throw isOurs(runId, made, wrap) ? damaged(runId) : wrong(runId, keyId, made.keyId)
      try {
        const dataKey = decrypt(wrapKey(made.key, salt), aadOf(runId, keyId, dataKeyId), wrapped)
        if (dataKey.length === KEY_BYTES && idOfKey(dataKey) === dataKeyId) return dataKey
      } catch (cause) {
        throw damaged(runId, cause)
      }
      throw damaged(runId)
    },
  }
}

/** Random. */
export function newDataKey(): Uint8Array {
  return new Uint8Array(randomBytes(KEY_BYTES))
}

/** K2: the key's bytes, or the passphrase. @throws {UsageError} */
function decoded(given: KeyGiven): Uint8Array | string {
  if (typeof given !== 'string') {
    if (given instanceof Uint8Array && given.length === KEY_BYTES) return given
    throw new UsageError(`A state key has ${KEY_BYTES} bytes, not ${given.length}.`, {
      hint: 'node -p "crypto.randomBytes(32).toString(\'base64\')" makes one; any other text is a passphrase.',
    })
  }
  if (given === '') throw new UsageError('A state key cannot be empty.')
  if (/^[0-9a-f]{64}$/i.test(given)) return new Uint8Array(Buffer.from(given, 'hex'))
  if (/^(?:[A-Za-z0-9+/]{43}=?|[\w-]{43}=?)$/.test(given)) return new Uint8Array(Buffer.from(given, 'base64'))
  return given
}

/** True if this key made the wrap, whatever id stands beside it. */
function isOurs(runId: RunId, { key, keyId }: Ready, { dataKeyId, salt, wrapped }: KeyWrap): boolean {
  try {
    decrypt(wrapKey(key, salt), aadOf(runId, keyId, dataKeyId), wrapped)
    return true
  } catch {
    return false
  }
}

function damaged(runId: RunId, cause?: unknown): StateCorruptError {
  return new StateCorruptError(`The key of run ${runId} is damaged, or belongs to another run.`, { cause })
}

function wrapKey(key: Uint8Array, salt: Uint8Array): ReturnType<typeof createSecretKey> {
  return createSecretKey(derived(key, 'pca wrap', salt))
}

function aadOf(runId: RunId, keyId: string, dataKeyId: string): Uint8Array {
  return Buffer.from(JSON.stringify(['pca-wrap', runId, keyId, dataKeyId]))
}

function newStretch(): string {
  return `scrypt:${COST.log2}:${COST.r}:${COST.p}:${randomBytes(SALT_BYTES).toString('base64url')}`
}

/** K2, K3. */
async function stretchKey(passphrase: string, stretch: string): Promise<Uint8Array> {
  const [, log2, r, p, salt = ''] = STRETCH.exec(stretch) ?? []
  const [N, blocks, lanes] = [2 ** Number(log2), Number(r), Number(p)]
  const memory = 128 * N * blocks
  if (!(N > 1 && blocks > 0 && lanes > 0 && memory <= LARGEST.memory && lanes <= LARGEST.p))
    throw new StateCorruptError('How a passphrase is stretched stands wrong in the state file.')
  return new Promise((resolve, refuse) => {
    const options = { N, r: blocks, p: lanes, maxmem: 2 * LARGEST.memory }
    scrypt(passphrase.normalize('NFC'), Buffer.from(salt, 'base64url'), KEY_BYTES, options, (error, key) => {
      if (error === null) resolve(new Uint8Array(key))
      else refuse(error)
    })
  })
}

function missing(runId: RunId, keyId: string): UsageError {
  return new UsageError(`Run ${runId} is sealed with the state key ${keyId}, and no key was given.`, {
    hint: 'Set PCA_STATE_KEY, or give stateKey.',
  })
}

function wrong(runId: RunId, keyId: string, given: string | undefined): UsageError {
  const what = given === undefined ? 'a passphrase was given, and that key is none' : `${given} was given`
  return new UsageError(`Run ${runId} is sealed with the state key ${keyId}; ${what}.`, {
    hint: 'Set PCA_STATE_KEY to the right one, or give stateKey.',
  })
}
