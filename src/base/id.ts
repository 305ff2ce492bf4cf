/** Ids and digests. An id that must be the same in every process is derived, one that must be new is random. */
import { createHash, randomBytes } from 'node:crypto'
import { UsageError } from './errors.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** A new run's id: 17 characters that sort by the time of their making (8 of `now`, 9 random). */
export function newRunId(now: number): string {
  let time = ''
  for (let rest = now, i = 0; i < 8; i++, rest = Math.floor(rest / 32))
    time = ALPHABET.charAt(rest % 32) + time
  return time + randomText(9)
}

/** `length` random characters of 5 bits each. */
export function randomText(length: number): string {
  return Array.from(randomBytes(length), (byte) => ALPHABET.charAt(byte & 31)).join('')
}

/** The same text in every process: `length` characters (5 bits each) of the digest over `parts`. */
export function derivedText(length: number, ...parts: readonly (string | number)[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest()
  return Array.from(digest.subarray(0, length), (byte) => ALPHABET.charAt(byte & 31)).join('')
}

/** What the references to secrets in a run's code end with, on both sides. `seed`: the one that the run began with. */
export function referenceMark(seed: string): string {
  return derivedText(12, seed, 'secret')
}

/** sha256 of text (as UTF-8, lone surrogates escaped by the caller's encoding) or bytes, in hex. */
export function digestOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** @throws {UsageError} for an id that could not be typed, printed or used as a file name. */
export function checkRunId(runId: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/.test(runId)) return runId
  throw new UsageError(
    `A run id is 1 to 128 letters, digits, '_', '.', ':' or '-': ${JSON.stringify(runId.slice(0, 60))}`,
  )
}
