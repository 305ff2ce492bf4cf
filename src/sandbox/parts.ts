/**
 * The engine by its name: the digest that images and journals carry, since a heap is only valid for the very engine
 * that made it.
 */
import { createHash } from 'node:crypto'
import { CODEC_VERSION } from '../base/codec-version.ts'
import { UsageError } from '../base/errors.ts'
import { engineOfBase } from './base.ts'
import { hostLibraries } from './pure.ts'
import { wording } from './modules.ts'
import { readSources } from './sources.ts'
import { TELL_TALE } from './tell-tale.ts'

let digest: string | undefined

/** What a base is bound to: the engine's bytes and how they are changed. */
export function engineId(wasm: Uint8Array): Uint8Array {
  return createHash('sha256').update(wasm).update(TELL_TALE).digest()
}

/**
 * sha256 (hex) over the engine's bytes, how they are changed, the base (and with it the prelude) and the codec's version.
 * @throws {UsageError} the base is not of this engine: the package is not as it was published.
 */
export function engineDigest(): string {
  if (digest === undefined) {
    const { wasm, base } = readSources()
    if (!engineOfBase(base).equals(engineId(wasm)))
      throw new UsageError('quickjs-wasi is not as it was when this package was made: no heap fits it.', {
        hint: 'Install again (npm ci), or another version of this package. In a checkout of it: npm run base.',
      })
    const hash = createHash('sha256').update(wasm).update('\0').update(base)
    digest = hash.update(`\0${TELL_TALE}\0codec ${CODEC_VERSION}`).digest('hex')
  }
  return digest
}

/**
 * sha256 (hex) over the engine's digest, the libraries that a guest asks of the host, and what it is told of modules: what a replay has to have the
 * same of, to be the same. A heap goes on with other libraries too (docs/decisions/0019-intl-from-the-host.md).
 */
export function guestDigest(): string {
  return createHash('sha256').update(`${engineDigest()}\0${hostLibraries()}\0${wording()}`).digest('hex')
}
