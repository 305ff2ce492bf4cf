/** Digests of bytes. What is given and what comes back is base64. */

const NAMES: Readonly<Record<string, string>> = {
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
}

/** `null` for an algorithm that `crypto.subtle` does not know. */
export function digest(algorithm: string, bytes: string): string | null {
  const name = NAMES[algorithm.toUpperCase()]
  if (name === undefined) return null
  // Loaded with the first digest: most guests need none.
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash(name).update(bytes, 'base64').digest('base64')
}
